//! How many signaling sockets one address may have open.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::network;

/// Open sockets, counted by address. There is an entry only where one is open, so the table is no larger than they are.
#[derive(Clone)]
pub struct Sockets {
    most: u32,
    open: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// A socket that is open; it is given back when this goes.
pub struct Taken {
    from: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

impl Sockets {
    /// At most so many of each; 0: there is no limit.
    pub fn new(most: u32) -> Self {
        Self {
            most,
            open: Arc::default(),
        }
    }

    /// The most that one address may have.
    pub fn most(&self) -> u32 {
        self.most
    }

    /// One more, unless there are as many as may be.
    pub fn take(&self, from: IpAddr) -> Option<Taken> {
        let from = network(from);
        let mut open = lock(&self.open);
        let count = open.entry(from).or_default();
        if self.most > 0 && *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Taken {
            from,
            open: Arc::clone(&self.open),
        })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        if let Some(count) = open.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.from);
            }
        }
    }
}

fn lock(open: &Mutex<HashMap<IpAddr, u32>>) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_back_what_it_closes_and_nothing_is_left_of_it() {
        let sockets = Sockets::new(2);
        let from = |last| IpAddr::from([192, 0, 2, last]);
        let (one, two) = (sockets.take(from(1)), sockets.take(from(1)));
        assert!(one.is_some() && sockets.take(from(1)).is_none());
        assert!(sockets.take(from(2)).is_some());
        drop(two);
        let again = sockets.take(from(1));
        assert!(again.is_some());
        drop((one, again));
        assert!(lock(&sockets.open).is_empty());
    }
}
