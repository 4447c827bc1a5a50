//! What it costs to queue a burst for fifty destinations and to flush it: CPU time of the media arbiter, loopback.
//!
//! `cargo bench -p calls-actors --bench egress`; the time of an element is that of one datagram. Somebody reads at the
//! other ends, on another thread, so that the kernel delivers all of it.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use calls_actors::{MediaConfig, MediaPorts, PortHandle};
use calls_media::seam::{Egress, Path};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rustix::time::{ClockId, clock_gettime};

/// Listeners of one source.
const DESTINATIONS: u64 = 50;

/// One Opus packet, sealed.
const AUDIO: &[usize] = &[110];

/// A video frame of equal packets, the best case.
const EQUAL: &[usize] = &[1140; 10];

/// A video frame as libwebrtc cuts it: packets differ by a byte.
const FRAME: &[usize] = &[1140, 1140, 1140, 1140, 1140, 1139, 1139, 1139, 1139, 1139];

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

fn start(segmentation_offload: bool) -> MediaPorts {
    let config = MediaConfig {
        bind: IpAddr::from([127, 0, 0, 1]),
        ports: vec![0],
        advertised: Vec::new(),
        loopback: true,
        tcp_connections: 0,
        segmentation_offload,
    };
    MediaPorts::start(&config).expect("the loopback interface has free ports")
}

/// Sockets that somebody reads until this is dropped.
struct Listeners {
    addresses: Arc<[SocketAddr]>,
    done: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Listeners {
    fn open() -> Self {
        let sockets: Vec<UdpSocket> = (0..DESTINATIONS)
            .map(|_| {
                let socket = UdpSocket::bind("127.0.0.1:0").expect("there are free ports");
                socket.set_nonblocking(true).expect("any socket can be");
                socket
            })
            .collect();
        let addresses = sockets
            .iter()
            .map(|socket| socket.local_addr().expect("it is bound"))
            .collect();
        let done = Arc::new(AtomicBool::new(false));
        let is_done = Arc::clone(&done);
        let reader = std::thread::spawn(move || {
            let mut datagram = [0; 2048];
            while !is_done.load(Ordering::Relaxed) {
                for socket in &sockets {
                    while socket.recv(&mut datagram).is_ok() {}
                }
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        Self {
            addresses,
            done,
            reader: Some(reader),
        }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
    }
}

/// CPU time of the arbiter for `bursts` times the lengths to everybody.
fn measure(
    ports: &MediaPorts,
    listeners: &Listeners,
    lengths: &'static [usize],
    bursts: u64,
) -> Duration {
    let (tell, told) = mpsc::channel();
    let addresses = Arc::clone(&listeners.addresses);
    ports.on(0, move |handle: &PortHandle| {
        let handle = handle.clone();
        actix::spawn(async move {
            let before = cpu_time();
            for _ in 0..bursts {
                for &address in &*addresses {
                    handle.with_egress(|egress| {
                        for &length in lengths {
                            egress.datagram(Path::Udp(address), |bytes| {
                                bytes.resize(bytes.len() + length, 0x80);
                            });
                        }
                    });
                }
                tokio::task::yield_now().await; // the sending task has its turn
            }
            let _ = tell.send(cpu_time().saturating_sub(before));
        });
    });
    told.recv().expect("the arbiter works")
}

fn egress(criterion: &mut Criterion) {
    let system = actix::System::new();
    let listeners = Listeners::open();
    let mut group = criterion.benchmark_group("egress");
    for offload in [true, false] {
        let ports = system.block_on(async { start(offload) });
        for (name, lengths) in [("audio", AUDIO), ("equal", EQUAL), ("frame", FRAME)] {
            let how = if offload { "gso" } else { "one_by_one" };
            group.throughput(Throughput::Elements(DESTINATIONS * lengths.len() as u64));
            group.bench_function(BenchmarkId::new(name, how), |bencher| {
                bencher.iter_custom(|bursts| measure(&ports, &listeners, lengths, bursts));
            });
            let stats = ports.stats(0).unwrap_or_default();
            assert!(
                stats.sent > 0 && stats.unsent == 0,
                "all was sent: {stats:?}"
            );
        }
        ports.stop();
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).sample_size(20);
    targets = egress
}
criterion_main!(benches);
