//! What a store says when it says no, in a sentence: who asked for a recording reads neither XML nor Rust.

use std::error::Error as _;
use std::io;

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

/// The sentence. What the store said in its own words is for the log.
pub(in crate::recording) fn said(error: &Error) -> String {
    let raw = error.to_string();
    let told = code(&raw).and_then(of_code);
    if let Some(told) = told {
        return told.to_owned();
    }
    match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            "the bucket refuses the server's access key, or does not let it do that".to_owned()
        }
        Error::NotFound { .. } => "the bucket does not have it".to_owned(),
        _ => match on_the_way(error) {
            Some(why) => format!("the bucket cannot be reached: {why}"),
            None => format!(
                "the bucket failed ({})",
                code(&raw).unwrap_or("the server's log has its words")
            ),
        },
    }
}

/// What S3 calls it.
fn code(raw: &str) -> Option<&str> {
    let (_, rest) = raw.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    code.bytes()
        .all(|byte| byte.is_ascii_alphanumeric())
        .then_some(code)
}

fn of_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "InvalidAccessKeyId" | "InvalidClientTokenId" | "NotSignedUp" => {
            "the access key is not known there"
        }
        "SignatureDoesNotMatch" => "the secret does not belong to the access key",
        "NoSuchBucket" => "there is no such bucket",
        "NoSuchUpload" => "the bucket does not know the parts that it was sent any more",
        "RequestTimeTooSkewed" => "the clocks of the server and of the bucket are too far apart",
        "AuthorizationHeaderMalformed"
        | "PermanentRedirect"
        | "IllegalLocationConstraintException" => "the bucket is in another region",
        "QuotaExceeded" | "XMinioStorageFull" => "the bucket is full",
        "SlowDown" | "ServiceUnavailable" | "InternalError" => "the bucket is not well right now",
        _ => return None,
    })
}

/// Why no answer came, where none did.
fn on_the_way(error: &Error) -> Option<String> {
    let causes = || std::iter::successors(error.source(), |&error| error.source());
    let http = causes().find_map(|cause| cause.downcast_ref::<HttpError>())?;
    if http.kind() == HttpErrorKind::Timeout {
        return Some("it does not answer in time".to_owned());
    }
    if causes().any(|cause| cause.to_string().contains("dns error")) {
        return Some("nobody knows its name".to_owned());
    }
    if causes().any(|cause| cause.to_string().contains("certificate")) {
        return Some("its certificate is not good".to_owned());
    }
    let system = causes().find_map(|cause| cause.downcast_ref::<io::Error>());
    Some(match system.map(io::Error::kind) {
        Some(kind) if kind != io::ErrorKind::Other => kind.to_string(),
        _ => "the connection broke".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_says_becomes_a_sentence_and_none_of_its_words_is_in_it() {
        let source = |said: &str| -> Box<dyn std::error::Error + Send + Sync> { said.into() };
        let path = || "recordings/rec_1/ada.webm".to_owned();
        let xml = "<Error><Code>SignatureDoesNotMatch</Code><Message>abc</Message></Error>";
        let denied = |said: &str| Error::PermissionDenied {
            path: path(),
            source: source(said),
        };
        assert_eq!(
            said(&denied(xml)),
            "the secret does not belong to the access key"
        );
        assert_eq!(
            said(&denied("<Error><Code>AccessDenied</Code></Error>")),
            "the bucket refuses the server's access key, or does not let it do that"
        );
        let failed = |said: &str| Error::Generic {
            store: "S3",
            source: source(said),
        };
        assert_eq!(
            said(&failed("<Error><Code>EntityTooLarge</Code></Error>")),
            "the bucket failed (EntityTooLarge)"
        );
        assert_eq!(
            said(&failed("<html>Bad Gateway</html>")),
            "the bucket failed (the server's log has its words)"
        );
    }
}
