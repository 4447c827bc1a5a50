use std::task::Context;

use super::*;

fn egress() -> PortEgress {
    PortEgress::new(
        64,
        None,
        Rc::new(Connections::new(1)),
        Arc::new(PortCounters::new()),
    )
}

fn path(port: u16) -> Path {
    Path::Udp(([127, 0, 0, 1], port).into())
}

fn queue(egress: &mut PortEgress, port: u16, datagram: &[u8]) {
    egress.datagram(path(port), |bytes| bytes.extend_from_slice(datagram));
}

/// A kernel that takes `room` sends, then none.
struct Kernel {
    room: usize,
    /// It cannot cut runs apart.
    plain: bool,
    got: Vec<(u16, Vec<u8>)>,
    sends: usize,
}

impl Kernel {
    fn with_room(room: usize) -> Self {
        Self {
            room,
            plain: false,
            got: Vec::new(),
            sends: 0,
        }
    }

    fn send(&mut self, runs: &mut [Transmit<'_>]) -> io::Result<usize> {
        all_until_refused(runs, |run| self.take(run))
    }

    fn take(&mut self, transmit: &Transmit<'_>) -> io::Result<()> {
        if self.sends == self.room {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.plain && transmit.segment_size.is_some() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.sends += 1;
        let segment = transmit.segment_size.unwrap_or(transmit.contents.len());
        let datagrams = transmit.contents.chunks(segment);
        self.got
            .extend(datagrams.map(|datagram| (transmit.destination.port(), datagram.to_vec())));
        Ok(())
    }

    fn to(&self, port: u16) -> Vec<u8> {
        self.got
            .iter()
            .filter(|(to, _)| *to == port)
            .map(|(_, datagram)| datagram[0])
            .collect()
    }
}

/// As `sendmmsg(2)` does it.
fn all_until_refused(
    runs: &[Transmit<'_>],
    mut take: impl FnMut(&Transmit<'_>) -> io::Result<()>,
) -> io::Result<usize> {
    for (taken, run) in runs.iter().enumerate() {
        match take(run) {
            Ok(()) => {}
            Err(error) if taken == 0 => return Err(error),
            Err(_) => return Ok(taken),
        }
    }
    Ok(runs.len())
}

#[test]
fn every_destination_gets_its_own_in_order_as_one_run() {
    let mut egress = egress();
    let mut kernel = Kernel::with_room(usize::MAX);
    for number in 0..10 {
        queue(&mut egress, 1, &[number; 100]);
        queue(&mut egress, 2, &[number + 100; 100]);
    }
    assert_eq!(egress.flush(64, |runs| kernel.send(runs)), Flushed::All);
    assert_eq!(kernel.sends, 2);
    assert_eq!(kernel.to(1), (0..10).collect::<Vec<u8>>());
    assert_eq!(kernel.to(2), (100..110).collect::<Vec<u8>>());
}

#[test]
fn without_offload_every_datagram_is_sent_alone() {
    let mut egress = egress();
    let mut kernel = Kernel::with_room(usize::MAX);
    egress.flush(1, |_| Ok(0));
    for number in 0..10 {
        queue(&mut egress, 1, &[number; 100]);
    }
    egress.flush(1, |runs| kernel.send(runs));
    assert_eq!((kernel.sends, kernel.to(1).len()), (10, 10));
}

#[test]
fn a_driver_that_cannot_cut_runs_apart_still_gets_all_of_them() {
    let mut egress = egress();
    let mut kernel = Kernel {
        plain: true,
        ..Kernel::with_room(usize::MAX)
    };
    egress.flush(64, |runs| kernel.send(runs));
    for number in 0..10 {
        queue(&mut egress, 1, &[number; 100]);
    }
    assert_eq!(egress.flush(64, |runs| kernel.send(runs)), Flushed::All);
    assert_eq!(kernel.to(1), (0..10).collect::<Vec<u8>>());
    assert_eq!(
        egress.counters.stats(),
        crate::port::PortStats {
            sent: 10,
            sends: 1 + 10,
            ..Default::default()
        }
    );
}

#[test]
fn what_the_kernel_does_not_take_now_goes_later_and_in_order() {
    let mut egress = egress();
    let mut kernel = Kernel::with_room(3);
    egress.flush(1, |_| Ok(0));
    for number in 0..6 {
        queue(&mut egress, 1 + u16::from(number % 2), &[number; 100]);
    }
    assert_eq!(egress.flush(1, |runs| kernel.send(runs)), Flushed::Blocked);
    queue(&mut egress, 1, &[6; 100]);
    queue(&mut egress, 2, &[7; 100]);
    kernel.room = usize::MAX;
    assert_eq!(egress.flush(1, |runs| kernel.send(runs)), Flushed::All);
    assert_eq!(
        (kernel.to(1), kernel.to(2)),
        (vec![0, 2, 4, 6], vec![1, 3, 5, 7])
    );
    assert_eq!(egress.waiting, 0);
}

#[test]
fn a_route_that_does_not_keep_up_loses_what_is_beyond_its_limit() {
    let mut egress = egress();
    let mut kernel = Kernel::with_room(0);
    let fitting = DESTINATION_LIMIT / 1000 + 1;
    for _ in 0..fitting + 20 {
        queue(&mut egress, 1, &[0; 1000]);
    }
    queue(&mut egress, 2, &[0; 1000]);
    egress.flush(1, |runs| kernel.send(runs));
    assert_eq!(egress.counters.stats().unsent, 20);
    kernel.room = usize::MAX;
    egress.flush(1, |runs| kernel.send(runs));
    assert_eq!((kernel.to(1).len(), kernel.to(2).len()), (fitting, 1));
}

#[test]
fn refused_datagrams_are_counted_and_do_not_hold_up_the_rest() {
    let mut egress = egress();
    queue(&mut egress, 1, &[0; 1000]);
    queue(&mut egress, 2, &[0; 1000]);
    let flushed = egress.flush(64, |runs| {
        all_until_refused(runs, |run| match run.destination.port() {
            1 => Err(io::ErrorKind::PermissionDenied.into()),
            _ => Ok(()),
        })
    });
    assert_eq!(flushed, Flushed::All);
    let stats = egress.counters.stats();
    assert_eq!((stats.sent, stats.unsent), (1, 1));
}

#[test]
fn many_destinations_share_a_system_call() {
    let mut egress = egress();
    for port in 1..=100 {
        queue(&mut egress, port, &[0; 100]);
        queue(&mut egress, port, &[0; 200]);
    }
    let mut calls = Vec::new();
    let flushed = egress.flush(64, |runs| {
        calls.push(runs.len());
        Ok(runs.len())
    });
    assert_eq!(flushed, Flushed::All);
    assert_eq!(calls, [64, 64, 64, 8]);
    let stats = egress.counters.stats();
    assert_eq!((stats.sent, stats.sends, egress.waiting), (200, 4, 0));
}

#[test]
fn the_first_datagram_wakes_the_sender_and_the_next_ones_do_not() {
    struct Count(std::sync::atomic::AtomicUsize);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let woken = Arc::new(Count(0.into()));
    let waker = Waker::from(Arc::clone(&woken));
    let cx = Context::from_waker(&waker);
    let mut egress = egress();
    assert!(egress.poll_waiting(&cx).is_pending());
    for port in 1..50 {
        queue(&mut egress, port, &[0; 100]);
    }
    assert_eq!(woken.0.load(std::sync::atomic::Ordering::Relaxed), 1);
    assert!(egress.poll_waiting(&cx).is_ready());
}

#[test]
fn a_datagram_for_a_connection_that_is_gone_is_counted() {
    let mut egress = egress();
    let path = Path::Tcp {
        connection: 7,
        remote: ([127, 0, 0, 1], 1).into(),
    };
    egress.datagram(path, |bytes| bytes.push(1));
    assert_eq!(egress.counters.stats().unsent, 1);
}

#[test]
fn memory_is_used_again() {
    let mut egress = egress();
    let mut kernel = Kernel::with_room(usize::MAX);
    for _ in 0..3 {
        for port in 1..=50 {
            queue(&mut egress, port, &[0; 1000]);
        }
        egress.flush(64, |runs| kernel.send(runs));
        kernel.got.clear();
    }
    assert_eq!(egress.outboxes.len(), 50);
    assert!(egress.index.is_empty());
}

#[test]
fn what_a_rush_needed_is_given_back() {
    let mut egress = egress();
    let mut kernel = Kernel::with_room(usize::MAX);
    let mut flush = |ports| {
        (1..=ports).for_each(|port| queue(&mut egress, port, &[0; 1000]));
        egress.flush(64, |runs| kernel.send(runs));
        kernel.got.clear();
        egress.outboxes.len()
    };
    assert_eq!(flush(50), 50);
    let mut rooms = (0..2 * FLUSHES).map(|_| flush(3));
    assert!(rooms.by_ref().take(FLUSHES / 2).all(|room| room == 50));
    assert_eq!(rooms.last(), Some(3));
}

#[test]
fn a_socket_that_takes_no_more_is_left_alone_however_much_waits() {
    let mut egress = egress();
    for port in 1..=300 {
        queue(&mut egress, port, &[0x80; 1000]);
    }
    assert!(egress.is_plenty());
    let mut full = Kernel::with_room(3);
    assert_eq!(egress.flush(64, |runs| full.send(runs)), Flushed::Blocked);
    assert!(
        !egress.is_plenty(),
        "until the sending task finds room again"
    );
    let mut free = Kernel::with_room(1000);
    assert_eq!(egress.flush(64, |runs| free.send(runs)), Flushed::All);
    (1..=300).for_each(|port| queue(&mut egress, port, &[0x80; 1000]));
    assert!(egress.is_plenty());
}
