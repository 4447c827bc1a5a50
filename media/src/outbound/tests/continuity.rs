//! What a receiver sees while sources and layers are switched at random under loss and reordering.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::*;

const LAYERS: u8 = 2;

/// A layer that sends frames.
struct Encoder {
    codec: Codec,
    /// Writes short picture ids.
    short: bool,
    track: TrackId,
    layer: Layer,
    seq: u64,
    timestamp: u32,
    numbers: Numbers,
    frame: u8,
}

/// Picture id, TL0PICIDX and frame number, wider than they go onto the wire.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    picture_id: u16,
    tl0_pic_idx: u16,
    frame_number: u16,
}

impl Numbers {
    fn advance(&mut self, frames: u16) {
        for number in [
            &mut self.picture_id,
            &mut self.tl0_pic_idx,
            &mut self.frame_number,
        ] {
            *number = number.wrapping_add(frames);
        }
    }
}

/// What one packet of an encoder was, written to the end of its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Origin {
    encoder: u8,
    frame: u8,
    at: u8,
    keyframe: bool,
}

impl Encoder {
    fn frame(&mut self, name: u8, keyframe: bool, packets: u8, arrival: Instant) -> Vec<Packet> {
        self.frame = self.frame.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(3_000);
        self.numbers.advance(1);
        let frame = (0..packets).map(|at| {
            let mut payload = self.descriptor(keyframe, at == 0);
            payload.extend([u8::from(!keyframe), name, self.frame, at]);
            let [high, low] = self.numbers.frame_number.to_be_bytes();
            let descriptor = [0x80 | name, high, low, 0xaa, 0xbb];
            let described = self.codec == Codec::Av1;
            self.seq += 1;
            Packet {
                track: self.track,
                layer: self.layer,
                codec: self.codec,
                timestamp: self.timestamp,
                marker: at + 1 == packets,
                arrival,
                info: codecs::inspect(self.codec, &payload),
                payload: payload.into(),
                dependency_descriptor: described.then(|| Bytes::copy_from_slice(&descriptor)),
                ..packet(self.seq)
            }
        });
        frame.collect()
    }

    /// The payload descriptor of a packet.
    fn descriptor(&self, keyframe: bool, begins: bool) -> Vec<u8> {
        let [high, low] = (self.numbers.picture_id | 0x8000).to_be_bytes();
        let picture_id = if self.short {
            vec![low & 0x7f]
        } else {
            vec![high, low]
        };
        let [_, tl0_pic_idx] = self.numbers.tl0_pic_idx.to_be_bytes();
        match self.codec {
            Codec::Vp8 => {
                let first = 0x80 | if begins { 0x10 } else { 0 };
                [&[first, 0xe0][..], &picture_id, &[tl0_pic_idx, 0]].concat()
            }
            Codec::Vp9 { .. } => {
                let predicted = if keyframe { 0 } else { 0x40 };
                let first = 0xa0 | predicted | if begins { 0x08 } else { 0 };
                [&[first][..], &picture_id, &[0, tl0_pic_idx]].concat()
            }
            _ => vec![if keyframe && begins { 0x18 } else { 0x10 }],
        }
    }
}

/// One packet as the receiver sees it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    index: u64,
    timestamp: u32,
    /// Each with its width in bits; none where the codec has none.
    numbers: [Option<(u16, u32)>; 3],
    origin: Origin,
}

fn seen(codec: Codec, index: u64, bytes: &[u8]) -> Seen {
    let view = RtpView::parse(bytes).unwrap();
    let &[.., tag, encoder, frame, at] = view.payload else {
        panic!("{:?}", view.payload)
    };
    assert_eq!(view.sequence, crate::rtp::seq::low16(index));
    let picture = codecs::inspect(codec, view.payload).picture;
    assert!(picture.picture_id.is_none_or(|id| !id.short), "one width");
    let id = slot(codec).extensions.dependency_descriptor;
    let descriptor = view.extensions.get(id).map(|written| {
        assert_eq!(
            (written[0], &written[3..]),
            (0x80 | encoder, &[0xaa, 0xbb][..])
        );
        u16::from_be_bytes([written[1], written[2]])
    });
    Seen {
        index,
        timestamp: view.timestamp,
        numbers: [
            picture.picture_id.map(|id| (id.number, 15)),
            picture.tl0_pic_idx.map(|(index, _)| (index.into(), 8)),
            descriptor.map(|number| (number, 16)),
        ],
        origin: Origin {
            encoder,
            frame,
            at,
            keyframe: tag & 1 == 0 && at == 0,
        },
    }
}

/// How far each running number has gone on, over its wrap; all that the codec has.
fn steps_between(before: &Seen, after: &Seen) -> Vec<(u32, u32)> {
    let pairs = before.numbers.into_iter().zip(after.numbers);
    let steps = pairs.filter_map(|(before, after)| {
        let ((before, bits), (after, _)) = (before?, after?);
        let cycle = 1u32 << bits;
        Some((
            (u32::from(after) + cycle - u32::from(before)) % cycle,
            cycle,
        ))
    });
    steps.collect()
}

/// What guesses the roll-overs of sequence numbers (RFC 3711 §3.3.1), as every receiver must.
fn receiver_keeps_up(received: &[Seen]) -> bool {
    let Some(first) = received.first() else {
        return true;
    };
    let mut newest = first.index;
    received.iter().all(|packet| {
        let guess = crate::rtp::seq::near(newest, crate::rtp::seq::low16(packet.index));
        newest = newest.max(packet.index);
        guess == packet.index
    })
}

#[derive(Debug, Clone)]
enum Step {
    /// All encoders send a frame; the flags say which begin a key frame.
    Frames {
        keyframes: u8,
        packets: u8,
        lose: u16,
        swap: bool,
    },
    /// The slot is pointed at this track, on a tile of this size.
    Show { track: bool, large: bool },
    /// The slot shows nothing for a while.
    Hide,
    /// So many packets of every encoder stay away: it was silenced, or its network was down.
    Leap(u64),
}

fn step(lossy: bool) -> impl Strategy<Value = Step> {
    let lose = if lossy {
        any::<u16>().boxed()
    } else {
        Just(1).boxed()
    };
    let swap = if lossy {
        any::<bool>().boxed()
    } else {
        Just(false).boxed()
    };
    prop_oneof![
        10 => (any::<u8>(), any::<u8>(), 1u8..4, lose, swap).prop_map(|(a, b, packets, lose, swap)| {
            Step::Frames { keyframes: a & b, packets, lose, swap }
        }),
        2 => any::<(bool, bool)>().prop_map(|(track, large)| Step::Show { track, large }),
        1 => Just(Step::Hide),
        1 => (501u64..200_000).prop_map(Step::Leap),
    ]
}

fn codec() -> impl Strategy<Value = Codec> {
    prop_oneof![
        Just(Codec::Vp8),
        Just(Codec::Vp9 { profile: 0 }),
        Just(Codec::Av1)
    ]
}

/// Runs the steps; what the receiver sees, in order of arrival, and how many packets the network lost.
fn run(codec: Codec, steps: Vec<Step>, start: (u16, u32, u16)) -> (Vec<Seen>, usize) {
    let (mut outbound, mut now) = outbound(&[codec]);
    let mut encoders = Vec::new();
    for (at, track) in [TRACK, OTHER].into_iter().enumerate() {
        for layer in 0..LAYERS {
            let far = u16::try_from(at).unwrap() * 7 + u16::from(layer) * 3;
            encoders.push(Encoder {
                codec,
                short: track == OTHER,
                track,
                layer: Layer(layer),
                seq: 65_536 + u64::from(start.0) + u64::from(far) * 1000,
                timestamp: start.1.wrapping_add(u32::from(far) * 0x1234_5678),
                numbers: Numbers {
                    picture_id: start.2.wrapping_add(far * 999),
                    tl0_pic_idx: far * 11,
                    frame_number: start.0.wrapping_sub(far * 333),
                },
                frame: 0,
            });
        }
    }
    let (mut received, mut lost) = (Vec::new(), 0);
    for step in steps {
        now += 33 * MS;
        match step {
            Step::Show { track, large } => {
                let size = if large { (1280, 720) } else { (160, 90) };
                let track = if track { TRACK } else { OTHER };
                let shown = Shown {
                    track,
                    layers: LAYERS,
                    size: Some(size),
                    priority: Priority::Usual,
                };
                outbound.show("v0", Some(shown), now).unwrap();
            }
            Step::Hide => outbound.show("v0", None, now).unwrap(),
            Step::Leap(packets) => {
                for encoder in &mut encoders {
                    encoder.seq += packets;
                    encoder.numbers.advance(29_000);
                }
            }
            Step::Frames {
                keyframes,
                packets,
                lose,
                swap,
            } => {
                for (name, encoder) in (0u8..).zip(&mut encoders) {
                    let keyframe = keyframes & 1 << name != 0;
                    let mut burst = encoder.frame(name, keyframe, packets, now);
                    if lose.is_multiple_of(5) {
                        burst.remove(usize::from(lose) % burst.len());
                        lost += 1;
                    }
                    if swap {
                        burst.reverse();
                    }
                    let mut sent = Sent::default();
                    outbound.forward(&burst.into(), now, &mut sent);
                    received.extend(
                        sent.0
                            .iter()
                            .map(|(_, index, bytes)| seen(codec, *index, bytes)),
                    );
                }
            }
        }
        outbound.handle_timeout(now);
        events(&mut outbound);
    }
    (received, lost)
}

fn steps(lossy: bool) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(lossy), 1..120)
}

proptest! {
    #[test]
    fn on_a_good_network_a_receiver_sees_one_unbroken_stream(
        codec in codec(),
        steps in steps(false),
        start in any::<(u16, u32, u16)>(),
    ) {
        let (received, _) = run(codec, steps, start);
        for pair in received.windows(2) {
            let [before, after] = pair else { unreachable!() };
            prop_assert_eq!(after.index, before.index + 1);
            let same_frame = before.origin.frame == after.origin.frame
                && before.origin.encoder == after.origin.encoder;
            for (step, _) in steps_between(before, after) {
                prop_assert_eq!(step, u32::from(!same_frame));
            }
            let step = after.timestamp.wrapping_sub(before.timestamp);
            prop_assert!(if same_frame { step == 0 } else { (2_900..1_000_000).contains(&step) }, "{step}");
            if before.origin.encoder != after.origin.encoder {
                prop_assert!(after.origin.keyframe);
            }
        }
        prop_assert!(received.first().is_none_or(|first| first.origin.keyframe));
    }

    #[test]
    fn on_a_bad_network_only_what_was_lost_is_missing(
        codec in codec(),
        steps in steps(true),
        start in any::<(u16, u32, u16)>(),
    ) {
        let (received, lost) = run(codec, steps, start);
        prop_assert!(receiver_keeps_up(&received));
        let mut by_index = BTreeMap::new();
        for packet in &received {
            prop_assert!(by_index.insert(packet.index, *packet).is_none(), "an index left twice");
        }
        let (Some(first), Some(last)) = (by_index.first_key_value(), by_index.last_key_value()) else {
            return Ok(());
        };
        let missing = usize::try_from(last.0 - first.0 + 1).unwrap() - by_index.len();
        prop_assert!(missing <= lost, "{missing} missing, {lost} lost");

        // In the order of their numbers, every change of encoder begins with a key frame.
        let in_order: Vec<&Seen> = by_index.values().collect();
        for pair in in_order.windows(2) {
            let [before, after] = pair else { unreachable!() };
            let steps = steps_between(before, after);
            prop_assert!(steps.iter().all(|(step, cycle)| *step < cycle / 2), "numbers never go back");
            if before.origin.encoder != after.origin.encoder {
                prop_assert!(after.origin.keyframe);
                let step = after.timestamp.wrapping_sub(before.timestamp).cast_signed();
                prop_assert!(step > 0, "time goes on");
                prop_assert!(steps.iter().all(|(step, _)| *step == 1), "a switch is the next frame");
            } else if !after.origin.keyframe {
                // Within one source frames are as far apart as they were.
                let frames = u32::from(after.origin.frame.wrapping_sub(before.origin.frame));
                prop_assert!(steps.iter().all(|(step, _)| step % 256 == frames), "{steps:?} {frames}");
            }
        }
        // A number stands for one frame, with one timestamp.
        let mut frames: HashMap<_, (u32, u8, u8)> = HashMap::new();
        for packet in &in_order {
            let frame = (packet.timestamp, packet.origin.encoder, packet.origin.frame);
            let numbers = (packet.numbers[0], packet.numbers[2]);
            prop_assert_eq!(*frames.entry(numbers).or_insert(frame), frame);
        }
        let distinct: HashSet<_> = received.iter().map(|packet| packet.origin).collect();
        prop_assert_eq!(distinct.len(), received.len(), "no packet leaves twice");
    }
}
