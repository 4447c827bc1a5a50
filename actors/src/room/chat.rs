//! What was said in writing.

use std::collections::VecDeque;

use calls_model::signal::ChatMessage;
use calls_model::{ChatText, ParticipantId, Timestamp};

/// Messages that are kept for those who come later.
pub const HISTORY: usize = 200;

/// The last messages of a call, numbered from 1.
#[derive(Debug, Default)]
pub struct ChatLog {
    said: u64,
    kept: VecDeque<ChatMessage>,
}

impl ChatLog {
    /// Numbers a message and keeps it.
    pub fn say(
        &mut self,
        from: ParticipantId,
        name: String,
        text: ChatText,
        to: Option<ParticipantId>,
        at: Timestamp,
    ) -> ChatMessage {
        self.said += 1;
        let message = ChatMessage {
            number: self.said,
            from,
            name,
            text,
            to,
            at,
        };
        if self.kept.len() == HISTORY {
            self.kept.pop_front();
        }
        self.kept.push_back(message.clone());
        message
    }

    /// What this participant may read: all that was said to all, to them, or by them.
    pub fn seen_by(&self, who: &ParticipantId) -> Vec<ChatMessage> {
        let visible = |message: &&ChatMessage| {
            message.to.is_none() || message.to.as_ref() == Some(who) || &message.from == who
        };
        self.kept.iter().filter(visible).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn say(log: &mut ChatLog, text: &str, to: Option<&ParticipantId>) -> ChatMessage {
        let at = DateTime::UNIX_EPOCH.into();
        let from = "part_ann".parse().unwrap();
        log.say(
            from,
            "Ann".to_owned(),
            text.parse().unwrap(),
            to.cloned(),
            at,
        )
    }

    #[test]
    fn a_private_message_is_for_two() {
        let (bob, cid) = ("part_bob".parse().unwrap(), "part_cid".parse().unwrap());
        let mut log = ChatLog::default();
        say(&mut log, "hello all", None);
        say(&mut log, "psst", Some(&bob));
        assert_eq!(log.seen_by(&bob).len(), 2);
        assert_eq!(log.seen_by(&"part_ann".parse().unwrap()).len(), 2);
        assert_eq!(log.seen_by(&cid).len(), 1);
    }

    #[test]
    fn the_oldest_messages_are_forgotten_first() {
        let mut log = ChatLog::default();
        (0..=HISTORY).for_each(|n| _ = say(&mut log, &format!("message {n}"), None));
        let seen = log.seen_by(&"part_bob".parse().unwrap());
        assert_eq!((seen.len(), seen[0].number), (HISTORY, 2));
    }
}
