//! A publisher, a forwarder, viewers, and what is under way between them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use calls_media::inbound::Inbound;
use calls_media::outbound::OutboundEvent;
use calls_media::rtcp;
use calls_media::seam::{Bitrate, Layer, LayerSet, Ssrc};
use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::link::{Conditions, Link};
use super::publisher::{FRAME, Publisher, TRACK};
use super::viewer::{Leaving, Viewer};

/// From the forwarder's wish to the publisher's obedience, over signaling.
const SIGNALING: Duration = Duration::from_millis(60);
/// Traces are this many milliseconds apart.
const TRACE: u128 = 500;
/// Timers are not more exact than this.
const TICK: Duration = Duration::from_millis(1);

/// Something that arrives.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Arrival {
    MediaAtForwarder(Bytes),
    ReportAtPublisher(Bytes),
    WishAtPublisher(u8),
    MediaAtViewer(usize, Bytes),
    ReportAtViewer(usize, Bytes),
    ReportOfViewer(usize, Bytes),
}

/// All of it.
pub(crate) struct World {
    zero: Instant,
    now: Duration,
    rng: SmallRng,
    publisher: Publisher,
    next_frame: Duration,
    up: Link,
    back: Link,
    forwarder: Inbound,
    viewers: Vec<Viewer>,
    wishes: Vec<LayerSet>,
    asked: LayerSet,
    under_way: BinaryHeap<Reverse<(Duration, u64, Arrival)>>,
    count: u64,
    traces: bool,
}

impl World {
    /// Viewers on paths of these conditions.
    pub(crate) fn new(seed: u64, paths: &[Conditions]) -> Self {
        let zero = Instant::now();
        let mut forwarder = Inbound::new(Ssrc(3), "forwarder", zero);
        forwarder.set_tracks(vec![Publisher::spec()]);
        let viewer = |(at, conditions): (usize, &Conditions)| {
            Viewer::new(*conditions, seed * 1000 + at as u64 * 10, zero)
        };
        Self {
            zero,
            now: Duration::ZERO,
            rng: SmallRng::seed_from_u64(seed),
            publisher: Publisher::new(),
            next_frame: Duration::ZERO,
            up: Link::new(Conditions::good(), seed),
            back: Link::new(Conditions::good(), seed + 1),
            forwarder,
            viewers: paths.iter().enumerate().map(viewer).collect(),
            wishes: vec![LayerSet::NONE; paths.len()],
            asked: LayerSet::NONE.with(Layer(0)).with(Layer(1)).with(Layer(2)),
            under_way: BinaryHeap::new(),
            count: 0,
            traces: std::env::var_os("CALLS_TRACE").is_some(),
        }
    }

    pub(crate) fn viewer(&self, number: usize) -> &Viewer {
        &self.viewers[number]
    }

    /// The path to this viewer changes.
    pub(crate) fn conditions(&mut self, viewer: usize, conditions: Conditions) {
        self.viewers[viewer].down.conditions = conditions;
    }

    /// The path of the publisher's media changes.
    pub(crate) fn uplink(&mut self, conditions: Conditions) {
        self.up.conditions = conditions;
    }

    pub(crate) fn some_conditions(&mut self) -> Conditions {
        Conditions::random(&mut self.rng)
    }

    /// This viewer is sent no more than so much.
    pub(crate) fn ceiling(&mut self, viewer: usize, kbps: u64) {
        self.viewers[viewer].outbound.limit(Bitrate(kbps * 1000));
    }

    /// Which layers the publisher encodes.
    pub(crate) fn publisher_layers(&self) -> [bool; 3] {
        self.publisher.layers()
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(next) = self.next().filter(|&next| next <= until) {
            if self.traces && next.as_millis() / TRACE != self.now.as_millis() / TRACE {
                self.trace();
            }
            self.now = self.now.max(next);
            self.step();
        }
        self.now = until;
    }

    #[expect(clippy::print_stderr, reason = "whoever asked for it wants to read it")]
    fn trace(&self) {
        for (number, viewer) in self.viewers.iter().enumerate() {
            eprintln!(
                "{:5.1} s, viewer {number}: {viewer:?}",
                self.now.as_secs_f64()
            );
        }
    }

    fn next(&mut self) -> Option<Duration> {
        let zero = self.zero;
        let since = |at: Instant| at.saturating_duration_since(zero);
        let timers = self.viewers.iter_mut().flat_map(|viewer| {
            [
                viewer.outbound.poll_timeout(),
                viewer.inbound.poll_timeout(),
            ]
        });
        let timers = timers.chain([self.forwarder.poll_timeout()]).flatten();
        // A timer that is due runs at the next tick.
        let timers = timers.map(|at| since(at).max(self.now + TICK));
        let arrival = self.under_way.peek().map(|Reverse((at, ..))| *at);
        timers.chain(arrival).chain([self.next_frame]).min()
    }

    fn step(&mut self) {
        if self.next_frame <= self.now {
            self.next_frame += FRAME;
            let packets = self.publisher.frame();
            self.upload(packets);
        }
        while let Some(Reverse((at, ..))) = self.under_way.peek()
            && *at <= self.now
        {
            let Some(Reverse((_, _, arrival))) = self.under_way.pop() else {
                break;
            };
            self.arrive(arrival);
        }
        self.forward();
        self.settle();
    }

    fn arrive(&mut self, arrival: Arrival) {
        let now = self.zero + self.now;
        match arrival {
            Arrival::MediaAtForwarder(packet) => self.forwarder.handle_rtp(packet, now),
            Arrival::ReportAtPublisher(report) => {
                let again = self.publisher.feedback(&report);
                self.upload(again);
            }
            Arrival::WishAtPublisher(layers) => {
                let wanted = (0..3).filter(|layer| layers & (1 << layer) != 0).map(Layer);
                self.publisher
                    .encode(wanted.fold(LayerSet::NONE, LayerSet::with));
            }
            Arrival::MediaAtViewer(number, packet) => {
                self.viewers[number].receive(packet, self.zero, self.now);
            }
            Arrival::ReportAtViewer(number, report) => {
                self.viewers[number]
                    .inbound
                    .handle_rtcp(&rtcp::parse(&report), now);
            }
            Arrival::ReportOfViewer(number, report) => {
                let mut leaving = Leaving::default();
                let reports = rtcp::parse(&report);
                self.viewers[number]
                    .outbound
                    .handle_rtcp(&reports, now, &mut leaving);
                self.download(number, leaving);
            }
        }
    }

    /// What the room does: bursts to those who watch one of their layers.
    fn forward(&mut self) {
        let now = self.zero + self.now;
        while let Some(burst) = self.forwarder.poll_burst() {
            let layers = burst
                .iter()
                .fold(LayerSet::NONE, |all, packet| all.with(packet.layer));
            for number in 0..self.viewers.len() {
                if self.wishes[number].meets(layers) {
                    let mut leaving = Leaving::default();
                    self.viewers[number]
                        .outbound
                        .forward(&burst, now, &mut leaving);
                    self.download(number, leaving);
                }
            }
        }
    }

    fn settle(&mut self) {
        let now = self.zero + self.now;
        for number in 0..self.viewers.len() {
            let mut leaving = Leaving::default();
            let viewer = &mut self.viewers[number];
            viewer.outbound.handle_timeout(now);
            viewer.outbound.send_due(now, &mut leaving);
            self.download(number, leaving);
            while let Some(report) = self.viewers[number].outbound.poll_rtcp(now) {
                let arrivals = self.viewers[number].down.carry(report.len(), self.now);
                self.send(arrivals, || Arrival::ReportAtViewer(number, report.clone()));
            }
            while let Some(report) = self.viewers[number].inbound.poll_rtcp(now) {
                let arrivals = self.viewers[number].up.carry(report.len(), self.now);
                self.send(arrivals, || Arrival::ReportOfViewer(number, report.clone()));
            }
            self.heed(number);
        }
        while let Some(report) = self.forwarder.poll_rtcp_ahead(now) {
            let arrivals = self.back.carry(report.len(), self.now);
            self.send(arrivals, || Arrival::ReportAtPublisher(report.clone()));
        }
        let wanted = self
            .wishes
            .iter()
            .fold(LayerSet::NONE, |all, one| all.union(*one));
        // As the room does: the lowest layer goes on for as long as anybody watches.
        let wanted = if wanted.is_empty() {
            wanted
        } else {
            wanted.with(Layer(0))
        };
        if wanted != self.asked {
            self.asked = wanted;
            let bits = (0..3)
                .filter(|&layer| wanted.has(Layer(layer)))
                .fold(0, |bits, layer| bits | 1 << layer);
            let at = self.now + SIGNALING;
            self.send(vec![at], || Arrival::WishAtPublisher(bits));
        }
    }

    fn heed(&mut self, number: usize) {
        let now = self.zero + self.now;
        while let Some(event) = self.viewers[number].outbound.poll_event() {
            match event {
                OutboundEvent::Watch { layers, .. } => self.wishes[number] = layers,
                OutboundEvent::Keyframe { track, layer } => {
                    assert_eq!(track, TRACK);
                    self.forwarder.request_keyframe(track, layer, now);
                }
                OutboundEvent::Withheld { .. } => self.viewers[number].withheld = true,
                OutboundEvent::Granted { .. } => self.viewers[number].withheld = false,
                OutboundEvent::Unplayable { .. } | OutboundEvent::Playable { .. } => {
                    panic!("everybody plays VP8")
                }
            }
        }
    }

    fn upload(&mut self, packets: Vec<Bytes>) {
        for packet in packets {
            let arrivals = self.up.carry(packet.len(), self.now);
            self.send(arrivals, || Arrival::MediaAtForwarder(packet.clone()));
        }
    }

    fn download(&mut self, number: usize, leaving: Leaving) {
        for packet in leaving.0 {
            let arrivals = self.viewers[number].down.carry(packet.len(), self.now);
            self.send(arrivals, || Arrival::MediaAtViewer(number, packet.clone()));
        }
    }

    fn send(&mut self, arrivals: Vec<Duration>, arrival: impl Fn() -> Arrival) {
        for at in arrivals {
            self.count += 1;
            self.under_way.push(Reverse((at, self.count, arrival())));
        }
    }
}
