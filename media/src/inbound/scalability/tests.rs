use std::time::Duration;

use super::*;

const VP9: Codec = Codec::Vp9 { profile: 0 };

fn vp9(scalability: &mut Scalability, seq: u64, payload: &[u8]) -> Option<SvcFrame> {
    let seen = Seen {
        codec: VP9,
        seq,
        descriptor: None,
        payload,
    };
    scalability.read(seen, Instant::now())
}

fn layers(set: LayerSet) -> Vec<u8> {
    let all = (0..MOST_LAYERS).filter(|&layer| set.has(Layer(layer)));
    all.collect()
}

/// A frame of a spatial layer, with flags of the first byte beside I and L.
fn frame(spatial: u8, flags: u8) -> [u8; 6] {
    [0xa0 | flags, 0x80, 1, spatial << 1, 0, 9]
}

const P: u8 = 0x40;
const B: u8 = 0x08;
const E: u8 = 0x04;
const V: u8 = 0x02;
const Z: u8 = 0x01;

/// `|N_S|Y|G|` of three layers, and their sizes.
fn structure() -> Vec<u8> {
    let sides: [u16; 6] = [320, 180, 640, 360, 1280, 720];
    let sides = sides.iter().flat_map(|side| side.to_be_bytes());
    [0x50].into_iter().chain(sides).collect()
}

#[test]
fn vp9_tells_what_each_layer_needs() {
    let mut scalability = Scalability::new(Instant::now());
    let key = [&frame(0, B | V)[..5], &structure()].concat();
    let lowest = vp9(&mut scalability, 1, &key).unwrap();
    assert_eq!((lowest.layers, lowest.spatial), (3, 0));
    assert_eq!(layers(lowest.needed), [0, 1, 2, 3]);
    assert_eq!(lowest.size, Some((320, 180)));
    // L3T3: all above need it. L3T3_KEY: none does.
    let needed = |scalability: &mut _, flags| {
        layers(
            vp9(scalability, 2, &frame(1, P | B | E | flags))
                .unwrap()
                .needed,
        )
    };
    assert_eq!(needed(&mut scalability, 0), [1, 2, 3]);
    assert_eq!(needed(&mut scalability, Z), [1]);
    let highest = vp9(&mut scalability, 3, &frame(2, P | E | Z)).unwrap();
    assert_eq!(
        layers(highest.needed),
        [2, 3],
        "what is above counts as the highest"
    );
    assert!(highest.ends && !highest.begins);
}

#[test]
fn a_stream_of_one_layer_has_none() {
    let mut scalability = Scalability::new(Instant::now());
    assert_eq!(vp9(&mut scalability, 1, &frame(0, B | E)), None);
    assert_eq!(vp9(&mut scalability, 2, &[0x80, 0x80, 1, 9]), None);
    assert!(vp9(&mut scalability, 3, &frame(1, B | E)).is_some());
    assert!(
        vp9(&mut scalability, 4, &frame(0, P)).is_some(),
        "it has shown more"
    );
}

#[test]
fn more_layers_than_are_told_apart_leave_whole() {
    let mut scalability = Scalability::new(Instant::now());
    assert_eq!(vp9(&mut scalability, 1, &frame(5, B | E)), None);
}

#[test]
fn an_older_structure_that_comes_late_is_not_taken() {
    let mut scalability = Scalability::new(Instant::now());
    let two = [&frame(0, B | V)[..5], &[0x20]].concat();
    assert_eq!(vp9(&mut scalability, 9, &two).unwrap().layers, 2);
    let three = [&frame(0, B | V)[..5], &structure()].concat();
    assert_eq!(vp9(&mut scalability, 5, &three).unwrap().layers, 2);
    assert_eq!(vp9(&mut scalability, 10, &three).unwrap().layers, 3);
}

#[test]
fn a_layer_takes_what_it_needs_of_those_below() {
    let zero = Instant::now();
    let mut scalability = Scalability::new(zero);
    for picture in 0u32..60 {
        let now = zero + Duration::from_millis(50) * picture;
        for spatial in 0..3 {
            let mut payload = frame(spatial, P | B | E).to_vec();
            payload.resize(250 << spatial, 0); // 40, 80 and 160 kbit/s
            let seen = Seen {
                codec: VP9,
                seq: 1,
                descriptor: None,
                payload: &payload,
            };
            scalability.read(seen, now);
        }
    }
    let now = zero + Duration::from_millis(2_950);
    assert_eq!(scalability.kbps(now), Some([40, 120, 280, 280]));
}
