//! Errors, told whole.

use std::error::Error;

/// What went wrong, and what made it go wrong, in one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", with_causes(cause)),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ApiFailed;
    use crate::crowd::CrowdFailed;

    #[test]
    fn an_error_is_told_with_its_causes() {
        let refused = ApiFailed::Refused {
            status: 409,
            code: "room-full".into(),
            detail: "2 of 2".into(),
        };
        assert_eq!(
            with_causes(&CrowdFailed::Room(refused)),
            "cannot make a room: the server refused: 409 room-full: 2 of 2",
        );
    }
}
