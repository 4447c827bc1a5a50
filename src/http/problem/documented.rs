//! The refusals that operations share, as the OpenAPI document names them.

use std::collections::BTreeMap;

use calls_model::ProblemDetails;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// Media type of every refusal (RFC 9457 §3).
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// A refusal, in these words.
pub(crate) fn problem(text: &str) -> RefOr<Response> {
    let schema = Ref::from_schema_name(ProblemDetails::name());
    ResponseBuilder::new()
        .description(text)
        .content(
            PROBLEM_JSON,
            ContentBuilder::new().schema(Some(schema)).build(),
        )
        .build()
        .into()
}

macro_rules! documented {
    ($($(#[$doc:meta])* $name:ident { $($status:literal => $text:literal,)* })*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([$(($status.to_owned(), problem($text))),*])
            }
        }
    )*};
}

documented! {
    /// What any caller may hear.
    Access {
        "401" => "No credentials, or bad ones.",
        "403" => "The caller may not do that.",
    }
    /// What a path with an id in it may say.
    Missing {
        "404" => "There is no such thing.",
    }
    /// What a JSON body may provoke.
    BadBody {
        "400" => "The body is not JSON.",
        "413" => "The body is larger than 64 KiB.",
        "415" => "The body is not `application/json`.",
        "422" => "The body has bad fields; `errors` points at them.",
    }
    /// What query parameters may provoke.
    BadQuery {
        "422" => "A query parameter is bad; `errors` names it.",
    }
    /// What a file that is shared may provoke.
    BadFile {
        "400" => "The body is cut short.",
        "413" => "The file is larger than `files.max_mb`.",
        "415" => "The file is of a type that is not taken (`files.types`).",
        "422" => "A query parameter is bad, or the file is empty.",
    }
    /// The disk is full.
    NoSpace {
        "507" => "The disk is too full.",
    }
    /// The actors' refusals.
    Conflict {
        "409" => "The call or the room is not in a state for that.",
    }
    /// What every operation that reaches an actor or the database may say.
    Unavailable {
        "503" => "The server is going down or cannot reach what it needs; `Retry-After` says when to ask again.",
    }
    /// What a media offer may provoke.
    BadOffer {
        "400" => "The body is cut short.",
        "413" => "The body is larger than 1 MiB.",
        "415" => "The body is not `application/sdp`.",
        "422" => "The offer is larger than 256 KiB or cannot be used; `detail` says why.",
    }
    /// What a recording may not begin for.
    NotStarted {
        "504" => "Nothing reached the disk in time; `detail` says why.",
        "507" => "The disk is too full for another recording.",
    }
    /// What `If-Match` may provoke.
    Changed {
        "412" => "The session is another one than `If-Match` names.",
    }
    /// What a WebSocket handshake may provoke.
    Handshake {
        "400" => "The handshake is bad or does not offer `calls.v1`.",
        "426" => "This path speaks WebSocket only.",
        "503" => "The server is going down.",
    }
    /// Too many tries.
    TooMany {
        "429" => "Too many tries; `Retry-After` says how long to wait.",
    }
}

// The schema is referred to by name only, so it must be registered by hand (see `openapi.rs`).
const _: fn() -> RefOr<utoipa::openapi::Schema> = ProblemDetails::schema;
