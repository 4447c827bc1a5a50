//! A whole run: rooms, joins, warm-up, measuring, leaving.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use calls_model::rest::MaxParticipants;
use calls_model::text::BadText;
use calls_model::{RoomId, RoomName};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Url;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::api::{Api, ApiFailed};
use crate::causes::with_causes;
use crate::histogram::Histogram;
use crate::light::{Identity, Lanes};
use crate::participant::{Inside, Seat, World};
use crate::report::{Cost, Flow, Joins, Provenance, Report, Times};
use crate::scenario::Scenario;
use crate::server::Gauge;
use crate::tally::{Tallies, Tally};

/// How often the progress bar moves while time passes.
const TICK: Duration = Duration::from_millis(100);

/// Why no crowd came together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CrowdFailed {
    /// No room.
    #[error("cannot make a room")]
    Room(#[from] ApiFailed),
    /// The scenario's name makes no room name.
    #[error("the scenario's name cannot name a room")]
    Name(#[from] BadText),
    /// More than a room can hold.
    #[error("a room of this server holds 1 to 1000: {0}")]
    TooMany(&'static str),
    /// No certificate.
    #[error("cannot make a certificate")]
    Identity(#[from] rtc::shared::error::Error),
    /// No threads.
    #[error("cannot start the threads that carry participants")]
    Lanes(#[from] std::io::Error),
}

/// A crowd about to come together.
pub(crate) struct Crowd {
    world: Arc<World>,
    gauge: Gauge,
    stop: watch::Sender<bool>,
    bar: ProgressBar,
}

impl Crowd {
    /// A crowd that will play `scenario` at the server behind `api`.
    pub(crate) fn new(
        api: Api,
        scenario: Scenario,
        gauge: Gauge,
        threads: usize,
    ) -> Result<Self, CrowdFailed> {
        let (stop, stopped) = watch::channel(false);
        let bind = media_address(api.base());
        let tallies = Arc::new(Tallies::new());
        let world = Arc::new(World {
            api,
            scenario,
            lanes: Lanes::start(threads, &tallies)?,
            identity: Identity::generate()?,
            tallies,
            bind,
            stop: stopped,
        });
        Ok(Self {
            world,
            gauge,
            stop,
            bar: progress_bar(),
        })
    }

    /// Ends the run early when this is called, wherever it is.
    pub(crate) fn stopper(&self) -> impl FnOnce() + Send + use<> {
        let stop = self.stop.clone();
        move || _ = stop.send_replace(true)
    }

    /// Plays it all.
    pub(crate) async fn play(self) -> Result<Report, CrowdFailed> {
        let mut rooms = Vec::new();
        let made = self.make_rooms(&mut rooms).await;
        let report = match made {
            Ok(()) => Ok(self.meet(&rooms).await),
            Err(failed) => Err(failed),
        };
        for room in &rooms {
            if let Err(error) = self.world.api.delete_room(room).await {
                tracing::warn!(%room, "a room stays behind: {}", with_causes(&error));
            }
        }
        self.bar.finish_and_clear();
        report
    }

    async fn make_rooms(&self, rooms: &mut Vec<RoomId>) -> Result<(), CrowdFailed> {
        let scenario = &self.world.scenario;
        // Room for those who come again before the server has noticed that they went.
        let people =
            MaxParticipants::try_from(scenario.people().max(2)).map_err(CrowdFailed::TooMany)?;
        let name: RoomName = format!("load test: {}", scenario.name).parse()?;
        for _ in 0..scenario.rooms {
            rooms.push(self.world.api.create_room(name.clone(), people).await?);
        }
        Ok(())
    }

    async fn meet(&self, rooms: &[RoomId]) -> Report {
        let world = &self.world;
        let scenario = &world.scenario;
        let mut joins = Joins {
            wanted: scenario.crowd(),
            ..Joins::default()
        };
        let inside = self.join(rooms, &mut joins).await;
        self.pass("warming up", scenario.warmup_seconds).await;

        let before = self.gauge.read().await;
        let began = Instant::now();
        world.tallies.measure(true);
        self.pass("measuring", scenario.seconds).await;
        world.tallies.measure(false);
        let (after, took) = (self.gauge.read().await, began.elapsed());

        let interrupted = *world.stop.borrow();
        self.leave(inside, &mut joins).await;

        let flow = |tally: &Tally, slots| Flow::of(&tally.counted(), scenario.fan_out(slots));
        let audio = flow(&world.tallies.audio, scenario.audio_slots);
        let video = flow(&world.tallies.video, scenario.video_slots);
        let forwarded = audio.forwarded + video.forwarded;
        let server = before.zip(after).map(|(before, after)| {
            Cost::between(before, after, took, forwarded, self.gauge.origin())
        });
        Report {
            provenance: Provenance::here(),
            scenario: scenario.clone(),
            joins,
            audio,
            video,
            forwarded,
            server,
            interrupted,
        }
    }

    async fn join(&self, rooms: &[RoomId], joins: &mut Joins) -> Vec<Inside> {
        let scenario = &self.world.scenario;
        self.phase("joining", u64::from(joins.wanted));
        // Room by room, so that a room fills as people come.
        let seats = rooms.iter().flat_map(|room| {
            (0..scenario.people()).map(|number| Seat {
                room: room.clone(),
                number,
            })
        });
        let mut pace = interval(scenario.join_pause());
        let mut stop = self.world.stop.clone();
        let mut pending = JoinSet::new();
        for seat in seats {
            tokio::select! {
                _ = pace.tick() => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
            let (world, bar) = (Arc::clone(&self.world), self.bar.clone());
            pending.spawn(async move {
                let joined = Inside::join(seat, world).await;
                bar.inc(1);
                joined
            });
        }
        let mut inside = Vec::new();
        let mut failures = BTreeSet::new();
        let mut connected = Histogram::default();
        for joined in pending.join_all().await {
            match joined {
                Ok(somebody) => {
                    connected.record(somebody.connected_in);
                    inside.push(somebody);
                }
                Err(failed) => _ = failures.insert(with_causes(&failed)),
            }
        }
        joins.succeeded = u32::try_from(inside.len()).unwrap_or(u32::MAX);
        joins.failures = failures.into_iter().collect();
        joins.connected = Times::of(&connected);
        inside
    }

    async fn leave(&self, inside: Vec<Inside>, joins: &mut Joins) {
        self.phase("leaving", inside.len() as u64);
        let mut heard = Histogram::default();
        let mut leaving = JoinSet::new();
        self.stop.send_replace(true);
        for somebody in inside {
            if let Some((since_join, _)) = somebody.heard_in() {
                heard.record(since_join);
            }
            leaving.spawn(somebody.leave());
        }
        while let Some(left) = leaving.join_next().await {
            if let Ok(Err(reason)) = left {
                tracing::warn!("a participant was dropped: {}", with_causes(&reason));
                joins.dropped += 1;
            }
            self.bar.inc(1);
        }
        joins.first_media = Times::of(&heard);
    }

    /// Lets time pass, or ends early when stopped.
    async fn pass(&self, what: &'static str, seconds: u32) {
        self.phase(what, u64::from(seconds) * 1000);
        let whole = Duration::from_secs(seconds.into());
        let began = Instant::now();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut stop = self.world.stop.clone();
        while began.elapsed() < whole {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            self.bar
                .set_position(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        }
    }

    fn phase(&self, what: &'static str, steps: u64) {
        self.bar.reset();
        self.bar.set_length(steps);
        self.bar.set_message(what);
    }
}

/// A server on this machine is met over the loopback interface, any other over the one that leads to it.
fn media_address(server: &Url) -> SocketAddr {
    let local = match server.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let address = if local {
        Ipv4Addr::LOCALHOST
    } else {
        Ipv4Addr::UNSPECIFIED
    };
    SocketAddr::new(IpAddr::V4(address), 0)
}

fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:>12} [{bar:40}] {percent:>3} %")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(1).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_server_is_met_over_loopback() {
        for (url, wanted) in [
            ("http://127.0.0.1:8080", "127.0.0.1:0"),
            ("http://localhost:8080", "127.0.0.1:0"),
            ("http://calls.example", "0.0.0.0:0"),
        ] {
            assert_eq!(
                media_address(&url.parse().unwrap()).to_string(),
                wanted,
                "{url}"
            );
        }
    }
}
