//! Who was rung, and what each of them said.

use std::collections::BTreeMap;

use calls_model::UserId;

/// Where one callee stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callee {
    /// Rung, or will be when a device of theirs comes.
    Rung,
    /// In another call.
    Busy,
    /// Said yes; their seat is being made.
    Answering,
    /// Has had a seat.
    Answered,
    /// Said no.
    Rejected,
}

/// Everybody who was rung.
#[derive(Debug, Clone, Default)]
pub struct Callees {
    all: BTreeMap<UserId, Callee>,
}

impl Callees {
    /// These are rung; those among them who are `busy` are not.
    pub fn new(users: &[UserId], busy: &[UserId]) -> Self {
        let stand = |user: &UserId| {
            if busy.contains(user) {
                Callee::Busy
            } else {
                Callee::Rung
            }
        };
        Self {
            all: users
                .iter()
                .map(|user| (user.clone(), stand(user)))
                .collect(),
        }
    }

    /// Where somebody stands; `None` if they were not rung.
    pub fn get(&self, user: &UserId) -> Option<Callee> {
        self.all.get(user).copied()
    }

    /// Somebody stands somewhere else now.
    pub fn set(&mut self, user: &UserId, callee: Callee) {
        if let Some(known) = self.all.get_mut(user) {
            *known = callee;
        }
    }

    /// The only one, if there is only one.
    pub fn only(&self) -> Option<&UserId> {
        let mut users = self.all.keys();
        users.next().filter(|_| users.next().is_none())
    }

    /// Those whose devices ring.
    pub fn rung(&self) -> impl Iterator<Item = &UserId> {
        self.all
            .iter()
            .filter(|(_, callee)| **callee == Callee::Rung)
            .map(|(user, _)| user)
    }

    /// Nobody is left who could still answer.
    pub fn are_settled(&self) -> bool {
        self.rung().next().is_none()
    }

    /// Nobody could be rung at all.
    pub fn are_all_busy(&self) -> bool {
        self.all.values().all(|callee| *callee == Callee::Busy)
    }
}
