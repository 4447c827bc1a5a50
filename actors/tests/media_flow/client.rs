//! A browser made of the `webrtc` crate: a microphone, a camera, some slots, and counts of what comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix::Addr;
use bytes::Bytes;
use calls_actors::participant::{ClientRequest, Participant};
use calls_model::Source;
use calls_model::signal::{Answer, Offer, PublishedMid, Request};
use rtc::ice::mdns::MulticastDnsMode;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp::{Header, Packet};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
    RTCPeerConnectionState, RTCSessionDescription, Registry, SettingEngineBuilder,
    register_default_interceptors,
};

/// How long connecting and receiving may take.
const PATIENCE: Duration = Duration::from_secs(20);

const OPUS: u8 = 111;
const VP8: u8 = 96;

/// Descriptor with a 15-bit picture id, then the start of a 640x360 key frame (RFC 7741 §4.2, RFC 6386 §9.1).
const VP8_KEY_FRAME: [u8; 14] = [
    0x90, 0x80, 0x80, 1, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01,
];

/// Packets that came.
#[derive(Default)]
struct Counts {
    audio: AtomicUsize,
    video: AtomicUsize,
}

/// One connected browser.
pub(crate) struct Client {
    connection: Arc<dyn PeerConnection>,
    counts: Arc<Counts>,
    sending: JoinHandle<()>,
}

impl Client {
    /// Publishes a microphone and a camera through this participant, offers one slot of each kind, and waits until
    /// it is connected.
    pub(crate) async fn connect(participant: &Addr<Participant>) -> Self {
        let mut media = MediaEngine::default();
        for (rtp_codec, payload_type, kind) in [
            (opus(), OPUS, RtpCodecKind::Audio),
            (vp8(), VP8, RtpCodecKind::Video),
        ] {
            let codec = RTCRtpCodecParameters {
                rtp_codec,
                payload_type,
            };
            media.register_codec(codec, kind).unwrap();
        }
        let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
        let (states, mut state) = watch::channel(RTCPeerConnectionState::New);
        let counts = Arc::new(Counts::default());
        let ears = Arc::new(Ears {
            states,
            counts: counts.clone(),
        });
        let no_mdns = MulticastDnsMode::Disabled;
        let builder = PeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_setting_engine(
                SettingEngineBuilder::new()
                    .with_multicast_dns_mode(no_mdns)
                    .build(),
            )
            .with_handler(ears as Arc<dyn PeerConnectionEventHandler>)
            .with_udp_addrs(vec!["127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap()]);
        let connection: Arc<dyn PeerConnection> =
            Arc::new(Box::pin(builder.build()).await.unwrap());

        let microphone = publish(&*connection, RtpCodecKind::Audio, opus(), 0x0a0a_0a0a).await;
        let camera = publish(&*connection, RtpCodecKind::Video, vp8(), 0x0b0b_0b0b).await;
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            let slot = towards(RTCRtpTransceiverDirection::Recvonly);
            connection
                .add_transceiver_from_kind(kind, Some(slot))
                .await
                .unwrap();
        }
        negotiate(&*connection, participant).await;
        let connected = state.wait_for(|state| *state == RTCPeerConnectionState::Connected);
        tokio::time::timeout(PATIENCE, connected)
            .await
            .expect("connected in time")
            .unwrap();
        let sending = tokio::spawn(send(microphone, camera));
        Self {
            connection,
            counts,
            sending,
        }
    }

    /// Waits for this many more packets of each kind. Returns how long it took.
    pub(crate) async fn hears_and_sees(&self, more: usize) -> Duration {
        let (audio, video) = (self.heard() + more, self.seen() + more);
        let start = tokio::time::Instant::now();
        while self.heard() < audio || self.seen() < video {
            let missing = (self.heard(), audio, self.seen(), video);
            assert!(start.elapsed() < PATIENCE, "only {missing:?} came");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        start.elapsed()
    }

    /// Packets heard so far.
    pub(crate) fn heard(&self) -> usize {
        self.counts.audio.load(Ordering::Relaxed)
    }

    /// Packets seen so far.
    pub(crate) fn seen(&self) -> usize {
        self.counts.video.load(Ordering::Relaxed)
    }

    pub(crate) async fn close(self) {
        self.sending.abort();
        let _slow = tokio::time::timeout(Duration::from_secs(2), self.connection.close()).await;
    }
}

async fn negotiate(connection: &dyn PeerConnection, participant: &Addr<Participant>) {
    let offer = connection.create_offer(None).await.unwrap();
    let sdp = offer.sdp.clone();
    connection.set_local_description(offer).await.unwrap();
    // The first two m-lines are the tracks, in the order in which they were added.
    let mids: Vec<&str> = sdp
        .lines()
        .filter_map(|line| line.strip_prefix("a=mid:"))
        .collect();
    let publish =
        [(mids[0], Source::Microphone), (mids[1], Source::Camera)].map(|(mid, source)| {
            PublishedMid {
                mid: mid.trim().to_owned(),
                source,
            }
        });
    let request = Request::Offer(Offer {
        sdp: sdp.clone(),
        publish: publish.to_vec(),
    });
    let answer = participant
        .send(ClientRequest { request })
        .await
        .unwrap()
        .unwrap();
    let Answer { sdp } = serde_json::from_value(answer).unwrap();
    let answer = RTCSessionDescription::answer(sdp).unwrap();
    connection.set_remote_description(answer).await.unwrap();
}

async fn publish(
    connection: &dyn PeerConnection,
    kind: RtpCodecKind,
    codec: RTCRtpCodec,
    ssrc: u32,
) -> Arc<TrackLocalStaticRTP> {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            ..RTCRtpCodingParameters::default()
        },
        codec,
        ..RTCRtpEncodingParameters::default()
    };
    let name = format!("{kind:?}");
    let track = MediaStreamTrack::new("test".into(), name.clone(), name, kind, vec![coding]);
    let track = Arc::new(TrackLocalStaticRTP::new(track));
    let local = Arc::clone(&track) as Arc<dyn TrackLocal>;
    let init = towards(RTCRtpTransceiverDirection::Sendonly);
    connection
        .add_transceiver_from_track(local, Some(init))
        .await
        .unwrap();
    track
}

/// Fifty packets a second on each track, until it is aborted.
async fn send(microphone: Arc<TrackLocalStaticRTP>, camera: Arc<TrackLocalStaticRTP>) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    for count in 0u16.. {
        tick.tick().await;
        let voice = packet(
            OPUS,
            0x0a0a_0a0a,
            count,
            u32::from(count) * 960,
            vec![0x78; 60],
        );
        let mut picture = VP8_KEY_FRAME.to_vec();
        picture[2..4].copy_from_slice(&(0x8000 | (count & 0x7fff)).to_be_bytes());
        let picture = packet(VP8, 0x0b0b_0b0b, count, u32::from(count) * 1800, picture);
        let _closed = microphone.write_rtp(voice).await;
        let _closed = camera.write_rtp(picture).await;
    }
}

fn packet(payload_type: u8, ssrc: u32, count: u16, timestamp: u32, payload: Vec<u8>) -> Packet {
    let header = Header {
        version: 2,
        marker: payload_type == VP8,
        payload_type,
        sequence_number: count,
        timestamp,
        ssrc,
        ..Header::default()
    };
    Packet {
        header,
        payload: Bytes::from(payload),
    }
}

fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "audio/opus".into(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".into(),
        rtcp_feedback: Vec::new(),
    }
}

fn vp8() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "video/VP8".into(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: String::new(),
        rtcp_feedback: Vec::new(),
    }
}

fn towards(direction: RTCRtpTransceiverDirection) -> RTCRtpTransceiverInit {
    RTCRtpTransceiverInit {
        direction,
        ..RTCRtpTransceiverInit::default()
    }
}

struct Ears {
    states: watch::Sender<RTCPeerConnectionState>,
    counts: Arc<Counts>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Ears {
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.states.send_replace(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let counts = self.counts.clone();
        tokio::spawn(async move {
            let audio = track.kind().await == RtpCodecKind::Audio;
            let count = if audio { &counts.audio } else { &counts.video };
            while let Some(event) = track.poll().await {
                if matches!(event, TrackRemoteEvent::OnRtpPacket(_)) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
}
