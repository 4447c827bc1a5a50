use calls_media::seam::{PayloadInfo, PeerId};

use super::*;

#[test]
fn an_encoding_without_which_another_goes_on_is_given_up_soon_and_pauses_of_all_are_not() {
    let id = TrackId {
        peer: PeerId(1),
        index: 0,
    };
    let key = TrackKey {
        run: 0,
        peer: 1,
        index: 0,
    };
    let mut track = Track::new((id, key), Source::Camera, (0, 0), None);
    let zero = Instant::now();
    let at = |ms| zero + Duration::from_millis(ms);
    let mut send = |layer, ms| {
        track.take(Packet {
            track: id,
            layer: Layer(layer),
            codec: Codec::Vp8,
            seq: ms,
            timestamp: 0,
            marker: true,
            arrival: at(ms),
            audio_level: None,
            orientation: None,
            dependency_descriptor: None,
            info: PayloadInfo::default(),
            payload: vec![0x10, 1].into(),
        });
        track.best(at(ms))
    };
    assert_eq!([send(1, 0), send(0, 10)], [Some(1), Some(1)]);
    assert_eq!(send(0, 300), Some(1), "it may come yet");
    assert_eq!(send(0, 500), Some(0));
    assert_eq!(send(1, 510), Some(1), "it is back");
    assert_eq!(send(1, 1400), Some(1));
    assert_eq!(send(0, 1410), Some(1), "neither was there");
}
