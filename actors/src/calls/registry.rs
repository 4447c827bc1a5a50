//! Which calls live, what is known of each, and who is in one.

use std::collections::{HashMap, HashSet};

use actix::prelude::*;
use calls_model::{Account, CallId, CallState, Member, RoomId};

use crate::call::{Call, Memory};
use crate::restarts::RestartBudget;

/// All that is known of one call.
pub(super) struct Known {
    /// The actor.
    pub(super) address: Addr<Call>,
    /// What it last asked to keep.
    pub(super) memory: Memory,
    /// How often it may crash.
    pub(super) restarts: RestartBudget,
    /// Who talks in it.
    talking: HashSet<Account>,
}

/// Calls by id, by room and by user.
#[derive(Default)]
pub(super) struct Registry {
    calls: HashMap<CallId, Known>,
    sessions: HashMap<RoomId, CallId>,
    talking: HashMap<Account, HashSet<CallId>>,
}

impl Registry {
    /// A new call.
    pub(super) fn add(&mut self, address: Addr<Call>, memory: Memory) {
        let id = memory.life.id().clone();
        if let Some(room) = memory.life.room() {
            self.sessions.insert(room.room_id.clone(), id.clone());
        }
        let restarts = RestartBudget::three_a_minute();
        let known = Known {
            address,
            memory,
            restarts,
            talking: HashSet::new(),
        };
        self.calls.insert(id, known);
    }

    /// A call, if it lives.
    pub(super) fn get(&self, id: &CallId) -> Option<&Known> {
        self.calls.get(id)
    }

    /// The same, to change it.
    pub(super) fn get_mut(&mut self, id: &CallId) -> Option<&mut Known> {
        self.calls.get_mut(id)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Known> {
        self.calls.values()
    }

    /// The present session of a room.
    pub(super) fn session(&self, room: &RoomId) -> Option<&Known> {
        self.calls.get(self.sessions.get(room)?)
    }

    /// A room's session is over, even if its call still has to finish.
    pub(super) fn end_session(&mut self, room: &RoomId, call: &CallId) {
        if self.sessions.get(room) == Some(call) {
            self.sessions.remove(room);
        }
    }

    /// A call asks to keep this.
    pub(super) fn remember(&mut self, memory: Memory) {
        let id = memory.life.id().clone();
        let over = memory.life.is_over();
        let room = memory
            .life
            .room()
            .filter(|_| over)
            .map(|room| room.room_id.clone());
        let Some(known) = self.calls.get_mut(&id) else {
            return;
        };
        let active = memory.life.state() == CallState::Active;
        let inside = memory.roster.inside.iter();
        let inside = inside.filter(|member| active && !member.hidden);
        let org = memory.life.org().clone();
        let account = |member: &Member| Account {
            org: org.clone(),
            user: member.user_id.clone(),
        };
        let talking: HashSet<Account> = inside.map(account).collect();
        known.memory = memory;
        let before = std::mem::replace(&mut known.talking, talking.clone());
        for user in before.difference(&talking) {
            self.fall_silent(user, &id);
        }
        for user in talking {
            self.talking.entry(user).or_default().insert(id.clone());
        }
        if let Some(room) = room {
            self.end_session(&room, &id);
        }
    }

    /// A call is gone.
    pub(super) fn remove(&mut self, id: &CallId) -> Option<Known> {
        let known = self.calls.remove(id)?;
        for user in &known.talking {
            self.fall_silent(user, id);
        }
        if let Some(room) = known.memory.life.room() {
            self.end_session(&room.room_id.clone(), id);
        }
        Some(known)
    }

    /// This user is in an active call.
    pub(super) fn is_busy(&self, user: &Account) -> bool {
        self.talking.contains_key(user)
    }

    fn fall_silent(&mut self, user: &Account, call: &CallId) {
        if let Some(calls) = self.talking.get_mut(user) {
            calls.remove(call);
            if calls.is_empty() {
                self.talking.remove(user);
            }
        }
    }
}
