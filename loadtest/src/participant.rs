//! One simulated participant: comes in over REST and signaling, sends, counts, leaves.

pub(crate) mod light;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calls_model::rest::Admission;
use calls_model::text::BadText;
use calls_model::{CallId, RoomId, UserId};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use self::light::{Carried, LightFailed};
use crate::api::{Api, ApiFailed};
use crate::impair::Impairment;
use crate::light::{Identity, Lanes};
use crate::peer::{Peer, PeerFailed, Wishes};
use crate::publish::publish;
use crate::scenario::{Participants, Scenario};
use crate::signaling::{Asked, Signaling, SignalingFailed};
use crate::stay::Stay;
use crate::tally::Tallies;

/// A join that takes longer has failed.
pub(crate) const JOIN_TIMEOUT: Duration = Duration::from_secs(20);

/// How long somebody who leaves waits for the socket to close.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);

/// What all participants of a run share.
pub(crate) struct World {
    /// The server.
    pub(crate) api: Api,
    /// What is played.
    pub(crate) scenario: Scenario,
    /// What is counted.
    pub(crate) tallies: Arc<Tallies>,
    /// Where media sockets are bound.
    pub(crate) bind: SocketAddr,
    /// Who the light participants are.
    pub(crate) identity: Identity,
    /// What carries them.
    pub(crate) lanes: Arc<Lanes>,
    /// Threads of that.
    pub(crate) threads: usize,
    /// Over what network those come who only receive, or all where there are none such.
    pub(crate) impairment: Option<Impairment>,
    /// Turns true when everybody is to leave.
    pub(crate) stop: watch::Receiver<bool>,
}

/// A place in a room; those with the lowest numbers publish.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    /// The room.
    pub(crate) room: RoomId,
    /// Which of its places, from 0.
    pub(crate) number: u32,
}

/// Somebody is not inside.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinFailed {
    /// REST said no.
    #[error("joining by REST")]
    Api(#[from] ApiFailed),
    /// Signaling said no.
    #[error("signaling")]
    Signaling(#[from] SignalingFailed),
    /// A full participant's media did not connect.
    #[error("media")]
    Peer(#[from] PeerFailed),
    /// A light participant's media did not connect.
    #[error("media")]
    Light(#[from] LightFailed),
    /// The server let nobody in.
    #[error("the room has a waiting room")]
    Waiting,
    /// Our own name is no user id.
    #[error("bad user id")]
    Name(#[from] BadText),
    /// It took too long.
    #[error("not inside within {JOIN_TIMEOUT:?} ({0})")]
    TimedOut(&'static str),
}

/// Somebody who is inside and sends.
pub(crate) struct Inside {
    /// Where it sits.
    pub(crate) seat: Seat,
    /// The room's session.
    pub(crate) call: CallId,
    publishes: bool,
    began: Instant,
    /// When the signaling socket was opened.
    signaled: Instant,
    /// When media could flow.
    connected: Instant,
    media: Media,
    signaling: JoinHandle<Result<(), SignalingFailed>>,
    offers: mpsc::Sender<Asked>,
    stop: watch::Sender<bool>,
}

/// The media of one who is inside.
enum Media {
    /// Carried by a lane.
    Light(Carried),
    /// The `webrtc` crate's, and the tasks that send on it.
    Full(Box<Peer>, JoinSet<()>),
}

impl Seat {
    /// Sends, and does not only receive.
    pub(crate) fn publishes(&self, scenario: &Scenario) -> bool {
        self.number < scenario.publishers
    }

    /// What it offers: its own tracks, and no more slots than there can be others.
    fn wishes(&self, scenario: &Scenario, bind: SocketAddr) -> Wishes {
        let publishes = self.publishes(scenario);
        let others = scenario.publishers - u32::from(publishes);
        Wishes {
            microphone: publishes,
            camera: publishes && scenario.video.is_some(),
            layers: scenario
                .video
                .as_ref()
                .map_or(1, |video| video.layers as usize),
            audio_slots: scenario.audio_slots.min(others),
            video_slots: scenario
                .video
                .as_ref()
                .map_or(0, |_| scenario.video_slots.min(others)),
            bind,
        }
    }
}

impl Inside {
    /// Takes the seat; comes back when media can flow.
    pub(crate) async fn join(seat: Seat, world: Arc<World>) -> Result<Self, JoinFailed> {
        let mut step = "REST";
        let joined = timeout(JOIN_TIMEOUT, Self::take(&seat, &world, &mut step)).await;
        joined.unwrap_or(Err(JoinFailed::TimedOut(step)))
    }

    async fn take(
        seat: &Seat,
        world: &Arc<World>,
        step: &mut &'static str,
    ) -> Result<Self, JoinFailed> {
        let began = Instant::now();
        let publishes = seat.publishes(&world.scenario);
        let user: UserId = format!("load-{}", seat.number).parse()?;
        let joined = world.api.join(&seat.room, user, publishes).await?;
        if joined.state == Admission::Waiting {
            return Err(JoinFailed::Waiting);
        }

        *step = "signaling";
        let signaled = Instant::now();
        let connection = joined.connection;
        let (mut signaling, _welcome) =
            Signaling::connect(&connection.ws_url, connection.token).await?;

        *step = "offer and answer";
        let wishes = seat.wishes(&world.scenario, world.bind);
        let (media, connected) = match world.scenario.participants {
            Participants::Light => {
                let carried = light::negotiate(wishes, seat, world, &mut signaling).await?;
                *step = "ICE and DTLS";
                carried.connected().await?;
                // As the lane saw it: this task may have been woken later, after the first packet.
                let connected = carried.connected_at().unwrap_or_else(Instant::now);
                (Media::Light(carried), connected)
            }
            Participants::Full => {
                let peer = Peer::new(wishes, Arc::clone(&world.tallies)).await?;
                let answer = signaling.offer(peer.offer().await?).await?;
                peer.answer(answer.sdp).await?;
                if wishes.video_slots > 0 {
                    signaling.view(peer.view().await?).await?;
                }
                *step = "ICE and DTLS";
                peer.connected().await?;
                let tracks = start_tracks(&peer, seat, world);
                (Media::Full(Box::new(peer), tracks), Instant::now())
            }
        };
        let (farewell, said) = watch::channel(false);
        let (offers, asked) = mpsc::channel(1);
        Ok(Self {
            seat: seat.clone(),
            call: joined.call_id,
            publishes,
            began,
            signaled,
            connected,
            media,
            signaling: tokio::spawn(signaling.attend(said, asked)),
            offers,
            stop: farewell,
        })
    }

    /// The time inside, if it ends now.
    pub(crate) fn stay(&self) -> Stay {
        let first = match &self.media {
            Media::Light(carried) => carried.first(),
            Media::Full(peer, _) => peer.first(),
        };
        Stay {
            room: self.seat.room.to_string(),
            came_alone: false,
            publishes: self.publishes,
            began: self.began,
            signaled: self.signaled,
            connected: self.connected,
            first,
            left: Instant::now(),
        }
    }

    /// Restarts ICE; comes back when the new check was answered. Full participants have nothing to restart.
    pub(crate) async fn restart(&self, world: &World) -> Result<(), JoinFailed> {
        let Media::Light(carried) = &self.media else {
            return Ok(());
        };
        let restart = async {
            let (reply, answer) = oneshot::channel();
            let (credentials, offer) = carried.offer(world);
            let asked = self.offers.send((offer, reply)).await;
            asked.map_err(|_| SignalingFailed::Closed)?;
            let answer = answer.await.map_err(|_| SignalingFailed::Closed)?;
            carried.restart(credentials, &answer)?;
            Ok(carried.connected().await?)
        };
        let restarted = timeout(JOIN_TIMEOUT, restart).await;
        restarted.unwrap_or(Err(JoinFailed::TimedOut("ICE restart")))
    }

    /// Is gone without a word. Tells why it had ended before, if it had.
    pub(crate) fn vanish(self) -> Result<(), JoinFailed> {
        let ended = self.signaling.is_finished();
        self.signaling.abort();
        self.media.alive()?;
        if ended {
            return Err(SignalingFailed::Closed.into());
        }
        Ok(())
    }

    /// Leaves. Tells why it had ended before, if it had.
    pub(crate) async fn leave(mut self) -> Result<(), JoinFailed> {
        self.stop.send_replace(true);
        let left = match timeout(LEAVE_TIMEOUT, &mut self.signaling).await {
            Ok(Ok(left)) => left,
            Ok(Err(_)) | Err(_) => Err(SignalingFailed::Closed),
        };
        let alive = self.media.alive();
        if let Media::Full(peer, mut tracks) = self.media {
            tracks.abort_all();
            peer.close().await;
        }
        alive?;
        Ok(left?)
    }
}

impl Media {
    /// It did not end by itself.
    fn alive(&self) -> Result<(), JoinFailed> {
        match self {
            Self::Light(carried) => Ok(carried.alive()?),
            Self::Full(peer, _) => Ok(peer.alive()?),
        }
    }
}

fn start_tracks(peer: &Peer, seat: &Seat, world: &Arc<World>) -> JoinSet<()> {
    let mut tracks = JoinSet::new();
    for published in peer.published() {
        let (bell, number, world) = (peer.bell(), seat.number, Arc::clone(world));
        tracks.spawn(async move {
            publish(published, bell, number, &world.scenario, &world.tallies).await;
        });
    }
    tracks
}
