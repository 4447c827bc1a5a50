//! From a configuration to a server that listens, and back.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::Actor;
use actix_web::dev::ServerHandle;
use actix_web::web;
use calls_actors::calls::{Calls, Drain, Interrupted, Recover};
use calls_actors::clock::Clock;
use calls_actors::heartbeat::Heartbeat;
use calls_actors::participant::{Bounds, LIMITS};
use calls_actors::{MediaConfig, MediaPorts, PortsError};
use calls_media::PeerLimits;
use calls_media::seam::Bitrate;
use calls_model::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, info, warn};

use super::{App, Stopping};
use crate::auth::turn::{self, IceSource};
use crate::auth::{Door, Oidc, Revoked, Tokens, keys, oidc};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::files::Files;
use crate::http;
use crate::http::Sessions;
use crate::http::limits::Limits;
use crate::http::recordings::Links;
use crate::lasting::lasting;
use crate::recording::archive::Archive;
use crate::recording::transcripts::Transcripts;
use crate::recording::{DiskStudio, StorageError, Storages};
use crate::store::{Ownership, Store, StoreError};
use crate::telemetry;
use crate::tls::{Certificates, TlsError};
use crate::transcription::{Ears, Models};
use crate::turn::{Turn, TurnError};
use crate::voice::{Cached, Espeak};
use crate::webhooks::{Courier, Sender};

/// Name of the secret that seals join tokens.
const TOKEN_SECRET: &str = "join-tokens";

/// Name of the secret that signs links to recordings.
const LINK_SECRET: &str = "recording-links";

/// How long tapes may take to close when the server goes down.
const TAPES_CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// How often it is written down that the server is up.
const ALIVE_EVERY: Duration = Duration::from_secs(2);

/// How long sockets have to hear a `bye`, when everything else took all the time there was.
const FAREWELL: Duration = Duration::from_secs(2);

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bucket for recordings is configured in a way that makes no sense.
    #[error("storage: {0}")]
    Storage(#[from] StorageError),
    /// No trust in anybody's certificates, so nothing can be asked of others.
    #[error("outgoing requests: {0}")]
    Webhooks(#[from] reqwest::Error),
    /// No media sockets.
    #[error("{0}{hint}", hint = media_hint(.0))]
    Media(#[from] PortsError),
    /// No certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No TURN sockets.
    #[error(transparent)]
    Turn(#[from] TurnError),
    /// The HTTP address cannot be had.
    #[error("cannot listen on {address}: {reason}{hint}", hint = http_hint(.reason))]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        reason: io::Error,
    },
    /// The system gives no thread for the heartbeat, or for speech.
    #[error("no thread can be started: {0}")]
    Thread(#[source] io::Error),
    /// `--dev` is for this machine alone.
    #[error("--dev asks for no credentials, so it serves on loopback only, not on {0}")]
    OpenToTheWorld(SocketAddr),
}

fn http_hint(reason: &io::Error) -> &'static str {
    match reason.kind() {
        io::ErrorKind::AddrInUse => {
            ". Is Calls running already? Stop what listens there, or choose another address: \
             http.bind in the configuration, CALLS__HTTP__BIND in the environment"
        }
        io::ErrorKind::PermissionDenied => {
            ". Ports below 1024 are for root; choose another one (CALLS__HTTP__BIND)"
        }
        io::ErrorKind::AddrNotAvailable => {
            ". This machine has no such address; see http.bind (CALLS__HTTP__BIND)"
        }
        _ => "",
    }
}

fn media_hint(refused: &PortsError) -> &'static str {
    match refused {
        PortsError::Taken { .. } => {
            ". Is Calls running already? Stop what listens there, or choose other ports: \
             media.udp_ports in the configuration, CALLS__MEDIA__UDP_PORTS in the environment"
        }
        PortsError::NoPorts
        | PortsError::Refused { .. }
        | PortsError::Unserved { .. }
        | PortsError::Identity(_) => "",
    }
}

/// A server that runs.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The key that was made, if this was the first start. Shown once, to whoever started it.
    pub first_key: Option<keys::SecretKey>,
    app: web::Data<App>,
    certificates: Certificates,
    http: ServerHandle,
    ended: JoinHandle<io::Result<()>>,
    /// Recordings, their transcripts and shared files are seen to.
    tasks: [JoinHandle<()>; 3],
    /// Writes down that the server is up.
    alive: JoinHandle<()>,
    /// Tells applications, until this goes.
    _courier: Courier,
    /// Nobody else's database while this server is there.
    _ownership: Ownership,
}

/// What clients and rooms may have at most, as configured.
pub(crate) fn bounds(config: &Config) -> Bounds {
    let limits = &config.limits;
    let kbps = limits.kbps_per_client;
    Bounds {
        peer: PeerLimits {
            audio_tracks: limits.audio_tracks_per_client,
            video_tracks: limits.video_tracks_per_client,
            video_slots: limits.video_slots_per_client,
            ..LIMITS
        },
        bitrate: (kbps > 0).then(|| Bitrate(kbps.saturating_mul(1000))),
        hidden: limits.hidden_per_room,
    }
}

/// Opens the database: what waited on disk is recorded, and what a run before left open goes on or is closed.
async fn open_store(
    config: &Config,
    now: Timestamp,
) -> Result<(Store, Vec<Interrupted>), StoreError> {
    let database = &config.database;
    let (url, spool) = (&database.url, &database.spool);
    let store = Store::open_with_spool(url, database.connections, spool).await?;
    let waited = store.catch_up().await?;
    if waited > 0 {
        info!(
            entries = waited,
            "recorded what had waited for the database"
        );
    }
    let recovered = store.recover(now).await?;
    if recovered.closed > 0 {
        let calls = recovered.closed;
        warn!(calls, "closed calls that a run long ago left open");
    }
    Ok((store, recovered.live))
}

impl Server {
    /// Opens everything and begins to serve. Needs a running actix system.
    ///
    /// # Errors
    ///
    /// [`StartError`] says what could not be had.
    pub async fn start(config: Config, dev: bool) -> Result<Self, StartError> {
        Box::pin(Self::begin(config, dev)).await // large, and waited for once
    }

    async fn begin(config: Config, dev: bool) -> Result<Self, StartError> {
        if dev && !config.http.bind.ip().is_loopback() {
            return Err(StartError::OpenToTheWorld(config.http.bind));
        }
        let metrics = telemetry::recorder(); // before anybody who counts
        // What can be refused without consequences comes first: a second start by mistake must leave no trace in what
        // the server that runs already has.
        let listener = http::listen(config.http.bind)?;
        let ports = MediaPorts::start(&media(&config, dev))?;
        let opened = Self::relay_and_open(config, dev, metrics, listener, ports.clone()).await;
        if opened.is_err() {
            ports.stop();
        }
        opened
    }

    async fn relay_and_open(
        config: Config,
        dev: bool,
        metrics: PrometheusHandle,
        listener: TcpListener,
        ports: MediaPorts,
    ) -> Result<Self, StartError> {
        let secret = turn::secret(&config.turn);
        let certificates = Certificates::open(&config)?;
        let shown = certificates.turn.clone();
        let turn = Turn::start(
            &config,
            secret.clone(),
            shown,
            &ports,
            Arc::new(SystemClock),
        )?;
        let urls = turn.as_ref().map_or(&[][..], Turn::urls);
        let ice = IceSource::new(&config.turn, secret, urls);
        Self::open(
            config,
            dev,
            metrics,
            listener,
            ports,
            (turn, ice, certificates),
        )
        .await
    }

    #[expect(
        clippy::too_many_lines,
        reason = "each part once, in the order in which they need each other"
    )]
    async fn open(
        config: Config,
        dev: bool,
        metrics: PrometheusHandle,
        listener: TcpListener,
        ports: MediaPorts,
        (turn, ice, certificates): (Option<Turn>, IceSource, Certificates),
    ) -> Result<Self, StartError> {
        let ownership = Ownership::take(&config.database.url).await?;
        let clock = Arc::new(SystemClock);
        let (store, interrupted) = open_store(&config, clock.now()).await?;
        let offered: [u8; 32] = rand::random();
        let secret = store.secret_or(TOKEN_SECRET, offered.to_vec()).await?;
        let offered: [u8; 32] = rand::random();
        let link_secret = store.secret_or(LINK_SECRET, offered.to_vec()).await?;
        let life = Duration::from_secs(config.auth.token_minutes * 60);
        let recording = config.recording.clone();
        let storages = Storages::open(recording.folder.clone(), &config.storage)?;
        let sender = Sender::new(&config.webhooks)?;
        let studio = DiskStudio::new(
            recording.folder.clone(),
            recording.min_free_mb,
            recording.most,
        );
        let speech = &config.transcription;
        let ears = Ears::start(Models::open(speech), speech.threads, speech.most);
        let ears = ears.map_err(StartError::Thread)?;
        let voice = Arc::new(Cached::new(Espeak::new(&config.voice.program)));
        let calls = Calls::new(Arc::new(store.clone()), clock.clone(), ports.clone())
            .recording_in(Arc::new(studio.clone()))
            .understood_by(Arc::new(ears.clone()))
            .bounded_by(bounds(&config))
            .start();
        // Before HTTP answers: whoever comes back finds their place.
        if calls.send(Recover(interrupted)).await.is_err() {
            warn!("the registry of calls crashed"); // `failed` says so in a moment
        }
        let link_life = Duration::from_secs(recording.link_minutes * 60);
        let archive = Archive::new(
            studio,
            storages,
            store.clone(),
            calls.clone(),
            clock.clone(),
            recording,
        );
        let transcripts = Transcripts::new(&archive, ears.clone());
        let files = Files::new(&config.files, store.clone(), clock.clone());
        let mut pulses = ports.pulses();
        pulses.push(("calls".to_owned(), calls.clone().recipient()));
        let heartbeat = Heartbeat::start(pulses).map_err(StartError::Thread)?;
        let auth = &config.auth;
        let app = web::Data::new(App {
            door: Door::new(
                auth.password_tries,
                Duration::from_secs(auth.password_wait_seconds),
            ),
            tokens: Tokens::new(&secret, life),
            limits: Limits::new(&config.limits),
            oidc: Oidc::new(&config.oidc)?,
            revoked: {
                let mut names = store.revoked_keys().await?;
                let denied: Vec<String> = oidc::denied(&config.oidc).collect();
                let made = store.keys_of_subjects(denied.clone()).await?;
                let out: Vec<String> = made.into_iter().chain(denied).collect();
                for id in store.disable_webhooks_of(out.clone()).await? {
                    warn!(webhook.id = %id, "webhook {id} is disabled: its maker is denied");
                }
                names.extend(out);
                Revoked::new(names)
            },
            sessions: Sessions::default(),
            links: Links::new(&link_secret, link_life),
            archive,
            transcripts,
            files,
            ears,
            voice,
            sender: sender.clone(),
            open: dev,
            metrics,
            stopping: Stopping {
                draining: AtomicBool::new(false),
                tell: watch::Sender::new(false),
            },
            config,
            store,
            calls,
            ports,
            heartbeat,
            turn,
            ice,
            clock,
        });
        let (server, address) = http::server(&app, listener, certificates.http.clone())?;
        // Last, when nothing can go wrong any more: it is shown this once.
        let first_key = if dev {
            None
        } else {
            keys::first(&app.store, app.clock.now()).await?
        };
        let tasks = [
            actix::spawn(app.archive.clone().run()),
            actix::spawn({
                let transcripts = app.transcripts.clone();
                lasting("transcripts", move || transcripts.clone().run())
            }),
            actix::spawn({
                let files = app.files.clone();
                lasting("files", move || files.clone().run())
            }),
        ];
        let (store, clock) = (app.store.clone(), app.clock.clone());
        let courier = Courier::start(store, clock, sender, app.config.webhooks);
        actix::spawn(telemetry::upkeep(app.metrics.clone()));
        actix::spawn(http::idempotency::sweep(app.clone()));
        let alive = actix::spawn(say_alive(app.clone()));
        let http = server.handle();
        let ended = actix::spawn(server);
        Ok(Self {
            address,
            first_key,
            app,
            certificates,
            http,
            ended,
            tasks,
            alive,
            _courier: courier,
            _ownership: ownership,
        })
    }

    /// What the server shares with its handlers.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Reads certificates again, whether or not their files seem to have changed.
    pub fn reload(&self) {
        self.certificates.reload();
    }

    /// Serves until something ends it, which is an error unless it was told to stop.
    ///
    /// # Errors
    ///
    /// When the HTTP server or the registry of calls is gone.
    pub async fn failed(&mut self) -> io::Error {
        let mut beat = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                ended = &mut self.ended => {
                    return match ended {
                        Ok(Err(error)) => error,
                        Ok(Ok(())) | Err(_) => io::Error::other("the HTTP server ended"),
                    };
                }
                _ = beat.tick() => {
                    if !self.app.calls.connected() {
                        return io::Error::other("the registry of calls crashed");
                    }
                }
            }
        }
    }

    /// What calls recorded to their ends is written; its files are made at the next start, unless there is time now.
    async fn close_tapes(&self) {
        let studio = &self.app.archive.studio;
        let closed = async {
            while studio.open_tapes() > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(TAPES_CLOSE_WITHIN, closed)
            .await
            .is_err()
        {
            warn!("tapes are still open; what they have is taken up at the next start");
        }
    }

    /// The start, reversed: refuse what is new, tell sessions, flush the journal, close. Takes no longer than
    /// `http.drain_seconds` and [`FAREWELL`].
    pub async fn stop(self) {
        let patience = Duration::from_secs(self.app.config.http.drain_seconds);
        let deadline = tokio::time::Instant::now() + patience;
        info!("draining");
        self.app.stopping.draining.store(true, Ordering::Relaxed);
        match self.app.calls.send(Drain).timeout(patience).await {
            Ok(()) => info!("every call is closed and written down"),
            Err(error) => warn!(%error, "calls could not be closed in time"),
        }
        self.close_tapes().await;
        let _ = self.app.stopping.tell.send(true); // sockets without a call: nobody else tells them
        // What the calls left of the time is for what HTTP has under way; the farewells to sockets need a moment.
        let deadline = deadline.max(tokio::time::Instant::now()) + FAREWELL;
        let stopped = tokio::time::timeout_at(deadline, self.http.stop(true));
        if stopped.await.is_err() {
            self.http.stop(false).await;
        }
        for task in &self.tasks {
            task.abort(); // what it was at is taken up at the next start
        }
        self.alive.abort();
        if let Some(turn) = &self.app.turn {
            turn.stop();
        }
        self.app.ports.stop();
        info!("stopped");
    }
}

/// The next start asks when that was: it is when what was live was cut off. And hears of keys that were revoked by the
/// command line.
async fn say_alive(app: web::Data<App>) {
    let mut beat = tokio::time::interval(ALIVE_EVERY);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        if let Err(error) = app.store.alive(app.clock.now()).await {
            debug!(%error, "it cannot be written down that the server is up");
        }
        // `calls token revoke` writes to the database only.
        match app.store.revoked_keys().await {
            Ok(names) => {
                if app.revoked.add(names) {
                    app.store.hooks_changed(); // theirs are disabled
                }
            }
            Err(error) => debug!(%error, "it cannot be read which keys are revoked"),
        }
    }
}

fn media(config: &Config, dev: bool) -> MediaConfig {
    MediaConfig {
        bind: config.media.bind,
        ports: config.media_ports(),
        advertised: config.media.advertised.clone(),
        loopback: config.media.loopback || dev,
        tcp_connections: config.media.tcp_connections,
        segmentation_offload: config.media.segmentation_offload,
    }
}
