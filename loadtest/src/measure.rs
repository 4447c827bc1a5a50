//! Lets time pass, and counts what happens meanwhile.

mod stopwatch;

use std::time::{Duration, Instant};

use serde::Serialize;

pub(crate) use self::stopwatch::Stopwatch;
use crate::scenario::Scenario;
use crate::server::{Gauge, Usage};
use crate::tally::{Counted, Kind, LAYERS, Tallies, Trouble};

/// What happened in a stretch of time.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Of microphones.
    pub(crate) audio: Counted,
    /// Of cameras.
    pub(crate) video: Counted,
    /// What went wrong on our own side.
    pub(crate) trouble: Trouble,
    /// What the measured process had used before and after.
    pub(crate) usage: Option<(Usage, Usage)>,
    /// When it began and ended.
    pub(crate) span: (Instant, Instant),
    /// Second by second, all of it: the counts add up to those above.
    pub(crate) seconds: Vec<Second>,
}

/// What happened in one second; in less, where a run was interrupted.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Second {
    /// Since measuring began, at its end.
    pub(crate) at_s: f64,
    /// Packets that arrived.
    pub(crate) received: u64,
    /// Packets that went missing, less those that were repaired: also below 0.
    pub(crate) lost: i64,
    /// The same for each second that it took.
    pub(crate) lost_per_s: f64,
    /// Thousands of bits that arrived in a second.
    pub(crate) kbps: f64,
    /// From sending to arriving, half of the pictures' packets; of the voices' where nobody receives pictures.
    pub(crate) latency_p50_ms: Option<f64>,
    /// And all but one in a hundred.
    pub(crate) latency_p99_ms: Option<f64>,
    /// Pictures that show each encoding, the smallest first.
    pub(crate) layers: [i64; LAYERS],
    /// Resident memory of the measured process, where it runs on this machine.
    pub(crate) server_rss_mib: Option<f64>,
    /// Its open files.
    pub(crate) server_files: Option<usize>,
}

impl Measured {
    /// How long it took.
    pub(crate) fn took(&self) -> Duration {
        self.span.1 - self.span.0
    }

    /// Packets that arrived.
    pub(crate) fn forwarded(&self) -> u64 {
        self.audio.received + self.video.received
    }

    /// CPU time of the measured process for each.
    pub(crate) fn cpu_micros_per_forwarded(&self) -> Option<f64> {
        let (before, after) = self.usage?;
        let cpu = after.cpu.saturating_sub(before.cpu);
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 packets")]
        let packets = self.forwarded() as f64;
        (packets > 0.0).then(|| cpu.as_secs_f64() * 1e6 / packets)
    }
}

impl Stopwatch {
    /// Lets time pass, and counts.
    pub(crate) async fn measure(
        &self,
        what: &'static str,
        scenario: &Scenario,
        tallies: &Tallies,
        gauge: &Gauge,
    ) -> Measured {
        let before = gauge.read().await;
        let began = Instant::now();
        tallies.measure(true);
        let mut notes = Notes::of(scenario);
        self.each_tick(what, scenario.seconds, |elapsed| {
            notes.tick(elapsed, tallies, gauge);
        })
        .await;
        tallies.measure(false);
        let ended = Instant::now();
        notes.note(ended - began, tallies, gauge);
        let after = gauge.read().await;
        Measured {
            // As they stand in the last note: a packet may come while counting ends.
            audio: notes.audio,
            video: notes.video,
            trouble: tallies.trouble(),
            usage: before.zip(after),
            span: (began, ended),
            seconds: notes.seconds,
        }
    }
}

/// Counts of the whole until the last note.
struct Notes {
    /// Seconds that are to be noted.
    seconds_in_all: u64,
    told_latency: Kind,
    at: Duration,
    audio: Counted,
    video: Counted,
    seconds: Vec<Second>,
}

impl Notes {
    /// None of it yet.
    fn of(scenario: &Scenario) -> Self {
        Self {
            seconds_in_all: scenario.seconds.into(),
            told_latency: scenario.told_latency(),
            at: Duration::ZERO,
            audio: Counted::default(),
            video: Counted::default(),
            seconds: Vec::new(),
        }
    }

    /// Notes each second that is over but the last, which ends when nothing counts any more.
    fn tick(&mut self, elapsed: Duration, tallies: &Tallies, gauge: &Gauge) {
        let second = elapsed.as_secs();
        if second > self.at.as_secs() && second < self.seconds_in_all {
            self.note(elapsed, tallies, gauge);
        }
    }

    fn note(&mut self, elapsed: Duration, tallies: &Tallies, gauge: &Gauge) {
        let took = elapsed
            .saturating_sub(self.at)
            .as_secs_f64()
            .max(f64::EPSILON);
        let (audio, video) = (tallies.audio.counted(), tallies.video.counted());
        let sound = audio.since(&self.audio);
        let pictures = video.since(&self.video);
        let latency = match self.told_latency {
            Kind::Audio => &sound.latency,
            Kind::Video => &pictures.latency,
        };
        let ms = |share| Some(latency.quantile(share)?.as_secs_f64() * 1e3);
        #[expect(clippy::cast_precision_loss, reason = "the bytes of a second")]
        let kilobits = (sound.bytes + pictures.bytes) as f64 * 8.0 / 1e3;
        let lost = missing(&audio, &video) - missing(&self.audio, &self.video);
        #[expect(clippy::cast_precision_loss, reason = "the packets of a second")]
        let lost_per_s = lost as f64 / took;
        self.seconds.push(Second {
            at_s: elapsed.as_secs_f64(),
            received: sound.received + pictures.received,
            lost,
            lost_per_s,
            kbps: kilobits / took,
            latency_p50_ms: ms(0.5),
            latency_p99_ms: ms(0.99),
            layers: tallies.playing(),
            server_rss_mib: gauge.rss_mib(),
            server_files: gauge.files(),
        });
        (self.at, self.audio, self.video) = (elapsed, audio, video);
    }
}

/// Packets of both kinds that are missing.
fn missing(audio: &Counted, video: &Counted) -> i64 {
    (audio.lost + video.lost).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;
    use tokio::sync::watch;

    use crate::api::Api;
    use crate::scenario::tests::meeting;
    use crate::tally::Arrival;

    fn lasting(seconds: u32) -> Scenario {
        Scenario {
            seconds,
            ..meeting()
        }
    }

    #[test]
    fn latency_is_that_of_pictures_or_without_any_of_voices_and_never_of_both() {
        let silent = Scenario {
            video: None,
            ..lasting(9)
        };
        let unseen = Scenario {
            video_slots: 0,
            ..lasting(9)
        };
        for (scenario, wanted) in [
            (lasting(9), [Some(8.0), None]),
            (silent, [Some(2.0), Some(2.0)]),
            (unseen, [Some(2.0), Some(2.0)]),
        ] {
            let tallies = Tallies::new();
            tallies.measure(true);
            let mut notes = Notes::of(&scenario);
            let arrive = |tally, ms| {
                let arrival = Arrival {
                    missing: 0,
                    bytes: 100,
                    padding: false,
                    latency: Some(Duration::from_millis(ms)),
                };
                tallies.arrived(tally, arrival);
            };
            arrive(&tallies.video, 8);
            for second in 1..=2 {
                arrive(&tallies.audio, 2);
                notes.tick(Duration::from_secs(second), &tallies, &Gauge::Process(0));
            }
            let told = notes.seconds.iter().map(|second| second.latency_p50_ms);
            assert_eq!(
                told.map(|ms| ms.map(f64::round)).collect::<Vec<_>>(),
                wanted
            );
        }
    }

    #[test]
    fn each_second_notes_what_came_in_it() {
        let tallies = Tallies::new();
        tallies.measure(true);
        let mut notes = Notes::of(&lasting(4));
        for (ms, bytes) in [(900, 1000), (1000, 250), (2500, 3000)] {
            let arrival = Arrival {
                missing: 1,
                bytes,
                padding: false,
                latency: None,
            };
            tallies.arrived(&tallies.video, arrival);
            notes.tick(Duration::from_millis(ms), &tallies, &Gauge::Process(0));
        }
        let rates: Vec<_> = notes.seconds.iter().map(|second| second.kbps).collect();
        assert_eq!(rates, [10.0, 16.0]);
        let received: Vec<_> = notes.seconds.iter().map(|s| (s.received, s.lost)).collect();
        assert_eq!(received, [(2, 2), (1, 1)]);
        assert!((notes.seconds[1].lost_per_s - 1.0 / 1.5).abs() < 1e-9);

        // What was missing and came after all is taken back, also in a later second.
        tallies.repaired(&tallies.video, 100);
        tallies.repaired(&tallies.video, 100);
        notes.tick(Duration::from_millis(3050), &tallies, &Gauge::Process(0));
        assert_eq!(notes.seconds[2].lost, -2);
    }

    #[tokio::test]
    async fn the_seconds_add_up_to_the_whole_also_of_a_run_that_ends_early_with_a_packet_on_its_way()
     {
        let (stop, stopped) = watch::channel(false);
        let tallies = Tallies::new();
        // Whoever asks there is hung up on, and meanwhile others have their turn.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gauge = Gauge::Metrics(Api::new(url.parse().unwrap(), None));
        tokio::spawn(async move {
            while let Ok(asked) = listener.accept().await {
                drop(asked);
            }
        });
        let arrival = Arrival {
            missing: 1,
            bytes: 100,
            padding: false,
            latency: None,
        };
        let received = || tallies.video.counted().received;
        let arrive = async {
            loop {
                let before = received();
                tallies.arrived(&tallies.video, arrival);
                if before >= 100 && received() == before {
                    break;
                }
                if before == 100 {
                    stop.send_replace(true);
                }
                tokio::task::yield_now().await;
            }
            // One that found, a moment ago, that it counts.
            tallies.measure(true);
            tallies.arrived(&tallies.video, arrival);
        };
        let stopwatch = Stopwatch::new(stopped);
        let scenario = lasting(60);
        let measure = stopwatch.measure("measuring", &scenario, &tallies, &gauge);
        let (measured, ()) = tokio::join!(measure, arrive);
        let seconds = || measured.seconds.iter();
        let whole = &measured.video;
        assert!(whole.received >= 100, "{}", whole.received);
        assert_eq!(seconds().map(|s| s.received).sum::<u64>(), whole.received);
        let lost = seconds().map(|second| second.lost).sum::<i64>();
        assert_eq!(lost, whole.lost.cast_signed());
        assert_eq!(received(), whole.received + 1, "one came too late");
    }
}
