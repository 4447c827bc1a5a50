//! From the times of live files to the time of the recording.

use calls_media::capture::Alignment;

use super::session::{LiveEpoch, LiveFile, Session};

/// How far a time in a file may be off by rounding (Matroska counts milliseconds).
pub(super) const ROUNDING_US: i64 = 1000;

/// From a time in a live file to the time of the recording.
pub(super) struct Timeline<'a> {
    pub(super) epochs: Vec<(&'a LiveEpoch, Alignment)>,
    pub(super) pauses: &'a [(i64, Option<i64>)],
    pub(super) origin_us: i64,
}

impl<'a> Timeline<'a> {
    pub(super) fn of(session: &'a Session, file: &'a LiveFile, origin_us: i64) -> Self {
        let align = |epoch: &'a LiveEpoch| (epoch, session.alignment(epoch));
        Self {
            epochs: file.epochs.iter().map(align).collect(),
            pauses: &session.pauses,
            origin_us,
        }
    }

    /// Microseconds from the recording's zero, pauses included.
    pub(super) fn raw(&self, at_us: i64) -> i64 {
        let begun = |(epoch, _): &&(&LiveEpoch, Alignment)| epoch.at_us <= at_us + ROUNDING_US;
        let Some((epoch, alignment)) = self.epochs.iter().rev().find(begun) else {
            return at_us;
        };
        let rate = i64::from(epoch.rate);
        alignment.at(epoch.rtp + (at_us - epoch.at_us) * rate / 1_000_000)
    }

    /// Microseconds from the beginning of the recording, pauses cut out.
    pub(super) fn at(&self, at_us: i64) -> i64 {
        cut(self.raw(at_us), self.pauses) - self.origin_us
    }
}

/// Cuts pauses out of a time.
pub(super) fn cut(raw_us: i64, pauses: &[(i64, Option<i64>)]) -> i64 {
    let left_out = pauses.iter().map(|&(from, to)| {
        let to = to.unwrap_or(i64::MAX).min(raw_us);
        (to - from).max(0)
    });
    raw_us - left_out.sum::<i64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_cut_out() {
        let pauses = [(1000, Some(3000)), (5000, None)];
        let times = [500, 1000, 2000, 3000, 4000, 9000].map(|at| cut(at, &pauses));
        assert_eq!(times, [500, 1000, 1000, 1000, 2000, 3000]);
    }
}
