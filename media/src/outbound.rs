//! All that we send to one peer: its slots, and what it tells about how they arrive.

mod sharing;
mod watches;
mod words;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::cache;
use crate::reports::{Timeline, duration, middle};
use crate::rtcp::{Compound, ReceptionBlock, Rtcp};
use crate::sdp::MAX_LINES;
use crate::seam::{Burst, NoSuchSlot, RtpSink, Shown, SlotSpec, SourceClock, Ssrc};
use crate::slot::{Gate, Slot};
use sharing::Sharing;
use watches::Watches;

pub(crate) use words::News;
pub use words::{OutboundEvent, OutboundStats, Picture, SlotStats};

/// Slots that wait for something are looked after this often.
const REVIEW_PAUSE: Duration = Duration::from_millis(200);
/// Sender reports that are due within this time go out together.
const TOGETHER: Duration = Duration::from_millis(50);
/// A packet is not sent again within a round trip, which is taken for this until it was measured.
const RTT_GUESS: Duration = Duration::from_millis(50);
const RESEND_PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));
/// A round trip longer than this is nonsense.
const LONGEST_RTT: Duration = Duration::from_secs(10);

/// All slots of one peer.
pub struct Outbound {
    ssrc: Ssrc,
    cname: Bytes,
    slots: Vec<Slot>,
    /// Slots whose m-line rests. One that comes back has the same SSRC, so it must not begin to count anew: the same
    /// index under the same key is refused by our own sealer, and by the listener as a replay.
    resting: VecDeque<Slot>,
    watches: Watches,
    gate: Gate,
    sharing: Sharing,
    timeline: Timeline,
    news: News,
    timers: Timers,
    reviewed: Instant,
    rtt: Option<Duration>,
    /// While it was not measured.
    longest_rtt: Option<Duration>,
}

/// What all slots wait for. Asked at every wake-up, of which there are thousands a second, so they are only looked through when
/// [`News`] has it that something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Timers {
    /// Some should be looked after every now and then.
    reviews: bool,
    /// The first sender report.
    report: Option<Instant>,
}

impl Timers {
    fn of(slots: &[Slot]) -> Self {
        Self {
            reviews: slots.iter().any(Slot::needs_review),
            report: slots.iter().filter_map(Slot::report_due).min(),
        }
    }
}

impl Outbound {
    /// Without slots yet. `ssrc` and `cname` sign reports; `now` is the zero of this peer's sending clock.
    pub fn new(ssrc: Ssrc, cname: &str, now: Instant) -> Self {
        Self {
            ssrc,
            cname: Bytes::copy_from_slice(cname.as_bytes()),
            slots: Vec::new(),
            resting: VecDeque::new(),
            watches: Watches::default(),
            gate: Gate::new(now),
            sharing: Sharing::new(now),
            timeline: Timeline::default(),
            news: News::default(),
            timers: Timers::default(),
            reviewed: now,
            rtt: None,
            longest_rtt: None,
        }
    }

    /// The slots that were negotiated; those that were there before go on undisturbed.
    pub fn set_slots(&mut self, slots: Vec<SlotSpec>) {
        let mut before: Vec<Option<Slot>> = self.slots.drain(..).map(Some).collect();
        // Where each slot is now that goes on.
        let mut places = vec![None; before.len()];
        self.slots.reserve_exact(slots.len());
        for (place, spec) in slots.into_iter().enumerate() {
            let same = |slot: &Slot| slot.spec.mid == spec.mid && slot.spec.ssrc == spec.ssrc;
            let at = before
                .iter()
                .position(|slot| slot.as_ref().is_some_and(same));
            let known = match at {
                Some(at) => {
                    places[at] = Some(place);
                    before[at].take()
                }
                None => (self.resting.iter().position(same)).and_then(|at| self.resting.remove(at)),
            };
            self.slots.push(if let Some(mut slot) = known {
                slot.renegotiate(spec, &mut self.news);
                slot
            } else {
                let mut slot = Slot::new(spec);
                if let Some(rtt) = self.rtt.or(self.longest_rtt) {
                    slot.set_rtt(rtt);
                }
                slot
            });
        }
        for mut slot in before.into_iter().flatten() {
            slot.rest(&mut self.news);
            self.resting.push_back(slot);
        }
        while self.resting.len() > MAX_LINES {
            self.resting.pop_front();
        }
        self.gate.pacer.renumber(|slot| places[slot]);
        self.reroute();
    }

    /// Points a slot at a track, or at nothing.
    ///
    /// # Errors
    ///
    /// None of the slots has this mid.
    pub fn show(
        &mut self,
        mid: &str,
        shown: Option<Shown>,
        now: Instant,
    ) -> Result<(), NoSuchSlot> {
        let number = self
            .slots
            .iter()
            .position(|slot| &*slot.spec.mid.0 == mid)
            .ok_or(NoSuchSlot)?;
        let slot = &mut self.slots[number];
        let before = slot.watch().map(|(track, _)| track);
        slot.show(shown, now, &mut self.news);
        if slot.watch().map(|(track, _)| track) != before {
            self.gate.pacer.forget(number);
        }
        self.reroute();
        self.share(now);
        Ok(())
    }

    /// A round trip takes no longer than this: packets are kept accordingly until reports tell it.
    pub fn set_longest_rtt(&mut self, longest: Duration) {
        self.longest_rtt = Some(longest);
        if self.rtt.is_none() {
            self.slots.iter_mut().for_each(|slot| slot.set_rtt(longest));
        }
    }

    /// Takes what the peer reported; answers NACKs by retransmission.
    pub fn handle_rtcp(&mut self, reports: &[Rtcp], now: Instant, sink: &mut impl RtpSink) {
        let (low, high) = RESEND_PAUSE;
        for report in reports {
            match report {
                Rtcp::Reception(block) => self.reception(block, now),
                Rtcp::Nack { media, lost } => {
                    let pause = self.rtt.unwrap_or(RTT_GUESS).clamp(low, high);
                    if let Some(slot) = self.slots.iter_mut().find(|slot| slot.sends(*media)) {
                        slot.resend(lost, pause, &mut self.gate, now, sink);
                    }
                }
                Rtcp::KeyframeRequest { media } => {
                    if let Some(slot) = self.slots.iter_mut().find(|slot| slot.sends(*media)) {
                        slot.refresh(now, &mut self.news);
                    }
                }
                Rtcp::Transport(feedback) => {
                    self.gate.congestion.feedback(feedback, self.rtt, now);
                    if let Some(confirmed) = self.gate.congestion.confirmed() {
                        let slots = self.slots.iter_mut();
                        slots.for_each(|slot| slot.confirm(confirmed));
                    }
                    self.share_soon(now);
                }
                Rtcp::Remb(most) => {
                    self.gate.congestion.remb(*most, now);
                    self.share_soon(now);
                }
                Rtcp::SenderReport { .. } => {}
            }
        }
        // A listener reports once a second at least, whether anything comes or not.
        self.slots.iter_mut().for_each(|slot| slot.tidy(now));
    }

    /// Takes a publisher's sender report.
    pub fn clock(&mut self, clock: SourceClock) {
        let mut watched = false;
        for slot in self.watches.slots(clock.track) {
            self.slots[slot].clock(clock);
            watched = true;
        }
        if watched {
            self.timeline.hear(&clock, self.gate.wall);
        }
    }

    /// Does what is due: falls back to lower layers, asks again for key frames.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_review().is_some_and(|due| due <= now) {
            self.reviewed = now;
            self.slots
                .iter_mut()
                .for_each(|slot| slot.review(now, &mut self.news));
        }
        self.gate.congestion.handle_timeout(now);
        self.share_soon(now);
    }

    /// The next plain compound RTCP packet that is due; call until `None`.
    pub fn poll_rtcp(&mut self, now: Instant) -> Option<Bytes> {
        self.next_report().filter(|&due| due <= now)?;
        self.news.timer_changed();
        let wall = self.gate.wall;
        let mut compound = Compound::new(self.ssrc, &self.cname);
        for slot in &mut self.slots {
            let due = slot.report_due().is_some_and(|due| due <= now + TOGETHER);
            if !due || !compound.fits(compound.sender_size()) {
                continue;
            }
            if let Some((rtp, packets, octets)) = slot.report(&self.timeline, wall, now) {
                compound.sender(slot.spec.ssrc, wall.ntp(now), rtp, packets, octets);
            }
        }
        compound.finish()
    }

    /// When [`Self::handle_timeout`] or [`Self::poll_rtcp`] has something to do.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let slots = [self.next_review(), self.next_report()];
        (slots.into_iter().flatten())
            .chain(self.next_departure())
            .min()
    }

    /// What others should know; call until `None`.
    pub fn poll_event(&mut self) -> Option<OutboundEvent> {
        if self.news.take_watch_changed() {
            self.watches.update(&self.slots);
        }
        // Watches first: who is asked for a key frame should know already who will need it.
        self.watches.pop().or_else(|| self.news.pop())
    }

    /// Round-trip time, from the peer's reception reports.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// Figures so far.
    pub fn stats(&self) -> OutboundStats {
        OutboundStats {
            slots: self.slots.iter().map(Slot::stats).collect(),
            rtt: self.rtt,
            estimate: self.gate.congestion.estimate(),
            loss: self.gate.congestion.loss(),
        }
    }

    fn reroute(&mut self) {
        self.watches.reroute(&self.slots);
        self.news.watch_changed();
        let watches = &self.watches;
        self.timeline
            .retain(|peer| watches.any(|track| track.peer == peer));
    }

    fn next_review(&mut self) -> Option<Instant> {
        let needed = self.timers().reviews;
        needed.then(|| self.reviewed + REVIEW_PAUSE)
    }

    fn next_report(&mut self) -> Option<Instant> {
        self.timers().report
    }

    fn timers(&mut self) -> Timers {
        if self.news.take_timer_changed() {
            self.timers = Timers::of(&self.slots);
        }
        debug_assert_eq!(
            self.timers,
            Timers::of(&self.slots),
            "a change that was not told"
        );
        self.timers
    }

    fn reception(&mut self, block: &ReceptionBlock, now: Instant) {
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.sends(block.ssrc)) else {
            return;
        };
        slot.reception(block);
        if block.last_sender_report == 0 {
            return;
        }
        let passed = middle(self.gate.wall.ntp(now)).wrapping_sub(block.last_sender_report);
        let sample = duration(u64::from(passed.saturating_sub(block.delay)) << 16);
        if sample < LONGEST_RTT {
            let rtt = self.rtt.map_or(sample, |rtt| (rtt * 7 + sample) / 8);
            self.rtt = Some(rtt);
            self.slots.iter_mut().for_each(|slot| slot.set_rtt(rtt));
        }
    }

    // ── hot path ──

    /// Something will be forwarded soon.
    pub fn fetch(&self) {
        cache::fetch(&self.watches);
        cache::fetch(&self.slots);
        cache::fetch(&self.news);
        self.gate.fetch();
    }

    /// This burst will be forwarded next: what [`Self::fetch`] fetched points to the slots that show it.
    pub fn fetch_behind(&self, burst: &Burst) {
        let Some(first) = burst.first() else { return };
        for number in self.watches.slots(first.track) {
            self.slots[number].fetch();
        }
        self.gate.congestion.fetch_behind();
    }

    /// Sends the burst through every slot that shows its track.
    pub fn forward(&mut self, burst: &Burst, now: Instant, sink: &mut impl RtpSink) {
        let Some(first) = burst.first() else { return };
        for number in self.watches.slots(first.track) {
            let slot = &mut self.slots[number];
            slot.forward(number, burst, &mut self.gate, now, sink, &mut self.news);
        }
        if self.news.take_share_due() {
            self.share(now);
        }
    }
}

#[cfg(test)]
mod tests;
