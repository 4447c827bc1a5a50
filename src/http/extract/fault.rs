//! What is wrong with a field: where, and in words for people rather than serde's.

use calls_model::problem::FieldError;

use crate::http::problem::{Problem, kinds};

pub(crate) fn invalid(
    kind: &'static kinds::Kind,
    summary: &str,
    pointer: String,
    detail: String,
) -> Problem {
    let place = if pointer.is_empty() {
        String::new()
    } else {
        format!(" at {pointer}")
    };
    Problem::Invalid {
        kind,
        detail: format!("{summary}{place}: {detail}"),
        errors: vec![FieldError { pointer, detail }],
    }
}

/// The sentence without serde's "at line 1 column 7": the pointer says it better.
pub(crate) fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ")
        .map_or(text.clone(), |(head, _)| head.to_owned())
}

/// A JSON Pointer (RFC 6901) to where it went wrong.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;

    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&escape(key)),
            Segment::Enum { variant } => pointer.push_str(&escape(variant)),
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}

pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Where it is, and what is wrong with it.
pub(crate) fn explain(path: &serde_path_to_error::Path, said: &str) -> (String, String) {
    let mut place = pointer(path);
    // serde finds that a field is missing in the object around it.
    if let Some(field) = between(said, "missing field `", "`") {
        place.push('/');
        place.push_str(&escape(field));
        return (place, "is missing".to_owned());
    }
    // And that it has one too many, so misspelt perhaps.
    if let Some((name, known)) = said
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once("`, expected "))
    {
        let known = known.trim_start_matches("one of ").replace('`', "");
        return (format!("/{}", escape(name)), unknown(&known));
    }
    (place, sentence(said))
}

/// What is said of a query parameter that a list does not have.
pub(super) fn unknown(known: &str) -> String {
    format!("is no parameter of this list, which has {known}")
}

fn sentence(said: &str) -> String {
    if let Some((_, known)) = said
        .strip_prefix("unknown variant `")
        .and_then(|rest| rest.split_once("`, expected "))
    {
        return format!("must be {}", known.replace('`', ""));
    }
    if let Some((found, wanted)) = said
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        return format!("must be {wanted}, not {}", found.replace('`', ""));
    }
    match said {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "must be a whole number, in digits only".to_owned()
        }
        "number too large to fit in target type" => "is too large a number".to_owned(),
        _ => said.to_owned(),
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_for_people() {
        for (said, told) in [
            (
                "invalid digit found in string",
                "must be a whole number, in digits only",
            ),
            (
                "unknown variant `odd`, expected one of `audio`, `video`",
                "must be one of audio, video",
            ),
            (
                "unknown variant `odd`, expected `audio` or `video`",
                "must be audio or video",
            ),
            (
                "invalid type: integer `7`, expected a string",
                "must be a string, not integer 7",
            ),
            ("must be 1 to 100", "must be 1 to 100"),
        ] {
            assert_eq!(sentence(said), told);
        }
    }
}
