//! What a crowd does, read from a TOML file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use calls_model::RecordingMode;
use serde::{Deserialize, Serialize};

use crate::stay::Present;
use crate::tally::Kind;
use crate::traffic::{Camera, PACKET_TIME};

/// Most participants of one run: the system's limits to open files and ports are not far.
const MAX_PARTICIPANTS: u32 = 5000;

/// Where our scenarios are, for who stands in the repository.
const OURS: &str = "loadtest/scenarios";

/// Longest phase of a run.
const MAX_SECONDS: u32 = 3600;

/// A crowd and its habits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What it is called.
    pub(crate) name: String,
    /// What the participants are made of.
    #[serde(default)]
    pub(crate) participants: Participants,
    /// How many rooms there are, all alike.
    pub(crate) rooms: u32,
    /// How many in each room send and receive.
    pub(crate) publishers: u32,
    /// How many in each room only receive.
    #[serde(default)]
    pub(crate) viewers: u32,
    /// Joins that begin in a second.
    pub(crate) joins_per_second: u32,
    /// From the last join until measuring begins.
    pub(crate) warmup_seconds: u32,
    /// How long is measured.
    pub(crate) seconds: u32,
    /// Voices that each participant can receive at once.
    pub(crate) audio_slots: u32,
    /// Pictures that each participant can receive at once.
    pub(crate) video_slots: u32,
    /// How viewers come and go; all stay where it is left out.
    #[serde(default)]
    pub(crate) churn: Option<Churn>,
    /// Every room is recorded this way while it is measured; none where it is left out.
    #[serde(default)]
    pub(crate) record: Option<RecordingMode>,
    /// What a microphone sends.
    pub(crate) audio: Audio,
    /// What a camera sends; no cameras where it is left out.
    #[serde(default)]
    pub(crate) video: Option<Video>,
}

/// How viewers come and go, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Churn {
    /// How long each stays, on average.
    pub(crate) stay_seconds: u32,
    /// Share of them that vanish without a word.
    #[serde(default)]
    pub(crate) vanish_share: f64,
    /// Share of them that do not go but restart ICE, as a browser does whose network changed. Where there is any, those
    /// who publish restart it as often as viewers go.
    #[serde(default)]
    pub(crate) restart_share: f64,
}

/// What a participant is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Participants {
    /// Connects for real, and only counts what it receives: thousands fit into one process.
    #[default]
    Light,
    /// The `webrtc` crate's peer connection, another implementation than the server's: some dozens fit.
    Full,
}

/// What a microphone sends, 50 times a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audio {
    /// Payload of one packet.
    pub(crate) packet_bytes: u32,
}

/// What a camera sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Video {
    /// Thousands of bits a second.
    pub(crate) kbps: u32,
    /// Frames a second.
    pub(crate) fps: u32,
    /// Largest payload of one packet.
    pub(crate) packet_bytes: u32,
    /// Encodings that it sends at once (simulcast); `kbps` is that of the largest, each smaller one has a third.
    #[serde(default = "one")]
    pub(crate) layers: u32,
}

fn one() -> u32 {
    1
}

/// A scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScenarioRefused {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}{there}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
        /// Which there are in its folder, or else in ours.
        there: String,
    },
    /// The file is not a scenario.
    #[error("{} is no scenario", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// Why.
        source: toml::de::Error,
    },
    /// A share makes no sense.
    #[error("{field} must be 0 to 1, not {value}")]
    NoShare {
        /// Which.
        field: &'static str,
        /// What it is.
        value: f64,
    },
    /// A number makes no sense.
    #[error("{field} must be {low} to {high}, not {value}")]
    OutOfRange {
        /// Which number.
        field: &'static str,
        /// What it is.
        value: u64,
        /// Smallest that makes sense.
        low: u32,
        /// Largest that makes sense.
        high: u32,
    },
}

/// Says which scenarios a folder has, if any.
fn scenarios(folder: &Path) -> Option<String> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let paths = entries.map(|entry| entry.path());
    let mut files: Vec<_> = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    files.sort();
    let folder = folder.display();
    (!files.is_empty()).then(|| format!("; in {folder} there are {}", files.join(", ")))
}

impl Scenario {
    /// Reads and checks one.
    pub(crate) fn read(path: &Path) -> Result<Self, ScenarioRefused> {
        let path = path.to_owned();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) => {
                let folders = [path.parent().unwrap_or(Path::new("")), Path::new(OURS)];
                let there = folders.into_iter().find_map(scenarios).unwrap_or_default();
                return Err(ScenarioRefused::Unreadable { path, cause, there });
            }
        };
        match toml::from_str::<Self>(&text) {
            Ok(scenario) => scenario.checked(),
            Err(source) => Err(ScenarioRefused::Malformed { path, source }),
        }
    }

    fn checked(self) -> Result<Self, ScenarioRefused> {
        let within = |field, value: u64, low, high| {
            if (u64::from(low)..=u64::from(high)).contains(&value) {
                Ok(())
            } else {
                Err(ScenarioRefused::OutOfRange {
                    field,
                    value,
                    low,
                    high,
                })
            }
        };
        let people = u64::from(self.publishers) + u64::from(self.viewers);
        let total = u64::from(self.rooms) * people;
        within("rooms", self.rooms.into(), 1, MAX_PARTICIPANTS)?;
        within("publishers", self.publishers.into(), 1, MAX_PARTICIPANTS)?;
        within("rooms x (publishers + viewers)", total, 1, MAX_PARTICIPANTS)?;
        within(
            "joins_per_second",
            self.joins_per_second.into(),
            1,
            MAX_PARTICIPANTS,
        )?;
        within("warmup_seconds", self.warmup_seconds.into(), 0, MAX_SECONDS)?;
        within("seconds", self.seconds.into(), 1, MAX_SECONDS)?;
        within("audio_slots", self.audio_slots.into(), 0, 32)?;
        within("video_slots", self.video_slots.into(), 0, 64)?;
        within(
            "audio.packet_bytes",
            self.audio.packet_bytes.into(),
            16,
            1200,
        )?;
        if let Some(churn) = &self.churn {
            within(
                "churn.stay_seconds",
                churn.stay_seconds.into(),
                1,
                MAX_SECONDS,
            )?;
            for (field, value) in [
                ("churn.vanish_share", churn.vanish_share),
                ("churn.restart_share", churn.restart_share),
            ] {
                if !(0.0..=1.0).contains(&value) {
                    return Err(ScenarioRefused::NoShare { field, value });
                }
            }
        }
        if let Some(video) = &self.video {
            within("video.kbps", video.kbps.into(), 1, 50_000)?;
            within("video.fps", video.fps.into(), 1, 120)?;
            within("video.packet_bytes", video.packet_bytes.into(), 64, 1200)?;
            within("video.layers", video.layers.into(), 1, 3)?;
        }
        Ok(self)
    }

    /// Participants of one room.
    pub(crate) fn people(&self) -> u32 {
        self.publishers + self.viewers
    }

    /// Participants of all rooms.
    pub(crate) fn crowd(&self) -> u32 {
        self.rooms * self.people()
    }

    /// From one join to the next.
    pub(crate) fn join_pause(&self) -> Duration {
        Duration::from_secs(1) / self.joins_per_second
    }

    /// Cameras send encodings that not everybody gets: what should arrive cannot be told. Full participants send one.
    pub(crate) fn is_simulcast(&self) -> bool {
        let several = self.video.as_ref().is_some_and(|video| video.layers > 1);
        several && self.participants == Participants::Light
    }

    /// How many packets of microphones and of cameras all publishers together send in this time at least.
    pub(crate) fn planned(&self, time: Duration) -> (u64, u64) {
        let publishers = u64::from(self.rooms * self.publishers);
        let times = |pause: Duration| u64::try_from(time.as_nanos() / pause.as_nanos());
        let times = |pause| times(pause).unwrap_or(u64::MAX);
        let pictures = self.video.as_ref().map_or(0, |video| {
            let encodings = if self.is_simulcast() { video.layers } else { 1 };
            let packets = Camera::packets(encodings, video.kbps, video.fps, video.packet_bytes);
            packets * times(Duration::from_secs(1) / video.fps)
        });
        (publishers * times(PACKET_TIME), publishers * pictures)
    }

    /// How many streams of each sender arrive somewhere, on average, where so many are there to receive: what `sent` is
    /// multiplied by.
    pub(crate) fn fan_out(&self, present: Present, slots: u32) -> f64 {
        let by_publisher = f64::from((self.publishers - 1).min(slots));
        let by_viewer = f64::from(self.publishers.min(slots));
        let streams = present.publishers * by_publisher + present.viewers * by_viewer;
        streams / f64::from(self.rooms * self.publishers)
    }

    /// Whose latency is told where one is told for all: the pictures', where anybody receives any.
    pub(crate) fn told_latency(&self) -> Kind {
        if self.video.is_some() && self.video_slots > 0 {
            Kind::Video
        } else {
            Kind::Audio
        }
    }

    /// One who publishes, or who does not, has somebody to receive.
    pub(crate) fn receives(&self, publishes: bool) -> bool {
        let others = self.publishers - u32::from(publishes);
        others > 0 && self.audio_slots + self.video_slots > 0
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Ten who all send and receive.
    pub(crate) fn meeting() -> Scenario {
        Scenario {
            name: "meeting".into(),
            participants: Participants::Light,
            rooms: 1,
            publishers: 10,
            viewers: 0,
            joins_per_second: 10,
            warmup_seconds: 1,
            seconds: 1,
            audio_slots: 3,
            video_slots: 9,
            churn: None,
            record: None,
            audio: Audio { packet_bytes: 100 },
            video: Some(Video {
                kbps: 1000,
                fps: 30,
                packet_bytes: 1100,
                layers: 1,
            }),
        }
    }

    #[test]
    fn every_scenario_of_ours_can_be_played_and_says_what_it_is() {
        let loadtest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let readme = std::fs::read_to_string(loadtest.join("README.md")).unwrap();
        let files = std::fs::read_dir(loadtest.join("scenarios")).unwrap();
        for path in files.map(|entry| entry.unwrap().path()) {
            let name = Scenario::read(&path).unwrap().name;
            assert_eq!(path.file_stem(), Some(name.as_ref()));
            // `make help` has the first line, and the README a row.
            let text = std::fs::read_to_string(&path).unwrap();
            let first = text.lines().next().unwrap();
            assert!(
                first.starts_with("# ") && first.ends_with('.'),
                "{name}: {first}"
            );
            assert!(
                readme.contains(&format!("`{name}`")),
                "{name} is not in the README"
            );
        }
    }

    #[test]
    fn a_crowd_too_large_to_measure_is_refused_with_the_number() {
        let refused = Scenario {
            rooms: 1000,
            ..meeting()
        }
        .checked()
        .unwrap_err();
        assert_eq!(
            refused.to_string(),
            "rooms x (publishers + viewers) must be 1 to 5000, not 10000",
        );
    }

    #[test]
    fn a_misspelled_path_is_told_what_there_is() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let refused = Scenario::read(&folder.join("webinnar.toml")).unwrap_err();
        let said = refused.to_string();
        let wanted = format!(
            "; in {} there are arena.toml, churn.toml, ",
            folder.display()
        );
        assert!(
            said.contains(&wanted) && said.ends_with(" webinar.toml"),
            "{said}"
        );
    }

    #[test]
    fn what_all_publishers_send_in_a_time_is_known_before() {
        // 1 Mbit/s in 30 frames of four packets, beside 50 packets of a voice.
        let planned = |scenario: &Scenario| scenario.planned(Duration::from_millis(2_010));
        assert_eq!(planned(&meeting()), (10 * 100, 10 * 4 * 60));
        let simulcast = Scenario {
            publishers: 1,
            video: meeting().video.map(|video| Video { layers: 3, ..video }),
            ..meeting()
        };
        assert_eq!(planned(&simulcast), (100, (4 + 2 + 1) * 60));
        let full = Scenario {
            participants: Participants::Full,
            ..simulcast
        };
        assert_eq!(planned(&full), (100, 4 * 60), "these send one encoding");
        let voices = Scenario {
            video: None,
            ..meeting()
        };
        assert_eq!(planned(&voices), (1000, 0));
    }

    #[test]
    fn a_misspelled_key_is_refused() {
        assert!(toml::from_str::<Scenario>("name = \"x\"\nroms = 1").is_err());
    }

    #[test]
    fn everybody_receives_everybody_else_as_far_as_the_slots_go() {
        let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-9, "{got}");
        let all = |scenario: &Scenario, slots| {
            let present = Present::everybody(scenario);
            scenario.fan_out(present, slots)
        };
        close(all(&meeting(), 9), 9.0);
        close(all(&meeting(), 3), 3.0);
        let webinar = Scenario {
            rooms: 2,
            publishers: 1,
            viewers: 50,
            ..meeting()
        };
        close(all(&webinar, 1), 50.0);
        let half = Present {
            publishers: 2.0,
            viewers: 50.0,
        };
        close(webinar.fan_out(half, 1), 25.0);
        let pair = Scenario {
            publishers: 2,
            ..meeting()
        };
        close(all(&pair, 9), 1.0);
    }
}
