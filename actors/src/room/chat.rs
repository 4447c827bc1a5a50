//! What was said in writing.

use std::collections::VecDeque;

use calls_model::signal::ChatMessage;
use calls_model::{ChatText, ParticipantId, SharedFile, Timestamp};

/// Messages that are kept for those who come later.
pub const HISTORY: usize = 200;

/// Bytes of text that are kept of them: all of it fits into one `welcome`.
pub const HISTORY_BYTES: usize = 64 * 1024;

/// The last messages of a call, numbered from 1.
#[derive(Debug, Default)]
pub struct ChatLog {
    said: u64,
    kept: VecDeque<ChatMessage>,
    bytes: usize,
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
        file: Option<Box<SharedFile>>,
    ) -> ChatMessage {
        self.said += 1;
        let message = ChatMessage {
            number: self.said,
            from,
            name,
            text,
            to,
            at,
            file,
        };
        self.bytes += bytes(&message);
        self.kept.push_back(message.clone());
        while self.kept.len() > HISTORY || self.bytes > HISTORY_BYTES {
            let Some(oldest) = self.kept.pop_front() else {
                break;
            };
            self.bytes -= bytes(&oldest);
        }
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

fn bytes(message: &ChatMessage) -> usize {
    message.text.as_str().len() + message.name.len()
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
            None,
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

    #[test]
    fn long_messages_are_forgotten_sooner() {
        let mut log = ChatLog::default();
        let essay = "ü".repeat(ChatText::MAX);
        (0..HISTORY).for_each(|_| _ = say(&mut log, &essay, None));
        let seen = log.seen_by(&"part_bob".parse().unwrap());
        let kept: usize = seen.iter().map(bytes).sum();
        assert!(kept <= HISTORY_BYTES && kept > HISTORY_BYTES / 2, "{kept}");
        assert_eq!(
            seen.last().map(|message| message.number),
            Some(HISTORY as u64)
        );
    }
}
