//! The tree from `Calls` down, in virtual time, with crashes in it.

mod crashes;
mod gone;
mod hosts;
mod permissions;
mod recording;
mod recovery;
mod ringing;
mod rooms;
mod transcribing;

use std::sync::mpsc::Receiver;
use std::time::Duration;

use calls_model::rest::{Admission, IceServer};
use calls_model::signal::{Bye, Event, Limits, Presence, Request, Resume, ServerFrame, Welcome};
use calls_model::{Fact, RoomSettings, RoomType, Source};
use chrono::DateTime;

use super::*;
use crate::participant::{Attach, Attached, ClientRequest, Greeting, Participant, SignalRefused};
use crate::testing::{LocalPlaces, MemoryJournal, Probe, TestClock, settle};

const SECOND: Duration = Duration::from_secs(1);
const RING: Duration = Duration::from_secs(45);

/// A server without network and database.
struct Server {
    calls: Addr<Calls>,
    living: LiveCount,
    journal: Arc<MemoryJournal>,
    facts: Receiver<Fact>,
}

/// Somebody with a seat and an open socket.
struct Client {
    seat: Seat,
    participant: Addr<Participant>,
    attachment: u64,
    socket: Probe<ToClient>,
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn greeting() -> Greeting {
    Greeting {
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
    }
}

fn room(name: &str) -> Room {
    Room {
        room_id: format!("room_{name}").parse().unwrap(),
        name: name.parse().unwrap(),
        room_type: RoomType::Persistent,
        max_participants: 3,
        settings: RoomSettings::default(),
        current_participants: 0,
        created_at: DateTime::UNIX_EPOCH.into(),
        scheduled_at: None,
        locked: false,
        host: None,
        encryption: calls_model::Encryption::Transport,
        org_id: calls_model::OrgId::default(),
        phrases: Vec::new(),
    }
}

impl Server {
    /// Starts one. From here on time passes only while everybody sleeps.
    fn start() -> Self {
        Self::start_with(|calls| calls)
    }

    /// The same, with something that `change` puts in.
    fn start_with(change: impl FnOnce(Calls) -> Calls) -> Self {
        tokio::time::pause();
        let (journal, facts) = MemoryJournal::start();
        let calls = change(Calls::new(journal.clone(), TestClock::start(), LocalPlaces));
        Self {
            living: calls.living(),
            calls: calls.start(),
            journal,
            facts,
        }
    }

    /// The names of all facts since the last time.
    async fn facts(&self) -> Vec<&'static str> {
        settle().await;
        self.facts.try_iter().map(|fact| fact.name()).collect()
    }

    async fn ask<M, T>(&self, message: M) -> T
    where
        Calls: Handler<M>,
        M: Message<Result = T> + Send + 'static,
        T: Send + 'static,
    {
        self.calls.send(message).await.expect("Calls lives")
    }

    async fn ring(&self, to: &[&str]) -> Initiated {
        self.ask(initiate(to)).await.expect("it rings")
    }

    async fn answer(&self, call: &CallId, name: &str) -> Result<Seated, VerbRefused> {
        let (call_id, user_id) = (call.clone(), Some(user(name)));
        self.ask(Answer {
            call_id,
            user_id,
            display_name: None,
        })
        .await
    }

    async fn end(&self, call: &CallId) -> Result<Call, VerbRefused> {
        self.ask(End {
            call_id: call.clone(),
            by: None,
        })
        .await
    }

    /// A user's own socket.
    async fn device(&self, name: &str) -> Probe<ToClient> {
        let socket = Probe::start();
        let door = socket.recipient();
        self.ask(UserOnline {
            account: calls_model::Account {
                org: calls_model::OrgId::default(),
                user: user(name),
            },
            door,
        })
        .await;
        socket
    }

    async fn try_join(&self, room: &Room, name: &str) -> Result<Seated, JoinRefused> {
        self.join_as(room, name, None).await
    }

    async fn join_as(
        &self,
        room: &Room,
        name: &str,
        role: Option<Role>,
    ) -> Result<Seated, JoinRefused> {
        let (room, user_id) = (room.clone(), user(name));
        self.ask(JoinRoom {
            room,
            user_id,
            display_name: None,
            role,
            guest: false,
            hidden: false,
        })
        .await
    }

    /// Comes into a room with an open socket.
    async fn join(&self, room: &Room, name: &str) -> Client {
        let seated = self.try_join(room, name).await.expect("there is place");
        self.connect(seated.seat).await
    }

    async fn connect(&self, seat: Seat) -> Client {
        let find = FindParticipant {
            call_id: seat.call_id.clone(),
            participant_id: seat.participant_id.clone(),
        };
        let Found { participant, .. } = self.ask(find).await.expect("it was seated");
        let socket = Probe::start();
        let attach = Attach {
            door: socket.recipient(),
            resume: None,
            greeting: greeting(),
        };
        let Attached { attachment } = participant.send(attach).await.unwrap().unwrap();
        settle().await;
        Client {
            seat,
            participant,
            attachment,
            socket,
        }
    }

    async fn crash(&self, call: &CallId, victim: Victim) {
        assert!(
            self.ask(CrashActor {
                call_id: call.clone(),
                victim
            })
            .await,
            "it was there"
        );
        settle().await;
    }

    async fn call(&self, id: &CallId) -> Option<Call> {
        settle().await;
        self.ask(CallSnapshot(id.clone())).await
    }

    async fn inside(&self, room: &Room) -> Vec<String> {
        settle().await;
        let now = self.ask(RoomSnapshot(room.room_id.clone())).await;
        let members = now.map(|now| now.members).unwrap_or_default();
        members
            .into_iter()
            .map(|member| member.user_id.to_string())
            .collect()
    }

    /// Every tree test ends so.
    async fn assert_nobody_is_left(&self) {
        tokio::time::sleep(120 * SECOND).await;
        settle().await;
        assert_eq!(self.living.total(), 0, "{:?}", self.living);
    }
}

impl Client {
    async fn ask(&self, request: Request) -> Result<serde_json::Value, SignalRefused> {
        self.participant
            .send(ClientRequest { request })
            .await
            .expect("the participant lives")
    }

    async fn moderate(&self, action: Moderation) -> Result<serde_json::Value, SignalRefused> {
        self.ask(Request::Mod(action)).await
    }

    async fn leave(&self) {
        self.ask(Request::Leave(calls_model::signal::Empty {}))
            .await
            .unwrap();
        settle().await;
    }

    async fn frames(&self) -> Vec<ServerFrame> {
        self.socket
            .heard()
            .await
            .into_iter()
            .map(|one| read(&one))
            .collect()
    }

    async fn events(&self) -> Vec<Event> {
        self.frames()
            .await
            .into_iter()
            .map(|frame| frame.event)
            .collect()
    }

    async fn welcome(&self) -> Welcome {
        let welcomed = |event| {
            if let Event::Welcome(welcome) = event {
                Some(*welcome)
            } else {
                None
            }
        };
        self.events()
            .await
            .into_iter()
            .find_map(welcomed)
            .expect("a welcome")
    }

    async fn bye(&self) -> Option<Bye> {
        let bye = |event| {
            if let Event::Bye(bye) = event {
                Some(bye)
            } else {
                None
            }
        };
        self.events().await.into_iter().find_map(bye)
    }
}

/// A frame as the client reads it.
fn read(ToClient(frame): &ToClient) -> ServerFrame {
    serde_json::from_str(&frame.text()).expect("a frame")
}

fn initiate(to: &[&str]) -> Initiate {
    Initiate {
        org_id: calls_model::OrgId::default(),
        call_type: CallType::Video,
        kind: None,
        from: user("ann"),
        display_name: None,
        to: to.iter().map(|name| user(name)).collect(),
        timeout: RING,
        record: None,
        metadata: serde_json::Map::new(),
    }
}

/// What became of whom, as a client was told.
fn presences(events: &[Event]) -> Vec<(Presence, String)> {
    let presence = |event: &Event| match event {
        Event::Participant(told) => Some((told.event, told.participant.user_id.to_string())),
        _ => None,
    };
    events.iter().filter_map(presence).collect()
}
