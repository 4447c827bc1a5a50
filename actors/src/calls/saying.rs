//! Words said aloud in a call by the server itself.

use actix::prelude::*;
use calls_model::{CallId, ParticipantId};

use super::{Calls, JoinRefused, PATIENCE};
use crate::announcer::Speech;
use crate::call::Call;
use crate::room::announcing::SayInRoom;

/// Say this in a call, with the voice of a bot whom everybody sees. Answered when it is on its way, with whose voice
/// it is.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<ParticipantId, SayRefused>")]
pub struct Say {
    /// In which call.
    pub call_id: CallId,
    /// In whose name; the application itself where it is left out.
    pub by: Option<ParticipantId>,
    /// What.
    pub speech: Speech,
}

/// Whether something might be said in a call: asked before anything is synthesized.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), SayRefused>")]
pub struct MaySay {
    /// In which call.
    pub call_id: CallId,
    /// In whose name; the application itself where it is left out.
    pub by: Option<ParticipantId>,
}

/// Why it was not said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SayRefused {
    /// No such call lives.
    #[error("call not found")]
    NotFound,
    /// Nobody has answered yet.
    #[error("nobody has answered this call yet")]
    NotAnswered,
    /// Nobody could understand what the server says.
    #[error("the room is encrypted end to end: the server cannot speak in it")]
    EndToEndEncrypted,
    /// Whoever asks does not moderate.
    #[error("only those who moderate may do this")]
    NotModerator,
    /// Two minutes of speech wait already.
    #[error("too much waits to be said")]
    TooMuch,
    /// The bot may not come in.
    #[error(transparent)]
    Join(#[from] JoinRefused),
    /// It could not be written down.
    #[error("the bot's presence could not be stored")]
    NotStored,
    /// The actor that should answer is gone or too slow.
    #[error("call is not reachable right now")]
    Unreachable,
}

impl Handler<Say> for Calls {
    type Result = ResponseFuture<Result<ParticipantId, SayRefused>>;

    fn handle(&mut self, say: Say, _: &mut Self::Context) -> Self::Result {
        let call = self.call(&say.call_id);
        let verb = SayInRoom {
            by: say.by,
            speech: say.speech,
        };
        Box::pin(async move {
            let call = call.ok_or(SayRefused::NotFound)?;
            let answer = call.send(verb).timeout(PATIENCE).await;
            answer.unwrap_or(Err(SayRefused::Unreachable))
        })
    }
}

impl Handler<MaySay> for Calls {
    type Result = ResponseFuture<Result<(), SayRefused>>;

    fn handle(&mut self, asked: MaySay, _: &mut Self::Context) -> Self::Result {
        let call = self.call(&asked.call_id);
        Box::pin(async move {
            let call = call.ok_or(SayRefused::NotFound)?;
            let answer = call.send(asked).timeout(PATIENCE).await;
            answer.unwrap_or(Err(SayRefused::Unreachable))
        })
    }
}

impl Handler<MaySay> for Call {
    type Result = Result<(), SayRefused>;

    fn handle(&mut self, asked: MaySay, _: &mut Self::Context) -> Self::Result {
        self.to_say_in()?;
        let moderates = self.moderates(asked.by.as_ref());
        moderates.then_some(()).ok_or(SayRefused::NotModerator)
    }
}

impl Handler<SayInRoom> for Call {
    type Result = ResponseFuture<Result<ParticipantId, SayRefused>>;

    fn handle(&mut self, say: SayInRoom, _: &mut Self::Context) -> Self::Result {
        let room = match self.to_say_in() {
            Ok(room) => room,
            Err(refused) => return Box::pin(std::future::ready(Err(refused))),
        };
        Box::pin(async move {
            let answer = room.send(say).timeout(PATIENCE).await;
            answer.unwrap_or(Err(SayRefused::Unreachable))
        })
    }
}
