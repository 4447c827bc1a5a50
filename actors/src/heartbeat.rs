//! Whether those on whom everything depends still answer: an actor that is stuck looks alive from outside.
//!
//! A thread of its own asks each of them every [`BEAT`], so that nobody who is stuck can keep it from asking the others.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix::prelude::*;
use tokio::sync::oneshot;

use crate::metrics::{HEARTBEAT_AGE, HEARTBEATS_LATE};

/// How often each of them is asked.
pub const BEAT: Duration = Duration::from_secs(1);

/// Without an answer for so long, somebody is stuck.
pub const LATE: Duration = Duration::from_secs(5);

/// Are you there? The answer says it.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Beat;

/// Somebody on whom everything depends.
struct Watched {
    name: String,
    door: Recipient<Beat>,
    /// Milliseconds from the start to the last answer.
    answered: AtomicU64,
}

/// Asks until it is dropped.
pub struct Heartbeat {
    ward: Arc<Ward>,
    _until: oneshot::Sender<()>,
}

struct Ward {
    start: Instant,
    all: Vec<Watched>,
}

impl Ward {
    fn age(&self, watched: &Watched) -> Duration {
        let answered = Duration::from_millis(watched.answered.load(Ordering::Relaxed));
        self.start.elapsed().saturating_sub(answered)
    }

    fn answered(&self, watched: &Watched) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        watched.answered.store(now, Ordering::Relaxed);
    }
}

impl Heartbeat {
    /// Begins to ask these, by name.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn start(doors: Vec<(String, Recipient<Beat>)>) -> io::Result<Self> {
        let watched = |(name, door)| Watched {
            name,
            door,
            answered: AtomicU64::new(0),
        };
        let ward = Arc::new(Ward {
            start: Instant::now(),
            all: doors.into_iter().map(watched).collect(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let (until, over) = oneshot::channel();
        let asking = Arc::clone(&ward);
        std::thread::Builder::new()
            .name("heartbeat".to_owned())
            .spawn(move || {
                let local = tokio::task::LocalSet::new();
                for index in 0..asking.all.len() {
                    local.spawn_local(ask(Arc::clone(&asking), index));
                }
                local.spawn_local(measure(asking));
                let _ = local.block_on(&runtime, over); // dropped at the end
            })?;
        Ok(Self {
            ward,
            _until: until,
        })
    }

    /// How long ago each of them answered.
    pub fn ages(&self) -> impl Iterator<Item = (&str, Duration)> {
        let age = |watched| self.ward.age(watched);
        self.ward
            .all
            .iter()
            .map(move |watched| (watched.name.as_str(), age(watched)))
    }

    /// Who has not answered for more than [`LATE`].
    pub fn late(&self) -> Vec<String> {
        self.ages()
            .filter(|(_, age)| *age > LATE)
            .map(|(name, _)| name.to_owned())
            .collect()
    }
}

async fn ask(ward: Arc<Ward>, index: usize) {
    let Some(watched) = ward.all.get(index) else {
        return;
    };
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        // Who has ended does not answer, and is late from then on.
        if watched.door.send(Beat).await.is_ok() {
            ward.answered(watched);
        }
    }
}

async fn measure(ward: Arc<Ward>) {
    let mut beat = tokio::time::interval(BEAT);
    let mut late = vec![false; ward.all.len()];
    loop {
        beat.tick().await;
        for (watched, was_late) in ward.all.iter().zip(&mut late) {
            let age = ward.age(watched);
            metrics::gauge!(HEARTBEAT_AGE, "of" => watched.name.clone()).set(age.as_secs_f64());
            let is_late = age > LATE;
            if is_late && !*was_late {
                metrics::counter!(HEARTBEATS_LATE, "of" => watched.name.clone()).increment(1);
                tracing::error!(of = %watched.name, ?age, "{} does not answer", watched.name);
            }
            *was_late = is_late;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Answers, unless it is told to wait.
    struct Worker;

    impl Actor for Worker {
        type Context = Context<Self>;
    }

    impl Handler<Beat> for Worker {
        type Result = ();

        fn handle(&mut self, _: Beat, _: &mut Self::Context) {}
    }

    /// Keeps its whole thread busy until the other end says so.
    #[derive(Message)]
    #[rtype(result = "()")]
    struct Hang(mpsc::Receiver<()>);

    impl Handler<Hang> for Worker {
        type Result = ();

        fn handle(&mut self, Hang(until): Hang, _: &mut Self::Context) {
            let _ = until.recv(); // ends either way
        }
    }

    fn worker(arbiter: &Arbiter) -> Addr<Worker> {
        Worker::start_in_arbiter(&arbiter.handle(), |_| Worker)
    }

    fn age_of(heartbeat: &Heartbeat, name: &str) -> Duration {
        let mut ages = heartbeat.ages();
        ages.find(|(one, _)| *one == name)
            .map(|(_, age)| age)
            .expect("it is watched")
    }

    /// Waits until it is so, for a few seconds.
    async fn until(is_so: impl Fn() -> bool) {
        for _ in 0..500 {
            if is_so() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it never was");
    }

    #[actix::test]
    async fn who_is_stuck_is_late_and_others_are_not() {
        let (one, other) = (Arbiter::new(), Arbiter::new());
        let (stuck, busy) = (worker(&one), worker(&other));
        let doors = vec![
            ("stuck".to_owned(), stuck.clone().recipient()),
            ("busy".to_owned(), busy.recipient()),
        ];
        let heartbeat = Heartbeat::start(doors).expect("a thread");
        assert!(heartbeat.late().is_empty(), "nobody is late from the start");

        let (release, hang) = mpsc::channel();
        stuck.do_send(Hang(hang));
        until(|| age_of(&heartbeat, "stuck") > LATE).await;
        assert_eq!(heartbeat.late(), ["stuck"]);
        assert!(age_of(&heartbeat, "busy") < 2 * BEAT);

        drop(release);
        until(|| heartbeat.late().is_empty()).await;
        one.stop();
        other.stop();
    }
}
