//! What it costs to receive a burst, find whose it is and hand it over: CPU time of the media arbiter, loopback.
//!
//! `cargo bench -p calls-actors --bench ingress`; the time of an element is that of one datagram. `gro`: the sender lets
//! the kernel cut its bursts apart, so they come in one piece; `one_by_one`: every datagram comes alone.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use calls_actors::{Datagrams, MediaConfig, MediaPorts};
use calls_media::seam::{Path, PeerId};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use quinn_udp::{Transmit, UdpSocketState};
use rustix::time::{ClockId, clock_gettime};

/// Datagrams of a burst: a video frame.
const BURST: usize = 10;

/// Length of each: RTP as browsers cut it, sealed.
const LENGTH: usize = 1140;

const PUBLISHER: PeerId = PeerId(1);

/// Stands where a participant would.
struct Sink;

impl Actor for Sink {
    type Context = Context<Self>;
}

impl Handler<Datagrams> for Sink {
    type Result = ();

    fn handle(&mut self, datagrams: Datagrams, _: &mut Self::Context) {
        std::hint::black_box(datagrams);
    }
}

/// CPU time that the arbiter has used so far.
fn cpu_time(ports: &MediaPorts) -> Duration {
    let (tell, told) = mpsc::channel();
    ports.on(0, move |_| {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
        let _ = tell.send(Duration::new(time.tv_sec.unsigned_abs(), nanos));
    });
    told.recv().expect("the arbiter works")
}

fn start(publisher: &UdpSocket) -> MediaPorts {
    let config = MediaConfig {
        bind: IpAddr::from([127, 0, 0, 1]),
        ports: vec![0],
        advertised: Vec::new(),
        loopback: true,
        tcp_connections: 0,
        segmentation_offload: true,
    };
    let ports = MediaPorts::start(&config).expect("the loopback interface has free ports");
    let path = Path::Udp(publisher.local_addr().expect("it is bound"));
    ports.on(0, move |handle| {
        handle.register(PUBLISHER, ["publisher"], Sink.start().recipient());
        handle.bind(path, PUBLISHER);
    });
    publisher
        .connect(ports.address(0).expect("there is a port"))
        .expect("it listens");
    ports
}

/// CPU time of the arbiter for so many bursts, each sent when the one before was received.
fn measure(
    ports: &MediaPorts,
    publisher: &UdpSocket,
    state: Option<&UdpSocketState>,
    bursts: u64,
) -> Duration {
    let received = || ports.stats(0).unwrap_or_default().received;
    let burst = [0x80; BURST * LENGTH];
    let before = cpu_time(ports);
    for _ in 0..bursts {
        let due = received() + BURST as u64;
        send(publisher, state, &burst).expect("loopback takes it");
        let sent = Instant::now();
        while received() < due {
            assert!(
                sent.elapsed() < Duration::from_secs(1),
                "nothing is lost on loopback"
            );
            std::hint::spin_loop();
        }
    }
    cpu_time(ports).saturating_sub(before)
}

fn send(publisher: &UdpSocket, state: Option<&UdpSocketState>, burst: &[u8]) -> io::Result<()> {
    let Some(state) = state else {
        return burst
            .chunks(LENGTH)
            .try_for_each(|datagram| publisher.send(datagram).map(drop));
    };
    let transmit = Transmit {
        destination: publisher.peer_addr()?,
        ecn: None,
        contents: burst,
        segment_size: Some(LENGTH),
        src_ip: None,
    };
    state.try_send(publisher.into(), &transmit)
}

fn ingress(criterion: &mut Criterion) {
    let system = System::new();
    let publisher = UdpSocket::bind("127.0.0.1:0").expect("there are free ports");
    let state = UdpSocketState::new((&publisher).into()).expect("any socket can");
    let ports = system.block_on(async { start(&publisher) });
    let mut group = criterion.benchmark_group("ingress");
    group.throughput(Throughput::Elements(BURST as u64));
    for (how, state) in [("gro", Some(&state)), ("one_by_one", None)] {
        group.bench_function(BenchmarkId::new("frame", how), |bencher| {
            bencher.iter_custom(|bursts| measure(&ports, &publisher, state, bursts));
        });
    }
    group.finish();
    let counted = ports.stats(0).unwrap_or_default();
    assert!(
        counted.strays == 0,
        "all of it was for somebody: {counted:?}"
    );
    ports.stop();
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).sample_size(20);
    targets = ingress
}
criterion_main!(benches);
