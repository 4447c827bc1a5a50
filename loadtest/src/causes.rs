//! Errors, told whole.

use std::collections::BTreeMap;
use std::error::Error;

/// What went wrong, and what made it go wrong, in one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", with_causes(cause)),
        None => error.to_string(),
    }
}

/// Why many ended: what all say alike is told once.
#[derive(Debug, Default)]
pub(crate) struct Reasons(BTreeMap<String, u32>);

impl Reasons {
    /// One more.
    pub(crate) fn add(&mut self, error: &dyn Error) {
        *self.0.entry(with_causes(error)).or_default() += 1;
    }

    /// Those of others too.
    pub(crate) fn extend(&mut self, others: Self) {
        for (reason, count) in others.0 {
            *self.0.entry(reason).or_default() += count;
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        self.0.values().sum()
    }

    /// Each with how many it was the reason of.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .map(|(reason, count)| format!("{count} times: {reason}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ApiFailed;
    use crate::crowd::CrowdFailed;

    #[test]
    fn what_many_say_alike_is_told_once_with_how_many_they_were() {
        let refused = |code: &str| ApiFailed::Refused {
            status: 409,
            code: code.into(),
            detail: "no".into(),
        };
        let mut reasons = Reasons::default();
        for code in ["b", "a", "b"] {
            reasons.add(&refused(code));
        }
        let mut others = Reasons::default();
        others.add(&refused("b"));
        reasons.extend(others);
        assert_eq!(reasons.count(), 4);
        let lines: Vec<_> = reasons.lines().collect();
        let said = |times, code| format!("{times} times: the server refused: 409 {code}: no");
        assert_eq!(lines, [said(1, "a"), said(3, "b")]);
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let refused = ApiFailed::Refused {
            status: 409,
            code: "room-full".into(),
            detail: "2 of 2".into(),
        };
        assert_eq!(
            with_causes(&CrowdFailed::Room(refused)),
            "cannot make a room: the server refused: 409 room-full: 2 of 2",
        );
    }
}
