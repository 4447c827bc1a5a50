//! One client's relay: whom it talks to, and until when.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::credentials::Username;
use crate::peers::PeerIndex;
use crate::wire::TransactionId;
use crate::{Client, Family, Refusal, RelayId};

/// How long a permission is good (RFC 8656 §9).
const PERMISSION: Duration = Duration::from_secs(300);

/// How long a channel is bound (RFC 8656 §12).
const CHANNEL: Duration = Duration::from_secs(600);

/// An allocation.
#[derive(Debug)]
pub(crate) struct Allocation {
    pub(crate) client: Client,
    /// Who made it; nobody else may use it.
    pub(crate) username: Box<str>,
    pub(crate) relay: RelayId,
    /// The relay's address, as its client is told.
    pub(crate) told: SocketAddr,
    /// The request that made it. When it comes again, its answer was lost.
    pub(crate) made_by: TransactionId,
    pub(crate) until: Instant,
    /// Whom the client wrote to last.
    pub(crate) last: Option<PeerIndex>,
    pub(crate) reach: Reach,
}

impl Allocation {
    /// Whose quota it counts for.
    pub(crate) fn user(&self) -> &str {
        Username::parse(&self.username).map_or("", |name| name.user)
    }

    pub(crate) fn family(&self) -> Family {
        Family::of(self.told.ip())
    }
}

/// Whom a client may hear, and by which channels. Neither list is longer than that of those who may be relayed to.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    permissions: Vec<(IpAddr, Instant)>,
    channels: Vec<Channel>,
}

#[derive(Debug, Clone, Copy)]
struct Channel {
    number: u16,
    peer: PeerIndex,
    until: Instant,
}

impl Reach {
    /// Peers at this address may send, for a while from now on.
    pub(crate) fn permit(&mut self, address: IpAddr, now: Instant) {
        let until = now + PERMISSION;
        match self
            .permissions
            .iter_mut()
            .find(|(permitted, _)| *permitted == address)
        {
            Some(permission) => permission.1 = until,
            None => self.permissions.push((address, until)),
        }
    }

    pub(crate) fn permits(&self, address: IpAddr, now: Instant) -> bool {
        self.permissions
            .iter()
            .any(|&(permitted, until)| permitted == address && now < until)
    }

    /// Gives a peer a channel, or keeps the one it has. Neither may be bound to another (RFC 8656 §12.2).
    pub(crate) fn bind(
        &mut self,
        number: u16,
        peer: PeerIndex,
        now: Instant,
    ) -> Result<(), Refusal> {
        self.channels.retain(|channel| now < channel.until);
        let until = now + CHANNEL;
        match self
            .channels
            .iter_mut()
            .find(|channel| channel.number == number || channel.peer == peer)
        {
            Some(channel) if channel.number == number && channel.peer == peer => {
                channel.until = until;
            }
            Some(_) => return Err(Refusal::BadRequest),
            None => self.channels.push(Channel {
                number,
                peer,
                until,
            }),
        }
        Ok(())
    }

    /// Whom a channel leads to.
    pub(crate) fn peer_of(&self, number: u16, now: Instant) -> Option<PeerIndex> {
        self.channels
            .iter()
            .find(|channel| channel.number == number && now < channel.until)
            .map(|channel| channel.peer)
    }

    /// The channel of a peer.
    pub(crate) fn channel_to(&self, peer: PeerIndex, now: Instant) -> Option<u16> {
        self.channels
            .iter()
            .find(|channel| channel.peer == peer && now < channel.until)
            .map(|channel| channel.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Peer, Peers};

    fn two_peers() -> [PeerIndex; 2] {
        let addresses = ["192.0.2.1:7882", "192.0.2.1:7883"].map(|text| text.parse().unwrap());
        let peers = Peers::new(addresses.map(|shown| Peer { shown, real: shown }).to_vec());
        addresses.map(|address| peers.shown(address).unwrap())
    }

    #[test]
    fn a_permission_lasts_as_long_as_it_is_renewed() {
        let (mut reach, start) = (Reach::default(), Instant::now());
        let (peer, other) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        reach.permit(peer, start);
        assert!(reach.permits(peer, start + PERMISSION / 2));
        assert!(!reach.permits(peer, start + PERMISSION));
        assert!(!reach.permits(other, start));
        reach.permit(peer, start + PERMISSION / 2);
        assert!(reach.permits(peer, start + PERMISSION));
        assert_eq!(reach.permissions.len(), 1);
    }

    #[test]
    fn a_channel_leads_to_one_peer_and_a_peer_has_one_channel() {
        let (mut reach, now) = (Reach::default(), Instant::now());
        let [ann, bob] = two_peers();
        assert_eq!(reach.bind(0x4000, ann, now), Ok(()));
        assert_eq!(reach.bind(0x4000, ann, now), Ok(()), "again");
        assert_eq!(reach.bind(0x4000, bob, now), Err(Refusal::BadRequest));
        assert_eq!(reach.bind(0x4001, ann, now), Err(Refusal::BadRequest));
        assert_eq!(reach.bind(0x4001, bob, now), Ok(()));
        assert_eq!(reach.peer_of(0x4001, now), Some(bob));
        assert_eq!(reach.channel_to(ann, now), Some(0x4000));
        let later = now + CHANNEL;
        assert_eq!(reach.peer_of(0x4001, later), None);
        assert_eq!(reach.channel_to(ann, later), None);
        assert_eq!(reach.bind(0x4000, bob, later), Ok(()), "it is free again");
    }
}
