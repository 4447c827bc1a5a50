//! Files that members share in a call. What is in them never comes here: the border keeps it, and tells of it.

use actix::prelude::*;
use calls_model::{CallId, ParticipantId, SharedFile};

use super::{Calls, PATIENCE};
use crate::call::Call;
use crate::room::sharing::ShareInRoom;

/// A member shares a file. Without one it is only asked whether they may: before the file is sent.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), ShareRefused>")]
pub struct ShareFile {
    /// In which call.
    pub call_id: CallId,
    /// Who.
    pub by: ParticipantId,
    /// With whom alone; else with all.
    pub to: Option<ParticipantId>,
    /// What, once it is kept.
    pub file: Option<Box<SharedFile>>,
}

/// Why it was not shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShareRefused {
    /// No such call lives.
    #[error("call not found")]
    NotFound,
    /// Nobody has answered yet.
    #[error("nobody has answered this call yet")]
    NotAnswered,
    /// The server would hold what it must not be able to read.
    #[error("the room is encrypted end to end: files would be readable on the server")]
    EndToEndEncrypted,
    /// They wait at the door.
    #[error("a moderator has not let them in yet")]
    NotAdmitted,
    /// The moderators say who shares files.
    #[error("the moderators do not permit everybody to share files")]
    NotPermitted,
    /// Whoever should have it is not there.
    #[error("no such participant")]
    NoSuchParticipant,
    /// The actor that should answer is gone or too slow.
    #[error("call is not reachable right now")]
    Unreachable,
}

impl Handler<ShareFile> for Calls {
    type Result = ResponseFuture<Result<(), ShareRefused>>;

    fn handle(&mut self, share: ShareFile, _: &mut Self::Context) -> Self::Result {
        let call = self.call(&share.call_id);
        let verb = ShareInRoom {
            by: share.by,
            to: share.to,
            file: share.file,
        };
        Box::pin(async move {
            let call = call.ok_or(ShareRefused::NotFound)?;
            let answer = call.send(verb).timeout(PATIENCE).await;
            answer.unwrap_or(Err(ShareRefused::Unreachable))
        })
    }
}

impl Handler<ShareInRoom> for Call {
    type Result = ResponseFuture<Result<(), ShareRefused>>;

    fn handle(&mut self, share: ShareInRoom, _: &mut Self::Context) -> Self::Result {
        let room = match self.to_share_in() {
            Ok(room) => room,
            Err(refused) => return Box::pin(std::future::ready(Err(refused))),
        };
        Box::pin(async move {
            let answer = room.send(share).timeout(PATIENCE).await;
            answer.unwrap_or(Err(ShareRefused::Unreachable))
        })
    }
}
