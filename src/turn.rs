//! The built-in TURN server: the sockets around `calls-turn`, on a thread of their own.
//!
//! Clients that reach no media port, because a wall lets nothing through but what looks like a TURN server or like TLS,
//! reach media by way of this. Relays lead to our own media ports and nowhere else.

mod batch;
mod keeper;
mod meter;
mod nursery;
mod open;
mod peers;
mod pool;
mod port;
mod streams;
mod urls;
mod wires;

use std::sync::{Arc, mpsc};

use actix::prelude::*;
use calls_actors::MediaPorts;
use calls_actors::clock::Clock;
use calls_turn::Secret;

use self::keeper::Keeper;
use self::open::Opened;
pub use self::open::TurnError;
use crate::config::Config;
use crate::tls::Resolver;

/// A TURN server that runs.
pub struct Turn {
    #[cfg_attr(
        not(feature = "testing"),
        expect(dead_code, reason = "the keeper ends with its last address")
    )]
    keeper: Addr<Keeper>,
    arbiter: ArbiterHandle,
    urls: Vec<String>,
}

impl Turn {
    /// Opens its sockets and serves them, unless the configuration has it off or names other TURN servers. Needs a
    /// running actix system.
    ///
    /// # Errors
    ///
    /// [`TurnError`] says what could not be had.
    pub fn start(
        config: &Config,
        secret: Secret,
        certificate: Option<Resolver>,
        ports: &MediaPorts,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>, TurnError> {
        if config.turn.port == 0 || !config.turn.turn_urls.is_empty() {
            return Ok(None);
        }
        let (urls, certificate) = urls::urls(config, certificate, ports)?;
        let opened = Opened::open(config, secret, certificate, ports, clock)?;
        let live = ports.live().clone();
        let arbiter = Arbiter::new().handle();
        let (tell, told) = mpsc::channel();
        arbiter.spawn_fn(move || {
            let _ = std::fs::write("/proc/thread-self/comm", "turn"); // only a name
            let keeper = opened
                .settle()
                .map(|sockets| Keeper::new(sockets, live).start());
            let _ = tell.send(keeper); // whoever waits is still there
        });
        let keeper = told
            .recv()
            .map_err(|_| TurnError::Unserved("its thread ended".to_owned()))?
            .map_err(|cause| TurnError::Unserved(cause.to_string()))?;
        Ok(Some(Self {
            keeper,
            arbiter,
            urls,
        }))
    }

    /// What clients are told of it.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Ends it, and what it relays.
    pub fn stop(&self) {
        self.arbiter.stop();
    }

    /// Makes its actor panic.
    #[cfg(any(test, feature = "testing"))]
    pub fn crash(&self) {
        self.keeper.do_send(keeper::CrashTurn);
    }
}
