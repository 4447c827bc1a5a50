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
use actix_web::web::Data;
use actix_web_actors::ws::WebsocketContext;
use calls_actors::calls::UserOffline;
use calls_actors::event::Frame;
use calls_actors::metrics::CRASHES;
use calls_actors::participant::{ClientRequest, Detach, ToClient};
use calls_model::signal::{Bye, ByeReason, Event, Hello, Ready, Request, ServerFrame};
use metrics::{counter, gauge};
use tracing::{debug, error, info};

use super::backlog::Backlog;
use super::budget::Budget;
use super::frame;
use super::greet::{self, Line, Unwelcome};
use super::guard::Overrun;
use crate::app::{App, PATIENCE};
use crate::http::problem::{Problem, kinds};
use crate::telemetry::names::{BYES, FRAMES_OUT, SOCKETS};

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
    pub(crate) fn new(app: Data<App>, id: String, overrun: Overrun) -> Self {
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
            State::Open(Line::User { user_id, device }) => {
                self.app.calls.do_send(UserOffline { user_id, device });
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
        let (app, door) = (self.app.clone(), ctx.address().recipient());
        let greeted = async move {
            match claims.place {
                Some(place) => greet::to_call(&app, claims.sub, place, hello.resume, door).await,
                None => greet::to_user(&app, claims.sub, door).await,
            }
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
                    Line::User { user_id, .. } => Some(Ready {
                        user_id: user_id.clone(),
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
            return self.reply(id, Err(Problem::TooManyWaiting { most: UNANSWERED }), ctx);
        }
        let answer = participant
            .send(ClientRequest { request })
            .timeout(PATIENCE);
        self.unanswered += 1;
        ctx.spawn(answer.into_actor(self).map(move |answer, this, ctx| {
            this.unanswered -= 1;
            let outcome = answer.map_err(Problem::from).and_then(|answer| Ok(answer?));
            this.reply(id, outcome, ctx);
            this.part(ctx);
        }));
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
        let State::Open(Line::Call { place, user, .. }) = &self.state else {
            return;
        };
        let (app, door) = (self.app.clone(), ctx.address().recipient());
        let (place, user) = (place.clone(), user.clone());
        info!(session.id = %self.id, "session {} lost its participant, looks for the next", self.id);
        let back = async move { greet::back_to_call(&app, user, place, door).await };
        ctx.wait(back.into_actor(self).map(|back, this, ctx| match back {
            Ok(line) => this.state = State::Open(line),
            Err(unwelcome) => this.bye(unwelcome.bye, ctx),
        }));
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
