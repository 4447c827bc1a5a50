//! A voice that remembers what it said last: announcements are the same again and again.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use calls_actors::announcer::Speech;

use super::{Line, Speechless, Voice};

/// Packets that are remembered: about an hour of speech, in some 15 MB.
const PACKETS: usize = 180_000;

/// A voice with a memory.
#[derive(Debug)]
pub struct Cached<V> {
    voice: V,
    /// What was said last stands last.
    said: Mutex<VecDeque<(Line, Speech)>>,
}

impl<V> Cached<V> {
    /// Remembers nothing yet.
    pub fn new(voice: V) -> Self {
        Self {
            voice,
            said: Mutex::default(),
        }
    }

    fn known(&self, line: &Line) -> Option<Speech> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let at = said.iter().position(|(known, _)| known == line)?;
        let found = said.remove(at)?;
        let speech = found.1.clone();
        said.push_back(found);
        Some(speech)
    }

    fn remember(&self, line: &Line, speech: &Speech) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.retain(|(known, _)| known != line);
        said.push_back((line.clone(), speech.clone()));
        let mut packets: usize = said.iter().map(|(_, speech)| speech.len()).sum();
        while packets > PACKETS {
            let Some((_, forgotten)) = said.pop_front() else {
                break;
            };
            packets -= forgotten.len();
        }
    }
}

#[async_trait]
impl<V: Voice> Voice for Cached<V> {
    async fn speak(&self, line: &Line) -> Result<Speech, Speechless> {
        if let Some(speech) = self.known(line) {
            return Ok(speech);
        }
        let speech = self.voice.speak(line).await?;
        self.remember(line, &speech);
        Ok(speech)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    #[async_trait]
    impl Voice for Counting {
        async fn speak(&self, _: &Line) -> Result<Speech, Speechless> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok([].into())
        }
    }

    fn line(text: &str, language: &str) -> Line {
        Line {
            text: text.to_owned(),
            language: language.parse().unwrap(),
            voice: None,
        }
    }

    #[actix::test]
    async fn the_same_line_is_synthesized_once_and_in_another_language_again() {
        let voice = Cached::new(Counting::default());
        for (text, language) in [("one", "en"), ("one", "en"), ("one", "de")] {
            voice.speak(&line(text, language)).await.unwrap();
        }
        assert_eq!(voice.voice.0.load(Ordering::Relaxed), 2);
    }
}
