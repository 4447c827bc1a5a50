//! A whole run: rooms, joins, warm-up, measuring, leaving.

mod churn;
mod recordings;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use calls_model::rest::MaxParticipants;
use calls_model::text::BadText;
use calls_model::{CallId, RoomId, RoomName};
use reqwest::Url;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::interval;

use self::recordings::Recordings;
use crate::aftermath::{Aftermath, Living};
use crate::api::{Api, ApiFailed};
use crate::causes::{Reasons, with_causes};
use crate::floor::{self, FloorFailed};
use crate::impair::Impairment;
use crate::light::{Identity, Lanes};
use crate::measure::Stopwatch;
use crate::participant::{Inside, Seat, World};
use crate::report::{Cost, Floor, Joins, Report};
use crate::scenario::Scenario;
use crate::server::Gauge;
use crate::stay::{Audience, Stay};
use crate::tally::Tallies;

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
    /// No floor.
    #[error("the floor cannot be measured")]
    Floor(#[from] FloorFailed),
    /// No threads.
    #[error("cannot start the threads that carry participants")]
    Lanes(#[from] std::io::Error),
}

/// A crowd about to come together.
pub(crate) struct Crowd {
    world: Arc<World>,
    gauge: Gauge,
    /// Sends everybody home.
    stop: watch::Sender<bool>,
    /// Somebody wants it to end early.
    interrupted: watch::Sender<bool>,
    stopwatch: Stopwatch,
    floor: bool,
}

impl Crowd {
    /// A crowd that will play `scenario` at the server behind `api`.
    pub(crate) fn new(
        api: Api,
        scenario: Scenario,
        gauge: Gauge,
        threads: usize,
        impairment: Option<Impairment>,
    ) -> Result<Self, CrowdFailed> {
        let (stop, stopped) = watch::channel(false);
        let bind = media_address(api.base());
        let tallies = Arc::new(Tallies::new());
        let stopwatch = Stopwatch::new(stopped.clone());
        let world = Arc::new(World {
            api,
            scenario,
            lanes: Lanes::start(threads, &tallies)?,
            threads,
            impairment,
            identity: Identity::generate()?,
            tallies,
            bind,
            stop: stopped,
        });
        Ok(Self {
            world,
            gauge,
            stop,
            interrupted: watch::channel(false).0,
            stopwatch,
            floor: false,
        })
    }

    /// Also measures the same traffic at the floor, after the server's turn.
    pub(crate) fn with_floor(mut self, floor: bool) -> Self {
        self.floor = floor;
        self
    }

    /// Ends the run early when this is called, wherever it is.
    pub(crate) fn stopper(&self) -> impl FnOnce() + Send + use<> {
        let (interrupted, stop) = (self.interrupted.clone(), self.stop.clone());
        move || {
            interrupted.send_replace(true);
            stop.send_replace(true);
        }
    }

    /// Plays it all.
    pub(crate) async fn play(self) -> Result<Report, CrowdFailed> {
        let mut rooms = Vec::new();
        let version = self.world.api.version().await.ok();
        let before = Living::read(&self.world.api, &self.gauge).await;
        let made = self.make_rooms(&mut rooms).await;
        let mut report = match made {
            Ok(()) => Ok(Report {
                server_version: version,
                ..self.meet(&rooms).await
            }),
            Err(failed) => Err(failed),
        };
        let mut behind = Vec::new();
        for room in &rooms {
            if let Err(error) = self.world.api.delete_room(room).await {
                behind.push((room, error));
            }
        }
        if let Some((room, error)) = behind.first() {
            let (many, why) = (behind.len(), with_causes(error));
            tracing::warn!(%room, "{many} rooms stay behind; the first, since: {why}");
        }
        if let Ok(report) = &mut report
            && self.world.scenario.churn.is_some()
            && let Some(before) = before
        {
            let (api, gauge) = (&self.world.api, &self.gauge);
            self.stopwatch.phase("seeing what stays", 1);
            report.aftermath = Some(Aftermath::see(before, api, gauge, &report.seconds).await);
        }
        self.stopwatch.clear();
        if let Ok(report) = &mut report
            && self.floor
        {
            report.floor = self.play_floor(report).await?;
            report.interrupted |= report.floor.is_none();
        }
        report
    }

    /// None where it was interrupted, before or meanwhile: Ctrl+C also ends the program at the floor, so what fails then
    /// is no failure of the floor.
    async fn play_floor(&self, report: &Report) -> Result<Option<Floor>, FloorFailed> {
        let world = &self.world;
        let stopwatch = Stopwatch::new(self.interrupted.subscribe());
        let (scenario, identity) = (&world.scenario, &world.identity);
        let playing = floor::play(scenario, identity, world.threads, &stopwatch);
        let mut interrupted = self.interrupted.subscribe();
        let measured = tokio::select! {
            biased;
            _ = interrupted.wait_for(|interrupted| *interrupted) => None,
            measured = playing => Some(measured?),
        };
        stopwatch.clear();
        let server = report.server.as_ref();
        Ok(measured.map(|measured| Floor::of(&measured, scenario.told_latency(), server)))
    }

    async fn make_rooms(&self, rooms: &mut Vec<RoomId>) -> Result<(), CrowdFailed> {
        let scenario = &self.world.scenario;
        // Room for those who come again before the server has noticed that they went.
        let twice = if scenario.churn.is_some() { 2 } else { 1 };
        let people = MaxParticipants::try_from((scenario.people() * twice).max(2))
            .map_err(CrowdFailed::TooMany)?;
        let name: RoomName = format!("load test: {}", scenario.name).parse()?;
        self.stopwatch.phase("making rooms", scenario.rooms.into());
        for _ in 0..scenario.rooms {
            rooms.push(self.world.api.create_room(name.clone(), people).await?);
            self.stopwatch.step();
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
        let idle = self.gauge.read().await;
        let inside = self.join(rooms, &mut joins).await;
        let recordings = self.record(&inside).await;
        let (inside, comers) = churn::begin(inside, world);
        self.stopwatch
            .pass("warming up", scenario.warmup_seconds)
            .await;
        let measured = self
            .stopwatch
            .measure("measuring", scenario, &world.tallies, &self.gauge)
            .await;
        let interrupted = *world.stop.borrow();
        let mut recorded = None;
        if let Some(mut recordings) = recordings {
            recordings.stop(&world.api).await;
            let ended = measured.span.1;
            let settle = recordings.settle(&world.api, &self.stopwatch, scenario, ended);
            recorded = Some(settle.await);
        }
        self.stop.send_replace(true);
        let mut dropped = Reasons::default();
        let (inside, mut stays) = churn::end(inside, comers, &mut joins, &mut dropped).await;
        stays.extend(inside.iter().map(Inside::stay));
        self.leave(inside, &mut dropped).await;
        joins.dropped = dropped.count();
        for line in dropped.lines() {
            tracing::warn!("a participant was dropped, {line}");
        }
        Stay::look_for_company(&mut stays);
        joins.timed(&stays, scenario);
        let audience = Audience::of(&stays, measured.span);
        let server = Cost::of(&measured, idle, joins.succeeded, &self.gauge);
        let slots = (scenario.audio_slots, scenario.video_slots);
        Report {
            interrupted,
            recorded,
            impairment: world.impairment,
            ..Report::of(scenario, slots, audience, joins, measured, server)
        }
    }

    /// Records all rooms that somebody is in, where the scenario says so.
    async fn record(&self, inside: &[Inside]) -> Option<Recordings> {
        let mode = self.world.scenario.record?;
        let calls: BTreeSet<&CallId> = inside.iter().map(|somebody| &somebody.call).collect();
        self.stopwatch.phase("starting recorders", 1);
        Some(recordings::begin(&self.world.api, calls.into_iter().cloned().collect(), mode).await)
    }

    async fn join(&self, rooms: &[RoomId], joins: &mut Joins) -> Vec<Inside> {
        let scenario = &self.world.scenario;
        self.stopwatch.phase("joining", u64::from(joins.wanted));
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
            let (world, stopwatch) = (Arc::clone(&self.world), self.stopwatch.clone());
            pending.spawn(async move {
                let joined = Inside::join(seat, world).await;
                stopwatch.joined(joined.is_ok().into());
                stopwatch.step();
                joined
            });
        }
        let mut inside = Vec::new();
        let mut failures = BTreeSet::new();
        for joined in pending.join_all().await {
            match joined {
                Ok(somebody) => inside.push(somebody),
                Err(failed) => _ = failures.insert(with_causes(&failed)),
            }
        }
        joins.succeeded = u32::try_from(inside.len()).unwrap_or(u32::MAX);
        joins.failures = failures.into_iter().collect();
        inside
    }

    async fn leave(&self, inside: Vec<Inside>, dropped: &mut Reasons) {
        self.stopwatch.phase("leaving", inside.len() as u64);
        let mut leaving = JoinSet::new();
        for somebody in inside {
            leaving.spawn(somebody.leave());
        }
        while let Some(left) = leaving.join_next().await {
            if let Ok(Err(reason)) = left {
                dropped.add(&reason);
            }
            self.stopwatch.step();
        }
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
