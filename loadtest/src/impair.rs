//! Bad networks, in the harness's own socket layer: delay, jitter, loss, a rate with a queue before it, and tunnels.
//! Seeded, so that a run can be had again.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

/// A kind of network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Profile {
    /// A phone on a 3G network: 1 Mbit/s, 100 ms, some loss.
    #[value(name = "3g")]
    #[serde(rename = "3g")]
    ThreeG,
    /// A phone in a train: 3 Mbit/s, changing delay, and in the middle of every twenty seconds a tunnel of one and a half.
    Train,
    /// A crowded office: 8 Mbit/s, little delay, much jitter, 1 % loss.
    OfficeWifi,
    /// A satellite far away: 5 Mbit/s, 300 ms each way.
    Satellite,
}

/// What a network does to one direction.
#[derive(Debug, Clone, Copy)]
struct Path {
    delay: Duration,
    /// Up to so much more, anew for each datagram; they keep their order.
    jitter: Duration,
    loss: f64,
    kbps: u32,
    /// What would wait longer for its turn is dropped.
    queue: Duration,
    /// In the middle of every first time nothing passes for the second: so the first one comes in most runs, and not while
    /// people come in.
    tunnel: Option<(Duration, Duration)>,
}

impl fmt::Display for Profile {
    /// As the command line calls it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_possible_value() {
            Some(value) => out.write_str(value.get_name()),
            None => Ok(()),
        }
    }
}

impl Profile {
    fn path(self) -> Path {
        let ms = Duration::from_millis;
        match self {
            Self::ThreeG => Path {
                delay: ms(50),
                jitter: ms(30),
                loss: 0.01,
                kbps: 1000,
                queue: ms(400),
                tunnel: None,
            },
            Self::Train => Path {
                delay: ms(40),
                jitter: ms(60),
                loss: 0.02,
                kbps: 3000,
                queue: ms(500),
                tunnel: Some((ms(20_000), ms(1500))),
            },
            Self::OfficeWifi => Path {
                delay: ms(3),
                jitter: ms(25),
                loss: 0.01,
                kbps: 8000,
                queue: ms(150),
                tunnel: None,
            },
            Self::Satellite => Path {
                delay: ms(300),
                jitter: ms(10),
                loss: 0.005,
                kbps: 5000,
                queue: ms(600),
                tunnel: None,
            },
        }
    }
}

/// A bad network, and what its accidents are drawn from.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Impairment {
    /// The kind.
    pub(crate) profile: Profile,
    /// The same seed makes the same accidents.
    pub(crate) seed: u64,
}

/// Both directions of one participant's network.
pub(crate) struct Links {
    /// What it sends.
    pub(crate) up: Link,
    /// What it receives.
    pub(crate) down: Link,
}

impl Links {
    /// The network of the participant with this number.
    pub(crate) fn new(impairment: Impairment, number: u64, now: Instant) -> Self {
        let link = |direction| {
            let seed = impairment.seed.wrapping_mul(0x9e37_79b9) ^ (2 * number + direction);
            Link::new(impairment.profile.path(), seed, now)
        };
        Self {
            up: link(0),
            down: link(1),
        }
    }

    /// When something is to be taken out of either.
    pub(crate) fn due(&self) -> Option<Instant> {
        [self.up.due(), self.down.due()].into_iter().flatten().min()
    }
}

/// One direction.
pub(crate) struct Link {
    path: Path,
    random: SmallRng,
    began: Instant,
    /// When everything that was put in has left.
    free: Instant,
    flying: VecDeque<(Instant, Vec<u8>)>,
}

impl Link {
    fn new(path: Path, seed: u64, now: Instant) -> Self {
        Self {
            path,
            random: SmallRng::seed_from_u64(seed),
            began: now,
            free: now,
            flying: VecDeque::new(),
        }
    }

    /// A datagram sets out, and arrives or not.
    pub(crate) fn put(&mut self, datagram: &[u8], now: Instant) {
        // Always drawn, so that one accident does not move all later ones.
        let lost = self.random.random_bool(self.path.loss);
        let jitter = self.path.jitter.mul_f64(self.random.random_range(0.0..1.0));
        let leaves = self.free.max(now) + self.takes(datagram.len());
        if lost || self.in_tunnel(now) || leaves - now > self.path.queue {
            return;
        }
        self.free = leaves;
        let arrives = leaves + self.path.delay + jitter;
        let before = self.flying.back().map_or(arrives, |(before, _)| *before);
        self.flying
            .push_back((arrives.max(before), datagram.to_vec()));
    }

    /// When the next one arrives.
    pub(crate) fn due(&self) -> Option<Instant> {
        Some(self.flying.front()?.0)
    }

    /// The next one that has arrived.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.due().filter(|due| *due <= now)?;
        Some(self.flying.pop_front()?.1)
    }

    fn takes(&self, bytes: usize) -> Duration {
        let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8);
        Duration::from_micros(bits.saturating_mul(1000) / u64::from(self.path.kbps))
    }

    fn in_tunnel(&self, now: Instant) -> bool {
        self.path.tunnel.is_some_and(|(every, lasts)| {
            let at = now.saturating_duration_since(self.began).as_millis() % every.as_millis();
            let before = every.saturating_sub(lasts).as_millis() / 2;
            (before..before + lasts.as_millis()).contains(&at)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(profile: Profile, seed: u64) -> (Link, Instant) {
        let now = Instant::now();
        (Link::new(profile.path(), seed, now), now)
    }

    /// What arrives when, of so many datagrams that are sent a millisecond apart.
    fn played(link: &mut Link, now: Instant, count: u8) -> Vec<(Duration, u8)> {
        let mut arrived = Vec::new();
        for at in 0..u64::from(count) + 2000 {
            let then = now + Duration::from_millis(at);
            if let Ok(number) = u8::try_from(at)
                && number < count
            {
                link.put(&[number], then);
            }
            while let Some(datagram) = link.take(then) {
                arrived.push((then - now, datagram[0]));
            }
        }
        arrived
    }

    #[test]
    fn a_network_is_called_the_same_everywhere() {
        for profile in Profile::value_variants() {
            let in_json = serde_json::to_value(profile).unwrap();
            assert_eq!(profile.to_string(), in_json.as_str().unwrap());
        }
        assert_eq!(Profile::ThreeG.to_string(), "3g");
    }

    #[test]
    fn the_same_seed_makes_the_same_accidents_and_another_does_not() {
        let run = |seed| {
            let (mut link, now) = link(Profile::Train, seed);
            played(&mut link, now, 250)
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn what_arrives_keeps_its_order_and_its_delay() {
        let (mut link, now) = link(Profile::Satellite, 1);
        let arrived = played(&mut link, now, 200);
        assert!(arrived.len() > 190, "{}", arrived.len());
        assert!(arrived.is_sorted_by_key(|(_, number)| *number));
        for (at, number) in arrived {
            let took = at.saturating_sub(Duration::from_millis(number.into()));
            assert!(took >= Duration::from_millis(300), "{took:?}");
            assert!(took <= Duration::from_millis(320), "{took:?}");
        }
    }

    #[test]
    fn more_than_the_rate_waits_and_what_would_wait_too_long_is_dropped() {
        let (mut link, now) = link(Profile::ThreeG, 1);
        // 100 datagrams of 10 ms each: 40 fit into the queue of 400 ms, less what gets lost.
        for _ in 0..100 {
            link.put(&[0; 1250], now);
        }
        assert!(
            (35..=40).contains(&link.flying.len()),
            "{}",
            link.flying.len()
        );
    }

    #[test]
    fn nothing_comes_through_a_tunnel() {
        for turn in [0, 20_000] {
            let (mut link, now) = link(Profile::Train, 1);
            let mut send = |times: std::ops::Range<u64>| {
                for ms in times {
                    link.put(&[1], now + Duration::from_millis(turn + ms));
                }
                link.due().is_some()
            };
            assert!(!send(9250..10_750), "in the tunnel");
            assert!(send(10_750..10_760), "behind it");
        }
    }
}
