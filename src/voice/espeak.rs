//! espeak-ng, as a process of its own.

use std::collections::HashSet;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use calls_actors::announcer::Speech;
use calls_model::VoiceName;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::{OnceCell, Semaphore};

use super::encode::speech;
use super::{Line, Speechless, Voice};

/// How long it may take; a minute of speech takes it a tenth of a second.
const WITHIN: Duration = Duration::from_secs(10);

/// Processes at a time; who comes later waits.
const AT_A_TIME: usize = 2;

/// Words per minute: its own 175 are hard to follow over a telephone.
const WORDS_PER_MINUTE: &str = "160";

/// The program.
#[derive(Debug)]
pub struct Espeak {
    program: String,
    /// Voices that it can speak with; it takes any other name too, and speaks with its own voice then.
    voices: OnceCell<HashSet<String>>,
    at_a_time: Semaphore,
}

impl Espeak {
    /// The program of this name.
    pub fn new(program: &str) -> Self {
        Self {
            program: program.to_owned(),
            voices: OnceCell::new(),
            at_a_time: Semaphore::new(AT_A_TIME),
        }
    }

    fn no_program(&self, error: &std::io::Error) -> Speechless {
        Speechless::NoProgram {
            program: self.program.clone(),
            reason: error.to_string(),
        }
    }

    /// Whether it can speak with this voice.
    async fn has(&self, voice: &VoiceName) -> Result<bool, Speechless> {
        let voices = self.voices.get_or_try_init(async || {
            let list = Command::new(&self.program)
                .arg("--voices=variant")
                .output()
                .await;
            let list = list.map_err(|error| self.no_program(&error))?;
            Ok(variants(&String::from_utf8_lossy(&list.stdout)))
        });
        Ok(voices.await?.contains(&voice.to_string()))
    }

    /// Gives the program a text; gives the WAV file that it makes.
    async fn run(&self, line: &Line) -> Result<Vec<u8>, Speechless> {
        let failed = |error: std::io::Error| Speechless::Failed(error.to_string());
        let _turn = self.at_a_time.acquire().await; // it is never closed
        let voice = match &line.voice {
            Some(voice) if !self.has(voice).await? => {
                return Err(Speechless::NoVoice(voice.to_string()));
            }
            Some(voice) => format!("{}+{voice}", line.language),
            None => line.language.to_string(),
        };
        let mut child = Command::new(&self.program)
            .args(["--stdin", "--stdout", "-b", "1", "-s", WORDS_PER_MINUTE])
            .args(["-v", &voice])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.no_program(&error))?;
        if let Some(mut stdin) = child.stdin.take() {
            // It reads all of it before it speaks. One that refuses the voice reads nothing, and says so below.
            let _ = stdin.write_all(line.text.as_bytes()).await;
        }
        let done = child.wait_with_output().await.map_err(failed)?;
        let said = String::from_utf8_lossy(&done.stderr);
        let said = said.lines().next().unwrap_or_default().trim();
        match (done.status.success(), said) {
            (true, _) => Ok(done.stdout),
            (false, said) if said.contains("voice") => Err(Speechless::NoVoice(voice)),
            (false, said) => Err(Speechless::Failed(said.to_owned())),
        }
    }
}

/// The names in a list of variants: the column of files, without its folder.
fn variants(list: &str) -> HashSet<String> {
    let rows = list.lines().filter_map(|row| row.split_once("!v/"));
    let names = rows.filter_map(|(_, rest)| rest.split_whitespace().next());
    names.map(str::to_owned).collect()
}

#[async_trait]
impl Voice for Espeak {
    async fn speak(&self, line: &Line) -> Result<Speech, Speechless> {
        let sound = tokio::time::timeout(WITHIN, self.run(line)).await;
        let wav = sound.map_err(|_| Speechless::TooSlow(WITHIN.as_secs()))??;
        let coded = tokio::task::spawn_blocking(move || speech(&wav)).await;
        coded.map_err(|panicked| Speechless::Failed(panicked.to_string()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, language: &str) -> Line {
        Line {
            text: text.to_owned(),
            language: language.parse().unwrap(),
            voice: None,
        }
    }

    #[actix::test]
    async fn a_sentence_is_as_long_as_it_takes_to_say_and_loud_in_the_middle() {
        let voice = Espeak::new("espeak-ng");
        let speech = voice.speak(&line("please mute the video", "en")).await;
        let speech = speech.unwrap();
        let seconds = speech.len() / 50;
        assert!((1..4).contains(&seconds), "{} packets", speech.len());
        let loudest = speech.iter().map(|packet| packet.level).min().unwrap();
        assert!(loudest < 30, "-{loudest} dBov");
        assert!(speech.iter().all(|packet| packet.payload.len() < 1200));
    }

    #[actix::test]
    async fn what_looks_like_an_option_is_read_aloud() {
        let voice = Espeak::new("espeak-ng");
        let speech = voice.speak(&line("--version", "en")).await.unwrap();
        assert!(speech.len() > 20);
    }

    #[actix::test]
    async fn an_unknown_language_and_a_missing_program_are_told_apart() {
        let espeak = Espeak::new("espeak-ng");
        let unknown = espeak.speak(&line("hello", "qqx")).await;
        assert!(
            matches!(unknown, Err(Speechless::NoVoice(_))),
            "{unknown:?}"
        );
        let mut other = line("hello", "en");
        other.voice = Some("nobody".parse().unwrap());
        let unknown = espeak.speak(&other).await;
        assert!(
            matches!(unknown, Err(Speechless::NoVoice(_))),
            "{unknown:?}"
        );
        other.voice = Some("f3".parse().unwrap());
        espeak.speak(&other).await.unwrap();
        let missing = Espeak::new("/nowhere/espeak-ng");
        let missing = missing.speak(&line("hello", "en")).await;
        assert!(
            matches!(missing, Err(Speechless::NoProgram { .. })),
            "{missing:?}"
        );
    }
}
