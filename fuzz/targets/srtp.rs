//! Any bytes into an opener, and any RTP through a sealer and back.
#![no_main]

use bytes::BytesMut;
use calls_media::srtp::{MasterKey, Opener, Profile, Sealer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let master = MasterKey::new(&[1; 16], &[2; 12]).expect("sixteen and twelve bytes");
    for profile in [Profile::AeadAes128Gcm, Profile::Aes128CmSha1] {
        let mut opener = Opener::new(profile, &master);
        assert!(opener.open_rtp(&mut BytesMut::from(input)).is_err());
        assert!(opener.open_rtcp(&mut BytesMut::from(input)).is_err());

        let mut sealer = Sealer::new(profile, &master);
        let mut packet = input.to_vec();
        if packet.len() >= 12 {
            let seq = u16::from_be_bytes([packet[2], packet[3]]);
            let ssrc = u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
            sealer.reserve(ssrc, seq.into()).expect("it is the first");
            if sealer.seal_rtp(&mut packet, 0, ssrc, seq.into()).is_ok() {
                let mut packet = BytesMut::from(&packet[..]);
                opener.open_rtp(&mut packet).expect("it was just sealed");
                assert_eq!(packet, input);
            }
        }
        let mut report = input.to_vec();
        if sealer.seal_rtcp(&mut report, 0).is_ok() {
            let mut report = BytesMut::from(&report[..]);
            opener.open_rtcp(&mut report).expect("it was just sealed");
            assert_eq!(report, input);
        }
    }
});
