//! Stands where a participant would, and remembers what its room says.

use std::sync::mpsc;

use actix::prelude::*;
use calls_model::signal::{ByeReason, Event};

use super::settle;
use crate::participant::{PutOut, Silence, Snapshot, StageChanged, Told, Watched};
use crate::room::door::MemberDoor;
use crate::room::{ClockTold, KeyframeWanted, Packets};

/// Something that a room said.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "named after what they carry")]
#[expect(clippy::large_enum_variant, reason = "a test keeps few of them")]
pub enum Heard {
    Packets(Packets),
    Clock(ClockTold),
    Keyframe(KeyframeWanted),
    Watched(Watched),
    Stage(StageChanged),
    Told(Event),
    Snapshot(Box<Snapshot>),
    Silence(Silence),
    Out(ByeReason),
}

/// Without a sender it hears and forgets.
struct Ear(Option<mpsc::Sender<Heard>>);

impl Actor for Ear {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(512);
    }
}

macro_rules! hears {
    ($($message:ident => $heard:expr;)*) => {$(
        impl Handler<$message> for Ear {
            type Result = ();

            fn handle(&mut self, message: $message, _: &mut Self::Context) {
                let heard: fn($message) -> Heard = $heard;
                if let Some(tell) = &self.0 {
                    let _ = tell.send(heard(message)); // the test may be over already
                }
            }
        }
    )*};
}

hears! {
    Packets => Heard::Packets;
    ClockTold => Heard::Clock;
    KeyframeWanted => Heard::Keyframe;
    Watched => Heard::Watched;
    StageChanged => Heard::Stage;
    Told => |told| Heard::Told(told.0.event().clone());
    Snapshot => |snapshot| Heard::Snapshot(Box::new(snapshot));
    Silence => Heard::Silence;
    PutOut => |out| Heard::Out(out.bye);
}

/// Answered when everything before it was heard.
#[derive(Message)]
#[rtype(result = "()")]
struct Quiet;

impl Handler<Quiet> for Ear {
    type Result = ();

    fn handle(&mut self, _: Quiet, _: &mut Self::Context) {}
}

/// A member that only listens.
pub struct ProbeMember {
    /// Where its room reaches it.
    pub door: MemberDoor,
    quiet: Recipient<Quiet>,
    heard: mpsc::Receiver<Heard>,
}

impl ProbeMember {
    /// Starts listening.
    #[must_use]
    pub fn start() -> Self {
        let (tell, heard) = mpsc::channel();
        Self::of(Ear(Some(tell)), heard)
    }

    /// One that forgets at once, for benches.
    #[must_use]
    pub fn forgetful() -> Self {
        Self::of(Ear(None), mpsc::channel().1)
    }

    fn of(ear: Ear, heard: mpsc::Receiver<Heard>) -> Self {
        let ear = ear.start();
        Self {
            door: MemberDoor::of(&ear, 0),
            quiet: ear.recipient(),
            heard,
        }
    }

    /// Waits until everything that was sent to it is heard.
    pub async fn nothing_waits(&self) {
        let _ = self.quiet.send(Quiet).await; // it may have ended
    }

    /// Everything heard since the last time, once the mailboxes are quiet.
    pub async fn heard(&self) -> Vec<Heard> {
        settle().await;
        self.heard.try_iter().collect()
    }

    /// The events among it.
    pub async fn events(&self) -> Vec<Event> {
        let heard = self.heard().await;
        let event = |one| {
            if let Heard::Told(event) = one {
                Some(event)
            } else {
                None
            }
        };
        heard.into_iter().filter_map(event).collect()
    }
}
