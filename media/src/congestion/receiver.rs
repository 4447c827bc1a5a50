//! What the other end says that it can take (REMB), and when that is believed.
//!
//! A receiver reckons with what comes in, so it names little while little is sent: after a voice alone there seems to
//! be no room for a picture. Its word counts only when it stays below what is really sent, and not for ever, since
//! with nothing more sent it would never take it back.

use std::time::{Duration, Instant};

use crate::seam::Bitrate;

/// A receiver needs so long to see that more comes in.
const PATIENCE: Duration = Duration::from_secs(2);

/// Some count payload alone, so that much may be headers.
const HEADERS: f64 = 1.25;

/// After so long it is tried whether the path carries more.
const TRIAL: Duration = Duration::from_secs(15);

/// The word of a receiver (draft-alvestrand-rmcat-remb), and what it is worth.
#[derive(Debug, Default)]
pub(super) struct Receiver {
    most: Option<Bitrate>,
    /// When it spoke last.
    heard: Option<Instant>,
    /// Bytes sent since then.
    bytes: u64,
    /// Since when it names less than is sent.
    short: Option<Instant>,
    /// Since when its word is kept.
    kept: Option<Instant>,
}

impl Receiver {
    /// A packet of pictures of so many bytes left; some receivers reckon with nothing else.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// It says that it can take no more than this.
    pub(super) fn says(&mut self, most: Bitrate, now: Instant) {
        let bytes = std::mem::take(&mut self.bytes);
        let sent = self
            .heard
            .map(|heard| Bitrate::of(bytes, now.saturating_duration_since(heard)));
        self.heard = Some(now);
        self.most = Some(most);
        if sent.is_some_and(|sent| most.times(HEADERS) < sent) {
            self.short.get_or_insert(now);
        } else {
            self.short = None;
        }
        let passed = |since: Option<Instant>, time| {
            since.is_some_and(|since| now.saturating_duration_since(since) >= time)
        };
        if passed(self.short, PATIENCE) {
            self.kept.get_or_insert(now);
        }
        if passed(self.kept, TRIAL) {
            (self.kept, self.short) = (None, None);
        }
    }

    /// No more than this may be sent.
    pub(super) fn limit(&self) -> Option<Bitrate> {
        self.most.filter(|_| self.kept.is_some())
    }

    /// It speaks, whether it is believed or not.
    pub(super) fn speaks(&self) -> bool {
        self.most.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second in which so much is sent, and the word at its end.
    fn second(receiver: &mut Receiver, now: &mut Instant, sent_kbps: usize, says_kbps: u64) {
        receiver.sent(sent_kbps * 1000 / 8);
        *now += Duration::from_secs(1);
        receiver.says(Bitrate(says_kbps * 1000), *now);
    }

    #[test]
    fn a_receiver_that_only_hears_a_voice_does_not_shut_out_the_picture() {
        let (mut receiver, mut now) = (Receiver::default(), Instant::now());
        for _ in 0..10 {
            second(&mut receiver, &mut now, 64, 100);
            assert_eq!(receiver.limit(), None);
        }
        second(&mut receiver, &mut now, 1000, 110);
        assert_eq!(receiver.limit(), None, "it could not know yet");
        second(&mut receiver, &mut now, 1000, 1500);
        assert_eq!(receiver.limit(), None);
    }

    #[test]
    fn who_keeps_saying_less_than_is_sent_is_believed_and_asked_again_later() {
        let (mut receiver, mut now) = (Receiver::default(), Instant::now());
        for _ in 0..4 {
            second(&mut receiver, &mut now, 1000, 300);
        }
        assert_eq!(receiver.limit(), Some(Bitrate(300_000)));
        second(&mut receiver, &mut now, 200, 350);
        assert_eq!(receiver.limit(), Some(Bitrate(350_000)), "it may grow");
        for _ in 0..15 {
            second(&mut receiver, &mut now, 200, 350);
        }
        assert_eq!(receiver.limit(), None, "time to try");
    }
}
