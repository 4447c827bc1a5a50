//! One signaling socket.
//!
//! * Parent: the HTTP server that took the connection. Children: none.
//! * Receives frames of the client, and [`ToClient`] from its participant or from the registry.
//! * Sends `Attach`, `ClientRequest` and `Detach` to its participant; `UserOnline` and `UserOffline` to the registry.
//! * Ends with the socket, or after a `bye`: every close of ours has one before it.
//! * On crash: the participant keeps its place for a while; the client comes back with its token.

mod inbound;

use std::time::{Duration, Instant};

use actix::prelude::*;
use actix_web::web::{self, Data};
use actix_web_actors::ws::WebsocketContext;
use calls_actors::calls::UserOffline;
use calls_actors::event::Frame;
use calls_actors::metrics::CRASHES;
use calls_actors::participant::{ClientRequest, Detach, Participant, ToClient};
use calls_model::signal::{
    Bye, ByeReason, Empty, Event, Hello, Ready, Request, ServerFrame, Transcribe,
};
use calls_model::{Account, ActorKind, AuditEntry, AuditId};
use futures_util::future::LocalBoxFuture;
use futures_util::stream;
use metrics::{counter, gauge};
use tracing::{debug, error, info};

use super::backlog::Backlog;
use super::budget::Budget;
use super::frame;
use super::greet::{self, Holder, Line, Unwelcome};
use super::guard::Overrun;
use crate::app::{App, PATIENCE};
use crate::auth::{Issuer, permissions};
use crate::http::audit;
use crate::http::limits::Taken;
use crate::http::problem::{Problem, kinds};
use crate::telemetry::names::{BYES, FRAMES_OUT, LIMITS_HIT, SOCKETS};

/// A socket must say hello within that time.
const HELLO_WITHIN: Duration = Duration::from_secs(5);

/// How often the other end is pinged.
const PING_EVERY: Duration = Duration::from_secs(10);

/// Without a pong for so long, the other end is gone: two pings and some patience.
const SILENT_FOR: Duration = Duration::from_secs(25);

/// Requests of one socket that may wait for their answers; what comes on top is refused.
const UNANSWERED: usize = 64;

/// Where a socket is in its life.
enum State {
    /// Nobody said hello yet.
    Silent,
    /// It talks.
    Open(Line),
    /// A `bye` was said; nothing more is.
    Closing,
}

/// The actor behind one socket.
pub(crate) struct Session {
    app: Data<App>,
    /// Its place among those of its address.
    _taken: Taken,
    /// Where the token of its hello comes from.
    issuer: Issuer,
    /// Names this socket in the log and in refusals.
    id: String,
    state: State,
    budget: Budget,
    backlog: Backlog,
    assembly: inbound::Assembly,
    overrun: Overrun,
    heard: Instant,
    /// Requests whose answers are still to come.
    unanswered: usize,
    /// The participant's `bye`, which waits for those answers: each request has its own.
    farewell: Option<Frame>,
}

impl Session {
    /// A socket that has just been opened by the request of this id.
    pub(crate) fn new(app: Data<App>, id: String, taken: Taken, overrun: Overrun) -> Self {
        let now = Instant::now();
        gauge!(SOCKETS).increment(1);
        Self {
            budget: Budget::new(&app.config.limits, now),
            backlog: Backlog::new(app.config.limits.socket_backlog_bytes),
            assembly: inbound::Assembly::default(),
            overrun,
            state: State::Silent,
            heard: now,
            unanswered: 0,
            farewell: None,
            issuer: Issuer::default(),
            _taken: taken,
            app,
            id,
        }
    }

    fn send(&mut self, frame: &ServerFrame, ctx: &mut WebsocketContext<Self>) {
        match serde_json::to_string(frame) {
            Ok(text) => self.send_text(text, ctx),
            Err(error) => error!(session.id = %self.id, %error, "a frame cannot be written"),
        }
    }

    fn send_text(&mut self, text: String, ctx: &mut WebsocketContext<Self>) {
        self.backlog.sent(text.len());
        counter!(FRAMES_OUT).increment(1);
        ctx.text(text);
        if self.backlog.wants_ping() {
            let ping = self.backlog.ping();
            ctx.ping(&ping);
        }
        if self.backlog.is_too_long() {
            // It would not hear a `bye` either, behind all that waits.
            info!(session.id = %self.id, "session {} does not read: closed", self.id);
            counter!(LIMITS_HIT, "limit" => "backlog").increment(1);
            self.state = self.end_line();
            ctx.stop();
        }
    }

    /// Answers a request; those without a number hear of refusals only.
    fn reply(
        &mut self,
        id: Option<u64>,
        outcome: Result<serde_json::Value, Problem>,
        ctx: &mut WebsocketContext<Self>,
    ) {
        match (outcome, id) {
            (Ok(d), Some(id)) => self.send(&frame::ok(id, d), ctx),
            (Ok(_), None) => {}
            (Err(problem), id) => self.send(&frame::error(id, problem.details(&self.id)), ctx),
        }
    }

    /// Says the last word and closes.
    fn bye(&mut self, reason: ByeReason, ctx: &mut WebsocketContext<Self>) {
        if matches!(self.state, State::Closing) {
            return;
        }
        let event = Event::Bye(Bye {
            reason,
            retry: reason.retry(),
        });
        self.send(
            &ServerFrame {
                re: None,
                seq: None,
                event,
            },
            ctx,
        );
        self.close(reason, ctx);
    }

    fn close(&mut self, reason: ByeReason, ctx: &mut WebsocketContext<Self>) {
        counter!(BYES, "reason" => frame::word(reason)).increment(1);
        debug!(session.id = %self.id, ?reason, "session {} closes: {reason:?}", self.id);
        self.state = self.end_line();
        ctx.close(Some(frame::close(reason)));
        ctx.stop();
    }

    /// Tells whoever this socket talked to that it is gone.
    fn end_line(&mut self) -> State {
        match std::mem::replace(&mut self.state, State::Closing) {
            State::Open(Line::Call {
                participant,
                attachment,
                ..
            }) => {
                participant.do_send(Detach { attachment });
            }
            State::Open(Line::User { account, device }) => {
                self.app.calls.do_send(UserOffline { account, device });
            }
            State::Silent | State::Closing => {}
        }
        State::Closing
    }

    fn hello(&mut self, id: Option<u64>, hello: Hello, ctx: &mut WebsocketContext<Self>) {
        let claims = match self.app.tokens.read(&hello.token) {
            Ok(claims) => claims,
            Err(bad) => {
                self.reply(id, Err(Problem::Token(bad)), ctx);
                return self.bye(ByeReason::Unauthorized, ctx);
            }
        };
        if self.app.revoked.has(&claims.issuer) {
            let refused = Problem::Unauthorized("the API key that made the token is revoked");
            self.reply(id, Err(refused), ctx);
            return self.bye(ByeReason::Unauthorized, ctx);
        }
        self.issuer = claims.issuer.clone();
        let (app, door) = (self.app.clone(), ctx.address().recipient());
        let greeted = async move {
            let (user, issuer) = (claims.sub, claims.issuer);
            let Some(place) = claims.place else {
                let org = issuer.org;
                return greet::to_user(&app, Account { org, user }, door).await;
            };
            let holder = Holder {
                user,
                place,
                issuer,
            };
            greet::to_call(&app, holder, hello.resume, door).await
        };
        // Frames that follow wait until it is known whom they are for.
        ctx.wait(greeted.into_actor(self).map(move |greeted, this, ctx| {
            this.greeted(id, greeted, ctx);
        }));
    }

    fn greeted(
        &mut self,
        id: Option<u64>,
        greeted: Result<Line, Unwelcome>,
        ctx: &mut WebsocketContext<Self>,
    ) {
        match greeted {
            Ok(line) => {
                let ready = match &line {
                    Line::User { account, .. } => Some(Ready {
                        user_id: account.user.clone(),
                    }),
                    Line::Call { .. } => None,
                };
                self.state = State::Open(line);
                self.reply(id, Ok(serde_json::json!({})), ctx);
                if let Some(ready) = ready {
                    let event = Event::Ready(ready);
                    self.send(
                        &ServerFrame {
                            re: None,
                            seq: None,
                            event,
                        },
                        ctx,
                    );
                }
            }
            Err(unwelcome) => {
                self.reply(id, Err(unwelcome.problem), ctx);
                self.bye(unwelcome.bye, ctx);
            }
        }
    }

    fn request(&mut self, id: Option<u64>, request: Request, ctx: &mut WebsocketContext<Self>) {
        let participant = match &self.state {
            State::Silent => return self.reply(id, Err(hello_first()), ctx),
            State::Closing => return,
            State::Open(Line::Call { participant, .. }) => participant.clone(),
            State::Open(Line::User { .. }) => {
                if matches!(request, Request::Leave(_)) {
                    self.reply(id, Ok(serde_json::json!({})), ctx);
                    return self.bye(ByeReason::Left, ctx);
                }
                let refused = Problem::Forbidden("this socket is in no call");
                return self.reply(id, Err(refused), ctx);
            }
        };
        if self.unanswered >= UNANSWERED {
            counter!(LIMITS_HIT, "limit" => "unanswered").increment(1);
            return self.reply(id, Err(Problem::TooManyWaiting { most: UNANSWERED }), ctx);
        }
        if let State::Open(Line::Call { holder, .. }) = &self.state
            && let Err(refused) = permissions::may_ask(&holder.place, &request)
        {
            return self.reply(id, Err(refused), ctx);
        }
        let audited = self.audited(&request);
        let answer = self.answer(participant, request);
        self.unanswered += 1;
        ctx.spawn(answer.into_actor(self).map(move |answer, this, ctx| {
            this.unanswered -= 1;
            let outcome = answer.map_err(Problem::from).and_then(|answer| Ok(answer?));
            if let Some(audited) = audited {
                this.write_down(audited, outcome.as_ref().err());
            }
            this.reply(id, outcome, ctx);
            this.part(ctx);
        }));
    }

    /// Asks now, in the order in which requests came; but the start of a transcription after its model is read, for which
    /// nobody else is to wait.
    fn answer(
        &self,
        participant: Addr<Participant>,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<<ClientRequest as Message>::Result, MailboxError>> {
        let Request::Transcribe(Transcribe { on: true, language }) = &request else {
            return Box::pin(
                participant
                    .send(ClientRequest { request })
                    .timeout(PATIENCE),
            );
        };
        let (ears, language) = (self.app.ears.clone(), language.clone());
        let prepared = web::block(move || ears.prepare(language.as_ref()));
        Box::pin(async move {
            let _ = prepared.await; // what is wrong with it, the answer says
            participant
                .send(ClientRequest { request })
                .timeout(PATIENCE)
                .await
        })
    }

    /// An entry of the audit log for what only moderators may ask.
    fn audited(&self, request: &Request) -> Option<AuditEntry> {
        let State::Open(Line::Call { holder, .. }) = &self.state else {
            return None;
        };
        let action = match request {
            Request::Mod(_) => audit::MODERATE,
            Request::Record(_) => audit::RECORDING,
            Request::Transcribe(_) => audit::TRANSCRIPTION,
            _ => return None,
        };
        Some(AuditEntry {
            audit_id: AuditId::new(),
            at: self.app.clock.now(),
            actor: holder.user.to_string(),
            actor_kind: ActorKind::User,
            action: action.to_owned(),
            subject: format!("/{}", holder.place.call),
            status: 200,
            detail: serde_json::to_value(request).ok(),
            address: None,
            request_id: self.id.clone(),
        })
    }

    fn write_down(&self, mut entry: AuditEntry, refused: Option<&Problem>) {
        if let Some(refused) = refused {
            entry.status = refused.kind().status.as_u16();
        }
        let (app, issuer) = (self.app.clone(), self.issuer.clone());
        actix::spawn(async move { audit::write(&app, &issuer, entry).await });
    }

    /// Passes the participant's `bye` on and closes, once every request has its answer.
    fn part(&mut self, ctx: &mut WebsocketContext<Self>) {
        if self.unanswered > 0 {
            return;
        }
        let Some(frame) = self.farewell.take() else {
            return;
        };
        if let (State::Open(_), Some(reason)) = (&self.state, frame.bye()) {
            self.send_text(frame.text(), ctx);
            self.close(reason, ctx);
        }
    }

    /// The presence crashed. Another takes its place; the client hears a new `welcome` and offers anew.
    fn find_back(&mut self, ctx: &mut WebsocketContext<Self>) {
        let State::Open(Line::Call { holder, .. }) = &self.state else {
            return;
        };
        let (app, door) = (self.app.clone(), ctx.address().recipient());
        let holder = holder.clone();
        info!(session.id = %self.id, "session {} lost its participant, looks for the next", self.id);
        let back = async move { greet::back_to_call(&app, holder, door).await };
        ctx.wait(back.into_actor(self).map(|back, this, ctx| match back {
            Ok(line) => this.state = State::Open(line),
            Err(unwelcome) => this.bye(unwelcome.bye, ctx),
        }));
    }

    /// The key that made the token may have been revoked: then this is over, for those in the call too.
    fn look_at_key(&mut self, ctx: &mut WebsocketContext<Self>) {
        if !self.app.revoked.has(&self.issuer) {
            return;
        }
        if let State::Open(Line::Call { participant, .. }) = &self.state {
            participant.do_send(ClientRequest {
                request: Request::Leave(Empty {}),
            });
        }
        self.bye(ByeReason::Unauthorized, ctx);
    }

    fn pulse(&mut self, ctx: &mut WebsocketContext<Self>) {
        if self.heard.elapsed() >= SILENT_FOR {
            return self.bye(ByeReason::TimedOut, ctx);
        }
        let ping = self.backlog.ping();
        ctx.ping(&ping);
    }
}

fn hello_first() -> Problem {
    Problem::Invalid {
        kind: &kinds::HELLO_FIRST,
        detail: "say hello first".to_owned(),
        errors: Vec::new(),
    }
}

impl Actor for Session {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_later(HELLO_WITHIN, |this, ctx| {
            if matches!(this.state, State::Silent) {
                this.bye(ByeReason::TimedOut, ctx);
            }
        });
        ctx.run_interval(PING_EVERY, Self::pulse);
        let mut stopping = self.app.stopping();
        let stopped = async move { stopping.wait_for(|stopping| *stopping).await.is_ok() };
        ctx.spawn(stopped.into_actor(self).map(|_, this, ctx| {
            this.bye(ByeReason::ServerShutdown, ctx);
        }));
        let revocations = stream::unfold(self.app.revoked.follow(), |mut revoked| async move {
            revoked.changed().await.ok().map(|()| ((), revoked))
        });
        let looking = actix::fut::wrap_stream::<_, Self>(revocations);
        ctx.spawn(looking.map(|(), this, ctx| this.look_at_key(ctx)).finish());
    }
}

/// However it ended, its participant hears of it: after a panic nothing of an actor is called any more but this.
impl Drop for Session {
    fn drop(&mut self) {
        gauge!(SOCKETS).decrement(1);
        if std::thread::panicking() {
            counter!(CRASHES, "actor" => "session").increment(1);
        }
        self.end_line();
    }
}

impl Handler<ToClient> for Session {
    type Result = ();

    fn handle(&mut self, ToClient(frame): ToClient, ctx: &mut Self::Context) {
        match frame.bye() {
            _ if matches!(self.state, State::Closing) => {}
            Some(ByeReason::Lost) => self.find_back(ctx),
            Some(_) => {
                self.farewell = Some(frame);
                self.part(ctx);
            }
            None => self.send_text(frame.text(), ctx),
        }
    }
}
