//! How much the path to one subscriber carries: send-side congestion control over transport-wide feedback.
//!
//! After draft-ietf-rmcat-gcc-02: a delay-based estimate (inter-arrival gradient, trendline, additive increase and
//! multiplicative decrease) and a loss-based ceiling. A selective forwarder seldom sends as much as the path would
//! carry, so the estimate grows by probes: short bursts of packets sent faster than the media needs.
//!
//! ```text
//! sent ─▶ Ledger ─┬─▶ Groups ─▶ Trendline ─▶ Detector ─▶ Aimd ─┐
//! feedback ───────┤                                              ├─▶ estimate ─▶ pacer, layers, probes
//!                 ├─▶ Delivered ────────────────────────────────┤
//!                 └─▶ Losses ────────────────────────────────────┘
//! ```

mod aimd;
mod delivered;
mod detector;
mod groups;
mod ledger;
mod losses;
mod probes;
mod receiver;
mod trendline;

use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use crate::cache;
use crate::rtcp::TransportFeedback;
use crate::seam::Bitrate;
use aimd::{Aimd, Delivery};
use delivered::Delivered;
use detector::{Detector, Usage};
use groups::Groups;
use ledger::{Acknowledged, Ledger};
use losses::Losses;
use probes::Probes;
use receiver::Receiver;
use trendline::Trendline;

pub(crate) use ledger::Confirmed;
pub(crate) use probes::{Amount, Probe};

/// What is believed of a path before it told anything.
pub(crate) const START: Bitrate = Bitrate(1_000_000);
/// Nobody is held lower: a voice fits.
pub(crate) const FLOOR: Bitrate = Bitrate(60_000);
/// Nobody needs more.
pub(crate) const CEILING: Bitrate = Bitrate(60_000_000);

/// Packets that went out and were not told of for so long mean that the path is stuck.
const SILENCE: Duration = Duration::from_millis(1_500);

/// Losses above this share are more than a path's ordinary ones, and more than repairs can keep up with.
const DROWNING: f32 = 0.25;

/// Which probe a packet belongs to; none for ordinary packets.
pub(crate) type ProbeId = Option<NonZeroU16>;

/// The congestion control of one subscriber.
#[derive(Debug)]
pub(crate) struct Congestion {
    ledger: Ledger,
    groups: Groups,
    trendline: Trendline,
    detector: Detector,
    delivered: Delivered,
    losses: Losses,
    aimd: Aimd,
    probes: Probes,
    receiver: Receiver,
    /// When feedback came last.
    heard: Option<Instant>,
    /// The path has shown a limit: queues grew, packets were lost, or a probe came slower than it went.
    limited: bool,
}

impl Congestion {
    /// Nothing was sent yet; times count from `zero`.
    pub(crate) fn new(zero: Instant) -> Self {
        Self {
            ledger: Ledger::new(zero),
            groups: Groups::default(),
            trendline: Trendline::default(),
            detector: Detector::default(),
            delivered: Delivered::default(),
            losses: Losses::default(),
            aimd: Aimd::new(START),
            probes: Probes::default(),
            receiver: Receiver::default(),
            heard: None,
            limited: false,
        }
    }

    /// What the path carries, as far as is known. `None` before the first feedback: nothing is known, so nothing
    /// should be held back.
    pub(crate) fn estimate(&self) -> Option<Bitrate> {
        let own = self
            .heard
            .map(|_| self.aimd.rate().min(self.losses.ceiling()));
        let estimate = match (own, self.receiver.limit()) {
            (Some(own), Some(limit)) => own.min(limit),
            (own, limit) => own.or(limit)?,
        };
        Some(estimate.clamp(FLOOR, CEILING))
    }

    /// The path has shown that it carries no more than about the estimate. Before that the estimate is only what was
    /// tried, and no reason to withhold anything.
    pub(crate) fn is_limited(&self) -> bool {
        self.limited || self.receiver.limit().is_some()
    }

    /// Much less comes in than goes out.
    pub(crate) fn is_drowning(&self) -> bool {
        self.losses.share() > DROWNING || self.delivered.narrowed().is_some()
    }

    /// Share of packets that got lost lately, 0 to 1.
    pub(crate) fn loss(&self) -> f32 {
        self.losses.share()
    }

    /// The other end says that it can take no more (draft-alvestrand-rmcat-remb).
    pub(crate) fn remb(&mut self, most: Bitrate, now: Instant) {
        self.receiver.says(most, now);
    }

    /// How far feedback has come.
    pub(crate) fn confirmed(&self) -> Option<Confirmed> {
        self.ledger.confirmed()
    }

    /// A packet of pictures left, whether it is told of or not.
    pub(crate) fn left(&mut self, bytes: usize) {
        self.receiver.sent(bytes);
    }

    /// Tells of feedback on what was sent.
    pub(crate) fn feedback(
        &mut self,
        feedback: &TransportFeedback,
        rtt: Option<Duration>,
        now: Instant,
    ) {
        let acknowledged = self.ledger.settle(feedback, now);
        if acknowledged.iter().any(|packet| packet.arrival.is_some()) {
            self.heard = Some(now);
        }
        self.weigh(&acknowledged, rtt, now);
    }

    fn weigh(&mut self, acknowledged: &[Acknowledged], rtt: Option<Duration>, now: Instant) {
        let mut usage = None;
        for packet in acknowledged {
            let Some(arrival) = packet.arrival else {
                continue;
            };
            self.delivered.arrived(packet, arrival);
            if packet.probe.is_some() {
                self.probes
                    .arrived(packet, arrival, self.delivered.queued());
            }
            if let Some(delta) = self.groups.arrived(packet.sent, arrival) {
                let slope = self.trendline.push(delta);
                let seen = self.detector.judge(slope, delta);
                // One overuse within a report outweighs whatever follows it.
                usage = usage.max(Some(seen));
            }
        }
        if self
            .losses
            .count(acknowledged, self.delivered.rate(), rtt, now)
        {
            self.limited = true;
        }
        let narrowed = self.delivered.narrowed();
        let delivery = Delivery {
            delivered: self.delivered.rate(),
            narrowed,
            sent: self.delivered.sent_rate(),
            rtt,
        };
        // A line through many groups tells slowly of a path that narrows much at once.
        let usage = match narrowed {
            Some(_) => Usage::Over,
            // What waited for the listener's machine says nothing of the path: no reason to fall, and none to grow.
            None if usage == Some(Usage::Over)
                && self.delivered.is_uneven()
                && acknowledged.iter().all(|packet| packet.arrival.is_some()) =>
            {
                Usage::Under
            }
            None => usage.unwrap_or(Usage::Normal),
        };
        if usage == Usage::Over {
            self.limited = true;
            self.probes.abandon(now);
        }
        self.aimd.on(usage, delivery, now);
        self.read_probe(usage, now);
    }

    fn read_probe(&mut self, usage: Usage, now: Instant) {
        let (at_once, lossy) = (self.delivered.reads_at_once(), self.losses.are_many());
        if let Some(result) = self.probes.result(at_once, lossy, now) {
            self.limited |= result.is_slower;
            if usage != Usage::Over {
                self.aimd.probed(result.rate, now);
                self.losses.probed(result.rate);
            }
        }
    }

    /// How many bytes may be sent as a probe now, and under which name; `desired` is what would be sent if it fitted.
    pub(crate) fn probe(&mut self, desired: Bitrate, now: Instant) -> Option<Probe> {
        let estimate = self.estimate().filter(|_| !self.receiver.speaks())?;
        self.probes.plan(estimate, desired, now)
    }

    /// When a probe is worth sending, if ever: `desired` is what would be sent if it fitted.
    pub(crate) fn next_probe(&self, desired: Bitrate) -> Option<Instant> {
        let estimate = self.estimate().filter(|_| !self.receiver.speaks())?;
        self.probes.next(estimate, desired, self.heard?)
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let silence = self.heard.and(self.ledger.oldest());
        let silence = silence.map(|since| since + SILENCE);
        silence.into_iter().chain(self.probes.given_up()).min()
    }

    /// Does what is due: a path that tells nothing any more carries less than was thought.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.probes.given_up().is_some_and(|at| at <= now) {
            self.read_probe(Usage::Normal, now);
        }
        let Some(oldest) = self.ledger.oldest() else {
            return;
        };
        if self.heard.is_some() && now.saturating_duration_since(oldest) >= SILENCE {
            self.ledger.forget_before(now);
            self.limited = true;
            self.aimd.starve(now);
        }
    }

    // ── hot path ──

    /// Packets will leave soon.
    pub(crate) fn fetch(&self) {
        cache::fetch(&self.ledger);
        cache::fetch(&self.receiver);
    }

    /// And now what that points to.
    pub(crate) fn fetch_behind(&self) {
        self.ledger.fetch_behind();
    }

    /// A packet went out under this transport-wide number.
    pub(crate) fn sent(&mut self, sequence: u16, bytes: usize, probe: ProbeId, now: Instant) {
        self.ledger.sent(sequence, bytes, probe, now);
    }
}

#[cfg(test)]
mod tests;
