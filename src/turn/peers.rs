//! Whom relays may talk to, and from which addresses they do.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use calls_actors::MediaPorts;
use calls_media::Protocol;
use calls_turn::{Family, Peer, Peers};

/// A media port, as far as TURN cares.
#[derive(Debug, Clone)]
struct Media {
    /// Where it listens.
    bound: SocketAddr,
    /// What clients know it by.
    shown: Vec<SocketAddr>,
}

/// What relays of one family are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ground {
    /// Their sockets' address.
    pub(super) bind: IpAddr,
    /// What clients are told it is.
    pub(super) told: IpAddr,
}

/// All that relays can reach.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pub(super) peers: Peers,
    v4: Option<Ground>,
    v6: Option<Ground>,
}

impl Reach {
    /// The media ports, and whatever else the operator names.
    pub(super) fn new(ports: &MediaPorts, extra: &[SocketAddr]) -> Self {
        let media = (0..ports.count()).filter_map(|index| {
            let candidates = ports.candidates(index)?.iter();
            let udp = candidates.filter(|candidate| candidate.protocol == Protocol::Udp);
            Some(Media {
                bound: ports.address(index)?,
                shown: udp.map(|candidate| candidate.address).collect(),
            })
        });
        Self::of(&media.collect::<Vec<_>>(), extra)
    }

    fn of(media: &[Media], extra: &[SocketAddr]) -> Self {
        let mut peers: Vec<Peer> = media.iter().flat_map(Media::peers).collect();
        let grounds = [Family::V4, Family::V6].map(|family| {
            let is_ours = |address: &&SocketAddr| Family::of(address.ip()) == family;
            let own = peers.iter().find(|peer| is_ours(&&peer.shown));
            let far = extra
                .iter()
                .filter(is_ours)
                .find(|peer| !peer.ip().is_loopback());
            let near = extra.iter().find(is_ours);
            let told = own.map(|peer| peer.shown.ip());
            Some(Ground {
                bind: match (far, own) {
                    (Some(_), _) => any(family),
                    (None, Some(own)) => beside(own.real.ip()),
                    (None, None) => near.map(|_| loopback(family))?,
                },
                told: told.unwrap_or_else(|| loopback(family)),
            })
        });
        peers.extend(extra.iter().map(|&address| Peer {
            shown: address,
            real: address,
        }));
        let [v4, v6] = grounds;
        let peers = Peers::new(peers);
        Self { peers, v4, v6 }
    }

    /// What relays of this family are, if there can be any.
    pub(super) fn ground(&self, family: Family) -> Option<Ground> {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }
}

impl Media {
    /// Clients name addresses that this machine perhaps does not have, such as that of a NAT before it. So relays do
    /// not send there, but to where the port listens. It hears them on loopback if it listens everywhere, and nobody
    /// but this machine can send to relays then.
    fn peers(&self) -> impl Iterator<Item = Peer> {
        let bound = self.bound;
        let mut loopbacks = 0;
        self.shown.iter().filter_map(move |&shown| {
            let real = match (bound.ip(), shown.ip()) {
                (bound, IpAddr::V4(_)) if bound.is_unspecified() => {
                    loopbacks += 1;
                    IpAddr::V4(nth_loopback(loopbacks))
                }
                (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(_)) => loopback(Family::V6),
                (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(_)) => return None,
                (bound, shown) if Family::of(bound) == Family::of(shown) => bound,
                _ => return None,
            };
            let real = SocketAddr::new(real, bound.port());
            Some(Peer { shown, real })
        })
    }
}

/// All of 127.0.0.0/8 is this machine on Linux, so two addresses of one port can be told apart by what answers.
fn nth_loopback(nth: u8) -> Ipv4Addr {
    let nth = if cfg!(target_os = "linux") { nth } else { 1 };
    Ipv4Addr::new(127, 0, 0, nth)
}

/// An address of this machine that reaches that one, which is of this machine too.
fn beside(real: IpAddr) -> IpAddr {
    if real.is_loopback() {
        loopback(Family::of(real))
    } else {
        real
    }
}

fn loopback(family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::LOCALHOST.into(),
        Family::V6 => Ipv6Addr::LOCALHOST.into(),
    }
}

fn any(family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
        Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(bound: &str, shown: &[&str]) -> Media {
        Media {
            bound: bound.parse().unwrap(),
            shown: shown.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    fn pairs(reach: &Reach) -> Vec<(String, String)> {
        reach
            .peers
            .iter()
            .map(|peer| (peer.shown.to_string(), peer.real.to_string()))
            .collect()
    }

    fn pair(shown: &str, real: &str) -> (String, String) {
        (shown.to_owned(), real.to_owned())
    }

    fn ground(reach: &Reach, family: Family) -> Option<[String; 2]> {
        let Ground { bind, told } = reach.ground(family)?;
        Some([bind, told].map(|address| address.to_string()))
    }

    #[test]
    fn behind_nat_media_is_reached_without_leaving_the_machine() {
        let media = media("0.0.0.0:7882", &["203.0.113.7:7882", "127.0.0.1:7882"]);
        let reach = Reach::of(&[media], &[]);
        assert_eq!(
            pairs(&reach),
            [
                pair("203.0.113.7:7882", "127.0.0.1:7882"),
                pair("127.0.0.1:7882", "127.0.0.2:7882")
            ]
        );
        assert_eq!(
            ground(&reach, Family::V4),
            Some(["127.0.0.1".into(), "203.0.113.7".into()])
        );
        assert_eq!(ground(&reach, Family::V6), None);
    }

    #[test]
    fn a_port_bound_to_one_address_is_reached_there() {
        let reach = Reach::of(&[media("10.0.0.5:7882", &["203.0.113.7:7882"])], &[]);
        assert_eq!(pairs(&reach), [pair("203.0.113.7:7882", "10.0.0.5:7882")]);
        assert_eq!(
            ground(&reach, Family::V4),
            Some(["10.0.0.5".into(), "203.0.113.7".into()])
        );
    }

    #[test]
    fn a_port_for_both_families_is_reached_by_both() {
        let shown = ["203.0.113.7:7882", "[2001:db8::7]:7882"];
        let reach = Reach::of(&[media("[::]:7882", &shown)], &[]);
        assert_eq!(
            pairs(&reach),
            [
                pair("203.0.113.7:7882", "127.0.0.1:7882"),
                pair("[2001:db8::7]:7882", "[::1]:7882")
            ]
        );
        assert_eq!(
            ground(&reach, Family::V6),
            Some(["::1".into(), "2001:db8::7".into()])
        );
    }

    #[test]
    fn an_address_that_the_port_cannot_hear_is_left_out() {
        let shown = ["203.0.113.7:7882", "[2001:db8::7]:7882"];
        let reach = Reach::of(&[media("0.0.0.0:7882", &shown)], &[]);
        assert_eq!(pairs(&reach), [pair("203.0.113.7:7882", "127.0.0.1:7882")]);
        let reach = Reach::of(&[media("[2001:db8::1]:7882", &shown)], &[]);
        assert_eq!(
            pairs(&reach),
            [pair("[2001:db8::7]:7882", "[2001:db8::1]:7882")]
        );
        assert_eq!(ground(&reach, Family::V4), None);
    }

    #[test]
    fn relays_leave_the_machine_only_for_whom_the_operator_names() {
        let media = [media("0.0.0.0:7882", &["203.0.113.7:7882"])];
        let near = ["127.0.0.1:3480".parse().unwrap()];
        let reach = Reach::of(&media, &near);
        assert_eq!(
            ground(&reach, Family::V4),
            Some(["127.0.0.1".into(), "203.0.113.7".into()])
        );
        assert_eq!(pairs(&reach)[1], pair("127.0.0.1:3480", "127.0.0.1:3480"));
        let far = ["198.51.100.1:7882".parse().unwrap()];
        let reach = Reach::of(&media, &far);
        assert_eq!(
            ground(&reach, Family::V4),
            Some(["0.0.0.0".into(), "203.0.113.7".into()])
        );
    }
}
