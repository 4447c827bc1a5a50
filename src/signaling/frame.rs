//! Frames on the wire: reading what a client sent, and how a socket is closed. The only place that knows close codes.

use actix_web_actors::ws::{CloseCode, CloseReason};
use calls_model::ProblemDetails;
use calls_model::signal::{ByeReason, ClientFrame, Event, Request, ServerFrame};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::http::extract::{explain, invalid, without_position};
use crate::http::problem::{Problem, kinds};

/// A frame that could not be taken, and the request number to answer, where it could be read.
#[derive(Debug)]
pub struct Unreadable {
    /// `id` of the frame.
    pub id: Option<u64>,
    /// What is wrong with it.
    pub problem: Problem,
}

/// Reads a client's frame.
///
/// # Errors
///
/// [`Unreadable`] points at what is wrong.
pub fn read(text: &str) -> Result<ClientFrame, Unreadable> {
    let refuse = |id, problem| Err(Unreadable { id, problem });
    let mut frame: Map<String, Value> = match serde_json::from_str(text) {
        Ok(Value::Object(frame)) => frame,
        Ok(_) => return refuse(None, bad("", "must be an object")),
        Err(error) => {
            let detail = format!("the frame is not JSON: {error}");
            let kind = &kinds::MALFORMED_JSON;
            return refuse(
                None,
                Problem::Invalid {
                    kind,
                    detail,
                    errors: Vec::new(),
                },
            );
        }
    };
    let id = match frame.get("id") {
        None | Some(Value::Null) => None,
        Some(id) => match id.as_u64() {
            Some(id) => Some(id),
            None => return refuse(None, bad("/id", "must be a whole number from 0 on")),
        },
    };
    let Some(Value::String(t)) = frame.remove("t") else {
        return refuse(id, bad("/t", "must be the type of the frame, a string"));
    };
    let d = match frame.remove("d") {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(d) => d,
    };
    match request(&t, d) {
        Some(Ok(request)) => Ok(ClientFrame { id, request }),
        Some(Err(problem)) => refuse(id, problem),
        None => {
            let detail = format!("there is no frame of type {:?}", shortened(&t));
            let kind = &kinds::UNKNOWN_FRAME;
            refuse(
                id,
                Problem::Invalid {
                    kind,
                    detail,
                    errors: Vec::new(),
                },
            )
        }
    }
}

/// One type after the other, so that what is wrong inside of `d` can be pointed at.
fn request(t: &str, d: Value) -> Option<Result<Request, Problem>> {
    Some(match t {
        "hello" => body(d).map(Request::Hello),
        "offer" => body(d).map(Request::Offer),
        "candidate" => body(d).map(Request::Candidate),
        "view" => body(d).map(Request::View),
        "mute" => body(d).map(Request::Mute),
        "hand" => body(d).map(Request::Hand),
        "record" => body(d).map(Request::Record),
        "transcribe" => body(d).map(Request::Transcribe),
        "chat" => body(d).map(Request::Chat),
        "data" => body(d).map(Request::Data),
        "mod" => body(d).map(Request::Mod),
        "leave" => body(d).map(Request::Leave),
        "stats" => body(d).map(Request::Stats),
        _ => return None,
    })
}

fn body<T: DeserializeOwned>(d: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(d).map_err(|error| {
        let (place, detail) = explain(error.path(), &without_position(error.inner()));
        bad(&format!("/d{place}"), &detail)
    })
}

fn bad(pointer: &str, detail: &str) -> Problem {
    invalid(
        &kinds::INVALID_FRAME,
        "the frame is bad",
        pointer.to_owned(),
        detail.to_owned(),
    )
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The answer to request `re`: done, with this to tell.
pub fn ok(re: u64, d: Value) -> ServerFrame {
    ServerFrame {
        re: Some(re),
        seq: None,
        event: Event::Ok(d),
    }
}

/// The answer to request `re`: refused. Without a number, a refusal of what had none.
pub fn error(re: Option<u64>, problem: ProblemDetails) -> ServerFrame {
    ServerFrame {
        re,
        seq: None,
        event: Event::Error(problem),
    }
}

/// How a socket is closed, after a `bye` with this reason. Codes from 4000 on are ours (RFC 6455 §7.4.2): the HTTP
/// status that says it best, plus 4000.
pub fn close(reason: ByeReason) -> CloseReason {
    let code = match reason {
        ByeReason::Left | ByeReason::CallEnded => CloseCode::Normal,
        ByeReason::ServerShutdown => CloseCode::Away,
        ByeReason::BadFrame => CloseCode::Size,
        ByeReason::Lost => CloseCode::Restart,
        ByeReason::Unauthorized => CloseCode::Other(4401),
        ByeReason::Removed | ByeReason::Kicked | ByeReason::Denied => CloseCode::Other(4403),
        ByeReason::TimedOut => CloseCode::Other(4408),
        ByeReason::Replaced => CloseCode::Other(4409),
        ByeReason::RateLimited => CloseCode::Other(4429),
    };
    CloseReason {
        code,
        description: Some(word(reason)),
    }
}

/// A reason as the wire says it.
pub fn word(reason: ByeReason) -> String {
    match serde_json::to_value(reason) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::*;

    fn refusal(text: &str) -> (Option<u64>, &'static str, Vec<String>) {
        let unreadable = read(text).expect_err("it is bad");
        let pointers = unreadable
            .problem
            .details("")
            .errors
            .into_iter()
            .map(|e| e.pointer);
        (
            unreadable.id,
            unreadable.problem.kind().code,
            pointers.collect(),
        )
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        let text = r#"{"t": "view", "id": 7, "d": {"slots": [{"mid": "0"}, {"mid": 1}]}}"#;
        assert_eq!(
            refusal(text),
            (Some(7), "invalid-frame", vec!["/d/slots/1/mid".into()])
        );
        assert_eq!(
            refusal(r#"{"id": 7}"#),
            (Some(7), "invalid-frame", vec!["/t".into()])
        );
        assert_eq!(
            refusal(r#"{"t": "leave", "id": -1}"#),
            (None, "invalid-frame", vec!["/id".into()])
        );
    }

    #[test]
    fn unknown_types_and_noise_are_told_apart() {
        assert_eq!(
            refusal(r#"{"t": "dance", "id": 1}"#),
            (Some(1), "unknown-frame", vec![])
        );
        for text in ["", "{", "nul", "\u{0}"] {
            assert_eq!(refusal(text).1, "malformed-json", "{text:?}");
        }
        assert_eq!(refusal("[]").1, "invalid-frame");
    }

    #[test]
    fn a_frame_without_d_has_an_empty_one() {
        let frame = read(r#"{"t": "leave", "id": 3}"#).unwrap();
        assert_eq!(
            frame,
            ClientFrame {
                id: Some(3),
                request: Request::Leave(calls_model::signal::Empty {})
            }
        );
    }

    #[test]
    fn every_request_of_the_model_can_be_read() {
        let schema = serde_json::to_value(Request::schema()).unwrap();
        let types = schema["oneOf"].as_array().unwrap();
        assert_eq!(types.len(), 13);
        for t in types
            .iter()
            .map(|each| each["properties"]["t"]["enum"][0].as_str().unwrap())
        {
            assert!(request(t, Value::Null).is_some(), "{t}");
        }
    }

    #[test]
    fn a_close_says_why() {
        let close = close(ByeReason::RateLimited);
        assert_eq!(
            (u16::from(close.code), close.description.as_deref()),
            (4429, Some("rate_limited"))
        );
    }
}
