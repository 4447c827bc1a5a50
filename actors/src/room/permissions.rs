//! What those who do not moderate may do, and whom everybody sees large.

use calls_model::signal::{Event, Spotlight};
use calls_model::{Fact, HashChange, ParticipantId, RoomSettings, Source};

use super::Room;
use super::membership::Effect;
use crate::calls::ModerateRefused;

impl Room {
    /// What the room allows; a call without a room allows everything.
    pub(super) fn settings(&self) -> RoomSettings {
        self.model
            .as_ref()
            .map(|room| room.settings)
            .unwrap_or_default()
    }

    /// They may write in the chat.
    pub(super) fn may_write(&self, who: &ParticipantId) -> bool {
        self.settings().allow_chat || self.moderates(who)
    }

    /// Changes what is allowed, and tells everybody.
    ///
    /// # Errors
    ///
    /// A call that is not the session of a room has no rules that could change.
    pub(super) fn allow(
        &mut self,
        chat: Option<bool>,
        screen: Option<bool>,
        files: Option<bool>,
    ) -> Result<Fact, ModerateRefused> {
        let room = self.model.as_mut().ok_or(ModerateRefused::NoRoom)?;
        let settings = &mut room.settings;
        settings.allow_chat = chat.unwrap_or(settings.allow_chat);
        settings.allow_screen = screen.unwrap_or(settings.allow_screen);
        settings.allow_files = files.unwrap_or(settings.allow_files);
        let room = room.clone();
        self.tell_all(Event::Room(room.clone()));
        Ok(Fact::RoomUpdated {
            room,
            password_hash: HashChange::Keep,
        })
    }

    /// Ends the shares of those who may not share any more.
    pub(super) fn stop_unpermitted_screens(&mut self) -> Vec<Effect> {
        if self.settings().allow_screen {
            return Vec::new();
        }
        let sharing: Vec<ParticipantId> = self
            .members
            .inside()
            .filter(|member| member.screen && !member.role.moderates())
            .filter_map(|member| member.participant_id.clone())
            .collect();
        let sources = [Source::Screen, Source::ScreenAudio];
        sharing
            .iter()
            .flat_map(|who| sources.map(|source| (who, source)))
            .flat_map(|(who, source)| self.mute(who, source))
            .collect()
    }

    /// Shows somebody large to everybody, or nobody any more.
    pub(super) fn shine_on(&mut self, participant_id: Option<ParticipantId>) {
        self.spotlight.clone_from(&participant_id);
        self.tell_all(Event::Spotlight(Spotlight { participant_id }));
    }

    /// Tells whoever comes in whom everybody sees large.
    pub(super) fn tell_spotlight(&self, who: &ParticipantId) {
        if let Some(id) = &self.spotlight {
            let participant_id = Some(id.clone());
            self.tell(who, Event::Spotlight(Spotlight { participant_id }));
        }
    }

    fn moderates(&self, who: &ParticipantId) -> bool {
        self.members
            .member(who)
            .is_some_and(|member| member.role.moderates())
    }
}
