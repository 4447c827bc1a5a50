//! From the WAV file of a synthesizer to packets of Opus.

use std::sync::Arc;

use calls_actors::announcer::{MOST, Speech, SpokenPacket};
use opus::{Application, Bitrate, Channels, Encoder};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use super::Speechless;

/// Samples a second of the speech that is sent.
const RATE: u32 = 48_000;

/// Samples of one packet: 20 ms.
const FRAME: usize = RATE as usize / 50;

/// Clear speech in one channel (RFC 6716 §2.1.1: 28 to 40 kbit/s full-band speech).
const BITS_PER_SECOND: i32 = 32_000;

/// Largest packet.
const LARGEST: usize = 1200;

/// Quiet packets behind the last word: decoders fade out with them.
const TAIL: usize = 10;

/// The speech of a WAV file.
pub(super) fn speech(wav: &[u8]) -> Result<Speech, Speechless> {
    let (rate, samples) = read(wav)?;
    if samples.iter().all(|sample| *sample == 0.0) {
        return Err(Speechless::Nothing);
    }
    let longest = MOST * rate as usize / 50;
    if samples.len() > longest {
        return Err(Speechless::TooLong);
    }
    let mut samples = resample(&samples, rate)?;
    samples.resize(samples.len().next_multiple_of(FRAME) + TAIL * FRAME, 0.0);
    let failed = |error: opus::Error| Speechless::Failed(error.to_string());
    let mut encoder = Encoder::new(RATE, Channels::Mono, Application::Voip).map_err(failed)?;
    encoder
        .set_bitrate(Bitrate::Bits(BITS_PER_SECOND))
        .map_err(failed)?;
    encoder.set_inband_fec(true).map_err(failed)?;
    encoder.set_packet_loss_perc(5).map_err(failed)?;
    let packets = samples.chunks_exact(FRAME).map(|frame| {
        Ok(SpokenPacket {
            payload: encoder
                .encode_vec_float(frame, LARGEST)
                .map_err(failed)?
                .into(),
            level: level(frame),
        })
    });
    let packets: Vec<SpokenPacket> = packets.collect::<Result<_, Speechless>>()?;
    Ok(Arc::from(packets))
}

/// Rate and samples of a mono WAV file of 16 bits. Synthesizers that write into a pipe cannot know its length, so the
/// lengths in it mean nothing.
fn read(wav: &[u8]) -> Result<(u32, Vec<f32>), Speechless> {
    let none = || Speechless::Failed("it gave no sound".to_owned());
    let rest = wav
        .strip_prefix(b"RIFF")
        .and_then(|rest| rest.get(4..)?.strip_prefix(b"WAVEfmt "));
    let rest = rest.ok_or_else(none)?;
    let (header, rest) = rest.split_first_chunk::<20>().ok_or_else(none)?;
    let number = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    let (length, coding, channels, bits) = (number(0), number(4), number(6), number(18));
    let rate = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    if (length, coding, channels, bits) != (16, 1, 1, 16) || !(8000..=RATE).contains(&rate) {
        let what = format!("{channels} channels of {bits} bits at {rate} Hz are not understood");
        return Err(Speechless::Failed(what));
    }
    let data = rest.strip_prefix(b"data").and_then(|rest| rest.get(4..));
    let (pairs, _) = data.ok_or_else(none)?.as_chunks::<2>();
    let samples = pairs
        .iter()
        .map(|pair| f32::from(i16::from_le_bytes(*pair)) / 32768.0);
    Ok((rate, samples.collect()))
}

fn resample(samples: &[f32], from: u32) -> Result<Vec<f32>, Speechless> {
    let parameters = SincInterpolationParameters {
        sinc_len: 64,
        f_cutoff: Some(0.95),
        oversampling_factor: 128,
        interpolation: SincInterpolationType::Linear,
        window: WindowFunction::BlackmanHarris2,
    };
    let failed = |error: &dyn std::fmt::Display| Speechless::Failed(error.to_string());
    let ratio = f64::from(RATE) / f64::from(from);
    let resampler = Async::<f32>::new_sinc(ratio, 1.0, &parameters, 1024, 1, FixedAsync::Input);
    let mut resampler = resampler.map_err(|error| failed(&error))?;
    let input = InterleavedSlice::new(samples, 1, samples.len()).map_err(|error| failed(&error))?;
    let output = resampler.process_all(&input, samples.len(), None);
    Ok(output.map_err(|error| failed(&error))?.take_data())
}

/// How loud it is, in -dBov (RFC 6464).
fn level(frame: &[f32]) -> u8 {
    #[expect(clippy::cast_precision_loss, reason = "960 is exact")]
    let power = frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len() as f32;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=127"
    )]
    let level = (-10.0 * power.max(1e-13).log10()).clamp(0.0, 127.0) as u8;
    level
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(rate: u32, samples: &[i16]) -> Vec<u8> {
        let mut wav = b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        wav.extend(rate.to_le_bytes());
        wav.extend((rate * 2).to_le_bytes());
        wav.extend(b"\x02\0\x10\0data\xff\xff\xff\x7f");
        wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        wav
    }

    /// A second of it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "half the height of 16 bits"
    )]
    fn tone(rate: u16) -> Vec<i16> {
        let turns = |n: u16| f64::from(n) * 440.0 / f64::from(rate);
        let sample = |n: u16| (turns(n) * std::f64::consts::TAU).sin() * 16384.0;
        (0..rate).map(|n| sample(n) as i16).collect()
    }

    #[test]
    fn a_second_of_sound_is_a_second_of_packets_and_as_loud_as_it_was() {
        let speech = speech(&wav(22_050, &tone(22_050))).unwrap();
        assert!(
            (50..=51).contains(&(speech.len() - TAIL)),
            "{}",
            speech.len()
        );
        assert!((8..=10).contains(&speech[25].level), "{}", speech[25].level); // a sine of half the height: -9 dBov
        assert_eq!(speech[speech.len() - 1].level, 127);
    }

    #[test]
    fn what_is_sent_has_the_pitch_of_what_was_synthesized() {
        let samples: Vec<f32> = tone(22_050).iter().map(|s| f32::from(*s)).collect();
        let samples = resample(&samples, 22_050).unwrap();
        let rises = samples
            .windows(2)
            .filter(|two| two[0] < 0.0 && two[1] >= 0.0);
        assert!((438..=442).contains(&rises.count()));
    }

    #[test]
    fn what_is_no_sound_is_an_error_and_no_panic() {
        for bad in [
            &b""[..],
            b"RIFF",
            b"hello, this is no WAV file at all, believe me",
            &wav(96_000, &[1]),
        ] {
            assert!(matches!(speech(bad), Err(Speechless::Failed(_))));
        }
        assert_eq!(speech(&wav(22_050, &[0; 100])), Err(Speechless::Nothing));
    }
}
