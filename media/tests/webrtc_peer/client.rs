//! A participant made of the `webrtc` crate: sends VP8-shaped and Opus-shaped RTP, counts what it receives.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp::{Header, Packet};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters,
    RTCRtpEncodingParameters, RtpCodecKind,
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
    SrtpProtectionProfile, register_default_interceptors,
};

use super::server::Server;

const OPUS: u8 = 111;
const VP8: u8 = 96;

/// What every payload of ours ends with.
const MARK: &[u8] = b"untouched by the server";

/// Descriptor with a 15-bit picture id, then the start of a 640x360 key frame (RFC 7741 §4.2, RFC 6386 §9.1).
const VP8_KEY_FRAME: [u8; 14] = [
    0x90, 0x80, 0x80, 1, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01,
];

/// What the client wants.
#[derive(Clone, Copy)]
pub(crate) struct Sends {
    /// A microphone and a camera.
    pub(crate) tracks: bool,
    /// Slots of each kind.
    pub(crate) slots: usize,
}

/// What the client received.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) audio: usize,
    pub(crate) video: usize,
    /// Packets that nobody sent like this.
    pub(crate) foreign: usize,
    /// Sequence numbers that were left out.
    pub(crate) gaps: usize,
}

pub(crate) struct Client {
    connection: Arc<dyn PeerConnection>,
    state: watch::Receiver<RTCPeerConnectionState>,
    counts: Arc<Mutex<Counts>>,
    tracks: Vec<(u32, Arc<TrackLocalStaticRTP>)>,
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
    let feedback = |parameter: &str| RTCPFeedback {
        typ: "nack".into(),
        parameter: parameter.into(),
    };
    RTCRtpCodec {
        mime_type: "video/VP8".into(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: String::new(),
        rtcp_feedback: vec![feedback(""), feedback("pli")],
    }
}

impl Client {
    pub(crate) async fn new(profile: SrtpProtectionProfile, sends: Sends) -> Self {
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
        let (states, state) = watch::channel(RTCPeerConnectionState::New);
        let counts = Arc::new(Mutex::new(Counts::default()));
        let ears = Arc::new(Ears {
            states,
            counts: Arc::clone(&counts),
        });
        let settings = SettingEngineBuilder::new()
            .with_srtp_protection_profiles(vec![profile])
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .build();
        let builder = PeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_setting_engine(settings)
            .with_handler(ears as Arc<dyn PeerConnectionEventHandler>)
            .with_udp_addrs(vec!["127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap()]);
        let connection: Arc<dyn PeerConnection> =
            Arc::new(Box::pin(builder.build()).await.unwrap());
        let mut client = Self {
            connection,
            state,
            counts,
            tracks: Vec::new(),
        };
        if sends.tracks {
            client
                .publish(RtpCodecKind::Audio, opus(), 0x0a0a_0a0a)
                .await;
            client
                .publish(RtpCodecKind::Video, vp8(), 0x0b0b_0b0b)
                .await;
        }
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            for _ in 0..sends.slots {
                let init = towards(RTCRtpTransceiverDirection::Recvonly);
                client
                    .connection
                    .add_transceiver_from_kind(kind, Some(init))
                    .await
                    .unwrap();
            }
        }
        client
    }

    async fn publish(&mut self, kind: RtpCodecKind, codec: RTCRtpCodec, ssrc: u32) {
        let rtp_coding_parameters = RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            ..RTCRtpCodingParameters::default()
        };
        let coding = RTCRtpEncodingParameters {
            rtp_coding_parameters,
            codec,
            ..RTCRtpEncodingParameters::default()
        };
        let name = format!("{kind:?}");
        let track = MediaStreamTrack::new("test".into(), name.clone(), name, kind, vec![coding]);
        let track = Arc::new(TrackLocalStaticRTP::new(track));
        let local = Arc::clone(&track) as Arc<dyn TrackLocal>;
        let init = towards(RTCRtpTransceiverDirection::Sendonly);
        self.connection
            .add_transceiver_from_track(local, Some(init))
            .await
            .unwrap();
        self.tracks.push((ssrc, track));
    }

    async fn negotiate(&self, server: &Server, number: usize) {
        let offer = self.connection.create_offer(None).await.unwrap();
        let sdp = offer.sdp.clone();
        self.connection.set_local_description(offer).await.unwrap();
        let answer = RTCSessionDescription::answer(server.offer(number, sdp)).unwrap();
        self.connection
            .set_remote_description(answer)
            .await
            .unwrap();
    }

    /// Offers, and waits until it is connected.
    pub(crate) async fn join(&self, server: &Server, number: usize) {
        self.negotiate(server, number).await;
        let mut state = self.state.clone();
        let connected = state.wait_for(|state| *state == RTCPeerConnectionState::Connected);
        tokio::time::timeout(super::PATIENCE, connected)
            .await
            .expect("connected")
            .unwrap();
    }

    /// Restarts ICE.
    pub(crate) async fn restart(&self, server: &Server, number: usize) {
        self.connection.restart_ice().await.unwrap();
        self.negotiate(server, number).await;
    }

    /// Sends fifty packets a second on each track until it is aborted.
    pub(crate) fn send_media(&self) -> JoinHandle<()> {
        let tracks = self.tracks.clone();
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(20));
            for count in 0u16.. {
                tick.tick().await;
                for (ssrc, track) in &tracks {
                    let _closed = track.write_rtp(packet(*ssrc, count)).await;
                }
            }
        })
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap()
    }

    /// Waits until so much was received.
    pub(crate) async fn received(&self, enough: impl Fn(Counts) -> bool, patience: Duration) {
        let waiting = async {
            while !enough(self.counts()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(patience, waiting).await;
        assert!(waited.is_ok(), "only {:?} was received", self.counts());
    }

    pub(crate) async fn close(&self) {
        let _slow = tokio::time::timeout(Duration::from_secs(2), self.connection.close()).await;
    }
}

fn towards(direction: RTCRtpTransceiverDirection) -> RTCRtpTransceiverInit {
    RTCRtpTransceiverInit {
        direction,
        ..RTCRtpTransceiverInit::default()
    }
}

fn packet(ssrc: u32, count: u16) -> Packet {
    let video = ssrc == 0x0b0b_0b0b;
    let mut payload = if video {
        VP8_KEY_FRAME.to_vec()
    } else {
        vec![0x78; 60]
    };
    payload.extend_from_slice(MARK);
    if video {
        payload[2..4].copy_from_slice(&(0x8000 | (count & 0x7fff)).to_be_bytes());
    }
    let header = Header {
        version: 2,
        marker: video,
        payload_type: if video { VP8 } else { OPUS },
        sequence_number: count.wrapping_add(65_500), // the roll-over counter gets to work
        timestamp: u32::from(count) * if video { 1800 } else { 960 },
        ssrc,
        ..Header::default()
    };
    Packet {
        header,
        payload: Bytes::from(payload),
    }
}

struct Ears {
    states: watch::Sender<RTCPeerConnectionState>,
    counts: Arc<Mutex<Counts>>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Ears {
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.states.send_replace(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        tokio::spawn(listen(track, Arc::clone(&self.counts)));
    }
}

async fn listen(track: Arc<dyn TrackRemote>, counts: Arc<Mutex<Counts>>) {
    let audio = track.kind().await == RtpCodecKind::Audio;
    let mut newest: Option<u16> = None;
    while let Some(event) = track.poll().await {
        let TrackRemoteEvent::OnRtpPacket(packet) = event else {
            continue;
        };
        let mut counts = counts.lock().unwrap();
        *if audio {
            &mut counts.audio
        } else {
            &mut counts.video
        } += 1;
        counts.foreign += usize::from(!packet.payload.ends_with(MARK));
        let seq = packet.header.sequence_number;
        let ahead = newest.map_or(1, |newest| seq.wrapping_sub(newest));
        if ahead < 0x8000 {
            counts.gaps += usize::from(ahead.max(1)) - 1;
            newest = Some(seq);
        }
    }
}
