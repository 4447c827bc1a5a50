//! At the door, and what a role allows inside.

use calls_model::signal::Mute;

use super::*;

#[actix::test]
async fn who_waits_may_only_go() {
    let ann = Alone::start(Role::Participant, false);
    let _socket = ann.hello().await;
    ann.said().await;
    let text = "hello".parse().unwrap();
    let mute = Mute {
        source: Source::Microphone,
        muted: true,
    };
    let refused = [
        ann.offer(1, &[Line::Microphone]).await,
        ann.ask(Request::Chat(Chat { text, to: None })).await,
        ann.ask(Request::Hand(Hand { up: true })).await,
        ann.ask(Request::Mute(mute)).await,
        ann.ask(Request::Mod(calls_model::signal::Moderation::MuteAll))
            .await,
    ];
    for refused in refused {
        assert_eq!(refused, Err(SignalRefused::NotAdmitted));
    }
    assert_eq!(ann.said().await, []);
    ann.ask(Request::Leave(Empty {})).await.unwrap();
    let left = Said::Did(Did::Leave(LeaveReason::Left));
    assert_eq!(ann.said().await, [left]);
}

#[actix::test]
async fn who_is_denied_while_waiting_hears_it_before_the_last_word() {
    let ann = Alone::start(Role::Participant, false);
    let socket = Probe::start();
    let hello = attach(&socket, None);
    ann.participant.send(hello).await.unwrap().unwrap();
    ann.tell(Event::Denied(Empty {}));
    let bye = ByeReason::Denied;
    ann.participant.do_send(PutOut { bye });
    let heard = events(&socket).await;
    let [Event::Denied(_), Event::Bye(last)] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!(last.reason, ByeReason::Denied);
    assert!(!ann.participant.connected());
}

#[actix::test]
async fn an_observer_watches_and_does_not_publish() {
    let ann = Alone::inside(Role::Observer);
    let _socket = ann.hello().await;
    let refused = ann.offer(1, &[Line::Microphone]).await;
    assert_eq!(refused, Err(SignalRefused::MayNotPublish));
    ann.offer(1, &[Line::VideoSlot]).await.expect("may watch");
}

#[actix::test]
async fn who_becomes_an_observer_falls_silent_and_stays_so() {
    let ann = Alone::inside(Role::Participant);
    let _socket = ann.hello().await;
    ann.offer(1, &[Line::Microphone, Line::Camera])
        .await
        .unwrap();
    ann.tell(Event::Participant(calls_model::signal::ParticipantEvent {
        event: calls_model::signal::Presence::Updated,
        participant: member(Role::Observer),
    }));
    let published = ann.published().await;
    assert!(
        published.iter().all(|(_, _, muted)| *muted),
        "{published:?}"
    );
    let unmute = Mute {
        source: Source::Microphone,
        muted: false,
    };
    let refused = ann.ask(Request::Mute(unmute)).await;
    assert_eq!(refused, Err(SignalRefused::MayNotPublish));
}
