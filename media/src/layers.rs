//! Which encoding suits a tile: by its size on screen, and by what actually flows.

use crate::seam::{Layer, MAX_LAYERS};

/// What the largest layer measures until a key frame told otherwise.
const USUAL: u64 = 1280 * 720;
/// Each layer has half the sides of the next, as browsers make them; that is a quarter of the pixels.
const NEXT: u64 = 4;
/// A layer serves tiles up to so many percent of its own pixels: 1.2 times its sides.
const STRETCH: u64 = 144;
/// To leave a larger layer, the tile must fit the smaller one by so many percent: 0.9 of its sides.
const RELUCTANCE: u64 = 81;

/// Width and height of a track's layers, as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    known: [Option<(u16, u16)>; MAX_LAYERS],
    layers: usize,
}

impl Sizes {
    /// Of so many layers nothing is known.
    pub(crate) fn unknown(layers: u8) -> Self {
        Self {
            known: [None; MAX_LAYERS],
            layers: usize::from(layers).clamp(1, MAX_LAYERS),
        }
    }

    /// There are so many layers from now on; what is known of them holds.
    pub(crate) fn resize(&mut self, layers: u8) {
        self.layers = usize::from(layers).clamp(1, MAX_LAYERS);
    }

    /// A key frame told this layer's size.
    pub(crate) fn learn(&mut self, layer: Layer, size: (u16, u16)) {
        if let Some(known) = self.known.get_mut(usize::from(layer.0)) {
            *known = Some(size);
        }
    }

    /// The size that a key frame told of this layer.
    pub(crate) fn told(&self, layer: Layer) -> Option<(u16, u16)> {
        let most = self.layers - 1;
        self.known[usize::from(layer.0).min(most)]
    }

    /// The layer that suits a tile of this many pixels. One that already plays is kept where both would do.
    pub(crate) fn suiting(&self, tile: Option<(u32, u32)>, playing: Option<Layer>) -> Layer {
        let top = self.layers - 1;
        let chosen = match tile {
            None => top,
            Some((width, height)) => {
                let tile = u64::from(width) * u64::from(height);
                let serves =
                    |layer: usize, percent: u64| tile <= self.pixels(layer) * percent / 100;
                let up = (0..top)
                    .find(|&layer| serves(layer, STRETCH))
                    .unwrap_or(top);
                let down = (0..top)
                    .find(|&layer| serves(layer, RELUCTANCE))
                    .unwrap_or(top);
                // Between the two borders lies the room in which nothing changes.
                playing.map_or(up, |playing| usize::from(playing.0).clamp(up, down))
            }
        };
        Layer(u8::try_from(chosen).unwrap_or_default())
    }

    fn pixels(&self, layer: usize) -> u64 {
        let told = |layer: usize| {
            self.known[layer].map(|(width, height)| u64::from(width) * u64::from(height))
        };
        if let Some(pixels) = told(layer) {
            return pixels;
        }
        let known = (0..self.layers).find_map(|other| Some((other, told(other)?)));
        let (other, pixels) = known.unwrap_or((self.layers - 1, USUAL));
        if layer >= other {
            pixels * power(layer - other)
        } else {
            pixels / power(other - layer)
        }
    }
}

fn power(steps: usize) -> u64 {
    (0..steps).fold(1, |pixels, _| pixels * NEXT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const THREE: u8 = 3;

    #[test]
    fn small_tiles_get_small_layers() {
        let sizes = Sizes::unknown(THREE); // 320x180, 640x360, 1280x720
        let suiting = |tile| sizes.suiting(tile, None).0;
        assert_eq!(suiting(Some((160, 90))), 0);
        assert_eq!(suiting(Some((384, 216))), 0);
        assert_eq!(suiting(Some((480, 270))), 1);
        assert_eq!(suiting(Some((1280, 720))), 2);
        assert_eq!(suiting(Some((3840, 2160))), 2);
        assert_eq!(suiting(None), 2);
    }

    #[test]
    fn a_tile_upright_or_wide_gets_the_same_layer() {
        let sizes = Sizes::unknown(THREE);
        assert_eq!(
            sizes.suiting(Some((270, 480)), None),
            sizes.suiting(Some((480, 270)), None)
        );
    }

    #[test]
    fn one_size_that_is_known_tells_the_others() {
        let mut sizes = Sizes::unknown(THREE);
        sizes.learn(Layer(0), (160, 90)); // so the top is 640x360
        assert_eq!(sizes.suiting(Some((320, 180)), None).0, 1);
    }

    #[test]
    fn a_tile_that_grows_and_shrinks_a_little_does_not_flap() {
        let sizes = Sizes::unknown(THREE);
        let small = (370, 208);
        let large = (390, 219);
        assert_eq!(sizes.suiting(Some(large), Some(Layer(0))).0, 1);
        assert_eq!(sizes.suiting(Some(small), Some(Layer(1))).0, 1);
        assert_eq!(sizes.suiting(Some(small), Some(Layer(0))).0, 0);
        assert_eq!(sizes.suiting(Some((280, 150)), Some(Layer(1))).0, 0);
    }

    proptest! {
        #[test]
        fn the_choice_exists_and_is_stable(
            layers in 0u8..9,
            tile in proptest::option::of((1u32..10_000, 1u32..10_000)),
            learned in proptest::collection::vec((0u8..6, 1u16..4000, 1u16..4000), 0..5),
            playing in proptest::option::of(0u8..4),
        ) {
            let mut sizes = Sizes::unknown(layers);
            for (layer, width, height) in learned {
                sizes.learn(Layer(layer), (width, height));
            }
            let chosen = sizes.suiting(tile, playing.map(Layer));
            prop_assert!(chosen.0 < layers.clamp(1, 4));
            prop_assert_eq!(sizes.suiting(tile, Some(chosen)), chosen);
        }
    }
}
