//! The HTTP server around the routes.

use std::any::Any;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_cors::Cors;
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::{Extensions, Server};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::{App as Actix, HttpServer, web};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tracing_actix_web::TracingLogger;

use super::{audit, envelope, idempotency, limits, routes};
use crate::app::{App, StartError};
use crate::signaling::PORTION;
use crate::telemetry::RequestSpan;
use crate::tls::{self, Resolver, TlsError};

/// A peer that acknowledges nothing for so long is gone, however much still waits for it.
const DEAD_PEER: Duration = Duration::from_secs(30);

/// The head of a request must be here by then; `extract` bounds the time that its body may take.
const SLOW_HEAD: Duration = Duration::from_secs(20);

/// Connections that may wait to be taken.
const BACKLOG: i32 = 1024;

/// Takes the address, and nobody's connections yet.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    let listen = || {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    listen().map_err(|reason| StartError::Listen { address, reason })
}

/// The HTTP server, not yet running, and where it listens.
pub(crate) fn server(
    app: &web::Data<App>,
    listener: TcpListener,
    certificate: Option<Resolver>,
) -> Result<(Server, SocketAddr), StartError> {
    let http = &app.config.http;
    let (data, origins) = (app.clone(), http.allowed_origins.clone());
    let mut server = HttpServer::new(move || {
        Actix::new()
            .app_data(data.clone())
            .wrap(from_fn(audit::audit))
            .wrap(from_fn(idempotency::idempotency))
            .wrap(from_fn(limits::limit))
            .wrap(from_fn(envelope::envelope))
            .wrap(Compress::default())
            .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
            .wrap(TracingLogger::<RequestSpan>::new())
            .configure(routes::all)
    })
    .on_connect(tune)
    .h1_write_buffer_size(PORTION)
    .client_request_timeout(SLOW_HEAD)
    .shutdown_timeout(http.drain_seconds)
    .disable_signals();
    if http.workers > 0 {
        server = server.workers(http.workers);
    }
    let refused = |reason| StartError::Listen {
        address: http.bind,
        reason,
    };
    let server = match certificate {
        None => server.listen(listener),
        Some(certificate) => {
            let tls = tls::http_config(certificate, &app.config.tls).map_err(TlsError::from)?;
            server.listen_rustls_0_23(listener, tls)
        }
    };
    let server = server.map_err(refused)?;
    let address = server.addrs().first().copied().unwrap_or(http.bind);
    Ok((server.run(), address))
}

/// Other pages' origins, as configured; without any, this is not even wrapped around.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allow_any_method()
        .allow_any_header()
        .expose_headers([
            envelope::REQUEST_ID.as_str(),
            idempotency::REPLAYED.as_str(),
            "location",
            "etag",
            "link",
            "retry-after",
            "ratelimit",
            "ratelimit-policy",
        ])
        .max_age(3600);
    origins
        .iter()
        .fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// Frames are small and wait for nothing; a peer that stopped reading does not hold memory for ever.
fn tune(connection: &dyn Any, _: &mut Extensions) {
    let secure = || connection.downcast_ref::<TlsStream<TcpStream>>();
    let plain = connection.downcast_ref::<TcpStream>();
    if let Some(stream) = plain.or_else(|| Some(secure()?.get_ref().0)) {
        let socket = SockRef::from(stream);
        let tuned = socket.set_tcp_nodelay(true).and_then(|()| {
            #[cfg(target_os = "linux")]
            socket.set_tcp_user_timeout(Some(DEAD_PEER))?;
            Ok(())
        });
        if let Err(error) = tuned {
            tracing::debug!(%error, "a connection could not be tuned");
        }
    }
}
