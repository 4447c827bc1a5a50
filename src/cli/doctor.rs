//! `calls doctor`: looks at what the server will need, and says what to do.

mod recording;
mod speech;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use calls_actors::port::addresses::advertised;

use super::say;
use crate::config::Config;
use crate::store::{self, Standing};
use crate::tls::Files;

/// How long a server that runs may take to say so.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// As it should be.
    Good(String),
    /// Works, but perhaps not as meant.
    Odd(String, &'static str),
    /// The server will not start, nobody will hear anybody, or recordings are not kept where they should be.
    Bad(String, &'static str),
}

/// Looks at everything, changes nothing, and prints what it found; fails when something is bad.
pub(super) fn examine(config: &Config) -> ExitCode {
    let running = running(config.http.bind, config.tls.on());
    let mut findings = vec![http(config, running.as_deref()), public_url(config)];
    findings.extend(plain(config));
    findings.extend(webhooks(config));
    findings.extend(
        config
            .media_ports()
            .iter()
            .flat_map(|port| media(config.media.bind, *port, running.is_some())),
    );
    findings.push(addresses(config));
    let tls = &config.tls;
    findings.extend(certificate("tls", &tls.certificate, &tls.private_key));
    findings.extend(turn(config, running.is_some()));
    findings.push(database(config));
    findings.extend(recording::examine(&config.recording));
    findings.extend(bucket(config));
    findings.extend(speech::examine(&config.transcription));
    for finding in &findings {
        match finding {
            Finding::Good(what) => say(&format!("  ok    {what}")),
            Finding::Odd(what, advice) => say(&format!("  hm    {what}\n        {advice}")),
            Finding::Bad(what, advice) => say(&format!("  BAD   {what}\n        {advice}")),
        }
    }
    if findings
        .iter()
        .any(|finding| matches!(finding, Finding::Bad(..)))
    {
        say("Something is bad: the server will not do its work like this.");
        ExitCode::FAILURE
    } else if running.is_some() {
        say("The server runs.");
        ExitCode::SUCCESS
    } else {
        say("The server can start.");
        ExitCode::SUCCESS
    }
}

/// The version of a healthy Calls that listens there, if one does.
fn running(address: SocketAddr, tls: bool) -> Option<String> {
    let mut address = address;
    if address.ip().is_unspecified() {
        let loopback: IpAddr = match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    let scheme = if tls { "https" } else { "http" };
    let ask = async {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(ANSWER_WITHIN)
            .tls_danger_accept_invalid_certs(true) // it is on this machine, and its certificate is for a name
            .build()?;
        let asked = client.get(format!("{scheme}://{address}/healthz"));
        asked.send().await?.json::<serde_json::Value>().await
    };
    let health = actix::System::new().block_on(ask).ok()?;
    (health["status"] == "ok").then(|| health["version"].as_str().map(str::to_owned))?
}

fn http(config: &Config, running: Option<&str>) -> Finding {
    let address = config.http.bind;
    if let Some(version) = running {
        return Finding::Good(format!(
            "http.bind: Calls {version} runs there, and is well"
        ));
    }
    match TcpListener::bind(address) {
        Ok(_) => Finding::Good(format!("http.bind: {address} is free")),
        Err(error) => Finding::Bad(
            format!("http.bind: {address}: {error}"),
            "Stop what listens there, which is no Calls that is well, or choose another address.",
        ),
    }
}

fn public_url(config: &Config) -> Finding {
    let url = &config.http.public_url;
    if url.is_empty() && !config.http.bind.ip().is_loopback() {
        return Finding::Odd(
            "http.public_url is empty".to_owned(),
            "Clients are told to come back to whatever `Host` they asked; name the https address of your proxy.",
        );
    }
    if url.starts_with("http://") && !url.contains("localhost") {
        return Finding::Odd(
            format!("http.public_url: {url} is not https"),
            "Browsers give camera and microphone to https and localhost only: put a TLS proxy in front.",
        );
    }
    Finding::Good("http.public_url".to_owned())
}

/// Others reach it, and it has no certificate: whoever is on the way reads along, unless a proxy stands in front.
fn plain(config: &Config) -> Option<Finding> {
    let http = &config.http;
    let open = !http.bind.ip().is_loopback() && !config.tls.on();
    let proxied = http.behind_proxy && http.public_url.starts_with("https://");
    (open && !proxied).then(|| {
        Finding::Odd(
            format!("http.bind: {} is reached from outside, without TLS", http.bind),
            "Keys, tokens and what is said pass in plain text: give a certificate (tls.certificate, tls.acme_domains), or put a TLS \
             proxy in front, with http.behind_proxy and an https http.public_url, and bind to loopback where it is on this machine.",
        )
    })
}

/// Applications may have the server send requests into the operator's own network.
fn webhooks(config: &Config) -> Option<Finding> {
    config.webhooks.allow_private.then(|| {
        Finding::Odd(
            "webhooks.allow_private: endpoints may be inside your own network, and without TLS".to_owned(),
            "Whoever has a key with the scope webhooks reaches what this machine reaches: leave it out, unless that is meant.",
        )
    })
}

fn media(bind: IpAddr, port: u16, running: bool) -> [Finding; 2] {
    let advice = "Stop what listens there, or choose other numbers in media.udp_ports.";
    free("media", SocketAddr::new(bind, port), running, advice)
}

/// UDP and TCP can be listened on there, or are by the server that runs.
fn free(what: &str, address: SocketAddr, running: bool, advice: &'static str) -> [Finding; 2] {
    let found = |protocol: &str, result: io::Result<()>| match result {
        Ok(()) => Finding::Good(format!("{what}: {protocol} {address} is free")),
        Err(error) if running && error.kind() == io::ErrorKind::AddrInUse => Finding::Good(
            format!("{what}: {protocol} {address} is taken, as it should be while Calls runs"),
        ),
        Err(error) => Finding::Bad(format!("{what}: {protocol} {address}: {error}"), advice),
    };
    [
        found("UDP", UdpSocket::bind(address).map(drop)),
        found("TCP", TcpListener::bind(address).map(drop)),
    ]
}

/// What clients are told to send media to.
fn addresses(config: &Config) -> Finding {
    let public = |address: &IpAddr| match address {
        IpAddr::V4(v4) => !(v4.is_private() || v4.is_loopback() || v4.is_link_local()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()),
    };
    let media = &config.media;
    let told = advertised(media.bind, &media.advertised, media.loopback);
    let listed: Vec<String> = told.iter().map(ToString::to_string).collect();
    let whose = if media.advertised.is_empty() {
        "this machine's addresses"
    } else {
        "media.advertised"
    };
    let found = format!("media: clients are told {whose}, {}", listed.join(", "));
    let local = config.http.bind.ip().is_loopback() && config.http.public_url.is_empty();
    if local || told.iter().any(public) {
        return Finding::Good(found);
    }
    Finding::Odd(
        found,
        "None of them is public: clients from the internet need the public one in media.advertised.",
    )
}

fn turn(config: &Config, running: bool) -> Vec<Finding> {
    let turn = &config.turn;
    if !turn.turn_urls.is_empty() {
        return vec![if turn.secret.is_empty() {
            Finding::Bad(
                "turn.turn_urls without turn.secret".to_owned(),
                "Give CALLS__TURN__SECRET, the static-auth-secret of your TURN server.",
            )
        } else {
            Finding::Good("turn.turn_urls names another TURN server".to_owned())
        }];
    }
    if turn.port == 0 {
        return vec![Finding::Odd(
            "turn.port is 0, and turn.turn_urls names nobody else".to_owned(),
            "Clients behind walls that let neither UDP nor the media ports through will not connect.",
        )];
    }
    let advice = "Stop what listens there (a coturn?), or choose another turn.port; 0 is none.";
    let address = SocketAddr::new(config.media.bind, turn.port);
    let mut findings = Vec::from(free("turn", address, running, advice));
    findings.extend(certificate("turn", &turn.certificate, &turn.private_key));
    findings
}

/// A certificate in files, if there is one.
fn certificate(section: &'static str, chain: &Path, key: &Path) -> Option<Finding> {
    if chain.as_os_str().is_empty() {
        return None;
    }
    Some(match Files::open(section, chain, key) {
        Ok(_) => Finding::Good(format!("{section}.certificate can be read")),
        Err(error) => Finding::Bad(
            error.to_string(),
            "Name PEM files that this user can read: the chain, and its key.",
        ),
    })
}

fn database(config: &Config) -> Finding {
    let url = &config.database.url;
    let place = store::place(url).unwrap_or_default();
    match actix::System::new().block_on(store::examine(url)) {
        Ok(Standing::Current) => {
            Finding::Good(format!("database: {place}; answers, tables are up to date"))
        }
        Ok(Standing::Missing) => Finding::Good(format!(
            "database: {place}; will be made at the first start"
        )),
        Ok(Standing::Behind(migrations)) => Finding::Good(format!(
            "database: {place}; answers, {migrations} migrations will run at the next start"
        )),
        Ok(Standing::Ahead) => Finding::Odd(
            format!("database: {place}; has been used by a newer Calls"),
            "This version still works on its tables, if it is the one release before; go back to the newer one soon.",
        ),
        Err(error) => Finding::Bad(
            format!("database: {error}"),
            "See database.url: the file must be readable and SQLite's, or PostgreSQL must run and let this user in.",
        ),
    }
}

/// The bucket that recordings go to, if there is one.
fn bucket(config: &Config) -> Option<Finding> {
    let storage = &config.storage;
    let asked = actix::System::new().block_on(recording::ask_bucket(storage))?;
    let mut place = format!("storage.bucket: {}", storage.bucket);
    if !storage.endpoint.is_empty() && asked.is_ok() {
        place = format!("{place} at {}", storage.endpoint);
    }
    Some(match asked {
        Ok(()) => Finding::Good(format!("{place} answers, and lets the server read")),
        Err(why) => Finding::Bad(
            format!("{place}: {why}"),
            "See storage.endpoint, storage.region and the credentials: until it takes them, recordings stay on this disk.",
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_taken_port_is_bad_and_a_free_one_is_good() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let [_, tcp] = media(address.ip(), address.port(), false);
        assert!(matches!(tcp, Finding::Bad(..)), "{tcp:?}");
        let [_, tcp] = media(address.ip(), address.port(), true);
        assert!(matches!(tcp, Finding::Good(_)), "{tcp:?}");
        let [udp, tcp] = media(address.ip(), 0, false);
        assert!(matches!((udp, tcp), (Finding::Good(_), Finding::Good(_))));
    }

    #[test]
    fn what_is_no_calls_is_not_taken_for_one() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap();
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = other.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\n\r\n<h1>It works!</h1>")
                .unwrap();
        });
        assert_eq!(running(address, false), None);
        answering.join().unwrap();
    }

    #[test]
    fn a_server_that_others_reach_in_plain_text_is_odd() {
        let mut config = Config::load(None).unwrap();
        assert_eq!(plain(&config), None, "on this machine alone");
        config.http.bind = "0.0.0.0:8080".parse().unwrap();
        assert!(matches!(plain(&config), Some(Finding::Odd(..))));
        config.http.public_url = "https://calls.example.org".to_owned();
        assert!(matches!(plain(&config), Some(Finding::Odd(..))), "no proxy");
        config.http.behind_proxy = true;
        assert_eq!(plain(&config), None);
        config.http.behind_proxy = false;
        config.tls.acme_domains = vec!["calls.example.org".to_owned()];
        assert_eq!(plain(&config), None);
    }

    #[test]
    fn webhooks_into_the_operators_own_network_are_odd() {
        let mut config = Config::load(None).unwrap();
        assert_eq!(webhooks(&config), None);
        config.webhooks.allow_private = true;
        assert!(matches!(webhooks(&config), Some(Finding::Odd(..))));
    }

    #[test]
    fn turn_servers_without_their_secret_are_bad() {
        let mut config = Config::load(None).unwrap();
        config.turn.turn_urls = vec!["turn:turn.example".to_owned()];
        config.turn.secret = String::new();
        assert!(matches!(turn(&config, false)[..], [Finding::Bad(..)]));
    }

    #[test]
    fn a_certificate_that_is_not_there_is_bad() {
        let mut config = Config::load(None).unwrap();
        config.turn.certificate = "/nowhere/chain.pem".into();
        assert!(matches!(turn(&config, false)[..], [_, _, Finding::Bad(..)]));
    }
}
