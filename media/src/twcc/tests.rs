use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use rtc_rtcp::transport_feedbacks::transport_layer_cc::{
    PacketStatusChunk, SymbolTypeTcc, TransportLayerCc,
};
use rtc_shared::marshal::Unmarshal;

use super::*;

const MS: Duration = Duration::from_millis(1);

/// What another implementation reads: number on the wire to arrival in µs, `None` where it was lost.
fn read(packet: Vec<u8>) -> Vec<(u16, Option<i64>)> {
    let report = TransportLayerCc::unmarshal(&mut Bytes::from(packet)).unwrap();
    let symbols = report.packet_chunks.iter().flat_map(|chunk| match chunk {
        PacketStatusChunk::RunLengthChunk(run) => {
            vec![run.packet_status_symbol; usize::from(run.run_length)]
        }
        PacketStatusChunk::StatusVectorChunk(vector) => vector.symbol_list.clone(),
    });
    let mut deltas = report.recv_deltas.iter();
    let mut time = i64::from(report.reference_time) * 64_000;
    let mut number = report.base_sequence_number;
    let mut read = Vec::new();
    for symbol in symbols.take(usize::from(report.packet_status_count)) {
        let arrival = (symbol != SymbolTypeTcc::PacketNotReceived).then(|| {
            time += deltas.next().unwrap().delta;
            time
        });
        read.push((number, arrival));
        number = number.wrapping_add(1);
    }
    assert_eq!(deltas.len(), 0);
    read
}

fn reports(arrivals: &mut Arrivals, now: Instant) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| arrivals.report(Ssrc(1), Ssrc(2), now, Duration::ZERO)).collect()
}

#[test]
fn a_report_tells_what_came_and_what_did_not() {
    let zero = Instant::now();
    let mut arrivals = Arrivals::new(zero);
    arrivals.record(65_534, zero + 1000 * MS);
    arrivals.record(65_535, zero + 1001 * MS);
    arrivals.record(1, zero + 1090 * MS);
    assert!(
        arrivals
            .report(Ssrc(1), Ssrc(2), zero + 1099 * MS, Duration::ZERO)
            .is_none()
    );

    let mut reports = reports(&mut arrivals, zero + 1100 * MS);

    let told = read(reports.remove(0));
    let us = |ms: i64| Some(ms * 1000);
    assert_eq!(
        told,
        [
            (65_534, us(1000)),
            (65_535, us(1001)),
            (0, None),
            (1, us(1090))
        ]
    );
    assert!(reports.is_empty());
    assert_eq!(arrivals.next_due(), None);
}

#[test]
fn a_late_packet_is_told_with_the_next_report() {
    let zero = Instant::now();
    let mut arrivals = Arrivals::new(zero);
    arrivals.record(10, zero);
    arrivals.record(12, zero);
    reports(&mut arrivals, zero + 100 * MS);
    arrivals.record(11, zero + 120 * MS);
    let told = read(reports(&mut arrivals, zero + 220 * MS).remove(0));
    assert_eq!(told, [(11, Some(120_000)), (12, Some(0))]);
}

#[test]
fn what_was_told_a_second_ago_is_forgotten_and_not_told_otherwise() {
    let zero = Instant::now();
    let mut arrivals = Arrivals::new(zero);
    arrivals.record(10, zero);
    arrivals.record(12, zero);
    reports(&mut arrivals, zero + 100 * MS);
    arrivals.record(13, zero + 1_100 * MS);
    arrivals.record(11, zero + 1_110 * MS);
    let told = read(reports(&mut arrivals, zero + 1_200 * MS).remove(0));
    assert_eq!(told, [(13, Some(1_100_000))]);
    assert_eq!(arrivals.ticks.from(0).count(), 1);
}

#[test]
fn many_packets_hasten_the_report_but_it_is_not_due_sooner_than_seventy_ms_after_the_last() {
    let zero = Instant::now();
    let mut arrivals = Arrivals::new(zero);
    (0..60).for_each(|number| arrivals.record(number, zero));
    assert_eq!(reports(&mut arrivals, zero).len(), 1);
    (60..120).for_each(|number| arrivals.record(number, zero + 10 * MS));
    assert!(reports(&mut arrivals, zero + 69 * MS).is_empty());
    assert_eq!(reports(&mut arrivals, zero + 70 * MS).len(), 1);
}

#[test]
fn a_pause_of_minutes_and_a_leap_are_told_in_parts() {
    let zero = Instant::now();
    let mut arrivals = Arrivals::new(zero);
    arrivals.record(0, zero);
    arrivals.record(1, zero + 60_000 * MS);
    arrivals.record(700, zero + 60_010 * MS);
    let reports = reports(&mut arrivals, zero + 61_000 * MS);
    assert!(reports.iter().all(|report| report.len() < 1000));
    let came: Vec<u16> = reports
        .into_iter()
        .flat_map(read)
        .filter_map(|(n, t)| t.map(|_| n))
        .collect();
    assert_eq!(came, [0, 1, 700]);
}

proptest! {
    /// As a map from number to time would keep them, whatever the order in which they come and are forgotten.
    #[test]
    fn arrivals_are_kept_by_number(steps in prop::collection::vec((any::<bool>(), 0_u64..40, any::<i64>()), 0..200)) {
        let (mut ticks, mut expected) = (Ticks::default(), BTreeMap::new());
        for (forget, number, arrival) in steps {
            if forget && expected.pop_first().is_some() {
                ticks.forget_first();
            } else {
                ticks.insert(number, arrival);
                expected.entry(number).or_insert(arrival);
            }
            prop_assert_eq!(ticks.first(), expected.first_key_value().map(|(&n, &t)| (n, t)));
            prop_assert!(ticks.from(number).eq(expected.range(number..).map(|(&n, &t)| (n, t))));
        }
    }

    #[test]
    fn another_implementation_reads_every_arrival(
        start in any::<u16>(),
        steps in proptest::collection::vec((1u16..4, 0u64..90, any::<bool>()), 1..300),
    ) {
        let zero = Instant::now();
        let mut arrivals = Arrivals::new(zero);
        let (mut number, mut at) = (start, zero);
        let mut truth = BTreeMap::new();
        for (step, pause, long) in steps {
            number = number.wrapping_add(step);
            at += Duration::from_millis(pause * if long { 20 } else { 1 });
            arrivals.record(number, at);
            truth.insert(number, i64::try_from((at - zero).as_micros()).unwrap());
        }
        let mut told = BTreeMap::new();
        for report in reports(&mut arrivals, at + 200 * MS) {
            prop_assert!(report.len() < 1000 && report.len().is_multiple_of(4));
            told.extend(read(report).into_iter().filter_map(|(number, time)| Some((number, time?))));
        }
        prop_assert_eq!(told, truth);
    }
}
