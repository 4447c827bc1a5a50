//! What a subscriber's forwarding tells others.

use std::collections::VecDeque;
use std::time::Duration;

use crate::seam::{Bitrate, Layer, LayerSet, Mid, TrackId};

/// What a subscriber's forwarding wants others to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboundEvent {
    /// These layers of that track are wanted now, and no others.
    Watch {
        /// Of whom.
        track: TrackId,
        /// Which; none: no more.
        layers: LayerSet,
    },
    /// A key frame is needed.
    Keyframe {
        /// Of whom.
        track: TrackId,
        /// Of which encoding.
        layer: Layer,
    },
    /// The slot shows something that this peer cannot decode, so nothing is sent.
    Unplayable {
        /// Which slot.
        mid: Mid,
    },
    /// What the slot shows can be decoded again.
    Playable {
        /// Which slot.
        mid: Mid,
    },
    /// Not even the lowest layer of what the slot shows fits through the path, so nothing is sent.
    Withheld {
        /// Which slot.
        mid: Mid,
    },
    /// What the slot shows fits again.
    Granted {
        /// Which slot.
        mid: Mid,
    },
}

/// What [`Outbound`](super::Outbound) has sent so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutboundStats {
    /// One entry per slot.
    pub slots: Vec<SlotStats>,
    /// Round-trip time, from the peer's reception reports.
    pub rtt: Option<Duration>,
    /// What the path is believed to carry, where the peer tells enough to know.
    pub estimate: Option<Bitrate>,
    /// Share of all packets that did not arrive lately, 0 to 1.
    pub loss: f32,
}

/// A picture as it leaves through a slot now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Width and height in pixels, where a key frame told them.
    pub size: Option<(u16, u16)>,
    /// The path does not even carry its lowest layer, so nothing leaves.
    pub withheld: bool,
    /// It is a lower layer than suits its tile, as the path carries no more or its source sends no more; or none at all.
    pub reduced: bool,
}

impl Picture {
    /// One of which nothing leaves.
    pub(crate) const WITHHELD: Self = Self {
        size: None,
        withheld: true,
        reduced: true,
    };
}

/// What one slot has sent.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotStats {
    /// Which slot.
    pub mid: Mid,
    /// What plays in it; of a scalable stream, the spatial layer.
    pub playing: Option<(TrackId, Layer)>,
    /// The picture that plays in it; `None` for sound, and where nothing plays.
    pub picture: Option<Picture>,
    /// Packets sent, retransmissions not counted.
    pub packets: u64,
    /// Payload bytes sent, retransmissions not counted.
    pub bytes: u64,
    /// Packets sent again.
    pub resent: u64,
    /// Packets that the peer asked for again.
    pub nacks: u64,
    /// Key frames that the peer asked for.
    pub keyframe_requests: u64,
    /// Times that another source or layer began to play.
    pub switches: u64,
    /// Share of packets that did not arrive lately, 0 to 1.
    pub loss: f32,
    /// Interarrival jitter as the peer measures it.
    pub jitter: Duration,
}

impl SlotStats {
    pub(crate) fn new(mid: Mid) -> Self {
        Self {
            mid,
            playing: None,
            picture: None,
            packets: 0,
            bytes: 0,
            resent: 0,
            nacks: 0,
            keyframe_requests: 0,
            switches: 0,
            loss: 0.0,
            jitter: Duration::ZERO,
        }
    }
}

/// What slots have to say, until it is polled. Whatever they say, they may have something to do at another time than before.
#[derive(Debug, Default)]
pub(crate) struct News {
    events: VecDeque<OutboundEvent>,
    watch_changed: bool,
    share_due: bool,
    timer_changed: bool,
}

impl News {
    /// Others should know this.
    pub(crate) fn tell(&mut self, event: OutboundEvent) {
        self.events.push_back(event);
        self.timer_changed = true;
    }

    /// A key frame is needed.
    pub(crate) fn keyframe(&mut self, track: TrackId, layer: Layer) {
        self.tell(OutboundEvent::Keyframe { track, layer });
    }

    /// A slot may want other layers than before.
    pub(crate) fn watch_changed(&mut self) {
        self.watch_changed = true;
        self.timer_changed = true;
    }

    /// A slot wants something else of the path than before.
    pub(crate) fn share_due(&mut self) {
        self.share_due = true;
        self.timer_changed = true;
    }

    /// A slot has something to do at another time than before.
    pub(crate) fn timer_changed(&mut self) {
        self.timer_changed = true;
    }

    /// Whether that may have changed since the last time.
    pub(crate) fn take_timer_changed(&mut self) -> bool {
        std::mem::take(&mut self.timer_changed)
    }

    /// Whether that was said since the last time.
    pub(super) fn take_share_due(&mut self) -> bool {
        std::mem::take(&mut self.share_due)
    }

    /// Whether that was said since the last time.
    pub(super) fn take_watch_changed(&mut self) -> bool {
        std::mem::take(&mut self.watch_changed)
    }

    pub(super) fn pop(&mut self) -> Option<OutboundEvent> {
        self.events.pop_front()
    }

    #[cfg(test)]
    pub(crate) fn drain(&mut self) -> Vec<OutboundEvent> {
        self.events.drain(..).collect()
    }
}
