//! How a refusal looks on the wire: RFC 9457.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One bad field of a request body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where: a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong with it, for people.
    pub detail: String,
}

/// `application/problem+json`: the same object answers REST and signaling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDetails {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// The kind in a few words, always the same for one `code`.
    pub title: String,
    /// The HTTP status, also where no HTTP is spoken.
    pub status: u16,
    /// This very case, for people.
    pub detail: String,
    /// Stable, kebab-case, for programs.
    pub code: String,
    /// Names this request in the server's log.
    pub request_id: String,
    /// The bad fields, where the body was at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}
