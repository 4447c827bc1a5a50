//! Sockets that come, drop, come back, and are replaced.

use super::*;
use crate::participant::replay;

/// What resumes the session that this socket was welcomed to.
fn resume(frames: &[ServerFrame]) -> Resume {
    let session = frames.iter().find_map(|frame| match &frame.event {
        Event::Welcome(welcome) => Some(welcome.session.clone()),
        _ => None,
    });
    Resume {
        session: session.expect("it was welcomed"),
        last_seq: frames.iter().filter_map(|frame| frame.seq).max().unwrap(),
    }
}

#[actix::test]
async fn who_is_back_within_30_seconds_hears_what_was_missed_and_keeps_their_media() {
    let ann = Alone::inside(Role::Participant);
    let (socket, attached) = ann.hello().await;
    ann.offer(1, &[Line::Microphone]).await.unwrap();
    let resume = resume(&frames(&socket).await);
    let attachment = attached.attachment;
    ann.participant.do_send(Detach { attachment });
    ann.tell(hand(true));
    tokio::time::sleep(GRACE.saturating_sub(SECOND)).await;
    ann.said().await;

    let again = Probe::start();
    ann.attach(attach(&again, Some(resume))).await.unwrap();
    let heard = events(&again).await;
    assert_eq!(heard.first(), Some(&hand(true)));
    assert!(matches!(heard.last(), Some(Event::Welcome(_))));
    assert_eq!(
        ann.said().await,
        [Said::Did(Did::Attach)],
        "nothing is unpublished"
    );
    tokio::time::sleep(2 * GRACE).await;
    assert!(ann.participant.connected());
}

#[actix::test]
async fn who_is_not_back_within_30_seconds_has_left_and_cannot_resume() {
    let ann = Alone::inside(Role::Participant);
    let (socket, attached) = ann.hello().await;
    let resume = resume(&frames(&socket).await);
    let attachment = attached.attachment;
    ann.participant.do_send(Detach { attachment });
    tokio::time::sleep(GRACE + SECOND).await;
    let left = Said::Did(Did::Leave(LeaveReason::TimedOut));
    assert!(ann.said().await.contains(&left));
    let late = ann.attach(attach(&Probe::start(), Some(resume))).await;
    assert_eq!(late, Err(AttachRefused::Gone));
}

#[actix::test]
async fn who_missed_more_than_is_kept_begins_anew() {
    let ann = Alone::inside(Role::Participant);
    let (socket, attached) = ann.hello().await;
    let resume = resume(&frames(&socket).await);
    let attachment = attached.attachment;
    ann.participant.do_send(Detach { attachment });
    (0..=replay::EVENTS).for_each(|_| ann.tell(hand(true)));
    settle().await;
    let refused = ann
        .attach(attach(&Probe::start(), Some(resume.clone())))
        .await;
    assert_eq!(refused, Err(AttachRefused::MissedTooMuch));

    let (socket, _) = ann.hello().await;
    let heard = frames(&socket).await;
    assert_eq!(
        heard.len(),
        1,
        "a welcome, and nothing of before: {heard:?}"
    );
    assert_ne!(self::resume(&heard).session, resume.session);
}

#[actix::test]
async fn what_is_worth_nothing_a_moment_later_is_not_told_again() {
    let ann = Alone::inside(Role::Participant);
    let (socket, attached) = ann.hello().await;
    let resume = resume(&frames(&socket).await);
    ann.tell(Event::Speakers(Vec::new())); // on its way into a socket that is dead already
    ann.tell(hand(true));
    settle().await;
    let attachment = attached.attachment;
    ann.participant.do_send(Detach { attachment });
    ann.tell(Event::Speakers(Vec::new()));
    let again = Probe::start();
    ann.attach(attach(&again, Some(resume))).await.unwrap();
    let heard = events(&again).await;
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert_eq!(heard.first(), Some(&hand(true)));
}

#[actix::test]
async fn a_second_session_replaces_the_first_and_is_not_hurt_by_its_end() {
    let ann = Alone::inside(Role::Participant);
    let (first, attached) = ann.hello().await;
    let (second, _) = ann.hello().await;
    assert_eq!(bye(&first).await, Some(ByeReason::Replaced));
    let attachment = attached.attachment;
    ann.participant.do_send(Detach { attachment });
    ann.tell(hand(true));
    assert!(events(&second).await.contains(&hand(true)));
    assert_eq!(events(&first).await, []);
    tokio::time::sleep(2 * GRACE).await;
    let left = |said: &Said| matches!(said, Said::Did(Did::Leave(_) | Did::Detach));
    assert!(!ann.said().await.iter().any(left));
}

#[actix::test]
async fn a_second_session_begins_with_a_connection_of_its_own() {
    let ann = Alone::inside(Role::Participant);
    let (_first, _) = ann.hello().await;
    ann.offer(1, &[Line::Microphone]).await.unwrap();
    assert_eq!(ann.published().await.len(), 1);
    let (_second, _) = ann.hello().await;
    assert_eq!(ann.published().await, [], "what the first one sent is gone");
}

#[actix::test]
async fn who_is_removed_hears_why_and_is_gone() {
    let ann = Alone::inside(Role::Participant);
    let (socket, _) = ann.hello().await;
    let bye_reason = ByeReason::Removed;
    ann.participant.do_send(PutOut { bye: bye_reason });
    assert_eq!(bye(&socket).await, Some(bye_reason));
    assert!(ann.said().await.contains(&Said::Ended(Ending::Finished)));
    assert!(!ann.participant.connected());
}
