//! What a client is told when a request cannot be granted: RFC 9457.
//!
//! The only place that knows status codes. A handler returns a [`Problem`]; [`crate::http::envelope`] puts the
//! request's id into it on the way out.

pub(crate) mod documented;
pub mod kinds;
mod refusals;

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use calls_actors::calls::{
    JoinRefused, ModerateRefused, RecordRefused, SayRefused, ShareRefused, TranscribeRefused,
    VerbRefused,
};
use calls_actors::participant::SignalRefused;
use calls_model::problem::FieldError;
use calls_model::{Permission, ProblemDetails, RecordingId, Scope};

use documented::PROBLEM_JSON;
use kinds::Kind;

use crate::auth::door::PasswordRefused;
use crate::auth::tokens::BadToken;
use crate::recording::StorageError;
use crate::recording::archive::NotDeleted;
use crate::store::StoreError;
use crate::voice::Speechless;

/// When to ask again what could not be done now.
const RETRY_SOON: Duration = Duration::from_secs(2);

/// A refusal with a stable `code` for programs and a sentence for people.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The named thing does not exist, or not for this caller.
    #[error("{what} not found")]
    NotFound {
        /// Kind of thing, in API words.
        what: &'static str,
    },
    /// The path exists, the method does not.
    #[error("this path knows {allow} only")]
    MethodNotAllowed {
        /// What the `Allow` header says.
        allow: String,
    },
    /// The body, the query or a frame holds what it must not.
    #[error("{detail}")]
    Invalid {
        /// Which of the kinds for bad input.
        kind: &'static Kind,
        /// The sentence.
        detail: String,
        /// Where, if it is known.
        errors: Vec<FieldError>,
    },
    /// The body did not come in time.
    #[error("the body was not here within {} s", .within.as_secs())]
    BodyTooSlow {
        /// How long is waited for it.
        within: Duration,
    },
    /// The body is larger than is read.
    #[error("the body is larger than {limit} bytes")]
    BodyTooLarge {
        /// The most that is read.
        limit: usize,
    },
    /// The body is something else than it must be.
    #[error("the body must be {wanted}")]
    UnsupportedMediaType {
        /// The media type that is taken.
        wanted: &'static str,
    },
    /// No credentials, or bad ones.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// A token that is none, or not any more.
    #[error(transparent)]
    Token(#[from] BadToken),
    /// Good credentials that do not allow it.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The key was not made for that.
    #[error("the API key has no scope \"{needed}\"")]
    ScopeMissing {
        /// What it would take.
        needed: Scope,
    },
    /// The application narrowed the token.
    #[error("the token does not allow \"{}\"", .needed.as_str())]
    NotGranted {
        /// What it would take.
        needed: Permission,
    },
    /// The room's password was not given, wrong, or tried too often.
    #[error(transparent)]
    Password(#[from] PasswordRefused),
    /// A call said no.
    #[error(transparent)]
    Verb(#[from] VerbRefused),
    /// The call is over.
    #[error("the call is over")]
    CallEnded,
    /// Asked too often.
    #[error("too many requests (limit \"{limit}\"); try again in {} s", .wait.as_secs_f64().ceil())]
    TooManyRequests {
        /// Which limit.
        limit: &'static str,
        /// When it may be asked again.
        wait: Duration,
    },
    /// There are as many sockets as may be.
    #[error("this address has {most} sockets open already (limits.sockets_per_address)")]
    TooManySockets {
        /// The most that may be.
        most: u32,
    },
    /// What is to be erased goes on.
    #[error("{0}")]
    GoesOn(&'static str),
    /// A room said no.
    #[error(transparent)]
    Join(#[from] JoinRefused),
    /// The room has a waiting room, and nobody could tell this caller that it was let in.
    #[error(
        "the room lets people in by a moderator: join first, and bring the token when admitted"
    )]
    NotAdmitted,
    /// The server would have to read what it holds no key to.
    #[error("the room is encrypted end to end: {0}")]
    EndToEndEncrypted(&'static str),
    /// A moderator did not let this user in.
    #[error("a moderator did not let this user in")]
    Denied,
    /// Moderation was refused.
    #[error(transparent)]
    Moderate(#[from] ModerateRefused),
    /// Recording was refused.
    #[error(transparent)]
    Record(#[from] RecordRefused),
    /// Nothing was announced.
    #[error(transparent)]
    Say(#[from] SayRefused),
    /// A file was not shared.
    #[error(transparent)]
    Share(#[from] ShareRefused),
    /// A file is what the configuration does not take.
    #[error("files of the type {media_type} cannot be shared")]
    FileType {
        /// What the server found it to be.
        media_type: &'static str,
    },
    /// A call has as many files as it may.
    #[error("the files of this call may have {left} bytes more")]
    FilesFull {
        /// How much still fits.
        left: u64,
    },
    /// The disk for files is full.
    #[error("the disk is too full for more files")]
    DiskFull,
    /// There is no speech to announce.
    #[error(transparent)]
    Speechless(#[from] Speechless),
    /// Transcribing was refused.
    #[error(transparent)]
    Transcribe(#[from] TranscribeRefused),
    /// The recording stands otherwise.
    #[error("{0}")]
    RecordingState(&'static str),
    /// Somebody records it.
    #[error(
        "{recording_id} has not stopped; stop it (`record/stop`), then wait until it is `available` or `failed`"
    )]
    RecordingRuns {
        /// Which.
        recording_id: RecordingId,
    },
    /// Its files are on their way.
    #[error(
        "the files of {recording_id} are being made, uploaded or deleted, or its transcript is being put away; wait until it is `available`, `failed` or gone; if it is, ask again in a moment"
    )]
    RecordingProcessing {
        /// Which.
        recording_id: RecordingId,
    },
    /// Something of it is where nobody can delete it now.
    #[error("the recording is still kept, because {0}; ask again later")]
    RecordingKept(StorageError),
    /// The recording has several files.
    #[error("file is needed: the recording has {count} files")]
    FileNeeded {
        /// How many.
        count: usize,
    },
    /// There are as many endpoints as may be.
    #[error("there are {most} webhooks already (webhooks.most)")]
    TooManyWebhooks {
        /// The most that may be.
        most: u32,
    },
    /// The endpoint is sent nothing.
    #[error("the webhook is disabled; enable it first")]
    WebhookDisabled,
    /// The client does not wait for the answers to what it asks.
    #[error("{most} requests wait for their answers already")]
    TooManyWaiting {
        /// The most that may.
        most: usize,
    },
    /// A presence said no.
    #[error(transparent)]
    Signal(#[from] SignalRefused),
    /// The store could not.
    #[error("{}", refusals::of_store(.0))]
    Store(#[from] StoreError),
    /// The actor that should answer is gone or too slow.
    #[error("the call is not reachable right now")]
    Unreachable(#[from] actix::MailboxError),
    /// The `Idempotency-Key` is none.
    #[error("Idempotency-Key must be one text of 1 to {most} visible ASCII characters")]
    BadKey {
        /// The longest that is taken.
        most: usize,
    },
    /// The `Idempotency-Key` belongs to another request.
    #[error("this Idempotency-Key came with another path or body before")]
    KeyReused,
    /// The first request with this `Idempotency-Key` still runs.
    #[error("the first request with this Idempotency-Key still runs; ask again in a moment")]
    StillRunning,
    /// The first request with this `Idempotency-Key` was cut off.
    #[error(
        "the server was cut off while it worked on the first request with this Idempotency-Key, so it may be done or not: \
         look at what it would have made or changed, and where that is not there send it with another key"
    )]
    OutcomeUnknown,
    /// The first request with this `Idempotency-Key` was answered with a secret that is kept nowhere.
    #[error(
        "the first request with this Idempotency-Key was done, and its reply had a secret that is shown once: where that \
         was lost, delete what it made (Location) and ask with another key"
    )]
    ShownOnce,
    /// The first request with this `Idempotency-Key` was answered with a token that opens nothing any more.
    #[error(
        "the first request with this Idempotency-Key was done, and the token in its reply opens nothing any more (its time \
         is over, or its API key was revoked): look at what it made, and join or answer what goes on; only where that is not \
         there send it with another key"
    )]
    TokenEnded,
    /// A key that is to be rotated is over.
    #[error("the API key {0}, so nothing takes its place: make a new one")]
    KeyEnded(&'static str),
    /// The session is another one by now.
    #[error("the session is not the one that If-Match names")]
    PreconditionFailed,
    /// The server goes down.
    #[error("the server is going down; try another or come back")]
    Draining,
    /// A WebSocket path was asked for a page.
    #[error("connect with a WebSocket")]
    UpgradeRequired,
    /// Whatever was needed did not answer in time.
    #[error("{0} is not reachable right now")]
    Unavailable(&'static str),
    /// Our own mistake; the log knows more.
    #[error("the server failed; its log has more under this request's id")]
    Internal,
}

impl Problem {
    /// Which kind it is.
    pub fn kind(&self) -> &'static Kind {
        match self {
            Self::NotFound { .. } => &kinds::NOT_FOUND,
            Self::MethodNotAllowed { .. } => &kinds::METHOD_NOT_ALLOWED,
            Self::Invalid { kind, .. } => kind,
            Self::BodyTooSlow { .. } => &kinds::BODY_TOO_SLOW,
            Self::BodyTooLarge { .. } => &kinds::BODY_TOO_LARGE,
            Self::UnsupportedMediaType { .. } => &kinds::UNSUPPORTED_MEDIA_TYPE,
            Self::Unauthorized(_) => &kinds::UNAUTHORIZED,
            Self::Token(_) => &kinds::UNAUTHORIZED,
            Self::Forbidden(_) => &kinds::FORBIDDEN,
            Self::ScopeMissing { .. } => &kinds::SCOPE_MISSING,
            Self::NotGranted { .. } => &kinds::NOT_GRANTED,
            Self::Password(refused) => refusals::password(*refused),
            Self::Verb(refused) => refusals::verb(refused),
            Self::CallEnded => &kinds::CALL_ENDED,
            Self::GoesOn(_) => &kinds::CALL_STATE,
            Self::TooManyRequests { .. } => &kinds::RATE_LIMITED,
            Self::TooManySockets { .. } => &kinds::TOO_MANY_SOCKETS,
            Self::Join(refused) => refusals::join(refused),
            Self::NotAdmitted => &kinds::NOT_ADMITTED,
            Self::EndToEndEncrypted(_) => &kinds::END_TO_END_ENCRYPTED,
            Self::Denied => &kinds::DENIED,
            Self::TooManyWaiting { .. } => &kinds::RATE_LIMITED,
            Self::Moderate(refused) => refusals::moderate(refused),
            Self::Record(refused) => refusals::record(refused),
            Self::Transcribe(refused) => refusals::transcribe(refused),
            Self::Say(refused) => refusals::say(refused),
            Self::Share(refused) => refusals::share(*refused),
            Self::FileType { .. } => &kinds::FILE_TYPE_REFUSED,
            Self::FilesFull { .. } => &kinds::FILES_FULL,
            Self::DiskFull => &kinds::DISK_FULL,
            Self::Speechless(why) => refusals::speechless(why),
            Self::RecordingState(_) | Self::RecordingRuns { .. } => &kinds::RECORDING_STATE,
            Self::RecordingProcessing { .. } => &kinds::RECORDING_PROCESSING,
            Self::RecordingKept(_) => &kinds::UNAVAILABLE,
            Self::FileNeeded { .. } => &kinds::FILE_NEEDED,
            Self::TooManyWebhooks { .. } => &kinds::TOO_MANY_WEBHOOKS,
            Self::WebhookDisabled => &kinds::WEBHOOK_DISABLED,
            Self::Signal(refused) => refusals::signal(refused),
            Self::Store(error) => refusals::store(error),
            Self::Unreachable(_) => &kinds::UNAVAILABLE,
            Self::BadKey { .. } => &kinds::IDEMPOTENCY_KEY_INVALID,
            Self::KeyReused => &kinds::IDEMPOTENCY_KEY_REUSED,
            Self::StillRunning => &kinds::IDEMPOTENCY_KEY_IN_USE,
            Self::OutcomeUnknown => &kinds::IDEMPOTENCY_OUTCOME_UNKNOWN,
            Self::ShownOnce => &kinds::IDEMPOTENCY_SHOWN_ONCE,
            Self::TokenEnded => &kinds::IDEMPOTENCY_TOKEN_ENDED,
            Self::KeyEnded(_) => &kinds::KEY_ENDED,
            Self::PreconditionFailed => &kinds::PRECONDITION_FAILED,
            Self::Draining => &kinds::DRAINING,
            Self::UpgradeRequired => &kinds::UPGRADE_REQUIRED,
            Self::Unavailable(_) => &kinds::UNAVAILABLE,
            Self::Internal => &kinds::INTERNAL,
        }
    }

    /// Its wire form, under the id of the request that met it.
    pub fn details(&self, request_id: &str) -> ProblemDetails {
        let kind = self.kind();
        let errors = match self {
            Self::Invalid { errors, .. } => errors.clone(),
            Self::Verb(VerbRefused::WhichUser) => vec![at("/user_id", self)],
            Self::Store(StoreError::BadCursor) => vec![at("/cursor", self)],
            _ => Vec::new(),
        };
        ProblemDetails {
            problem_type: format!("/docs/problems#{}", kind.code),
            title: kind.title.to_owned(),
            status: kind.status.as_u16(),
            detail: self.to_string(),
            code: kind.code.to_owned(),
            request_id: request_id.to_owned(),
            errors,
        }
    }

    /// Its HTTP form, under the id of the request that met it.
    pub(crate) fn respond(&self, request_id: &str) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status_code());
        match self {
            Self::MethodNotAllowed { allow } => {
                response.insert_header((header::ALLOW, allow.as_str()));
            }
            Self::Password(PasswordRefused::Wait(wait)) => {
                response.insert_header((header::RETRY_AFTER, wait.as_secs().max(1)));
            }
            Self::TooManyRequests { wait, .. } => {
                let seconds = (wait.as_millis().div_ceil(1000)).max(1);
                response.insert_header((header::RETRY_AFTER, seconds.to_string()));
            }
            Self::Password(PasswordRefused::Busy)
            | Self::StillRunning
            | Self::TooManySockets { .. } => {
                response.insert_header((header::RETRY_AFTER, 1));
            }
            problem if problem.status_code() == StatusCode::SERVICE_UNAVAILABLE => {
                response.insert_header((header::RETRY_AFTER, RETRY_SOON.as_secs()));
            }
            Self::Unauthorized(_) | Self::Token(_) => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            Self::BodyTooSlow { .. } => {
                response.force_close(); // what may still come would be taken for the next request
            }
            Self::UpgradeRequired => {
                response.insert_header((header::UPGRADE, "websocket"));
            }
            _ => {}
        }
        response
            .content_type(PROBLEM_JSON)
            .json(self.details(request_id))
    }
}

impl From<NotDeleted> for Problem {
    fn from(not: NotDeleted) -> Self {
        match not {
            NotDeleted::Busy(recording_id) => Self::RecordingProcessing { recording_id },
            NotDeleted::Kept(why) => Self::RecordingKept(why),
            NotDeleted::Store(error) => Self::Store(error),
            NotDeleted::Crashed => Self::Internal,
        }
    }
}

fn at(pointer: &str, problem: &Problem) -> FieldError {
    FieldError {
        pointer: pointer.to_owned(),
        detail: problem.to_string(),
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind().status
    }

    fn error_response(&self) -> HttpResponse {
        self.respond("")
    }
}
