//! What payloads tell without being decoded: where a decoder can start, and the numbers a forwarder must rewrite.

pub mod av1;
pub mod descriptor;
pub mod h264;
pub mod red;
pub mod vp8;
pub mod vp9;

use crate::seam::{Codec, CodecSpec, PayloadInfo};

/// Reads what a forwarder needs. Any bytes.
pub fn inspect(codec: Codec, payload: &[u8]) -> PayloadInfo {
    match codec {
        Codec::Opus | Codec::Red => PayloadInfo::default(),
        Codec::Vp8 => vp8::inspect(payload),
        Codec::Vp9 { .. } => vp9::inspect(payload),
        Codec::H264 { .. } => PayloadInfo {
            starts_keyframe: h264::starts_keyframe(payload),
            ..PayloadInfo::default()
        },
        Codec::Av1 => PayloadInfo {
            starts_keyframe: av1::starts_keyframe(payload),
            ..PayloadInfo::default()
        },
    }
}

/// Timestamp units per second.
pub fn clock_rate(codec: Codec) -> u32 {
    match codec {
        Codec::Opus | Codec::Red => 48_000,
        Codec::Vp8 | Codec::Vp9 { .. } | Codec::H264 { .. } | Codec::Av1 => 90_000,
    }
}

/// How a listener can take what is coded in `codec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playable {
    /// As it is, under these numbers.
    AsIs(CodecSpec),
    /// Taken out of its RFC 2198 wrapping, under these numbers.
    Unwrapped(CodecSpec),
}

/// Finds how one who understands `known` can play `codec`, of which this is a payload.
pub fn playable(known: &[CodecSpec], codec: Codec, payload: &[u8]) -> Option<Playable> {
    let find =
        |wanted: &dyn Fn(Codec) -> bool| known.iter().find(|spec| wanted(spec.codec)).copied();
    if let Some(spec) = find(&|other| other == codec) {
        // Inside of RED stand the sender's own numbers, and who has others for Opus would drop every block.
        let strange = red::block_type(payload).filter(|_| codec == Codec::Red);
        let opus = find(&|other| other == Codec::Opus);
        return Some(match (strange, opus) {
            (Some(sender), Some(opus)) if sender != opus.pt => Playable::Unwrapped(opus),
            _ => Playable::AsIs(spec),
        });
    }
    match codec {
        Codec::Red => find(&|other| other == Codec::Opus).map(Playable::Unwrapped),
        // Every profile decodes constrained baseline (ISO 14496-10 A.2).
        Codec::H264 {
            profile: h264::BASELINE,
            mode,
        } => find(&|other| matches!(other, Codec::H264 { mode: theirs, .. } if theirs == mode))
            .map(Playable::AsIs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::seam::{Feedback, PayloadType, PictureId};

    const VIDEO: [Codec; 4] = [
        Codec::Vp8,
        Codec::Vp9 { profile: 0 },
        Codec::H264 {
            profile: 0x42,
            mode: 1,
        },
        Codec::Av1,
    ];

    fn spec(codec: Codec) -> CodecSpec {
        CodecSpec {
            codec,
            pt: PayloadType(100),
            rtx: None,
            feedback: Feedback::default(),
        }
    }

    #[test]
    fn redundant_opus_is_unwrapped_for_who_knows_only_opus() {
        let opus = spec(Codec::Opus);
        assert_eq!(
            playable(&[opus], Codec::Red, &[0x64]),
            Some(Playable::Unwrapped(opus))
        );
        let red = spec(Codec::Red);
        assert_eq!(
            playable(&[opus, red], Codec::Red, &[0x64]),
            Some(Playable::AsIs(red))
        );
    }

    #[test]
    fn redundant_opus_under_a_number_that_the_listener_lacks_is_unwrapped() {
        let (opus, red) = (spec(Codec::Opus), spec(Codec::Red));
        assert_eq!(opus.pt, PayloadType(100));
        for payload in [&[0xef, 0, 0, 1, 0x6f, 1, 2][..], &[0x6f, 2]] {
            let found = playable(&[opus, red], Codec::Red, payload);
            assert_eq!(found, Some(Playable::Unwrapped(opus)), "111 is not 100");
        }
    }

    #[test]
    fn baseline_plays_on_a_high_profile_decoder_but_not_the_other_way() {
        let high = Codec::H264 {
            profile: 0x64,
            mode: 1,
        };
        let baseline = Codec::H264 {
            profile: 0x42,
            mode: 1,
        };
        assert!(playable(&[spec(high)], baseline, &[]).is_some());
        assert_eq!(playable(&[spec(baseline)], high, &[]), None);
        assert_eq!(
            playable(
                &[spec(Codec::H264 {
                    profile: 0x64,
                    mode: 0
                })],
                baseline,
                &[]
            ),
            None
        );
    }

    #[test]
    fn another_vp9_profile_does_not_play() {
        assert_eq!(
            playable(
                &[spec(Codec::Vp9 { profile: 0 })],
                Codec::Vp9 { profile: 2 },
                &[]
            ),
            None
        );
    }

    proptest! {
        #[test]
        fn any_payload_is_survived(payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            for codec in VIDEO {
                let info = inspect(codec, &payload);
                let picture = info.picture;
                let end = |id: PictureId| usize::from(id.at) + 2 - usize::from(id.short);
                prop_assert!(picture.picture_id.is_none_or(|id| end(id) <= payload.len()));
                prop_assert!(picture.tl0_pic_idx.is_none_or(|(_, at)| usize::from(at) < payload.len()));
            }
            if let Some(primary) = red::primary(&payload) {
                prop_assert!(usize::from(primary) <= payload.len());
            }
        }
    }
}
