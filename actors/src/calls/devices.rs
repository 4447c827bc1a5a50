//! Users' own sockets: where calls ring.

use std::collections::HashMap;

use actix::prelude::*;
use calls_model::signal::{Event, Incoming};
use calls_model::{Account, Call};

use crate::event::{Frame, SharedEvent};
use crate::metrics::DEVICES;
use crate::participant::ToClient;

/// Who can be rung, and where.
#[derive(Default)]
pub(super) struct Devices {
    last: u64,
    by_user: HashMap<Account, Vec<(u64, Recipient<ToClient>)>>,
}

impl Devices {
    /// A socket is open. Returns its number.
    pub(super) fn add(&mut self, user: Account, door: Recipient<ToClient>) -> u64 {
        self.last += 1;
        self.by_user
            .entry(user)
            .or_default()
            .push((self.last, door));
        metrics::gauge!(DEVICES).increment(1);
        self.last
    }

    /// A socket is closed; twice is nothing.
    pub(super) fn remove(&mut self, user: &Account, device: u64) {
        let Some(devices) = self.by_user.get_mut(user) else {
            return;
        };
        let before = devices.len();
        devices.retain(|(number, _)| *number != device);
        if devices.len() < before {
            metrics::gauge!(DEVICES).decrement(1);
        }
        if devices.is_empty() {
            self.by_user.remove(user);
        }
    }

    /// Somebody would hear it ring.
    pub(super) fn reaches(&self, user: &Account) -> bool {
        let devices = self
            .by_user
            .get(user)
            .map(Vec::as_slice)
            .unwrap_or_default();
        devices.iter().any(|(_, door)| door.connected())
    }

    /// Tells all devices of a user how a call stands.
    pub(super) fn tell(&self, user: &Account, event: &SharedEvent) {
        let devices = self
            .by_user
            .get(user)
            .map(Vec::as_slice)
            .unwrap_or_default();
        for (_, door) in devices {
            tell(door, event);
        }
    }
}

/// How a call stands, for devices.
pub(super) fn incoming(call: &Call) -> SharedEvent {
    SharedEvent::new(Event::Incoming(Incoming {
        call_id: call.call_id.clone(),
        from: call.from.clone(),
        call: call.clone(),
    }))
}

/// Tells one device.
pub(super) fn tell(door: &Recipient<ToClient>, event: &SharedEvent) {
    door.do_send(ToClient(Frame::new(None, event)));
}
