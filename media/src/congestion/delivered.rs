//! How fast packets went out and came in lately.

use std::collections::VecDeque;
use std::time::Duration;

use super::ledger::Acknowledged;
use crate::seam::Bitrate;

/// What counts as lately.
const WINDOW: Duration = Duration::from_millis(500);
/// Less than this is no measurement.
const LEAST: Duration = Duration::from_millis(150);
/// What counts as just now, and the fewest packets that tell of it.
const JUST_NOW: Duration = Duration::from_millis(150);
const LEAST_JUST_NOW: (Duration, usize) = (Duration::from_millis(60), 4);
/// Less than this share of what went out comes in.
const SQUEEZED: f64 = 0.6;

/// Longer queues than this are no jitter.
const LONG_QUEUE: Duration = Duration::from_millis(80);
/// A queue shorter than this may as well be the rest of what a busy listener let lie: voices come every 20 ms, so the latest of
/// what is read at once waited for as long as that, and a little.
const STANDING: Duration = Duration::from_millis(25);
/// Packets that went out so far apart and come in within so little time were read at once: a path that is full with what goes out
/// lets them through one by one.
const APART: Duration = Duration::from_millis(10);
const AT_ONCE: Duration = Duration::from_micros(500);
/// The shortest way is remembered for so long, and then measured anew: clocks drift, and routes change.
const MEMORY: Duration = Duration::from_secs(10);

/// One packet that came in. Small, because there are many for each subscriber.
#[derive(Debug, Clone, Copy)]
struct Delivery {
    sent: Moment,
    arrival: Moment,
    bytes: u16,
}

/// A time in microseconds that counts around after 71 minutes: those that are compared are near each other.
#[derive(Debug, Clone, Copy)]
struct Moment(u32);

impl Moment {
    fn of(time: Duration) -> Self {
        Self(u32::try_from(time.as_micros() % (1 << 32)).expect("below its modulus"))
    }

    /// Nothing if the other is later.
    fn since(self, earlier: Self) -> Duration {
        let micros = self.0.wrapping_sub(earlier.0).cast_signed();
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

/// The latest packets that came in.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    /// From departure to arrival, in microseconds by two clocks: the least of this period and of the one before, and when
    /// this one began.
    shortest: Option<(i64, i64, Duration)>,
    /// The same of the latest packet.
    way: i64,
    /// When the first of those that are read at once went out and came in.
    batch: Option<(Duration, Duration)>,
    /// When packets were read at once last.
    at_once: Option<Duration>,
    packets: VecDeque<Delivery>,
    /// When the latest of them came in.
    arrived: Duration,
    bytes: u64,
}

impl Delivered {
    /// A packet came in.
    pub(super) fn arrived(&mut self, packet: &Acknowledged, arrival: Duration) {
        self.way = micros(arrival) - micros(packet.sent);
        self.shortest = Some(match self.shortest {
            None => (self.way, self.way, packet.sent),
            Some((now, _, since)) if packet.sent.saturating_sub(since) > MEMORY => {
                (self.way, now, packet.sent)
            }
            Some((now, before, since)) => (now.min(self.way), before, since),
        });
        let latest = Delivery {
            sent: Moment::of(packet.sent),
            arrival: Moment::of(arrival),
            bytes: packet.bytes,
        };
        self.read(packet.sent, arrival);
        if arrival.saturating_sub(self.arrived) > WINDOW {
            self.packets.clear();
            self.bytes = 0;
        }
        self.arrived = arrival;
        self.packets.push_back(latest);
        self.bytes += u64::from(latest.bytes);
        while let Some(first) = self.packets.front()
            && latest.arrival.since(first.arrival) > WINDOW
        {
            self.bytes -= u64::from(first.bytes);
            self.packets.pop_front();
        }
    }

    /// Looks whether a packet was read together with others that had gone out long before it.
    fn read(&mut self, sent: Duration, arrival: Duration) {
        match self.batch {
            Some((first, at)) if arrival.checked_sub(at).is_some_and(|gap| gap <= AT_ONCE) => {
                if sent.saturating_sub(first) >= APART {
                    self.at_once = Some(arrival);
                }
            }
            _ => self.batch = Some((sent, arrival)),
        }
    }

    /// How fast they came in; `None` until there is enough to tell.
    pub(super) fn rate(&self) -> Option<Bitrate> {
        self.over(|packet| packet.arrival)
    }

    /// How fast they came in just now.
    fn latest(&self) -> Option<Bitrate> {
        let last = self.packets.back()?.arrival;
        let recent = self.packets.iter().rev();
        let recent = recent.take_while(|packet| last.since(packet.arrival) <= JUST_NOW);
        let (mut bytes, mut count, mut first) = (0u64, 0, None);
        for packet in recent {
            // The earliest packet's own time is not in the span, so neither are its bytes.
            bytes += first.map_or(0, |later: &Delivery| u64::from(later.bytes));
            count += 1;
            first = Some(packet);
        }
        let span = last.since(first?.arrival);
        let (shortest, fewest) = LEAST_JUST_NOW;
        (span >= shortest && count >= fewest).then(|| Bitrate::of(bytes, span))
    }

    /// How fast packets come in just now on a path that narrowed: much less comes in than went out, and the rest
    /// queues. `None` on any other.
    pub(super) fn narrowed(&self) -> Option<Bitrate> {
        let (latest, sent) = (self.latest()?, self.sent_rate()?);
        let queues = self.queued() > LONG_QUEUE;
        (queues && latest.as_f64() < sent.as_f64() * SQUEEZED).then_some(latest)
    }

    /// The listener lately let packets lie, and no queue stands on the path.
    pub(super) fn is_uneven(&self) -> bool {
        self.reads_at_once() && self.queued() < STANDING
    }

    /// The listener lately let packets lie, and read them at once.
    pub(super) fn reads_at_once(&self) -> bool {
        let lately = |at: Duration| self.arrived.saturating_sub(at) <= WINDOW;
        self.at_once.is_some_and(lately)
    }

    /// How much longer the latest packet was on its way than the fastest lately.
    pub(super) fn queued(&self) -> Duration {
        let queued = |(now, before, _): (i64, i64, _)| {
            u64::try_from(self.way - now.min(before)).unwrap_or(0)
        };
        Duration::from_micros(self.shortest.map_or(0, queued))
    }

    /// How fast the same packets went out.
    pub(super) fn sent_rate(&self) -> Option<Bitrate> {
        self.over(|packet| packet.sent)
    }

    fn over(&self, time: impl Fn(&Delivery) -> Moment) -> Option<Bitrate> {
        let (first, last) = (self.packets.front()?, self.packets.back()?);
        let span = time(last).since(time(first));
        // The first packet's own time is not in the span, so neither are its bytes.
        let bytes = self.bytes - u64::from(first.bytes);
        (span >= LEAST).then(|| Bitrate::of(bytes, span))
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_rate_is_that_of_the_last_half_second() {
        let mut delivered = Delivered::default();
        let mut arrive = |sent: Duration, arrival: Duration| {
            let packet = Acknowledged {
                sent,
                arrival: Some(arrival),
                bytes: 1000,
                probe: None,
            };
            delivered.arrived(&packet, arrival);
        };
        for n in 0..100u32 {
            arrive(n * 10 * MS, n * 20 * MS);
        }
        let (sent, came) = (delivered.sent_rate().unwrap(), delivered.rate().unwrap());
        assert_eq!((sent.0 / 1000, came.0 / 1000), (800, 400));
    }

    #[test]
    fn moments_are_told_apart_across_their_turn() {
        let before = Duration::from_micros(u32::MAX.into());
        let [before, after] = [before, before + 2 * MS].map(Moment::of);
        assert_eq!(after.since(before), 2 * MS);
        assert_eq!(before.since(after), Duration::ZERO);
    }

    #[test]
    fn a_single_burst_tells_no_rate() {
        let mut delivered = Delivered::default();
        let packet = Acknowledged {
            sent: Duration::ZERO,
            arrival: Some(MS),
            bytes: 1000,
            probe: None,
        };
        for _ in 0..10 {
            delivered.arrived(&packet, MS);
        }
        assert_eq!(delivered.rate(), None);
    }

    /// Packets of voices that are on their way for so long, so many milliseconds apart.
    fn voices(apart: u32, ways: &[u32]) -> Delivered {
        let mut delivered = Delivered::default();
        for (sent, &way) in (0..).map(|n| n * apart * MS).zip(ways) {
            let arrival = sent + way * MS;
            let packet = Acknowledged {
                sent,
                arrival: Some(arrival),
                bytes: 120,
                probe: None,
            };
            delivered.arrived(&packet, arrival);
        }
        delivered
    }

    #[test]
    fn voices_that_were_read_at_once_tell_of_a_busy_listener() {
        let busy = voices(20, &[30, 30, 90, 70, 50]);
        assert!(busy.is_uneven());
        assert!(busy.reads_at_once());
        assert_eq!(busy.queued(), 20 * MS);
    }

    #[test]
    fn voices_of_several_tell_of_it_as_well() {
        assert!(voices(7, &[30, 30, 44, 37, 30]).is_uneven());
        assert!(!voices(7, &[30, 30, 32, 34, 36]).reads_at_once());
    }

    #[test]
    fn a_queue_lets_voices_through_one_by_one_and_one_that_stands_counts_however_they_are_read() {
        let queue = voices(20, &[30, 36, 42, 48, 50]);
        assert!(!queue.is_uneven());
        assert!(!queue.reads_at_once());
        assert!(!voices(20, &[30, 30, 140, 120, 100]).is_uneven());
    }
}
