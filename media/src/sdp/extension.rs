//! RTP header extensions (RFC 8285 §5) that this server understands.

use super::attributes::Attributes;
use crate::seam::ExtensionIds;

/// One known extension and where its number is kept.
struct Known {
    uri: &'static str,
    field: fn(&mut ExtensionIds) -> &mut Option<u8>,
    /// Only of use on what a client sends.
    inbound_only: bool,
}

const KNOWN: [Known; 8] = [
    Known {
        uri: "urn:ietf:params:rtp-hdrext:sdes:mid",
        field: |ids| &mut ids.mid,
        inbound_only: false,
    },
    Known {
        uri: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        field: |ids| &mut ids.rid,
        inbound_only: true,
    },
    Known {
        uri: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
        field: |ids| &mut ids.repaired_rid,
        inbound_only: true,
    },
    Known {
        uri: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        field: |ids| &mut ids.transport_cc,
        inbound_only: false,
    },
    Known {
        uri: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        field: |ids| &mut ids.abs_send_time,
        inbound_only: false,
    },
    Known {
        uri: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        field: |ids| &mut ids.audio_level,
        inbound_only: false,
    },
    Known {
        uri: "urn:3gpp:video-orientation",
        field: |ids| &mut ids.orientation,
        inbound_only: false,
    },
    Known {
        uri: "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
        field: |ids| &mut ids.dependency_descriptor,
        inbound_only: false,
    },
];

/// The numbers of the known extensions of an m-line.
pub(super) fn numbers(attributes: Attributes<'_>) -> ExtensionIds {
    let mut ids = ExtensionIds::default();
    for value in attributes.values("extmap") {
        let mut words = value.split_whitespace();
        // The number may carry a direction: `3/sendonly`.
        let number = words
            .next()
            .and_then(|word| word.split('/').next()?.parse().ok());
        let known = words
            .next()
            .and_then(|uri| KNOWN.iter().find(|known| known.uri == uri));
        if let (Some(number @ 1..=14), Some(known)) = (number, known) {
            (known.field)(&mut ids).get_or_insert(number);
        }
    }
    ids
}

/// Without those that have no meaning on what the server sends.
pub(super) fn outbound(mut ids: ExtensionIds) -> ExtensionIds {
    for known in KNOWN.iter().filter(|known| known.inbound_only) {
        *(known.field)(&mut ids) = None;
    }
    ids
}

/// Number and URI of every agreed extension.
pub(super) fn listed(mut ids: ExtensionIds) -> Vec<(u8, &'static str)> {
    let mut listed: Vec<_> = KNOWN
        .iter()
        .filter_map(|known| (known.field)(&mut ids).map(|number| (number, known.uri)))
        .collect();
    listed.sort_unstable();
    listed
}
