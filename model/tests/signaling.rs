//! Signaling frames look on the wire as the protocol says.

use calls_model::signal::{
    Bye, ByeReason, ClientFrame, Event, Mute, Offer, PublishedMid, Request, ServerFrame,
};
use calls_model::{ParticipantId, Source};
use serde_json::{Value, json};

fn client(frame: &Value) -> ClientFrame {
    serde_json::from_value(frame.clone()).expect("the frame parses")
}

#[test]
fn an_offer_names_what_its_m_lines_carry() {
    let frame = client(&json!({
        "t": "offer", "id": 7,
        "d": {"sdp": "v=0", "publish": [{"mid": "0", "source": "screen_audio"}]}
    }));
    assert_eq!(frame.id, Some(7));
    let mid = "0".to_owned();
    let publish = vec![PublishedMid {
        mid,
        source: Source::ScreenAudio,
    }];
    assert_eq!(
        frame.request,
        Request::Offer(Offer {
            sdp: "v=0".to_owned(),
            publish
        })
    );
}

#[test]
fn leaving_needs_no_data() {
    assert!(matches!(
        client(&json!({"t": "leave", "d": {}})).request,
        Request::Leave(_)
    ));
}

#[test]
fn a_moderator_names_the_action_beside_its_object() {
    let frame = client(&json!({
        "t": "mod", "d": {"action": "remove", "participant_id": "part_1"}
    }));
    let participant_id: ParticipantId = "part_1".parse().unwrap();
    let remove = calls_model::signal::Moderation::Remove { participant_id };
    assert_eq!(frame.request, Request::Mod(remove));
}

#[test]
fn an_unknown_type_does_not_parse() {
    assert!(serde_json::from_value::<ClientFrame>(json!({"t": "dance", "d": {}})).is_err());
}

#[test]
fn an_event_carries_its_number_and_no_empty_keys() {
    let event = Event::Muted(Mute {
        source: Source::Microphone,
        muted: true,
    });
    let frame = ServerFrame {
        re: None,
        seq: Some(3),
        event,
    };
    assert_eq!(
        serde_json::to_value(frame).unwrap(),
        json!({"t": "muted", "seq": 3, "d": {"source": "microphone", "muted": true}})
    );
}

#[test]
fn a_bye_says_what_to_do_next() {
    let reason = ByeReason::Lost;
    let bye = Event::Bye(Bye {
        reason,
        retry: reason.retry(),
    });
    let frame = ServerFrame {
        re: None,
        seq: None,
        event: bye,
    };
    assert_eq!(
        serde_json::to_value(frame).unwrap(),
        json!({"t": "bye", "d": {"reason": "lost", "retry": "rejoin"}})
    );
}

/// Found by the fuzz target `frames`: the last digit of a long number changed from hop to hop.
#[test]
fn a_number_that_an_application_sends_stays_the_same_from_hop_to_hop() {
    let text = format!(
        r#"{{"t":"data","id":1,"d":{{"topic":"t","payload":[{}]}}}}"#,
        "444444444444444444444444444444444444444444044444444444444444444444444444444441"
    );
    let frame: ClientFrame = serde_json::from_str(&text).unwrap();
    let again: ClientFrame = serde_json::from_str(&serde_json::to_string(&frame).unwrap()).unwrap();
    assert_eq!(again, frame);
}
