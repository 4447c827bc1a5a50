//! Names of everything that the server itself counts; `calls_actors::metrics` has those of the actors.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Requests answered; labels `method`, `route`, `status`.
pub const REQUESTS: &str = "calls_http_requests_total";
/// Seconds from request to reply; label `route`.
pub const REQUEST_SECONDS: &str = "calls_http_request_seconds";
/// Signaling sockets open now.
pub const SOCKETS: &str = "calls_signaling_sockets";
/// Frames received; label `t`.
pub const FRAMES_IN: &str = "calls_signaling_frames_received_total";
/// Frames sent.
pub const FRAMES_OUT: &str = "calls_signaling_frames_sent_total";
/// Frames that had to wait because the socket sent too many.
pub const FRAMES_SLOWED: &str = "calls_signaling_frames_slowed_total";
pub use calls_actors::metrics::LIMITS_HIT;
/// Sockets that the server closed; label `reason`.
pub const BYES: &str = "calls_signaling_byes_total";
/// Allocations of the built-in TURN server now.
pub const TURN_ALLOCATIONS: &str = "calls_turn_allocations";
/// Its TCP and TLS connections now.
pub const TURN_CONNECTIONS: &str = "calls_turn_connections";
/// Bytes of payload that it relayed; label `to`: `peer` or `client`.
pub const TURN_RELAYED_BYTES: &str = "calls_turn_relayed_bytes_total";
/// Datagrams that it relayed; label `to`.
pub const TURN_RELAYED: &str = "calls_turn_relayed_datagrams_total";
/// Requests that it refused; label `code`, where 401 counts each client's first question too.
pub const TURN_REFUSALS: &str = "calls_turn_refusals_total";
/// Answers that it held back from addresses that may be forged.
pub const TURN_WITHHELD: &str = "calls_turn_withheld_answers_total";
/// What it was sent and did not relay, because nothing allowed it; label `to`.
pub const TURN_STRAYS: &str = "calls_turn_stray_datagrams_total";
/// What it relayed and could not send in time.
pub const TURN_UNSENT: &str = "calls_turn_unsent_datagrams_total";
/// Tapes open now.
pub const RECORDERS: &str = "calls_recorders";
/// Bytes that tapes have written.
pub const RECORDING_BYTES: &str = "calls_recording_written_bytes_total";
/// Bursts that a tape was too slow to take.
pub const RECORDING_DROPPED: &str = "calls_recording_dropped_bursts_total";
/// 1 where the disk is too full for another recording: an alarm.
pub const RECORDING_DISK_FULL: &str = "calls_recording_disk_full";
/// Recordings that something is still to come of.
pub const RECORDINGS_UNSETTLED: &str = "calls_recordings_unsettled";
/// Recordings of which not all could be made that was wanted, or be kept as it was made.
pub const RECORDINGS_FAILED: &str = "calls_recordings_failed_total";
/// How long the recording waits that has waited longest for its upload, in seconds since that was due; 0: none waits.
pub const RECORDING_UPLOAD_AGE: &str = "calls_recording_upload_age_seconds";
/// Uploads that failed and are tried again: an alarm.
pub const RECORDING_UPLOADS_FAILED: &str = "calls_recording_uploads_failed_total";
/// Calls that are transcribed now.
pub const TRANSCRIBED_CALLS: &str = "calls_transcribed_calls";
/// Milliseconds of speech that engines were given.
pub const SPEECH_HEARD: &str = "calls_speech_heard_milliseconds_total";
/// How far behind the speech that was looked at last was, in seconds.
pub const SPEECH_BEHIND: &str = "calls_speech_behind_seconds";
/// Bursts that the threads that listen were too slow to take: an alarm.
pub const SPEECH_DROPPED: &str = "calls_speech_dropped_bursts_total";
/// Tries to deliver an event to an endpoint; label `outcome`: `delivered` or `failed`.
pub const WEBHOOK_ATTEMPTS: &str = "calls_webhook_attempts_total";
/// Deliveries that were given up after all tries: an alarm.
pub const WEBHOOK_DELIVERIES_FAILED: &str = "calls_webhook_deliveries_failed_total";
/// Endpoints that are disabled now, by somebody or because they took nothing: an alarm.
pub const WEBHOOKS_DISABLED: &str = "calls_webhooks_disabled";
/// Processor time used, all threads.
pub const CPU_SECONDS: &str = "process_cpu_seconds_total";
/// Memory in use.
pub const RESIDENT_BYTES: &str = "process_resident_memory_bytes";
/// Open file descriptors.
pub const OPEN_FILES: &str = "process_open_fds";

/// Counts alarms as nought until there is one: a rate knows no step from nothing to one.
pub(super) fn begin_alarms() {
    for alarm in [
        RECORDINGS_FAILED,
        RECORDING_UPLOADS_FAILED,
        WEBHOOK_DELIVERIES_FAILED,
        SPEECH_DROPPED,
    ] {
        metrics::counter!(alarm).increment(0);
    }
}

/// Tells the exporter what the names mean.
pub(super) fn describe() {
    describe_counter!(REQUESTS, "Requests answered.");
    describe_counter!(
        LIMITS_HIT,
        "What was refused because there was too much of it."
    );
    describe_histogram!(
        REQUEST_SECONDS,
        Unit::Seconds,
        "Seconds from request to reply."
    );
    describe_gauge!(RECORDERS, "Tapes open now.");
    describe_counter!(
        RECORDING_BYTES,
        Unit::Bytes,
        "Bytes that tapes have written."
    );
    describe_counter!(
        RECORDING_DROPPED,
        "Bursts that a tape was too slow to take."
    );
    describe_gauge!(
        RECORDING_DISK_FULL,
        "1 where the disk is too full for another recording."
    );
    describe_gauge!(
        RECORDINGS_UNSETTLED,
        "Recordings that something is still to come of."
    );
    describe_counter!(
        RECORDINGS_FAILED,
        "Recordings of which not all could be made that was wanted, or be kept as it was made."
    );
    describe_gauge!(
        RECORDING_UPLOAD_AGE,
        Unit::Seconds,
        "How long the recording waits that has waited longest for its upload."
    );
    describe_counter!(
        RECORDING_UPLOADS_FAILED,
        "Uploads of recordings that failed and are tried again."
    );
    describe_counter!(
        WEBHOOK_ATTEMPTS,
        "Tries to deliver an event to an endpoint."
    );
    describe_counter!(
        WEBHOOK_DELIVERIES_FAILED,
        "Deliveries that were given up after all tries."
    );
    describe_gauge!(WEBHOOKS_DISABLED, "Endpoints that are disabled now.");
    describe_gauge!(TRANSCRIBED_CALLS, "Calls that are transcribed now.");
    describe_counter!(
        SPEECH_HEARD,
        "Milliseconds of speech that engines were given."
    );
    describe_gauge!(
        SPEECH_BEHIND,
        Unit::Seconds,
        "How far behind speech is understood."
    );
    describe_counter!(
        SPEECH_DROPPED,
        "Bursts that the threads that listen did not take."
    );
    describe_gauge!(SOCKETS, "Signaling sockets open now.");
    describe_counter!(FRAMES_IN, "Signaling frames received.");
    describe_counter!(FRAMES_OUT, "Signaling frames sent.");
    describe_counter!(
        FRAMES_SLOWED,
        "Frames that waited because their socket sent too many."
    );
    describe_counter!(BYES, "Sockets that the server closed.");
    describe_gauge!(TURN_ALLOCATIONS, "TURN allocations now.");
    describe_gauge!(TURN_CONNECTIONS, "TURN connections (TCP, TLS) now.");
    describe_counter!(
        TURN_RELAYED_BYTES,
        Unit::Bytes,
        "Bytes of payload relayed by TURN."
    );
    describe_counter!(TURN_RELAYED, "Datagrams relayed by TURN.");
    describe_counter!(TURN_REFUSALS, "Requests refused by TURN.");
    describe_counter!(
        TURN_WITHHELD,
        "TURN answers held back from addresses that may be forged."
    );
    describe_counter!(TURN_STRAYS, "Datagrams that TURN did not relay.");
    describe_counter!(TURN_UNSENT, "Datagrams that TURN could not send in time.");
    describe_gauge!(RESIDENT_BYTES, Unit::Bytes, "Memory in use.");
    describe_gauge!(OPEN_FILES, "Open file descriptors.");
}
