//! What somebody who is known can ask for.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rtc_stun::attributes::{
    ATTR_CHANNEL_NUMBER, ATTR_EVEN_PORT, ATTR_LIFETIME, ATTR_REQUESTED_ADDRESS_FAMILY,
    ATTR_REQUESTED_TRANSPORT, ATTR_RESERVATION_TOKEN, ATTR_XOR_PEER_ADDRESS,
    ATTR_XOR_RELAYED_ADDRESS, ATTR_XORMAPPED_ADDRESS,
};

use super::Server;
use super::requests::Caller;
use crate::allocation::{Allocation, Reach};
use crate::credentials::Username;
use crate::reply::Reply;
use crate::request::{Method, Request};
use crate::wire::{address, channel};
use crate::{Client, Family, Now, Outside, Refusal, RelayId, Wanted};

/// How long an allocation lasts where its client does not ask for more (RFC 8656 §3.2).
const LIFETIME: Duration = Duration::from_secs(600);

/// And the most that it can ask for.
const LONGEST_LIFETIME: Duration = Duration::from_secs(3600);

/// UDP, as IANA numbers protocols.
const UDP: u8 = 17;

impl Server {
    /// Does what somebody who is known asks for.
    pub(super) fn perform(
        &mut self,
        request: &Request,
        caller: &Caller,
        client: Client,
        now: Now,
        outside: &mut impl Outside,
    ) -> Result<Reply, Refusal> {
        let unknown = request.unknown();
        if !unknown.is_empty() {
            return Err(Refusal::UnknownAttributes(unknown));
        }
        if request.method() == Method::Allocate {
            return self.allocate(request, caller, client, now, outside);
        }
        let allocation = self
            .allocations
            .of_client_mut(client, now.at)
            .ok_or(Refusal::Mismatch)?;
        if *allocation.username != *caller.username {
            return Err(Refusal::WrongCredentials);
        }
        match request.method() {
            Method::Refresh => self.refresh(request, client, now, outside),
            Method::CreatePermission => self.permit(request, client, now),
            Method::ChannelBind => self.bind_channel(request, client, now),
            Method::Binding | Method::Allocate => Err(Refusal::BadRequest), // both were seen to
        }
    }

    fn allocate(
        &mut self,
        request: &Request,
        caller: &Caller,
        client: Client,
        now: Now,
        outside: &mut impl Outside,
    ) -> Result<Reply, Refusal> {
        if let Some(allocation) = self.allocations.of_client(client, now.at) {
            let again = allocation.made_by == *request.transaction();
            return if again && *allocation.username == *caller.username {
                Ok(allocated(request, allocation, now.at))
            } else {
                Err(Refusal::Mismatch)
            };
        }
        let (wanted, lifetime) = (wanted(request)?, lifetime(request)?);
        if !self.peers.has(wanted.family) {
            return Err(Refusal::FamilyUnsupported);
        }
        self.tick(now, outside); // those whose time is over take no room
        let user = Username::parse(&caller.username).map_or("", |name| name.user);
        if !self.allocations.has_room(&self.quotas, client, user) {
            return Err(Refusal::QuotaReached);
        }
        let relay = RelayId(self.next_relay);
        self.next_relay += 1;
        let told = outside.open(relay, wanted).ok_or(Refusal::NoCapacity)?;
        let allocation = Allocation {
            client,
            username: caller.username.as_str().into(),
            relay,
            told,
            made_by: *request.transaction(),
            until: now.at + lifetime,
            last: None,
            reach: Reach::default(),
        };
        let reply = allocated(request, &allocation, now.at);
        self.allocations.insert(allocation);
        Ok(reply)
    }

    fn refresh(
        &mut self,
        request: &Request,
        client: Client,
        now: Now,
        outside: &mut impl Outside,
    ) -> Result<Reply, Refusal> {
        let lifetime = lifetime(request)?;
        let allocation = self
            .allocations
            .of_client_mut(client, now.at)
            .ok_or(Refusal::Mismatch)?;
        let family = request.get(ATTR_REQUESTED_ADDRESS_FAMILY).map(family);
        if family.is_some_and(|family| family != Some(allocation.family())) {
            return Err(Refusal::FamilyMismatch);
        }
        allocation.until = now.at + lifetime;
        if lifetime.is_zero() {
            self.gone(client, outside);
        }
        let mut reply = Reply::success(request);
        reply.add(ATTR_LIFETIME, &seconds(lifetime));
        Ok(reply)
    }

    /// All or nobody (RFC 8656 §10.2).
    fn permit(&mut self, request: &Request, client: Client, now: Now) -> Result<Reply, Refusal> {
        let allocation = self
            .allocations
            .of_client_mut(client, now.at)
            .ok_or(Refusal::Mismatch)?;
        let peers = request
            .all(ATTR_XOR_PEER_ADDRESS)
            .map(|value| address::read(value, request.transaction()).ok_or(Refusal::BadRequest))
            .collect::<Result<Vec<SocketAddr>, _>>()?;
        if peers.is_empty() {
            return Err(Refusal::BadRequest);
        }
        for peer in &peers {
            of_family(allocation.family(), *peer)?;
            if !self.peers.at(peer.ip()) {
                return Err(Refusal::Forbidden);
            }
        }
        for peer in peers {
            allocation.reach.permit(peer.ip(), now.at);
        }
        Ok(Reply::success(request))
    }

    fn bind_channel(
        &mut self,
        request: &Request,
        client: Client,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let allocation = self
            .allocations
            .of_client_mut(client, now.at)
            .ok_or(Refusal::Mismatch)?;
        let number = match request.get(ATTR_CHANNEL_NUMBER) {
            Some(&[high, low, _, _]) => u16::from_be_bytes([high, low]),
            _ => return Err(Refusal::BadRequest),
        };
        let peer = request
            .get(ATTR_XOR_PEER_ADDRESS)
            .and_then(|value| address::read(value, request.transaction()))
            .filter(|_| channel::NUMBERS.contains(&number))
            .ok_or(Refusal::BadRequest)?;
        of_family(allocation.family(), peer)?;
        let index = self.peers.shown(peer).ok_or(Refusal::Forbidden)?;
        allocation.reach.bind(number, index, now.at)?;
        allocation.reach.permit(peer.ip(), now.at);
        Ok(Reply::success(request))
    }
}

/// What the client is told of its allocation.
fn allocated(request: &Request, allocation: &Allocation, now: Instant) -> Reply {
    let mut reply = Reply::success(request);
    reply.address(ATTR_XOR_RELAYED_ADDRESS, allocation.told);
    reply.add(
        ATTR_LIFETIME,
        &seconds(allocation.until.saturating_duration_since(now)),
    );
    reply.address(ATTR_XORMAPPED_ADDRESS, allocation.client.remote());
    reply
}

/// What kind of relay is asked for (RFC 8656 §7.2).
fn wanted(request: &Request) -> Result<Wanted, Refusal> {
    match request.get(ATTR_REQUESTED_TRANSPORT) {
        Some(&[UDP, _, _, _]) => {}
        Some(&[_, _, _, _]) => return Err(Refusal::TransportUnsupported),
        _ => return Err(Refusal::BadRequest),
    }
    let family = match request.get(ATTR_REQUESTED_ADDRESS_FAMILY) {
        None => Family::V4,
        Some(value) => family(value).ok_or(Refusal::FamilyUnsupported)?,
    };
    let even = match (
        request.get(ATTR_EVEN_PORT),
        request.get(ATTR_RESERVATION_TOKEN),
    ) {
        (None, None) => false,
        (Some(&[flags, ..]), None) if flags & 0x80 == 0 => true,
        (Some(_), Some(_)) => return Err(Refusal::BadRequest),
        // Ports are not reserved for later: nobody has sent RTP and RTCP apart for long.
        (Some([_, ..]), None) | (None, Some(_)) => return Err(Refusal::NoCapacity),
        (Some([]), None) => return Err(Refusal::BadRequest),
    };
    Ok(Wanted { family, even })
}

/// REQUESTED-ADDRESS-FAMILY.
fn family(value: &[u8]) -> Option<Family> {
    match value {
        [1, _, _, _] => Some(Family::V4),
        [2, _, _, _] => Some(Family::V6),
        _ => None,
    }
}

fn of_family(family: Family, peer: SocketAddr) -> Result<(), Refusal> {
    if Family::of(peer.ip()) == family {
        Ok(())
    } else {
        Err(Refusal::FamilyMismatch)
    }
}

/// How long the allocation is to last: what is asked for, but not under the default nor over the most; zero is the end.
fn lifetime(request: &Request) -> Result<Duration, Refusal> {
    let asked = match request.get(ATTR_LIFETIME) {
        None => return Ok(LIFETIME),
        Some(value) => value.try_into().map_err(|_| Refusal::BadRequest)?,
    };
    match Duration::from_secs(u64::from(u32::from_be_bytes(asked))) {
        Duration::ZERO if request.method() == Method::Refresh => Ok(Duration::ZERO),
        asked => Ok(asked.clamp(LIFETIME, LONGEST_LIFETIME)),
    }
}

fn seconds(duration: Duration) -> [u8; 4] {
    u32::try_from(duration.as_secs())
        .unwrap_or(u32::MAX)
        .to_be_bytes()
}
