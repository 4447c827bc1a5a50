//! The ICE-lite agent (RFC 8445 §2.5): answers checks, learns paths from them, and never checks itself.
//!
//! A full peer checks every path it knows; an authentic check makes the path *verified*, one with
//! `USE-CANDIDATE` makes it *selected*. Checks on the selected path are also the peer's consent (RFC 7675):
//! without one for [`CONSENT`], the connection is lost. An ICE restart opens a second generation of credentials;
//! media stays on the selected path until a check of the new generation selects one.

mod check;
mod credentials;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc_dtls::crypto_provider::RTCCryptoProvider;

use check::Check;
pub(crate) use credentials::Credentials;

use crate::seam::Path;

/// How long a peer may leave its path unchecked, or take to select its first (RFC 7675 §5.1).
pub(crate) const CONSENT: Duration = Duration::from_secs(30);

/// Verified paths to remember; a peer has a handful of interfaces.
const MAX_PATHS: usize = 16;

/// One set of credentials of both ends.
#[derive(Debug)]
struct Generation {
    local: Credentials,
    remote: Credentials,
}

#[derive(Debug)]
struct Verified {
    path: Path,
    checked: Instant,
}

/// What an authentic check came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    /// What to answer, on the path of the check.
    pub(crate) reply: Vec<u8>,
    /// The path was not verified before.
    pub(crate) verified: bool,
}

/// Why a STUN message was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unanswered {
    /// Indications and responses are none of a lite agent's business.
    #[error("not a request")]
    NotARequest,
    /// No STUN, or without what a check must have.
    #[error("malformed check")]
    Malformed,
    /// Not for this peer, or not from it.
    #[error("check of somebody else")]
    Stranger,
}

/// The agent of one connection.
pub(crate) struct IceLite {
    provider: Arc<dyn RTCCryptoProvider>,
    current: Option<Generation>,
    restart: Option<Generation>,
    paths: Vec<Verified>,
    selected: Option<Path>,
    /// Consent ran out, and no path was selected since.
    lost: bool,
    /// When the first offer came: the peer has [`CONSENT`] to select a path.
    since: Option<Instant>,
}

impl IceLite {
    pub(crate) fn new(provider: Arc<dyn RTCCryptoProvider>) -> Self {
        Self {
            provider,
            current: None,
            restart: None,
            paths: Vec::new(),
            selected: None,
            lost: false,
            since: None,
        }
    }

    /// Takes the credentials of an offer: new ones are a restart. Gives the local ones for the answer.
    pub(crate) fn remote(&mut self, remote: &Credentials, now: Instant) -> &Credentials {
        self.since.get_or_insert(now);
        let generation = || Generation {
            local: Credentials::generate(),
            remote: remote.clone(),
        };
        let slot = match &self.current {
            None => &mut self.current,
            Some(current) if current.remote == *remote => {
                // Back to the credentials in use: a restart that was under way is off.
                self.restart = None;
                &mut self.current
            }
            Some(_) => {
                if self
                    .restart
                    .as_ref()
                    .is_some_and(|restart| restart.remote != *remote)
                {
                    self.restart = None;
                }
                &mut self.restart
            }
        };
        &slot.get_or_insert_with(generation).local
    }

    /// Local user fragments that a check may name.
    pub(crate) fn ufrags(&self) -> impl Iterator<Item = &str> {
        [&self.current, &self.restart]
            .into_iter()
            .flatten()
            .map(|it| it.local.ufrag())
    }

    /// Where to send. Before the peer has selected a path, the handshake may take any that is verified.
    pub(crate) fn path(&self) -> Option<Path> {
        let latest = || self.paths.iter().max_by_key(|verified| verified.checked);
        match (self.selected, self.lost) {
            (Some(selected), _) => Some(selected),
            (None, false) => latest().map(|verified| verified.path),
            (None, true) => None,
        }
    }

    pub(crate) fn is_verified(&self, path: Path) -> bool {
        self.paths.iter().any(|verified| verified.path == path)
    }

    pub(crate) fn is_selected(&self) -> bool {
        self.selected.is_some()
    }

    /// Nobody consents any more: nothing may be sent until the peer selects a path again, for only a selected path
    /// has consent that can run out.
    pub(crate) fn lose_consent(&mut self) {
        self.paths.clear();
        self.selected = None;
        self.lost = true;
    }

    /// Takes a STUN message; only authentic checks are answered, so strangers get nothing at all.
    pub(crate) fn handle(
        &mut self,
        path: Path,
        datagram: &[u8],
        now: Instant,
    ) -> Result<Checked, Unanswered> {
        let mut check = Check::parse(datagram)?;
        let (local, remote) = check.username().ok_or(Unanswered::Malformed)?;
        let of_restart = self
            .restart
            .as_ref()
            .is_some_and(|it| it.local.ufrag() == local);
        let generation = if of_restart {
            &self.restart
        } else {
            &self.current
        };
        let generation = generation.as_ref().ok_or(Unanswered::Stranger)?;
        if generation.local.ufrag() != local || generation.remote.ufrag() != remote {
            return Err(Unanswered::Stranger);
        }
        let crypto = self.provider.crypto();
        check.authenticate(generation.local.pwd(), crypto)?;
        if check.claims_controlled() {
            let reply = check.role_conflict(generation.local.pwd(), crypto)?;
            return Ok(Checked {
                reply,
                verified: false,
            });
        }
        let reply = check.success(path.remote(), generation.local.pwd(), crypto)?;
        let verified = self.verify(path, now);
        if check.nominates() {
            self.selected = Some(path);
            self.lost = false;
            if of_restart {
                self.current = self.restart.take();
            }
        }
        Ok(Checked { reply, verified })
    }

    /// Remembers a check of this path; true if it is a new one.
    fn verify(&mut self, path: Path, now: Instant) -> bool {
        if let Some(known) = self.paths.iter_mut().find(|verified| verified.path == path) {
            known.checked = now;
            return false;
        }
        if self.paths.len() >= MAX_PATHS {
            let stalest = (self.paths.iter().enumerate())
                .filter(|(_, verified)| Some(verified.path) != self.selected)
                .min_by_key(|(_, verified)| verified.checked)
                .map(|(at, _)| at);
            self.paths.swap_remove(stalest.unwrap_or_default());
        }
        self.paths.push(Verified { path, checked: now });
        true
    }

    /// When consent ends unless the peer checks its path again; `None` before the first offer.
    pub(crate) fn consent_until(&self) -> Option<Instant> {
        let checked = self.selected.and_then(|selected| {
            self.paths
                .iter()
                .find(|it| it.path == selected)
                .map(|it| it.checked)
        });
        checked.or(self.since).map(|at| at + CONSENT)
    }
}

#[cfg(test)]
pub(crate) mod tests;
