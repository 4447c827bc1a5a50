//! One participant in virtual time, with probes where its room and its sockets would be.

mod attaching;
mod offering;
mod offers;
mod waiting;

use std::sync::mpsc;

use calls_model::Role;
use calls_model::rest::IceServer;
use calls_model::signal::{Chat, Empty, Hand, Offer, ServerFrame};
use chrono::DateTime;

use self::offers::{Line, sdp};
use super::*;
use crate::calls::{
    ModerateRefused, Moderated, RecordAsked, RecordRefused, TranscribeAsked, TranscribeRefused,
};
use crate::lifeline::{ChildEnded, Ending};
use crate::room::{Deed, ModerateRoom, Rejoin, Watch};
use crate::testing::{LocalPlaces, MemoryJournal, Probe, services, settle};

const SECOND: Duration = Duration::from_secs(1);

/// Something that a participant told its room.
#[derive(Debug, Clone, PartialEq)]
enum Said {
    Did(Did),
    Watch(TrackId, LayerSet),
    Ended(Ending),
}

/// Stands where its room would.
struct Ear(mpsc::Sender<Said>);

impl Actor for Ear {
    type Context = Context<Self>;
}

macro_rules! hears {
    ($($message:ident $(<$id:ident>)? => $said:expr;)*) => {$(
        impl Handler<$message $(<$id>)?> for Ear {
            type Result = ();

            fn handle(&mut self, message: $message $(<$id>)?, _: &mut Self::Context) {
                let said: fn($message $(<$id>)?) -> Option<Said> = $said;
                if let Some(said) = said(message) {
                    let _ = self.0.send(said); // the test may be over already
                }
            }
        }
    )*};
}

hears! {
    Packets => |_| None;
    ClockTold => |_| None;
    KeyframeWanted => |_| None;
    Watch => |wish| Some(Said::Watch(wish.track, wish.layers));
    Deed => |deed| Some(Said::Did(deed.what));
    Rejoin => |_| None;
    ChildEnded<ParticipantId> => |child| Some(Said::Ended(child.ending));
}

impl Handler<ModerateRoom> for Ear {
    type Result = Result<Moderated, ModerateRefused>;

    fn handle(&mut self, _: ModerateRoom, _: &mut Self::Context) -> Self::Result {
        Err(ModerateRefused::NotModerator)
    }
}

/// A participant, and the room that it believes to be in.
struct Alone {
    participant: Addr<Participant>,
    member: Member,
    room: mpsc::Receiver<Said>,
    _ear: Addr<Ear>,
}

fn id(name: &str) -> ParticipantId {
    format!("part_{name}").parse().unwrap()
}

fn member(role: Role) -> Member {
    Member {
        user_id: "ann".parse().unwrap(),
        role,
        audio: false,
        video: false,
        joined_at: DateTime::UNIX_EPOCH.into(),
        participant_id: Some(id("ann")),
        display_name: None,
        screen: false,
        hand: false,
        reconnecting: false,
        left_at: None,
        hidden: false,
    }
}

fn call() -> Call {
    let call = serde_json::json!({
        "call_id": "call_1", "type": "video", "status": "active", "participants": [],
        "started_at": "2024-01-15T10:00:00Z", "duration_seconds": 0, "recording": false, "transcription": false,
    });
    serde_json::from_value(call).unwrap()
}

fn attach(socket: &Probe<ToClient>, resume: Option<Resume>) -> Attach {
    Attach {
        door: socket.recipient(),
        resume,
        greeting: Greeting {
            resume_token: "resume".to_owned(),
            ice_servers: Vec::<IceServer>::new(),
            limits: Limits {
                max_frame_bytes: 1,
                frames_per_second: 1,
                audio_slots: 1,
                video_slots: 1,
                resume_seconds: 30,
                max_file_bytes: 0,
            },
        },
    }
}

impl Handler<RecordAsked> for Ear {
    type Result = MessageResult<RecordAsked>;

    fn handle(&mut self, _: RecordAsked, _: &mut Self::Context) -> Self::Result {
        MessageResult(Err(RecordRefused::NotAllowed))
    }
}

impl Handler<TranscribeAsked> for Ear {
    type Result = MessageResult<TranscribeAsked>;

    fn handle(&mut self, _: TranscribeAsked, _: &mut Self::Context) -> Self::Result {
        MessageResult(Err(TranscribeRefused::NotModerator))
    }
}

impl Alone {
    /// Somebody inside with this role.
    fn inside(role: Role) -> Self {
        Self::start(role, true)
    }

    fn start(role: Role, admitted: bool) -> Self {
        tokio::time::pause();
        let (tell, room) = mpsc::channel();
        let ear = Ear(tell).start();
        let weak = || ear.downgrade();
        let door = RoomDoor {
            packets: weak().recipient(),
            clock: weak().recipient(),
            keyframe: weak().recipient(),
            watch: weak().recipient(),
            deed: weak().recipient(),
            rejoin: weak().recipient(),
            moderate: weak().recipient(),
            record: weak().recipient(),
            transcribe: weak().recipient(),
            ended: weak().recipient(),
        };
        let new = NewParticipant {
            id: id("ann"),
            member: member(role),
            admitted,
            returning: false,
            call: call(),
            room: door,
            services: services(MemoryJournal::start().0),
        };
        Self {
            participant: Participant::open(new, LocalPlaces::port()),
            member: member(role),
            room,
            _ear: ear,
        }
    }

    /// A socket says hello, and the room answers as it does.
    async fn hello(&self) -> (Probe<ToClient>, Attached) {
        let socket = Probe::start();
        let attached = self.attach(attach(&socket, None)).await.expect("welcome");
        (socket, attached)
    }

    async fn attach(&self, attach: Attach) -> Result<Attached, AttachRefused> {
        let attached = self.participant.send(attach).await.unwrap()?;
        self.participant.do_send(Snapshot {
            call: call(),
            room: None,
            roster: vec![self.member.clone()],
            chat: Vec::new(),
        });
        settle().await;
        Ok(attached)
    }

    async fn ask(&self, request: Request) -> Result<serde_json::Value, SignalRefused> {
        let asked = self.participant.send(ClientRequest { request }).await;
        settle().await;
        asked.expect("it lives")
    }

    async fn offer(&self, seed: u8, lines: &[Line]) -> Result<serde_json::Value, SignalRefused> {
        let (sdp, publish) = sdp(seed, lines);
        self.ask(Request::Offer(Offer { sdp, publish })).await
    }

    fn tell(&self, event: Event) {
        self.participant.do_send(Told(event.into()));
    }

    /// What its room heard since the last time.
    async fn said(&self) -> Vec<Said> {
        settle().await;
        self.room.try_iter().collect()
    }

    /// What it publishes, by the last that its room heard.
    async fn published(&self) -> Vec<(TrackId, Source, bool)> {
        let said = self.said().await.into_iter().rev();
        let tracks = said.filter_map(|said| match said {
            Said::Did(Did::Publish(tracks)) => Some(tracks),
            _ => None,
        });
        let tracks = tracks.into_iter().next().expect("it announced something");
        let shown = |one: crate::room::stage::Announced| (one.track, one.source, one.muted);
        tracks.into_iter().map(shown).collect()
    }
}

/// What came over a socket since the last time.
async fn frames(socket: &Probe<ToClient>) -> Vec<ServerFrame> {
    let read = |ToClient(frame): ToClient| serde_json::from_str(&frame.text()).expect("a frame");
    socket.heard().await.into_iter().map(read).collect()
}

async fn events(socket: &Probe<ToClient>) -> Vec<Event> {
    let frames = frames(socket).await.into_iter();
    frames.map(|frame| frame.event).collect()
}

async fn bye(socket: &Probe<ToClient>) -> Option<ByeReason> {
    let bye = |event| match event {
        Event::Bye(bye) => Some(bye.reason),
        _ => None,
    };
    events(socket).await.into_iter().find_map(bye)
}

fn hand(up: bool) -> Event {
    let participant_id = id("bob");
    Event::Hand(calls_model::signal::HandEvent { participant_id, up })
}
