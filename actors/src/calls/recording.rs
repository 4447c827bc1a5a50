//! What the world outside asks of recordings, passed on to the call.

use actix::prelude::*;
use calls_model::{CallId, Layout, ParticipantId, Recording, RecordingId, RecordingMode, UserId};

use super::{Calls, PATIENCE};
use crate::call::Call as CallActor;
use crate::recorder::StudioRefused;

/// Record a call. Answered when the first packet is on disk.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Recording, RecordRefused>")]
pub struct StartRecording {
    /// Which call.
    pub call_id: CallId,
    /// In whose name; the application itself where it is left out.
    pub by: Option<ParticipantId>,
    /// What it is made of.
    pub mode: RecordingMode,
    /// How pictures are arranged.
    pub layout: Option<Layout>,
    /// Compose while it is recorded.
    pub live: bool,
    /// Whom it is of; empty: everybody.
    pub participants: Vec<UserId>,
}

/// Record no more. Answered when all is written.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Recording, RecordRefused>")]
pub struct StopRecording {
    /// Which call.
    pub call_id: CallId,
    /// In whose name; the application itself where it is left out.
    pub by: Option<ParticipantId>,
}

/// Leave out what is said from now on, or keep it again.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Recording, RecordRefused>")]
pub struct PauseRecording {
    /// Which call.
    pub call_id: CallId,
    /// In whose name; the application itself where it is left out.
    pub by: Option<ParticipantId>,
    /// Which way.
    pub paused: bool,
}

/// From a member's own socket: start, or stop.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Recording, RecordRefused>")]
pub struct RecordAsked {
    /// Who.
    pub by: ParticipantId,
    /// Which way.
    pub on: bool,
    /// What it is made of.
    pub mode: Option<RecordingMode>,
}

/// Whether a call still records this. Where none does, all that it had to say of it is written before the answer.
#[derive(Debug, Clone, Message)]
#[rtype(result = "bool")]
pub struct RecordingLive {
    /// Which call.
    pub call_id: CallId,
    /// Which recording.
    pub recording_id: RecordingId,
}

/// Why something about a recording was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordRefused {
    /// No such call lives.
    #[error("call not found")]
    NotFound,
    /// It takes a moderator.
    #[error("only the host and moderators may record")]
    NotModerator,
    /// The server holds no key to what is said and shown.
    #[error("the room is encrypted end to end: the server cannot record it")]
    EndToEndEncrypted,
    /// The room's rules say no.
    #[error("the room does not allow recording")]
    NotAllowed,
    /// Nobody answered yet.
    #[error("the call was not answered yet")]
    NotAnswered,
    /// One at a time.
    #[error("{recording_id} runs already")]
    AlreadyRecording {
        /// The one that runs.
        recording_id: RecordingId,
    },
    /// There is nothing to stop or to pause.
    #[error("the call is not being recorded")]
    NotRecording,
    /// Nothing reached the disk.
    #[error("{reason}")]
    NotStarted {
        /// Why.
        reason: String,
    },
    /// No tape can be had.
    #[error(transparent)]
    Studio(#[from] StudioRefused),
    /// It could not be written down.
    #[error("the recording could not be stored")]
    NotStored,
    /// The actor that should answer is gone or too slow.
    #[error("call is not reachable right now")]
    Unreachable,
}

impl Calls {
    fn pass_recording<M>(
        &self,
        id: &CallId,
        verb: M,
    ) -> ResponseFuture<Result<Recording, RecordRefused>>
    where
        CallActor: Handler<M>,
        M: Message<Result = Result<Recording, RecordRefused>> + Send + 'static,
    {
        let call = self.call(id);
        Box::pin(async move {
            let call = call.ok_or(RecordRefused::NotFound)?;
            let answer = call.send(verb).timeout(PATIENCE).await;
            answer.unwrap_or(Err(RecordRefused::Unreachable))
        })
    }
}

impl Handler<StartRecording> for Calls {
    type Result = ResponseFuture<Result<Recording, RecordRefused>>;

    fn handle(&mut self, verb: StartRecording, _: &mut Self::Context) -> Self::Result {
        self.pass_recording(&verb.call_id.clone(), verb)
    }
}

impl Handler<StopRecording> for Calls {
    type Result = ResponseFuture<Result<Recording, RecordRefused>>;

    fn handle(&mut self, verb: StopRecording, _: &mut Self::Context) -> Self::Result {
        self.pass_recording(&verb.call_id.clone(), verb)
    }
}

impl Handler<PauseRecording> for Calls {
    type Result = ResponseFuture<Result<Recording, RecordRefused>>;

    fn handle(&mut self, verb: PauseRecording, _: &mut Self::Context) -> Self::Result {
        self.pass_recording(&verb.call_id.clone(), verb)
    }
}

impl Handler<RecordingLive> for Calls {
    type Result = ResponseFuture<bool>;

    fn handle(&mut self, asked: RecordingLive, _: &mut Self::Context) -> Self::Result {
        let call = self.call(&asked.call_id);
        let scribe = self.services.scribe.clone();
        Box::pin(async move {
            if let Some(call) = call
                // A call that is alive and slow may still record: nobody takes its files away.
                && call.send(asked).timeout(PATIENCE).await.unwrap_or(true)
            {
                return true;
            }
            let _ = scribe.flushed().await; // where nobody writes any more, nothing more is said
            false
        })
    }
}
