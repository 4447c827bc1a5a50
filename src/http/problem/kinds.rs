//! The kinds of problems: a stable code, an HTTP status and a title each. `/docs/problems` lists them.

use actix_web::http::StatusCode;

/// One kind of problem. `code` never changes once it was released.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Stable, kebab-case, for programs.
    pub code: &'static str,
    /// Its HTTP status, also where no HTTP is spoken.
    pub status: StatusCode,
    /// The kind in a few words.
    pub title: &'static str,
}

macro_rules! kinds {
    ($($name:ident = $code:literal $status:ident $title:literal;)*) => {
        $(pub(crate) const $name: Kind = Kind { code: $code, status: StatusCode::$status, title: $title };)*

        /// Every kind there is, for the page that lists them.
        pub const ALL: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    MALFORMED_JSON = "malformed-json" BAD_REQUEST "The body is not JSON";
    MALFORMED_REQUEST = "malformed-request" BAD_REQUEST "The request cannot be read";
    UNSUPPORTED_SUBPROTOCOL = "unsupported-subprotocol" BAD_REQUEST "The client does not speak calls.v1";
    UNAUTHORIZED = "unauthorized" UNAUTHORIZED "Credentials are missing or not good";
    FORBIDDEN = "forbidden" FORBIDDEN "This caller may not do that";
    SCOPE_MISSING = "scope-missing" FORBIDDEN "The API key was not made for that";
    NOT_GRANTED = "not-granted" FORBIDDEN "The token was narrowed and does not allow that";
    WRONG_PASSWORD = "wrong-password" FORBIDDEN "The room's password is wrong";
    PASSWORD_REQUIRED = "password-required" FORBIDDEN "The room asks for a password";
    NOT_CALLED = "not-called" FORBIDDEN "The user was not called";
    NOT_MODERATOR = "not-moderator" FORBIDDEN "Only the host and moderators may do that";
    NOT_HOST = "not-host" FORBIDDEN "Only the host may do that";
    NOT_ADMITTED = "not-admitted" FORBIDDEN "A moderator has not let them in yet";
    NOT_PERMITTED = "not-permitted" FORBIDDEN "The moderators have switched that off";
    MAY_NOT_PUBLISH = "may-not-publish" FORBIDDEN "Observers only watch";
    REMOVED = "removed" FORBIDDEN "A moderator removed this user";
    DENIED = "denied" FORBIDDEN "A moderator did not let this user in";
    NOT_FOUND = "not-found" NOT_FOUND "There is no such thing";
    METHOD_NOT_ALLOWED = "method-not-allowed" METHOD_NOT_ALLOWED "The path does not know this method";
    ROOM_FULL = "room-full" CONFLICT "The room is full";
    ROOM_LOCKED = "room-locked" FORBIDDEN "The room is locked";
    CANNOT_HOST = "cannot-host" CONFLICT "Guests and viewers are never host";
    CALL_ENDED = "call-ended" CONFLICT "The call is over";
    CALL_STATE = "call-state" CONFLICT "The call is not in a state for that";
    ALREADY_ANSWERED = "already-answered" CONFLICT "The user answered before";
    NOT_PUBLISHED = "not-published" CONFLICT "Nothing of that kind is published";
    HELLO_FIRST = "hello-first" CONFLICT "The first frame must be hello";
    SECOND_HELLO = "second-hello" CONFLICT "Hello was said already";
    IDEMPOTENCY_KEY_IN_USE = "idempotency-key-in-use" CONFLICT "The first request with this key still runs";
    IDEMPOTENCY_OUTCOME_UNKNOWN = "idempotency-outcome-unknown" CONFLICT "The first request with this key was cut off";
    IDEMPOTENCY_SHOWN_ONCE = "idempotency-shown-once" CONFLICT "It was done, and its secret was shown";
    IDEMPOTENCY_TOKEN_ENDED = "idempotency-token-ended" CONFLICT "It was done, and what it opened is over";
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused" UNPROCESSABLE_ENTITY "The key came with another request before";
    IDEMPOTENCY_KEY_INVALID = "idempotency-key-invalid" UNPROCESSABLE_ENTITY "The key is too long or unreadable";
    RECORDING_NOT_ALLOWED = "recording-not-allowed" CONFLICT "The room does not allow recording";
    END_TO_END_ENCRYPTED = "end-to-end-encrypted" CONFLICT "The room is encrypted end to end";
    ALREADY_RECORDING = "already-recording" CONFLICT "A recording runs already";
    NOT_RECORDING = "not-recording" CONFLICT "Nothing is being recorded";
    RECORDING_STATE = "recording-state" CONFLICT "The recording is not in a state for that";
    RECORDING_PROCESSING = "recording-processing" CONFLICT "The recording's files are being made, uploaded or deleted, or its transcript is being put away";
    FILE_TYPE_REFUSED = "file-type-refused" UNSUPPORTED_MEDIA_TYPE "Files of this type cannot be shared";
    FILES_FULL = "files-full" CONFLICT "The call has as many files as it may";
    FILE_NEEDED = "file-needed" UNPROCESSABLE_ENTITY "It must be said which file is meant";
    KEY_ENDED = "key-ended" CONFLICT "The API key opens nothing any more";
    TOO_MANY_WEBHOOKS = "too-many-webhooks" CONFLICT "There are as many webhooks as may be";
    WEBHOOK_DISABLED = "webhook-disabled" CONFLICT "The webhook is sent nothing";
    ALREADY_TRANSCRIBED = "already-transcribed" CONFLICT "A transcription runs already";
    NOT_TRANSCRIBED = "not-transcribed" CONFLICT "Nothing is being transcribed";
    UNKNOWN_LANGUAGE = "unknown-language" UNPROCESSABLE_ENTITY "There is no speech model of that language";
    UNKNOWN_WORDS = "unknown-words" UNPROCESSABLE_ENTITY "The speech model does not know some of the words";
    TOO_MUCH_TO_SAY = "too-much-to-say" CONFLICT "Too much waits to be said";
    UNKNOWN_VOICE = "unknown-voice" UNPROCESSABLE_ENTITY "There is no such voice";
    NOTHING_TO_SAY = "nothing-to-say" UNPROCESSABLE_ENTITY "There is nothing in it that can be said";
    NO_VOICE = "no-voice" SERVICE_UNAVAILABLE "The server has no voice";
    NO_SPEECH_ENGINE = "no-speech-engine" SERVICE_UNAVAILABLE "The server has no engine for speech";
    RECORDING_NOT_STARTED = "recording-not-started" GATEWAY_TIMEOUT "Nothing reached the disk";
    DISK_FULL = "disk-full" INSUFFICIENT_STORAGE "The disk is full";
    PRECONDITION_FAILED = "precondition-failed" PRECONDITION_FAILED "The session has changed since";
    BODY_TOO_SLOW = "body-too-slow" REQUEST_TIMEOUT "The body did not come in time";
    BODY_TOO_LARGE = "body-too-large" PAYLOAD_TOO_LARGE "The body is too large";
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "The body has the wrong media type";
    INVALID_BODY = "invalid-body" UNPROCESSABLE_ENTITY "The body has bad fields";
    INVALID_QUERY = "invalid-query" UNPROCESSABLE_ENTITY "The query has bad parameters";
    INVALID_FRAME = "invalid-frame" UNPROCESSABLE_ENTITY "The frame has bad fields";
    UNKNOWN_FRAME = "unknown-frame" UNPROCESSABLE_ENTITY "The server does not know this kind of frame";
    SDP_INVALID = "sdp-invalid" UNPROCESSABLE_ENTITY "The offer is no session description";
    SDP_TOO_LARGE = "sdp-too-large" UNPROCESSABLE_ENTITY "The offer is too large";
    SDP_TOO_MANY_MEDIA_LINES = "sdp-too-many-media-lines" UNPROCESSABLE_ENTITY "The offer has too many m-lines";
    SDP_TOO_MANY = "sdp-too-many" UNPROCESSABLE_ENTITY "The offer has too much of something";
    SDP_TOO_MANY_SLOTS = "sdp-too-many-slots" UNPROCESSABLE_ENTITY "The offer has too many slots";
    SDP_TOO_MANY_TRACKS = "sdp-too-many-tracks" UNPROCESSABLE_ENTITY "Too many tracks are published";
    SDP_NO_MEDIA_LINE = "sdp-no-media-line" UNPROCESSABLE_ENTITY "The offer has no m-line";
    SDP_NO_MID = "sdp-no-mid" UNPROCESSABLE_ENTITY "An m-line has no usable mid";
    SDP_DUPLICATE_MID = "sdp-duplicate-mid" UNPROCESSABLE_ENTITY "Two m-lines have one mid";
    SDP_NO_BUNDLE = "sdp-no-bundle" UNPROCESSABLE_ENTITY "The offer does not bundle its m-lines";
    SDP_NO_RTCP_MUX = "sdp-no-rtcp-mux" UNPROCESSABLE_ENTITY "An m-line does not offer rtcp-mux";
    SDP_NO_ICE_CREDENTIALS = "sdp-no-ice-credentials" UNPROCESSABLE_ENTITY "The offer has no ICE credentials";
    SDP_ICE_LITE = "sdp-ice-lite" UNPROCESSABLE_ENTITY "Both ends are ICE-lite";
    SDP_NO_FINGERPRINT = "sdp-no-fingerprint" UNPROCESSABLE_ENTITY "The offer has no usable fingerprint";
    SDP_SETUP_PASSIVE = "sdp-setup-passive" UNPROCESSABLE_ENTITY "Both ends would wait for DTLS";
    SDP_NO_SUPPORTED_CODEC = "sdp-no-supported-codec" UNPROCESSABLE_ENTITY "The offer has no codec of ours";
    SDP_PUBLISHED_UNKNOWN = "sdp-published-unknown" UNPROCESSABLE_ENTITY "A published mid is not in the offer";
    SDP_PUBLISHED_TWICE = "sdp-published-twice" UNPROCESSABLE_ENTITY "A mid is published twice";
    SDP_PUBLISHED_NOT_SENDING = "sdp-published-not-sending" UNPROCESSABLE_ENTITY "A published m-line does not send";
    SDP_PUBLISHED_WRONG_KIND = "sdp-published-wrong-kind" UNPROCESSABLE_ENTITY "A source is of another kind than its m-line";
    SDP_MEDIA_LINES_CHANGED = "sdp-media-lines-changed" UNPROCESSABLE_ENTITY "The offer changes m-lines of the one before";
    SDP_FINGERPRINT_CHANGED = "sdp-fingerprint-changed" UNPROCESSABLE_ENTITY "The offer is of another peer than the one before";
    PEER_CLOSED = "peer-closed" CONFLICT "The peer connection is over";
    RESTART_UNSUPPORTED = "restart-unsupported" UNPROCESSABLE_ENTITY "ICE cannot be restarted by PATCH";
    NO_SUCH_SLOT = "no-such-slot" UNPROCESSABLE_ENTITY "There is no slot of that mid";
    TOO_LONG = "too-long" UNPROCESSABLE_ENTITY "Something is longer than is allowed";
    USER_NEEDED = "user-needed" UNPROCESSABLE_ENTITY "It must be said which user is meant";
    UPGRADE_REQUIRED = "upgrade-required" UPGRADE_REQUIRED "This path speaks WebSocket only";
    RATE_LIMITED = "rate-limited" TOO_MANY_REQUESTS "Too many tries; wait a while";
    TOO_MANY_SOCKETS = "too-many-sockets" TOO_MANY_REQUESTS "The address has as many sockets as may be";
    INTERNAL = "internal" INTERNAL_SERVER_ERROR "The server failed";
    DRAINING = "draining" SERVICE_UNAVAILABLE "The server is going down";
    UNAVAILABLE = "unavailable" SERVICE_UNAVAILABLE "The server cannot do that right now";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_kebab_case_and_stands_once() {
        let codes: HashSet<_> = ALL.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), ALL.len());
        assert!(ALL.iter().all(|kind| {
            kind.code
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b == b'-')
        }));
    }
}
