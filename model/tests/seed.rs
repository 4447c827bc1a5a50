//! The JSON that the product was asked for parses, and prints with its keys and values unchanged.

use calls_model::{Call, Member, Room};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Every key of `sample` must come back with its value; keys of our own may stand beside them.
fn round_trip<T: Serialize + DeserializeOwned>(sample: &Value) {
    let parsed: T = serde_json::from_value(sample.clone()).expect("the sample parses");
    let printed = serde_json::to_value(&parsed).expect("and prints");
    assert_kept("", sample, &printed);
}

fn assert_kept(at: &str, sample: &Value, printed: &Value) {
    match (sample, printed) {
        (Value::Object(sample), Value::Object(printed)) => {
            for (key, value) in sample {
                let found = printed
                    .get(key)
                    .unwrap_or_else(|| panic!("{at}/{key} is missing"));
                assert_kept(&format!("{at}/{key}"), value, found);
            }
        }
        (Value::Array(sample), Value::Array(printed)) => {
            assert_eq!(sample.len(), printed.len(), "{at}");
            for (index, (value, found)) in sample.iter().zip(printed).enumerate() {
                assert_kept(&format!("{at}/{index}"), value, found);
            }
        }
        _ => assert_eq!(sample, printed, "{at}"),
    }
}

fn host() -> Value {
    json!({
        "user_id": "user123",
        "role": "host",
        "audio": true,
        "video": true,
        "joined_at": "2024-01-15T10:00:00Z"
    })
}

#[test]
fn a_participant_keeps_its_keys() {
    round_trip::<Member>(&host());
}

#[test]
fn a_call_keeps_its_keys() {
    round_trip::<Call>(&json!({
        "call_id": "call_123",
        "type": "video",
        "status": "active",
        "participants": [
            host(),
            {
                "user_id": "user456",
                "role": "participant",
                "audio": true,
                "video": false,
                "joined_at": "2024-01-15T10:01:00Z"
            }
        ],
        "started_at": "2024-01-15T10:00:00Z",
        "duration_seconds": 300,
        "recording": false,
        "transcription": true
    }));
}

#[test]
fn a_room_keeps_its_keys() {
    round_trip::<Room>(&json!({
        "room_id": "room_456",
        "name": "Daily Standup",
        "type": "persistent",
        "max_participants": 10,
        "settings": {
            "allow_recording": true,
            "auto_transcribe": true,
            "waiting_room": false,
            "require_password": false
        },
        "current_participants": 3,
        "created_at": "2024-01-01T08:00:00Z"
    }));
}
