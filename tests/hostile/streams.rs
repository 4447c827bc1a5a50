//! Media that was sent already, under another's name, or hardly at all.

use std::collections::HashMap;
use std::time::Duration;

use super::bystanders::{Bystanders, Seat};
use super::wire::Wire;
use crate::peer::now;

/// How often each packet is sent again.
const AGAIN: usize = 5;

#[actix_web::test]
async fn packets_that_are_sent_again_are_heard_once() {
    let mut call = Bystanders::talking().await;
    let mut wire = Wire::losing(0);
    let cat = Seat::take(&call.api, &call.room, "cat", Some(&mut wire), [None; 2]).await;
    call.ann.perceives(&cat, Duration::from_nanos(1)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let packets = wire.rtp();
    assert!(packets.len() > 50, "{} packets", packets.len());
    let elsewhere = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    elsewhere.connect(call.media()).await.unwrap();
    let same = wire.far.clone().expect("it carries");
    call.ann.peer.voices.lock().unwrap().clear();
    let mark = now();
    for _ in 0..AGAIN {
        for packet in &packets {
            same.send(packet).await.unwrap();
            elsewhere.send(packet).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    call.ann
        .perceives(&cat, mark + Duration::from_millis(100))
        .await;
    let mut times: HashMap<bytes::Bytes, usize> = HashMap::new();
    for voice in call.ann.peer.voices.lock().unwrap().iter() {
        *times.entry(voice.clone()).or_default() += 1; // who and when is in each
    }
    let twice = times.values().filter(|times| **times > 1).count();
    assert_eq!(twice, 0, "of {} packets", times.len());
    call.are_unharmed(30).await;
}

#[actix_web::test]
async fn another_participants_ssrc_takes_nothing_over() {
    let mut call = Bystanders::talking().await;
    let ssrcs = [Some(0x0a0a_0a0a), Some(0x0b0b_0b0b)];
    let cat = Seat::take(&call.api, &call.room, "cat", None, ssrcs).await;
    call.ann.perceives(&cat, Duration::from_nanos(1)).await;
    let eve = Seat::take(&call.api, &call.room, "eve", None, ssrcs).await;
    call.ann.perceives(&eve, Duration::from_nanos(1)).await;
    // Both are heard, each as who they are, and so they are an hour later.
    for _ in 0..3 {
        let mark = now();
        for seat in [&cat, &eve] {
            call.ann.perceives(seat, mark).await;
            call.ben.perceives(seat, mark).await;
        }
    }
    drop(eve);
    call.ann.perceives(&cat, now()).await;
    call.are_unharmed(60).await;
}

#[actix_web::test]
async fn who_loses_three_packets_of_ten_both_ways_stays_in_the_call_and_disturbs_nobody() {
    let mut call = Bystanders::talking().await;
    let mut wire = Wire::losing(3);
    let cat = Seat::take(&call.api, &call.room, "cat", Some(&mut wire), [None; 2]).await;
    for _ in 0..4 {
        let mark = now();
        call.ann.perceives(&cat, mark).await;
        cat.perceives(&call.ann, mark).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    call.are_unharmed(60).await;
}
