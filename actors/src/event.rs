//! An event on its way to many: written as JSON once, whoever hears it.

use std::sync::Arc;

use calls_model::signal::{Bye, ByeReason, Event};

/// An event and its JSON. Clones share both, so a thousand listeners cost a thousand pointers.
#[derive(Debug, Clone)]
pub struct SharedEvent {
    event: Arc<Event>,
    json: Arc<str>,
}

impl SharedEvent {
    /// Writes the event down.
    ///
    /// # Panics
    ///
    /// Never: all that an event holds can be written as JSON.
    pub fn new(event: Event) -> Self {
        let json = serde_json::to_string(&event).expect("an event has texts for keys");
        Self {
            event: Arc::new(event),
            json: json.into(),
        }
    }

    /// The last word before a close.
    pub fn bye(reason: ByeReason) -> Self {
        let retry = reason.retry();
        Self::new(Event::Bye(Bye { reason, retry }))
    }

    /// What happened.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// `{"t": …, "d": …}`, as every listener hears it.
    pub fn json(&self) -> &Arc<str> {
        &self.json
    }
}

impl From<Event> for SharedEvent {
    fn from(event: Event) -> Self {
        Self::new(event)
    }
}

impl PartialEq for SharedEvent {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

/// A frame for one client: the shared JSON of an event, and the number that the event has in this session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    seq: Option<u64>,
    json: Arc<str>,
    bye: Option<ByeReason>,
}

impl Frame {
    /// A frame with this event; numbered where a resume may bring it back.
    pub fn new(seq: Option<u64>, event: &SharedEvent) -> Self {
        let bye = match event.event() {
            Event::Bye(bye) => Some(bye.reason),
            _ => None,
        };
        Self {
            seq,
            json: Arc::clone(event.json()),
            bye,
        }
    }

    /// The number of the event in its session.
    pub fn seq(&self) -> Option<u64> {
        self.seq
    }

    /// It is the last one, and why.
    pub fn bye(&self) -> Option<ByeReason> {
        self.bye
    }

    /// Bytes of the event's JSON.
    pub fn bytes(&self) -> usize {
        self.json.len()
    }

    /// As it goes over the wire: a [`ServerFrame`](calls_model::signal::ServerFrame) as JSON.
    pub fn text(&self) -> String {
        match (self.seq, self.json.strip_prefix('{')) {
            (Some(seq), Some(rest)) => format!("{{\"seq\":{seq},{rest}"),
            _ => self.json.as_ref().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use calls_model::signal::{HandEvent, ServerFrame};

    use super::*;

    fn hand() -> Event {
        let participant_id = "part_ann".parse().unwrap();
        let up = true;
        Event::Hand(HandEvent { participant_id, up })
    }

    #[test]
    fn a_frame_reads_as_what_it_was_made_of() {
        for seq in [None, Some(7)] {
            let frame = Frame::new(seq, &hand().into());
            let wanted = ServerFrame {
                re: None,
                seq,
                event: hand(),
            };
            let wanted = serde_json::to_string(&wanted).unwrap();
            assert_eq!(frame.text(), wanted);
        }
    }

    #[test]
    fn an_event_is_written_once_for_everybody() {
        let event = SharedEvent::new(hand());
        let frames: Vec<Frame> = (1..=3).map(|seq| Frame::new(Some(seq), &event)).collect();
        let shared = |frame: &Frame| Arc::ptr_eq(&frame.json, event.json());
        assert!(frames.iter().all(shared));
    }

    #[test]
    fn only_a_last_word_is_a_bye() {
        let bye = Frame::new(None, &SharedEvent::bye(ByeReason::Left));
        assert_eq!(bye.bye(), Some(ByeReason::Left));
        assert_eq!(Frame::new(None, &hand().into()).bye(), None);
    }
}
