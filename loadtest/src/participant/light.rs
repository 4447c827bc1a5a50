//! A light participant's negotiation: its lines, the offer, what the answer makes of them.

use std::net::UdpSocket;
use std::time::Instant;

use bytes::Bytes;
use calls_model::Source;
use calls_model::signal::{Answer, Offer, PublishedMid, View, ViewSlot};

use super::{JoinFailed, Seat, World};
use crate::light::{
    Client, ClientFailed, Credentials, Line, Local, Name, Outbound, RIDS, Remote, SdpUnusable,
    Stage, Stream, Ticket, offer,
};
use crate::peer::Wishes;
use crate::scenario::Scenario;
use crate::signaling::Signaling;
use crate::speech::Turns;
use crate::stay::First;
use crate::tally::Kind;
use crate::traffic::{Camera, Microphone};

/// Size at which every picture is asked for.
const VIEW_SIZE: (u32, u32) = (640, 360);

/// A light participant's media did not come up, or ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LightFailed {
    /// The answer is of no use.
    #[error("the answer is unusable")]
    Answer(#[from] SdpUnusable),
    /// No socket.
    #[error("no socket for media")]
    Socket(#[from] std::io::Error),
    /// The transport ended.
    #[error(transparent)]
    Client(#[from] ClientFailed),
    /// The lane is gone.
    #[error("its lane is gone")]
    Gone,
}

/// Media that is carried by a lane, and what it was negotiated for.
pub(crate) struct Carried {
    ticket: Ticket,
    lines: Vec<Line>,
}

/// Offers, takes the answer, and gets carried.
pub(super) async fn negotiate(
    wishes: Wishes,
    seat: &Seat,
    world: &World,
    signaling: &mut Signaling,
) -> Result<Carried, JoinFailed> {
    let lines = lines(wishes);
    let credentials = Credentials::generate();
    let answer = signaling
        .offer(offering(&credentials, &lines, world))
        .await?;
    let remote = Remote::read(&answer.sdp).map_err(LightFailed::from)?;
    let ticket = carry(wishes, seat, world, credentials, &lines, &remote)?;

    let pictures = lines
        .iter()
        .filter(|line| line.kind == Kind::Video && line.send.is_empty());
    let slots: Vec<_> = pictures.map(slot).collect();
    if !slots.is_empty() {
        signaling.view(View { slots }).await?;
    }
    Ok(Carried { ticket, lines })
}

fn offering(credentials: &Credentials, lines: &[Line], world: &World) -> Offer {
    let local = Local {
        credentials,
        fingerprint: world.identity.fingerprint(),
        candidate: None,
    };
    let publish = lines.iter().filter(|line| !line.send.is_empty());
    let publish = publish.map(|line| PublishedMid {
        mid: line.mid.clone(),
        source: match line.kind {
            Kind::Audio => Source::Microphone,
            Kind::Video => Source::Camera,
        },
    });
    Offer {
        sdp: offer(local, lines),
        publish: publish.collect(),
    }
}

impl Carried {
    /// Waits until media can flow.
    pub(super) async fn connected(&self) -> Result<(), LightFailed> {
        connected(&self.ticket).await
    }

    /// When media could flow for the first time.
    pub(super) fn connected_at(&self) -> Option<Instant> {
        self.ticket.progress.connected.get().copied()
    }

    /// When the first packets of others came.
    pub(super) fn first(&self) -> First {
        self.ticket.progress.first()
    }

    /// Media did not end by itself.
    pub(super) fn alive(&self) -> Result<(), LightFailed> {
        alive(&self.ticket)
    }

    /// An offer of the same under new credentials.
    pub(super) fn offer(&self, world: &World) -> (Credentials, Offer) {
        let credentials = Credentials::generate();
        let offer = offering(&credentials, &self.lines, world);
        (credentials, offer)
    }

    /// Takes the answer to it.
    pub(super) fn restart(
        &self,
        credentials: Credentials,
        answer: &Answer,
    ) -> Result<(), LightFailed> {
        let remote = Remote::read(&answer.sdp)?;
        self.ticket.restart(credentials, remote.credentials);
        Ok(())
    }
}

/// Waits until media can flow.
pub(crate) async fn connected(ticket: &Ticket) -> Result<(), LightFailed> {
    let mut stage = ticket.progress.stage.subscribe();
    let settled = stage
        .wait_for(|stage| !matches!(stage, Stage::Connecting))
        .await;
    match settled.map(|stage| stage.clone()) {
        Ok(Stage::Failed(failed)) => Err(failed.into()),
        Ok(Stage::Connecting | Stage::Connected) => Ok(()),
        Err(_) => Err(LightFailed::Gone),
    }
}

/// Media did not end by itself.
pub(crate) fn alive(ticket: &Ticket) -> Result<(), LightFailed> {
    match &*ticket.progress.stage.borrow() {
        Stage::Failed(failed) => Err(failed.clone().into()),
        Stage::Connecting | Stage::Connected => Ok(()),
    }
}

/// What is sent, and then what is received.
pub(crate) fn lines(wishes: Wishes) -> Vec<Line> {
    let streams = |count| {
        let stream = || Stream {
            ssrc: rand::random::<u32>().max(1),
            rtx: rand::random::<u32>().max(1),
        };
        std::iter::repeat_with(stream).take(count).collect()
    };
    let mut lines = Vec::new();
    let mut add = |kind, send| {
        let mid = lines.len().to_string();
        lines.push(Line { mid, kind, send });
    };
    if wishes.microphone {
        add(Kind::Audio, streams(1));
    }
    if wishes.camera {
        add(Kind::Video, streams(wishes.layers.max(1)));
    }
    for _ in 0..wishes.audio_slots {
        add(Kind::Audio, Vec::new());
    }
    for _ in 0..wishes.video_slots {
        add(Kind::Video, Vec::new());
    }
    lines
}

fn slot(line: &Line) -> ViewSlot {
    ViewSlot {
        mid: line.mid.clone(),
        participant_id: None,
        source: None,
        width: Some(VIEW_SIZE.0),
        height: Some(VIEW_SIZE.1),
    }
}

/// What goes out on those of `lines` that send, as `remote` answered them.
pub(crate) fn outbound(
    scenario: &Scenario,
    seat: u32,
    lines: &[Line],
    remote: &Remote,
) -> Outbound {
    let mut outbound = Outbound::nothing();
    for (line, answered) in lines.iter().zip(&remote.lines) {
        let Some(&Stream { ssrc, .. }) = line.send.first() else {
            continue;
        };
        if line.kind == Kind::Audio {
            let microphone = Microphone::new(ssrc, scenario.audio.packet_bytes as usize);
            let turns = Turns {
                seat,
                speakers: scenario.publishers,
            };
            outbound.microphone(microphone, turns, ssrc, answered.extensions);
        } else if let Some(video) = &scenario.video {
            let ssrcs: Vec<u32> = line.send.iter().map(|stream| stream.ssrc).collect();
            let bytes = video.packet_bytes as usize;
            let encodings = Camera::simulcast(&ssrcs, video.kbps, video.fps, bytes);
            for ((camera, stream), rid) in encodings.into_iter().zip(&line.send).zip(RIDS) {
                let name = line.is_simulcast().then(|| Name {
                    mid: Bytes::copy_from_slice(line.mid.as_bytes()),
                    rid: Bytes::from_static(rid.as_bytes()),
                });
                let ssrcs = (stream.ssrc, Some(stream.rtx));
                outbound.camera(camera, video.fps, ssrcs, name, answered.extensions);
            }
        }
    }
    outbound
}

fn carry(
    wishes: Wishes,
    seat: &Seat,
    world: &World,
    credentials: Credentials,
    lines: &[Line],
    remote: &Remote,
) -> Result<Ticket, LightFailed> {
    let outbound = outbound(&world.scenario, seat.number, lines, remote);
    let socket = UdpSocket::bind(wishes.bind)?;
    socket.connect(remote.address)?;
    let client = Client::new(
        world.identity.clone(),
        credentials,
        remote,
        outbound,
        Instant::now(),
    );
    let impaired = world.scenario.viewers == 0 || !seat.publishes(&world.scenario);
    let impairment = world.impairment.filter(|_| impaired);
    Ok(world.lanes.carry(socket, client, impairment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_is_sent_first_and_then_what_is_received() {
        let wishes = Wishes {
            microphone: true,
            camera: true,
            layers: 3,
            audio_slots: 1,
            video_slots: 2,
            bind: "127.0.0.1:0".parse().unwrap(),
        };
        let lines = lines(wishes);
        let sent: Vec<_> = lines.iter().map(|line| line.send.len()).collect();
        let kinds: Vec<_> = lines.iter().map(|line| line.kind).collect();
        assert_eq!(sent, [1, 3, 0, 0, 0]);
        let (audio, video) = (Kind::Audio, Kind::Video);
        assert_eq!(kinds, [audio, video, audio, video, video]);
        assert_eq!(slot(&lines[4]).mid, "4");
    }
}
