//! All of one participant's connection: ICE, DTLS, SRTP and SDP around the forwarding of [`Burst`]s.
//!
//! Sans-IO: the owner brings datagrams and the time, calls [`flush`](Peer::flush) afterwards, and polls for events
//! and bursts. What arrives is told apart by its first byte (RFC 7983): STUN to the ICE agent, DTLS to the
//! handshake, SRTP and SRTCP through the [`Opener`](crate::srtp::Opener) to [`Inbound`] and [`Outbound`].

mod demux;
mod early;
mod media;
mod pending;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use calls_model::signal::PublishedMid;
use rand::RngExt;

use demux::Datagram;
use early::Early;
use media::Media;
use pending::Pending;

pub use crate::sdp::published_by;
pub use crate::seam::{NoSuchSlot, Shown};
pub use words::{
    CloseReason, HostCandidate, Negotiated, PeerEvent, PeerLimits, PeerStats, Protocol, SlotInfo,
    TrackInfo,
};

use crate::cache;
use crate::dtls::{Dtls, DtlsEvent};
use crate::ice::{IceLite, Unanswered};
use crate::identity::Identity;
use crate::inbound::{Inbound, InboundStats};
use crate::outbound::{Outbound, OutboundStats};
use crate::sdp::{self, Local, Negotiation, Offer, SdpRefused};
use crate::seam::{Bitrate, Burst, Egress, Layer, Path, PeerId, SourceClock, Ssrc, TrackId};

/// One participant's connection. Feed it datagrams and timeouts, then [`flush`](Self::flush) and poll.
pub struct Peer {
    identity: Arc<Identity>,
    candidates: Arc<[HostCandidate]>,
    cname: Arc<str>,
    session: u64,
    version: u64,
    negotiation: Negotiation,
    ice: IceLite,
    dtls: Option<Dtls>,
    early: Early,
    media: Option<Media>,
    inbound: Inbound,
    outbound: Outbound,
    pending: Pending,
    events: VecDeque<PeerEvent>,
    stats: PeerStats,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waiting for an offer, a path or the handshake, or in full swing.
    Open,
    /// Consent ran out. A check, most likely after an ICE restart, opens it again.
    Lost,
    /// For good.
    Closed,
}

impl Peer {
    /// A peer that waits for its first offer.
    pub fn new(
        id: PeerId,
        identity: Arc<Identity>,
        candidates: Arc<[HostCandidate]>,
        limits: PeerLimits,
        now: Instant,
    ) -> Self {
        let mut rng = rand::rng();
        let cname: Arc<str> = format!("calls-{:016x}", rng.random::<u64>()).into();
        let mut ssrc = || Ssrc(rng.random_range(1..u32::MAX));
        let inbound = Inbound::new(ssrc(), &cname, now);
        let outbound = Outbound::new(ssrc(), &cname, now);
        Self {
            ice: IceLite::new(Arc::clone(identity.provider())),
            identity,
            candidates,
            cname,
            session: rng.random_range(1..i64::MAX as u64),
            version: 0,
            negotiation: Negotiation::new(id, limits),
            dtls: None,
            early: Early::default(),
            media: None,
            inbound,
            outbound,
            pending: Pending::default(),
            events: VecDeque::new(),
            stats: PeerStats::default(),
            state: State::Open,
        }
    }

    /// Sends no more than this, whatever the path carries: layers of pictures are chosen to fit, sound always goes.
    pub fn limit(&mut self, ceiling: Bitrate) {
        self.outbound.limit(ceiling);
    }

    /// It is [`limit`](Self::limit) that withholds something now, not the path.
    pub fn is_capped(&self) -> bool {
        self.outbound.is_capped()
    }

    /// Answers an offer: the first, one with more m-lines, or an ICE restart. `publish` names what the m-lines
    /// carry; [`published_by`] makes it up for offers that come without. A refused offer changes nothing.
    ///
    /// # Errors
    ///
    /// [`SdpRefused`] says what is wrong with the offer.
    pub fn offer(
        &mut self,
        sdp: &str,
        publish: &[PublishedMid],
        now: Instant,
    ) -> Result<Negotiated, SdpRefused> {
        if self.state == State::Closed {
            return Err(SdpRefused::Closed);
        }
        let offer = Offer::parse(sdp)?;
        let agreement = self.negotiation.agree(&offer, publish)?;
        self.dtls.get_or_insert_with(|| {
            Dtls::new(
                Arc::clone(&self.identity),
                offer.fingerprints.clone().into(),
            )
        });
        self.version += 1;
        let local = Local {
            credentials: self.ice.remote(&offer.credentials, now),
            fingerprint: self.identity.fingerprint(),
            candidates: &self.candidates,
            cname: &self.cname,
            session: self.session,
            version: self.version,
        };
        let answer = sdp::answer(&offer, &agreement, local);
        let negotiated = Negotiated {
            answer,
            tracks: agreement.tracks.iter().map(TrackInfo::from).collect(),
            ended: agreement.ended,
            slots: agreement.slots.iter().map(SlotInfo::from).collect(),
        };
        self.inbound.set_tracks(agreement.tracks);
        self.outbound.set_slots(agreement.slots);
        Ok(negotiated)
    }

    /// Local user fragments that checks may name; two while an ICE restart is under way.
    pub fn ufrags(&self) -> impl Iterator<Item = &str> {
        self.ice.ufrags()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        if self.state == State::Open && self.ice.consent_until().is_some_and(|until| until <= now) {
            self.ice.lose_consent();
            self.state = State::Lost;
            self.events
                .push_back(PeerEvent::Closed(CloseReason::ConsentLost));
        }
        if let Some(event) = self.dtls.as_mut().and_then(|dtls| dtls.handle_timeout(now)) {
            self.after_dtls(&event);
        }
        self.outbound.handle_timeout(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) and [`flush`](Self::flush) should be called next.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        if self.state == State::Closed {
            return None;
        }
        let consent = self
            .ice
            .consent_until()
            .filter(|_| self.state == State::Open);
        let handshake = self.dtls.as_ref().and_then(Dtls::poll_timeout);
        let flowing = self.media.is_some() && self.ice.path().is_some();
        let reports = [self.inbound.poll_timeout(), self.outbound.poll_timeout()];
        let reports = reports.into_iter().flatten().filter(|_| flowing).min();
        [consent, handshake, reports].into_iter().flatten().min()
    }

    /// Writes what waits to be sent: STUN, DTLS, RTCP, retransmissions. Call it after every `handle_*`, offer and
    /// request.
    pub fn flush(&mut self, egress: &mut impl Egress, now: Instant) {
        self.pending.flush(egress);
        let Some(path) = self.ice.path() else { return };
        while let Some(datagram) = self.dtls.as_mut().and_then(Dtls::poll_transmit) {
            egress.datagram(path, |out| out.extend_from_slice(&datagram));
        }
        let Some(media) = &mut self.media else { return };
        let mut sink = media.sink(path, egress, &mut self.stats);
        self.outbound.send_due(now, &mut sink);
        while let Some(report) = self
            .inbound
            .poll_rtcp_ahead(now)
            .or_else(|| self.outbound.poll_rtcp(now))
        {
            media.report(&report, path, egress, &mut self.stats);
        }
    }

    /// What happened since.
    pub fn poll_event(&mut self) -> Option<PeerEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        match self.outbound.poll_event() {
            Some(event) => Some(event.into()),
            None => self.inbound.poll_clock().map(PeerEvent::Clock),
        }
    }

    /// Takes a watched publisher's sender report.
    pub fn clock(&mut self, clock: SourceClock) {
        self.outbound.clock(clock);
    }

    /// Puts a source into a slot, or empties it.
    ///
    /// # Errors
    ///
    /// The latest offer has no such slot.
    pub fn show(
        &mut self,
        mid: &str,
        shown: Option<Shown>,
        now: Instant,
    ) -> Result<(), NoSuchSlot> {
        self.outbound.show(mid, shown, now)
    }

    /// Asks this publisher for a key frame, at most once per 500 ms and source.
    pub fn request_keyframe(&mut self, track: TrackId, layer: Layer, now: Instant) {
        self.inbound.request_keyframe(track, layer, now);
    }

    /// What it counted.
    pub fn stats(&self) -> PeerStats {
        PeerStats {
            rtt: self.outbound.rtt(),
            ..self.stats
        }
    }

    /// What each layer that it publishes did.
    pub fn inbound_stats(&self, now: Instant) -> InboundStats {
        self.inbound.stats(now)
    }

    /// What each of its slots did.
    pub fn outbound_stats(&self) -> OutboundStats {
        self.outbound.stats()
    }

    /// Says goodbye; [`flush`](Self::flush) sends it.
    pub fn close(&mut self, now: Instant) {
        if let Some(dtls) = &mut self.dtls {
            dtls.close(now);
        }
        self.closed(CloseReason::DtlsClosed);
    }

    fn closed(&mut self, reason: CloseReason) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.media = None;
            self.events.push_back(PeerEvent::Closed(reason));
        }
    }

    fn after_dtls(&mut self, event: &DtlsEvent) {
        match event {
            DtlsEvent::Connected(keys) => {
                self.media = Some(Media::new(keys));
                self.stats.profile = Some(keys.profile);
                if let Some(took) = self.dtls.as_ref().and_then(Dtls::took) {
                    self.outbound.set_longest_rtt(took);
                }
                self.events.push_back(PeerEvent::Connected);
            }
            DtlsEvent::Closed => self.closed(CloseReason::DtlsClosed),
            DtlsEvent::Failed => self.closed(CloseReason::DtlsFailed),
        }
    }

    fn handle_stun(&mut self, path: Path, datagram: &[u8], now: Instant) {
        match self.ice.handle(path, datagram, now) {
            Ok(checked) => {
                self.pending.push(path, checked.reply);
                if checked.verified {
                    self.events.push_back(PeerEvent::Path(path));
                    for held in self.early.take(path) {
                        self.handle_dtls(held, now);
                    }
                }
                if self.state == State::Lost && self.ice.is_selected() {
                    self.state = State::Open;
                    self.events
                        .extend(self.media.is_some().then_some(PeerEvent::Connected));
                }
            }
            // Consent by indications and answers to nobody's questions: no harm.
            Err(Unanswered::NotARequest) => {}
            Err(Unanswered::Malformed | Unanswered::Stranger) => self.stats.rejected += 1,
        }
    }

    fn handle_dtls(&mut self, datagram: BytesMut, now: Instant) {
        let Some(dtls) = &mut self.dtls else {
            self.stats.rejected += 1;
            return;
        };
        match dtls.handle(datagram, now) {
            Ok(Some(event)) => self.after_dtls(&event),
            Ok(None) => {}
            Err(_) => self.stats.rejected += 1,
        }
    }

    /// Packets wait for the path to be free: [`flush`](Self::flush) should be called when
    /// [`poll_timeout`](Self::poll_timeout) says so.
    pub fn is_pacing(&self) -> bool {
        self.outbound.is_pacing()
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// Datagrams will be handled soon.
    pub fn fetch_for_datagrams(&self) {
        self.fetch();
        cache::fetch(&self.inbound);
        if let Some(media) = &self.media {
            media.fetch_opener();
        }
        self.inbound.fetch_behind();
    }

    /// A burst will be forwarded soon.
    pub fn fetch_for_burst(&self) {
        self.fetch();
        if let Some(media) = &self.media {
            media.fetch_sealer();
        }
    }

    fn fetch(&self) {
        cache::fetch(&self.ice);
        cache::fetch(&self.stats);
        cache::fetch(&self.events);
        self.outbound.fetch();
    }

    /// Takes any bytes that came on `path`.
    pub fn handle_datagram(&mut self, path: Path, datagram: BytesMut, now: Instant) {
        self.stats.received += 1;
        self.stats.received_bytes += datagram.len() as u64;
        if self.state == State::Closed {
            return;
        }
        let verified = self.ice.is_verified(path);
        match (Datagram::of(&datagram), &mut self.media) {
            (Datagram::Stun, _) => self.handle_stun(path, &datagram, now),
            (Datagram::Dtls, _) if verified => self.handle_dtls(datagram, now),
            (Datagram::Dtls, _) => self.early.hold(path, datagram),
            (Datagram::Rtp, Some(media)) if verified => {
                media.rtp(datagram, &mut self.inbound, &mut self.stats, now);
            }
            (Datagram::Rtcp, Some(media)) if verified => {
                let Some(reports) = media.rtcp(datagram, &mut self.stats) else {
                    return;
                };
                self.inbound.handle_rtcp(&reports, now);
                if let Some(path) = self.ice.path() {
                    let mut sink = media.sink(path, &mut self.pending, &mut self.stats);
                    self.outbound.handle_rtcp(&reports, now, &mut sink);
                }
                if let Some(rtt) = self.outbound.rtt() {
                    self.inbound.set_rtt(rtt);
                }
            }
            (Datagram::Rtp | Datagram::Rtcp | Datagram::Garbage, _) => self.stats.rejected += 1,
        }
    }

    /// What was received since, one track each.
    pub fn poll_burst(&mut self) -> Option<Burst> {
        self.inbound.poll_burst()
    }

    /// Sends a burst into the slots that show its track.
    pub fn forward(&mut self, burst: &Burst, egress: &mut impl Egress, now: Instant) {
        if let (Some(media), Some(path)) = (&mut self.media, self.ice.path()) {
            self.outbound.fetch_behind(burst);
            let mut sink = media.sink(path, egress, &mut self.stats);
            self.outbound.forward(burst, now, &mut sink);
        }
    }
}

#[cfg(test)]
mod tests;
