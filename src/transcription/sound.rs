//! From a microphone's packets to samples, and to when they were said.

use std::time::Instant;

use calls_media::capture::{Frame, Frames, Ordered, Reorder};
use calls_media::seam::Packet;
use opus::{Channels, Decoder};

use super::engine::{EngineError, RATE};

/// RTP's clock of Opus (RFC 7587 §4.1), in ticks a second.
const CLOCK: i64 = 48_000;

/// Ticks for each sample of ours.
const TICKS: i64 = CLOCK / RATE as i64;

/// Most ticks that are concealed: 120 ms. What is missing for longer was not sent: silence.
const CONCEALED: i64 = CLOCK * 120 / 1000;

/// Most samples of one packet: 120 ms (RFC 6716 §3.1).
const LONGEST: usize = RATE as usize * 120 / 1000;

/// The path's delay is believed to grow by no more than this share of time: the drift of two clocks.
const DRIFT: i64 = 5000;

/// A piece of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// When its first sample was said, in microseconds from the hearing's zero.
    pub(super) at_us: i64,
    /// Mono, 16 kHz.
    pub(super) samples: Vec<i16>,
    /// Something was left out before it: nobody spoke, or the stream began anew.
    pub(super) apart: bool,
}

/// One microphone.
pub(super) struct Sound {
    zero: Instant,
    reorder: Reorder,
    frames: Frames,
    decoder: Decoder,
    /// The timestamp that follows on what was decoded last.
    next: Option<i64>,
    /// From RTP time to the hearing's, by the quickest packet; and when it was that.
    offset: Option<(i64, i64)>,
}

impl Sound {
    pub(super) fn new(zero: Instant) -> Result<Self, EngineError> {
        let decoder = Decoder::new(RATE, Channels::Mono);
        Ok(Self {
            zero,
            reorder: Reorder::default(),
            frames: Frames::default(),
            decoder: decoder.map_err(|error| EngineError(error.to_string()))?,
            next: None,
            offset: None,
        })
    }

    pub(super) fn take(&mut self, packet: Packet) {
        self.reorder.push(packet);
    }

    /// All sound that is in order by now.
    pub(super) fn drain(&mut self, now: Instant) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while let Some(ordered) = self.reorder.pop(now) {
            match ordered {
                Ordered::Packet(packet) => {
                    let came = packet.arrival;
                    if let Some(frame) = self.frames.push(&packet) {
                        pieces.extend(self.decode(&frame, came));
                    }
                }
                Ordered::Lost(_) => {} // its timestamps tell how much is missing
                Ordered::Restarted => {
                    self.frames.restart();
                    self.next = None;
                    self.offset = None;
                }
            }
        }
        pieces
    }

    fn decode(&mut self, frame: &Frame, came: Instant) -> Option<Piece> {
        let missing = self.next.map_or(i64::MAX, |next| frame.timestamp - next);
        if missing < 0 {
            return None; // what it says was said before
        }
        let mut samples = Vec::new();
        let apart = missing > CONCEALED;
        if !apart {
            self.conceal(frame, missing, &mut samples);
        }
        let concealed = samples.len();
        samples.resize(concealed + LONGEST, 0);
        let decoded = self
            .decoder
            .decode(&frame.data, &mut samples[concealed..], false);
        samples.truncate(concealed + decoded.unwrap_or(0)); // what cannot be decoded is missing
        let ticks = |samples: usize| i64::try_from(samples).unwrap_or(0) * TICKS;
        self.next = Some(frame.timestamp + ticks(samples.len() - concealed));
        let at_us = self.said_at(frame.timestamp, came) - ticks(concealed) * 1_000_000 / CLOCK;
        (!samples.is_empty()).then_some(Piece {
            at_us,
            samples,
            apart,
        })
    }

    /// What is missing before a frame, as the decoder guesses it; its end, as the frame repeats it (in-band FEC).
    fn conceal(&mut self, frame: &Frame, missing: i64, samples: &mut Vec<i16>) {
        let missing = usize::try_from(missing / TICKS).unwrap_or(0);
        let length = self.decoder.get_nb_samples(&frame.data).unwrap_or(0);
        let repeated = if length > 0 && missing >= length {
            length
        } else {
            0
        };
        for (part, from) in [(missing - repeated, &[][..]), (repeated, &frame.data[..])] {
            // Opus conceals in steps of 2.5 ms.
            let part = part / 40 * 40;
            if part == 0 {
                continue;
            }
            let known = samples.len();
            samples.resize(known + part, 0);
            let guessed = self
                .decoder
                .decode(from, &mut samples[known..], !from.is_empty());
            if guessed.is_err() {
                samples[known..].fill(0);
            }
        }
    }

    /// When this was said: when it came, had it come as quickly as the quickest.
    fn said_at(&mut self, timestamp: i64, came: Instant) -> i64 {
        let after = came.saturating_duration_since(self.zero).as_micros();
        let came_us = i64::try_from(after).unwrap_or(i64::MAX);
        let rtp_us = timestamp * 1_000_000 / CLOCK;
        let path = came_us - rtp_us;
        let quickest = match self.offset {
            None => path,
            Some((quickest, since)) => path.min(quickest + (came_us - since) / DRIFT),
        };
        self.offset = Some((quickest, came_us));
        rtp_us + quickest
    }
}

/// The samples of a 16-bit WAV file of one channel.
#[cfg(test)]
pub(super) fn wav(file: &[u8]) -> Vec<i16> {
    let data = file
        .windows(4)
        .position(|four| four == b"data")
        .expect("a data chunk");
    let samples = file[data + 8..].chunks_exact(2);
    samples
        .map(|two| i16::from_le_bytes([two[0], two[1]]))
        .collect()
}
