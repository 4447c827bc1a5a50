//! Where nothing of a source is, and why, whatever tracks and files it is on.

use calls_model::Gap;

use super::millis;

/// So long nothing comes of a source that is just published, or goes: a connection is made, and a key frame waited for.
const BRIEF_US: i64 = 1_000_000;

/// Gaps of one reason are told as one if no more than this is between them, and no more than each of them lasts.
const BETWEEN_US: i64 = 100_000;

/// What is known of a track from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is published.
    There,
    /// Nobody knows: a segment began, and has not named it yet.
    Away,
    /// Its publisher took it back.
    Unpublished,
    /// Its publisher left the call.
    Left,
}

/// From, to, and why; in microseconds of the recording. With no end where nobody knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) from_us: i64,
    pub(super) to_us: Option<i64>,
    pub(super) reason: &'static str,
}

impl Stretch {
    pub(super) fn new(from_us: i64, to_us: i64, reason: &'static str) -> Self {
        Self {
            from_us,
            to_us: Some(to_us),
            reason,
        }
    }

    fn lasts_us(&self) -> i64 {
        self.to_us.map_or(0, |to_us| to_us - self.from_us)
    }

    /// As it is told.
    pub(super) fn told(self) -> Gap {
        Gap {
            from_ms: millis(self.from_us),
            to_ms: self.to_us.map(millis),
            reason: self.reason.to_owned(),
        }
    }
}

/// Where something of a source is, and what is known of where nothing is; times in microseconds of the recording.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    /// Of each of its tracks, from when on it was where.
    pub(super) tracks: Vec<Vec<(i64, Place)>>,
    /// What its files hold, from and to.
    pub(super) files: Vec<(i64, i64)>,
    /// Gaps that are known of.
    pub(super) gaps: Vec<Stretch>,
    /// Frames of it are missing, and none of the gaps says where.
    pub(super) is_damaged: bool,
}

impl Coverage {
    /// All its gaps in a recording that ends then. What was lost to everybody is told elsewhere.
    pub(super) fn gaps(self, interruptions: &[Stretch], ends_us: i64) -> Vec<Stretch> {
        let mut gaps = Vec::new();
        for (from, to) in self.empty(interruptions, ends_us) {
            if to - from < BRIEF_US {
                continue;
            }
            if self.is_damaged {
                gaps.push(Stretch::new(from, to, Gap::DAMAGED));
            } else {
                gaps.extend(self.silent(from, to));
            }
        }
        for &gap in &self.gaps {
            match gap.to_us {
                Some(to) if gap.reason == Gap::NO_MEDIA => {
                    gaps.extend(self.silent(gap.from_us, to));
                }
                _ => gaps.push(gap),
            }
        }
        joined(gaps)
    }

    /// Where nothing is, and nothing says why.
    fn empty(&self, interruptions: &[Stretch], ends_us: i64) -> Vec<(i64, i64)> {
        let published = self.tracks.iter().flatten().map(|(at, _)| *at).min();
        let begins = published.or_else(|| self.files.iter().map(|(from, _)| *from).min());
        let Some(begins) = begins else {
            return Vec::new();
        };
        let told = self.gaps.iter().chain(interruptions);
        let told = told.map(|gap| (gap.from_us, gap.to_us.unwrap_or(i64::MAX)));
        let mut known: Vec<(i64, i64)> = self.files.iter().copied().chain(told).collect();
        known.sort_unstable();
        let (mut empty, mut at) = (Vec::new(), begins);
        for (from, to) in known {
            if from > at {
                empty.push((at, from.min(ends_us)));
            }
            at = at.max(to);
        }
        empty.push((at, ends_us));
        empty
    }

    /// Why nothing was sent in this time. What is so only for a moment goes with what is beside it.
    fn silent(&self, from: i64, to: i64) -> Vec<Stretch> {
        let settled = from + BRIEF_US.min((to - from) / 2);
        let all = self.tracks.iter().flatten().map(|(at, _)| *at);
        let mut changes: Vec<i64> = all
            .filter(|&at| settled < at && at + BRIEF_US <= to)
            .collect();
        changes.sort_unstable();
        let mut last = Stretch::new(from, to, self.reason(settled));
        let mut silent = Vec::new();
        for at in changes {
            let reason = self.reason(at);
            if reason != last.reason {
                last.to_us = Some(at);
                silent.push(last);
                last = Stretch::new(at, to, reason);
            }
        }
        silent.push(last);
        silent
    }

    /// Why nothing is sent at this time.
    fn reason(&self, at: i64) -> &'static str {
        let places = self.tracks.iter().filter_map(|track| {
            let before = track.iter().take_while(|(from, _)| *from <= at);
            before.last().map(|(_, place)| *place)
        });
        let places: Vec<Place> = places.collect();
        if places.contains(&Place::There) {
            Gap::NO_MEDIA
        } else if places.contains(&Place::Left) {
            Gap::LEFT
        } else if places.contains(&Place::Unpublished) {
            Gap::UNPUBLISHED
        } else {
            Gap::NO_MEDIA
        }
    }
}

/// In order, and those that follow each other as one.
fn joined(mut gaps: Vec<Stretch>) -> Vec<Stretch> {
    gaps.sort_by_key(|gap| gap.from_us);
    let mut joined: Vec<Stretch> = Vec::new();
    let mut lasted = 0; // the last of those that were joined
    for gap in gaps {
        let lasts = gap.lasts_us();
        let within = BETWEEN_US.min(lasted).min(lasts);
        match joined.last_mut() {
            Some(Stretch {
                to_us: Some(ends),
                reason,
                ..
            }) if *reason == gap.reason && gap.from_us - *ends <= within => match gap.to_us {
                Some(to) => *ends = to.max(*ends),
                None => joined.push(gap),
            },
            _ => joined.push(gap),
        }
        lasted = lasts;
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn seconds(gaps: &[Stretch]) -> Vec<(i64, i64, &'static str)> {
        let of = |gap: &Stretch| {
            (
                gap.from_us / SECOND,
                gap.to_us.unwrap_or(-1) / SECOND,
                gap.reason,
            )
        };
        gaps.iter().map(of).collect()
    }

    /// A source whose file ends after ten seconds of a minute, and which is where at which second.
    fn until_ten(tracks: &[&[(i64, Place)]]) -> Coverage {
        let track = |places: &&[(i64, Place)]| {
            let places = places.iter().map(|&(at, place)| (at * SECOND, place));
            places.collect()
        };
        Coverage {
            tracks: tracks.iter().map(track).collect(),
            files: vec![(0, 10 * SECOND)],
            ..Coverage::default()
        }
    }

    fn told(tracks: &[&[(i64, Place)]]) -> Vec<(i64, i64, &'static str)> {
        seconds(&until_ten(tracks).gaps(&[], 60 * SECOND))
    }

    #[test]
    fn who_left_has_left_and_what_was_taken_back_was() {
        let there = (0, Place::There);
        assert_eq!(told(&[&[there]]), [(10, 60, "no_media")]);
        assert_eq!(
            told(&[&[]]),
            [(10, 60, "no_media")],
            "an earlier version's log"
        );
        assert_eq!(told(&[&[there, (10, Place::Left)]]), [(10, 60, "left")]);
        let taken = (10, Place::Unpublished);
        assert_eq!(told(&[&[there, taken]]), [(10, 60, "unpublished")]);
        let off_before = [(10, 30, "no_media"), (30, 60, "left")];
        assert_eq!(told(&[&[there, (30, Place::Left)]]), off_before);
        let taken_before = [(10, 30, "unpublished"), (30, 60, "left")];
        let also: &[(i64, Place)] = &[there, (30, Place::Left)];
        assert_eq!(told(&[&[there, taken], also]), off_before, "one is there");
        assert_eq!(told(&[&[there, taken, (30, Place::Left)]]), taken_before);
    }

    #[test]
    fn who_comes_back_on_another_track_after_a_crash_is_there_and_who_left_it_too_has_left() {
        let before: &[(i64, Place)] = &[(0, Place::There), (12, Place::Away)];
        let after: &[(i64, Place)] = &[(20, Place::There), (40, Place::Left)];
        let crash = Stretch::new(10 * SECOND, 15 * SECOND, "server_stopped");
        let gaps = until_ten(&[before, after]).gaps(&[crash], 60 * SECOND);
        assert_eq!(seconds(&gaps), [(15, 40, "no_media"), (40, 60, "left")]);
    }

    #[test]
    fn what_is_missing_and_cannot_be_read_is_damaged() {
        let mut coverage = until_ten(&[&[(0, Place::There)]]);
        coverage.is_damaged = true;
        let gaps = coverage.gaps(&[], 60 * SECOND);
        assert_eq!(seconds(&gaps), [(10, 60, "damaged")]);
    }

    #[test]
    fn gaps_that_touch_for_the_same_reason_are_one_and_single_losses_are_not() {
        let of = |reason: &'static str, times: &[(i64, i64)]| -> Vec<Stretch> {
            let times = times.iter();
            let times = times.map(|&(from, to)| Stretch::new(from * 1000, to * 1000, reason));
            times.collect()
        };
        let told = |gaps: Vec<Stretch>| -> Vec<(i64, i64)> {
            let joined = joined(gaps).into_iter();
            joined
                .map(|gap| (gap.from_us / 1000, gap.to_us.unwrap_or(0) / 1000))
                .collect()
        };
        let screen = of("no_media", &[(0, 1000), (1001, 2000), (2100, 3000)]);
        assert_eq!(told(screen), [(0, 3000)]);
        let apart = [(0, 1000), (1101, 2000)];
        assert_eq!(told(of("no_media", &apart)), apart);
        let losses = [(0, 20), (60, 80), (120, 140)];
        assert_eq!(told(of("loss", &losses)), losses, "two of three are there");
        assert_eq!(told(of("loss", &[(0, 20), (40, 60)])), [(0, 60)]);
        let two = [of("loss", &[(0, 1000)]), of("no_media", &[(1000, 2000)])].concat();
        assert_eq!(told(two), [(0, 1000), (1000, 2000)]);
    }
}
