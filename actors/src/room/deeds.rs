//! What members do: come and go, publish, watch, write.

use std::sync::Arc;

use actix::prelude::*;
use calls_media::seam::{Layer, MAX_LAYERS, SourceClock, TrackId};
use calls_model::signal::{Chat, Data, DataMessage, Event, Waiting};
use calls_model::{ChatText, Member, ParticipantId, SharedFile, Source, UserId};
use tracing::debug;

use super::door::MemberDoor;
use super::keyframes::Wish;
use super::stage::Announced;
use super::{
    BURSTS_DROPPED, ClockTold, Did, KeyframeWanted, Packets, QUALITY_AUDIENCE, Room, Watch,
};
use crate::clock;
use crate::event::SharedEvent;
use crate::participant::{Snapshot, StageChanged, Watched};

impl Room {
    /// Lets a deed have its consequences. Those at the door may only come and go.
    pub(super) fn witness(&mut self, who: &ParticipantId, what: Did) {
        let Some(member) = self.members.anybody(who) else {
            return;
        };
        let (user_id, hidden) = (member.user_id.clone(), member.hidden);
        let waits = self.members.is_waiting(who);
        match what {
            Did::Attach if waits => self.tell_position(who),
            Did::Attach => self.attach(who),
            Did::Detach => {
                let effects = self.members.detach(who);
                drop(self.perform(effects));
            }
            Did::Look => {
                let effects = self.members.only_watches(who);
                drop(self.perform(effects));
            }
            Did::Leave(reason) => drop(self.leave(who, reason)),
            _ if waits => debug!(participant.id = %who, "{who} waits at the door and may not act"),
            Did::Publish(tracks) => self.publish(who, &user_id, tracks),
            Did::Say(chat) => self.say(who, chat),
            Did::Send(data) => self.send(who, data),
            Did::Hand(up) => {
                let effects = self.members.hand(who, up);
                drop(self.perform(effects));
            }
            Did::Feel(quality) if !hidden && self.members.count() <= QUALITY_AUDIENCE => {
                self.tell_all(Event::Quality(quality));
            }
            Did::Feel(quality) => self.tell(who, Event::Quality(quality)),
        }
    }

    fn tell_position(&self, who: &ParticipantId) {
        let place = self
            .members
            .waiting()
            .position(|one| one.participant_id.as_ref() == Some(who));
        let position = place
            .and_then(|place| u32::try_from(place + 1).ok())
            .unwrap_or(1);
        let moderated = self.members.is_moderated();
        self.tell(
            who,
            Event::Waiting(Waiting {
                position,
                moderated,
            }),
        );
    }

    fn attach(&mut self, who: &ParticipantId) {
        let effects = self.members.attach(who);
        let written = self.perform(effects);
        drop(written);
        let Some(door) = self.doors.get(who) else {
            return;
        };
        door.snapshot.do_send(Snapshot {
            call: self.call.clone(),
            room: self.model.clone(),
            roster: self.roster_for(who),
            chat: self.chat.seen_by(who),
        });
        door.stage.do_send(StageChanged(Arc::clone(&self.stage)));
        self.tell_recording(who);
        self.tell_transcribed(who);
        self.tell_spotlight(who);
        if self
            .members
            .member(who)
            .is_some_and(|member| member.role.moderates())
        {
            self.tell_who_waits(who);
        }
    }

    /// Whom this one is to know of.
    fn roster_for(&self, who: &ParticipantId) -> Vec<Member> {
        let inside = self.members.inside();
        let known = |one: &&Member| !one.hidden || one.participant_id.as_ref() == Some(who);
        inside.filter(known).cloned().collect()
    }

    fn say(&mut self, who: &ParticipantId, Chat { text, to }: Chat) {
        if self.may_write(who) {
            self.tell_chat(who, text, to, None);
        } // else said before its participant heard of it, who refuses from then on
    }

    /// Writes a message into the chat, and tells those whom it is for.
    pub(super) fn tell_chat(
        &mut self,
        who: &ParticipantId,
        text: ChatText,
        to: Option<ParticipantId>,
        file: Option<Box<SharedFile>>,
    ) {
        let Some(member) = self.members.member(who) else {
            return;
        };
        let name = match &member.display_name {
            Some(name) => name.to_string(),
            None => member.user_id.to_string(),
        };
        let at = self.services.clock.now();
        let message = self.chat.say(who.clone(), name, text, to.clone(), at, file);
        let event = SharedEvent::new(Event::Chat(message));
        match to {
            None => self.tell_all(event),
            Some(to) => {
                if &to != who {
                    self.tell(&to, event.clone());
                }
                self.tell(who, event);
            }
        }
    }

    fn send(&mut self, who: &ParticipantId, data: Data) {
        let Data { topic, payload, to } = data;
        let event = Event::Data(DataMessage {
            from: who.clone(),
            topic,
            payload,
        });
        match to {
            Some(to) if self.members.member(&to).is_some() => self.tell(&to, event),
            Some(_) => {}
            None => self.tell_all_but(Some(who), event),
        }
    }

    // ── what is published ───────────────────────────────────────────────────

    /// Replaces what somebody publishes.
    pub(super) fn publish(
        &mut self,
        who: &ParticipantId,
        user_id: &UserId,
        tracks: Vec<Announced>,
    ) {
        for voice in tracks.iter().filter(|one| one.source == Source::Microphone) {
            self.speaking.voice(voice.track, who);
        }
        let all: Vec<TrackId> = tracks.iter().map(|announced| announced.track).collect();
        let member = self.members.member(who);
        let called = member.and_then(|member| member.display_name.as_ref());
        let ended = self.publishers.announce(who, (user_id, called), tracks);
        self.end_tracks(&ended);
        // Watchers may have asked before, over a crash of this room.
        for track in all {
            self.tell_publisher(track);
        }
        self.restage();
        let open = self.publishers.open_sources(who);
        let effects = self.members.publishes(who, &open);
        drop(self.perform(effects));
    }

    /// Nothing more from or for somebody.
    pub(super) fn forget_media(&mut self, who: &ParticipantId) {
        let ended = self.publishers.remove(who);
        self.end_tracks(&ended);
        self.speaking.forget_participant(who);
        self.forget_watcher(who);
        self.restage();
    }

    fn end_tracks(&mut self, ended: &[TrackId]) {
        for &track in ended {
            self.forget_routes(track);
            self.speaking.forget(track);
            self.keyframes.forget(track);
        }
    }

    /// Tells everybody what there is to see and hear, if that changed. Not while some still have to find back after
    /// a crash: half a stage would empty everybody's slots.
    pub(super) fn restage(&mut self) {
        if self.gathering {
            return;
        }
        let stage = self
            .publishers
            .stage(self.speaking.loudest(), self.speaking.floor());
        if stage == *self.stage {
            return;
        }
        self.stage = Arc::new(stage);
        for door in self.doors.values() {
            door.stage.do_send(StageChanged(Arc::clone(&self.stage)));
        }
        self.tell_recorder_stage();
        self.tell_transcriber_stage();
    }

    // ── who speaks ──────────────────────────────────────────────────────────

    /// Tells who speaks, and lets them have the stage.
    pub(super) fn look(&mut self) {
        let heard = self.speaking.look(clock::instant());
        if let Some(speakers) = heard.speakers {
            self.tell_all(Event::Speakers(speakers));
        }
        if heard.reordered {
            self.restage();
        }
    }

    // ── who watches ─────────────────────────────────────────────────────────

    /// Changes a route.
    pub(super) fn watch(&mut self, wish: &Watch, ctx: &mut Context<Self>) {
        let Some(door) = self.doors.get(&wish.who) else {
            return;
        };
        if self.members.is_waiting(&wish.who) {
            return;
        }
        let (place, packets) = (door.place, door.packets.clone());
        let clocks = door.clock.clone();
        let changed = self.route(wish, place, packets, ctx);
        if !wish.layers.is_empty() {
            for &clock in self.routes.clocks(wish.track) {
                clocks.do_send(ClockTold(clock));
            }
        }
        if changed {
            self.tell_publisher(wish.track);
        }
    }

    /// Tells a publisher which encodings are wanted; not before everybody had the time to say so again.
    pub(super) fn tell_publisher(&self, track: TrackId) {
        if self.gathering {
            return;
        }
        let layers = self.routes.wanted(track);
        if let Some(door) = self.publisher(track) {
            door.watched.do_send(Watched { track, layers });
        }
    }

    /// The door of whoever publishes a track.
    pub(super) fn publisher(&self, track: TrackId) -> Option<&MemberDoor> {
        self.doors.get(self.publishers.owner(track)?)
    }

    /// Passes a sender report on to those who watch, and keeps it for those who will.
    pub(super) fn keep_clock(&mut self, clock: SourceClock) {
        if self.publishers.owner(clock.track).is_none() {
            return; // late, or from somebody who still has to announce
        }
        self.routes.keep_clock(clock);
        self.tell_recorder_clock(clock);
        for who in self.watchers(clock.track) {
            if let Some(door) = self.doors.get(who) {
                door.clock.do_send(ClockTold(clock));
            }
        }
    }

    // ── key frames ──────────────────────────────────────────────────────────

    /// Passes a wish on to the publisher, unless it heard of one a moment ago.
    pub(super) fn want_keyframe(&mut self, wanted: KeyframeWanted, ctx: &mut Context<Self>) {
        let KeyframeWanted { track, layer } = wanted;
        if self.publishers.owner(track).is_none() {
            return;
        }
        let now = clock::instant();
        match self.keyframes.want(track, layer, now) {
            Wish::Ask => self.ask_keyframe(wanted),
            Wish::Later(due) => {
                ctx.run_later(due - now, move |room, _| {
                    if room.keyframes.is_due(track, layer, clock::instant()) {
                        room.ask_keyframe(wanted);
                    }
                });
            }
            Wish::Known => {}
        }
    }

    fn ask_keyframe(&self, wanted: KeyframeWanted) {
        if let Some(door) = self.publisher(wanted.track) {
            door.keyframe.do_send(wanted);
        }
    }

    /// Asks for a fresh start of whatever is watched of a track: what was sent while nobody routed it is lost, and
    /// a decoder would wait for seconds before it asks by itself.
    pub(super) fn refresh(&mut self, track: TrackId, ctx: &mut Context<Self>) {
        let wanted = self.routes.wanted(track);
        let layers = (0u8..).map(Layer).take(MAX_LAYERS);
        for layer in layers.filter(|layer| wanted.has(*layer)) {
            self.want_keyframe(KeyframeWanted { track, layer }, ctx);
        }
    }

    /// Counts what somebody's full mailbox did not take, and asks for a fresh start of the picture.
    pub(super) fn lost(&mut self, packets: &Packets, dropped: u64, ctx: &mut Context<Self>) {
        metrics::counter!(BURSTS_DROPPED, "at" => "room").increment(dropped);
        if let Some(wanted) = packets.missed() {
            self.want_keyframe(wanted, ctx);
        }
    }
}
