//! The `webrtc` crate's peer connection, which shares no code with the server. It sends a microphone and a camera whose
//! packets say who sent them and when.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::ice::network_type::NetworkType;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp::extension::HeaderExtension;
use rtc::rtp::extension::audio_level_extension::AudioLevelExtension;
use rtc::rtp::{Header, Packet};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::interval;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
    RTCIceCandidateInit, RTCSessionDescription, Registry, SettingEngineBuilder,
    register_default_interceptors,
};
use webrtc::rtp_transceiver::RtpTransceiver;

const OPUS: u8 = 111;
const VP8: u8 = 96;

/// Voices and pictures that are received at once.
const SLOTS: usize = 3;

/// A VP8 descriptor with a picture id of 15 bits, and the first bytes of a key frame of 640x360.
const KEY_FRAME: [u8; 14] = [
    0x90, 0x80, 0x80, 0x00, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01,
];

/// Who and when, at the end of a payload.
const STAMP: usize = 9;

/// All times of these tests count from here.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The time of these tests.
pub(crate) fn now() -> Duration {
    BEGAN.elapsed()
}

/// What was received of another's microphone or camera.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stream {
    /// When the latest packet was sent.
    pub(crate) latest: Duration,
    /// The longest time between two packets.
    pub(crate) longest_gap: Duration,
}

/// All that was received, by who sent it.
pub(crate) type Heard = Arc<Mutex<HashMap<(u8, RtpCodecKind), Stream>>>;

/// What a peer connection may send over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// As most do.
    Udp,
    /// A firewall drops everything else.
    TcpOnly,
}

/// Payloads of all that it hears, as they come.
pub(crate) type Voices = Arc<Mutex<Vec<Bytes>>>;

/// Opus packets that its microphone still has to send, 20 ms each; none at all: it hums.
pub(crate) type Script = Arc<Mutex<Option<VecDeque<Bytes>>>>;

/// When each packet of the script was sent.
pub(crate) type Spoken = Arc<Mutex<Vec<Instant>>>;

/// A peer connection; it ends when it is dropped.
pub(crate) struct Peer {
    connection: Arc<dyn PeerConnection>,
    sent: [(Arc<TrackLocalStaticRTP>, Arc<dyn RtpTransceiver>); 2],
    senders: JoinSet<()>,
    /// What it hears.
    pub(crate) voices: Voices,
    /// What it says.
    pub(crate) script: Script,
    /// When it said what.
    pub(crate) spoken: Spoken,
}

impl Peer {
    /// One that has not offered yet.
    pub(crate) async fn new(heard: &Heard, network: Network) -> Self {
        Self::with_sources(heard, network, [None; 2]).await
    }

    /// The same, with these SSRCs of its microphone and its camera.
    pub(crate) async fn with_sources(
        heard: &Heard,
        network: Network,
        [microphone, camera]: [Option<u32>; 2],
    ) -> Self {
        let voices = Voices::default();
        let ears = Ears(Arc::clone(heard), Arc::clone(&voices));
        let connection = connection(ears, network).await;
        let sent = [
            send_track(&*connection, opus(), RtpCodecKind::Audio, microphone).await,
            send_track(&*connection, vp8(), RtpCodecKind::Video, camera).await,
        ];
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            for _ in 0..SLOTS {
                let init = Some(towards(RTCRtpTransceiverDirection::Recvonly));
                let slot = connection.add_transceiver_from_kind(kind, init).await;
                slot.expect("a slot");
            }
        }
        Self {
            connection,
            sent,
            senders: JoinSet::new(),
            voices,
            script: Script::default(),
            spoken: Spoken::default(),
        }
    }

    /// `d` of an `offer`.
    pub(crate) async fn offer(&self) -> Value {
        let offer = self.connection.create_offer(None).await.expect("an offer");
        let sdp = offer.sdp.clone();
        self.connection
            .set_local_description(offer)
            .await
            .expect("it is our own");
        let [microphone, camera] = &self.sent;
        let publish = json!([
            { "mid": mid(&microphone.1).await, "source": "microphone" },
            { "mid": mid(&camera.1).await, "source": "camera" },
        ]);
        json!({ "sdp": sdp, "publish": publish })
    }

    /// Takes the answer and begins to send, as this number.
    pub(crate) async fn answer(&mut self, answer: &Value, number: u8) {
        let sdp = answer["sdp"].as_str().expect("an SDP");
        let answer = RTCSessionDescription::answer(sdp.to_owned()).expect("an SDP");
        self.connection
            .set_remote_description(answer)
            .await
            .expect("it fits the offer");
        // The crate connects by TCP only to candidates that come by themselves, not to those in an answer.
        for candidate in sdp
            .lines()
            .filter_map(|line| line.strip_prefix("a=candidate:"))
        {
            let candidate = RTCIceCandidateInit {
                candidate: candidate.to_owned(),
                ..RTCIceCandidateInit::default()
            };
            let added = self.connection.add_ice_candidate(candidate).await;
            added.expect("it was in the answer");
        }
        let [microphone, camera] = &self.sent;
        let script = (Arc::clone(&self.script), Arc::clone(&self.spoken));
        self.senders
            .spawn(speak(Arc::clone(&microphone.0), number, script));
        self.senders.spawn(film(Arc::clone(&camera.0), number));
    }
}

struct Ears(Heard, Voices);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Ears {
    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        tokio::spawn(listen(track, Arc::clone(&self.0), Arc::clone(&self.1)));
    }
}

async fn listen(track: Arc<dyn TrackRemote>, heard: Heard, voices: Voices) {
    let kind = track.kind().await;
    let mut last: HashMap<u8, Instant> = HashMap::new();
    while let Some(event) = track.poll().await {
        let TrackRemoteEvent::OnRtpPacket(packet) = event else {
            continue;
        };
        if kind == RtpCodecKind::Audio {
            let mut voices = voices.lock().expect("nobody panics with it");
            voices.push(packet.payload.clone());
        }
        let Some((&[number, ref sent @ ..], _)) = packet
            .payload
            .split_last_chunk::<STAMP>()
            .map(|(rest, stamp)| (stamp, rest))
        else {
            continue;
        };
        let sent = Duration::from_micros(u64::from_be_bytes(*sent));
        let arrived = Instant::now();
        let gap = last
            .insert(number, arrived)
            .map_or(Duration::ZERO, |last| arrived - last);
        let mut heard = heard.lock().expect("nobody panics with it");
        let stream = heard.entry((number, kind)).or_default();
        stream.latest = stream.latest.max(sent);
        stream.longest_gap = stream.longest_gap.max(gap);
    }
}

fn stamped(mut payload: Vec<u8>, number: u8) -> Bytes {
    payload.push(number);
    payload.extend(
        u64::try_from(now().as_micros())
            .expect("not that long")
            .to_be_bytes(),
    );
    payload.into()
}

async fn speak(track: Arc<TrackLocalStaticRTP>, number: u8, (script, spoken): (Script, Spoken)) {
    let mut pace = interval(Duration::from_millis(20));
    let mut header = header(OPUS, &track).await;
    loop {
        pace.tick().await;
        header.timestamp = header.timestamp.wrapping_add(960);
        let payload = match &mut *script.lock().expect("nobody panics with it") {
            None => Some(stamped(vec![0x78; 80], number)),
            Some(said) => said.pop_front().inspect(|_| {
                let mut spoken = spoken.lock().expect("nobody panics with it");
                spoken.push(Instant::now());
            }),
        };
        let Some(payload) = payload else {
            continue; // silence is not sent
        };
        header.sequence_number = header.sequence_number.wrapping_add(1);
        let packet = Packet {
            header: header.clone(),
            payload,
        };
        let level = AudioLevelExtension {
            level: 20,
            voice: true,
        };
        // Before the connection is up nothing is sent.
        let _ = track
            .write_rtp_with_extensions(packet, &[HeaderExtension::AudioLevel(level)])
            .await;
    }
}

async fn film(track: Arc<TrackLocalStaticRTP>, number: u8) {
    let mut pace = interval(Duration::from_millis(50));
    let mut header = header(VP8, &track).await;
    let mut picture = 0u16;
    loop {
        pace.tick().await;
        header.timestamp = header.timestamp.wrapping_add(4500);
        picture = (picture + 1) & 0x7fff;
        for part in 0..3 {
            header.sequence_number = header.sequence_number.wrapping_add(1);
            header.marker = part == 2;
            let mut payload = KEY_FRAME.to_vec();
            payload[2..4].copy_from_slice(&(picture | 0x8000).to_be_bytes());
            if part > 0 {
                payload[0] = 0x80; // it goes on
            }
            payload.resize(900, 0x55);
            let packet = Packet {
                header: header.clone(),
                payload: stamped(payload, number),
            };
            let _ = track.write_rtp(packet).await;
        }
    }
}

async fn header(payload_type: u8, track: &TrackLocalStaticRTP) -> Header {
    let ssrc = track.track().await.ssrcs().next().expect("it has one");
    Header {
        version: 2,
        payload_type,
        ssrc,
        ..Header::default()
    }
}

async fn send_track(
    connection: &dyn PeerConnection,
    codec: RTCRtpCodec,
    kind: RtpCodecKind,
    ssrc: Option<u32>,
) -> (Arc<TrackLocalStaticRTP>, Arc<dyn RtpTransceiver>) {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: ssrc.or_else(|| Some(rand::random::<u32>().max(1))),
            ..RTCRtpCodingParameters::default()
        },
        codec,
        ..RTCRtpEncodingParameters::default()
    };
    let name = format!("{kind:?}");
    let track = MediaStreamTrack::new("tab".into(), name.clone(), name, kind, vec![coding]);
    let track = Arc::new(TrackLocalStaticRTP::new(track));
    let transceiver = connection
        .add_transceiver_from_track(
            Arc::clone(&track) as Arc<dyn TrackLocal>,
            Some(towards(RTCRtpTransceiverDirection::Sendonly)),
        )
        .await
        .expect("a track to send");
    (track, transceiver)
}

async fn connection(ears: Ears, network: Network) -> Arc<dyn PeerConnection> {
    let mut media = MediaEngine::default();
    for (rtp_codec, payload_type, kind) in [
        (opus(), OPUS, RtpCodecKind::Audio),
        (vp8(), VP8, RtpCodecKind::Video),
    ] {
        let parameters = RTCRtpCodecParameters {
            rtp_codec,
            payload_type,
        };
        media.register_codec(parameters, kind).expect("a codec");
    }
    let level = RTCRtpHeaderExtensionCapability {
        uri: "urn:ietf:params:rtp-hdrext:ssrc-audio-level".into(),
    };
    media
        .register_header_extension(level, RtpCodecKind::Audio, None)
        .expect("an extension");
    let interceptors =
        register_default_interceptors(Registry::new(), &mut media).expect("interceptors");
    let addresses = vec!["127.0.0.1:0".to_owned()];
    let (types, udp, tcp) = match network {
        Network::Udp => (vec![NetworkType::Udp4], addresses, Vec::new()),
        Network::TcpOnly => (vec![NetworkType::Tcp4], Vec::new(), addresses),
    };
    let builder = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(interceptors)
        .with_setting_engine(
            SettingEngineBuilder::new()
                .with_network_types(types)
                .build(),
        )
        .with_handler(Arc::new(ears) as Arc<dyn PeerConnectionEventHandler>)
        .with_udp_addrs(udp)
        .with_tcp_addrs(tcp);
    Arc::new(Box::pin(builder.build()).await.expect("a connection"))
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
        ..RTCRtpCodec::default()
    }
}

fn towards(direction: RTCRtpTransceiverDirection) -> RTCRtpTransceiverInit {
    RTCRtpTransceiverInit {
        direction,
        ..RTCRtpTransceiverInit::default()
    }
}

async fn mid(transceiver: &Arc<dyn RtpTransceiver>) -> String {
    transceiver
        .mid()
        .await
        .expect("it lives")
        .expect("it was offered")
}
