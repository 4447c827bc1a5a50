//! Who is in a room and who waits at its door: the decisions, without any mailbox.

mod effect;
mod handover;

use std::collections::{BTreeMap, HashSet};

use calls_model::rest::Admission;
use calls_model::{
    DisplayName, LeaveReason, Member, MemberInput, MemberState, ParticipantId, Role, Source,
    Timestamp, UserId,
};

pub use self::effect::Effect;
use crate::calls::{JoinRefused, ModerateRefused};
use crate::participant::Bounds;

/// Most who wait at one door; more are told that the room is full.
const MAX_WAITING: usize = 100;

/// The rules by which a room lets people in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How many may be inside.
    pub limit: u32,
    /// Members wait until a moderator admits them.
    pub waiting_room: bool,
    /// Nobody else may come in, but for the designated host.
    pub locked: bool,
    /// Who is host whenever they come in; the first to come in where there is none.
    pub host: Option<UserId>,
}

impl Rules {
    /// The rules of a room of the model.
    pub fn of(room: &calls_model::Room) -> Self {
        Self {
            limit: room.max_participants,
            waiting_room: room.settings.waiting_room,
            locked: room.locked,
            host: room.host.clone(),
        }
    }
}

/// Somebody at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newcomer {
    /// This presence.
    pub participant_id: ParticipantId,
    /// Whose.
    pub user_id: UserId,
    /// What their tile shows.
    pub display_name: Option<DisplayName>,
    /// A role that the application gives.
    pub role: Option<Role>,
    /// Made for one offer of WHIP or WHEP: nobody who could be host.
    pub guest: bool,
    /// Nobody else is to learn of them.
    pub hidden: bool,
}

#[derive(Debug, Clone)]
struct Place {
    member: Member,
    state: MemberState,
}

impl Place {
    fn is_inside(&self) -> bool {
        self.state != MemberState::Waiting
    }

    fn takes_a_seat(&self) -> bool {
        self.is_inside() && !self.member.hidden
    }
}

/// Everybody of one room.
#[derive(Debug)]
pub struct Membership {
    rules: Rules,
    most_hidden: u32,
    places: BTreeMap<ParticipantId, Place>,
    banned: HashSet<UserId>,
    /// Presences that are never host by themselves: guests, and those who came only to watch.
    hostless: HashSet<ParticipantId>,
}

impl Membership {
    /// An empty room.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            most_hidden: Bounds::default().hidden,
            places: BTreeMap::new(),
            banned: HashSet::new(),
            hostless: HashSet::new(),
        }
    }

    /// Lets in so many hidden ones, beside the others.
    pub fn set_most_hidden(&mut self, most: u32) {
        self.most_hidden = most;
    }

    /// A room as it was before its crash; everybody still has to find back.
    pub fn restore(
        rules: Rules,
        inside: Vec<Member>,
        waiting: Vec<Member>,
        banned: Vec<UserId>,
        hostless: Vec<ParticipantId>,
    ) -> Self {
        let inside = inside
            .into_iter()
            .map(|member| (member, MemberState::Reconnecting));
        let waiting = waiting
            .into_iter()
            .map(|member| (member, MemberState::Waiting));
        let places = inside
            .chain(waiting)
            .filter_map(|(member, state)| {
                let id = member.participant_id.clone()?;
                Some((id, Place { member, state }))
            })
            .collect();
        Self {
            rules,
            most_hidden: Bounds::default().hidden,
            places,
            banned: banned.into_iter().collect(),
            hostless: hostless.into_iter().collect(),
        }
    }

    /// The present rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Changes the rules; those inside stay inside. Somebody who is designated host now, and was not before, is host
    /// at once if they are inside.
    pub fn set_rules(&mut self, rules: Rules) -> Vec<Effect> {
        let before = std::mem::replace(&mut self.rules, rules);
        if before.host == self.rules.host {
            return Vec::new();
        }
        let host = self.rules.host.as_ref();
        let host = host.and_then(|host| self.presence_of(host)).cloned();
        host.map(|host| self.crown(&host)).unwrap_or_default()
    }

    /// Locks or unlocks the door.
    pub fn set_locked(&mut self, locked: bool) {
        self.rules.locked = locked;
    }

    /// Lets somebody in, or to the waiting room. Their earlier presence is replaced.
    ///
    /// # Errors
    ///
    /// See [`JoinRefused`].
    pub fn join(
        &mut self,
        newcomer: Newcomer,
        now: Timestamp,
    ) -> Result<(Admission, Role, Vec<Effect>), JoinRefused> {
        if self.banned.contains(&newcomer.user_id) {
            return Err(JoinRefused::Removed);
        }
        let earlier = self
            .of_user(&newcomer.user_id)
            .map(|(id, place)| (id.clone(), place.is_inside(), place.member.role));
        let was_inside = earlier.as_ref().is_some_and(|(_, inside, _)| *inside);
        let had_seat = self
            .of_user(&newcomer.user_id)
            .is_some_and(|(_, place)| place.takes_a_seat());
        let inherited = earlier
            .as_ref()
            .filter(|_| was_inside)
            .map(|(_, _, role)| *role);
        let Newcomer { guest, hidden, .. } = newcomer;
        let role = newcomer
            .role
            .unwrap_or_else(|| self.role_by_rules(&newcomer.user_id, inherited, guest || hidden));
        // Nobody brings a bot, or somebody hidden, but the application, or a moderator.
        let welcome = was_inside || role.moderates() || role == Role::Bot || hidden;

        if self.rules.locked && !welcome {
            return Err(JoinRefused::Locked);
        }
        let waits = self.rules.waiting_room && !welcome;
        let limit = if hidden {
            self.most_hidden
        } else {
            self.rules.limit
        };
        let full = if waits {
            self.waiting().count() >= MAX_WAITING
        } else if hidden {
            self.inside().filter(|member| member.hidden).count() >= limit as usize
        } else {
            self.count() - usize::from(had_seat) >= limit as usize
        };
        if full {
            return Err(JoinRefused::Full { limit });
        }

        let mut effects = Vec::new();
        if let Some((id, _, _)) = earlier {
            // No hand-over in between: the newcomer inherits.
            effects.extend(self.take_out(&id, LeaveReason::Replaced, now));
        }
        let id = newcomer.participant_id;
        let member = Member {
            user_id: newcomer.user_id,
            role,
            audio: false,
            video: false,
            joined_at: now,
            participant_id: Some(id.clone()),
            display_name: newcomer.display_name,
            screen: false,
            hand: false,
            reconnecting: false,
            left_at: None,
            hidden,
        };
        let state = if waits {
            MemberState::Waiting
        } else {
            MemberState::Joining
        };
        self.places.insert(id.clone(), Place { member, state });
        if guest || hidden {
            self.hostless.insert(id.clone());
        }
        if waits {
            effects.push(Effect::QueueChanged);
            return Ok((Admission::Waiting, role, effects));
        }
        if role == Role::Host {
            effects.extend(self.depose_other_hosts(&id));
        }
        effects.push(Effect::Joined(id));
        Ok((Admission::Admitted, role, effects))
    }

    /// Takes somebody out; twice is nothing.
    pub fn leave(
        &mut self,
        id: &ParticipantId,
        reason: LeaveReason,
        now: Timestamp,
    ) -> Vec<Effect> {
        let was_host = self.is_host(id);
        let mut effects = self.take_out(id, reason, now);
        if effects.is_empty() {
            return effects;
        }
        if was_host {
            effects.extend(self.hand_over_but_to(None));
        }
        if self.count() == 0 {
            effects.push(Effect::Empty);
        }
        effects
    }

    fn take_out(&mut self, id: &ParticipantId, reason: LeaveReason, now: Timestamp) -> Vec<Effect> {
        let Some(mut place) = self.places.remove(id) else {
            return Vec::new();
        };
        self.hostless.remove(id);
        if !place.is_inside() {
            return vec![Effect::Dismissed(id.clone(), reason), Effect::QueueChanged];
        }
        place.member.left_at = Some(now);
        vec![Effect::Left(Box::new(place.member), reason)]
    }

    /// Takes somebody out and does not let their user in again.
    pub fn remove(&mut self, id: &ParticipantId, now: Timestamp) -> Vec<Effect> {
        if let Some(place) = self.places.get(id) {
            self.banned.insert(place.member.user_id.clone());
        }
        self.leave(id, LeaveReason::Removed, now)
    }

    /// Lets somebody in from the waiting room. Inside already: nothing to do.
    ///
    /// # Errors
    ///
    /// Nobody of that id is there, or the room is full.
    pub fn admit(
        &mut self,
        id: &ParticipantId,
        now: Timestamp,
    ) -> Result<Vec<Effect>, ModerateRefused> {
        let limit = self.rules.limit;
        let full = self.count() >= limit as usize;
        let place = self.places.get_mut(id).ok_or(ModerateRefused::NotFound)?;
        if place.is_inside() {
            return Ok(Vec::new());
        }
        if full {
            return Err(ModerateRefused::Full { limit });
        }
        place.state = place.state.on(MemberInput::Admit);
        place.member.joined_at = now;
        let id = id.clone();
        Ok(vec![
            Effect::Admitted(id.clone()),
            Effect::Joined(id),
            Effect::QueueChanged,
        ])
    }

    /// Lets everybody in from the waiting room, first come first, as long as there is room.
    pub fn admit_all(&mut self, now: Timestamp) -> Vec<Effect> {
        let waiting: Vec<ParticipantId> = self
            .waiting()
            .filter_map(|member| member.participant_id.clone())
            .collect();
        waiting
            .iter()
            .map_while(|id| self.admit(id, now).ok())
            .flatten()
            .collect()
    }

    /// Does not let somebody in from the waiting room.
    ///
    /// # Errors
    ///
    /// Nobody of that id waits.
    pub fn deny(
        &mut self,
        id: &ParticipantId,
        now: Timestamp,
    ) -> Result<Vec<Effect>, ModerateRefused> {
        if self.is_waiting(id) {
            Ok(self.leave(id, LeaveReason::Denied, now))
        } else {
            Err(ModerateRefused::NotFound)
        }
    }

    /// A socket came for them.
    pub fn attach(&mut self, id: &ParticipantId) -> Vec<Effect> {
        self.change(id, |place| {
            place.state = place.state.on(MemberInput::Attach);
            place.member.reconnecting = false;
        })
    }

    /// Their socket is gone.
    pub fn detach(&mut self, id: &ParticipantId) -> Vec<Effect> {
        let Some(place) = self.places.get_mut(id) else {
            return Vec::new();
        };
        place.state = place.state.on(MemberInput::Detach);
        if place.state != MemberState::Reconnecting || place.member.reconnecting {
            return Vec::new();
        }
        place.member.reconnecting = true;
        vec![Effect::Reconnecting(id.clone())]
    }

    /// What they publish and do not mute.
    pub fn publishes(&mut self, id: &ParticipantId, heard_or_seen: &[Source]) -> Vec<Effect> {
        let has = |source| heard_or_seen.contains(&source);
        let effects = self.change(id, |place| {
            place.member.audio = has(Source::Microphone);
            place.member.video = has(Source::Camera);
            place.member.screen = has(Source::Screen);
        });
        let changed = !effects.is_empty();
        effects
            .into_iter()
            .chain(changed.then(|| Effect::MediaChanged(id.clone())))
            .collect()
    }

    /// Raises or lowers a hand.
    pub fn hand(&mut self, id: &ParticipantId, up: bool) -> Vec<Effect> {
        let effects = self.change(id, |place| place.member.hand = up);
        let changed = !effects.is_empty();
        effects
            .into_iter()
            .chain(changed.then(|| Effect::Hand(id.clone(), up)))
            .collect()
    }

    fn change(&mut self, id: &ParticipantId, change: impl FnOnce(&mut Place)) -> Vec<Effect> {
        let Some(place) = self.places.get_mut(id) else {
            return Vec::new();
        };
        let before = place.member.clone();
        change(place);
        if place.is_inside() && place.member != before {
            vec![Effect::Updated(id.clone())]
        } else {
            Vec::new()
        }
    }

    /// Everybody inside, in order of their ids.
    pub fn inside(&self) -> impl Iterator<Item = &Member> {
        self.places
            .values()
            .filter(|place| place.is_inside())
            .map(|place| &place.member)
    }

    /// Everybody at the door, first come first.
    pub fn waiting(&self) -> impl Iterator<Item = &Member> {
        self.places
            .values()
            .filter(|place| !place.is_inside())
            .map(|place| &place.member)
    }

    /// How many are inside, as far as anybody is to know.
    pub fn count(&self) -> usize {
        self.places
            .values()
            .filter(|one| one.takes_a_seat())
            .count()
    }

    /// Nobody is inside.
    pub fn is_empty(&self) -> bool {
        self.inside().next().is_none()
    }

    /// Somebody inside.
    pub fn member(&self, id: &ParticipantId) -> Option<&Member> {
        self.places
            .get(id)
            .filter(|place| place.is_inside())
            .map(|place| &place.member)
    }

    /// Somebody inside or at the door.
    pub fn anybody(&self, id: &ParticipantId) -> Option<&Member> {
        self.places.get(id).map(|place| &place.member)
    }

    /// They are at the door.
    pub fn is_waiting(&self, id: &ParticipantId) -> bool {
        self.places.get(id).is_some_and(|place| !place.is_inside())
    }

    /// The presence of a user, inside or at the door.
    pub fn presence_of(&self, user: &UserId) -> Option<&ParticipantId> {
        self.of_user(user).map(|(id, _)| id)
    }

    fn of_user(&self, user: &UserId) -> Option<(&ParticipantId, &Place)> {
        self.places
            .iter()
            .find(|(_, place)| &place.member.user_id == user)
    }

    /// Somebody is inside who can let others in.
    pub fn is_moderated(&self) -> bool {
        self.inside().any(|member| member.role.moderates())
    }

    /// Presences that are never host by themselves.
    pub fn hostless(&self) -> impl Iterator<Item = &ParticipantId> {
        self.hostless.iter()
    }

    /// Users who were removed.
    pub fn banned(&self) -> impl Iterator<Item = &UserId> {
        self.banned.iter()
    }
}

#[cfg(test)]
mod tests;
