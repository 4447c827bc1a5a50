//! Packing arrivals into one feedback packet.

use crate::rtp::seq::low16;
use crate::seam::Ssrc;

/// A reference time is told in units of 64 ms, that is 256 ticks.
const TICKS_PER_REFERENCE: i64 = 256;

/// What stands before the arrivals.
pub(super) struct Header {
    pub(super) sender: Ssrc,
    pub(super) media: Ssrc,
    /// The number that is told first.
    pub(super) base: u64,
    /// Counts the reports.
    pub(super) count: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Lost = 0,
    Small = 1,
    Large = 2,
}

/// The packet, and the number with which the next one begins. Stops before a delta that does not fit its 16 bits.
/// `None` without arrivals.
pub(super) fn report(
    header: &Header,
    arrivals: impl Iterator<Item = (u64, i64)>,
) -> Option<(Vec<u8>, u64)> {
    let mut arrivals = arrivals.peekable();
    let &(_, first) = arrivals.peek()?;
    let reference = first.div_euclid(TICKS_PER_REFERENCE);
    let mut before = reference * TICKS_PER_REFERENCE;
    let mut next = header.base;
    let mut symbols = Vec::new();
    let mut deltas = Vec::new();
    for (number, ticks) in arrivals {
        let delta = ticks - before;
        let symbol = if let Ok(small) = u8::try_from(delta) {
            deltas.push(small);
            Symbol::Small
        } else if let Ok(large) = i16::try_from(delta) {
            deltas.extend(large.to_be_bytes());
            Symbol::Large
        } else {
            break;
        };
        symbols.extend((next..number).map(|_| Symbol::Lost));
        symbols.push(symbol);
        before = ticks;
        next = number + 1;
    }
    let count = u16::try_from(symbols.len()).ok()?;

    let mut packet = vec![0x80 | 15, 205, 0, 0];
    packet.extend(header.sender.0.to_be_bytes());
    packet.extend(header.media.0.to_be_bytes());
    packet.extend(low16(header.base).to_be_bytes());
    packet.extend(count.to_be_bytes());
    packet.extend(&reference.to_be_bytes()[5..]);
    packet.push(header.count);
    chunks(&symbols, &mut packet);
    packet.append(&mut deltas);
    let padding = packet.len().next_multiple_of(4) - packet.len();
    if let Some(last) = u8::try_from(padding).ok().filter(|&padding| padding > 0) {
        packet[0] |= 0x20;
        packet.resize(packet.len() + padding - 1, 0);
        packet.push(last);
    }
    let words = u16::try_from(packet.len() / 4 - 1).ok()?;
    packet[2..4].copy_from_slice(&words.to_be_bytes());
    Some((packet, next))
}

/// Status chunks (§3.1.3, §3.1.4): a run where one symbol goes on, else 14 symbols of one bit or 7 of two.
fn chunks(mut symbols: &[Symbol], packet: &mut Vec<u8>) {
    while let Some(&first) = symbols.first() {
        let run = symbols
            .iter()
            .take(0x1fff)
            .take_while(|&&symbol| symbol == first)
            .count();
        let one_bit = symbols
            .iter()
            .take(14)
            .all(|&symbol| symbol != Symbol::Large);
        let (chunk, taken) = if run >= 14 || run == symbols.len() || (run >= 7 && !one_bit) {
            let length = u16::try_from(run).expect("at most 13 bits");
            ((first as u16) << 13 | length, run)
        } else if one_bit {
            (vector(0x8000, symbols, 14, 1), 14)
        } else {
            (vector(0xc000, symbols, 7, 2), 7)
        };
        packet.extend(chunk.to_be_bytes());
        symbols = symbols.get(taken..).unwrap_or_default();
    }
}

fn vector(head: u16, symbols: &[Symbol], count: usize, bits: usize) -> u16 {
    let symbols = symbols.iter().take(count).enumerate();
    symbols.fold(head, |chunk, (at, &symbol)| {
        chunk | (symbol as u16) << (14 - bits * (at + 1))
    })
}
