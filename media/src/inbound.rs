//! All that one peer sends to us: from decrypted RTP to bursts, and the feedback it gets for it.

mod demux;
mod rate;
mod scalability;
mod stats;
mod stream;
mod track;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};

use crate::cache;
use crate::codecs;
use crate::rtcp::{Compound, Rtcp};
use crate::rtp::RtpView;
use crate::rtp::seq::low16;
use crate::seam::{
    Burst, Codec, CodecSpec, ExtensionIds, Layer, Packet, PayloadInfo, SourceClock, Ssrc, TrackId,
    TrackSpec,
};
use crate::twcc::Arrivals;
use demux::Demux;
use scalability::Seen;
use stream::{Arrival, Stream, Way};
use track::{KeyframeFeedback, Track};

pub use stats::{InboundStats, LayerStats};

/// Receiver reports go out this often.
const REPORT_PAUSE: Duration = Duration::from_secs(1);
/// The first goes out sooner: a browser repeats mid and rid in every packet until it hears that they were understood.
const FIRST_REPORT: Duration = Duration::from_millis(200);
/// Reports go so much earlier with whatever wakes us then.
const AHEAD: Duration = Duration::from_millis(20);
/// Report blocks in one packet (RFC 3550 §6.4.1).
const MOST_BLOCKS: usize = 31;
/// Largest transport-wide report; one that does not fit waits for a compound of its own.
const TRANSPORT_FEEDBACK: usize = 960;
/// Sender reports that wait to be polled; more are not kept.
const MOST_CLOCKS: usize = 64;

/// All tracks that one peer publishes.
pub struct Inbound {
    ssrc: Ssrc,
    cname: Bytes,
    zero: Instant,
    tracks: Vec<Track>,
    demux: Demux,
    arrivals: Arrivals,
    /// The id of transport-wide numbers. Sound may go without (Firefox), and ids mean the same in a whole bundle.
    transport_cc: Option<u8>,
    clocks: VecDeque<SourceClock>,
    next_report: Option<Instant>,
    /// Streams that the report under way has told of already.
    reported: usize,
    last_media: Ssrc,
    ignored: u64,
}

impl Inbound {
    /// Without tracks yet. `ssrc` and `cname` sign the feedback.
    pub fn new(ssrc: Ssrc, cname: &str, now: Instant) -> Self {
        Self {
            ssrc,
            cname: Bytes::copy_from_slice(cname.as_bytes()),
            zero: now,
            tracks: Vec::new(),
            demux: Demux::default(),
            arrivals: Arrivals::new(now),
            transport_cc: None,
            clocks: VecDeque::new(),
            next_report: None,
            reported: 0,
            last_media: Ssrc(0),
            ignored: 0,
        }
    }

    /// The tracks that were negotiated; those that were there before go on undisturbed.
    pub fn set_tracks(&mut self, tracks: Vec<TrackSpec>) {
        let mut before = std::mem::take(&mut self.tracks);
        for spec in tracks {
            let known = before.iter().position(|track| track.spec.id == spec.id);
            self.tracks.push(match known {
                Some(at) => {
                    let mut track = before.swap_remove(at);
                    track.renegotiate(spec, self.zero);
                    track
                }
                None => Track::new(spec, self.zero),
            });
        }
        self.demux = Demux::of(&self.tracks);
        let mut ids = self.tracks.iter().map(|track| track.spec.extensions);
        self.transport_cc = ids.find_map(|ids| ids.transport_cc);
    }

    /// The round-trip time to this peer, as measured elsewhere; paces repeated NACKs.
    pub fn set_rtt(&mut self, rtt: Duration) {
        self.streams_mut()
            .for_each(|stream| stream.missing.set_rtt(rtt));
    }

    /// Takes one decrypted RTP packet. Any bytes.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the packet is handed over: its payload lives on in a burst"
    )]
    pub fn handle_rtp(&mut self, packet: Bytes, now: Instant) {
        if self.take(&packet, now).is_none() {
            self.ignored += 1;
        }
    }

    /// Takes what the peer reported.
    pub fn handle_rtcp(&mut self, reports: &[Rtcp], now: Instant) {
        for report in reports {
            let &Rtcp::SenderReport { ssrc, ntp, rtp } = report else {
                continue;
            };
            let Some(place) = self.demux.find(ssrc) else {
                continue;
            };
            let track = &mut self.tracks[place.track];
            let stream = &mut track.streams[place.stream];
            if stream.media != Some(ssrc) {
                continue;
            }
            stream.sender_report(ntp, now);
            if self.clocks.len() < MOST_CLOCKS {
                let (track, layer) = (track.spec.id, stream.layer());
                self.clocks.push_back(SourceClock {
                    track,
                    layer,
                    ntp,
                    rtp,
                    arrival: now,
                });
            }
        }
    }

    /// What has been received since, one track at a time.
    pub fn poll_burst(&mut self) -> Option<Burst> {
        self.tracks.iter_mut().find_map(Track::burst)
    }

    /// Asks the publisher for a key frame, at most once per 500 ms and source.
    pub fn request_keyframe(&mut self, track: TrackId, layer: Layer, now: Instant) {
        let track = self.tracks.iter_mut().find(|known| known.spec.id == track);
        let stream = track.and_then(|track| track.streams.get_mut(usize::from(layer.0)));
        if let Some(stream) = stream {
            stream.keyframes.want(now);
        }
    }

    /// The next plain compound RTCP packet that is due; call until `None`.
    pub fn poll_rtcp(&mut self, now: Instant) -> Option<Bytes> {
        self.due(now, Duration::ZERO)
    }

    /// The same, and reports besides that will be due soon: for whoever was woken by something else, and would only be woken
    /// again for them.
    pub fn poll_rtcp_ahead(&mut self, now: Instant) -> Option<Bytes> {
        self.due(now, AHEAD)
    }

    fn due(&mut self, now: Instant, ahead: Duration) -> Option<Bytes> {
        // Asked at every wake-up, of which there are thousands a second.
        let reports = [self.next_report, self.arrivals.next_due()];
        let ripe = |due| due <= now + ahead;
        if !reports.into_iter().flatten().any(ripe) {
            self.poll_timeout().filter(|&due| due <= now)?;
        }
        let mut compound = Compound::new(self.ssrc, &self.cname);
        if self.next_report.is_some_and(ripe) {
            self.report(&mut compound, now);
        }
        for track in &mut self.tracks {
            let keyframes = track.keyframe_feedback();
            for stream in &mut track.streams {
                give_feedback(stream, keyframes, &mut compound, now);
            }
        }
        if compound.fits(TRANSPORT_FEEDBACK)
            && let Some(packet) = self.arrivals.report(self.ssrc, self.last_media, now, ahead)
        {
            compound.transport_feedback(packet);
        }
        compound.finish()
    }

    /// When [`Self::poll_rtcp`] will have something.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let streams = self.tracks.iter().flat_map(|track| {
            let asks = track.keyframe_feedback().is_some();
            let known = track.streams.iter().filter(|stream| stream.media.is_some());
            known.filter_map(move |stream| {
                let keyframe = stream.keyframes.next_due().filter(|_| asks);
                stream.missing.next_due().into_iter().chain(keyframe).min()
            })
        });
        streams
            .chain(self.arrivals.next_due())
            .chain(self.next_report)
            .min()
    }

    /// The next sender report, for whoever watches.
    pub fn poll_clock(&mut self) -> Option<SourceClock> {
        self.clocks.pop_front()
    }

    /// Figures so far.
    pub fn stats(&self, now: Instant) -> InboundStats {
        let streams = self.tracks.iter().flat_map(|track| &track.streams);
        let layers = streams.filter_map(|stream| stream.stats(now)).collect();
        InboundStats {
            layers,
            ignored: self.ignored,
        }
    }

    fn streams_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.tracks.iter_mut().flat_map(|track| &mut track.streams)
    }

    fn report(&mut self, compound: &mut Compound, now: Instant) {
        let told = self.reported;
        let streams = self.streams_mut().skip(told);
        let mut seen = 0;
        let mut blocks = Vec::new();
        for stream in streams {
            if blocks.len() == MOST_BLOCKS {
                break;
            }
            seen += 1;
            blocks.extend(stream.report(now));
        }
        if !blocks.is_empty() {
            compound.reception(&blocks);
        }
        let more = self.streams_mut().nth(told + seen).is_some();
        let heard = self.streams_mut().any(|stream| stream.is_heard(now));
        self.reported = if more { told + seen } else { 0 };
        if !more {
            self.next_report = heard.then(|| now + REPORT_PAUSE);
        }
    }

    // ── hot path ──

    /// What this points to will be needed soon.
    pub(crate) fn fetch_behind(&self) {
        cache::fetch(self.tracks.as_slice());
        self.arrivals.fetch_behind();
    }

    fn take(&mut self, packet: &Bytes, now: Instant) -> Option<()> {
        let view = RtpView::parse(packet).ok()?;
        // Counted before anything is dropped: the sender wants to know what the network does.
        if let Some(&[high, low]) = view.extensions.get(self.transport_cc) {
            self.arrivals.record(u16::from_be_bytes([high, low]), now);
        }
        let place = self.demux.place(&view, &mut self.tracks)?;
        let track = &mut self.tracks[place.track];
        let (spec, repairs) = track.codec(view.pt)?;
        let mut payload = packet.slice_ref(view.payload);
        let (sequence, way) = if repairs {
            if payload.len() < 2 {
                return Some(()); // a probe of the path, empty
            }
            (payload.get_u16(), Way::Repaired)
        } else {
            (view.sequence, Way::Direct)
        };
        let stream = &mut track.streams[place.stream];
        cache::fetch(stream);
        let arrival = Arrival {
            sequence,
            timestamp: view.timestamp,
            bytes: payload.len(),
            way,
            clock_rate: codecs::clock_rate(spec.codec),
            nack: spec.feedback.nack,
        };
        let Some(seq) = stream.accept(arrival, now) else {
            return Some(());
        };
        let mut info = codecs::inspect(spec.codec, &payload);
        if matches!(spec.codec, Codec::Vp9 { .. } | Codec::Av1) {
            let descriptor = track.spec.extensions.dependency_descriptor;
            let seen = Seen {
                codec: spec.codec,
                seq,
                descriptor: view.extensions.get(descriptor),
                payload: &payload,
            };
            info.svc = stream.layered(seen, now);
        }
        if info.starts_keyframe {
            stream.keyframe(seq, info.size);
        }
        if way == Way::Direct {
            self.last_media = view.ssrc;
        }
        let layer = stream.layer();
        let told = Told {
            seq,
            layer,
            spec,
            info,
            now,
        };
        track.pending.push(told.packet(
            track.spec.id,
            track.spec.extensions,
            &view,
            payload,
            packet,
        ));
        self.next_report.get_or_insert(now + FIRST_REPORT);
        Some(())
    }
}

/// What is known of a packet beside its header.
struct Told {
    seq: u64,
    layer: Layer,
    spec: CodecSpec,
    info: PayloadInfo,
    now: Instant,
}

impl Told {
    fn packet(
        self,
        track: TrackId,
        ids: ExtensionIds,
        view: &RtpView<'_>,
        payload: Bytes,
        whole: &Bytes,
    ) -> Packet {
        let byte = |id| {
            view.extensions
                .get(id)
                .and_then(|data| data.first().copied())
        };
        let descriptor = view.extensions.get(ids.dependency_descriptor);
        Packet {
            track,
            layer: self.layer,
            codec: self.spec.codec,
            seq: self.seq,
            timestamp: view.timestamp,
            marker: view.marker,
            arrival: self.now,
            // The highest bit is the encoder's opinion whether this is voice (RFC 6464 §3).
            audio_level: byte(ids.audio_level).map(|level| level & 0x7f),
            orientation: byte(ids.orientation),
            dependency_descriptor: descriptor.map(|data| whole.slice_ref(data)),
            info: self.info,
            payload,
        }
    }
}

fn give_feedback(
    stream: &mut Stream,
    keyframes: Option<KeyframeFeedback>,
    compound: &mut Compound,
    now: Instant,
) {
    let Some(media) = stream.media else { return };
    // A NACK has 12 bytes before its numbers, which take 4 each at worst.
    let room = compound.room_for(4).saturating_sub(3);
    let due = stream.missing.due(now, room);
    if !due.is_empty() {
        let lost: Vec<u16> = due.into_iter().map(low16).collect();
        compound.nack(media, &lost);
    }
    if let Some(way) = keyframes
        && compound.fits(20)
        && stream.keyframes.due(now)
    {
        match way {
            KeyframeFeedback::PictureLoss => compound.picture_loss(media),
            KeyframeFeedback::FullIntra => {
                stream.full_intra_requests = stream.full_intra_requests.wrapping_add(1);
                compound.full_intra(media, stream.full_intra_requests);
            }
        }
    }
}

#[cfg(test)]
mod tests;
