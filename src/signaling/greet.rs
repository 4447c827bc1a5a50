//! Hello: from a token to a seat in a call, or to a user's own line.

use std::time::Duration;

use actix::{Addr, Recipient};
use calls_actors::calls::{FindParticipant, UserOnline};
use calls_actors::participant::{Attach, AttachRefused, GRACE, Greeting, Participant, ToClient};
use calls_model::signal::{ByeReason, Limits, MAX_FRAME, Resume};
use calls_model::{Account, UserId};

use crate::app::{App, PATIENCE, bounds};
use crate::auth::tokens::{Issuer, Place};
use crate::http::problem::Problem;

/// How often a presence is looked for that crashed a moment ago, and how long in between.
const TRIES: u32 = 12;
const PAUSE: Duration = Duration::from_millis(250);

/// Whom a socket talks to after its hello.
pub(super) enum Line {
    /// A presence in a call.
    Call {
        /// It.
        participant: Addr<Participant>,
        /// Names this socket to it.
        attachment: u64,
        /// Whose it is, and where its token is good.
        holder: Holder,
    },
    /// A user's own socket, on which calls ring.
    User {
        /// Whose.
        account: Account,
        /// Names this socket to the registry.
        device: u64,
    },
}

/// Whose a socket in a call is.
#[derive(Debug, Clone)]
pub(super) struct Holder {
    /// The user.
    pub(super) user: UserId,
    /// Where their token is good.
    pub(super) place: Place,
    /// Where it comes from.
    pub(super) issuer: Issuer,
}

/// Why a hello led nowhere.
pub(super) struct Unwelcome {
    pub(super) problem: Problem,
    pub(super) bye: ByeReason,
}

impl Unwelcome {
    fn lost(problem: impl Into<Problem>) -> Self {
        Self {
            problem: problem.into(),
            bye: ByeReason::Lost,
        }
    }
}

/// Brings a socket to the presence that its token is for.
pub(super) async fn to_call(
    app: &App,
    holder: Holder,
    resume: Option<Resume>,
    door: Recipient<ToClient>,
) -> Result<Line, Unwelcome> {
    match attach(app, &holder, resume.clone(), door.clone()).await {
        // The presence is another one than the client remembers, or more was missed than is kept: it begins anew.
        Err(AttachFailed::Refused(
            AttachRefused::UnknownSession | AttachRefused::MissedTooMuch,
        )) => attach(app, &holder, None, door)
            .await
            .map_err(AttachFailed::into),
        outcome => outcome.map_err(AttachFailed::into),
    }
}

/// Brings a socket to the presence that came in the place of one that crashed.
pub(super) async fn back_to_call(
    app: &App,
    holder: Holder,
    door: Recipient<ToClient>,
) -> Result<Line, Unwelcome> {
    let mut tries = 1;
    loop {
        match attach(app, &holder, None, door.clone()).await {
            Ok(line) => return Ok(line),
            Err(failed) if tries == TRIES => return Err(failed.into()),
            Err(_) => tries += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Opens a user's own line.
pub(super) async fn to_user(
    app: &App,
    account: Account,
    door: Recipient<ToClient>,
) -> Result<Line, Unwelcome> {
    let online = UserOnline {
        account: account.clone(),
        door,
    };
    let device = app.ask(online).await.map_err(Unwelcome::lost)?;
    Ok(Line::User { account, device })
}

enum AttachFailed {
    Missing,
    Refused(AttachRefused),
    Unreachable(Problem),
}

impl From<AttachFailed> for Unwelcome {
    fn from(failed: AttachFailed) -> Self {
        match failed {
            AttachFailed::Missing | AttachFailed::Refused(_) => Self::lost(Problem::Unauthorized(
                "the token's place in the call is gone",
            )),
            AttachFailed::Unreachable(problem) => Self::lost(problem),
        }
    }
}

async fn attach(
    app: &App,
    holder: &Holder,
    resume: Option<Resume>,
    door: Recipient<ToClient>,
) -> Result<Line, AttachFailed> {
    let find = FindParticipant {
        call_id: holder.place.call.clone(),
        participant_id: holder.place.part.clone(),
    };
    let found = app.ask(find).await.map_err(AttachFailed::Unreachable)?;
    let found = found.ok_or(AttachFailed::Missing)?;
    let mut holder = holder.clone();
    holder.place.part = found.participant_id;
    let attach = Attach {
        door,
        resume,
        greeting: greeting(app, &holder),
    };
    let attached = found.participant.send(attach).timeout(PATIENCE).await;
    let attached = attached.map_err(|error| AttachFailed::Unreachable(error.into()))?;
    let attachment = attached.map_err(AttachFailed::Refused)?.attachment;
    Ok(Line::Call {
        participant: found.participant,
        attachment,
        holder,
    })
}

fn greeting(app: &App, holder: &Holder) -> Greeting {
    let Holder {
        user,
        place,
        issuer,
    } = holder;
    let peer = bounds(&app.config).peer;
    Greeting {
        resume_token: app.tokens.join(user.clone(), place.clone(), issuer.clone()),
        ice_servers: app.ice_servers(user),
        limits: Limits {
            max_frame_bytes: u32::try_from(MAX_FRAME).unwrap_or(u32::MAX),
            frames_per_second: app.config.limits.frames_per_second,
            audio_slots: u32::try_from(peer.audio_slots).unwrap_or(u32::MAX),
            video_slots: u32::try_from(peer.video_slots).unwrap_or(u32::MAX),
            resume_seconds: u32::try_from(GRACE.as_secs()).unwrap_or(u32::MAX),
            max_file_bytes: app.files.most(),
        },
    }
}
