//! Many who wish for key frames at once.

use super::*;

/// How often somebody was asked for a key frame of the small picture.
async fn asked(member: &ProbeMember) -> usize {
    let asked = |one: &Heard| matches!(one, Heard::Keyframe(wanted) if wanted.layer == SMALL);
    member.heard().await.into_iter().filter(asked).count()
}

#[actix::test]
async fn however_many_ask_a_publisher_hears_of_one_key_frame_in_half_a_second() {
    let hall = Hall::reopen(&["ann", "bob"]);
    let ann = hall.rejoin("ann", publishes()).await;
    let _bob = hall.rejoin("bob", vec![]).await;
    let (track, layer) = (FACE, SMALL);
    let storm = || (0..500).for_each(|_| hall.room.do_send(KeyframeWanted { track, layer }));

    storm();
    assert_eq!(asked(&ann).await, 1);
    tokio::time::sleep(keyframes::PAUSE).await;
    assert_eq!(asked(&ann).await, 1, "some asked after the first request");
    for _ in 0..10 {
        storm();
        tokio::time::sleep(keyframes::PAUSE / 5).await;
    }
    assert!(asked(&ann).await <= 4, "two seconds of storm");
}

#[actix::test]
async fn a_key_frame_serves_everybody_who_waits_for_one() {
    let hall = Hall::reopen(&["ann", "bob"]);
    let ann = hall.rejoin("ann", publishes()).await;
    let _bob = hall.rejoin("bob", vec![]).await;
    let (track, layer) = (FACE, SMALL);
    (0..9).for_each(|_| hall.room.do_send(KeyframeWanted { track, layer }));
    assert_eq!(asked(&ann).await, 1);

    let Packets { burst, layers, .. } = packets(FACE, SMALL, None);
    let mut packet = burst.first().unwrap().clone();
    packet.info.starts_keyframe = true;
    let burst = [packet].into();
    hall.room.do_send(Packets {
        track,
        layers,
        burst,
    });
    tokio::time::sleep(2 * keyframes::PAUSE).await;
    assert_eq!(asked(&ann).await, 0);
}
