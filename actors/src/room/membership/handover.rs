//! Roles: who is host, and who becomes it when the host goes.

use calls_model::{ParticipantId, Role, UserId};

use super::{Effect, Membership};
use crate::calls::ModerateRefused;

impl Membership {
    /// Gives a role. Giving `host` takes it from whoever had it; a host who takes another role hands over.
    ///
    /// # Errors
    ///
    /// Nobody of that id is inside, or they are never host.
    pub fn set_role(
        &mut self,
        id: &ParticipantId,
        role: Role,
    ) -> Result<Vec<Effect>, ModerateRefused> {
        self.member(id).ok_or(ModerateRefused::NotFound)?;
        if role == Role::Host {
            return if self.hostless.contains(id) {
                Err(ModerateRefused::CannotHost)
            } else {
                Ok(self.crown(id))
            };
        }
        let was_host = self.is_host(id);
        let mut effects = self.give(id, role);
        if was_host {
            effects.extend(self.hand_over_but_to(Some(id)));
        }
        Ok(effects)
    }

    /// Somebody came to watch only, without a socket: nobody could be let in by them. A host among them hands over.
    pub fn only_watches(&mut self, id: &ParticipantId) -> Vec<Effect> {
        if !self.places.contains_key(id) {
            return Vec::new();
        }
        self.hostless.insert(id.clone());
        if !self.is_host(id) {
            return Vec::new();
        }
        let mut effects = self.give(id, Role::Participant);
        effects.extend(self.hand_over_but_to(Some(id)));
        effects
    }

    /// The role of somebody whom the application gives none: host is who is designated; where nobody is, the first
    /// to come in, unless they are a guest. Who comes again keeps what they had.
    pub(super) fn role_by_rules(
        &self,
        user: &UserId,
        inherited: Option<Role>,
        guest: bool,
    ) -> Role {
        let designated = self.rules.host.as_ref();
        let leads = match (designated, inherited) {
            (Some(host), _) if host == user => true,
            (_, Some(role)) => return role,
            (Some(_), None) => false,
            (None, None) => self.inside().all(|member| member.role != Role::Host),
        };
        if leads && !guest {
            Role::Host
        } else {
            Role::Participant
        }
    }

    pub(super) fn is_host(&self, id: &ParticipantId) -> bool {
        self.member(id)
            .is_some_and(|member| member.role == Role::Host)
    }

    /// Makes somebody inside the only host.
    pub(super) fn crown(&mut self, id: &ParticipantId) -> Vec<Effect> {
        if self.member(id).is_none() || self.hostless.contains(id) {
            return Vec::new();
        }
        let mut effects = self.give(id, Role::Host);
        effects.extend(self.depose_other_hosts(id));
        effects
    }

    /// Makes a host where there is none: the earliest moderator, else the earliest participant.
    pub(super) fn hand_over_but_to(&mut self, not: Option<&ParticipantId>) -> Vec<Effect> {
        if self.inside().any(|member| member.role == Role::Host) {
            return Vec::new();
        }
        let earliest = |role: Role| {
            self.inside()
                .filter(|member| member.role == role)
                .filter_map(|member| Some((member.joined_at, member.participant_id.as_ref()?)))
                .filter(|(_, id)| Some(*id) != not && !self.hostless.contains(id))
                .min()
                .map(|(_, id)| id.clone())
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
