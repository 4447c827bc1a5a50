use proptest::prelude::*;

use super::*;

/// Writes bits as the specification's tables show them.
#[derive(Default)]
struct Written(Vec<bool>);

impl Written {
    fn f(mut self, width: u32, number: u32) -> Self {
        self.0
            .extend((0..width).rev().map(|bit| number >> bit & 1 == 1));
        self
    }

    /// More of them than anything needs.
    fn zeros(self) -> Self {
        (0..100).fold(self, |bits, _| bits.f(16, 0))
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            let each = bits.iter().enumerate();
            each.fold(0, |byte, (at, &bit)| byte | u8::from(bit) << (7 - at))
        };
        self.0.chunks(8).map(byte).collect()
    }
}

/// L2T1 with full inter-layer prediction (appendix A.10.2 shows its like): two decode targets, four templates (S0 delta,
/// S0 key, S1 delta, S1 key), two chains, 320x180 and 640x360. The descriptor is of the key frame of S0.
fn two_layers() -> Written {
    let (not_present, switch, required) = (0, 2, 3);
    let mut bits = Written::default()
        .f(1, 1) // start of frame
        .f(1, 1) // end of frame
        .f(6, 61) // template id: the second of an offset of 60
        .f(16, 0x1234)
        .f(5, 0b1_0000) // a structure, nothing else
        .f(6, 60)
        .f(5, 1) // two decode targets
        .f(2, 0) // the next template is of the same layer
        .f(2, 2) // of the next spatial layer
        .f(2, 0)
        .f(2, 3); // no more
    for indications in [
        [switch, required],
        [switch, switch],
        [not_present, switch],
        [not_present, switch],
    ] {
        bits = bits.f(2, indications[0]).f(2, indications[1]);
    }
    bits = bits
        .f(1, 1)
        .f(4, 1)
        .f(1, 0) // S0 delta: 2 back
        .f(1, 0) // S0 key: none
        .f(1, 1)
        .f(4, 1)
        .f(1, 1)
        .f(4, 0)
        .f(1, 0) // S1 delta: 2 back and 1 back
        .f(1, 1)
        .f(4, 0)
        .f(1, 0) // S1 key: 1 back
        .f(2, 0b11) // chain_cnt, ns(3): 0 is "0", 1 is "10", 2 is "11"
        .f(1, 0)
        .f(1, 1); // each target by the chain of its number, ns(2)
    for chains in [[2, 1], [0, 0], [1, 1], [1, 1]] {
        bits = bits.f(4, chains[0]).f(4, chains[1]);
    }
    bits.f(1, 1).f(16, 319).f(16, 179).f(16, 639).f(16, 359)
}

fn structure() -> Structure {
    Descriptor::parse(&two_layers().bytes(), None)
        .and_then(|descriptor| descriptor.structure)
        .unwrap()
}

#[test]
fn the_frame_number_stands_behind_the_template_id() {
    let descriptor = [0xc2, 0x12, 0x34, 0x80, 0x01];
    assert_eq!(frame_number(&descriptor), Some(0x1234));
    let around = around_frame_number(&descriptor).unwrap();
    assert_eq!(around, (&[0xc2][..], &[0x80, 0x01][..]));
}

#[test]
fn what_is_too_short_is_no_descriptor() {
    assert_eq!(frame_number(&[0xc2, 0x12]), None);
    assert_eq!(around_frame_number(&[0xc2, 0x12]), None);
    assert_eq!(Descriptor::parse(&[0xc2, 0x12], Some(&structure())), None);
}

#[test]
fn a_structure_tells_targets_templates_chains_and_sizes() {
    let descriptor = Descriptor::parse(&two_layers().bytes(), None).unwrap();
    assert!(descriptor.begins && descriptor.ends);
    assert_eq!(descriptor.frame_number, 0x1234);
    assert_eq!(descriptor.active, Some(u32::MAX));
    let (layers, indications) = descriptor.frame;
    assert_eq!(layers, Layers::default());
    assert_eq!(indications.of(1), Indication::Switch);

    let structure = descriptor.structure.unwrap();
    let spatial = |layers: &Layers| (layers.spatial, layers.temporal);
    let targets: Vec<_> = structure.targets.iter().map(spatial).collect();
    assert_eq!(targets, [(0, 0), (1, 0)]);
    assert_eq!(
        (structure.target(0), structure.target(1)),
        (Some(0), Some(1))
    );
    assert_eq!(structure.target(2), None);
    assert_eq!(structure.chains, 2);
    assert_eq!(structure.sizes, [(320, 180), (640, 360)]);
    let template = structure.template(62).unwrap();
    assert_eq!(template.layers.spatial, 1);
    assert_eq!(template.indications.of(0), Indication::NotPresent);
    assert_eq!(structure.template(0), None, "60 to 63 are its own");
    assert_eq!(structure.template(59), None);
}

#[test]
fn three_bytes_are_understood_by_the_structure_that_came_before() {
    let structure = structure();
    let bytes = [0x80 | 0x3e, 0, 7];
    let descriptor = Descriptor::parse(&bytes, Some(&structure)).unwrap();
    assert!(descriptor.begins && !descriptor.ends);
    assert_eq!(descriptor.frame.0.spatial, 1);
    assert_eq!(descriptor.frame.1.of(0), Indication::NotPresent);
    assert_eq!(Descriptor::parse(&bytes, None), None, "nothing is known");
    assert_eq!(
        Descriptor::parse(&[0x80 | 0x03, 0, 7], Some(&structure)),
        None
    );
}

#[test]
fn what_a_frame_has_of_its_own_goes_before_its_template() {
    let structure = structure();
    let own = Written::default()
        .f(8, 60)
        .f(16, 9)
        .f(5, 0b0_1111) // active targets, and all three of its own
        .f(2, 0b01) // only the first target
        .f(2, 1)
        .f(2, 0) // discardable for it, not present for the second
        .f(2, 3)
        .f(12, 999)
        .f(2, 0) // one reference, 1000 back
        .f(8, 5)
        .f(8, 6);
    let bytes = own.bytes();
    let descriptor = Descriptor::parse(&bytes, Some(&structure)).unwrap();
    assert_eq!(descriptor.active, Some(1));
    let indications = descriptor.frame.1;
    assert_eq!(indications.of(0), Indication::Discardable);
    assert_eq!(indications.of(1), Indication::NotPresent);
    let cut = &bytes[..bytes.len() - 2];
    assert_eq!(Descriptor::parse(cut, Some(&structure)), None);
}

#[test]
fn more_templates_than_there_are_ids_are_refused() {
    let mut bits = Written::default().f(24, 0).f(5, 0b1_0000).f(11, 0);
    for _ in 0..64 {
        bits = bits.f(2, 0);
    }
    assert_eq!(Descriptor::parse(&bits.zeros().bytes(), None), None);
    let mut deep = Written::default().f(24, 0).f(5, 0b1_0000).f(11, 0);
    for _ in 0..8 {
        deep = deep.f(2, 2);
    }
    assert_eq!(Descriptor::parse(&deep.zeros().bytes(), None), None);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(
        bytes in proptest::collection::vec(any::<u8>(), 0..256),
        flip in any::<proptest::sample::Index>(),
    ) {
        let known = structure();
        let _ = Descriptor::parse(&bytes, Some(&known));
        let mut broken = two_layers().bytes();
        let at = flip.index(broken.len());
        broken[at] ^= bytes.first().copied().unwrap_or(1);
        let _ = Descriptor::parse(&broken, None);
        let _ = Descriptor::parse(&broken[..at], Some(&known));
    }
}
