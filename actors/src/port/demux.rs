//! Whom a datagram is for: by the path that it came on, else by the ufrag that its STUN check names.

mod stun;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Instant;

use actix::prelude::*;
use bytes::BytesMut;
use calls_media::seam::{Path, PeerId};
use foldhash::HashMap;

use self::stun::Check;
use super::counters::Stray;
use super::{Datagrams, PortCounters};

/// Paths that one peer may have unproven. Someone who guesses its ufrag can fill no more of the table than this.
const UNPROVEN_PATHS: usize = 8;

/// Paths that one peer may have proven; the one that proved itself longest ago goes.
const PROVEN_PATHS: usize = 8;

/// Who is reached where.
///
/// A path is *unproven* after a check that named somebody's ufrag: what follows on it goes to the same peer, so that
/// the DTLS hello behind the check is not lost, but anybody else's check takes it away. It is *proven* once the peer
/// has verified a check's integrity ([`Demux::bind`]); then only another peer's proof takes it away.
#[derive(Default)]
pub(crate) struct Demux {
    paths: HashMap<Path, Owner>,
    ufrags: HashMap<Box<[u8]>, PeerId>,
    peers: HashMap<PeerId, Peer>,
    waiting: Vec<PeerId>,
}

/// Whose a path is.
struct Owner {
    peer: PeerId,
    proven: bool,
    local: Local,
}

/// The addresses of ours to which the other end of a path wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Local {
    /// Its latest STUN message; the answer must come from there (RFC 8445 §7.3.1.2).
    pub(crate) stun: Option<IpAddr>,
    /// Its latest DTLS, RTP or RTCP: the pair that it has selected.
    pub(crate) media: Option<IpAddr>,
}

struct Peer {
    door: Recipient<Datagrams>,
    ufrags: Vec<Box<[u8]>>,
    unproven: VecDeque<Path>,
    proven: VecDeque<Path>,
    batch: Vec<(Path, BytesMut)>,
}

impl Demux {
    /// Takes a peer in, or gives one that is here other ufrags and another door.
    pub(crate) fn register<'a>(
        &mut self,
        id: PeerId,
        ufrags: impl IntoIterator<Item = &'a str>,
        door: Recipient<Datagrams>,
    ) {
        let ufrags: Vec<Box<[u8]>> = ufrags
            .into_iter()
            .map(|ufrag| ufrag.as_bytes().into())
            .collect();
        let peer = self.peers.entry(id).or_insert_with(|| Peer {
            door: door.clone(),
            ufrags: Vec::new(),
            unproven: VecDeque::new(),
            proven: VecDeque::new(),
            batch: Vec::new(),
        });
        peer.door = door;
        let old = std::mem::replace(&mut peer.ufrags, ufrags);
        let new: Vec<_> = peer
            .ufrags
            .iter()
            .map(|ufrag| (ufrag.clone(), id))
            .collect();
        self.release(&old, id);
        self.ufrags.extend(new);
    }

    fn release(&mut self, ufrags: &[Box<[u8]>], id: PeerId) {
        for ufrag in ufrags {
            if self.ufrags.get(ufrag) == Some(&id) {
                self.ufrags.remove(ufrag);
            }
        }
    }

    /// A check on `path` was verified by `peer`.
    pub(crate) fn bind(&mut self, path: Path, id: PeerId) {
        if !self.peers.contains_key(&id) {
            return;
        }
        let local = match self.paths.get(&path) {
            Some(owner) if owner.peer == id && owner.proven => return,
            Some(owner) => owner.local,
            None => Local::default(),
        };
        self.unbind(path);
        self.paths.insert(
            path,
            Owner {
                peer: id,
                proven: true,
                local,
            },
        );
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        peer.proven.push_back(path);
        if peer.proven.len() > PROVEN_PATHS
            && let Some(oldest) = peer.proven.pop_front()
        {
            self.paths.remove(&oldest);
        }
    }

    /// Forgets a path, whosever it is.
    pub(crate) fn unbind(&mut self, path: Path) {
        let Some(owner) = self.paths.remove(&path) else {
            return;
        };
        if let Some(peer) = self.peers.get_mut(&owner.peer) {
            peer.unproven.retain(|&other| other != path);
            peer.proven.retain(|&other| other != path);
        }
    }

    /// Forgets a peer; the paths that it had.
    pub(crate) fn forget(&mut self, id: PeerId) -> Vec<Path> {
        let Some(peer) = self.peers.remove(&id) else {
            return Vec::new();
        };
        self.release(&peer.ufrags, id);
        let paths: Vec<Path> = peer.unproven.into_iter().chain(peer.proven).collect();
        for path in &paths {
            self.paths.remove(path);
        }
        paths
    }

    /// How many peers are registered.
    pub(crate) fn peers(&self) -> usize {
        self.peers.len()
    }

    /// A check on this path was verified.
    pub(crate) fn is_proven(&self, path: Path) -> bool {
        self.paths.get(&path).is_some_and(|owner| owner.proven)
    }

    /// The addresses of ours to which the other end wrote, where that was noted.
    pub(crate) fn local(&self, path: Path) -> Local {
        self.paths
            .get(&path)
            .map_or_else(Local::default, |owner| owner.local)
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// Whom a datagram is for. `local` is the address of ours that it was sent to, where that matters.
    pub(crate) fn whose(
        &mut self,
        path: Path,
        local: Option<IpAddr>,
        datagram: &[u8],
    ) -> Result<PeerId, Stray> {
        if path.remote().port() == 0 || datagram.is_empty() {
            return Err(Stray::Malformed);
        }
        let stun = stun::is_stun(datagram);
        let peer = if stun && let Some(check) = Check::parse(datagram) {
            self.checked(path, check)?
        } else {
            self.paths.get(&path).ok_or(Stray::UnknownPath)?.peer
        };
        if local.is_some()
            && let Some(owner) = self.paths.get_mut(&path)
            && owner.peer == peer
        {
            let noted = if stun {
                &mut owner.local.stun
            } else {
                &mut owner.local.media
            };
            *noted = local;
        }
        Ok(peer)
    }

    /// Whom a check is for; a path that nobody has proven follows it.
    fn checked(&mut self, path: Path, check: Check<'_>) -> Result<PeerId, Stray> {
        let owner = self.paths.get(&path);
        let Some(&named) = self.ufrags.get(check.ufrag) else {
            return owner.map(|owner| owner.peer).ok_or(Stray::UnknownUfrag);
        };
        if !owner.is_some_and(|owner| owner.proven || owner.peer == named) {
            self.unbind(path);
            self.bind_unproven(path, named);
        }
        Ok(named)
    }

    fn bind_unproven(&mut self, path: Path, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        self.paths.insert(
            path,
            Owner {
                peer: id,
                proven: false,
                local: Local::default(),
            },
        );
        peer.unproven.push_back(path);
        if peer.unproven.len() > UNPROVEN_PATHS
            && let Some(oldest) = peer.unproven.pop_front()
        {
            self.paths.remove(&oldest);
        }
    }

    /// Puts a datagram where [`Demux::deliver`] takes it from.
    pub(crate) fn put(&mut self, id: PeerId, path: Path, datagram: BytesMut) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if peer.batch.is_empty() {
            self.waiting.push(id);
        }
        peer.batch.push((path, datagram));
    }

    /// One message to everybody for whom something was put. Those who are gone are returned.
    pub(crate) fn deliver(&mut self, at: Instant, counters: &PortCounters) -> Vec<PeerId> {
        let mut gone = Vec::new();
        for id in self.waiting.drain(..) {
            let Some(peer) = self.peers.get_mut(&id) else {
                continue;
            };
            let batch = std::mem::take(&mut peer.batch);
            match peer.door.try_send(Datagrams { batch, at }) {
                Ok(()) => {}
                Err(SendError::Full(late)) => counters.stray(Stray::MailboxFull, late.batch.len()),
                Err(SendError::Closed(late)) => {
                    counters.stray(Stray::Gone, late.batch.len());
                    gone.push(id);
                }
            }
        }
        gone
    }
}

#[cfg(test)]
pub(super) use self::tests::check;

#[cfg(test)]
mod tests;
