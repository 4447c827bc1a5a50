//! What a decoder could show of what arrived: whole frames, without gaps since a key frame.

use std::collections::BTreeMap;
use std::time::Duration;

use calls_media::seam::Packet;

/// A gap that is not filled within this time is jumped over, if a key frame stands behind it.
const PATIENCE: Duration = Duration::from_millis(150);

/// A frame that was shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) at: Duration,
    pub(crate) height: u16,
}

/// Puts packets in order and shows frames.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    waiting: BTreeMap<u64, Packet>,
    /// The next packet that the decoder can use; `None` until a key frame came.
    next: Option<u64>,
    stuck_since: Option<Duration>,
    height: u16,
    shown: Vec<Shown>,
}

impl Decoder {
    /// A packet arrived.
    pub(crate) fn take(&mut self, packet: &Packet, now: Duration) {
        if self.next.is_none_or(|next| packet.seq >= next) {
            self.waiting.insert(packet.seq, packet.clone());
        }
        self.show(now);
    }

    /// It waits for a key frame, and has for a while.
    pub(crate) fn needs_key_frame(&self, now: Duration) -> bool {
        self.stuck_since
            .is_some_and(|since| now.saturating_sub(since) > 2 * PATIENCE)
    }

    /// All frames that were shown.
    pub(crate) fn shown(&self) -> &[Shown] {
        &self.shown
    }

    fn show(&mut self, now: Duration) {
        while let Some(end) = self.whole_frame() {
            let next = self.next.expect("a frame begins there");
            for number in next..=end {
                if let Some(packet) = self.waiting.remove(&number)
                    && let Some((_, height)) = packet.info.size
                {
                    self.height = height;
                }
            }
            self.next = Some(end + 1);
            self.stuck_since = None;
            self.shown.push(Shown {
                at: now,
                height: self.height,
            });
        }
        if self.waiting.is_empty() {
            return;
        }
        let since = *self.stuck_since.get_or_insert(now);
        if self.next.is_none() || now.saturating_sub(since) > PATIENCE {
            self.jump(now);
        }
    }

    /// Where the frame ends that is next, if all of it is there.
    fn whole_frame(&self) -> Option<u64> {
        let next = self.next?;
        (next..)
            .map_while(|number| self.waiting.get(&number))
            .find(|packet| packet.marker)
            .map(|packet| packet.seq)
    }

    fn jump(&mut self, now: Duration) {
        let keys = self
            .waiting
            .values()
            .filter(|packet| packet.info.starts_keyframe);
        let Some(key) = keys.map(|packet| packet.seq).next_back() else {
            return;
        };
        if self.next == Some(key) {
            return;
        }
        self.waiting = self.waiting.split_off(&key);
        self.next = Some(key);
        self.show(now);
    }
}
