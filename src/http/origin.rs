//! Where a request comes from, and where its client reaches us.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::http::header::HOST;
use calls_model::RoomId;

use super::routes::BASE;
use crate::app::App;

/// The client's address, for counting its tries.
pub(super) fn address(request: &HttpRequest, app: &App) -> IpAddr {
    let forwarded = || {
        // The last entry is the one that our own proxy wrote; those before it anybody can make up.
        let value = request
            .headers()
            .get_all("x-forwarded-for")
            .last()?
            .to_str()
            .ok()?;
        value.rsplit(',').next()?.trim().parse().ok()
    };
    let proxied = app.config.http.behind_proxy.then(forwarded).flatten();
    let peer = || request.peer_addr().map(|peer| peer.ip());
    proxied
        .or_else(peer)
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// Where the signaling socket is, as this client sees us.
pub(super) fn ws_url(request: &HttpRequest, app: &App) -> String {
    format!("{}{BASE}/ws", base(request, app).replacen("http", "ws", 1))
}

/// The host that a client asked, with its port.
pub(super) fn host(request: &HttpRequest) -> Option<&str> {
    request.headers().get(HOST)?.to_str().ok()
}

/// Where our page lets the bearer of this token into a room. Behind the `#` it is seen by the page and by no log.
pub(super) fn join_url(request: &HttpRequest, app: &App, room: &RoomId, token: &str) -> String {
    format!("{}/meet/{room}#token={token}", base(request, app))
}

/// Where everything of ours is, as this client sees us.
fn base(request: &HttpRequest, app: &App) -> String {
    let public = app.config.http.public_url.trim_end_matches('/');
    let scheme = if app.config.tls.on() { "https" } else { "http" };
    match (public, host(request)) {
        ("", Some(host)) => format!("{scheme}://{host}"),
        ("", None) => format!("{scheme}://{}", app.config.http.bind),
        (public, _) => public.to_owned(),
    }
}
