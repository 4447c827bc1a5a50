//! A publisher of a scalable stream, the server, and one listener.

use std::collections::{BTreeMap, BTreeSet};

use calls_model::Source;

use super::*;
use crate::inbound::Inbound;
use crate::rtp::write::{Elements, Header};
use crate::seam::{ExtensionIds, Kind, Mid, TrackSpec};

const VP9: Codec = Codec::Vp9 { profile: 0 };
const DESCRIPTOR: u8 = 7;
/// Of the layers.
const SIZES: [(u16, u16); 3] = [(320, 180), (640, 360), (1280, 720)];
/// That suit the layers, whatever played before.
const TILES: [(u32, u32); 3] = [(240, 135), (480, 270), (960, 540)];

/// How the layers of a stream predict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// One spatial layer, three temporal ones.
    L1T3,
    /// Each from the one below, in every picture.
    L3T3,
    /// At key pictures only.
    L3T3Key,
    /// L3T3 of AV1, told by dependency descriptor.
    Av1,
}

impl Mode {
    pub(super) fn layers(self) -> u8 {
        if self == Self::L1T3 { 1 } else { 3 }
    }

    fn codec(self) -> Codec {
        if self == Self::Av1 { Codec::Av1 } else { VP9 }
    }

    /// A listener of this layer needs that one too.
    fn needs(self, chosen: u8, spatial: u8, key: bool) -> bool {
        match self {
            Self::L3T3Key if !key => chosen == spatial,
            _ => spatial <= chosen,
        }
    }
}

/// A publisher, the server, and one listener.
pub(super) struct Scene {
    mode: Mode,
    inbound: Inbound,
    pub(super) outbound: Outbound,
    now: Instant,
    sequence: u16,
    picture: u16,
    frames: u16,
    wants_key: bool,
    pub(super) keys: usize,
    /// What is on its way to the server.
    way: Vec<(u32, Vec<u8>)>,
    /// What the server got, in whatever order.
    arrived: BTreeSet<(u16, u8, u8)>,
    keyed: BTreeSet<u16>,
    left: Sent,
}

impl Scene {
    pub(super) fn new(mode: Mode) -> Self {
        let now = Instant::now();
        let mut inbound = Inbound::new(Ssrc(1), "calls", now);
        let codec = CodecSpec {
            codec: mode.codec(),
            pt: PT,
            rtx: None,
            feedback: Feedback::default(),
        };
        inbound.set_tracks(vec![TrackSpec {
            id: TRACK,
            mid: Mid("v".into()),
            source: Source::Camera,
            kind: Kind::Video,
            codecs: vec![codec],
            rids: Vec::new(),
            ssrcs: vec![(Ssrc(5), None)],
            extensions: ExtensionIds {
                dependency_descriptor: (mode == Mode::Av1).then_some(DESCRIPTOR),
                ..ExtensionIds::default()
            },
        }]);
        let mut outbound = Outbound::new(Ssrc(2), "calls", now);
        outbound.set_slots(vec![slot(mode.codec())]);
        let mut scene = Self {
            mode,
            inbound,
            outbound,
            now,
            sequence: 65_000,
            picture: 100,
            frames: 0,
            wants_key: false,
            keys: 0,
            way: Vec::new(),
            arrived: BTreeSet::new(),
            keyed: BTreeSet::new(),
            left: Sent::default(),
        };
        scene.tile(2);
        scene
    }

    /// The same for a listener who did not agree on dependency descriptors.
    pub(super) fn undescribed(mode: Mode) -> Self {
        let mut scene = Self::new(mode);
        let mut slot = slot(mode.codec());
        slot.extensions.dependency_descriptor = None;
        scene.outbound.set_slots(vec![slot]);
        scene
    }

    /// The listener's tile has the size of this layer.
    pub(super) fn tile(&mut self, layer: usize) {
        let shown = Shown {
            track: TRACK,
            layers: 1,
            size: Some(TILES[layer]),
            priority: Priority::Usual,
        };
        self.outbound.show("v0", Some(shown), self.now).unwrap();
        self.hear();
    }

    fn hear(&mut self) {
        for event in events(&mut self.outbound) {
            self.wants_key |= matches!(event, OutboundEvent::Keyframe { .. });
        }
    }

    /// The publisher sends pictures, 20 a second; `fate` says how many packets later each arrives, if at all.
    pub(super) fn pictures(&mut self, count: u32, mut fate: impl FnMut() -> Option<u32>) {
        for _ in 0..count {
            self.now += 50 * MS;
            let key = std::mem::take(&mut self.wants_key);
            self.keys += usize::from(key);
            for spatial in 0..self.mode.layers() {
                let parts = spatial + 1;
                for part in 0..parts {
                    let bytes = self.packet(spatial, part, key);
                    if let Some(late) = fate() {
                        self.way.push((late, bytes));
                    }
                    self.deliver();
                }
                self.frames = self.frames.wrapping_add(1);
            }
            if key {
                self.keyed.insert(self.picture);
            }
            self.picture += 1;
            self.outbound.handle_timeout(self.now);
            self.outbound.send_due(self.now, &mut self.left);
            self.hear();
        }
    }

    pub(super) fn smooth(&mut self, count: u32) {
        self.pictures(count, || Some(0));
    }

    /// All that is late arrives.
    pub(super) fn drain(&mut self) {
        while !self.way.is_empty() {
            self.deliver();
        }
    }

    fn deliver(&mut self) {
        let now = self.now;
        let mut on = Vec::new();
        for (late, bytes) in std::mem::take(&mut self.way) {
            if late > 0 {
                on.push((late - 1, bytes));
                continue;
            }
            let view = RtpView::parse(&bytes).unwrap();
            let told = told(view.payload);
            self.arrived.insert(told);
            self.inbound.handle_rtp(Bytes::from(bytes), now);
        }
        self.way = on;
        while let Some(burst) = self.inbound.poll_burst() {
            self.outbound.forward(&burst, now, &mut self.left);
        }
        self.hear();
    }

    fn packet(&mut self, spatial: u8, part: u8, key: bool) -> Vec<u8> {
        let top = spatial + 1 == self.mode.layers();
        let (begins, ends) = (part == 0, part == spatial);
        let mut payload = match self.mode {
            Mode::Av1 => vec![if key && begins && spatial == 0 {
                0x18
            } else {
                0x10
            }],
            _ => self.vp9(spatial, begins, ends, key),
        };
        payload.resize(payload.len() + 400, 0);
        payload.extend(self.picture.to_be_bytes());
        payload.extend([spatial, part]);
        let header = Header {
            pt: PT,
            marker: top && ends,
            sequence: self.sequence,
            timestamp: u32::from(self.picture) * 4_500,
            ssrc: Ssrc(5),
        };
        self.sequence = self.sequence.wrapping_add(1);
        let descriptor = self.descriptor(spatial, begins, ends, key);
        let mut out = Vec::new();
        header.write(&mut out, descriptor.len(), |elements: &mut Elements<'_>| {
            if self.mode == Mode::Av1 {
                elements.put(Some(DESCRIPTOR), &descriptor);
            }
        });
        out.extend(payload);
        out
    }

    fn vp9(&self, spatial: u8, begins: bool, ends: bool, key: bool) -> Vec<u8> {
        let flag = |bit: u8, set: bool| if set { bit } else { 0 };
        let top = spatial + 1 == self.mode.layers();
        let spared = top || (self.mode == Mode::L3T3Key && !key);
        let structure = key && begins && spatial == 0;
        let first = 0xa0
            | flag(0x40, !key)
            | flag(0x08, begins)
            | flag(0x04, ends)
            | flag(0x02, structure)
            | flag(0x01, spared);
        let between = spatial > 0 && (self.mode == Mode::L3T3 || key);
        let temporal = [0, 2, 1, 2][usize::from(self.picture % 4)];
        let layers = temporal << 5 | spatial << 1 | u8::from(between);
        let [high, low] = (self.picture | 0x8000).to_be_bytes();
        let mut payload = vec![first, high, low, layers, 0];
        if structure {
            payload.push((self.mode.layers() - 1) << 5 | 0x10);
            for (width, height) in SIZES.iter().take(self.mode.layers().into()) {
                payload.extend(width.to_be_bytes());
                payload.extend(height.to_be_bytes());
            }
        }
        payload
    }

    /// Three decode targets, one template for each layer, no chains, sizes.
    fn descriptor(&self, spatial: u8, begins: bool, ends: bool, key: bool) -> Vec<u8> {
        let mut bits: Vec<bool> = Vec::new();
        let mut f = |width: u32, number: u32| {
            bits.extend((0..width).rev().map(|bit| number >> bit & 1 == 1));
        };
        f(1, begins.into());
        f(1, ends.into());
        f(6, spatial.into());
        f(16, self.frames.into());
        if key && begins && spatial == 0 {
            f(5, 0b1_0000);
            f(6, 0);
            f(5, 2);
            for next in [2, 2, 3] {
                f(2, next);
            }
            // Not present for targets below, switch for its own, required for those above.
            for indication in [2, 3, 3, 0, 2, 3, 0, 0, 2] {
                f(2, indication);
            }
            // Three frames back, and the layer below.
            for below in [false, true, true] {
                f(1, 1);
                f(4, 2);
                f(1, below.into());
                if below {
                    f(4, 0);
                    f(1, 0);
                }
            }
            f(2, 0); // ns(4): no chains
            f(1, 1);
            for (width, height) in SIZES {
                f(16, u32::from(width) - 1);
                f(16, u32::from(height) - 1);
            }
        }
        let byte = |bits: &[bool]| {
            let each = bits.iter().enumerate();
            each.fold(0, |byte, (at, &bit)| byte | u8::from(bit) << (7 - at))
        };
        bits.chunks(8).map(byte).collect()
    }

    fn media(&self) -> impl Iterator<Item = (&u64, &Vec<u8>)> {
        let media = self.left.0.iter().filter(|(ssrc, ..)| ssrc.0 == 0x2_0000);
        media.map(|(_, index, bytes)| (index, bytes))
    }

    /// Packets that left with something in them, by index, and which of them are marked.
    pub(super) fn seen(&self) -> BTreeMap<u64, ((u16, u8, u8), bool)> {
        let mut seen = BTreeMap::new();
        for (index, bytes) in self.media() {
            let view = RtpView::parse(bytes).unwrap();
            if !view.payload.is_empty() {
                let before = seen.insert(*index, (told(view.payload), view.marker));
                assert_eq!(before, None, "an index leaves once");
            }
        }
        seen
    }

    /// Layers that left of the latest pictures.
    pub(super) fn latest(&self, pictures: u16) -> BTreeSet<u8> {
        let from = self.picture - pictures;
        let seen = self.seen();
        let latest = seen.values().filter(|((picture, ..), _)| *picture >= from);
        latest.map(|((_, spatial, _), _)| *spatial).collect()
    }

    /// What left is whole: of each picture exactly what one layer needs, and of each frame all that it is predicted from.
    pub(super) fn check(&self) {
        let seen = self.seen();
        let left: BTreeSet<_> = seen.values().map(|(told, _)| *told).collect();
        let first = left.iter().map(|(picture, ..)| *picture).min().unwrap_or(0);
        let whole = |picture: u16, spatial: u8| {
            let of = |set: &BTreeSet<(u16, u8, u8)>| {
                let frame = (picture, spatial, 0)..=(picture, spatial, u8::MAX);
                set.range(frame).count()
            };
            of(&left) == of(&self.arrived)
        };
        let pictures: BTreeSet<_> = left.iter().map(|(picture, ..)| *picture).collect();
        for picture in pictures {
            let key = self.keyed.contains(&picture);
            let got: BTreeSet<_> = (left.range((picture, 0, 0)..=(picture, u8::MAX, 0xff)))
                .map(|told| (told.1, told.2))
                .collect();
            let needed = |chosen: u8| -> BTreeSet<_> {
                let arrived = (self.arrived).range((picture, 0, 0)..=(picture, u8::MAX, 0xff));
                let needed = arrived.filter(|told| self.mode.needs(chosen, told.1, key));
                needed.map(|told| (told.1, told.2)).collect()
            };
            // What came late may be for a lower layer that was gone to meanwhile.
            let fits = |chosen: u8| {
                let below = (0..chosen).flat_map(needed);
                let most: BTreeSet<_> = below.chain(needed(chosen)).collect();
                needed(chosen).is_subset(&got) && got.is_subset(&most)
            };
            // Packets of the first picture that came before its beginning are lost to it.
            if picture > first {
                let chosen = (0..self.mode.layers()).find(|&chosen| fits(chosen));
                assert!(chosen.is_some(), "picture {picture} has {got:?}");
            }
        }
        for &(picture, spatial, _) in &left {
            let key = self.keyed.contains(&picture);
            let below = spatial > 0 && (key || self.mode != Mode::L3T3Key);
            if picture > first {
                assert!(!below || whole(picture, spatial - 1), "below {picture}");
            }
            let before = picture - 1;
            if !key && before > first {
                assert!(whole(before, spatial), "{picture} without the one before");
            }
        }
    }

    /// Numbers that never left, between the first and the last.
    pub(super) fn gaps(&self) -> u64 {
        let indexes: BTreeSet<_> = self.media().map(|(index, _)| *index).collect();
        let (first, last) = (indexes.first().unwrap(), indexes.last().unwrap());
        last - first + 1 - indexes.len() as u64
    }
}

fn told(payload: &[u8]) -> (u16, u8, u8) {
    let &[.., high, low, spatial, part] = payload else {
        panic!("every packet tells what it is");
    };
    (u16::from_be_bytes([high, low]), spatial, part)
}
