//! One participant's peer connection: the `webrtc` crate's, an implementation that shares no code with the server's.

mod engine;
mod keyframes;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calls_model::Source;
use calls_model::signal::{Offer, PublishedMid, View, ViewSlot};
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use tokio::sync::{OnceCell, watch};
use webrtc::error::Error;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCPeerConnectionState,
    RTCSessionDescription,
};
use webrtc::rtp_transceiver::RtpTransceiver;

use crate::sequence::Sequence;
use crate::stay::First;
use crate::tally::{Kind, Tallies};

pub(crate) use keyframes::KeyFrameBell;

/// Size at which every picture is asked for.
const VIEW_SIZE: (u32, u32) = (640, 360);

/// What a participant wants of its connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wishes {
    /// Sends a microphone.
    pub(crate) microphone: bool,
    /// Sends a camera.
    pub(crate) camera: bool,
    /// In so many encodings, where it is a light one.
    pub(crate) layers: usize,
    /// Voices it can receive at once.
    pub(crate) audio_slots: u32,
    /// Pictures it can receive at once.
    pub(crate) video_slots: u32,
    /// Where its sockets are bound.
    pub(crate) bind: SocketAddr,
}

/// A peer connection and what it sends on.
pub(crate) struct Peer {
    connection: Arc<dyn PeerConnection>,
    state: watch::Receiver<RTCPeerConnectionState>,
    ears: Arc<Ears>,
    published: Vec<(Published, Arc<dyn RtpTransceiver>)>,
    pictures: Vec<Arc<dyn RtpTransceiver>>,
    bell: KeyFrameBell,
}

/// A track that is sent.
#[derive(Clone)]
pub(crate) struct Published {
    /// What it carries.
    pub(crate) source: Source,
    /// The stream's SSRC.
    pub(crate) ssrc: u32,
    /// Takes packets.
    pub(crate) track: Arc<TrackLocalStaticRTP>,
}

/// The connection failed, or did not come up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerFailed {
    /// The `webrtc` crate refused.
    #[error("peer connection refused")]
    WebRtc(#[from] Error),
    /// ICE or DTLS failed.
    #[error("peer connection is {0}")]
    Ended(RTCPeerConnectionState),
}

impl Peer {
    /// A connection that offers what `wishes` says and counts what it receives.
    pub(crate) async fn new(wishes: Wishes, tallies: Arc<Tallies>) -> Result<Self, PeerFailed> {
        let bell = KeyFrameBell::default();
        let (states, state) = watch::channel(RTCPeerConnectionState::New);
        let ears = Arc::new(Ears {
            tallies,
            states,
            first_media: OnceCell::new(),
        });
        let (media, interceptors) = engine::media(bell.clone())?;
        let builder = PeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_interceptor_registry(interceptors)
            .with_setting_engine(engine::settings())
            .with_handler(Arc::clone(&ears) as Arc<dyn PeerConnectionEventHandler>)
            .with_udp_addrs(vec![wishes.bind]);
        let connection = Box::pin(builder.build()).await?;
        let mut peer = Self {
            connection: Arc::new(connection),
            state,
            ears,
            published: Vec::new(),
            pictures: Vec::new(),
            bell,
        };
        peer.add_tracks(wishes).await?;
        Ok(peer)
    }

    async fn add_tracks(&mut self, wishes: Wishes) -> Result<(), PeerFailed> {
        if wishes.microphone {
            self.publish(Source::Microphone).await?;
        }
        if wishes.camera {
            self.publish(Source::Camera).await?;
        }
        for _ in 0..wishes.audio_slots {
            self.add_slot(RtpCodecKind::Audio).await?;
        }
        for _ in 0..wishes.video_slots {
            let slot = self.add_slot(RtpCodecKind::Video).await?;
            self.pictures.push(slot);
        }
        Ok(())
    }

    async fn publish(&mut self, source: Source) -> Result<(), PeerFailed> {
        let (kind, codec, name) = if source.is_audio() {
            (RtpCodecKind::Audio, engine::opus(), "microphone")
        } else {
            (RtpCodecKind::Video, engine::vp8(), "camera")
        };
        let ssrc = rand::random::<u32>().max(1);
        let coding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(ssrc),
                ..RTCRtpCodingParameters::default()
            },
            codec,
            ..RTCRtpEncodingParameters::default()
        };
        let track =
            MediaStreamTrack::new("load".into(), name.into(), name.into(), kind, vec![coding]);
        let track = Arc::new(TrackLocalStaticRTP::new(track));
        let transceiver = self
            .connection
            .add_transceiver_from_track(
                Arc::clone(&track) as Arc<dyn TrackLocal>,
                Some(towards(RTCRtpTransceiverDirection::Sendonly)),
            )
            .await?;
        self.published.push((
            Published {
                source,
                ssrc,
                track,
            },
            transceiver,
        ));
        Ok(())
    }

    async fn add_slot(&self, kind: RtpCodecKind) -> Result<Arc<dyn RtpTransceiver>, PeerFailed> {
        let init = towards(RTCRtpTransceiverDirection::Recvonly);
        Ok(self
            .connection
            .add_transceiver_from_kind(kind, Some(init))
            .await?)
    }

    /// The offer, without candidates: the server is ICE-lite and learns where we are from our checks.
    pub(crate) async fn offer(&self) -> Result<Offer, PeerFailed> {
        let offer = self.connection.create_offer(None).await?;
        let sdp = offer.sdp.clone();
        self.connection.set_local_description(offer).await?;
        let mut publish = Vec::new();
        for (published, transceiver) in &self.published {
            let mid = mid(transceiver).await?;
            publish.push(PublishedMid {
                mid,
                source: published.source,
            });
        }
        Ok(Offer { sdp, publish })
    }

    /// What to ask for the picture slots: anybody, at one size. Good once an offer was made.
    pub(crate) async fn view(&self) -> Result<View, PeerFailed> {
        let mut slots = Vec::new();
        for transceiver in &self.pictures {
            slots.push(ViewSlot {
                mid: mid(transceiver).await?,
                participant_id: None,
                source: None,
                width: Some(VIEW_SIZE.0),
                height: Some(VIEW_SIZE.1),
            });
        }
        Ok(View { slots })
    }

    /// Takes the server's answer.
    pub(crate) async fn answer(&self, sdp: String) -> Result<(), PeerFailed> {
        let answer = RTCSessionDescription::answer(sdp)?;
        Ok(self.connection.set_remote_description(answer).await?)
    }

    /// Waits until media can flow.
    pub(crate) async fn connected(&self) -> Result<(), PeerFailed> {
        let ended = |state| {
            matches!(
                state,
                RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed
            )
        };
        let mut states = self.state.clone();
        let settled = states
            .wait_for(|state| *state == RTCPeerConnectionState::Connected || ended(*state))
            .await
            .map_or(RTCPeerConnectionState::Closed, |state| *state);
        if ended(settled) {
            Err(PeerFailed::Ended(settled))
        } else {
            Ok(())
        }
    }

    /// Media, which could flow once, still can.
    pub(crate) fn alive(&self) -> Result<(), PeerFailed> {
        match *self.state.borrow() {
            RTCPeerConnectionState::Connected => Ok(()),
            other => Err(PeerFailed::Ended(other)),
        }
    }

    /// What it sends on.
    pub(crate) fn published(&self) -> impl Iterator<Item = Published> {
        self.published
            .iter()
            .map(|(published, _)| published.clone())
    }

    /// Rings when somebody asks for a key frame.
    pub(crate) fn bell(&self) -> KeyFrameBell {
        self.bell.clone()
    }

    /// When the first packet came; of which kind it was is not told.
    pub(crate) fn first(&self) -> First {
        let first = self.ears.first_media.get().copied();
        First {
            audio: first,
            video: first,
        }
    }

    /// Closes it.
    pub(crate) async fn close(&self) {
        // Whatever became of it, nothing can be done about it now.
        let _closed = tokio::time::timeout(Duration::from_secs(2), self.connection.close()).await;
    }
}

fn towards(direction: RTCRtpTransceiverDirection) -> RTCRtpTransceiverInit {
    RTCRtpTransceiverInit {
        direction,
        ..RTCRtpTransceiverInit::default()
    }
}

async fn mid(transceiver: &Arc<dyn RtpTransceiver>) -> Result<String, PeerFailed> {
    let unnamed = || Error::Other("an offered m-line has no mid".to_owned());
    Ok(transceiver.mid().await?.ok_or_else(unnamed)?)
}

/// Hears what the connection tells.
struct Ears {
    tallies: Arc<Tallies>,
    states: watch::Sender<RTCPeerConnectionState>,
    first_media: OnceCell<Instant>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Ears {
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.states.send_replace(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        // A second track after the first packet changes nothing.
        let _already = self.first_media.set(Instant::now());
        tokio::spawn(listen(track, Arc::clone(&self.tallies)));
    }
}

/// Counts what one track receives, until it ends with its connection.
async fn listen(track: Arc<dyn TrackRemote>, tallies: Arc<Tallies>) {
    let tally = tallies.of(match track.kind().await {
        RtpCodecKind::Audio => Kind::Audio,
        _ => Kind::Video,
    });
    let mut sequence = Sequence::default();
    while let Some(event) = track.poll().await {
        if let TrackRemoteEvent::OnRtpPacket(packet) = event {
            tallies.received(
                tally,
                &mut sequence,
                packet.header.sequence_number,
                &packet.payload,
            );
        }
    }
}
