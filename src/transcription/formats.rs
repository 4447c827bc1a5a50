//! A transcript as people and players read it.

use std::collections::HashMap;
use std::fmt::Write;

use calls_model::{Member, ParticipantId, Transcript, Utterance};

/// What everybody in a call is called.
pub struct Names(HashMap<ParticipantId, String>);

impl Names {
    /// The names that their tiles showed.
    pub fn of<'a>(members: impl IntoIterator<Item = &'a Member>) -> Self {
        let named = members.into_iter().filter_map(|member| {
            let name = member.display_name.as_ref().map(ToString::to_string);
            Some((member.participant_id.clone()?, name?))
        });
        Self(named.collect())
    }

    fn of_speaker<'a>(&'a self, utterance: &'a Utterance) -> &'a str {
        let name = self.0.get(&utterance.participant_id);
        name.map_or_else(|| utterance.user_id.as_str(), String::as_str)
    }
}

/// `[0:01:02] Ada: hello`, a line each.
pub fn txt(transcript: &Transcript, names: &Names) -> String {
    let mut text = String::new();
    for said in &transcript.utterances {
        let seconds = said.start_ms / 1000;
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let name = names.of_speaker(said);
        let _ = writeln!(
            text,
            "[{hours}:{minutes:02}:{seconds:02}] {name}: {}",
            said.text
        );
    }
    text
}

/// `WebVTT`, with speakers as voice spans (W3C `WebVTT` §4.2.2).
pub fn vtt(transcript: &Transcript, names: &Names) -> String {
    let mut text = String::from("WEBVTT\n");
    for said in &transcript.utterances {
        let (from, to) = (clock(said.start_ms, '.'), clock(said.end_ms, '.'));
        let (name, words) = (escaped(names.of_speaker(said)), escaped(&said.text));
        let _ = write!(text, "\n{from} --> {to}\n<v {name}>{words}</v>\n");
    }
    text
}

/// `SubRip`: numbered cues, speakers before a colon.
pub fn srt(transcript: &Transcript, names: &Names) -> String {
    let mut text = String::new();
    for (number, said) in (1..).zip(&transcript.utterances) {
        let (from, to) = (clock(said.start_ms, ','), clock(said.end_ms, ','));
        let name = names.of_speaker(said);
        let _ = write!(text, "{number}\n{from} --> {to}\n{name}: {}\n\n", said.text);
    }
    text
}

fn clock(ms: u64, point: char) -> String {
    let (seconds, rest) = (ms / 1000, ms % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{rest:03}")
}

/// What has a meaning of its own in a cue has none.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript() -> (Transcript, Names) {
        let said = |who: &str, text: &str, start_ms| Utterance {
            participant_id: format!("part_{who}").parse().unwrap(),
            user_id: who.parse().unwrap(),
            text: text.to_owned(),
            start_ms,
            end_ms: start_ms + 1500,
            confidence: 1.0,
            words: Vec::new(),
        };
        let transcript = Transcript {
            call_id: "call_1".parse().unwrap(),
            utterances: vec![
                said("ada", "hello all", 3_661_001),
                said("eve", "a < b", 3_700_000),
            ],
            unheard: Vec::new(),
        };
        let names = [("part_ada".parse().unwrap(), "Ada <3".to_owned())];
        (transcript, Names(names.into()))
    }

    #[test]
    fn a_line_has_time_name_and_words() {
        let (transcript, names) = transcript();
        let lines = "[1:01:01] Ada <3: hello all\n[1:01:40] eve: a < b\n";
        assert_eq!(txt(&transcript, &names), lines);
    }

    #[test]
    fn a_cue_has_a_voice_and_no_markup_from_anybody() {
        let (transcript, names) = transcript();
        let cues = "WEBVTT\n\n01:01:01.001 --> 01:01:02.501\n<v Ada &lt;3>hello all</v>\n\n\
                    01:01:40.000 --> 01:01:41.500\n<v eve>a &lt; b</v>\n";
        assert_eq!(vtt(&transcript, &names), cues);
    }

    #[test]
    fn subrip_counts_its_cues() {
        let (transcript, names) = transcript();
        let first = "1\n01:01:01,001 --> 01:01:02,501\nAda <3: hello all\n\n2\n";
        assert!(srt(&transcript, &names).starts_with(first));
    }
}
