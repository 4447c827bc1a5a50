//! Any bytes as an RTP packet; what reads is written again and reads the same.
#![no_main]

use calls_media::rtp::RtpView;
use calls_media::rtp::write::Header;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(view) = RtpView::parse(input) else {
        return;
    };
    let elements: Vec<_> = view.extensions.iter().collect();
    let longest = elements.iter().map(|(_, data)| data.len()).max();
    let header = Header {
        pt: view.pt,
        marker: view.marker,
        sequence: view.sequence,
        timestamp: view.timestamp,
        ssrc: view.ssrc,
    };
    // The two-byte form holds whatever was read.
    let mut out = Vec::new();
    header.write(&mut out, longest.unwrap_or(0).max(17), |writer| {
        for &(id, data) in &elements {
            writer.put(Some(id), data);
        }
    });
    out.extend_from_slice(view.payload);
    let again = RtpView::parse(&out).expect("we wrote it");
    assert_eq!(again.extensions.iter().collect::<Vec<_>>(), elements);
    assert_eq!(again.payload, view.payload);
    assert_eq!(
        (again.pt, again.marker, again.sequence),
        (view.pt, view.marker, view.sequence)
    );
});
