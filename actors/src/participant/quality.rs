//! How good a connection is, in one number.

use std::time::{Duration, Instant};

use calls_media::outbound::Picture;
use calls_model::signal::{ClientStats, Quality};
use calls_model::{ParticipantId, QualitySample, Timestamp};

/// Looks that become one sample: five seconds.
const LOOKS: u32 = 5;

/// Loss that takes the whole score.
const HOPELESS_LOSS: f32 = 0.25;

/// Round-trip times below are perfect.
const GOOD_RTT_MS: f32 = 100.0;

/// Round-trip times above take two points.
const BAD_RTT_MS: f32 = 600.0;

/// Jitter below is what any network has.
const GOOD_JITTER_MS: f32 = 30.0;

/// Jitter above takes one point.
const BAD_JITTER_MS: f32 = 150.0;

/// What a connection counted since it began, and how it is now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// Bytes that came.
    pub received_bytes: u64,
    /// Bytes that went.
    pub sent_bytes: u64,
    /// Media packets that came.
    pub packets: u64,
    /// Media packets that never came.
    pub lost: u64,
    /// Share of what was sent that did not arrive lately.
    pub loss: f32,
    /// Round-trip time, where it is known.
    pub rtt: Option<Duration>,
    /// Interarrival jitter of what comes, the worst of its tracks (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// Bits a second that the path to it carries, where that is known.
    pub estimate: Option<u64>,
    /// Height in pixels of the largest picture that comes now, where that is known.
    pub up_height: Option<u16>,
    /// The pictures that leave for it now.
    pub pictures: Pictures,
}

/// Pictures, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pictures {
    /// All of them.
    pub all: u32,
    /// Those at a lower layer than suits their tile, and those that are withheld.
    pub reduced: u32,
    /// Those whose size is known.
    sized: u32,
    /// The sum of their heights in pixels.
    heights: u32,
}

impl Pictures {
    /// The mean of the heights that are known.
    pub fn height(&self) -> Option<u32> {
        self.heights.checked_div(self.sized)
    }
}

impl FromIterator<Picture> for Pictures {
    fn from_iter<T: IntoIterator<Item = Picture>>(pictures: T) -> Self {
        let mut counted = Self::default();
        for picture in pictures {
            counted.all += 1;
            counted.reduced += u32::from(picture.reduced);
            if let Some((_, height)) = picture.size {
                counted.sized += 1;
                counted.heights += u32::from(height);
            }
        }
        counted
    }
}

/// Follows one connection, a look each second.
#[derive(Debug, Default)]
pub struct QualityMeter {
    client: ClientStats,
    /// Freezes that the client told since the last look.
    freezes: u32,
    before: Option<(Instant, Figures)>,
    told: Option<f32>,
    window: Window,
}

/// What one look found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Look {
    /// What to tell the others: the score changed.
    pub news: Option<Quality>,
    /// What to keep: a window is full.
    pub sample: Option<QualitySample>,
}

/// The seconds that become one sample.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    looks: u32,
    score: f32,
    up_kbps: u64,
    down_kbps: u64,
    loss: f32,
    jitter: Duration,
    freezes: u32,
}

impl QualityMeter {
    /// Takes the client's own figures.
    pub fn heard(&mut self, stats: ClientStats) {
        self.freezes = self.freezes.saturating_add(stats.freezes.unwrap_or(0));
        self.client = stats;
    }

    /// Compares figures with those of the last look.
    pub fn look(
        &mut self,
        who: &ParticipantId,
        figures: Figures,
        now: Instant,
        at: Timestamp,
    ) -> Look {
        let Some((then, before)) = self.before.replace((now, figures)) else {
            return Look::default();
        };
        let elapsed = now.duration_since(then);
        let missing = figures.lost.saturating_sub(before.lost);
        let up = share(
            missing,
            missing + figures.packets.saturating_sub(before.packets),
        );
        let loss = up
            .max(figures.loss)
            .max(self.client.loss.map_or(0.0, narrow))
            .clamp(0.0, 1.0);
        let measured = figures.rtt.map(|rtt| rtt.as_secs_f64() * 1000.0);
        let rtt = measured
            .or(self.client.rtt_ms)
            .map(|rtt| rtt.clamp(0.0, 60_000.0));
        let freezes = std::mem::take(&mut self.freezes);
        let bytes = |now: u64, then: u64| kbps(now.saturating_sub(then), elapsed);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to a minute"
        )]
        let quality = Quality {
            participant_id: who.clone(),
            score: score(loss, rtt.map(narrow), figures.jitter, freezes),
            up_kbps: bytes(figures.received_bytes, before.received_bytes),
            down_kbps: bytes(figures.sent_bytes, before.sent_bytes),
            loss,
            rtt_ms: rtt.map(|rtt| rtt as u32),
        };
        self.window.add(&quality, figures.jitter, freezes);
        let full = self.window.looks >= LOOKS;
        let sample = full.then(|| std::mem::take(&mut self.window).sample(&quality, figures, at));
        let changed = self.told.replace(quality.score) != Some(quality.score);
        Look {
            news: changed.then_some(quality),
            sample,
        }
    }
}

impl Window {
    fn add(&mut self, quality: &Quality, jitter: Duration, freezes: u32) {
        self.looks += 1;
        self.score += quality.score;
        self.up_kbps += u64::from(quality.up_kbps);
        self.down_kbps += u64::from(quality.down_kbps);
        self.loss += quality.loss;
        self.jitter = self.jitter.max(jitter);
        self.freezes = self.freezes.saturating_add(freezes);
    }

    fn sample(self, latest: &Quality, figures: Figures, at: Timestamp) -> QualitySample {
        let looks = f32::from(u16::try_from(self.looks).unwrap_or(u16::MAX));
        let mean = |sum: u64| u32::try_from(sum / u64::from(self.looks)).unwrap_or(u32::MAX);
        let narrow = |wide: u64| u32::try_from(wide).unwrap_or(u32::MAX);
        QualitySample {
            at,
            participant_id: latest.participant_id.clone(),
            score: self.score / looks,
            up_kbps: mean(self.up_kbps),
            down_kbps: mean(self.down_kbps),
            loss: self.loss / looks,
            rtt_ms: latest.rtt_ms,
            jitter_ms: u32::try_from(self.jitter.as_millis()).unwrap_or(u32::MAX),
            freezes: self.freezes,
            estimate_kbps: figures.estimate.map(|bits| narrow(bits / 1000)),
            up_height: figures.up_height.map(u32::from),
            down_height: figures.pictures.height(),
            pictures: Some(figures.pictures.all),
            reduced_pictures: Some(figures.pictures.reduced),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a share, or some milliseconds"
)]
fn narrow(wide: f64) -> f32 {
    wide as f32
}

#[expect(clippy::cast_precision_loss, reason = "packets of a few seconds")]
fn share(part: u64, whole: u64) -> f32 {
    if whole == 0 {
        0.0
    } else {
        part as f32 / whole as f32
    }
}

/// 5 is perfect, 0 is gone; in halves, so that a tremble is no news. A frozen picture takes one point, two take two.
fn score(loss: f32, rtt_ms: Option<f32>, jitter: Duration, freezes: u32) -> f32 {
    let by_loss = 5.0 * (loss / HOPELESS_LOSS).clamp(0.0, 1.0);
    let by_delay = rtt_ms.map_or(0.0, |rtt| 2.0 * between(GOOD_RTT_MS, BAD_RTT_MS, rtt));
    let jitter_ms = narrow(jitter.as_secs_f64() * 1000.0);
    let by_jitter = between(GOOD_JITTER_MS, BAD_JITTER_MS, jitter_ms);
    let by_freezes = if freezes > 1 {
        2.0
    } else {
        narrow(freezes.into())
    };
    ((5.0 - by_loss - by_delay - by_jitter - by_freezes).max(0.0) * 2.0).round() / 2.0
}

/// How far a value is on the way from good (0) to bad (1).
fn between(good: f32, bad: f32, value: f32) -> f32 {
    ((value - good) / (bad - good)).clamp(0.0, 1.0)
}

fn kbps(bytes: u64, elapsed: Duration) -> u32 {
    let millis = u64::try_from(elapsed.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    u32::try_from(bytes.saturating_mul(8) / millis).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEADY: Duration = Duration::ZERO;

    fn is(one: f32, other: f32) -> bool {
        (one - other).abs() < 0.001
    }

    /// A meter, and looks a second apart.
    struct Watched {
        meter: QualityMeter,
        start: Instant,
        looks: u64,
    }

    impl Watched {
        fn new() -> Self {
            Self {
                meter: QualityMeter::default(),
                start: Instant::now(),
                looks: 0,
            }
        }

        fn look(&mut self, figures: Figures) -> Look {
            let who = "part_ann".parse().unwrap();
            let now = self.start + Duration::from_secs(self.looks);
            self.looks += 1;
            let at = i64::try_from(self.looks * 1000).unwrap();
            self.meter
                .look(&who, figures, now, Timestamp::from_millis(at).unwrap())
        }
    }

    fn received(bytes: u64) -> Figures {
        Figures {
            received_bytes: bytes,
            ..Figures::default()
        }
    }

    #[test]
    fn a_clean_and_near_connection_is_perfect() {
        assert!(is(score(0.0, Some(30.0), STEADY, 0), 5.0));
    }

    #[test]
    fn loss_distance_jitter_and_freezes_all_cost() {
        let perfect = score(0.0, Some(30.0), STEADY, 0);
        assert!(score(0.05, None, STEADY, 0) < score(0.01, None, STEADY, 0));
        assert!(score(0.0, Some(500.0), STEADY, 0) < score(0.0, Some(150.0), STEADY, 0));
        assert!(score(0.0, Some(30.0), Duration::from_millis(150), 0) < perfect);
        assert!(is(score(0.0, Some(30.0), STEADY, 1), perfect - 1.0));
        assert!(is(score(1.0, Some(5000.0), STEADY, 9), 0.0));
    }

    #[test]
    fn only_a_changed_score_is_told() {
        let mut watched = Watched::new();
        assert_eq!(
            watched.look(received(0)),
            Look::default(),
            "nothing to compare with"
        );
        let told = watched.look(received(125_000)).news.unwrap();
        assert_eq!(told.up_kbps, 1000);
        assert_eq!(watched.look(received(250_000)).news, None);
        watched.meter.heard(ClientStats {
            loss: Some(0.1),
            ..ClientStats::default()
        });
        assert!(watched.look(received(260_000)).news.is_some());
    }

    #[test]
    fn a_freeze_is_told_once_and_then_over() {
        let mut watched = Watched::new();
        watched.look(received(0));
        watched.look(received(1));
        watched.meter.heard(ClientStats {
            freezes: Some(1),
            ..ClientStats::default()
        });
        assert!(is(watched.look(received(2)).news.unwrap().score, 4.0));
        assert!(is(watched.look(received(3)).news.unwrap().score, 5.0));
    }

    #[test]
    fn what_never_came_counts_from_one_look_to_the_next() {
        let mut watched = Watched::new();
        let figures = |packets, lost| Figures {
            packets,
            lost,
            ..Figures::default()
        };
        watched.look(figures(0, 0));
        let told = watched.look(figures(90, 10)).news.unwrap();
        assert!(is(told.loss, 0.1), "{told:?}");
        let told = watched.look(figures(190, 10)).news.unwrap();
        assert!(is(told.loss, 0.0), "{told:?}");
    }

    #[test]
    fn five_seconds_become_one_sample_of_means_and_worst_cases() {
        let mut watched = Watched::new();
        watched.look(received(0));
        let figures = |second: u64| Figures {
            received_bytes: second * 125_000,
            jitter: Duration::from_millis(if second == 2 { 90 } else { 5 }),
            estimate: Some(2_000_000),
            loss: if second == 3 { 0.25 } else { 0.0 },
            ..Figures::default()
        };
        let looks: Vec<_> = (1..=6)
            .map(|second| watched.look(figures(second)))
            .collect();
        let kept: Vec<_> = looks.iter().map(|look| look.sample.is_some()).collect();
        assert_eq!(kept, [false, false, false, false, true, false]);
        let sample = looks[4].sample.as_ref().unwrap();
        assert_eq!(sample.up_kbps, 1000);
        assert_eq!(sample.jitter_ms, 90);
        assert_eq!(sample.estimate_kbps, Some(2000));
        assert_eq!(sample.pictures, Some(0));
        assert!(is(sample.loss, 0.05), "{sample:?}");
        assert_eq!(sample.at.millis(), 6000);
    }

    #[test]
    fn a_sample_tells_the_layers_that_came_and_left_at_its_end() {
        let picture = |height: Option<u16>, reduced| Picture {
            size: height.map(|height| (height / 9 * 16, height)),
            withheld: height.is_none() && reduced,
            reduced,
        };
        let all = [
            picture(Some(180), true),
            picture(Some(360), false),
            picture(None, true),
            picture(None, false),
        ];
        let mut watched = Watched::new();
        watched.look(received(0));
        for _ in 0..4 {
            watched.look(received(0));
        }
        let figures = Figures {
            up_height: Some(720),
            pictures: all.into_iter().collect(),
            ..received(0)
        };
        let sample = watched.look(figures).sample.unwrap();
        assert_eq!(sample.up_height, Some(720));
        assert_eq!(
            (sample.pictures, sample.reduced_pictures),
            (Some(4), Some(2))
        );
        assert_eq!(sample.down_height, Some(270), "of those that tell it");
    }
}
