//! The whole server in one value: what every handler and session shares, and how it starts and stops.

mod start;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message};
use calls_actors::MediaPorts;
use calls_actors::calls::Calls;
use calls_actors::clock::Clock;
use calls_actors::heartbeat::Heartbeat;
use calls_model::UserId;
use calls_model::rest::{Connection, IceServer};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;

use crate::auth::turn::IceSource;
use crate::auth::{Door, Oidc, Revoked, Tokens};
use crate::config::Config;
use crate::files::Files;
use crate::http::Sessions;
use crate::http::limits::Limits;
use crate::http::problem::Problem;
use crate::http::recordings::Links;
use crate::recording::archive::Archive;
use crate::recording::transcripts::Transcripts;
use crate::store::Store;
use crate::transcription::Ears;
use crate::turn::Turn;
use crate::voice::Voice;
use crate::webhooks::Sender;

pub(crate) use start::bounds;
pub use start::{Server, StartError};

/// How long anybody waits for an actor before it counts as unreachable.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What every handler and session shares.
pub struct App {
    /// As it was read.
    pub config: Config,
    /// Rooms, calls, keys.
    pub store: Store,
    /// The registry of what lives.
    pub calls: Addr<Calls>,
    /// Where media comes in.
    pub ports: MediaPorts,
    /// Asks those two whether they still answer.
    pub heartbeat: Heartbeat,
    /// The built-in TURN server, unless it is off.
    pub turn: Option<Turn>,
    /// STUN and TURN for clients.
    pub ice: IceSource,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How often the API may be asked.
    pub limits: Limits,
    /// Another issuer of tokens, if there is one.
    pub oidc: Option<Oidc>,
    /// Keys that open nothing any more.
    pub revoked: Revoked,
    /// By whom sessions of WHIP and WHEP were opened.
    pub sessions: Sessions,
    /// Makes and reads join tokens.
    pub tokens: Tokens,
    /// Brings recordings to their ends.
    pub archive: Archive,
    /// Transcribes them.
    pub transcripts: Transcripts,
    /// Files that members share.
    pub files: Files,
    /// Says things.
    pub voice: Arc<dyn Voice>,
    /// Understands speech.
    pub ears: Ears,
    /// Sends single events to applications; the courier has its own.
    pub sender: Sender,
    /// Signs links to their files.
    pub links: Links,
    /// Checks rooms' passwords.
    pub door: Door,
    /// No credentials are asked for (`--dev`).
    pub open: bool,
    /// What `/metrics` says.
    pub metrics: PrometheusHandle,
    stopping: Stopping,
}

/// Tells everybody that the server goes down.
struct Stopping {
    draining: AtomicBool,
    tell: watch::Sender<bool>,
}

impl App {
    /// Asks an actor, with a limit on patience.
    pub(crate) async fn ask<M>(&self, message: M) -> Result<M::Result, Problem>
    where
        Calls: Handler<M>,
        <Calls as Actor>::Context: ToEnvelope<Calls, M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        Ok(self.calls.send(message).timeout(PATIENCE).await?)
    }

    /// How a client connects with this token.
    pub(crate) fn connection(&self, token: String, user: &UserId, ws_url: String) -> Connection {
        Connection {
            token,
            ws_url,
            ice_servers: self.ice_servers(user),
        }
    }

    /// STUN and TURN for this user.
    pub(crate) fn ice_servers(&self, user: &UserId) -> Vec<IceServer> {
        let now = u64::try_from(self.clock.now().utc().timestamp()).unwrap_or(0);
        self.ice.servers(user.as_str(), now)
    }

    /// The server takes nothing new any more.
    pub(crate) fn draining(&self) -> bool {
        self.stopping.draining.load(Ordering::Relaxed)
    }

    /// Becomes true when sessions have to go.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.tell.subscribe()
    }
}

/// Where clients reach a server that listens here, for people to click on.
pub fn browse_url(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    if address.ip().is_unspecified() {
        format!("{scheme}://localhost:{}/", address.port())
    } else {
        format!("{scheme}://{address}/")
    }
}
