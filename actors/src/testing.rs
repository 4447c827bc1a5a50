//! What tests put where an actor, a clock or a database would be, and how they break things.

mod crash;
mod fakes;
mod member;

use std::sync::mpsc;

use actix::prelude::*;

pub use self::crash::{Crash, CrashActor, Victim};
pub(crate) use self::crash::{CrashTape, CrashWithin};
pub use self::fakes::{LocalPlaces, LocalSeats, MemoryJournal, TestClock, services};
pub use self::member::{Heard, ProbeMember};

/// Stands where an actor would and remembers everything of kind `M`.
pub struct Probe<M: Message + Send + 'static>
where
    M::Result: Send,
{
    door: Recipient<M>,
    heard: mpsc::Receiver<M>,
}

struct Ear<M> {
    tell: mpsc::Sender<M>,
}

impl<M: Unpin + 'static> Actor for Ear<M> {
    type Context = Context<Self>;
}

impl<M> Handler<M> for Ear<M>
where
    M: Message<Result = ()> + Send + Unpin + 'static,
{
    type Result = ();

    fn handle(&mut self, message: M, _: &mut Self::Context) {
        let _ = self.tell.send(message); // the test may be over already
    }
}

impl<M> Probe<M>
where
    M: Message<Result = ()> + Send + Unpin + 'static,
{
    /// Starts listening.
    #[must_use]
    pub fn start() -> Self {
        let (tell, heard) = mpsc::channel();
        let door = Ear { tell }.start().recipient();
        Self { door, heard }
    }

    /// Where to send.
    #[must_use]
    pub fn recipient(&self) -> Recipient<M> {
        self.door.clone()
    }

    /// Everything heard since the last time, once the mailboxes are quiet.
    pub async fn heard(&self) -> Vec<M> {
        settle().await;
        self.heard.try_iter().collect()
    }
}

/// Lets every mailbox of this arbiter become quiet.
pub async fn settle() {
    for _ in 0..256 {
        tokio::task::yield_now().await;
    }
}
