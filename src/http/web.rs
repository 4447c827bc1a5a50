//! The web pages, built into the binary.

use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderName, IF_NONE_MATCH,
    REFERRER_POLICY,
};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::origin;
use crate::app::App;
use crate::auth::ConsoleClient;

/// What `npm run build` makes of `web/`; `build.rs` puts a page of its own there where nothing was built.
#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Pages;

/// For pages that name no icon, such as the API docs; browsers ask for it by themselves.
const ICON: &[u8] = include_bytes!("web/favicon.ico");

/// For people who went astray.
const NOT_FOUND: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport \
    content=\"width=device-width\"><title>Not found - Calls</title><h1>There is nothing here</h1>\
    <p>The address may be mistyped, or the meeting's link incomplete. <a href=\"/\">Start a meeting</a>, \
    or read the <a href=\"/docs/\">API docs</a>.</p>\n";

/// Only our own scripts, styles and sockets; nobody frames us. `connect-src` follows, with the signaling socket.
const CSP: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
                   img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; \
                   form-action 'self'; frame-ancestors 'none'; connect-src 'self'";

/// What our pages may ask the browser for.
const PERMISSIONS: &str = "camera=(self), microphone=(self), display-capture=(self), \
                           fullscreen=(self), picture-in-picture=(self), autoplay=(self), \
                           geolocation=(), payment=(), usb=()";

/// The page or file behind this path, if there is one.
pub(super) fn page(request: &HttpRequest) -> Option<HttpResponse> {
    if request.method() != Method::GET {
        return None;
    }
    let path = request.path().trim_start_matches('/');
    if path == "favicon.ico" {
        let mut icon = HttpResponse::Ok();
        icon.insert_header((CACHE_CONTROL, "public, max-age=86400"));
        return Some(icon.content_type("image/x-icon").body(ICON));
    }
    if path == "console/issuer.json" {
        return Some(issuer(request));
    }
    let name = if Pages::get(path).is_some() {
        path
    } else {
        entry(path)?
    };
    let file = Pages::get(name)?;
    Some(respond(request, name, file))
}

/// Where people sign in to the console: at another issuer, or `null` where there are only keys.
fn issuer(request: &HttpRequest) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-cache"))
        .json(console_client(request))
}

fn console_client(request: &HttpRequest) -> Option<ConsoleClient> {
    let app = request.app_data::<web::Data<App>>()?;
    app.oidc.as_ref()?.console_client()
}

/// A person's browser asks, and not for the API.
pub(super) fn wants_page(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    request.method() == Method::GET
        && !request.path().starts_with("/api/")
        && accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The page for a path that leads nowhere.
pub(super) fn not_found() -> HttpResponse {
    let mut page = HttpResponse::NotFound();
    page.insert_header((CONTENT_SECURITY_POLICY, CSP))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .content_type("text/html; charset=utf-8");
    page.body(NOT_FOUND)
}

/// Older browsers do not count a WebSocket of the same host as `'self'`, so it is named.
///
/// The console asks the issuer, too, by which people sign in to it.
fn policy(request: &HttpRequest, name: &str) -> String {
    let host = origin::host(request).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let mut policy = CSP.to_owned();
    if !host.is_empty() && host.chars().all(plain) {
        policy = format!("{policy} ws://{host} wss://{host}");
    }
    if name == "console.html"
        && let Some(ConsoleClient { origin, .. }) = console_client(request)
    {
        policy = format!("{policy} {origin}");
    }
    policy
}

/// Paths that are drawn by a page's own script. Anything with a dot is a file, and there or not.
fn entry(path: &str) -> Option<&'static str> {
    let under = |folder: &str| {
        let rest = path.strip_prefix(folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match path {
        path if path.contains('.') => None,
        "" => Some("index.html"),
        _ if under("meet") => Some("index.html"),
        _ if under("console") => Some("console.html"),
        _ => None,
    }
}

fn respond(request: &HttpRequest, name: &str, file: EmbeddedFile) -> HttpResponse {
    let etag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    let known = request
        .headers()
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let known = known.is_some_and(|known| {
        known
            .split(',')
            .any(|tag| tag.trim().trim_start_matches("W/") == etag || tag.trim() == "*")
    });
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    // Built files carry a hash of their content in their names; pages are asked for again each time.
    let immutable = name.starts_with("assets/");
    response
        .insert_header((ETAG, etag))
        .insert_header((
            CACHE_CONTROL,
            if immutable {
                "public, max-age=31536000, immutable"
            } else {
                "no-cache"
            },
        ))
        .insert_header((CONTENT_SECURITY_POLICY, policy(request, name)))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((HeaderName::from_static("permissions-policy"), PERMISSIONS))
        .insert_header((
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ));
    if known {
        return response.finish();
    }
    response.content_type(media_type(name));
    response.body(file.data.into_owned())
}

fn media_type(name: &str) -> String {
    let guess = mime_guess::from_path(name).first_or_octet_stream();
    if guess.type_() == "text" {
        format!("{guess}; charset=utf-8")
    } else {
        guess.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meetings_are_drawn_by_the_page_and_files_are_not() {
        for path in ["", "meet", "meet/room_1", "meet/room_1/x"] {
            assert_eq!(entry(path), Some("index.html"), "{path:?}");
        }
        for path in ["console", "console/", "console/calls/call_1"] {
            assert_eq!(entry(path), Some("console.html"), "{path:?}");
        }
        for path in [
            "missing.js",
            "meet/missing.js",
            "console/missing.js",
            "consoles",
            "assets/x.js",
            "elsewhere",
            "../etc/passwd",
        ] {
            assert_eq!(entry(path), None, "{path:?}");
        }
    }
}
