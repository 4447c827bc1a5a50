//! Revoked API keys, known at once to whoever runs on a token that was made with one.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use super::tokens::Issuer;

/// How often it is noticed that what a key made is over.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The names of revoked keys. The database has them too; this is what a running session can ask without waiting.
pub struct Revoked {
    names: RwLock<HashSet<String>>,
    told: watch::Sender<()>,
}

impl Revoked {
    /// Those that are known at the start.
    pub fn new(names: Vec<String>) -> Self {
        Self {
            names: RwLock::new(names.into_iter().collect()),
            told: watch::Sender::new(()),
        }
    }

    /// What this one made opens nothing any more.
    pub fn has(&self, issuer: &Issuer) -> bool {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        issuer.key.as_ref().is_some_and(|key| names.contains(key))
    }

    /// Adds keys; whoever follows is told where one is new. Tells whether one is.
    pub fn add(&self, revoked: impl IntoIterator<Item = String>) -> bool {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let before = names.len();
        names.extend(revoked);
        let more = names.len() > before;
        drop(names);
        if more {
            self.told.send_replace(());
        }
        more
    }

    /// Waits until the key behind this is revoked. `false` where it is over by itself before that, which `lives` tells.
    pub async fn reaches(&self, issuer: &Issuer, lives: impl Fn() -> bool) -> bool {
        let mut told = self.follow();
        while lives() {
            if self.has(issuer) {
                return true;
            }
            let _ = tokio::time::timeout(LOOK_AGAIN, told.changed()).await; // either way it looks again
        }
        false
    }

    /// Changes whenever a key was revoked.
    pub fn follow(&self) -> watch::Receiver<()> {
        self.told.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_by(key: &str) -> Issuer {
        Issuer {
            key: Some(key.to_owned()),
            ..Issuer::default()
        }
    }

    #[tokio::test]
    async fn a_revocation_reaches_what_lives_and_what_is_over_waits_for_none() {
        let revoked = Revoked::new(Vec::new());
        let a = made_by("calls_a");
        assert!(!revoked.reaches(&a, || false).await);
        let waits = revoked.reaches(&a, || true);
        let (reached, added) = tokio::join!(waits, async {
            revoked.add(["calls_b".to_owned(), "calls_a".to_owned()])
        });
        assert!(reached && added);
    }

    #[test]
    fn who_follows_hears_of_each_key_once() {
        let revoked = Revoked::new(vec!["calls_a".to_owned()]);
        let mut follower = revoked.follow();
        revoked.add(["calls_a".to_owned()]);
        assert!(!follower.has_changed().unwrap());
        assert!(!revoked.has(&made_by("calls_b")));
        revoked.add(["calls_b".to_owned()]);
        assert!(follower.has_changed().unwrap());
        follower.mark_unchanged();
        assert!(revoked.has(&made_by("calls_b")) && !revoked.has(&Issuer::default()));
    }
}
