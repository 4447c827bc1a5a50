//! What it costs to forward: one burst of 10 packets into the slots of 50 listeners.

use std::time::Instant;

use bytes::Bytes;
use calls_media::codecs;
use calls_media::outbound::Outbound;
use calls_media::seam::{
    Burst, Codec, CodecSpec, ExtensionIds, Feedback, Kind, Layer, Mid, Packet, PayloadType, PeerId,
    Priority, RtpSink, Shown, SlotSpec, Ssrc, TrackId, Unsealable,
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const LISTENERS: u64 = 50;
const BURST: u64 = 10;
const TRACK: TrackId = TrackId {
    peer: PeerId(1),
    index: 0,
};
/// A frame goes on, and a key frame begins.
const INTER: [u8; 7] = [0x90, 0xe0, 0x92, 0x34, 0x55, 0x40, 0x01];
const KEY: [u8; 7] = [0x90, 0xe0, 0x92, 0x34, 0x55, 0x40, 0x00];

/// Has nothing written: what is left is the routing and the numbers.
struct Nowhere;

impl RtpSink for Nowhere {
    fn rtp(&mut self, _: Ssrc, _: u64, _: impl FnOnce(&mut Vec<u8>)) -> Result<(), Unsealable> {
        Ok(())
    }
}

/// Has each packet written into the same buffer, as it would be before sealing.
struct Buffer(Vec<u8>);

impl RtpSink for Buffer {
    fn rtp(&mut self, _: Ssrc, _: u64, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Unsealable> {
        self.0.clear();
        write(&mut self.0);
        Ok(())
    }
}

fn packet(seq: u64, now: Instant) -> Packet {
    let mut payload = if seq == 0 { KEY } else { INTER }.to_vec();
    payload.resize(1_100, 0x5a);
    let payload = Bytes::from(payload);
    Packet {
        track: TRACK,
        layer: Layer(0),
        codec: Codec::Vp8,
        seq: seq + 100_000,
        timestamp: 3000,
        marker: false,
        arrival: now,
        audio_level: None,
        orientation: None,
        dependency_descriptor: None,
        info: codecs::inspect(Codec::Vp8, &payload),
        payload,
    }
}

fn listener(now: Instant) -> Outbound {
    let mut outbound = Outbound::new(Ssrc(1), "calls", now);
    let slots = (0..9u32).map(|at| SlotSpec {
        mid: Mid(at.to_string().into()),
        kind: Kind::Video,
        ssrc: Ssrc(100 + at),
        rtx_ssrc: Some(Ssrc(200 + at)),
        codecs: vec![CodecSpec {
            codec: Codec::Vp8,
            pt: PayloadType(96),
            rtx: Some(PayloadType(97)),
            feedback: Feedback::default(),
        }],
        extensions: ExtensionIds {
            mid: Some(1),
            transport_cc: Some(2),
            abs_send_time: Some(3),
            ..ExtensionIds::default()
        },
    });
    outbound.set_slots(slots.collect());
    for at in 0..9u32 {
        let track = TrackId { index: at, ..TRACK };
        let shown = Shown {
            track,
            layers: 1,
            size: None,
            priority: Priority::Usual,
        };
        let mid = at.to_string();
        outbound
            .show(&mid, Some(shown), now)
            .expect("it was just made");
    }
    outbound
}

fn route(c: &mut Criterion) {
    let mut group = c.benchmark_group("route");
    group.throughput(Throughput::Elements(LISTENERS * BURST));
    let now = Instant::now();
    let mut run = |name: &str, sink: &mut dyn FnMut(&mut Outbound, &Burst)| {
        let mut listeners: Vec<_> = (0..LISTENERS).map(|_| listener(now)).collect();
        let mut next = 0;
        group.bench_function(name, |b| {
            b.iter_batched_ref(
                || -> Burst {
                    let first = next;
                    next += BURST;
                    (first..next).map(|seq| packet(seq, now)).collect()
                },
                |burst| {
                    for listener in &mut listeners {
                        sink(listener, burst);
                    }
                },
                BatchSize::SmallInput,
            );
        });
    };
    run(
        "10 packets to 50 listeners, not written",
        &mut |to, burst| {
            to.forward(burst, now, &mut Nowhere);
        },
    );
    let mut buffer = Buffer(Vec::with_capacity(2_048));
    run("10 packets to 50 listeners, written", &mut |to, burst| {
        to.forward(burst, now, &mut buffer);
    });
    group.finish();
}

criterion_group!(benches, route);
criterion_main!(benches);
