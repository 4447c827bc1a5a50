//! What our side of a peer connection can do: VP8 and Opus, reports, NACK with RTX, transport-wide feedback.

use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::Slot;
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use webrtc::error::Result;
use webrtc::peer_connection::{
    MediaEngine, Registry, SettingEngine, SettingEngineBuilder, SrtpProtectionProfile,
    register_default_interceptors,
};

use super::KeyFrameBell;
use crate::traffic::{OPUS, VP8, VP8_RTX};

/// RFC 6464.
const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// Behind all of the crate's own interceptors, so that they have seen what we look at.
const LAST: usize = 14_000;

/// Opus, as it stands in our offers.
pub(super) fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "audio/opus".into(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".into(),
        rtcp_feedback: Vec::new(),
    }
}

/// VP8, as it stands in our offers.
pub(super) fn vp8() -> RTCRtpCodec {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback {
        typ: typ.into(),
        parameter: parameter.into(),
    };
    RTCRtpCodec {
        mime_type: "video/VP8".into(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: String::new(),
        rtcp_feedback: vec![
            feedback("ccm", "fir"),
            feedback("nack", ""),
            feedback("nack", "pli"),
        ],
    }
}

fn rtx() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "video/rtx".into(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: format!("apt={VP8}"),
        rtcp_feedback: Vec::new(),
    }
}

/// Codecs, header extensions and interceptors.
pub(super) fn media(bell: KeyFrameBell) -> Result<(MediaEngine, Registry)> {
    let mut media = MediaEngine::default();
    let codec = |rtp_codec, payload_type| RTCRtpCodecParameters {
        rtp_codec,
        payload_type,
    };
    media.register_codec(codec(opus(), OPUS), RtpCodecKind::Audio)?;
    media.register_codec(codec(vp8(), VP8), RtpCodecKind::Video)?;
    media.register_codec(codec(rtx(), VP8_RTX), RtpCodecKind::Video)?;
    media.register_header_extension(
        RTCRtpHeaderExtensionCapability {
            uri: AUDIO_LEVEL.into(),
        },
        RtpCodecKind::Audio,
        None,
    )?;
    let registry = register_default_interceptors(Registry::new(), &mut media)?;
    Ok((media, registry.with(Slot::from(LAST), bell.interceptor())))
}

/// Ciphers in the order in which browsers that can choose take them, and no multicast.
pub(super) fn settings() -> SettingEngine {
    SettingEngineBuilder::new()
        .with_srtp_protection_profiles(vec![
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
        ])
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .build()
}
