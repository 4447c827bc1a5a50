//! Who was inside, from when until when: by that the times of coming in are told, and how many packets should arrive.

use std::time::{Duration, Instant};

use crate::histogram::Histogram;
use crate::report::{Joins, Times};
use crate::scenario::Scenario;
use crate::tally::Kind;

/// A picture begins with a key frame, which newcomers wait for. From then on packets are expected, and from this long after
/// media could flow at the latest, so that a server that sends nothing is not taken for one that owes nothing.
const FIRST_WITHIN: Duration = Duration::from_secs(1);

/// One participant's time inside. Who comes again has another.
#[derive(Debug, Clone)]
pub(crate) struct Stay {
    /// In which room.
    pub(crate) room: String,
    /// Nobody was there yet who could send.
    pub(crate) came_alone: bool,
    /// Sends, and does not only receive.
    pub(crate) publishes: bool,
    /// The first request.
    pub(crate) began: Instant,
    /// The signaling socket was opened.
    pub(crate) signaled: Instant,
    /// Media could flow.
    pub(crate) connected: Instant,
    /// The first packets of others came.
    pub(crate) first: First,
    /// It went.
    pub(crate) left: Instant,
}

/// When the first packet of each kind came.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct First {
    /// Of somebody's microphone.
    pub(crate) audio: Option<Instant>,
    /// Of somebody's camera.
    pub(crate) video: Option<Instant>,
}

/// How many were there to receive, on average over the time that was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Present {
    /// Of those who also send.
    pub(crate) publishers: f64,
    /// Of those who only receive.
    pub(crate) viewers: f64,
}

/// The same for each kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Audience {
    /// To hear.
    pub(crate) audio: Present,
    /// To see.
    pub(crate) video: Present,
}

impl First {
    fn of(self, kind: Kind) -> Option<Instant> {
        match kind {
            Kind::Audio => self.audio,
            Kind::Video => self.video,
        }
    }

    fn any(self) -> Option<Instant> {
        [self.audio, self.video].into_iter().flatten().min()
    }
}

impl Stay {
    /// Notes of all of a run who came alone.
    pub(crate) fn look_for_company(stays: &mut [Self]) {
        for at in 0..stays.len() {
            let (came, room) = (stays[at].signaled, &stays[at].room);
            let there = |other: &Self| other.connected <= came && came < other.left;
            let company = |other: &Self| other.publishes && &other.room == room && there(other);
            stays[at].came_alone = !stays.iter().any(company);
        }
    }

    /// How much of the time from `began` until `ended` packets of this kind should have come.
    fn share(&self, kind: Kind, (began, ended): (Instant, Instant)) -> f64 {
        let latest = self.connected + FIRST_WITHIN;
        let first = self.first.of(kind).map_or(latest, |at| at.min(latest));
        let there = (self.left.min(ended)).saturating_duration_since(first.max(began));
        there.as_secs_f64() / (ended - began).as_secs_f64().max(f64::EPSILON)
    }
}

impl Present {
    /// All that the scenario has, all the time.
    pub(crate) fn everybody(scenario: &Scenario) -> Self {
        Self {
            publishers: f64::from(scenario.rooms * scenario.publishers),
            viewers: f64::from(scenario.rooms * scenario.viewers),
        }
    }
}

impl Audience {
    /// All that the scenario has, all the time.
    pub(crate) fn everybody(scenario: &Scenario) -> Self {
        let present = Present::everybody(scenario);
        Self {
            audio: present,
            video: present,
        }
    }

    /// Those who stayed so, in the time from its beginning to its end.
    pub(crate) fn of(stays: &[Stay], span: (Instant, Instant)) -> Self {
        let sum = |kind, publishes| {
            let those = stays.iter().filter(|stay| stay.publishes == publishes);
            those.map(|stay| stay.share(kind, span)).sum()
        };
        let present = |kind| Present {
            publishers: sum(kind, true),
            viewers: sum(kind, false),
        };
        Self {
            audio: present(Kind::Audio),
            video: present(Kind::Video),
        }
    }
}

impl Joins {
    /// Notes how long coming in took, of all stays in which somebody was to be received. The times of the first packet are of
    /// the same ones, less those that began alone and those that ended before it.
    pub(crate) fn timed(&mut self, stays: &[Stay], scenario: &Scenario) {
        let (mut connected, mut heard, mut signaled) =
            <(Histogram, Histogram, Histogram)>::default();
        for stay in stays {
            if !scenario.receives(stay.publishes) {
                continue;
            }
            connected.record(stay.connected.saturating_duration_since(stay.began));
            let Some(first) = stay.first.any() else {
                self.unheard += 1;
                continue;
            };
            if stay.came_alone {
                self.alone += 1;
                continue;
            }
            heard.record(first.saturating_duration_since(stay.began));
            signaled.record(first.saturating_duration_since(stay.signaled));
        }
        self.connected = Times::of(&connected);
        self.first_media = Times::of(&heard);
        self.first_media_since_signaling = Times::of(&signaled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::tests::meeting;

    /// A viewer who came at one second and left at another, counted from `zero`, with the first packet of each kind.
    fn viewer(zero: Instant, (came, left): (f64, f64), audio: f64, video: Option<f64>) -> Stay {
        let at = |second| zero + Duration::from_secs_f64(second);
        Stay {
            room: "a".to_owned(),
            came_alone: false,
            publishes: false,
            began: at(came - 0.1),
            signaled: at(came - 0.05),
            connected: at(came),
            first: First {
                audio: Some(at(audio)),
                video: video.map(at),
            },
            left: at(left),
        }
    }

    #[test]
    fn who_is_away_is_owed_nothing_and_who_waits_for_a_picture_is_owed_it_a_second_later() {
        let zero = Instant::now();
        let stays = [
            // There all the time, and before and after.
            viewer(zero, (1.0, 30.0), 1.0, Some(1.2)),
            // Went in the middle, and came again for the last fifth.
            viewer(zero, (1.0, 15.0), 1.0, Some(1.0)),
            viewer(zero, (18.0, 20.5), 18.0, Some(18.2)),
            // Never saw anything.
            viewer(zero, (14.0, 20.0), 14.5, None),
        ];
        let at = |second| zero + Duration::from_secs(second);
        let audience = Audience::of(&stays, (at(10), at(20)));
        let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-6, "{got}");
        close(audience.audio.viewers, 1.0 + 0.5 + 0.2 + 0.55);
        close(audience.video.viewers, 1.0 + 0.5 + 0.18 + 0.5);
        close(audience.audio.publishers, 0.0);
    }

    #[test]
    fn who_came_before_anybody_who_sends_waited_for_company() {
        let zero = Instant::now();
        let sender = |room: &str, came: f64, left: f64, heard: f64| Stay {
            room: room.to_owned(),
            publishes: true,
            ..viewer(zero, (came, left), heard, None)
        };
        let mut stays = [
            sender("a", 1.0, 5.0, 2.1),
            sender("a", 2.0, 5.0, 2.05), // finds the first
            sender("b", 2.0, 3.0, 9.0),
            sender("b", 4.0, 5.0, 9.0), // the first is gone
            sender("c", 1.0, 5.0, 1.05),
            sender("c", 1.02, 5.0, 1.05), // the first had not come so far
        ];
        Stay::look_for_company(&mut stays);
        let alone = stays.each_ref().map(|stay| stay.came_alone);
        assert_eq!(alone, [true, false, true, true, true, true]);

        let mut joins = Joins::default();
        joins.timed(&stays, &meeting());
        assert_eq!(joins.alone, 5);
        let heard = joins.first_media_since_signaling.p50_ms.unwrap();
        assert!((heard / 100.0 - 1.0).abs() < 0.04, "{heard}");
    }

    #[test]
    fn the_first_packet_is_timed_for_the_same_stays_as_coming_in() {
        let zero = Instant::now();
        let mut silent = viewer(zero, (2.0, 2.5), 2.0, None);
        silent.first = First::default();
        let stays = [viewer(zero, (1.0, 3.0), 1.1, Some(1.2)), silent];
        let mut joins = Joins::default();
        let scenario = Scenario {
            viewers: 2,
            ..meeting()
        };
        joins.timed(&stays, &scenario);
        let close = |got: Option<f64>, wanted: f64| {
            let got = got.unwrap();
            assert!((got / wanted - 1.0).abs() < 0.04, "{got}");
        };
        close(joins.connected.p50_ms, 100.0);
        close(joins.first_media.p50_ms, 200.0);
        close(joins.first_media_since_signaling.p50_ms, 150.0);
        assert_eq!(joins.unheard, 1);

        let alone = Scenario {
            publishers: 1,
            ..meeting()
        };
        let stays = [Stay {
            publishes: true,
            ..viewer(zero, (1.0, 3.0), 1.0, None)
        }];
        joins.timed(&stays, &alone);
        assert_eq!(joins.connected.p50_ms, None, "nobody is there to be heard");
    }
}
