//! Why a request is refused.

use rtc_stun::attributes::AttrType;

/// A refusal, as STUN and TURN number them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// What it asks for makes no sense.
    BadRequest,
    /// Nobody we know, or no longer.
    Unauthorized,
    /// No address that may be relayed to.
    Forbidden,
    /// It must be understood, and is not.
    UnknownAttributes(Vec<AttrType>),
    /// There is no allocation, or there is one already.
    Mismatch,
    /// The nonce is too old, or another client's.
    StaleNonce,
    /// No relay of this family.
    FamilyUnsupported,
    /// The allocation is somebody else's.
    WrongCredentials,
    /// Relays speak UDP only.
    TransportUnsupported,
    /// The peer is of another family than the relay.
    FamilyMismatch,
    /// Too many allocations.
    QuotaReached,
    /// No room for what is asked for.
    NoCapacity,
}

impl Refusal {
    /// Every code that there is.
    pub const CODES: [u16; 12] = [400, 401, 403, 420, 437, 438, 440, 441, 442, 443, 486, 508];

    /// Its number.
    pub fn code(&self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::UnknownAttributes(_) => 420,
            Self::Mismatch => 437,
            Self::StaleNonce => 438,
            Self::FamilyUnsupported => 440,
            Self::WrongCredentials => 441,
            Self::TransportUnsupported => 442,
            Self::FamilyMismatch => 443,
            Self::QuotaReached => 486,
            Self::NoCapacity => 508,
        }
    }

    /// For people who read traces.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::BadRequest => "Bad Request",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::UnknownAttributes(_) => "Unknown Attribute",
            Self::Mismatch => "Allocation Mismatch",
            Self::StaleNonce => "Stale Nonce",
            Self::FamilyUnsupported => "Address Family not Supported",
            Self::WrongCredentials => "Wrong Credentials",
            Self::TransportUnsupported => "Unsupported Transport Protocol",
            Self::FamilyMismatch => "Peer Address Family Mismatch",
            Self::QuotaReached => "Allocation Quota Reached",
            Self::NoCapacity => "Insufficient Capacity",
        }
    }
}
