//! How much an address is sent that nobody has proven to be in.
//!
//! Datagrams can name any sender, so an answer that is longer than its question could be turned against somebody else.
//! An answer to a stranger has to be a little longer (a challenge of 64 bytes for a question of 28), so the excess is
//! rationed for each address. The table has a fixed size: addresses that fall together share a ration.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Instant;

use crate::quotas::household;

/// Rations.
const PLACES: usize = 4096;

/// Most bytes of excess that an address may get at once: some 800 challenges, an office that comes in at nine.
const BURST: u32 = 32 * 1024;

/// And how many a second after that: too few to hurt anybody.
const A_SECOND: u32 = 4 * 1024;

/// Bytes that may still be sent, by address.
pub(crate) struct Budget {
    places: Box<[Place]>,
    hasher: RandomState,
    start: Instant,
}

#[derive(Clone, Copy)]
struct Place {
    left: u32,
    /// Milliseconds since the start.
    at: u32,
}

impl Budget {
    /// Everybody has a whole ration.
    pub(crate) fn new(now: Instant) -> Self {
        let full = Place { left: BURST, at: 0 };
        Self {
            places: vec![full; PLACES].into(),
            hasher: RandomState::new(),
            start: now,
        }
    }

    /// Takes so many bytes from the ration of an address; false if it has not as many.
    pub(crate) fn spend(&mut self, address: IpAddr, excess: usize, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.start).as_millis();
        // Wraps after 49 days, and so does the difference.
        let elapsed = u32::try_from(elapsed & u128::from(u32::MAX)).unwrap_or(0);
        let hash = self.hasher.hash_one(household(address));
        let index = usize::try_from(hash % PLACES as u64).unwrap_or(0);
        let place = &mut self.places[index];
        let passed = u64::from(elapsed.wrapping_sub(place.at));
        let earned = passed * u64::from(A_SECOND) / 1000;
        place.left =
            u32::try_from((u64::from(place.left) + earned).min(u64::from(BURST))).unwrap_or(BURST);
        place.at = elapsed;
        match u32::try_from(excess)
            .ok()
            .and_then(|excess| place.left.checked_sub(excess))
        {
            Some(left) => {
                place.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_flood_is_answered_up_to_its_ration_and_then_slowly() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        let victim = address("192.0.2.1");
        let mut sent = 0;
        for millisecond in 0..10_000 {
            for _ in 0..10 {
                if budget.spend(victim, 40, start + Duration::from_millis(millisecond)) {
                    sent += 40;
                }
            }
        }
        assert!(sent <= BURST + 10 * A_SECOND, "{sent}");
        assert!(sent >= BURST + 9 * A_SECOND, "{sent}");
    }

    #[test]
    fn an_ipv6_network_is_one_sender() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        assert!(budget.spend(address("2001:db8::1"), BURST as usize, now));
        assert!(!budget.spend(address("2001:db8::2:1"), 1, now));
        assert!(!budget.spend(address("2001:db8::1"), usize::MAX, now));
    }
}
