//! Timers of those who handle media: a pulse, and whatever a connection has to do next. The latter is moved many times a second,
//! so a move is a number written: one task of the arbiter watches over the numbers of all who live there. What is spawned in an
//! actor's own context would be asked after each of its messages.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker, ready};
use std::time::{Duration, Instant};

use actix::prelude::*;
use slab::Slab;
use tokio::time::sleep_until;

use crate::clock;

/// What is nearer than this is not looked after by every packet.
const SOON: Duration = Duration::from_millis(500);

/// Pulses are felt at multiples of this, and are multiples of it themselves, so that one wake-up serves several.
const PULSES_TOGETHER: Duration = Duration::from_millis(50);

/// To the owner of an alarm: the time has come.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Due {
    /// To do what it was set for.
    pub alarm: bool,
    /// To do what is to be done every so often.
    pub pulse: bool,
}

/// When its owner has something to do. Silent until it is started.
#[derive(Default)]
pub(crate) struct Alarm {
    place: Option<(Rc<AlarmClock>, usize)>,
}

impl Alarm {
    /// Rings at `door` from now on, and gives a pulse that often, to 50 ms.
    pub(crate) fn start(&mut self, door: Recipient<Due>, pulse: Duration) {
        debug_assert!(self.place.is_none(), "it was started before");
        let clock = HERE.with(Rc::clone);
        let place = clock.enter(Owner { door, pulse });
        self.place = Some((clock, place));
    }

    /// It is not set, or only for later: something more urgent may have come up.
    pub(crate) fn may_oversleep(&self, now: Instant) -> bool {
        let due =
            (self.place.as_ref()).and_then(|(clock, place)| clock.times.borrow()[*place].alarm);
        due.is_none_or(|due| due > now + SOON)
    }

    /// Rings then. A [`Due`] that is already in the mailbox still comes.
    pub(crate) fn set(&self, due: Option<Instant>) {
        let Some((clock, place)) = &self.place else {
            return;
        };
        clock.times.borrow_mut()[*place].alarm = due;
        if let Some(due) = due {
            clock.look_at(due);
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some((clock, place)) = &self.place {
            clock.leave(*place);
        }
    }
}

thread_local! {
    static HERE: Rc<AlarmClock> = Rc::new(AlarmClock::new());
}

/// The alarms of an arbiter.
struct AlarmClock {
    zero: Instant,
    owners: RefCell<Slab<Owner>>,
    /// By the keys of `owners`.
    times: RefCell<Vec<Times>>,
    /// When the next look is due; early where an alarm was moved to later since.
    next: Cell<Option<Instant>>,
    /// The task that looks.
    watch: RefCell<Option<Waker>>,
    watched: Cell<bool>,
}

/// Whose an alarm is.
struct Owner {
    door: Recipient<Due>,
    /// From one pulse to the next.
    pulse: Duration,
}

/// Of one alarm. Small, because the next is found by looking through all.
#[derive(Clone, Copy, Default)]
struct Times {
    alarm: Option<Instant>,
    /// `None` where nobody lives.
    pulse: Option<Instant>,
}

impl AlarmClock {
    fn new() -> Self {
        Self {
            zero: clock::instant(),
            owners: RefCell::default(),
            times: RefCell::default(),
            next: Cell::default(),
            watch: RefCell::default(),
            watched: Cell::default(),
        }
    }

    fn enter(self: &Rc<Self>, owner: Owner) -> usize {
        let rest = owner.pulse.as_nanos() % PULSES_TOGETHER.as_nanos();
        debug_assert!(
            !owner.pulse.is_zero() && rest == 0,
            "it would fall out of step"
        );
        let pulse = self.together(clock::instant() + owner.pulse);
        let place = self.owners.borrow_mut().insert(owner);
        let times = &mut *self.times.borrow_mut();
        times.resize(times.len().max(place + 1), Times::default());
        times[place] = Times {
            alarm: None,
            pulse: Some(pulse),
        };
        self.look_at(pulse);
        if !self.watched.replace(true) {
            actix::spawn(watch(Watch(Rc::clone(self))));
        }
        place
    }

    fn leave(&self, place: usize) {
        self.owners.borrow_mut().remove(place);
        self.times.borrow_mut()[place] = Times::default();
    }

    /// The latest moment until then at which others feel their pulse as well.
    fn together(&self, at: Instant) -> Instant {
        let since = at.saturating_duration_since(self.zero);
        let past = u64::try_from(since.as_nanos() % PULSES_TOGETHER.as_nanos()).unwrap_or(0);
        self.zero + since.saturating_sub(Duration::from_nanos(past))
    }

    /// Sees to it that a look is taken then at the latest.
    fn look_at(&self, due: Instant) {
        if self.next.get().is_none_or(|next| due < next) {
            self.next.set(Some(due));
            if let Some(watch) = self.watch.take() {
                watch.wake();
            }
        }
    }

    /// Rings all that are due.
    fn look(&self) {
        let now = clock::instant();
        let mut next = None;
        let owners = self.owners.borrow();
        for (place, times) in self.times.borrow_mut().iter_mut().enumerate() {
            let is_due = |time: Option<Instant>| time.is_some_and(|time| time <= now);
            let due = Due {
                alarm: is_due(times.alarm),
                pulse: is_due(times.pulse),
            };
            if (due.alarm || due.pulse)
                && let Some(Owner { door, pulse }) = owners.get(place)
            {
                times.alarm = times.alarm.filter(|_| !due.alarm);
                // After a stall at its own time again, but not at once: what is measured once a second should be.
                let soon = now + *pulse / 2;
                while let Some(at) = times.pulse.as_mut().filter(|at| due.pulse && **at <= soon) {
                    *at += *pulse;
                }
                door.do_send(due);
            }
            next = [next, times.alarm, times.pulse].into_iter().flatten().min();
        }
        self.next.set(next);
    }
}

/// Nobody watches any more once it is dropped.
struct Watch(Rc<AlarmClock>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.watched.set(false);
    }
}

/// Looks whenever something is due, until nobody lives here.
async fn watch(watch: Watch) {
    let clock = &watch.0;
    let mut sleep = pin!(sleep_until(clock.zero.into()));
    let mut set_to = None;
    std::future::poll_fn(|cx| {
        while let Some(next) = clock.next.get() {
            if set_to != Some(next) {
                set_to = Some(next);
                sleep.as_mut().reset(next.into());
            }
            *clock.watch.borrow_mut() = Some(cx.waker().clone());
            ready!(sleep.as_mut().poll(cx));
            set_to = None;
            clock.look();
        }
        Poll::Ready(())
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);

    /// Writes down when it was rung, and when it felt its pulse, since it began.
    struct Sleeper {
        began: Instant,
        alarm: Alarm,
        rung: Vec<u128>,
        pulses: Vec<u128>,
    }

    impl Sleeper {
        fn since_then(began: Instant) -> Self {
            Self {
                began,
                alarm: Alarm::default(),
                rung: Vec::new(),
                pulses: Vec::new(),
            }
        }

        /// In milliseconds, to ten: timers run a little late.
        fn since(&self) -> u128 {
            (clock::instant() - self.began).as_millis() / 10 * 10
        }
    }

    impl Actor for Sleeper {
        type Context = Context<Self>;

        fn started(&mut self, ctx: &mut Self::Context) {
            self.alarm.start(ctx.address().recipient(), SECOND);
        }
    }

    impl Handler<Due> for Sleeper {
        type Result = ();

        fn handle(&mut self, due: Due, _: &mut Self::Context) {
            let since = self.since();
            self.rung.extend(due.alarm.then_some(since));
            self.pulses.extend(due.pulse.then_some(since));
        }
    }

    /// Set the alarm to so long after the beginning, or take it away.
    #[derive(Message)]
    #[rtype(result = "()")]
    struct Set(Option<Duration>);

    impl Handler<Set> for Sleeper {
        type Result = ();

        fn handle(&mut self, Set(due): Set, _: &mut Self::Context) {
            self.alarm.set(due.map(|due| self.began + due));
        }
    }

    /// How it ends.
    #[derive(Message)]
    #[rtype(result = "()")]
    enum End {
        Goes,
        Panics,
    }

    impl Handler<End> for Sleeper {
        type Result = ();

        fn handle(&mut self, end: End, ctx: &mut Self::Context) {
            match end {
                End::Goes => ctx.stop(),
                End::Panics => panic!("a nightmare, as the test wants"),
            }
        }
    }

    /// When it was rung, and when it felt its pulse.
    #[derive(Message)]
    #[rtype(result = "(Vec<u128>, Vec<u128>)")]
    struct Nights;

    impl Handler<Nights> for Sleeper {
        type Result = MessageResult<Nights>;

        fn handle(&mut self, _: Nights, _: &mut Self::Context) -> Self::Result {
            MessageResult((self.rung.clone(), self.pulses.clone()))
        }
    }

    /// Sets the alarm at these times, all in milliseconds since the beginning, and looks on until the last.
    async fn nights(set: &[(u64, Option<u64>)], until: u64) -> (Vec<u128>, Vec<u128>) {
        tokio::time::pause();
        let began = clock::instant();
        let sleeper = Sleeper::since_then(began).start();
        let at = |ms| sleep_until((began + MS * u32::try_from(ms).unwrap()).into());
        for &(when, due) in set {
            at(when).await;
            sleeper
                .send(Set(due.map(Duration::from_millis)))
                .await
                .unwrap();
        }
        at(until).await;
        sleeper.send(Nights).await.unwrap()
    }

    #[actix::test]
    async fn one_that_is_moved_earlier_rings_once_and_the_pulse_goes_on() {
        let (rung, pulses) = nights(&[(0, Some(10_000)), (50, Some(100))], 3_500).await;
        assert_eq!(rung, [100]);
        assert_eq!(pulses, [1_000, 2_000, 3_000]);
    }

    #[actix::test]
    async fn one_that_is_moved_later_rings_once_and_the_pulse_goes_on() {
        let (rung, pulses) = nights(&[(0, Some(100)), (50, Some(2_500))], 3_500).await;
        assert_eq!(rung, [2_500]);
        assert_eq!(pulses, [1_000, 2_000, 3_000]);
    }

    #[actix::test]
    async fn one_that_is_taken_away_does_not_ring() {
        let (rung, pulses) = nights(&[(0, Some(100)), (50, None)], 2_500).await;
        assert!(rung.is_empty());
        assert_eq!(pulses, [1_000, 2_000]);
    }

    #[actix::test]
    async fn one_that_is_set_to_a_time_past_rings_at_once() {
        let (rung, pulses) = nights(&[(1_500, Some(20))], 2_500).await;
        assert_eq!(rung, [1_500]);
        assert_eq!(pulses, [1_000, 2_000]);
    }

    #[actix::test]
    async fn those_who_came_within_a_moment_feel_their_pulse_together() {
        tokio::time::pause();
        let began = clock::instant();
        let first = Sleeper::since_then(began).start();
        sleep_until((began + 30 * MS).into()).await;
        let second = Sleeper::since_then(began).start();
        sleep_until((began + 3_500 * MS).into()).await;
        let (_, first) = first.send(Nights).await.unwrap();
        let (_, second) = second.send(Nights).await.unwrap();
        assert_eq!(first, [1_000, 2_000, 3_000]);
        assert_eq!(second, first);
    }

    #[actix::test]
    async fn who_is_gone_is_not_rung_and_who_comes_later_is() {
        tokio::time::pause();
        let began = clock::instant();
        HERE.with(|clock| {
            let nobody = clock
                .times
                .borrow()
                .iter()
                .all(|times| times.pulse.is_none());
            assert!(nobody && !clock.watched.get());
        });
        for (from, end) in [(0, End::Panics), (5_000, End::Goes), (10_000, End::Goes)] {
            sleep_until((began + MS * from).into()).await;
            let sleeper = Sleeper::since_then(began + MS * from).start();
            sleep_until((began + MS * (from + 2_500)).into()).await;
            let (_, pulses) = sleeper.send(Nights).await.unwrap();
            assert_eq!(pulses, [1_000, 2_000]);
            sleeper.do_send(end);
            sleep_until((began + MS * (from + 4_500)).into()).await;
            let watched = HERE.with(|clock| clock.watched.get());
            assert!(!watched, "nobody is there to be rung");
        }
    }

    #[actix::test]
    async fn a_stall_moves_nobodys_pulse() {
        tokio::time::pause();
        let began = clock::instant();
        let first = Sleeper::since_then(began).start();
        sleep_until((began + 500 * MS).into()).await;
        let second = Sleeper::since_then(began).start();
        sleep_until((began + 1_700 * MS).into()).await;
        tokio::time::advance(2_100 * MS).await;
        sleep_until((began + 5_700 * MS).into()).await;
        let (_, first) = first.send(Nights).await.unwrap();
        let (_, second) = second.send(Nights).await.unwrap();
        assert_eq!(first, [1_000, 3_800, 5_000], "not again after 200 ms");
        assert_eq!(second, [1_500, 3_800, 4_500, 5_500]);
    }
}
