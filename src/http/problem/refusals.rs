//! Which kind of problem each refusal of the floors below is. No `_` arm: a new refusal needs an answer here.

use calls_actors::calls::{
    JoinRefused, ModerateRefused, RecordRefused, SayRefused, ShareRefused, TranscribeRefused,
    VerbRefused,
};
use calls_actors::participant::SignalRefused;
use calls_actors::recorder::StudioRefused;
use calls_actors::transcriber::RecogniserRefused;
use calls_media::SdpRefused;
use calls_model::CallState;
use calls_model::call::IllegalMove;

use super::kinds::{self, Kind};
use crate::auth::door::PasswordRefused;
use crate::store::StoreError;
use crate::voice::Speechless;

pub(super) fn verb(refused: &VerbRefused) -> &'static Kind {
    match refused {
        VerbRefused::NotFound => &kinds::NOT_FOUND,
        VerbRefused::Illegal(IllegalMove {
            state: CallState::Ended(_),
            ..
        }) => &kinds::CALL_ENDED,
        VerbRefused::Illegal(_) => &kinds::CALL_STATE,
        VerbRefused::AlreadyAnswered => &kinds::ALREADY_ANSWERED,
        VerbRefused::NotCalled => &kinds::NOT_CALLED,
        VerbRefused::NotAllowed { .. } => &kinds::FORBIDDEN,
        VerbRefused::WhichUser => &kinds::USER_NEEDED,
        VerbRefused::NotStored | VerbRefused::Unreachable => &kinds::UNAVAILABLE,
        VerbRefused::Draining => &kinds::DRAINING,
    }
}

pub(super) fn join(refused: &JoinRefused) -> &'static Kind {
    match refused {
        JoinRefused::Full { .. } => &kinds::ROOM_FULL,
        JoinRefused::Locked => &kinds::ROOM_LOCKED,
        JoinRefused::Removed => &kinds::REMOVED,
        JoinRefused::NoRoom => &kinds::NOT_FOUND,
        JoinRefused::Ended => &kinds::CALL_ENDED,
        JoinRefused::NotStored | JoinRefused::Unreachable => &kinds::UNAVAILABLE,
        JoinRefused::Draining => &kinds::DRAINING,
    }
}

pub(super) fn moderate(refused: &ModerateRefused) -> &'static Kind {
    match refused {
        ModerateRefused::NoCall | ModerateRefused::NoRoom | ModerateRefused::NotFound => {
            &kinds::NOT_FOUND
        }
        ModerateRefused::NotModerator => &kinds::NOT_MODERATOR,
        ModerateRefused::NotHost => &kinds::NOT_HOST,
        ModerateRefused::CannotHost => &kinds::CANNOT_HOST,
        ModerateRefused::Full { .. } => &kinds::ROOM_FULL,
        ModerateRefused::NotStored | ModerateRefused::Unreachable => &kinds::UNAVAILABLE,
    }
}

pub(super) fn signal(refused: &SignalRefused) -> &'static Kind {
    match refused {
        SignalRefused::NotAdmitted => &kinds::NOT_ADMITTED,
        SignalRefused::MayNotPublish => &kinds::MAY_NOT_PUBLISH,
        SignalRefused::NotPermitted(_) => &kinds::NOT_PERMITTED,
        SignalRefused::Sdp(refused) => sdp(refused),
        SignalRefused::NoSuchSlot { .. } => &kinds::NO_SUCH_SLOT,
        SignalRefused::NotPublished(_) => &kinds::NOT_PUBLISHED,
        SignalRefused::Record(refused) => record(refused),
        SignalRefused::Transcribe(refused) => transcribe(refused),
        SignalRefused::NoSuchParticipant => &kinds::NOT_FOUND,
        SignalRefused::TooLong { .. } => &kinds::TOO_LONG,
        SignalRefused::SecondHello => &kinds::SECOND_HELLO,
        SignalRefused::Moderate(refused) => moderate(refused),
        SignalRefused::Unreachable => &kinds::UNAVAILABLE,
    }
}

pub(super) fn record(refused: &RecordRefused) -> &'static Kind {
    match refused {
        RecordRefused::NotFound => &kinds::NOT_FOUND,
        RecordRefused::NotModerator => &kinds::NOT_MODERATOR,
        RecordRefused::EndToEndEncrypted => &kinds::END_TO_END_ENCRYPTED,
        RecordRefused::NotAllowed => &kinds::RECORDING_NOT_ALLOWED,
        RecordRefused::NotAnswered => &kinds::CALL_STATE,
        RecordRefused::AlreadyRecording { .. } => &kinds::ALREADY_RECORDING,
        RecordRefused::NotRecording => &kinds::NOT_RECORDING,
        RecordRefused::NotStarted { .. } => &kinds::RECORDING_NOT_STARTED,
        RecordRefused::Studio(StudioRefused::DiskFull { .. }) => &kinds::DISK_FULL,
        RecordRefused::Studio(
            StudioRefused::Off | StudioRefused::Busy { .. } | StudioRefused::System(_),
        )
        | RecordRefused::NotStored
        | RecordRefused::Unreachable => &kinds::UNAVAILABLE,
    }
}

pub(super) fn say(refused: &SayRefused) -> &'static Kind {
    match refused {
        SayRefused::NotFound => &kinds::NOT_FOUND,
        SayRefused::NotAnswered => &kinds::CALL_STATE,
        SayRefused::EndToEndEncrypted => &kinds::END_TO_END_ENCRYPTED,
        SayRefused::NotModerator => &kinds::NOT_MODERATOR,
        SayRefused::TooMuch => &kinds::TOO_MUCH_TO_SAY,
        SayRefused::Join(refused) => join(refused),
        SayRefused::NotStored | SayRefused::Unreachable => &kinds::UNAVAILABLE,
    }
}

pub(super) fn share(refused: ShareRefused) -> &'static Kind {
    match refused {
        ShareRefused::NotFound | ShareRefused::NoSuchParticipant => &kinds::NOT_FOUND,
        ShareRefused::NotAnswered => &kinds::CALL_STATE,
        ShareRefused::EndToEndEncrypted => &kinds::END_TO_END_ENCRYPTED,
        ShareRefused::NotAdmitted => &kinds::NOT_ADMITTED,
        ShareRefused::NotPermitted => &kinds::NOT_PERMITTED,
        ShareRefused::Unreachable => &kinds::UNAVAILABLE,
    }
}

pub(super) fn speechless(why: &Speechless) -> &'static Kind {
    match why {
        Speechless::NoVoice(_) => &kinds::UNKNOWN_VOICE,
        Speechless::Nothing => &kinds::NOTHING_TO_SAY,
        Speechless::TooLong => &kinds::TOO_MUCH_TO_SAY,
        Speechless::NoProgram { .. } => &kinds::NO_VOICE,
        Speechless::Failed(_) | Speechless::TooSlow(_) => &kinds::UNAVAILABLE,
    }
}

pub(super) fn transcribe(refused: &TranscribeRefused) -> &'static Kind {
    match refused {
        TranscribeRefused::NotFound => &kinds::NOT_FOUND,
        TranscribeRefused::NotModerator => &kinds::NOT_MODERATOR,
        TranscribeRefused::EndToEndEncrypted => &kinds::END_TO_END_ENCRYPTED,
        TranscribeRefused::NotAnswered => &kinds::CALL_STATE,
        TranscribeRefused::AlreadyTranscribed => &kinds::ALREADY_TRANSCRIBED,
        TranscribeRefused::NotTranscribed => &kinds::NOT_TRANSCRIBED,
        TranscribeRefused::Recogniser(RecogniserRefused::UnknownLanguage { .. }) => {
            &kinds::UNKNOWN_LANGUAGE
        }
        TranscribeRefused::Recogniser(
            RecogniserRefused::UnknownWords { .. } | RecogniserRefused::NoPhrases(_),
        ) => &kinds::UNKNOWN_WORDS,
        TranscribeRefused::Recogniser(RecogniserRefused::Off(_)) => &kinds::NO_SPEECH_ENGINE,
        TranscribeRefused::Recogniser(RecogniserRefused::Busy { .. })
        | TranscribeRefused::NotStored
        | TranscribeRefused::Unreachable => &kinds::UNAVAILABLE,
    }
}

fn sdp(refused: &SdpRefused) -> &'static Kind {
    match refused {
        SdpRefused::TooLarge { .. } => &kinds::SDP_TOO_LARGE,
        SdpRefused::NotSdp(_) => &kinds::SDP_INVALID,
        SdpRefused::TooManyMediaLines { .. } => &kinds::SDP_TOO_MANY_MEDIA_LINES,
        SdpRefused::TooMany { .. } => &kinds::SDP_TOO_MANY,
        SdpRefused::TooManySlots { .. } => &kinds::SDP_TOO_MANY_SLOTS,
        SdpRefused::TooManyTracks { .. } => &kinds::SDP_TOO_MANY_TRACKS,
        SdpRefused::NoMediaLine => &kinds::SDP_NO_MEDIA_LINE,
        SdpRefused::NoMid { .. } => &kinds::SDP_NO_MID,
        SdpRefused::DuplicateMid { .. } => &kinds::SDP_DUPLICATE_MID,
        SdpRefused::NoBundle => &kinds::SDP_NO_BUNDLE,
        SdpRefused::NoRtcpMux { .. } => &kinds::SDP_NO_RTCP_MUX,
        SdpRefused::NoIceCredentials => &kinds::SDP_NO_ICE_CREDENTIALS,
        SdpRefused::IceLite => &kinds::SDP_ICE_LITE,
        SdpRefused::NoFingerprint => &kinds::SDP_NO_FINGERPRINT,
        SdpRefused::SetupPassive => &kinds::SDP_SETUP_PASSIVE,
        SdpRefused::NoSupportedCodec => &kinds::SDP_NO_SUPPORTED_CODEC,
        SdpRefused::PublishedUnknown { .. } => &kinds::SDP_PUBLISHED_UNKNOWN,
        SdpRefused::PublishedTwice { .. } => &kinds::SDP_PUBLISHED_TWICE,
        SdpRefused::PublishedNotSending { .. } => &kinds::SDP_PUBLISHED_NOT_SENDING,
        SdpRefused::PublishedWrongKind { .. } => &kinds::SDP_PUBLISHED_WRONG_KIND,
        SdpRefused::MediaLinesChanged => &kinds::SDP_MEDIA_LINES_CHANGED,
        SdpRefused::FingerprintChanged => &kinds::SDP_FINGERPRINT_CHANGED,
        SdpRefused::Closed => &kinds::PEER_CLOSED,
    }
}

pub(super) fn password(refused: PasswordRefused) -> &'static Kind {
    match refused {
        PasswordRefused::Missing => &kinds::PASSWORD_REQUIRED,
        PasswordRefused::Wrong => &kinds::WRONG_PASSWORD,
        PasswordRefused::Wait(_) => &kinds::RATE_LIMITED,
        PasswordRefused::Busy => &kinds::UNAVAILABLE,
    }
}

pub(super) fn store(error: &StoreError) -> &'static Kind {
    match error {
        StoreError::BadCursor => &kinds::INVALID_QUERY,
        StoreError::NotFound { .. } => &kinds::NOT_FOUND,
        StoreError::Unavailable(_) => &kinds::UNAVAILABLE,
        StoreError::Owned { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Conflict(_)
        | StoreError::BadAddress(_)
        | StoreError::Migration(_)
        | StoreError::Refused(_) => &kinds::INTERNAL,
    }
}

/// What a caller hears of the store's troubles: nothing about tables and statements.
pub(super) fn of_store(error: &StoreError) -> String {
    match error {
        StoreError::BadCursor | StoreError::NotFound { .. } => error.to_string(),
        StoreError::Unavailable(_) => "the database is not reachable right now".to_owned(),
        _ => "the server failed; its log has more under this request's id".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_refused_by_the_code_that_media_gives_it() {
        let mid = || "0".to_owned();
        let (count, bytes, limit) = (9, 9, 8);
        for refused in [
            SdpRefused::TooLarge { bytes, limit },
            SdpRefused::NotSdp("x"),
            SdpRefused::TooManyMediaLines { count, limit },
            SdpRefused::NoMediaLine,
            SdpRefused::NoMid { index: 0 },
            SdpRefused::DuplicateMid { mid: mid() },
            SdpRefused::NoBundle,
            SdpRefused::NoRtcpMux { mid: mid() },
            SdpRefused::NoIceCredentials,
            SdpRefused::IceLite,
            SdpRefused::NoFingerprint,
            SdpRefused::SetupPassive,
            SdpRefused::NoSupportedCodec,
            SdpRefused::PublishedUnknown { mid: mid() },
            SdpRefused::PublishedNotSending { mid: mid() },
            SdpRefused::PublishedWrongKind { mid: mid() },
            SdpRefused::MediaLinesChanged,
            SdpRefused::FingerprintChanged,
            SdpRefused::Closed,
        ] {
            assert_eq!(sdp(&refused).code, refused.code());
        }
    }
}
