//! A participant's timer: its pulse, and whatever its connection has to do next. The latter is moved many times a second, so there
//! is one task that stays, and a move is a number written.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{self, Poll, ready};
use std::time::{Duration, Instant};

use actix::fut::ActorFuture;
use actix::prelude::*;
use tokio::time::{Sleep, sleep_until};

use super::PULSE;
use crate::clock;

/// What is nearer than this is not looked after by every packet.
const SOON: Duration = Duration::from_millis(500);

/// Who has an alarm.
pub(super) trait Alarmed: Actor<Context = Context<Self>> {
    /// Does what is due.
    fn ring(&mut self, ctx: &mut Context<Self>);

    /// Does what is to be done once a second.
    fn pulse(&mut self, ctx: &mut Context<Self>);
}

/// When the connection has something to do next.
#[derive(Default)]
pub(super) struct Alarm {
    due: Rc<Cell<Option<Instant>>>,
}

impl Alarm {
    /// Rings from now on, and gives the pulse.
    pub(super) fn start<A: Alarmed>(&self, ctx: &mut Context<A>) {
        let pulse = clock::instant() + PULSE;
        ctx.spawn(Waiting {
            sleep: Box::pin(sleep_until(pulse.into())),
            due: Rc::clone(&self.due),
            pulse,
            set_to: None,
        });
    }

    /// It is not set, or only for later: something more urgent may have come up.
    pub(super) fn may_oversleep(&self, now: Instant) -> bool {
        self.due.get().is_none_or(|due| due > now + SOON)
    }

    /// Rings then and not before; to be called while the actor handles a message, since nothing else looks at it.
    pub(super) fn set(&self, due: Option<Instant>) {
        self.due.set(due);
    }
}

/// Looked at after whatever the actor does, as all that is spawned in its context.
struct Waiting {
    sleep: Pin<Box<Sleep>>,
    due: Rc<Cell<Option<Instant>>>,
    pulse: Instant,
    set_to: Option<Instant>,
}

impl<A: Alarmed> ActorFuture<A> for Waiting {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        actor: &mut A,
        ctx: &mut Context<A>,
        cx: &mut task::Context<'_>,
    ) -> Poll<()> {
        let due = self.due.get().unwrap_or(self.pulse).min(self.pulse);
        if self.set_to != Some(due) {
            self.set_to = Some(due);
            self.sleep.as_mut().reset(due.into());
        } else if clock::instant() < due {
            return Poll::Pending; // what will wake us knows of us already, and costs more to ask than the time
        }
        ready!(self.sleep.as_mut().poll(cx));
        self.set_to = None;
        if self.due.get().is_some_and(|alarm| alarm <= due) {
            self.due.set(None);
            actor.ring(ctx);
        }
        if self.pulse <= due {
            self.pulse = (due + PULSE).max(clock::instant());
            actor.pulse(ctx);
        }
        // It may be set again, maybe to a time that is past.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Writes down when it was rung, and when it felt its pulse, since it began.
    struct Sleeper {
        began: Instant,
        alarm: Alarm,
        rung: Vec<u128>,
        pulses: Vec<u128>,
    }

    impl Sleeper {
        /// In milliseconds, to ten: timers run a little late.
        fn since(&self) -> u128 {
            (clock::instant() - self.began).as_millis() / 10 * 10
        }
    }

    impl Actor for Sleeper {
        type Context = Context<Self>;

        fn started(&mut self, ctx: &mut Self::Context) {
            self.alarm.start(ctx);
        }
    }

    impl Alarmed for Sleeper {
        fn ring(&mut self, _: &mut Context<Self>) {
            self.rung.push(self.since());
        }

        fn pulse(&mut self, _: &mut Context<Self>) {
            self.pulses.push(self.since());
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
        let sleeper = Sleeper {
            began,
            alarm: Alarm::default(),
            rung: Vec::new(),
            pulses: Vec::new(),
        };
        let sleeper = sleeper.start();
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
}
