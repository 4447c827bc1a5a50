//! A participant's connection at work: offers, slots, and what the peer tells.

use std::time::Instant;

use actix::prelude::*;
use calls_media::seam::{LayerSet, Mid, TrackId};
use calls_media::{CloseReason, PeerEvent, SdpRefused};
use calls_model::signal::{Event, Mute, PublishedMid, Slots as SlotsEvent};
use calls_model::{LeaveReason, Source};
use tracing::{debug, info};

use super::connection::Connection;
use super::slots::Obstacle;
use super::{Participant, SignalRefused, up};
use crate::clock;
use crate::metrics::{BURSTS_DROPPED, LIMITS_HIT};
use crate::room::{ClockTold, Did, KeyframeWanted, Packets, Watch};

impl Participant {
    /// Answers an offer. One that comes from another connection than before replaces it.
    pub(super) fn offer(
        &mut self,
        sdp: &str,
        publish: &[PublishedMid],
        ctx: &mut Context<Self>,
    ) -> Result<String, SignalRefused> {
        if !self.admitted {
            return Err(SignalRefused::NotAdmitted);
        }
        if !publish.is_empty() && !self.member.role.publishes() {
            return Err(SignalRefused::MayNotPublish);
        }
        let now = clock::instant();
        let negotiated = match self.negotiate(sdp, publish, now, ctx) {
            Err(SdpRefused::FingerprintChanged | SdpRefused::Closed) => {
                self.disconnect();
                self.negotiate(sdp, publish, now, ctx)?
            }
            other => other?,
        };
        self.publishing.negotiated(negotiated.tracks);
        self.slots.negotiated(&negotiated.slots);
        for source in [Source::Screen, Source::ScreenAudio] {
            if self.publishing.has(source) && !self.may_show(source) {
                self.silence(source);
            }
        }
        self.announce();
        self.refill(ctx);
        Ok(negotiated.answer)
    }

    /// The room lets them show this.
    pub(super) fn may_show(&self, source: Source) -> bool {
        let screen = matches!(source, Source::Screen | Source::ScreenAudio);
        !screen || self.rules.allow_screen || self.member.role.moderates()
    }

    /// Keeps a source from everybody until its client unmutes it, and tells the client.
    pub(super) fn silence(&mut self, source: Source) {
        if self.publishing.set_muted(source, true) {
            let muted = Mute {
                source,
                muted: true,
            };
            self.session.tell(Event::Muted(muted));
        }
    }

    fn negotiate(
        &mut self,
        sdp: &str,
        publish: &[PublishedMid],
        now: Instant,
        ctx: &mut Context<Self>,
    ) -> Result<calls_media::Negotiated, SdpRefused> {
        let services = &self.services;
        let port = &self.port;
        let bounds = services.bounds;
        let open = || Connection::new(services.next_peer(), port.clone(), bounds, now);
        let connection = self.connection.get_or_insert_with(open);
        let answered = connection.offer(sdp, publish, ctx.address().recipient(), now);
        let limit = match &answered {
            Err(SdpRefused::TooManyTracks { .. }) => "tracks",
            Err(SdpRefused::TooManySlots { .. }) => "slots",
            Ok(_) | Err(_) => return answered,
        };
        metrics::counter!(LIMITS_HIT, "limit" => limit).increment(1);
        answered
    }

    /// Tells the room what is published.
    pub(super) fn announce(&self) {
        self.deed(Did::Publish(self.publishing.announce()));
    }

    /// Forgets the connection and all that it carried.
    pub(super) fn disconnect(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        connection.close(clock::instant());
        self.alarm.set(None);
        self.publishing.negotiated(Vec::new());
        self.slots.clear();
        self.announce();
        for (track, _) in self.watching.drain() {
            let wish = Watch {
                who: self.id.clone(),
                track,
                layers: LayerSet::NONE,
            };
            up(&self.room.watch, wish);
        }
    }

    /// Puts into the slots what belongs there now.
    pub(super) fn refill(&mut self, ctx: &mut Context<Self>) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let now = clock::instant();
        let mut told = Vec::new();
        for change in self.slots.fill(&self.stage) {
            if let Some(shown) = change.show
                && connection.peer.show(&change.mid, shown, now).is_err()
            {
                debug!(participant.id = %self.id, "slot of {} is gone", self.id);
            }
            told.extend(change.tell);
        }
        if !told.is_empty() {
            self.session.tell(Event::Slots(SlotsEvent { slots: told }));
        }
        self.settle(now, ctx);
    }

    fn heed(&mut self, event: &PeerEvent, ctx: &mut Context<Self>) {
        match *event {
            PeerEvent::Path(path) => {
                if let Some(connection) = &self.connection {
                    connection.bind(path);
                }
            }
            PeerEvent::Connected if self.sessionless => self.stop_waiting(ctx),
            PeerEvent::Connected => {}
            PeerEvent::Closed(reason) => self.closed(reason),
            PeerEvent::Watch { track, layers } => self.watch(track, layers),
            PeerEvent::Keyframe { track, layer } => {
                up(&self.room.keyframe, KeyframeWanted { track, layer });
            }
            PeerEvent::Unplayable { ref mid } => self.obstruct(mid, Obstacle::Codec, true),
            PeerEvent::Playable { ref mid } => self.obstruct(mid, Obstacle::Codec, false),
            PeerEvent::Withheld { ref mid } => self.obstruct(mid, Obstacle::Bandwidth, true),
            PeerEvent::Granted { ref mid } => self.obstruct(mid, Obstacle::Bandwidth, false),
            PeerEvent::Clock(clock) => up(&self.room.clock, ClockTold(clock)),
        }
    }

    fn obstruct(&mut self, mid: &Mid, obstacle: Obstacle, there: bool) {
        if let Some(state) = self.slots.obstruct(&mid.0, obstacle, there) {
            self.session
                .tell(Event::Slots(SlotsEvent { slots: vec![state] }));
        }
    }

    fn watch(&mut self, track: TrackId, layers: LayerSet) {
        if layers.is_empty() {
            self.watching.remove(&track);
        } else {
            self.watching.insert(track, layers);
        }
        up(
            &self.room.watch,
            Watch {
                who: self.id.clone(),
                track,
                layers,
            },
        );
    }

    fn closed(&mut self, reason: CloseReason) {
        info!(participant.id = %self.id, ?reason, "connection of {} closed", self.id);
        match reason {
            CloseReason::DtlsClosed if self.sessionless => self.go(LeaveReason::Left),
            _ if self.sessionless => self.go(LeaveReason::TimedOut),
            // An ICE restart may still bring it back.
            CloseReason::ConsentLost => {}
            CloseReason::DtlsClosed | CloseReason::DtlsFailed => self.disconnect(),
        }
    }

    /// Sets the peer's timer.
    pub(super) fn arm(&mut self) {
        let connection = self.connection.as_mut();
        self.alarm
            .set(connection.and_then(|one| one.peer.poll_timeout()));
    }

    /// Does what the peer's timer was set for.
    pub(super) fn catch_up(&mut self, ctx: &mut Context<Self>) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let now = clock::instant();
        if connection.peer.poll_timeout().is_some_and(|due| due <= now) {
            connection.peer.handle_timeout(now);
        }
        self.settle(now, ctx);
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// Passes on all that the peer has for others, after anything it was given.
    pub(super) fn settle(&mut self, now: Instant, ctx: &mut Context<Self>) {
        self.pass_on();
        self.react(ctx);
        if let Some(connection) = &mut self.connection {
            connection.flush(now);
        }
        self.arm();
    }

    fn pass_on(&mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        while let Some(burst) = connection.peer.poll_burst() {
            let Some(first) = burst.first() else { continue };
            let track = first.track;
            if !self.publishing.is_open(track) {
                continue;
            }
            let layers = burst
                .iter()
                .fold(LayerSet::NONE, |layers, packet| layers.with(packet.layer));
            if self.outlet.is_none() {
                self.outlet = self.room.packets.upgrade();
            }
            let Some(outlet) = &self.outlet else { continue };
            let sent = outlet.try_send(Packets {
                track,
                layers,
                burst,
            });
            if let Err(SendError::Full(dropped)) = sent {
                metrics::counter!(BURSTS_DROPPED, "at" => "participant").increment(1);
                if let Some(KeyframeWanted { track, layer }) = dropped.missed() {
                    let now = clock::instant();
                    connection.peer.request_keyframe(track, layer, now);
                }
            }
        }
    }

    /// Heeds all that the peer tells.
    pub(super) fn react(&mut self, ctx: &mut Context<Self>) {
        while let Some(event) = self
            .connection
            .as_mut()
            .and_then(|one| one.peer.poll_event())
        {
            self.heed(&event, ctx);
        }
    }
}
