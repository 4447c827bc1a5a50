//! When each packet of the transport arrived, told to the sender
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1), so that its congestion control sees what it gets.

use std::time::{Duration, Instant};

use rtc::rtcp::transport_feedbacks::transport_layer_cc::{
    PacketStatusChunk, RecvDelta, RunLengthChunk, StatusChunkTypeTcc, StatusVectorChunk,
    SymbolSizeTypeTcc, SymbolTypeTcc, TransportLayerCc,
};

/// From the first packet that a report tells of until it is sent: libwebrtc's usual pause.
const PAUSE: Duration = Duration::from_millis(100);

/// Most numbers of one report. It is sent at once when there are so many.
const MOST: usize = 400;

/// Microseconds of a tick, in which arrivals are told.
const TICK_MICROS: u128 = 250;

/// Ticks of the unit of the reference time, 64 ms.
const TICKS_OF_REFERENCE: i64 = 256;

/// Arrivals that were not told yet.
pub(super) struct Arrivals {
    zero: Instant,
    waiting: Vec<(u16, i64)>,
    /// The number that the next report begins with.
    next: Option<u16>,
    due: Option<Instant>,
    reports: u8,
}

impl Arrivals {
    /// None yet.
    pub(super) fn new(zero: Instant) -> Self {
        Self {
            zero,
            waiting: Vec::new(),
            next: None,
            due: None,
            reports: 0,
        }
    }

    /// The packet with this transport-wide number came.
    pub(super) fn record(&mut self, number: u16, now: Instant) {
        let micros = now.saturating_duration_since(self.zero).as_micros();
        let ticks = i64::try_from(micros / TICK_MICROS).unwrap_or(i64::MAX);
        self.waiting.push((number, ticks));
        if self.waiting.len() >= MOST {
            self.due = Some(now);
        } else if self.due.is_none() {
            self.due = Some(now + PAUSE);
        }
    }

    /// When a report is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The report that is due.
    pub(super) fn report(&mut self, now: Instant) -> Option<TransportLayerCc> {
        self.due.filter(|due| *due <= now)?;
        self.due = None;
        let mut arrivals = std::mem::take(&mut self.waiting);
        let first = arrivals.first()?.0;
        let base = self.next.unwrap_or(first);
        // What came late was told as missing before; it stays so.
        arrivals.retain(|(number, _)| ahead(base, *number) < 0x8000);
        arrivals.sort_unstable_by_key(|(number, _)| ahead(base, *number));
        arrivals.dedup_by_key(|(number, _)| *number);
        let (_, begin) = *arrivals.first()?;
        let reference = begin.div_euclid(TICKS_OF_REFERENCE);

        let mut before = reference * TICKS_OF_REFERENCE;
        let mut symbols = Vec::with_capacity(arrivals.len());
        let mut recv_deltas = Vec::with_capacity(arrivals.len());
        for (number, ticks) in arrivals {
            let gap = usize::from(ahead(base, number)) - symbols.len();
            symbols.extend(std::iter::repeat_n(SymbolTypeTcc::PacketNotReceived, gap));
            let delta = (ticks - before).clamp(i16::MIN.into(), i16::MAX.into());
            let type_tcc_packet = if u8::try_from(delta).is_ok() {
                SymbolTypeTcc::PacketReceivedSmallDelta
            } else {
                SymbolTypeTcc::PacketReceivedLargeDelta
            };
            symbols.push(type_tcc_packet);
            recv_deltas.push(RecvDelta {
                type_tcc_packet,
                delta: delta * 250,
            });
            before = ticks;
        }
        let packet_status_count = u16::try_from(symbols.len()).ok()?;
        self.next = Some(base.wrapping_add(packet_status_count));
        let report = TransportLayerCc {
            base_sequence_number: base,
            packet_status_count,
            reference_time: u32::try_from(reference & 0xff_ffff).ok()?,
            fb_pkt_count: self.reports,
            packet_chunks: chunks(&symbols),
            recv_deltas,
            ..TransportLayerCc::default()
        };
        self.reports = self.reports.wrapping_add(1);
        Some(report)
    }
}

fn ahead(base: u16, number: u16) -> u16 {
    number.wrapping_sub(base)
}

/// Runs of one symbol, else seven symbols of two bits.
fn chunks(mut symbols: &[SymbolTypeTcc]) -> Vec<PacketStatusChunk> {
    let mut chunks = Vec::new();
    while let Some(&first) = symbols.first() {
        let run = symbols
            .iter()
            .take(0x1fff)
            .take_while(|symbol| **symbol == first)
            .count();
        let taken = if run >= 7 || run == symbols.len() {
            chunks.push(PacketStatusChunk::RunLengthChunk(RunLengthChunk {
                type_tcc: StatusChunkTypeTcc::RunLengthChunk,
                packet_status_symbol: first,
                run_length: u16::try_from(run).unwrap_or(0x1fff),
            }));
            run
        } else {
            let taken = symbols.len().min(7);
            chunks.push(PacketStatusChunk::StatusVectorChunk(StatusVectorChunk {
                type_tcc: StatusChunkTypeTcc::StatusVectorChunk,
                symbol_size: SymbolSizeTypeTcc::TwoBit,
                symbol_list: symbols[..taken].to_vec(),
            }));
            taken
        };
        symbols = &symbols[taken..];
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::shared::marshal::{Marshal, Unmarshal};

    #[test]
    fn a_report_says_what_came_when_and_what_did_not_and_the_next_goes_on_from_there() {
        let zero = Instant::now();
        let mut arrivals = Arrivals::new(zero);
        let at = |ms| zero + Duration::from_millis(ms);
        for (number, ms) in [(65_534, 64), (65_535, 65), (2, 70), (1, 71)] {
            arrivals.record(number, at(ms));
        }
        assert_eq!(arrivals.due(), Some(at(164)));
        assert!(arrivals.report(at(163)).is_none());

        let report = arrivals.report(at(164)).unwrap();
        let bytes = report.marshal().unwrap();
        let report = TransportLayerCc::unmarshal(&mut bytes.clone()).unwrap();
        assert_eq!(report.base_sequence_number, 65_534);
        assert_eq!(report.packet_status_count, 5);
        assert_eq!(report.reference_time, 1);
        let deltas: Vec<_> = report.recv_deltas.iter().map(|delta| delta.delta).collect();
        assert_eq!(deltas, [0, 1000, 6000, -1000]);

        arrivals.record(4, at(200));
        let report = arrivals.report(at(300)).unwrap();
        assert_eq!(report.base_sequence_number, 3);
        assert_eq!(report.packet_status_count, 2);
        assert_eq!(report.fb_pkt_count, 1);
    }
}
