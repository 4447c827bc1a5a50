//! Keeping a slot's numbers continuous over switches of source and layer.

use std::time::Instant;

use super::left_out::LeftOut;
use super::running::{Running, Widener};
use crate::codecs::{self, descriptor};
use crate::nack::MOST_MISSING;
use crate::reports::ticks;
use crate::rtp::seq::timestamp_step;
use crate::seam::{Packet, PictureId, Ssrc};

/// The numbers that one packet gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rewritten {
    pub(super) index: u64,
    pub(super) timestamp: u32,
    pub(super) picture_id: Option<u16>,
    pub(super) tl0_pic_idx: Option<u8>,
    pub(super) frame_number: Option<u16>,
}

/// Where a slot stands, and how its present source's numbers become its own.
#[derive(Debug)]
pub(super) struct Rewriter {
    /// The index that the very first packet gets.
    first_index: u64,
    last: Option<Last>,
    source: Option<Source>,
    /// What of the source was left out, where that ever is.
    left_out: Option<Box<LeftOut>>,
    /// Of VP8 and VP9, as its 15 bits and its 8 bits.
    picture_id: Running,
    tl0_pic_idx: Running,
    /// Of the dependency descriptor.
    frame_number: Running,
}

/// The packet with the highest index so far.
#[derive(Debug, Clone, Copy)]
struct Last {
    index: u64,
    timestamp: u32,
    arrival: Instant,
}

/// Differences between a source's numbers and the slot's, all modulo their width.
#[derive(Debug, Clone, Copy)]
struct Source {
    first: u64,
    highest: u64,
    index: u64,
    timestamp: u32,
    widener: Widener,
}

impl Rewriter {
    /// Numbers begin at half a cycle or less, so that the receiver cannot miss a roll-over at the very start
    /// (RFC 3711 §3.3.1).
    pub(super) fn new(ssrc: Ssrc) -> Self {
        Self {
            first_index: u64::from(ssrc.0 & 0x7fff),
            last: None,
            source: None,
            left_out: None,
            picture_id: Running::with_bits(15),
            tl0_pic_idx: Running::with_bits(8),
            frame_number: Running::with_bits(16),
        }
    }

    /// No source any more; numbers wait for the next.
    pub(super) fn leave(&mut self) {
        self.source = None;
        self.left_out = None;
    }

    /// This packet is about to leave.
    pub(super) fn pass(&mut self, packet: &Packet) {
        if packet.info.svc.is_some() || self.left_out.is_some() {
            self.left_out.get_or_insert_default().pass(packet.seq);
        }
    }

    /// This packet is left out; false if its number is taken, so it must leave, if only empty.
    pub(super) fn leave_out(&mut self, packet: &Packet) -> bool {
        self.left_out.get_or_insert_default().leave_out(packet.seq)
    }

    /// The source's number, closed over what was left out before; `None` if it is too late to tell.
    fn number(&self, packet: &Packet) -> Option<u64> {
        match &self.left_out {
            None => Some(packet.seq),
            Some(left_out) => left_out.close(packet.seq),
        }
    }

    /// The source leapt: it began anew, or was silenced on its way here for a while. A gap that wide is never filled,
    /// for no publisher is asked for so many packets. Passed on, one of half a cycle would make a receiver miss a
    /// roll-over and lose the stream for good, and any would look to it like loss on its own path.
    pub(super) fn leapt(&self, packet: &Packet) -> bool {
        let (Some(source), Some(number)) = (self.source, self.number(packet)) else {
            return false;
        };
        number > source.highest + MOST_MISSING as u64 + 1
    }

    /// From this packet on another source or layer plays.
    pub(super) fn switch(&mut self, packet: &Packet) {
        let (index, timestamp) = match self.last {
            None => (self.first_index, packet.timestamp),
            Some(last) => (
                last.index + 1,
                last.timestamp.wrapping_add(step(packet, last.arrival)),
            ),
        };
        if packet.info.svc.is_none() {
            self.left_out = None;
        }
        // What counts far below is another count.
        let number = self.number(packet).unwrap_or_else(|| {
            self.left_out = Some(Box::default());
            packet.seq
        });
        self.source = Some(Source {
            first: number,
            highest: number,
            index: index.wrapping_sub(number),
            timestamp: timestamp.wrapping_sub(packet.timestamp),
            widener: Widener::default(),
        });
        self.picture_id.switch();
        self.tl0_pic_idx.switch();
        self.frame_number.switch();
    }

    /// The numbers that a packet of the present source gets; `None` if it is older than the switch.
    pub(super) fn rewrite(&mut self, packet: &Packet) -> Option<Rewritten> {
        let number = self.number(packet)?;
        let source = self
            .source
            .as_mut()
            .filter(|source| number >= source.first)?;
        source.highest = source.highest.max(number);
        let picture = packet.info.picture;
        let picture_id = picture.picture_id.map(|PictureId { number, short, .. }| {
            self.picture_id.rewrite(if short {
                source.widener.widen(number)
            } else {
                number
            })
        });
        let tl0_pic_idx = picture.tl0_pic_idx.map(|(index, _)| {
            let [_, low] = self.tl0_pic_idx.rewrite(index.into()).to_be_bytes();
            low
        });
        let descriptor = packet.dependency_descriptor.as_deref();
        let frame_number = descriptor
            .and_then(descriptor::frame_number)
            .map(|number| self.frame_number.rewrite(number));
        let numbers = Rewritten {
            index: number.wrapping_add(source.index),
            timestamp: packet.timestamp.wrapping_add(source.timestamp),
            picture_id,
            tl0_pic_idx,
            frame_number,
        };
        self.advance(numbers, packet.arrival);
        Some(numbers)
    }

    /// The timestamp of this slot that stands for this one of the present source.
    pub(super) fn timestamp(&self, of_source: u32) -> Option<u32> {
        self.source
            .map(|source| of_source.wrapping_add(source.timestamp))
    }

    /// The latest packet: its timestamp, and when it came off the wire.
    pub(super) fn last(&self) -> Option<(u32, Instant)> {
        self.last.map(|last| (last.timestamp, last.arrival))
    }

    /// The highest index so far.
    pub(super) fn highest(&self) -> Option<u64> {
        self.last.map(|last| last.index)
    }

    fn advance(&mut self, numbers: Rewritten, arrival: Instant) {
        let last = self.last.get_or_insert(Last {
            index: numbers.index,
            timestamp: numbers.timestamp,
            arrival,
        });
        if numbers.index < last.index {
            return;
        }
        // A frame that was cut off by a switch may be ahead in time; time never goes back.
        if timestamp_step(numbers.timestamp, last.timestamp) >= 0 {
            last.arrival = arrival;
            last.timestamp = numbers.timestamp;
        }
        last.index = numbers.index;
        self.picture_id.advance(numbers.picture_id);
        self.tl0_pic_idx.advance(numbers.tl0_pic_idx.map(u16::from));
        self.frame_number.advance(numbers.frame_number);
    }
}

/// How far the timestamp goes on at a switch: as much as time has passed, but one frame at least.
fn step(packet: &Packet, last: Instant) -> u32 {
    let clock_rate = codecs::clock_rate(packet.codec);
    let frame = if clock_rate == 48_000 { 960 } else { 3_000 };
    ticks(packet.arrival.saturating_duration_since(last), clock_rate).max(frame)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rtp::seq::RESTART_GAP;
    use crate::seam::{PayloadInfo, PictureInfo};
    use crate::testing::packet;

    const MS: Duration = Duration::from_millis(1);

    fn vp8(seq: u64, timestamp: u32, picture_id: u16, arrival: Instant) -> Packet {
        let picture_id = PictureId {
            number: picture_id,
            at: 2,
            short: false,
        };
        let info = PayloadInfo {
            picture: PictureInfo {
                picture_id: Some(picture_id),
                tl0_pic_idx: Some((250, 4)),
                tid: 0,
            },
            ..PayloadInfo::default()
        };
        Packet {
            timestamp,
            arrival,
            info,
            ..packet(seq)
        }
    }

    #[test]
    fn a_switch_goes_on_where_the_last_source_stood() {
        let now = Instant::now();
        let mut rewriter = Rewriter::new(Ssrc(0xffff_0005));
        let first = vp8(9_000, 500, 7, now);
        rewriter.switch(&first);
        let before = rewriter.rewrite(&first).unwrap();
        assert_eq!((before.index, before.timestamp), (0x0005, 500));

        let next = vp8(77, 4_000_000, 0x7ff0, now + 100 * MS);
        rewriter.switch(&next);
        let after = rewriter.rewrite(&next).unwrap();

        assert_eq!(after.index, before.index + 1);
        assert_eq!(after.timestamp, 500 + 9_000);
        assert_eq!(after.picture_id, Some(8));
        assert_eq!(after.tl0_pic_idx, Some(251));
    }

    #[test]
    fn time_goes_on_by_a_frame_even_if_none_has_passed() {
        let now = Instant::now();
        let mut rewriter = Rewriter::new(Ssrc(1));
        for seq in [100, 5_000] {
            let packet = vp8(seq, 500, 7, now);
            rewriter.switch(&packet);
            rewriter.rewrite(&packet);
        }
        assert_eq!(rewriter.last().unwrap().0, 3_500);
    }

    #[test]
    fn a_late_packet_keeps_its_place_and_one_older_than_the_switch_is_dropped() {
        let now = Instant::now();
        let mut rewriter = Rewriter::new(Ssrc(1));
        rewriter.switch(&vp8(100, 0, 0, now));
        let index = |rewriter: &mut Rewriter, seq| {
            rewriter
                .rewrite(&vp8(seq, 0, 0, now))
                .map(|numbers| numbers.index)
        };
        assert_eq!(index(&mut rewriter, 100), Some(1));
        assert_eq!(index(&mut rewriter, 103), Some(4));
        assert_eq!(index(&mut rewriter, 101), Some(2));
        assert_eq!(index(&mut rewriter, 99), None);
        assert_eq!(rewriter.highest(), Some(4));
    }

    #[test]
    fn a_gap_that_nobody_will_fill_is_a_leap() {
        let now = Instant::now();
        let mut rewriter = Rewriter::new(Ssrc(1));
        rewriter.switch(&vp8(100, 0, 0, now));
        let leapt = |missing: u64| rewriter.leapt(&vp8(101 + missing, 0, 0, now));
        assert!(!leapt(0));
        assert!(!leapt(MOST_MISSING as u64));
        assert!(leapt(MOST_MISSING as u64 + 1));
        assert!(leapt(40_000), "a receiver would miss the roll-over");
        assert!(leapt(RESTART_GAP));
    }
}
