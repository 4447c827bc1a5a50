//! Where webhooks may be sent: nowhere inside the network that this server stands in, unless the configuration says so.
//!
//! A URL that somebody typed in must not make the server knock at its neighbours' doors (server-side request forgery).
//! A name is looked up by [`PublicOnly`] for each connection, and only what passed is connected to: there is no second
//! look-up that could answer otherwise.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The URL cannot be an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// It is too long.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// It is none.
    #[error("must be a URL, as in \"https://app.example.org/hooks\"")]
    NotAUrl,
    /// Not to be read by anybody on the way.
    #[error("must begin with https://")]
    NotHttps,
    /// They would stand in logs.
    #[error("must not hold a user name or password")]
    Credentials,
    /// An address inside of a network.
    #[error("must be an address of the public internet, not {0} (webhooks.allow_private)")]
    Private(IpAddr),
}

/// A URL that events may be sent to, as far as can be said without looking up its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Url);

impl Target {
    /// Checks a URL.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str, allow_private: bool) -> Result<Self, BadTarget> {
        if text.len() > calls_model::webhook::MAX_URL {
            return Err(BadTarget::TooLong(calls_model::webhook::MAX_URL));
        }
        let url: Url = text.parse().map_err(|_| BadTarget::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if allow_private => {}
            "http" => return Err(BadTarget::NotHttps),
            _ => return Err(BadTarget::NotAUrl),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadTarget::Credentials);
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(BadTarget::NotAUrl),
        };
        match literal.filter(|address| !allow_private && !is_public(*address)) {
            Some(address) => Err(BadTarget::Private(address)),
            None => Ok(Self(url)),
        }
    }

    /// The URL itself.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

/// Looks names up and keeps quiet about addresses that are not for everybody.
pub(super) struct PublicOnly {
    pub(super) allow_private: bool,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found
                .filter(|address| allow_private || is_public(address.ip()))
                .collect();
            if public.is_empty() {
                let refused = format!("{} has no address on the public internet", name.as_str());
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, refused).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Not reserved for anything but the internet at large (the IANA special-purpose address registries; RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0 // "this network"
        || a >= 240 // reserved, and broadcast
        || (a == 100 && b & 0b1100_0000 == 64) // carriers' NAT
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 192 && b == 88 && c == 99) // 6to4 relays
        || (a == 198 && b & 0b1111_1110 == 18); // benchmarks
    !reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inside) = address.to_ipv4_mapped() {
        return is_public_v4(inside);
    }
    let words = address.segments();
    let low = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match words {
        [0x64, 0xff9b, 0, 0, 0, 0, a, b] => is_public_v4(low(a, b)), // NAT64
        [0x2002, a, b, ..] => is_public_v4(low(a, b)),               // 6to4
        // Everything global comes out of 2000::/3; of that, not protocol assignments (Teredo too) and documentation.
        [0x2001, second, ..] if second < 0x200 => false,
        [0x2001, 0x0db8, ..] => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> BadTarget {
        Target::parse(url, false).expect_err(url)
    }

    #[test]
    fn only_https_to_the_public_internet_is_an_endpoint() {
        for url in [
            "https://app.example.org/hooks?x=1",
            "https://app.example.org:8443",
            "https://93.184.215.14/",
            "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
        ] {
            assert!(Target::parse(url, false).is_ok(), "{url}");
        }
        assert_eq!(refused("http://app.example.org"), BadTarget::NotHttps);
        assert_eq!(
            refused("https://me:pw@app.example.org"),
            BadTarget::Credentials
        );
        for url in [
            "",
            "app.example.org",
            "file:///etc/passwd",
            "gopher://x",
            "https://",
        ] {
            assert_eq!(refused(url), BadTarget::NotAUrl, "{url}");
        }
    }

    #[test]
    fn every_spelling_of_an_inner_address_is_refused() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "017700000001",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fd00::1]",
            "[ff02::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::a00:1]",
            "[2002:a00:1::]",
            "[2001::1]",
            "[2001:db8::1]",
            "[::7f00:1]",
        ] {
            let url = format!("https://{host}/");
            assert!(matches!(refused(&url), BadTarget::Private(_)), "{url}");
            assert!(Target::parse(&url, true).is_ok(), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_connected_to() {
        let resolve = |allow_private| {
            let name: Name = "localhost".parse().unwrap();
            PublicOnly { allow_private }.resolve(name)
        };
        let Err(refused) = resolve(false).await else {
            panic!("localhost is public")
        };
        assert!(
            refused
                .to_string()
                .contains("no address on the public internet"),
            "{refused}"
        );
        assert!(resolve(true).await.is_ok());
    }
}
