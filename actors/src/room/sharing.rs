//! Files in the chat: who may share them, and with whom.

use actix::prelude::*;
use calls_model::{ParticipantId, SharedFile};

use super::Room;
use crate::calls::ShareRefused;

/// A member shares a file; without one it is only asked whether they may.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), ShareRefused>")]
pub struct ShareInRoom {
    /// Who.
    pub by: ParticipantId,
    /// With whom alone; else with all.
    pub to: Option<ParticipantId>,
    /// What, once it is kept.
    pub file: Option<Box<SharedFile>>,
}

impl Room {
    fn may_share(
        &self,
        by: &ParticipantId,
        to: Option<&ParticipantId>,
    ) -> Result<(), ShareRefused> {
        let member = self.members.member(by);
        let role = member.ok_or(ShareRefused::NotAdmitted)?.role;
        if !self.settings().allow_files && !role.moderates() {
            return Err(ShareRefused::NotPermitted);
        }
        match to {
            Some(to) if self.members.member(to).is_none() => Err(ShareRefused::NoSuchParticipant),
            _ => Ok(()),
        }
    }
}

impl Handler<ShareInRoom> for Room {
    type Result = Result<(), ShareRefused>;

    fn handle(&mut self, share: ShareInRoom, _: &mut Self::Context) -> Self::Result {
        let ShareInRoom { by, to, file } = share;
        self.may_share(&by, to.as_ref())?;
        if let Some(file) = file {
            let text = file.name.as_str().parse().expect("a file's name is a text");
            self.tell_chat(&by, text, to, Some(file));
        }
        Ok(())
    }
}
