//! What comes over a socket: messages, their fragments, pings, and the end.

use std::time::Instant;

use actix::prelude::*;
use actix_http::ws::Item;
use actix_web_actors::ws::{self, Message, ProtocolError, WebsocketContext};
use bytes::{Bytes, BytesMut};
use calls_model::signal::{ByeReason, MAX_FRAME, Request};
use metrics::counter;

use super::super::budget::Verdict;
use super::super::frame;
use super::{Session, State};
use crate::telemetry::names::{FRAMES_IN, FRAMES_SLOWED};

/// A message that comes in fragments (RFC 6455 §5.4).
#[derive(Debug, Default)]
pub(super) struct Assembly(Option<BytesMut>);

/// The fragments make no message that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadMessage;

impl Assembly {
    /// Adds a fragment; the last one gives the message.
    pub(super) fn add(&mut self, item: Item) -> Result<Option<Bytes>, BadMessage> {
        let (fragment, last) = match item {
            Item::FirstText(fragment) if self.0.is_none() => {
                self.0 = Some(BytesMut::new());
                (fragment, false)
            }
            Item::Continue(fragment) => (fragment, false),
            Item::Last(fragment) => (fragment, true),
            Item::FirstText(_) | Item::FirstBinary(_) => return Err(BadMessage),
        };
        let message = self.0.as_mut().ok_or(BadMessage)?;
        if message.len() + fragment.len() > MAX_FRAME {
            return Err(BadMessage);
        }
        message.extend_from_slice(&fragment);
        Ok(if last {
            self.0.take().map(BytesMut::freeze)
        } else {
            None
        })
    }
}

impl Session {
    /// Takes a frame of so many bytes out of the budget; false where there is an end of patience.
    fn afford(&mut self, bytes: usize, ctx: &mut WebsocketContext<Self>) -> bool {
        match self.budget.take(bytes, Instant::now()) {
            Verdict::Pass => {}
            Verdict::Slow(pause) => {
                counter!(FRAMES_SLOWED).increment(1);
                ctx.wait(actix::clock::sleep(pause).into_actor(self));
            }
            Verdict::Flood => {
                self.bye(ByeReason::RateLimited, ctx);
                return false;
            }
        }
        true
    }

    fn text(&mut self, text: &str, ctx: &mut WebsocketContext<Self>) {
        #[cfg(feature = "testing")]
        assert_ne!(text, "crash", "crashed on purpose");
        match frame::read(text) {
            Ok(read) => {
                counter!(FRAMES_IN, "t" => name(&read.request)).increment(1);
                match read.request {
                    Request::Hello(hello) if matches!(self.state, State::Silent) => {
                        self.hello(read.id, hello, ctx);
                    }
                    request => self.request(read.id, request, ctx),
                }
            }
            Err(unreadable) => {
                counter!(FRAMES_IN, "t" => "unreadable").increment(1);
                self.reply(unreadable.id, Err(unreadable.problem), ctx);
            }
        }
    }
}

fn size(fragment: &Item) -> usize {
    match fragment {
        Item::FirstText(bytes)
        | Item::FirstBinary(bytes)
        | Item::Continue(bytes)
        | Item::Last(bytes) => bytes.len(),
    }
}

/// The type of a request, for counting.
fn name(request: &Request) -> &'static str {
    match request {
        Request::Hello(_) => "hello",
        Request::Offer(_) => "offer",
        Request::Candidate(_) => "candidate",
        Request::View(_) => "view",
        Request::Mute(_) => "mute",
        Request::Hand(_) => "hand",
        Request::Record(_) => "record",
        Request::Transcribe(_) => "transcribe",
        Request::Chat(_) => "chat",
        Request::Data(_) => "data",
        Request::Mod(_) => "mod",
        Request::Leave(_) => "leave",
        Request::Stats(_) => "stats",
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for Session {
    fn handle(&mut self, message: Result<Message, ProtocolError>, ctx: &mut Self::Context) {
        if matches!(self.state, State::Closing) {
            return;
        }
        self.heard = Instant::now();
        // Whatever a client can send as much of as it likes has its price; a pong that we asked for has none.
        let price = match &message {
            Ok(Message::Text(text)) => Some(text.len()),
            Ok(Message::Continuation(item)) => Some(size(item)),
            Ok(Message::Ping(payload)) => Some(payload.len()),
            Ok(Message::Pong(payload)) if !self.backlog.pong(payload) => Some(payload.len()),
            _ => None,
        };
        if price.is_some_and(|bytes| !self.afford(bytes, ctx)) {
            return;
        }
        match message {
            Ok(Message::Text(text)) => self.text(&text, ctx),
            Ok(Message::Continuation(item)) => match self.assembly.add(item) {
                Ok(None) => {}
                Ok(Some(whole)) => match std::str::from_utf8(&whole) {
                    Ok(text) => self.text(text, ctx),
                    Err(_) => self.bye(ByeReason::BadFrame, ctx),
                },
                Err(BadMessage) => self.bye(ByeReason::BadFrame, ctx),
            },
            Ok(Message::Binary(_)) => self.bye(ByeReason::BadFrame, ctx),
            Ok(Message::Ping(payload)) => ctx.pong(&payload),
            Ok(Message::Pong(_) | Message::Nop) => {}
            Ok(Message::Close(_)) => {
                // The client closes; it is answered in kind, and needs no `bye`.
                self.state = self.end_line();
                ctx.close(Some(ws::CloseCode::Normal.into()));
                ctx.stop();
            }
            Err(ProtocolError::Io(_)) if !self.overrun.happened() => ctx.stop(),
            Err(_) => self.bye(ByeReason::BadFrame, ctx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_make_a_message() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.add(Item::FirstText("ab".into())), Ok(None));
        assert_eq!(assembly.add(Item::Continue("c".into())), Ok(None));
        assert_eq!(
            assembly.add(Item::Last("d".into())),
            Ok(Some("abcd".into()))
        );
        assert_eq!(assembly.add(Item::FirstText("e".into())), Ok(None));
    }

    #[test]
    fn fragments_without_end_are_refused_before_they_fill_memory() {
        let mut assembly = Assembly::default();
        let half = Bytes::from(vec![b'a'; MAX_FRAME / 2 + 1]);
        assert_eq!(assembly.add(Item::FirstText(half.clone())), Ok(None));
        assert_eq!(assembly.add(Item::Continue(half)), Err(BadMessage));
    }

    #[test]
    fn fragments_of_nothing_are_refused() {
        assert_eq!(
            Assembly::default().add(Item::Last("x".into())),
            Err(BadMessage)
        );
        assert_eq!(
            Assembly::default().add(Item::FirstBinary("x".into())),
            Err(BadMessage)
        );
    }
}
