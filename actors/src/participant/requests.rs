//! What a client asks of its own presence, answered.

use std::time::Duration;

use actix::prelude::*;
use calls_model::signal::{Answer, Chat, Data, Moderation, Mute, Record, Request, Transcribe};
use calls_model::{LeaveReason, ParticipantId};
use serde_json::{Value, json};

use super::{Participant, SignalRefused};
use crate::calls::{
    ModerateRefused, RecordAsked, RecordRefused, TranscribeAsked, TranscribeRefused,
};
use crate::clock;
use crate::room::{Did, ModerateRoom};

/// Longest topic of an application message, in characters.
const TOPIC: usize = 64;

/// Largest payload of an application message, as JSON.
const PAYLOAD: usize = 16 * 1024;

/// How long a room may take to moderate.
const PATIENCE: Duration = Duration::from_secs(5);

type Reply = Result<Value, SignalRefused>;

impl Participant {
    /// Does what the client asks. Those at the door may only go.
    pub(super) fn serve(
        &mut self,
        request: Request,
        ctx: &mut Context<Self>,
    ) -> ResponseFuture<Reply> {
        let reply = match request {
            Request::Mod(action) if self.admitted => return self.ask_to_moderate(action),
            Request::Record(record) if self.admitted => return self.ask_to_record(record),
            Request::Transcribe(transcribe) if self.admitted => {
                return self.ask_to_transcribe(transcribe);
            }
            Request::Leave(_) => {
                self.go(LeaveReason::Left);
                Ok(done())
            }
            Request::Hello(_) => Err(SignalRefused::SecondHello),
            Request::Stats(stats) => {
                self.quality.heard(stats);
                Ok(done())
            }
            _ if !self.admitted => Err(SignalRefused::NotAdmitted),
            request => self.act(request, ctx),
        };
        Box::pin(std::future::ready(reply))
    }

    fn act(&mut self, request: Request, ctx: &mut Context<Self>) -> Reply {
        match request {
            Request::Offer(offer) => {
                let sdp = self.offer(&offer.sdp, &offer.publish, ctx)?;
                return Ok(json!(Answer { sdp }));
            }
            Request::View(view) => {
                self.slots.view(&view)?;
                self.refill(ctx);
            }
            Request::Mute(mute) => self.mute(mute, ctx)?,
            Request::Hand(hand) => self.deed(Did::Hand(hand.up)),
            Request::Chat(chat) => self.say(chat)?,
            Request::Data(data) => self.send(data)?,
            // The server is ICE-lite: it learns the client's addresses from its checks.
            Request::Candidate(_)
            | Request::Hello(_)
            | Request::Mod(_)
            | Request::Record(_)
            | Request::Transcribe(_)
            | Request::Leave(_)
            | Request::Stats(_) => {}
        }
        Ok(done())
    }

    fn ask_to_moderate(&self, action: Moderation) -> ResponseFuture<Reply> {
        let room = self.room.moderate.upgrade();
        let by = Some(self.id.clone());
        Box::pin(async move {
            let room = room.ok_or(SignalRefused::Unreachable)?;
            let asked = room
                .send(ModerateRoom { by, action })
                .timeout(PATIENCE)
                .await;
            let moderated = asked.unwrap_or(Err(ModerateRefused::Unreachable))?;
            Ok(json!({ "muted": moderated.muted }))
        })
    }

    fn ask_to_record(&self, Record { on, mode }: Record) -> ResponseFuture<Reply> {
        let room = self.room.record.upgrade();
        let by = self.id.clone();
        Box::pin(async move {
            let room = room.ok_or(SignalRefused::Unreachable)?;
            let asked = room.send(RecordAsked { by, on, mode }).await;
            let recording = asked.unwrap_or(Err(RecordRefused::Unreachable))?;
            Ok(json!({ "recording": recording }))
        })
    }

    fn ask_to_transcribe(&self, Transcribe { on, language }: Transcribe) -> ResponseFuture<Reply> {
        let room = self.room.transcribe.upgrade();
        let by = self.id.clone();
        Box::pin(async move {
            let room = room.ok_or(SignalRefused::Unreachable)?;
            let asked = room.send(TranscribeAsked { by, on, language }).await;
            let transcription = asked.unwrap_or(Err(TranscribeRefused::Unreachable))?;
            Ok(json!({ "transcription": transcription }))
        })
    }

    fn mute(
        &mut self,
        Mute { source, muted }: Mute,
        ctx: &mut Context<Self>,
    ) -> Result<(), SignalRefused> {
        if !muted && !self.member.role.publishes() {
            return Err(SignalRefused::MayNotPublish);
        }
        if !muted && !self.may_show(source) {
            return Err(SignalRefused::NotPermitted("share a screen"));
        }
        if self.publishing.set_muted(source, muted) {
            self.announce();
        } else if !self.publishing.has(source) {
            return Err(SignalRefused::NotPublished(source));
        }
        if let (false, Some(connection)) = (muted, &mut self.connection) {
            let now = clock::instant();
            for (track, layer) in self.publishing.pictures(source) {
                connection.peer.request_keyframe(track, layer, now);
            }
            self.settle(now, ctx);
        }
        Ok(())
    }

    fn say(&self, chat: Chat) -> Result<(), SignalRefused> {
        if !self.rules.allow_chat && !self.member.role.moderates() {
            return Err(SignalRefused::NotPermitted("write in the chat"));
        }
        self.is_there(chat.to.as_ref())?;
        self.deed(Did::Say(chat));
        Ok(())
    }

    fn send(&self, data: Data) -> Result<(), SignalRefused> {
        fits("topic", data.topic.chars().count(), TOPIC)?;
        fits("payload", data.payload.to_string().len(), PAYLOAD)?;
        self.is_there(data.to.as_ref())?;
        self.deed(Did::Send(data));
        Ok(())
    }

    fn is_there(&self, to: Option<&ParticipantId>) -> Result<(), SignalRefused> {
        match to {
            Some(to) if !self.present.contains(to) => Err(SignalRefused::NoSuchParticipant),
            _ => Ok(()),
        }
    }
}

fn done() -> Value {
    json!({})
}

fn fits(what: &'static str, size: usize, limit: usize) -> Result<(), SignalRefused> {
    if (1..=limit).contains(&size) {
        Ok(())
    } else {
        Err(SignalRefused::TooLong { what, size, limit })
    }
}
