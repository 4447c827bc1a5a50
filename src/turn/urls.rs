//! What clients are told of the built-in TURN server.

use std::net::IpAddr;

use calls_actors::MediaPorts;

use super::TurnError;
use crate::config::Config;
use crate::tls::Resolver;

/// The URLs, the fastest way first: UDP, TCP, and TLS where there is a certificate and a name that it may be for; and
/// that certificate.
pub(super) fn urls(
    config: &Config,
    certificate: Option<Resolver>,
    ports: &MediaPorts,
) -> Result<(Vec<String>, Option<Resolver>), TurnError> {
    let turn = &config.turn;
    let named = (!turn.host.is_empty()).then(|| turn.host.clone());
    let hosts = match &named {
        Some(host) => vec![host.clone()],
        None => addresses(ports),
    };
    let port = turn.port;
    let plain = hosts.iter().flat_map(|host| {
        ["udp", "tcp"].map(|transport| format!("turn:{host}:{port}?transport={transport}"))
    });
    let mut urls: Vec<String> = plain.collect();
    // A certificate is for a name, and clients look at it.
    let host = named
        .or_else(|| host_of(&config.http.public_url))
        .or_else(|| config.tls.acme_domains.first().cloned());
    match (certificate, host) {
        (None, _) => Ok((urls, None)),
        (Some(certificate), Some(host)) => {
            let port = turn.tls_port;
            urls.push(format!("turns:{host}:{port}?transport=tcp"));
            Ok((urls, Some(certificate)))
        }
        // That of [tls] is there for HTTP; one of TURN's own was meant for TURN.
        (Some(_), None) if turn.certificate.as_os_str().is_empty() => Ok((urls, None)),
        (Some(_), None) => Err(TurnError::NoName),
    }
}

/// Where media is, TURN is too: an address of each family, as URLs write them.
fn addresses(ports: &MediaPorts) -> Vec<String> {
    let candidates = ports.candidates(0).into_iter().flat_map(|all| all.iter());
    let addresses: Vec<IpAddr> = candidates.map(|candidate| candidate.address.ip()).collect();
    let first = |v4: bool| addresses.iter().find(|address| address.is_ipv4() == v4);
    [first(true), first(false)]
        .into_iter()
        .flatten()
        .map(|address| match address {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        })
        .collect()
}

/// The host of a URL, without its port.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_certificate_is_that_of_the_public_url() {
        let name = |url| host_of(url);
        assert_eq!(
            name("https://calls.example.org").as_deref(),
            Some("calls.example.org")
        );
        assert_eq!(
            name("https://calls.example.org:8443/x:1").as_deref(),
            Some("calls.example.org")
        );
        assert_eq!(
            name("https://[2001:db8::7]:8443").as_deref(),
            Some("[2001:db8::7]")
        );
        assert_eq!(
            name("https://[2001:db8::7]").as_deref(),
            Some("[2001:db8::7]")
        );
        assert_eq!(name(""), None);
    }
}
