//! The addresses that candidates name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Somewhere on the Internet where nobody is (RFC 5737, RFC 3849).
const FAR_AWAY: [(IpAddr, IpAddr); 2] = [
    (
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    ),
    (
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    ),
];

/// Those that were given, else what the bound address and the routes tell.
pub fn advertised(bound: IpAddr, given: &[IpAddr], with_loopback: bool) -> Vec<IpAddr> {
    let mut addresses = given.to_vec();
    if addresses.is_empty() && bound.is_unspecified() {
        // A socket for IPv6 receives IPv4 too, not the other way round.
        let families = FAR_AWAY
            .into_iter()
            .filter(|(any, _)| any.is_ipv4() || bound.is_ipv6());
        addresses.extend(families.filter_map(|(any, far_away)| towards(any, far_away)));
    } else if addresses.is_empty() {
        addresses.push(bound);
    }
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let reachable = bound.is_unspecified() || bound == loopback;
    if (with_loopback || addresses.is_empty()) && reachable && !addresses.contains(&loopback) {
        addresses.push(loopback);
    }
    addresses
}

/// The address of ours on the way there. Connecting a UDP socket asks the routes and sends nothing.
fn towards(any: IpAddr, far_away: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((far_away, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

    #[test]
    fn what_is_configured_is_named_and_nothing_else() {
        let given = [IpAddr::from([203, 0, 113, 7])];
        assert_eq!(advertised(ANY, &given, false), given);
    }

    #[test]
    fn a_development_server_is_reached_on_loopback_too() {
        let given = [IpAddr::from([203, 0, 113, 7])];
        assert_eq!(advertised(ANY, &given, true), [given[0], LOOPBACK]);
    }

    #[test]
    fn a_server_bound_to_one_address_names_that_one() {
        assert_eq!(advertised(LOOPBACK, &[], true), [LOOPBACK]);
        let bound = IpAddr::from([10, 1, 2, 3]);
        assert_eq!(advertised(bound, &[], true), [bound]);
    }

    #[test]
    fn there_is_always_something_to_name() {
        let found = advertised(ANY, &[], false);
        assert!(!found.is_empty() && found.iter().all(|ip| !ip.is_unspecified()));
    }
}
