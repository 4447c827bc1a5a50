//! Moderation, done.

use calls_model::signal::{Event, Moderation, UnmuteAsked};
use calls_model::{Fact, HashChange, LeaveReason, ParticipantId, Source};

use super::announce::Written;
use super::membership::Effect;
use super::{Room, moderation};
use crate::calls::{ModerateRefused, Moderated};
use crate::metrics::LIMITS_HIT;
use crate::participant::Silence;

impl Room {
    /// Does what a moderator asks, or says why not.
    pub(super) fn moderate(
        &mut self,
        by: Option<&ParticipantId>,
        action: &Moderation,
    ) -> Result<(Moderated, Written), ModerateRefused> {
        let role = match by {
            None => None,
            Some(id) => Some(
                self.members
                    .member(id)
                    .ok_or(ModerateRefused::NotModerator)?
                    .role,
            ),
        };
        let about = moderation::target(action);
        let member = match about {
            None => None,
            Some(id) => Some(self.members.anybody(id).ok_or(ModerateRefused::NotFound)?),
        };
        moderation::permit(role, member, action)?;

        let gone = member.cloned();
        let at = self.services.clock.now();
        let mut muted = 0;
        let mut facts = Vec::new();
        let effects = match action {
            Moderation::Mute {
                participant_id,
                source,
            } => {
                let effects = self.mute(participant_id, source.unwrap_or(Source::Microphone));
                muted = u32::from(!effects.is_empty());
                effects
            }
            Moderation::MuteAll => {
                let effects = self.mute_everybody();
                let silenced = |effect: &&Effect| matches!(effect, Effect::MediaChanged(_));
                muted = effects.iter().filter(silenced).map(|_| 1).sum();
                effects
            }
            Moderation::Remove { participant_id } => self.members.remove(participant_id, at),
            Moderation::Kick { participant_id } => {
                self.members.leave(participant_id, LeaveReason::Kicked, at)
            }
            Moderation::Admit { participant_id } => {
                let admitted = self.members.admit(participant_id, at);
                if let Err(ModerateRefused::Full { .. }) = &admitted {
                    metrics::counter!(LIMITS_HIT, "limit" => "room").increment(1);
                }
                admitted?
            }
            Moderation::Deny { participant_id } => self.members.deny(participant_id, at)?,
            Moderation::Role {
                participant_id,
                role,
            } => self.members.set_role(participant_id, *role)?,
            Moderation::Lock { locked } => {
                facts.extend(self.lock(*locked));
                Vec::new()
            }
            Moderation::AdmitAll => self.members.admit_all(at),
            Moderation::LowerHands => self.lower_hands(),
            Moderation::LowerHand { participant_id } => self.members.hand(participant_id, false),
            Moderation::AskUnmute {
                participant_id,
                source,
            } => {
                let source = source.unwrap_or(Source::Microphone);
                self.tell(participant_id, Event::UnmuteAsked(UnmuteAsked { source }));
                Vec::new()
            }
            Moderation::Spotlight { participant_id } => {
                self.shine_on(participant_id.clone());
                Vec::new()
            }
            Moderation::Permit {
                chat,
                screen,
                files,
            } => {
                facts.push(self.allow(*chat, *screen, *files)?);
                self.stop_unpermitted_screens()
            }
        };
        let performed = self.perform(effects);
        let recorded = self.record(facts);
        let written: Written = Box::pin(async move {
            performed.await?;
            recorded.await
        });
        let member = about
            .and_then(|id| self.members.anybody(id).cloned())
            .or(gone);
        Ok((Moderated { muted, member }, written))
    }

    pub(super) fn mute(&mut self, id: &ParticipantId, source: Source) -> Vec<Effect> {
        if !self.publishers.mute(id, source) {
            return Vec::new();
        }
        if let Some(door) = self.doors.get(id) {
            door.silence.do_send(Silence { source });
        }
        self.restage();
        let open = self.publishers.open_sources(id);
        let effects = self.members.publishes(id, &open);
        if source == Source::ScreenAudio {
            vec![Effect::Updated(id.clone())]
        } else {
            effects
        }
    }

    fn mute_everybody(&mut self) -> Vec<Effect> {
        let ids: Vec<ParticipantId> = self
            .members
            .inside()
            .filter(|member| !member.role.moderates())
            .filter_map(|member| member.participant_id.clone())
            .collect();
        ids.iter()
            .flat_map(|id| self.mute(id, Source::Microphone))
            .collect()
    }

    fn lock(&mut self, locked: bool) -> Option<Fact> {
        self.members.set_locked(locked);
        self.report();
        let room = self.model.as_mut()?;
        room.locked = locked;
        let room = room.clone();
        self.tell_all(Event::Room(room.clone()));
        Some(Fact::RoomUpdated {
            room,
            password_hash: HashChange::Keep,
        })
    }

    fn lower_hands(&mut self) -> Vec<Effect> {
        let ids: Vec<ParticipantId> = self
            .members
            .inside()
            .filter(|member| member.hand)
            .filter_map(|member| member.participant_id.clone())
            .collect();
        ids.iter()
            .flat_map(|id| self.members.hand(id, false))
            .collect()
    }
}
