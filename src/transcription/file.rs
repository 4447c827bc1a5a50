//! A recorded microphone, from its file to utterances.

use std::path::Path;
use std::sync::Arc;

use calls_actors::transcriber::HearingTold;
use calls_codec::{CodecError, Demuxer};
use calls_model::{ParticipantId, UserId, Utterance};
use opus::{Channels, Decoder};

use super::engine::{Engine, EngineError, RATE};
use super::follow::{Follow, Speaker, length_us};
use super::sound::Piece;

/// Most samples of one packet: 120 ms (RFC 6716 §3.1).
const LONGEST: usize = RATE as usize * 120 / 1000;

/// What is missing for longer was not said; what is shorter was lost, and is silence.
const LOST_US: i64 = 60_000;

/// A file cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The engine says no.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// All that is said in a file of Opus, with times as the file has them. `heard` is told now and then how far it is, in
/// milliseconds of the file. Blocks for as long as it takes.
///
/// # Errors
///
/// The file cannot be read, or the engine cannot go on.
pub fn understand(
    path: &Path,
    (participant_id, user_id): (&ParticipantId, &UserId),
    (engine, phrases): (&Arc<dyn Engine>, &Arc<[String]>),
    mut heard: impl FnMut(u64),
) -> Result<Vec<Utterance>, FileError> {
    let speaker = Speaker {
        participant_id: participant_id.clone(),
        user_id: user_id.clone(),
    };
    let mut follow = Follow::new(speaker, phrases.clone(), engine.clone());
    let mut pieces = Pieces::open(path)?;
    let mut told = Vec::new();
    let mut said = Vec::new();
    while let Some(piece) = pieces.next()? {
        heard(u64::try_from(piece.at_us / 1000).unwrap_or(0));
        follow.hear(piece, &mut told)?;
        take(&mut told, &mut said);
    }
    follow.pause(&mut told)?;
    take(&mut told, &mut said);
    Ok(said)
}

/// What does not change any more.
fn take(told: &mut Vec<HearingTold>, said: &mut Vec<Utterance>) {
    said.extend(told.drain(..).filter_map(|told| match told {
        HearingTold::Said(utterance) => Some(utterance),
        _ => None,
    }));
}

/// The sound of a file, packet by packet.
struct Pieces {
    file: Demuxer,
    decoder: Decoder,
    /// Where the sound ends that was decoded last.
    end_us: Option<i64>,
}

impl Pieces {
    fn open(path: &Path) -> Result<Self, FileError> {
        let decoder = Decoder::new(RATE, Channels::Mono);
        Ok(Self {
            file: Demuxer::open(path)?,
            decoder: decoder.map_err(|error| EngineError(error.to_string()))?,
            end_us: None,
        })
    }

    fn next(&mut self) -> Result<Option<Piece>, FileError> {
        loop {
            let Some(read) = self.file.read()? else {
                return Ok(None);
            };
            let missing = self.end_us.map_or(i64::MAX, |end| read.at_us - end);
            let apart = missing > LOST_US;
            let lost = if apart { 0 } else { samples(missing.max(0)) };
            let mut samples = vec![0; lost + LONGEST];
            let decoded = self
                .decoder
                .decode(read.data, &mut samples[lost..], false)
                .unwrap_or(0); // what cannot be decoded is missing
            samples.truncate(lost + decoded);
            self.end_us = Some(read.at_us + length_us(decoded));
            if !samples.is_empty() {
                return Ok(Some(Piece {
                    at_us: read.at_us - length_us(lost),
                    samples,
                    apart,
                }));
            }
        }
    }
}

fn samples(us: i64) -> usize {
    usize::try_from(us * i64::from(RATE) / 1_000_000).unwrap_or(0)
}
