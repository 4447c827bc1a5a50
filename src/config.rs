//! Configuration: `config/default.toml`, then a file, then `CALLS__SECTION__KEY`.

mod check;
mod fault;
mod list;
mod secrets;

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
    /// Their certificate.
    pub tls: Tls,
    /// Media ports.
    pub media: Media,
    /// Tokens and passwords.
    pub auth: Auth,
    /// Tokens of another issuer.
    pub oidc: Oidc,
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

/// `[tls]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM; empty: none in a file.
    pub certificate: PathBuf,
    /// Its key; empty: in the same file.
    pub private_key: PathBuf,
    /// Names that a certificate is ordered for; empty: none.
    #[serde(deserialize_with = "list::read")]
    pub acme_domains: Vec<String>,
    /// Mail addresses of who is told when something is wrong with it.
    #[serde(deserialize_with = "list::read")]
    pub acme_contact: Vec<String>,
    /// Where it is ordered.
    pub acme_directory: String,
    /// Where it is kept.
    pub acme_folder: PathBuf,
    /// Whom the directory's own certificate is from; empty: whom this system trusts.
    pub acme_ca: PathBuf,
}

impl Tls {
    /// HTTP is spoken over TLS.
    pub fn on(&self) -> bool {
        !self.certificate.as_os_str().is_empty() || !self.acme_domains.is_empty()
    }
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
    /// Days that the audit log is kept; 0: for good.
    pub audit_keep_days: u32,
}

/// `[oidc]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// Who made the tokens: their `iss`; empty: nobody else.
    pub issuer: String,
    /// Whom they are for: their `aud`.
    pub audience: String,
    /// Where its keys are; empty: where its discovery document says.
    pub jwks_url: String,
    /// The claim that names the tenant, which each token must have; empty: all are of the tenant `default`.
    pub org_claim: String,
    /// Subjects whose tokens are taken no more.
    pub denied: Vec<String>,
    /// The claim that has the scopes.
    pub scope_claim: String,
    /// What scopes of ours begin with there.
    pub scope_prefix: String,
    /// The console's client there; empty: it takes keys only.
    pub console_client_id: String,
    /// What the console asks for there.
    pub console_scope: String,
}

/// `[database]`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Where.
    pub url: String,
    /// The same, in a file.
    pub url_file: PathBuf,
    /// Connections kept.
    pub connections: usize,
    /// Facts wait here for a database that is away.
    pub spool: PathBuf,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("url", &secrets::without_password(&self.url))
            .field("connections", &self.connections)
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
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
    /// The same, in a file.
    pub secret_access_key_file: PathBuf,
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
    /// Requests a second of one API key; 0: no limit.
    pub requests_per_key: u32,
    /// At once.
    pub requests_per_key_burst: u32,
    /// Requests a second from one address; 0: no limit.
    pub requests_per_address: u32,
    /// At once.
    pub requests_per_address_burst: u32,
    /// Joins a second of one room; 0: no limit.
    pub joins_per_room: u32,
    /// At once.
    pub joins_per_room_burst: u32,
    /// Sockets that one address may have open; 0: no limit.
    pub sockets_per_address: u32,
    /// Tracks of sound that one client may publish.
    pub audio_tracks_per_client: usize,
    /// Of pictures.
    pub video_tracks_per_client: usize,
    /// Pictures that it may see at a time.
    pub video_slots_per_client: usize,
    /// Kilobits a second that it is sent; 0: what its path carries.
    pub kbps_per_client: u64,
    /// Hidden presences in one room.
    pub hidden_per_room: u32,
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
    /// The same, in a file.
    pub secret_file: PathBuf,
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
    /// An OpenTelemetry collector; empty: none.
    pub otlp_endpoint: String,
    /// Share of the requests that are traced.
    pub otlp_sample: f64,
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
        let mut config: Self = sources(file)?
            .extract()
            .map_err(|e| ConfigError::Figment(Box::new(e)))?;
        secrets::read(&mut config)?;
        check::check(&config)?;
        Ok(config)
    }

    /// All keys as they hold now, in the form of the file, without secrets.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn shown(file: Option<&Path>) -> Result<String, ConfigError> {
        Self::load(file)?;
        let mut all: toml::Table = sources(file)?
            .extract()
            .map_err(|e| ConfigError::Figment(Box::new(e)))?;
        secrets::hide(&mut all);
        Ok(all.to_string())
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

/// The defaults, the file over them, the environment over both.
fn sources(file: Option<&Path>) -> Result<Figment, ConfigError> {
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
    Ok(figment.merge(Env::prefixed("CALLS__").split("__")))
}

#[cfg(test)]
#[expect(
    clippy::result_large_err,
    reason = "figment's jail wants its own error"
)]
mod tests;
