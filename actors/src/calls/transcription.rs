//! What the world outside asks of transcriptions, passed on to the call.

use actix::prelude::*;
use calls_model::{CallId, Language, ParticipantId, Transcription};

use super::{Calls, PATIENCE};
use crate::call::Call as CallActor;
use crate::transcriber::RecogniserRefused;

/// Transcribe a call.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Transcription, TranscribeRefused>")]
pub struct StartTranscription {
    /// Which call.
    pub call_id: CallId,
    /// In whose name; the application itself where it is left out.
    pub by: Option<ParticipantId>,
    /// What is spoken; the server's own default where it is left out.
    pub language: Option<Language>,
    /// The phrases that are listened for; empty: those of the room, else free speech.
    pub phrases: Vec<String>,
}

/// Transcribe no more. Answered when all that was said is understood.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Transcription, TranscribeRefused>")]
pub struct StopTranscription {
    /// Which call.
    pub call_id: CallId,
    /// In whose name; the application itself where it is left out.
    pub by: Option<ParticipantId>,
}

/// From a member's own socket: start, or stop.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Transcription, TranscribeRefused>")]
pub struct TranscribeAsked {
    /// Who.
    pub by: ParticipantId,
    /// Which way.
    pub on: bool,
    /// What is spoken.
    pub language: Option<Language>,
}

/// Why something about a transcription was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TranscribeRefused {
    /// No such call lives.
    #[error("call not found")]
    NotFound,
    /// It takes a moderator.
    #[error("only the host and moderators may transcribe")]
    NotModerator,
    /// The server holds no key to what is said.
    #[error("the room is encrypted end to end: the server cannot transcribe it")]
    EndToEndEncrypted,
    /// Nobody answered yet.
    #[error("the call was not answered yet")]
    NotAnswered,
    /// One at a time.
    #[error("the call is transcribed already")]
    AlreadyTranscribed,
    /// There is nothing to stop.
    #[error("the call is not being transcribed")]
    NotTranscribed,
    /// Nobody can listen.
    #[error(transparent)]
    Recogniser(#[from] RecogniserRefused),
    /// It could not be written down.
    #[error("the transcription could not be stored")]
    NotStored,
    /// The actor that should answer is gone or too slow.
    #[error("call is not reachable right now")]
    Unreachable,
}

type Answer = Result<Transcription, TranscribeRefused>;

impl Calls {
    fn pass_transcription<M>(&self, id: &CallId, verb: M) -> ResponseFuture<Answer>
    where
        CallActor: Handler<M>,
        M: Message<Result = Answer> + Send + 'static,
    {
        let call = self.call(id);
        Box::pin(async move {
            let call = call.ok_or(TranscribeRefused::NotFound)?;
            let answer = call.send(verb).timeout(PATIENCE).await;
            answer.unwrap_or(Err(TranscribeRefused::Unreachable))
        })
    }
}

impl Handler<StartTranscription> for Calls {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, verb: StartTranscription, _: &mut Self::Context) -> Self::Result {
        self.pass_transcription(&verb.call_id.clone(), verb)
    }
}

impl Handler<StopTranscription> for Calls {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, verb: StopTranscription, _: &mut Self::Context) -> Self::Result {
        self.pass_transcription(&verb.call_id.clone(), verb)
    }
}
