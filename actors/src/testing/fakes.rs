//! A clock that follows virtual time, a journal in memory, and places on the test's own arbiter.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Instant;

use actix::prelude::*;
use calls_media::Identity;
use calls_model::{Fact, Timestamp};
use chrono::{DateTime, Duration};

use crate::clock::{self, Clock};
use crate::journal::{BoxFuture, Journal, JournalError, Sampled, Scribe};
use crate::metrics::LiveCount;
use crate::participant::{NewParticipant, Participant};
use crate::port::{Opened, PortCounters, PortHandle};
use crate::room::branch::Branch;
use crate::room::places::{Places, Seats};
use crate::room::{NewRoom, Room};
use crate::services::Services;

/// Starts at the epoch and follows virtual time.
pub struct TestClock(Instant);

impl TestClock {
    /// It is the epoch now.
    #[must_use]
    pub fn start() -> Arc<Self> {
        Arc::new(Self(clock::instant()))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let passed = Duration::from_std(clock::instant() - self.0).unwrap_or_default();
        Timestamp::from(DateTime::UNIX_EPOCH + passed)
    }
}

/// Remembers facts by their names; refuses them while `broken`.
pub struct MemoryJournal {
    written: mpsc::SyncSender<Fact>,
    samples: Mutex<Vec<Sampled>>,
    broken: AtomicBool,
    away: AtomicBool,
    aside: Mutex<Vec<Vec<Fact>>>,
}

impl MemoryJournal {
    /// An empty one, and where to read it.
    #[must_use]
    pub fn start() -> (Arc<Self>, mpsc::Receiver<Fact>) {
        let (written, read) = mpsc::sync_channel(10_000);
        (
            Arc::new(Self {
                written,
                samples: Mutex::default(),
                broken: false.into(),
                away: false.into(),
                aside: Mutex::default(),
            }),
            read,
        )
    }

    /// Samples of quality that were kept so far.
    ///
    /// # Panics
    ///
    /// When a thread panicked that kept some.
    pub fn samples(&self) -> Vec<Sampled> {
        self.samples
            .lock()
            .expect("nobody panics while holding it")
            .clone()
    }

    /// From now on it cannot be reached, or can again.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    /// What waits where a crash does not take it.
    ///
    /// # Panics
    ///
    /// When a thread panicked that added some.
    pub fn aside(&self) -> Vec<Vec<Fact>> {
        self.aside
            .lock()
            .expect("nobody panics while holding it")
            .clone()
    }

    /// From now on it refuses everything, or takes it again.
    pub fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::Relaxed);
    }
}

impl Journal for MemoryJournal {
    fn record(&self, facts: Vec<Fact>) -> BoxFuture<Result<(), JournalError>> {
        let result = if self.away.load(Ordering::Relaxed) {
            Err(JournalError::Away("away on purpose".to_owned()))
        } else if self.broken.load(Ordering::Relaxed) {
            Err(JournalError::Storage("broken on purpose".to_owned()))
        } else {
            for fact in facts {
                let _ = self.written.try_send(fact); // nobody may be reading any more
            }
            Ok(())
        };
        Box::pin(std::future::ready(result))
    }

    fn set_aside(&self, entries: Vec<Vec<Fact>>) -> BoxFuture<()> {
        let mut aside = self.aside.lock().expect("nobody panics while holding it");
        aside.extend(entries);
        Box::pin(std::future::ready(()))
    }

    fn nothing_waits(&self) -> BoxFuture<()> {
        self.aside
            .lock()
            .expect("nobody panics while holding it")
            .clear();
        Box::pin(std::future::ready(()))
    }

    fn sample(&self, samples: Vec<Sampled>) -> BoxFuture<Result<(), JournalError>> {
        let mut kept = self.samples.lock().expect("nobody panics while holding it");
        kept.extend(samples);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Clock, journal and counters of a test.
#[must_use]
pub fn services(journal: Arc<dyn Journal>) -> Services {
    Services::new(
        TestClock::start(),
        Scribe::start(journal),
        LiveCount::default(),
    )
}

/// Opens every room on the arbiter of its call, with a port of its own that nobody reaches.
pub struct LocalPlaces;

impl LocalPlaces {
    /// A port on the loopback address.
    ///
    /// # Panics
    ///
    /// If there is no free one.
    #[must_use]
    pub fn port() -> PortHandle {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        udp.set_nonblocking(true).expect("a socket takes that");
        PortHandle::open(Opened {
            index: 0,
            identity: Arc::new(Identity::generate().expect("a certificate")),
            candidates: Arc::new([]),
            udp,
            tcp: None,
            tcp_connections: 0,
            offload: false,
            counters: Arc::new(PortCounters::new()),
        })
        .expect("an arbiter is running")
    }
}

impl Places for LocalPlaces {
    fn choose(&self, _: usize) -> usize {
        0
    }

    fn open(&self, _: usize, room: NewRoom) {
        Room::open(room, Box::new(LocalSeats::start()));
    }
}

/// Everybody on the arbiter of the room, and branches of it too.
pub struct LocalSeats(PortHandle);

impl LocalSeats {
    /// With a port that nobody reaches.
    #[must_use]
    pub fn start() -> Self {
        Self(LocalPlaces::port())
    }
}

impl Seats for LocalSeats {
    fn here(&self) -> usize {
        self.0.index()
    }

    fn participant(&self, new: NewParticipant, _: usize) -> (Addr<Participant>, usize) {
        (Participant::open(new, self.0.clone()), self.here())
    }

    fn branch(&self, _: usize, branch: Branch) -> Addr<Branch> {
        branch.start()
    }
}
