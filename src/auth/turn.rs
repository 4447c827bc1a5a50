//! STUN and TURN for clients, with passwords that end by themselves.

use calls_model::rest::IceServer;
use calls_turn::{Credential, Secret};

use crate::config::Turn;

/// What clients are told of STUN and TURN.
pub struct IceSource {
    stun_urls: Vec<String>,
    turn_urls: Vec<String>,
    secret: Secret,
    life_seconds: u64,
}

/// What TURN passwords are made from: what is configured, else something that nobody else can know.
pub fn secret(config: &Turn) -> Secret {
    if config.secret.is_empty() {
        Secret::new(&rand::random::<[u8; 32]>())
    } else {
        Secret::new(config.secret.as_bytes())
    }
}

impl IceSource {
    /// Names the TURN servers that are configured, else the `built_in` one.
    pub fn new(config: &Turn, secret: Secret, built_in: &[String]) -> Self {
        let turn_urls = if config.turn_urls.is_empty() {
            built_in.to_vec()
        } else {
            config.turn_urls.clone()
        };
        Self {
            stun_urls: config.stun_urls.clone(),
            turn_urls,
            secret,
            life_seconds: config.credential_minutes * 60,
        }
    }

    /// What a client gets as `iceServers`, for this user and from this second on.
    pub fn servers(&self, user: &str, now_seconds: u64) -> Vec<IceServer> {
        let mut servers = Vec::new();
        if !self.stun_urls.is_empty() {
            servers.push(IceServer {
                urls: self.stun_urls.clone(),
                username: None,
                credential: None,
            });
        }
        if !self.turn_urls.is_empty() {
            let Credential { username, password } =
                self.secret.issue(user, now_seconds + self.life_seconds);
            servers.push(IceServer {
                urls: self.turn_urls.clone(),
                username: Some(username),
                credential: Some(password),
            });
        }
        servers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn source(turn_urls: &[&str], built_in: &[&str]) -> IceSource {
        let mut config = Config::load(None).expect("defaults").turn;
        config.turn_urls = turn_urls.iter().map(ToString::to_string).collect();
        config.secret = "north".to_owned();
        config.credential_minutes = 60;
        let built_in: Vec<String> = built_in.iter().map(ToString::to_string).collect();
        IceSource::new(&config, secret(&config), &built_in)
    }

    #[test]
    fn without_servers_there_is_nothing_to_tell() {
        assert_eq!(source(&[], &[]).servers("ann", 0), []);
    }

    #[test]
    fn a_turn_password_is_the_hmac_of_its_end_and_user() {
        let servers = source(&["turn:t.example"], &[]).servers("ann", 1_700_000_000);
        assert_eq!(servers[0].username.as_deref(), Some("1700003600:ann"));
        // printf 1700003600:ann | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(
            servers[0].credential.as_deref(),
            Some("TwqKCcbzejRFa1sgGqGS7SEzCGg=")
        );
    }

    #[test]
    fn other_turn_servers_are_named_instead_of_the_built_in_one() {
        let urls = |turn_urls| {
            source(turn_urls, &["turn:ours"]).servers("ann", 0)[0]
                .urls
                .clone()
        };
        assert_eq!(urls(&[]), ["turn:ours"]);
        assert_eq!(urls(&["turn:theirs"]), ["turn:theirs"]);
    }

    #[test]
    fn a_secret_that_nobody_configured_is_another_one_each_time() {
        let mut config = Config::load(None).expect("defaults").turn;
        config.secret.clear();
        let password = || secret(&config).issue("ann", 1).password;
        assert_ne!(password(), password());
    }
}
