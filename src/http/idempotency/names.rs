//! Which ids and words stand in a request and its reply: the reply is sealed, so by these it is found to be erased.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// No id has more bytes.
const LONGEST: usize = 512;

/// Where requests say of whom they are.
const PEOPLE: &[&str] = &["user_id", "from", "to", "host", "participants"];

/// The words of a path and query, as they stand there and as they are meant: what is encoded by percent (RFC 3986 §2.1),
/// and in a query, as forms write it, a space as `+`.
pub(super) fn of_path(place: &str, names: &mut BTreeSet<String>) {
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    for word in path.split(['/', ' ']) {
        add(word, names);
        add(&percent_decode_str(word).decode_utf8_lossy(), names);
    }
    for word in query.split(['&', '=']) {
        add(word, names);
    }
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        add(&key, names);
        add(&value, names);
    }
}

/// The people whom a request is about; nothing else of it is worth keeping.
pub(super) fn of_people(body: &[u8], names: &mut BTreeSet<String>) {
    if let Ok(Value::Object(keys)) = serde_json::from_slice(body) {
        let people = PEOPLE.iter().filter_map(|key| keys.get(*key));
        people.for_each(|value| of_value(value, names));
    }
}

/// The texts and keys of JSON; anything else has none.
pub(super) fn of_body(body: &[u8], names: &mut BTreeSet<String>) {
    if let Ok(document) = serde_json::from_slice::<Value>(body) {
        of_value(&document, names);
    }
}

fn of_value(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => add(text, names),
        Value::Array(entries) => entries.iter().for_each(|entry| of_value(entry, names)),
        Value::Object(keys) => {
            for (key, value) in keys {
                add(key, names);
                of_value(value, names);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn add(word: &str, names: &mut BTreeSet<String>) {
    if (1..=LONGEST).contains(&word.len()) {
        names.insert(word.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_is_a_plus_in_a_path_and_a_space_in_a_query() {
        let mut names = BTreeSet::new();
        of_path(
            "/users/ann+work/b%2Bc%2Fd?with=eve+doe&by=f%2Bg",
            &mut names,
        );
        for named in ["ann+work", "b+c/d", "eve doe", "eve+doe", "f+g"] {
            assert!(names.contains(named), "{named}: {names:?}");
        }
        assert!(!names.contains("ann work"), "{names:?}");
    }

    #[test]
    fn who_stands_in_a_request_or_reply_is_named_and_nobody_whose_name_is_a_part_of_theirs() {
        let mut names = BTreeSet::new();
        of_path(
            "POST /rooms/annex/join?participant=b%40example.org",
            &mut names,
        );
        of_body(br#"{"user_id":"ann","of":[{"cid":null}]}"#, &mut names);
        for named in ["annex", "b@example.org", "ann", "cid"] {
            assert!(names.contains(named), "{named}: {names:?}");
        }
        assert!(!names.contains("an"));
        of_people(br#"{"from":"eve","to":["joe"],"name":"Hall"}"#, &mut names);
        assert!(names.contains("eve") && names.contains("joe") && !names.contains("Hall"));
        of_body(b"v=0", &mut names); // SDP is no JSON
    }
}
