//! What it costs to take one packet apart, and to take it all the way to a burst.

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use calls_media::codecs;
use calls_media::inbound::Inbound;
use calls_media::rtp::RtpView;
use calls_media::rtp::write::Header;
use calls_media::seam::{
    Codec, CodecSpec, ExtensionIds, Feedback, Kind, Mid, PayloadType, PeerId, Ssrc, TrackId,
    TrackSpec,
};
use calls_model::Source;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const VP8: PayloadType = PayloadType(96);
const SSRC: Ssrc = Ssrc(7);
/// Packets of one read from the socket.
const BURST: u16 = 10;

fn extensions() -> ExtensionIds {
    ExtensionIds {
        mid: Some(1),
        transport_cc: Some(2),
        abs_send_time: Some(3),
        ..ExtensionIds::default()
    }
}

fn packet(sequence: u16) -> Bytes {
    let header = Header {
        pt: VP8,
        marker: false,
        sequence,
        timestamp: 3000,
        ssrc: SSRC,
    };
    let mut out = Vec::new();
    header.write(&mut out, 3, |elements| {
        elements.put(Some(1), b"0");
        elements.put(Some(2), &sequence.to_be_bytes());
        elements.put(Some(3), &[1, 2, 3]);
    });
    out.extend_from_slice(&[0x90, 0xe0, 0x92, 0x34, 0x55, 0x40, 0x01]);
    out.resize(1_100, 0x5a);
    out.into()
}

fn camera() -> TrackSpec {
    TrackSpec {
        id: TrackId {
            peer: PeerId(1),
            index: 0,
        },
        mid: Mid("0".into()),
        source: Source::Camera,
        kind: Kind::Video,
        codecs: vec![CodecSpec {
            codec: Codec::Vp8,
            pt: VP8,
            rtx: None,
            feedback: Feedback {
                nack: true,
                pli: true,
                fir: false,
            },
        }],
        rids: Vec::new(),
        ssrcs: vec![(SSRC, None)],
        extensions: extensions(),
    }
}

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    group.throughput(Throughput::Elements(1));
    let bytes = packet(1);
    group.bench_function("header, extensions and vp8 descriptor", |b| {
        b.iter(|| {
            let view = RtpView::parse(black_box(&bytes)).expect("a packet");
            let number = view.extensions.get(Some(2)).map(<[u8]>::len);
            (codecs::inspect(Codec::Vp8, view.payload), number)
        });
    });
    group.finish();
}

fn receive(c: &mut Criterion) {
    let mut group = c.benchmark_group("receive");
    group.throughput(Throughput::Elements(u64::from(BURST)));
    let now = Instant::now();
    let mut inbound = Inbound::new(Ssrc(1), "calls", now);
    inbound.set_tracks(vec![camera()]);
    let mut sequence = 0u16;
    group.bench_function("a burst of 10 packets", |b| {
        b.iter_batched(
            || {
                let first = sequence;
                sequence = sequence.wrapping_add(BURST);
                (0..BURST)
                    .map(|at| packet(first.wrapping_add(at)))
                    .collect::<Vec<_>>()
            },
            |packets| {
                for packet in packets {
                    inbound.handle_rtp(packet, now);
                }
                inbound.poll_burst()
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, parse, receive);
criterion_main!(benches);
