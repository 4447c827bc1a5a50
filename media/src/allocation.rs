//! Who gets how much of a subscriber's path: one layer for each slot, so that all of them together fit.

use crate::seam::{Bitrate, Layer, MAX_LAYERS, Priority};

/// Taking more than before must fit with so much to spare: estimates waver.
const SPARE: f64 = 1.15;
/// What is there already may stay while the estimate is lower by so much.
const PATIENCE: f64 = 0.95;
/// Bits a second of the layers of an ordinary camera, smallest first, where nothing was measured.
const USUAL: [u64; MAX_LAYERS] = [150_000, 500_000, 1_500_000, 3_000_000];
/// A layer takes about so many times as much as the one below.
const NEXT: f64 = 3.3;

/// What a slot would like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    /// What matters more is served first.
    pub(crate) priority: Priority,
    /// Pixels on screen: among equals the larger first.
    pub(crate) pixels: u64,
    /// What each layer takes, 0 where unknown.
    pub(crate) rates: [Bitrate; MAX_LAYERS],
    /// How many layers there are.
    pub(crate) layers: u8,
    /// The best that makes sense for it.
    pub(crate) wanted: Layer,
    /// What it was granted before.
    pub(crate) before: Option<Grant>,
}

/// What a slot gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Nothing: not even the lowest layer fits.
    Paused,
    /// This layer at most.
    UpTo(Layer),
}

impl Grant {
    /// Whatever it likes.
    pub(crate) const ALL: Self = Self::UpTo(Layer(u8::MAX));

    /// The layer, or the best that is granted below it.
    pub(crate) fn bounds(self, layer: Layer) -> Layer {
        match self {
            Self::Paused => Layer(0),
            Self::UpTo(most) => layer.min(most),
        }
    }
}

/// Which pictures may be withheld where they do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Withhold {
    /// The path has shown no limit: every slot gets its lowest layer at least.
    None,
    /// What matters most keeps its lowest layer: estimates fall low for moments, on a machine that is busy most of all.
    AllButFirst,
    /// The path is too narrow for good.
    Any,
}

/// What all slots get.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Allocation {
    /// In the order of the asks.
    pub(crate) grants: Vec<Grant>,
    /// What they take together.
    pub(crate) granted: Bitrate,
    /// What all that is wanted would take.
    pub(crate) wanted: Bitrate,
    /// Not even the lowest layer of what matters most fits.
    pub(crate) starves: bool,
}

impl Ask {
    fn rate(&self, layer: u8) -> Bitrate {
        let known = self.rates[usize::from(layer)];
        if known > Bitrate(0) {
            return known;
        }
        let nearest = (0..self.layers)
            .filter(|&other| self.rates[usize::from(other)] > Bitrate(0))
            .min_by_key(|&other| other.abs_diff(layer));
        if let Some(other) = nearest {
            let steps = i32::from(layer) - i32::from(other);
            return self.rates[usize::from(other)].times(NEXT.powi(steps));
        }
        // Smaller layers are missing at the lower end: two are the upper two of three.
        let above = 3u8.saturating_sub(self.layers);
        Bitrate(USUAL[usize::from(layer + above).min(MAX_LAYERS - 1)])
    }

    fn had(&self, layer: u8) -> bool {
        matches!(self.before, Some(Grant::UpTo(before)) if before.0 >= layer)
    }

    /// What must be free for this layer to be granted.
    fn needs(&self, layer: u8) -> Bitrate {
        let factor = if self.had(layer) { PATIENCE } else { SPARE };
        self.rate(layer).times(factor)
    }
}

/// Shares `budget` out.
pub(crate) fn allocate(asks: &[Ask], budget: Bitrate, withhold: Withhold) -> Allocation {
    let mut order: Vec<usize> = (0..asks.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse((asks[at].priority, asks[at].pixels)));
    let mut grants = vec![Grant::Paused; asks.len()];
    let mut left = budget;
    let mut starves = false;
    for (place, &at) in order.iter().enumerate() {
        let ask = &asks[at];
        let fits = ask.needs(0) <= left;
        starves |= place == 0 && !fits;
        let spared = match withhold {
            Withhold::None => true,
            Withhold::AllButFirst => place == 0,
            Withhold::Any => false,
        };
        if fits || spared {
            grants[at] = Grant::UpTo(Layer(0));
            left = left.saturating_sub(ask.rate(0));
        }
    }
    // What matters most is served to the full before the next class gets more than its lowest.
    let classes = order.chunk_by(|&a, &b| asks[a].priority == asks[b].priority);
    for class in classes {
        for layer in 1..MAX_LAYERS {
            let layer = u8::try_from(layer).unwrap_or(u8::MAX);
            for &at in class {
                let ask = &asks[at];
                let below = Grant::UpTo(Layer(layer - 1));
                if grants[at] != below || layer > ask.wanted.0 || layer >= ask.layers {
                    continue;
                }
                let more = ask.rate(layer).saturating_sub(ask.rate(layer - 1));
                let needed = ask.needs(layer).saturating_sub(ask.rate(layer - 1));
                if needed <= left {
                    grants[at] = Grant::UpTo(Layer(layer));
                    left = left.saturating_sub(more);
                }
            }
        }
    }
    let taken = asks.iter().zip(&grants).map(|(ask, grant)| match grant {
        Grant::Paused => Bitrate(0),
        Grant::UpTo(layer) => ask.rate(layer.0),
    });
    Allocation {
        granted: taken.sum(),
        wanted: asks
            .iter()
            .map(|ask| ask.rate(ask.wanted.0.min(ask.layers.saturating_sub(1))))
            .sum(),
        grants,
        starves,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const K: u64 = 1000;

    fn camera() -> Ask {
        Ask {
            priority: Priority::Usual,
            pixels: 100,
            rates: [150 * K, 500 * K, 1500 * K, 0].map(Bitrate),
            layers: 3,
            wanted: Layer(2),
            before: None,
        }
    }

    fn granted(asks: &[Ask], kbps: u64) -> Vec<Option<u8>> {
        let allocation = allocate(asks, Bitrate(kbps * K), Withhold::Any);
        let layer = |grant: &Grant| match grant {
            Grant::Paused => None,
            Grant::UpTo(layer) => Some(layer.0),
        };
        allocation.grants.iter().map(layer).collect()
    }

    #[test]
    fn everybody_is_seen_before_anybody_is_seen_better() {
        assert_eq!(granted(&[camera(); 3], 700), [Some(0), Some(0), Some(0)]);
        assert_eq!(granted(&[camera(); 3], 900), [Some(1), Some(0), Some(0)]);
        assert_eq!(granted(&[camera(); 3], 6000), [Some(2), Some(2), Some(2)]);
    }

    #[test]
    fn what_matters_most_is_served_to_the_full_first() {
        let screen = Ask {
            priority: Priority::Screen,
            ..camera()
        };
        assert_eq!(granted(&[camera(), screen], 2000), [Some(0), Some(2)]);
    }

    #[test]
    fn a_larger_tile_comes_before_a_smaller_one() {
        let large = Ask {
            pixels: 500,
            ..camera()
        };
        assert_eq!(granted(&[camera(), large], 800), [Some(0), Some(1)]);
    }

    #[test]
    fn what_does_not_fit_is_paused_only_on_a_path_with_a_known_limit() {
        assert_eq!(granted(&[camera(); 3], 400), [Some(0), Some(0), None]);
        let open = allocate(&[camera(); 3], Bitrate(400 * K), Withhold::None);
        assert_eq!(open.grants, [Grant::UpTo(Layer(0)); 3]);
    }

    #[test]
    fn what_matters_most_is_withheld_last() {
        let speaker = Ask {
            priority: Priority::Speaker,
            ..camera()
        };
        let asks = [camera(), speaker, camera()];
        let spared = allocate(&asks, Bitrate(60 * K), Withhold::AllButFirst);
        let lowest = Grant::UpTo(Layer(0));
        assert_eq!(spared.grants, [Grant::Paused, lowest, Grant::Paused]);
        assert!(spared.starves);
        let all = allocate(&asks, Bitrate(60 * K), Withhold::Any);
        assert_eq!(all.grants, [Grant::Paused; 3]);
        assert!(!allocate(&asks, Bitrate(200 * K), Withhold::Any).starves);
    }

    #[test]
    fn what_is_there_stays_while_the_estimate_wavers() {
        let before = |layer| Ask {
            before: Some(Grant::UpTo(Layer(layer))),
            ..camera()
        };
        assert_eq!(granted(&[before(1)], 480), [Some(1)]);
        assert_eq!(granted(&[before(0)], 480), [Some(0)]);
        assert_eq!(granted(&[before(0)], 520), [Some(0)], "no room to spare");
        assert_eq!(granted(&[before(1)], 450), [Some(0)]);
    }

    #[test]
    fn unknown_layers_are_guessed_from_known_ones() {
        let ask = Ask {
            rates: [0, 600 * K, 0, 0].map(Bitrate),
            ..camera()
        };
        let guessed: Vec<u64> = (0..3).map(|layer| ask.rate(layer).0 / K).collect();
        assert_eq!(guessed, [181, 600, 1980]);
        let nothing = Ask {
            rates: [Bitrate(0); MAX_LAYERS],
            ..camera()
        };
        assert_eq!((nothing.rate(0).0, nothing.rate(2).0), (150 * K, 1500 * K));
    }

    proptest! {
        #[test]
        fn a_limited_path_is_never_promised_more_than_it_carries(
            asks in proptest::collection::vec((0u8..3, 0u64..9, 1u8..=3, 0u8..4, 1u64..3000, proptest::option::of(0u8..4)), 0..12),
            budget in 0u64..10_000,
        ) {
            let asks: Vec<Ask> = asks.into_iter().map(|(priority, pixels, layers, wanted, kbps, before)| {
                let priority = [Priority::Usual, Priority::Speaker, Priority::Screen][usize::from(priority)];
                let rates = [kbps * K / 9, kbps * K / 3, kbps * K, 0].map(Bitrate);
                let before = before.map(|layer| Grant::UpTo(Layer(layer)));
                Ask { priority, pixels, rates, layers, wanted: Layer(wanted), before }
            }).collect();
            let allocation = allocate(&asks, Bitrate(budget * K), Withhold::Any);
            // Only what was there before may exceed it, by the patience it is shown.
            prop_assert!(allocation.granted.times(PATIENCE * 0.99) <= Bitrate(budget * K));
            prop_assert!(allocation.granted <= allocation.wanted + Bitrate(1));
            for (ask, grant) in asks.iter().zip(&allocation.grants) {
                if let Grant::UpTo(layer) = grant {
                    prop_assert!(layer.0 < ask.layers && layer.0 <= ask.wanted.0);
                }
            }
        }
    }
}
