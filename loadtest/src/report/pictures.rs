//! Of cameras that send several encodings: how many pictures show which.

use std::fmt;

use serde::Serialize;

use super::float;
use crate::measure::Second;
use crate::tally::LAYERS;

/// How many pictures show which encoding, on average over the last half.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Pictures {
    /// All that there should be.
    pub(crate) all: f64,
    /// Of each encoding, the smallest first.
    pub(crate) encodings: [f64; LAYERS],
    /// Of none.
    pub(crate) none: f64,
}

impl Pictures {
    /// Reads them off the seconds; nothing where not one of these was noted.
    pub(crate) fn of(seconds: &[Second], all: f64) -> Option<Self> {
        let late = &seconds[seconds.len() / 2..];
        let count = u32::try_from(late.len()).ok().filter(|count| *count > 0)?;
        let encodings = std::array::from_fn(|layer| {
            let shown = late.iter().map(|second| second.layers[layer].max(0));
            shown.map(|shown| float(shown.unsigned_abs())).sum::<f64>() / f64::from(count)
        });
        let shown = encodings.iter().sum::<f64>();
        Some(Self {
            all,
            encodings,
            none: (all - shown).max(0.0),
        })
    }

    /// How many show nothing.
    pub(crate) fn blank(&self) -> String {
        format!("{:.1} of {:.0} pictures show nothing", self.none, self.all)
    }

    /// Share of them that show nothing.
    pub(crate) fn missing(&self) -> f64 {
        if self.all > 0.0 {
            self.none / self.all
        } else {
            0.0
        }
    }
}

impl fmt::Display for Pictures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [small, middle, large] = self.encodings;
        write!(
            out,
            "{small:.1} small, {middle:.1} middle, {large:.1} large, {:.1} none, of {:.0} (mean)",
            self.none, self.all,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pictures_are_among_those_of_an_encoding_or_of_none() {
        let second = |layers| Second {
            layers,
            ..Second::default()
        };
        let seconds = [[20, 0, 0], [0, 0, 0], [17, 2, 0], [16, 2, 1]].map(second);
        let pictures = Pictures::of(&seconds, 20.0).unwrap();
        assert_eq!(
            pictures.to_string(),
            "16.5 small, 2.0 middle, 0.5 large, 1.0 none, of 20 (mean)",
        );
        assert!((pictures.missing() - 0.05).abs() < 1e-9);
        assert_eq!(Pictures::of(&[], 20.0), None);
    }
}
