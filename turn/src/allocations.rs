//! All allocations, by client and by relay.

use std::collections::HashMap;
use std::time::Instant;

use crate::allocation::Allocation;
use crate::quotas::household;
use crate::{Client, Quotas, RelayId};

/// All allocations. Those whose time is over count as gone, though they may still be here.
#[derive(Default)]
pub(crate) struct Allocations {
    by_relay: HashMap<RelayId, Allocation>,
    by_client: HashMap<Client, RelayId>,
}

impl Allocations {
    pub(crate) fn len(&self) -> usize {
        self.by_relay.len()
    }

    /// There is room for one more from this client, for this user.
    pub(crate) fn has_room(&self, quotas: &Quotas, client: Client, user: &str) -> bool {
        let home = household(client.remote().ip());
        let all = self.by_relay.values();
        let neighbours = all
            .clone()
            .filter(|other| household(other.client.remote().ip()) == home);
        self.len() < quotas.in_all
            && all.filter(|other| other.user() == user).count() < quotas.per_user
            && neighbours.count() < quotas.per_address
    }

    pub(crate) fn insert(&mut self, allocation: Allocation) {
        self.by_client.insert(allocation.client, allocation.relay);
        self.by_relay.insert(allocation.relay, allocation);
    }

    pub(crate) fn remove(&mut self, client: Client) -> Option<Allocation> {
        let relay = self.by_client.remove(&client)?;
        self.by_relay.remove(&relay)
    }

    /// Takes out one whose time is over.
    pub(crate) fn next_expired(&mut self, now: Instant) -> Option<Allocation> {
        let over = |allocation: &&Allocation| allocation.until <= now;
        let client = self.by_relay.values().find(over)?.client;
        self.remove(client)
    }

    pub(crate) fn of_client(&self, client: Client, now: Instant) -> Option<&Allocation> {
        self.by_relay
            .get(self.by_client.get(&client)?)
            .filter(|allocation| now < allocation.until)
    }

    pub(crate) fn of_client_mut(
        &mut self,
        client: Client,
        now: Instant,
    ) -> Option<&mut Allocation> {
        self.by_relay
            .get_mut(self.by_client.get(&client)?)
            .filter(|allocation| now < allocation.until)
    }

    pub(crate) fn of_relay(&self, relay: RelayId, now: Instant) -> Option<&Allocation> {
        self.by_relay
            .get(&relay)
            .filter(|allocation| now < allocation.until)
    }
}
