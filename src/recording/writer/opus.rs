//! What the first bytes of an Opus packet tell (RFC 6716 §3.1).

/// 20 ms of silence: CELT, fullband, stereo.
pub(super) const SILENCE: [u8; 3] = [0xfc, 0xff, 0xfe];

/// How long [`SILENCE`] lasts, in microseconds.
pub(in crate::recording) const SILENCE_US: i64 = 20_000;

/// How long a packet lasts, in microseconds; that of the most common kind where it is none.
pub(super) fn duration_us(packet: &[u8]) -> i64 {
    let Some(&toc) = packet.first() else {
        return SILENCE_US;
    };
    let step = usize::from(toc >> 3 & 3);
    let frame = match toc >> 3 {
        0..=11 => [10_000, 20_000, 40_000, 60_000][step],
        12..=15 => [10_000, 20_000][step & 1],
        _ => [2_500, 5_000, 10_000, 20_000][step],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => i64::from(packet.get(1).map_or(1, |count| count & 0x3f).max(1)),
    };
    frame * frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_tells_how_long_it_lasts() {
        assert_eq!(duration_us(&SILENCE), SILENCE_US);
        assert_eq!(
            duration_us(&[0x78, 0]),
            20_000,
            "what browsers send: hybrid or CELT of 20 ms"
        );
        assert_eq!(duration_us(&[0x1b, 0x02]), 120_000);
        assert_eq!(duration_us(&[]), 20_000);
    }
}
