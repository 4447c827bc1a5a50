//! What an offer publishes if nobody says so: WHIP and plain tools.

use calls_model::Source;
use calls_model::signal::PublishedMid;

use super::{Offer, SdpRefused};
use crate::seam::Kind;

/// Names the m-lines that send: the first audio is a microphone, the second the sound of a screen; the first video a
/// camera, the second a screen. More than that is not published.
///
/// # Errors
///
/// The same that refuse the offer.
pub fn published_by(sdp: &str) -> Result<Vec<PublishedMid>, SdpRefused> {
    let offer = Offer::parse(sdp)?;
    let mut audio = [Source::Microphone, Source::ScreenAudio].into_iter();
    let mut video = [Source::Camera, Source::Screen].into_iter();
    Ok(offer
        .lines
        .iter()
        .filter(|line| line.direction.sends)
        .filter_map(|line| line.usable())
        .filter_map(|(mid, kind)| {
            let source = match kind {
                Kind::Audio => audio.next(),
                Kind::Video => video.next(),
            };
            Some(PublishedMid {
                mid: mid.0.to_string(),
                source: source?,
            })
        })
        .collect())
}
