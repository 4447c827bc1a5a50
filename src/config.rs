//! Configuration: `config/default.toml`, then a file, then `CALLS__SECTION__KEY`.

mod check;
mod fault;
mod list;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use calls_model::Language;
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use serde::Deserialize;

/// The file that names every key, built in.
const DEFAULTS: &str = include_str!("../config/default.toml");

/// First media port where none is configured.
const FIRST_MEDIA_PORT: u16 = 7882;

/// All of it. The reasons stand in `config/default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// REST, signaling and pages.
    pub http: Http,
    /// Media ports.
    pub media: Media,
    /// Tokens and passwords.
    pub auth: Auth,
    /// Storage.
    pub database: Database,
    /// Recordings.
    pub recording: Recording,
    /// Where they are kept.
    pub storage: Storage,
    /// Files in the chat.
    pub files: Files,
    /// Speech to words.
    pub transcription: Transcription,
    /// Words to speech.
    pub voice: Voice,
    /// What applications are told.
    pub webhooks: Webhooks,
    /// What clients may ask for.
    pub limits: Limits,
    /// STUN and TURN for clients.
    pub turn: Turn,
    /// Logs.
    pub telemetry: Telemetry,
}

/// `[http]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Listens here.
    pub bind: SocketAddr,
    /// Reached here from outside; empty: see the `Host` header.
    pub public_url: String,
    /// Other pages' origins that may call the API.
    #[serde(deserialize_with = "list::read")]
    pub allowed_origins: Vec<String>,
    /// Threads; 0: one per core.
    pub workers: usize,
    /// `X-Forwarded-For` tells the truth.
    pub behind_proxy: bool,
    /// Patience of a stop.
    pub drain_seconds: u64,
}

/// `[media]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// Listens here.
    pub bind: IpAddr,
    /// On these; empty: one per core.
    #[serde(deserialize_with = "list::read")]
    pub udp_ports: Vec<u16>,
    /// Clients send here; empty: this machine's addresses.
    #[serde(deserialize_with = "list::read")]
    pub advertised: Vec<IpAddr>,
    /// And to 127.0.0.1.
    pub loopback: bool,
    /// ICE-TCP connections per port.
    pub tcp_connections: usize,
    /// GSO.
    pub segmentation_offload: bool,
}

/// `[auth]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Life of a join token.
    pub token_minutes: u64,
    /// Tries at a password.
    pub password_tries: u32,
    /// The wait after them.
    pub password_wait_seconds: u64,
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Where.
    pub url: String,
    /// Connections kept.
    pub connections: usize,
    /// Facts wait here for a database that is away.
    pub spool: PathBuf,
}

/// `[voice]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// The synthesizer.
    pub program: String,
    /// Where nobody says.
    pub language: Language,
}

/// `[transcription]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcription {
    /// What understands.
    pub engine: SpeechEngine,
    /// Vosk's library; empty: looked for.
    pub library: PathBuf,
    /// Vosk's models: a folder for each language.
    pub models: PathBuf,
    /// Where official models come from.
    pub catalogue: String,
    /// Whisper's model.
    pub whisper_model: PathBuf,
    /// Where nobody says.
    pub language: Language,
    /// Threads; 0: one per core.
    pub threads: usize,
    /// Calls at a time.
    pub most: usize,
}

/// What understands speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeechEngine {
    /// While it is spoken.
    Vosk,
    /// A stretch at a time.
    Whisper,
}

/// `[recording]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Where; each recording is a folder in it.
    pub folder: PathBuf,
    /// Megabytes of the disk that stay free.
    pub min_free_mb: u64,
    /// At a time.
    pub most: usize,
    /// Days that they are kept; 0: for good.
    pub keep_days: u32,
    /// Life of a link to a file.
    pub link_minutes: u64,
    /// The program that mixes and composes.
    pub ffmpeg: String,
}

/// `[files]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Where; a folder for each call in it.
    pub folder: PathBuf,
    /// Megabytes of one; 0: none can be shared.
    pub max_mb: u64,
    /// Megabytes of all of a call.
    pub call_mb: u64,
    /// Media types that are taken.
    #[serde(deserialize_with = "list::read")]
    pub types: Vec<String>,
    /// Days that they are kept; 0: for good.
    pub keep_days: u32,
    /// Megabytes of the disk that stay free.
    pub min_free_mb: u64,
}

/// `[storage]`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Empty: recordings stay on this disk.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// Another store than Amazon's.
    pub endpoint: String,
    /// Whose.
    pub access_key_id: String,
    /// Proof of it.
    pub secret_access_key: String,
    /// The bucket's name stands in the path.
    pub path_style: bool,
    /// What all names begin with.
    pub prefix: String,
    /// `ETag`s that look like MD5 are.
    pub etag_is_md5: bool,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage")
            .field("bucket", &self.bucket)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// `[webhooks]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// Endpoints at a time.
    pub most: u32,
    /// Patience with an endpoint.
    pub timeout_seconds: u64,
    /// The first pause after a failure.
    pub retry_seconds: u64,
    /// How long is tried at all.
    pub retry_hours: u32,
    /// Days that the log of deliveries is kept.
    pub keep_days: u32,
    /// Endpoints may stand in private networks, and without TLS.
    pub allow_private: bool,
}

/// `[limits]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Signaling frames a second.
    pub frames_per_second: u32,
    /// At once.
    pub frames_burst: u32,
    /// Patience with a flood.
    pub flood_seconds: u64,
    /// Bytes that wait for a slow socket.
    pub socket_backlog_bytes: usize,
}

/// `[turn]`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// The built-in server listens here, UDP and TCP; 0: there is none.
    pub port: u16,
    /// And here for TLS.
    pub tls_port: u16,
    /// With this certificate; empty: no TLS.
    pub certificate: PathBuf,
    /// Its key; empty: in the same file.
    pub private_key: PathBuf,
    /// Clients find it by this name; empty: where media is.
    pub host: String,
    /// First and last port of relays.
    pub relay_ports: [u16; 2],
    /// Allocations in all.
    pub allocations: usize,
    /// Of one user.
    pub allocations_per_user: usize,
    /// From one address.
    pub allocations_per_address: usize,
    /// TCP and TLS connections.
    pub connections: usize,
    /// Patience with a connection that does not allocate.
    pub idle_seconds: u64,
    /// Relayed to, beside media.
    #[serde(deserialize_with = "list::read")]
    pub extra_peers: Vec<SocketAddr>,
    /// STUN servers.
    #[serde(deserialize_with = "list::read")]
    pub stun_urls: Vec<String>,
    /// Other TURN servers, instead of the built-in one.
    #[serde(deserialize_with = "list::read")]
    pub turn_urls: Vec<String>,
    /// Shared with them.
    pub secret: String,
    /// Life of a password made from it.
    pub credential_minutes: u64,
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn")
            .field("port", &self.port)
            .field("turn_urls", &self.turn_urls)
            .finish_non_exhaustive()
    }
}

/// `[telemetry]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// A filter as `tracing` reads it.
    pub log: String,
    /// For whom.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Keys are unknown, or their values are wrong.
    #[error("configuration: {}", fault::tell(.0))]
    Figment(#[from] Box<figment::Error>),
    /// A value can be read and makes no sense.
    #[error("configuration: {key} ({}) {detail}", fault::variable(.key))]
    Senseless {
        /// Its key.
        key: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The file that was named is not there.
    #[error("configuration file {0} does not exist")]
    NoFile(PathBuf),
    /// What was named is no file.
    #[error("{0} is a folder; --config wants a file in it")]
    Folder(PathBuf),
}

impl Config {
    /// Reads the defaults, then `file`, then the environment.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the key that is unknown or wrong.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            if file.is_dir() {
                return Err(ConfigError::Folder(file.to_owned()));
            }
            if !file.exists() {
                return Err(ConfigError::NoFile(file.to_owned()));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let environment = Env::prefixed("CALLS__").split("__");
        let config: Self = figment
            .merge(environment)
            .extract()
            .map_err(|e| ConfigError::Figment(Box::new(e)))?;
        check::check(&config)?;
        Ok(config)
    }

    /// Variables of the environment that look as if they should be read and are not, with what was probably meant.
    pub fn misspelt() -> Vec<(String, String)> {
        check::misspelt(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
    }

    /// The media ports, with "one per core" worked out.
    pub fn media_ports(&self) -> Vec<u16> {
        if !self.media.udp_ports.is_empty() {
            return self.media.udp_ports.clone();
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        (FIRST_MEDIA_PORT..).take(cores).collect()
    }
}

#[cfg(test)]
#[expect(
    clippy::result_large_err,
    reason = "figment's jail wants its own error"
)]
mod tests {
    use figment::Jail;

    use super::*;

    #[test]
    fn the_defaults_are_complete_and_listen_on_loopback_only() {
        Jail::expect_with(|_| {
            let config = Config::load(None).expect("defaults");
            assert!(config.http.bind.ip().is_loopback());
            Ok(())
        });
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        Jail::expect_with(|jail| {
            jail.create_file("calls.toml", "[http]\nworkers = 3\ndrain_seconds = 4\n")?;
            jail.set_env("CALLS__HTTP__WORKERS", "5");
            jail.set_env("CALLS__MEDIA__UDP_PORTS", "[7000, 7001]");
            let config = Config::load(Some(Path::new("calls.toml"))).expect("good");
            assert_eq!((config.http.workers, config.http.drain_seconds), (5, 4));
            assert_eq!(config.media_ports(), [7000, 7001]);
            Ok(())
        });
    }

    /// What is said about this variable of the environment.
    #[track_caller]
    fn refusal(name: &str, value: &str) -> String {
        let mut said = String::new();
        Jail::expect_with(|jail| {
            jail.set_env(name, value);
            said = Config::load(None).expect_err("it is wrong").to_string();
            Ok(())
        });
        said
    }

    #[test]
    fn an_unknown_key_is_refused_by_its_name() {
        assert_eq!(
            refusal("CALLS__HTTP__BINDD", "127.0.0.1:1"),
            "configuration: there is no key http.bindd (CALLS__HTTP__BINDD); [http] has allowed_origins, \
             behind_proxy, bind, drain_seconds, public_url, workers"
        );
        let said = refusal("CALLS__HTPP__BIND", "x");
        assert!(
            said.starts_with("configuration: there is no key htpp (CALLS__HTPP); there are auth, "),
            "{said}"
        );
        Jail::expect_with(|jail| {
            jail.create_file("calls.toml", "[http]\nbnd = \"x\"\n")?;
            let said = Config::load(Some(Path::new("calls.toml"))).expect_err("unknown");
            let said = said.to_string();
            assert!(said.contains("there is no key http.bnd (in "), "{said}");
            assert!(said.contains("calls.toml)"), "{said}");
            Ok(())
        });
    }

    #[test]
    fn a_wrong_value_is_refused_by_its_key() {
        assert_eq!(
            refusal("CALLS__HTTP__WORKERS", "many"),
            "configuration: http.workers (CALLS__HTTP__WORKERS): invalid type: found string \"many\", expected usize"
        );
        assert_eq!(
            refusal("CALLS__HTTP__BIND", "localhost"),
            "configuration: http.bind (CALLS__HTTP__BIND): invalid socket address syntax"
        );
        assert_eq!(
            refusal("CALLS__MEDIA__ADVERTISED", "media.example"),
            "configuration: media.advertised (CALLS__MEDIA__ADVERTISED): \"media.example\" cannot be read \
             (invalid IP address syntax); write one value, several with commas between them, or [\"…\", \"…\"]"
        );
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        for (name, value, key) in [
            (
                "CALLS__HTTP__PUBLIC_URL",
                "calls.example.org",
                "http.public_url",
            ),
            (
                "CALLS__HTTP__ALLOWED_ORIGINS",
                "app.example",
                "http.allowed_origins",
            ),
            (
                "CALLS__TRANSCRIPTION__CATALOGUE",
                "models",
                "transcription.catalogue",
            ),
            ("CALLS__AUTH__TOKEN_MINUTES", "0", "auth.token_minutes"),
            ("CALLS__AUTH__PASSWORD_TRIES", "0", "auth.password_tries"),
            (
                "CALLS__TURN__CREDENTIAL_MINUTES",
                "99999999999",
                "turn.credential_minutes",
            ),
        ] {
            let said = refusal(name, value);
            let begin = format!("configuration: {key} ({name}) must ");
            assert!(said.starts_with(&begin), "{said}");
        }
    }

    #[test]
    fn a_list_of_the_environment_may_be_written_as_one_writes_it() {
        Jail::expect_with(|jail| {
            jail.set_env("CALLS__MEDIA__ADVERTISED", "203.0.113.7");
            jail.set_env("CALLS__MEDIA__UDP_PORTS", "7000");
            jail.set_env(
                "CALLS__HTTP__ALLOWED_ORIGINS",
                "https://a.example, https://b.example",
            );
            let config = Config::load(None).expect("good");
            assert_eq!(config.media.advertised, [IpAddr::from([203, 0, 113, 7])]);
            assert_eq!(config.media_ports(), [7000]);
            assert_eq!(config.http.allowed_origins.len(), 2);
            jail.set_env("CALLS__MEDIA__UDP_PORTS", "7000,7001");
            jail.set_env("CALLS__MEDIA__ADVERTISED", "");
            let config = Config::load(None).expect("good");
            assert_eq!(config.media_ports(), [7000, 7001]);
            assert!(config.media.advertised.is_empty());
            Ok(())
        });
    }

    #[test]
    fn a_folder_is_no_file() {
        let said = Config::load(Some(Path::new("."))).expect_err("a folder");
        assert_eq!(
            said.to_string(),
            ". is a folder; --config wants a file in it"
        );
    }

    #[test]
    fn the_example_of_a_host_is_good() {
        Jail::expect_with(|jail| {
            jail.create_file(
                "host.toml",
                include_str!("../config/production.example.toml"),
            )?;
            assert!(Config::load(Some(Path::new("host.toml"))).is_ok());
            Ok(())
        });
    }
}
