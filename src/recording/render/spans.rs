//! Times: from, to, in milliseconds; lists of them are in order and do not touch.

/// From, to, in milliseconds.
pub(super) type Time = (u64, u64);

/// All of them, those made one that are no further apart than that.
pub(super) fn joined(mut times: Vec<Time>, apart_ms: u64) -> Vec<Time> {
    times.retain(|(from, to)| from < to);
    times.sort_unstable();
    let mut joined: Vec<Time> = Vec::new();
    for (from, to) in times {
        match joined.last_mut() {
            Some(last) if from <= last.1 + apart_ms => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// What is in both.
pub(super) fn both(one: &[Time], other: &[Time]) -> Vec<Time> {
    let (mut both, mut i, mut j) = (Vec::new(), 0, 0);
    while let (Some(a), Some(b)) = (one.get(i), other.get(j)) {
        let (from, to) = (a.0.max(b.0), a.1.min(b.1));
        if from < to {
            both.push((from, to));
        }
        if a.1 < b.1 { i += 1 } else { j += 1 }
    }
    both
}

/// What of the first is not in the other.
pub(super) fn without(one: &[Time], other: &[Time]) -> Vec<Time> {
    let ends = other.iter().map(|time| time.1);
    let begins = other.iter().map(|time| time.0);
    let rest = [0].into_iter().chain(ends).zip(begins.chain([u64::MAX]));
    let rest: Vec<Time> = rest.filter(|(from, to)| from < to).collect();
    both(one, &rest)
}

/// It is in one of them at this moment.
pub(super) fn holds(times: &[Time], at_ms: u64) -> bool {
    let after = times.partition_point(|time| time.0 <= at_ms);
    after > 0 && at_ms < times[after - 1].1
}

/// An expression of FFmpeg's that is not 0 then.
pub(super) fn expression(times: &[Time]) -> String {
    let seconds = super::command::seconds_of;
    let each = times
        .iter()
        .map(|&(from, to)| format!("gte(t,{})*lt(t,{})", seconds(from), seconds(to)));
    each.collect::<Vec<_>>().join("+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_touch_or_are_near_become_one() {
        let times = vec![(30, 40), (0, 10), (10, 12), (15, 20), (5, 5)];
        assert_eq!(joined(times.clone(), 0), [(0, 12), (15, 20), (30, 40)]);
        assert_eq!(joined(times, 3), [(0, 20), (30, 40)]);
    }

    #[test]
    fn what_is_in_both_and_what_is_left_make_the_first() {
        let (one, other) = ([(0, 10), (20, 30), (40, 50)], [(5, 25), (28, 29), (50, 60)]);
        assert_eq!(both(&one, &other), [(5, 10), (20, 25), (28, 29)]);
        let left = [(0, 5), (25, 28), (29, 30), (40, 50)];
        assert_eq!(without(&one, &other), left);
        assert_eq!(without(&one, &[]), one);
        assert_eq!(without(&[(0, 9)], &[(0, 4)]), [(4, 9)]);
    }

    #[test]
    fn a_time_holds_its_beginning_and_not_its_end() {
        let times = [(10, 20), (30, 40)];
        let held = [9, 10, 19, 20, 30, 40].map(|at| holds(&times, at));
        assert_eq!(held, [false, true, true, false, true, false]);
    }
}
