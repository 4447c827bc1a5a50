//! Why a verb, a join or moderation was not done.

/// Why a verb of a call was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerbRefused {
    /// No such call lives (it may be over: storage knows).
    #[error("call not found")]
    NotFound,
    /// It is in a state that has no such arrow.
    #[error(transparent)]
    Illegal(#[from] calls_model::call::IllegalMove),
    /// They are already in it.
    #[error("user already answered this call")]
    AlreadyAnswered,
    /// They were not rung.
    #[error("user was not called")]
    NotCalled,
    /// The verb is somebody else's.
    #[error("only {whose} may do this")]
    NotAllowed {
        /// Whose verb it is.
        whose: &'static str,
    },
    /// More than one user could be meant.
    #[error("user_id is needed: several users were called")]
    WhichUser,
    /// It could not be written down.
    #[error("the call could not be stored")]
    NotStored,
    /// The server is going down.
    #[error("the server is going down")]
    Draining,
    /// The actor that should answer is gone or too slow.
    #[error("call is not reachable right now")]
    Unreachable,
}

/// Why somebody may not come in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinRefused {
    /// The room holds as many as it may.
    #[error("room is full ({limit} participants)")]
    Full {
        /// The ceiling.
        limit: u32,
    },
    /// A moderator locked the door.
    #[error("room is locked")]
    Locked,
    /// A moderator removed this user from the present session.
    #[error("user was removed from this session")]
    Removed,
    /// The room was deleted, or was a temporary one and ended with its session.
    #[error("room not found")]
    NoRoom,
    /// The session ended in the very moment; a new try begins another.
    #[error("call is over")]
    Ended,
    /// It could not be written down.
    #[error("the presence could not be stored")]
    NotStored,
    /// The server is going down.
    #[error("the server is going down")]
    Draining,
    /// The actor that should answer is gone or too slow.
    #[error("room is not reachable right now")]
    Unreachable,
}

/// Why moderation was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModerateRefused {
    /// No such call lives.
    #[error("call not found")]
    NoCall,
    /// Nobody of that id is there.
    #[error("participant not found")]
    NotFound,
    /// Only moderators may.
    #[error("only the host and moderators may do this")]
    NotModerator,
    /// Moderators cannot act on the host, nor give away the host's role.
    #[error("only the host may do this")]
    NotHost,
    /// The call is not the session of a room, so it has no rules that could change.
    #[error("this call has no room whose rules could change")]
    NoRoom,
    /// Guests and those who came only to watch let nobody in.
    #[error("who came by WHIP or WHEP cannot be host")]
    CannotHost,
    /// The room holds as many as it may.
    #[error("room is full ({limit} participants)")]
    Full {
        /// The ceiling.
        limit: u32,
    },
    /// It could not be written down.
    #[error("the change could not be stored")]
    NotStored,
    /// The actor that should answer is gone or too slow.
    #[error("call is not reachable right now")]
    Unreachable,
}
