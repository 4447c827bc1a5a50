//! How the path is shared: who gets which layer, what waits for it, and what it is tried with.

use std::time::{Duration, Instant};

use super::Outbound;
use crate::allocation::{Grant, Withhold, allocate};
use crate::seam::{Bitrate, RtpSink};
use crate::slot::Slot;

/// Layers are shared out this often at most.
const PAUSE: Duration = Duration::from_millis(100);
/// Of the estimate so much is left to retransmissions and reports.
const RESERVE: f64 = 0.95;
/// What a voice is reckoned at least, so that it is heard when it begins.
const VOICE: Bitrate = Bitrate(40_000);
/// What matters most is withheld once its lowest layer did not fit for so long.
const STARVED: Duration = Duration::from_secs(5);

/// When layers were shared out last, and what all of them would take.
#[derive(Debug)]
pub(super) struct Sharing {
    at: Instant,
    /// What all that is wanted takes.
    wanted: Bitrate,
    /// Slots were limited, so the limits must be lifted once nothing is known any more.
    limits: bool,
    /// Since when nothing at all fits.
    starves: Option<Instant>,
    /// The most that is sent, whatever the path carries.
    ceiling: Option<Bitrate>,
    /// More is wanted than that, and the path may well carry it.
    capped: bool,
}

impl Sharing {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            at: now,
            wanted: Bitrate(0),
            limits: false,
            starves: None,
            ceiling: None,
            capped: false,
        }
    }

    fn withhold(&self, limited: bool, now: Instant) -> Withhold {
        let long = |since: Instant| now.saturating_duration_since(since) >= STARVED;
        match self.starves {
            _ if !limited => Withhold::None,
            Some(since) if long(since) => Withhold::Any,
            _ => Withhold::AllButFirst,
        }
    }
}

impl Outbound {
    /// Sends no more than this, whatever the path carries.
    pub fn limit(&mut self, ceiling: Bitrate) {
        self.sharing.ceiling = Some(ceiling);
    }

    /// It is [`limit`](Self::limit) that withholds something now, not the path.
    pub fn is_capped(&self) -> bool {
        self.sharing.capped
    }

    /// Shares the path out again, unless that was done just now.
    pub(super) fn share_soon(&mut self, now: Instant) {
        if now.saturating_duration_since(self.sharing.at) >= PAUSE {
            self.share(now);
        }
    }

    /// Shares the path out among the slots.
    pub(super) fn share(&mut self, now: Instant) {
        self.sharing.at = now;
        let carries = self.gate.congestion.estimate();
        let ceiling = self.sharing.ceiling;
        let capped = ceiling.is_some_and(|most| carries.is_none_or(|carries| most < carries));
        let estimate = if capped { ceiling } else { carries };
        self.gate.pacer.set_estimate(estimate, now);
        let Some(estimate) = estimate else {
            self.sharing.capped = false;
            if std::mem::take(&mut self.sharing.limits) {
                let slots = self.slots.iter_mut();
                slots.for_each(|slot| slot.grant(Grant::ALL, now, &mut self.news));
            }
            return;
        };
        let voices = self.slots.iter().filter_map(Slot::sound);
        let sound: Bitrate = voices.map(|rate| rate.max(VOICE)).sum();
        let budget = estimate.times(RESERVE).saturating_sub(sound);
        let numbered = self.slots.iter().enumerate();
        let (numbers, asks): (Vec<_>, Vec<_>) = numbered
            .filter_map(|(number, slot)| Some((number, slot.ask()?)))
            .unzip();
        let limited = capped || self.gate.congestion.is_limited();
        let allocation = allocate(&asks, budget, self.sharing.withhold(limited, now));
        let starves = limited && allocation.starves;
        self.sharing.starves = starves.then(|| self.sharing.starves.unwrap_or(now));
        // On a path that drowns every packet of a layer that is to go only makes it worse.
        let drowns = self.gate.congestion.is_drowning();
        for (&number, grant) in numbers.iter().zip(allocation.grants) {
            let slot = &mut self.slots[number];
            slot.grant(grant, now, &mut self.news);
            if grant == Grant::Paused || (drowns && slot.plays_more_than_granted()) {
                self.gate.pacer.forget(number);
                slot.skip_ahead(now, &mut self.news);
            }
        }
        self.sharing.limits = true;
        let wanted = allocation.wanted + sound;
        self.sharing.capped = capped && wanted > estimate;
        self.sharing.wanted = ceiling.map_or(wanted, |most| wanted.min(most)); // no more is tried either
    }

    /// Packets wait for the path to be free.
    pub fn is_pacing(&self) -> bool {
        self.gate.pacer.next().is_some()
    }

    /// When [`Self::send_due`] or a share-out has something to do.
    pub(super) fn next_departure(&self) -> Option<Instant> {
        let congestion = &self.gate.congestion;
        let probe = congestion.next_probe(self.sharing.wanted);
        let probe = probe.filter(|_| self.slots.iter().any(Slot::can_probe));
        let all = [self.gate.pacer.next(), congestion.poll_timeout(), probe];
        all.into_iter().flatten().min()
    }

    /// Sends what waited for the path, and what it is tried with.
    pub fn send_due(&mut self, now: Instant, sink: &mut impl RtpSink) {
        for number in self.gate.pacer.expire(now) {
            self.slots[number].skip_ahead(now, &mut self.news);
        }
        while let Some(waiting) = self.gate.pacer.pop(now) {
            let (burst, at, switches) = (&waiting.burst, waiting.at, waiting.switches);
            let slot = &mut self.slots[waiting.slot];
            slot.depart(
                burst,
                at,
                switches,
                &mut self.gate,
                now,
                sink,
                &mut self.news,
            );
        }
        self.probe(now, sink);
    }

    fn probe(&mut self, now: Instant, sink: &mut impl RtpSink) {
        let wanted = self.sharing.wanted;
        if self
            .gate
            .congestion
            .next_probe(wanted)
            .is_none_or(|next| next > now)
        {
            return;
        }
        // The one that has most to repeat looks most like media.
        let able = self.slots.iter_mut().filter(|slot| slot.can_probe());
        if let Some(slot) = able.max_by_key(|slot| slot.sent())
            && let Some(probe) = self.gate.congestion.probe(wanted, now)
        {
            slot.probe(probe, &mut self.gate, now, sink);
        }
    }
}
