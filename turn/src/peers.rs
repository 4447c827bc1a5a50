//! Whom relays talk to: our own media ports, by a list that nobody can add to from outside.

use std::net::{IpAddr, SocketAddr};

use crate::Family;

/// One address that may be relayed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// As clients know it: behind NAT, the public address.
    pub shown: SocketAddr,
    /// Where it is reached from this machine.
    pub real: SocketAddr,
}

/// Everybody who may be relayed to.
#[derive(Debug, Clone, Default)]
pub struct Peers(Vec<Peer>);

/// One of the [`Peers`], by its place among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PeerIndex(usize);

impl Peers {
    /// Those, and no others.
    pub fn new(peers: Vec<Peer>) -> Self {
        Self(peers)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.0.iter()
    }

    /// Somebody of this family is among them.
    pub(crate) fn has(&self, family: Family) -> bool {
        self.0
            .iter()
            .any(|peer| Family::of(peer.shown.ip()) == family)
    }

    /// Somebody is at this address, whatever the port. Permissions know no ports (RFC 8656 §9).
    pub(crate) fn at(&self, address: IpAddr) -> bool {
        self.0.iter().any(|peer| peer.shown.ip() == address)
    }

    /// The one that clients know by this address.
    pub(crate) fn shown(&self, address: SocketAddr) -> Option<PeerIndex> {
        self.0
            .iter()
            .position(|peer| peer.shown == address)
            .map(PeerIndex)
    }

    /// The one that something came from. Several public addresses can be the same place here; then it is the one that
    /// was `last` written to.
    pub(crate) fn real(&self, address: SocketAddr, last: Option<PeerIndex>) -> Option<PeerIndex> {
        last.filter(|&last| self.get(last).real == address)
            .or_else(|| {
                self.0
                    .iter()
                    .position(|peer| peer.real == address)
                    .map(PeerIndex)
            })
    }

    pub(crate) fn get(&self, PeerIndex(index): PeerIndex) -> Peer {
        self.0[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(pairs: &[(&str, &str)]) -> Peers {
        let peer = |&(shown, real): &(&str, &str)| Peer {
            shown: shown.parse().unwrap(),
            real: real.parse().unwrap(),
        };
        Peers::new(pairs.iter().map(peer).collect())
    }

    #[test]
    fn another_port_of_the_same_machine_is_nobody() {
        let peers = peers(&[("203.0.113.7:7882", "127.0.0.1:7882")]);
        assert!(peers.shown("203.0.113.7:7882".parse().unwrap()).is_some());
        for other in [
            "203.0.113.7:8080",
            "127.0.0.1:7882",
            "[::ffff:203.0.113.7]:7882",
        ] {
            assert_eq!(peers.shown(other.parse().unwrap()), None, "{other}");
        }
    }

    #[test]
    fn an_answer_comes_from_whom_was_asked_last_where_two_are_in_one_place() {
        let peers = peers(&[
            ("203.0.113.7:7882", "10.0.0.1:7882"),
            ("203.0.113.8:7882", "10.0.0.1:7882"),
        ]);
        let second = peers.shown("203.0.113.8:7882".parse().unwrap());
        let from = "10.0.0.1:7882".parse().unwrap();
        assert_eq!(peers.real(from, second), second);
        assert_eq!(peers.real(from, None), Some(PeerIndex(0)));
        assert_eq!(peers.real("10.0.0.1:1".parse().unwrap(), second), None);
    }
}
