//! VP9 payload descriptor (RFC 9628 §4.2).

use crate::seam::{PayloadInfo, PictureId, PictureInfo};

/// ```text
///      0 1 2 3 4 5 6 7
///     |I|P|L|F|B|E|V|Z|
/// I:  |M| PICTURE ID  |  M: 15 bits in two bytes
/// L:  | TID |U| SID |D|
///     |   TL0PICIDX   |  unless F
/// F,P:| P_DIFF      |N|  up to three
/// V:  | scalability structure
/// ```
pub(super) fn inspect(payload: &[u8]) -> PayloadInfo {
    let Some(descriptor) = Descriptor::read(payload) else {
        return PayloadInfo::default();
    };
    // Not predicted from a picture before it, the beginning of a frame, and the lowest spatial layer.
    let starts_keyframe =
        !descriptor.predicted && descriptor.begins && descriptor.spatial.unwrap_or(0) == 0;
    let structure = descriptor.structure.filter(|_| starts_keyframe);
    PayloadInfo {
        starts_keyframe,
        size: structure.and_then(|structure| structure.largest()),
        picture: descriptor.picture,
        svc: None,
    }
}

/// What stands before the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Descriptor {
    /// The running numbers.
    pub picture: PictureInfo,
    /// P: predicted from a picture before it.
    pub predicted: bool,
    /// B: the first packet of a frame.
    pub begins: bool,
    /// E: the last packet of a frame.
    pub ends: bool,
    /// SID, where there are layers.
    pub spatial: Option<u8>,
    /// Z: no higher spatial layer needs it, now or later.
    pub spared: bool,
    /// The scalability structure, where it begins here.
    pub structure: Option<Structure>,
}

/// The spatial layers of a scalability structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Structure {
    /// How many there are: 1 to 8.
    pub layers: u8,
    /// Width and height of each, if told.
    pub sizes: Option<[(u16, u16); 8]>,
}

impl Descriptor {
    /// Reads it. Any bytes; `None` for what is cut off.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let mut bytes = (0u8..).zip(payload.iter().copied());
        let (_, first) = bytes.next()?;
        let has = |bit: u8| first & bit != 0;
        let mut descriptor = Self {
            predicted: has(0x40),
            begins: has(0x08),
            ends: has(0x04),
            spared: has(0x01),
            ..Self::default()
        };
        let picture = &mut descriptor.picture;
        if has(0x80) {
            let (at, high) = bytes.next()?;
            let short = high & 0x80 == 0;
            let number = if short {
                high.into()
            } else {
                u16::from_be_bytes([high & 0x7f, bytes.next()?.1])
            };
            picture.picture_id = Some(PictureId { number, at, short });
        }
        if has(0x20) {
            let (_, layers) = bytes.next()?;
            picture.tid = layers >> 5;
            descriptor.spatial = Some(layers >> 1 & 0x07);
            if !has(0x10) {
                let (at, index) = bytes.next()?;
                picture.tl0_pic_idx = Some((index, at));
            }
        }
        if has(0x10) && has(0x40) {
            // Reference differences: N says that another follows, at most three.
            for _ in 0..3 {
                if bytes.next()?.1 & 1 == 0 {
                    break;
                }
            }
        }
        if has(0x02) {
            descriptor.structure = Structure::read(&mut bytes.map(|(_, byte)| byte));
        }
        Some(descriptor)
    }
}

impl Structure {
    /// `|N_S |Y|G|-|-|-|`, then the sizes.
    fn read(bytes: &mut impl Iterator<Item = u8>) -> Option<Self> {
        let head = bytes.next()?;
        let layers = (head >> 5) + 1;
        if head & 0x10 == 0 {
            let sizes = None;
            return Some(Self { layers, sizes });
        }
        let mut sizes = [(0, 0); 8];
        for size in sizes.iter_mut().take(layers.into()) {
            let mut number = || Some(u16::from_be_bytes([bytes.next()?, bytes.next()?]));
            *size = (number()?, number()?);
        }
        let sizes = Some(sizes);
        Some(Self { layers, sizes })
    }

    /// The size of the highest layer.
    fn largest(&self) -> Option<(u16, u16)> {
        self.sizes?.get(usize::from(self.layers) - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_packet_of_an_unpredicted_frame_starts_a_key_frame() {
        let payload = [0x8a, 0x80, 0x01, 0x18, 0x05, 0x00, 0x02, 0xd0, 1, 2, 3];
        let info = inspect(&payload);
        assert!(info.starts_keyframe);
        assert_eq!(info.size, Some((1280, 720)));
    }

    #[test]
    fn the_structure_of_many_layers_tells_the_largest() {
        let payload = [0x2a, 0x00, 0x00, 0x38, 0, 160, 0, 90, 1, 64, 0, 180];
        assert_eq!(inspect(&payload).size, Some((320, 180)));
    }

    #[test]
    fn a_predicted_frame_or_a_later_packet_starts_nothing() {
        assert!(!inspect(&[0xc8, 0x01, 0]).starts_keyframe);
        assert!(!inspect(&[0x80, 0x01, 0]).starts_keyframe);
    }

    #[test]
    fn a_higher_spatial_layer_of_a_key_picture_starts_nothing() {
        assert!(!inspect(&[0xa8, 0x01, 0x02, 0x00, 0]).starts_keyframe);
        assert!(inspect(&[0xa8, 0x01, 0x00, 0x00, 0]).starts_keyframe);
    }

    #[test]
    fn the_running_numbers_are_found_where_they_stand() {
        let long = inspect(&[0xe8, 0x92, 0x34, 0x45, 0x77, 0]).picture;
        let at = |number, short| {
            Some(PictureId {
                number,
                at: 1,
                short,
            })
        };
        assert_eq!(long.picture_id, at(0x1234, false));
        assert_eq!((long.tl0_pic_idx, long.tid), (Some((0x77, 4)), 2));
        let short = inspect(&[0xe8, 0x12, 0x00, 0x77, 0]).picture;
        assert_eq!(short.picture_id, at(0x12, true));
        assert_eq!(short.tl0_pic_idx, Some((0x77, 3)));
    }

    #[test]
    fn flexible_mode_has_no_temporal_index() {
        let info = inspect(&[0xf8, 0x92, 0x34, 0x40, 0x02, 0]).picture;
        assert!(info.picture_id.is_some());
        assert_eq!(info.tl0_pic_idx, None);
    }

    #[test]
    fn layers_are_told_with_what_needs_them() {
        // L3T3_KEY: a delta frame of the middle layer, which the highest does not need.
        let delta = Descriptor::read(&[0xed, 0x92, 0x34, 0x42, 0x07, 0]).unwrap();
        assert_eq!((delta.spatial, delta.picture.tid), (Some(1), 2));
        assert!(delta.predicted && delta.begins && delta.ends && delta.spared);
        // Its key picture, whose lowest layer both others need.
        let key = Descriptor::read(&[0xaa, 0x92, 0x34, 0x00, 0x07, 0x40]).unwrap();
        assert!(!key.predicted && key.begins && !key.ends && !key.spared);
        let structure = key.structure.unwrap();
        assert_eq!((structure.layers, structure.sizes), (3, None));
        assert_eq!(Descriptor::read(&[0x8c, 0x80, 1]).unwrap().spatial, None);
    }

    #[test]
    fn a_descriptor_that_is_cut_off_tells_nothing() {
        assert_eq!(inspect(&[0xe8, 0x92, 0x34, 0x45]), PayloadInfo::default());
    }
}
