//! What sealing and opening one SRTP packet costs, for a full video packet and for a voice packet.

use std::hint::black_box;

use bytes::BytesMut;
use calls_media::srtp::{MasterKey, Opener, Profile, Sealer};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const SIZES: [(&str, usize); 2] = [("video 1100 B", 1100), ("voice 100 B", 100)];
const PROFILES: [(&str, Profile); 2] = [
    ("gcm", Profile::AeadAes128Gcm),
    ("cm-sha1-80", Profile::Aes128CmSha1),
];
const SSRC: u32 = 0x1234_5678;

fn packet(len: usize, index: u64) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(&index.to_be_bytes()[6..]);
    packet.extend([0; 4]);
    packet.extend(SSRC.to_be_bytes());
    packet.resize(len, 0x5a);
    packet
}

fn master() -> MasterKey {
    MasterKey::new(&[1; 16], &[2; 12]).expect("sixteen and twelve bytes")
}

fn seal(c: &mut Criterion) {
    let mut group = c.benchmark_group("seal");
    for (size, len) in SIZES {
        group.throughput(Throughput::Bytes(len as u64));
        for (name, profile) in PROFILES {
            let mut sealer = Sealer::new(profile, &master());
            let plain = packet(len, 0);
            let mut out = Vec::with_capacity(2048);
            let mut index = 0;
            group.bench_function(format!("{size} {name}"), |b| {
                b.iter(|| {
                    index += 1;
                    out.clear();
                    out.extend_from_slice(&plain);
                    sealer.reserve(SSRC, index).expect("a new index");
                    sealer
                        .seal_rtp(&mut out, 0, SSRC, index)
                        .expect("a whole packet");
                    black_box(&out);
                });
            });
        }
    }
}

fn open(c: &mut Criterion) {
    let mut group = c.benchmark_group("open");
    for (size, len) in SIZES {
        group.throughput(Throughput::Bytes(len as u64));
        for (name, profile) in PROFILES {
            let mut sealer = Sealer::new(profile, &master());
            let mut opener = Opener::new(profile, &master());
            let mut index = 0;
            let mut make = || {
                index += 1;
                let mut out = packet(len, index);
                sealer.reserve(SSRC, index).expect("a new index");
                sealer
                    .seal_rtp(&mut out, 0, SSRC, index)
                    .expect("a whole packet");
                BytesMut::from(&out[..])
            };
            group.bench_function(format!("{size} {name}"), |b| {
                b.iter_batched_ref(
                    &mut make,
                    |packet| opener.open_rtp(packet).expect("authentic"),
                    BatchSize::SmallInput,
                );
            });
        }
    }
}

criterion_group!(benches, seal, open);
criterion_main!(benches);
