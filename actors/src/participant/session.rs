//! The signaling side of a presence: which socket hears it, and what a dropped one missed.

use actix::prelude::*;
use calls_model::signal::{ByeReason, Event, Resume};
use uuid::Uuid;

use super::replay::{MissedTooMuch, Replay};
use super::{AttachRefused, Greeting, ToClient};
use crate::event::{Frame, SharedEvent};

/// A socket. If its participant panics, the client is told to join again.
struct Line {
    door: Recipient<ToClient>,
    attachment: u64,
}

impl Line {
    fn send(&self, frame: Frame) {
        self.door.do_send(ToClient(frame));
    }

    /// A last word that no resume brings back.
    fn bye(&self, reason: ByeReason) {
        self.send(Frame::new(None, &SharedEvent::bye(reason)));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.bye(ByeReason::Lost);
        }
    }
}

/// What one client has heard since its `hello`.
pub(super) struct Session {
    name: String,
    replay: Replay,
    line: Option<Line>,
    greeting: Option<Greeting>,
    attachments: u64,
    welcomed: bool,
}

impl Session {
    /// Nobody said hello yet.
    pub(super) fn new() -> Self {
        Self {
            name: String::new(),
            replay: Replay::default(),
            line: None,
            greeting: None,
            attachments: 0,
            welcomed: false,
        }
    }

    /// A socket said hello. One that was here before is told that it was replaced.
    pub(super) fn attach(
        &mut self,
        door: Recipient<ToClient>,
        resume: Option<&Resume>,
        greeting: Greeting,
    ) -> Result<u64, AttachRefused> {
        let resumes = resume.is_some_and(|resume| self.welcomed && resume.session == self.name);
        if resume.is_some() && !resumes {
            return Err(AttachRefused::UnknownSession);
        }
        let missed: Option<Vec<Frame>> = match resume {
            None => None,
            Some(resume) => {
                let missed = self.replay.after(resume.last_seq);
                let missed = missed.map_err(|MissedTooMuch| AttachRefused::MissedTooMuch)?;
                Some(missed.cloned().collect())
            }
        };
        if let Some(old) = self.line.take() {
            old.bye(ByeReason::Replaced);
        }
        self.attachments += 1;
        let line = Line {
            door,
            attachment: self.attachments,
        };
        if let Some(missed) = missed {
            for frame in missed {
                line.send(frame);
            }
        } else {
            self.name = Uuid::new_v4().simple().to_string();
            self.replay = Replay::default();
            self.welcomed = false;
        }
        self.line = Some(line);
        self.greeting = Some(greeting);
        Ok(self.attachments)
    }

    /// The socket is gone. `false`: it was replaced before, nothing changed.
    pub(super) fn detach(&mut self, attachment: u64) -> bool {
        let current = self
            .line
            .as_ref()
            .is_some_and(|line| line.attachment == attachment);
        if current {
            self.line = None;
        }
        current
    }

    /// A socket was there once.
    pub(super) fn was_attached(&self) -> bool {
        self.attachments > 0
    }

    /// A socket is there.
    pub(super) fn is_attached(&self) -> bool {
        self.line.is_some()
    }

    /// Says all there is to know. Everything told later came after it.
    pub(super) fn welcome(&mut self, welcome: impl FnOnce(&str, &Greeting) -> Event) {
        if let (Some(line), Some(greeting)) = (&self.line, &self.greeting) {
            let event = welcome(&self.name, greeting);
            self.welcomed = true;
            line.send(self.replay.number(&event.into())); // every resume brings another one
        }
    }

    /// Tells the client, now or when it resumes.
    pub(super) fn tell(&mut self, event: impl Into<SharedEvent>) {
        let event = event.into();
        if !self.welcomed && !is_for_guests(event.event()) {
            return; // the welcome will say it
        }
        let frame = match is_of_the_moment(event.event()) {
            true if self.line.is_none() => return,
            true => self.replay.number(&event),
            false => self.replay.push(&event),
        };
        if let Some(line) = &self.line {
            line.send(frame);
        }
    }

    /// The last word.
    pub(super) fn bye(&mut self, reason: ByeReason) {
        if let Some(line) = self.line.take() {
            line.bye(reason);
        }
    }
}

/// What those at the door hear before any welcome.
fn is_for_guests(event: &Event) -> bool {
    matches!(
        event,
        Event::Waiting(_) | Event::Admitted(_) | Event::Denied(_)
    )
}

/// What is worth nothing a moment later.
fn is_of_the_moment(event: &Event) -> bool {
    match event {
        Event::Speakers(_) | Event::Quality(_) => true,
        Event::Caption(caption) => !caption.is_final,
        _ => false,
    }
}
