//! The door of a room with a password: hashing off the arbiters, and a limit on wrong tries.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web;
use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use calls_model::{Password, RoomId};
use metrics::counter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::limits::network;
use crate::telemetry::names::LIMITS_HIT;

/// Hashes at one time. Each takes 19 MiB and a core, so more would only be slower together.
const HASHES: usize = 2;

/// Who may wait for their turn; seconds of work. Whoever comes then is sent away at once.
const QUEUE: usize = 64;

/// Addresses that are remembered at most. A flood of new ones pushes out the oldest, never grows the table.
const REMEMBERED: usize = 10_000;

/// Why the password was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// None was given.
    #[error("the room asks for a password")]
    Missing,
    /// It is another one.
    #[error("the password is wrong")]
    Wrong,
    /// Too many were wrong.
    #[error("too many wrong passwords; try again in {} s", .0.as_secs())]
    Wait(Duration),
    /// Too many others are being checked.
    #[error("too many passwords are being checked right now; try again in a moment")]
    Busy,
}

/// Checks and hashes passwords.
pub struct Door {
    tries: Arc<Mutex<Tries>>,
    hashing: Arc<Semaphore>,
    /// Turns that are taken or waited for.
    queue: Arc<Semaphore>,
}

/// A turn to hash, and the place in the queue that it came from. It ends with the work, not with whoever waits for it.
type Turn = (OwnedSemaphorePermit, OwnedSemaphorePermit);

impl Door {
    /// Lets each address be wrong `limit` times per `window` and room.
    pub fn new(limit: u32, window: Duration) -> Self {
        Self {
            tries: Arc::new(Mutex::new(Tries {
                limit,
                window,
                wrong: HashMap::new(),
            })),
            hashing: Arc::new(Semaphore::new(HASHES)),
            queue: Arc::new(Semaphore::new(HASHES + QUEUE)),
        }
    }

    /// Hashes a new password (Argon2id, PHC string).
    ///
    /// # Errors
    ///
    /// [`PasswordRefused::Busy`] where too many others wait for that.
    pub async fn hash(&self, password: Password) -> Result<String, PasswordRefused> {
        let turn = self.turn().await?;
        let work = move || {
            let _turn = turn;
            let salt: [u8; 16] = rand::random();
            let salt = SaltString::encode_b64(&salt).expect("sixteen bytes are a salt");
            Argon2::default()
                .hash_password(password.as_str().as_bytes(), &salt)
                .expect("default parameters and any password hash")
                .to_string()
        };
        Ok(web::block(work)
            .await
            .expect("hashing neither panics nor is canceled"))
    }

    /// Lets in who knows the password behind `hash`.
    ///
    /// A try is counted before it is hashed and taken back when it was right: tries that are sent at once, or given up
    /// half-way, count as those that wait for their answer do.
    ///
    /// # Errors
    ///
    /// [`PasswordRefused`]; nothing is hashed for who must wait.
    pub async fn check(
        &self,
        room: &RoomId,
        from: IpAddr,
        password: Option<Password>,
        hash: String,
    ) -> Result<(), PasswordRefused> {
        let Some(password) = password else {
            return Err(PasswordRefused::Missing);
        };
        let who = (room.clone(), network(from));
        lock(&self.tries)
            .may(&who, Instant::now())
            .map_err(must_wait)?; // before the queue, which is not for them
        let turn = self.turn().await?;
        // Counted only now: many right ones that wait in the queue do not use up the tries between them.
        lock(&self.tries)
            .take(who.clone(), Instant::now())
            .map_err(must_wait)?;
        let tries = Arc::clone(&self.tries);
        let work = move || {
            let right = PasswordHash::new(&hash).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.as_str().as_bytes(), &hash)
                    .is_ok()
            });
            if right {
                lock(&tries).take_back(&who);
            }
            drop(turn); // the next one finds it taken back
            right
        };
        if web::block(work).await.unwrap_or(false) {
            Ok(())
        } else {
            Err(PasswordRefused::Wrong)
        }
    }

    async fn turn(&self) -> Result<Turn, PasswordRefused> {
        let place = Arc::clone(&self.queue)
            .try_acquire_owned()
            .map_err(|_| PasswordRefused::Busy)?;
        let turn = Arc::clone(&self.hashing)
            .acquire_owned()
            .await
            .map_err(|_| PasswordRefused::Busy)?;
        Ok((turn, place))
    }
}

fn must_wait(wait: Duration) -> PasswordRefused {
    counter!(LIMITS_HIT, "limit" => "passwords").increment(1);
    PasswordRefused::Wait(wait)
}

fn lock(tries: &Mutex<Tries>) -> MutexGuard<'_, Tries> {
    tries.lock().unwrap_or_else(PoisonError::into_inner)
}

type Who = (RoomId, IpAddr);

/// Wrong tries, counted.
struct Tries {
    limit: u32,
    window: Duration,
    wrong: HashMap<Who, (u32, Instant)>,
}

impl Tries {
    fn may(&mut self, who: &Who, now: Instant) -> Result<(), Duration> {
        let Some(&(count, since)) = self.wrong.get(who) else {
            return Ok(());
        };
        let passed = now.duration_since(since);
        if passed >= self.window {
            self.wrong.remove(who);
            return Ok(());
        }
        if count < self.limit {
            Ok(())
        } else {
            Err(self
                .window
                .saturating_sub(passed)
                .max(Duration::from_secs(1)))
        }
    }

    /// Counts a try, if there is one left.
    fn take(&mut self, who: Who, now: Instant) -> Result<(), Duration> {
        self.may(&who, now)?;
        if self.wrong.len() >= REMEMBERED && !self.wrong.contains_key(&who) {
            let window = self.window;
            self.wrong
                .retain(|_, (_, since)| now.duration_since(*since) < window);
            if self.wrong.len() >= REMEMBERED {
                let oldest = self.wrong.iter().min_by_key(|(_, (_, since))| *since);
                if let Some(oldest) = oldest.map(|(who, _)| who.clone()) {
                    self.wrong.remove(&oldest);
                }
            }
        }
        let entry = self.wrong.entry(who).or_insert((0, now));
        *entry = (entry.0 + 1, now);
        Ok(())
    }

    /// It was right, so it does not count.
    fn take_back(&mut self, who: &Who) {
        if let Some((count, _)) = self.wrong.get_mut(who) {
            *count -= 1;
            if *count == 0 {
                self.wrong.remove(who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    fn tries() -> Tries {
        Tries {
            limit: 2,
            window: WINDOW,
            wrong: HashMap::new(),
        }
    }

    fn who(last: u8) -> Who {
        ("room_1".parse().unwrap(), IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn who_was_wrong_too_often_waits_and_others_do_not() {
        let (mut tries, now) = (tries(), Instant::now());
        for _ in 0..2 {
            assert!(tries.take(who(1), now).is_ok());
        }
        assert!(tries.may(&who(1), now + WINDOW / 2).is_err());
        assert!(tries.may(&who(2), now).is_ok());
        assert!(tries.may(&who(1), now + WINDOW).is_ok());
    }

    #[test]
    fn the_table_never_grows_past_its_bound() {
        let (mut tries, now) = (tries(), Instant::now());
        for n in 0..=u32::try_from(REMEMBERED).unwrap() {
            let who = ("room_1".parse().unwrap(), IpAddr::from(n.to_be_bytes()));
            tries.take(who, now).unwrap();
        }
        assert_eq!(tries.wrong.len(), REMEMBERED);
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one() {
        let parse = |text: &str| network(text.parse().unwrap());
        assert_eq!(parse("2001:db8::1"), parse("2001:db8::ffff:1"));
        assert_ne!(parse("2001:db8::1"), parse("2001:db8:0:1::1"));
        assert_eq!(parse("::ffff:192.0.2.1"), parse("192.0.2.1"));
    }

    /// A hash that costs little, so that many can be checked in a test.
    fn cheap(password: &str) -> String {
        let cost = argon2::Params::new(8, 1, 1, None).unwrap();
        let salt = SaltString::encode_b64(&[7; 16]).unwrap();
        Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::default(),
            cost,
        )
        .hash_password(password.as_bytes(), &salt)
        .unwrap()
        .to_string()
    }

    #[actix_web::test]
    async fn tries_that_are_sent_at_once_count_like_those_that_are_not() {
        let door = Door::new(3, WINDOW);
        let (room, from) = who(1);
        let guess = |n: u32| {
            let guess = format!("guess {n}").parse().ok();
            door.check(&room, from, guess, cheap("s3cret"))
        };
        let answers = futures_util::future::join_all((0..20).map(guess)).await;
        let wrong = |answer: &&Result<(), _>| **answer == Err(PasswordRefused::Wrong);
        assert_eq!(answers.iter().filter(wrong).count(), 3, "{answers:?}");
        assert!(answers.iter().all(Result::is_err));
    }

    #[actix_web::test]
    async fn right_passwords_use_up_no_tries_however_many_come_at_once() {
        let door = Door::new(3, WINDOW);
        let (room, from) = who(1);
        let join = |_| door.check(&room, from, "s3cret".parse().ok(), cheap("s3cret"));
        let answers = futures_util::future::join_all((0..20).map(join)).await;
        assert_eq!(answers, [Ok(()); 20]);
        assert!(lock(&door.tries).wrong.is_empty());
    }

    #[actix_web::test]
    async fn who_comes_to_a_long_queue_is_sent_away_at_once() {
        let door = Door::new(3, WINDOW);
        let _working = Arc::clone(&door.hashing).acquire_many_owned(2).await;
        let mut waiting: Vec<_> = (0..HASHES + QUEUE)
            .map(|_| Box::pin(door.hash("s3cret".parse().unwrap())))
            .collect();
        for one in &mut waiting {
            assert!(futures_util::poll!(one.as_mut()).is_pending());
        }
        let late = door.hash("s3cret".parse().unwrap()).await;
        assert_eq!(late, Err(PasswordRefused::Busy));
        drop(waiting);
        assert!(door.queue.available_permits() == HASHES + QUEUE);
    }

    #[actix_web::test]
    async fn the_right_password_opens_and_a_wrong_one_does_not() {
        let door = Door::new(5, WINDOW);
        let hash = door.hash("s3cret".parse().unwrap()).await.unwrap();
        let (room, from) = who(1);
        let check = |text: &str| door.check(&room, from, text.parse().ok(), hash.clone());
        assert_eq!(check("s3cret").await, Ok(()));
        assert_eq!(check("S3cret").await, Err(PasswordRefused::Wrong));
        assert_eq!(check("").await, Err(PasswordRefused::Missing));
    }
}
