//! Roles: who is host, and who becomes it when the host goes.

use calls_model::{ParticipantId, Role};

use super::{Effect, Membership};
use crate::calls::ModerateRefused;

impl Membership {
    /// Gives a role. Giving `host` takes it from whoever had it; a host who takes another role hands over.
    ///
    /// # Errors
    ///
    /// Nobody of that id is inside.
    pub fn set_role(
        &mut self,
        id: &ParticipantId,
        role: Role,
    ) -> Result<Vec<Effect>, ModerateRefused> {
        self.member(id).ok_or(ModerateRefused::NotFound)?;
        let mut effects = self.give(id, role);
        if role == Role::Host {
            effects.extend(self.depose_other_hosts(id));
        } else {
            effects.extend(self.hand_over_but_to(Some(id)));
        }
        Ok(effects)
    }

    /// Makes a host where there is none: the earliest moderator, else the earliest participant.
    pub(super) fn hand_over(&mut self) -> Vec<Effect> {
        self.hand_over_but_to(None)
    }

    fn hand_over_but_to(&mut self, not: Option<&ParticipantId>) -> Vec<Effect> {
        if self.inside().any(|member| member.role == Role::Host) {
            return Vec::new();
        }
        let earliest = |role: Role| {
            self.inside()
                .filter(|member| member.role == role && member.participant_id.as_ref() != not)
                .min_by_key(|member| (member.joined_at, member.participant_id.clone()))
                .and_then(|member| member.participant_id.clone())
        };
        match earliest(Role::Moderator).or_else(|| earliest(Role::Participant)) {
            Some(heir) => self.give(&heir, Role::Host),
            None => Vec::new(),
        }
    }

    pub(super) fn depose_other_hosts(&mut self, host: &ParticipantId) -> Vec<Effect> {
        let deposed: Vec<ParticipantId> = self
            .inside()
            .filter(|member| member.role == Role::Host)
            .filter_map(|member| member.participant_id.clone())
            .filter(|id| id != host)
            .collect();
        deposed
            .iter()
            .flat_map(|id| self.give(id, Role::Moderator))
            .collect()
    }

    fn give(&mut self, id: &ParticipantId, role: Role) -> Vec<Effect> {
        let mut effects = self.change(id, |place| place.member.role = role);
        if !effects.is_empty() {
            effects.push(Effect::RoleGiven(id.clone(), role));
        }
        effects
    }
}
