//! By whom each session of WHIP and WHEP was opened, for as long as it goes on.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use calls_model::ParticipantId;

use crate::auth::Issuer;

/// Sessions that go on, and the keys that they are there by. They do not outlive the process, so neither does this.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<ParticipantId, Issuer>>);

impl Sessions {
    /// One begins, or offers anew.
    pub(super) fn begin(&self, id: ParticipantId, by: Issuer) {
        self.lock().insert(id, by);
    }

    /// One is over.
    pub(super) fn end(&self, id: &ParticipantId) {
        self.lock().remove(id);
    }

    /// Whether this one was opened by that key, or by a token that was made with it.
    pub(super) fn are_of(&self, id: &ParticipantId, by: &Issuer) -> bool {
        self.lock().get(id) == Some(by)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ParticipantId, Issuer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
