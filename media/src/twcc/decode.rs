//! Reading one feedback packet: the mirror of `encode`.

use super::TransportFeedback;

/// Sender, media source, base, count, reference time, feedback count.
const FIXED: usize = 16;

/// Reads what follows the RTCP header, padding removed. `None` if it is cut short: then nothing of it can be trusted.
pub(crate) fn feedback(body: &[u8]) -> Option<TransportFeedback> {
    let (fixed, mut rest) = body.split_at_checked(FIXED)?;
    let word = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
    let (base, count) = (word(8), usize::from(word(10)));
    let reference = u32::from_be_bytes([0, fixed[12], fixed[13], fixed[14]]);
    let mut symbols = Vec::new();
    while symbols.len() < count {
        let (&chunk, behind) = rest.split_first_chunk::<2>()?;
        rest = behind;
        unpack(
            u16::from_be_bytes(chunk),
            count - symbols.len(),
            &mut symbols,
        );
    }
    let mut deltas = Vec::with_capacity(count);
    for symbol in symbols {
        deltas.push(match symbol {
            1 => {
                let (&small, behind) = rest.split_first()?;
                rest = behind;
                Some(i16::from(small))
            }
            2 => {
                let (&large, behind) = rest.split_first_chunk::<2>()?;
                rest = behind;
                Some(i16::from_be_bytes(large))
            }
            _ => None,
        });
    }
    Some(TransportFeedback {
        base,
        reference,
        deltas,
    })
}

/// Status symbols of one chunk, at most so many (§3.1.3, §3.1.4).
fn unpack(chunk: u16, most: usize, symbols: &mut Vec<u8>) {
    let symbol = |shift: u32, mask: u16| u8::try_from(chunk >> shift & mask).unwrap_or(0);
    if chunk & 0x8000 == 0 {
        let run = usize::from(chunk & 0x1fff).min(most);
        symbols.extend(std::iter::repeat_n(symbol(13, 3), run));
    } else if chunk & 0x4000 == 0 {
        symbols.extend((0..14).rev().map(|shift| symbol(shift, 1)).take(most));
    } else {
        symbols.extend((0..7).rev().map(|shift| symbol(shift * 2, 3)).take(most));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::encode::{self, Header};
    use super::*;
    use crate::seam::Ssrc;

    fn body(packet: &[u8]) -> &[u8] {
        let padding = if packet[0] & 0x20 == 0 {
            0
        } else {
            packet[packet.len() - 1]
        };
        &packet[4..packet.len() - usize::from(padding)]
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            base in 0u64..200_000,
            gaps in proptest::collection::vec((1u64..40, -300i64..2000), 1..200),
        ) {
            let mut number = base;
            let mut ticks = 5_000i64;
            let mut arrivals = Vec::new();
            for (gap, step) in gaps {
                arrivals.push((number, ticks));
                number += gap;
                ticks += step;
            }
            let header = Header { sender: Ssrc(1), media: Ssrc(2), base, count: 3 };
            let (packet, next) = encode::report(&header, arrivals.iter().copied()).unwrap();
            let read = feedback(body(&packet)).unwrap();
            prop_assert_eq!(u64::from(read.base), base & 0xffff);
            let mut at = i64::from(read.reference) * 256;
            let mut told = Vec::new();
            for (number, delta) in (base..).zip(&read.deltas) {
                if let Some(delta) = delta {
                    at += i64::from(*delta);
                    told.push((number, at));
                }
            }
            let written = arrivals.iter().take_while(|(number, _)| *number < next).copied();
            prop_assert_eq!(told, written.collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = feedback(&bytes);
        }
    }

    #[test]
    fn a_packet_cut_short_is_refused() {
        let header = Header {
            sender: Ssrc(1),
            media: Ssrc(2),
            base: 1,
            count: 0,
        };
        let (packet, _) =
            encode::report(&header, [(1, 10), (2, 20), (3, 900)].into_iter()).unwrap();
        let body = body(&packet);
        assert!(feedback(body).is_some());
        assert!((0..body.len()).all(|length| feedback(&body[..length]).is_none()));
    }
}
