//! Short texts that people write, with their bounds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The text is empty, too long, or holds control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {max} characters and no control characters")]
pub struct BadText {
    /// The longest that is accepted, in Unicode scalar values.
    pub max: usize,
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $max:tt, $allowed:expr, $pattern:tt) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String, min_length = 1, max_length = $max, pattern = $pattern)]
        pub struct $name(String);

        impl $name {
            /// The longest that is accepted, in Unicode scalar values.
            pub const MAX: usize = $max;

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadText;

            fn from_str(text: &str) -> Result<Self, BadText> {
                let allowed: fn(char) -> bool = $allowed;
                let fits = (1..=Self::MAX).contains(&text.chars().count())
                    && text.chars().all(allowed)
                    && !text.trim().is_empty();
                fits.then(|| Self(text.to_owned())).ok_or(BadText { max: Self::MAX })
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadText;

            fn try_from(text: String) -> Result<Self, BadText> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    };
}

macro_rules! shown {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    )*};
}

fn printable(c: char) -> bool {
    !c.is_control()
}

/// No path, and nothing that turns the direction of what is read: `cod.exe` must not look like `exe.doc`.
fn in_file_name(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    printable(c) && !matches!(c, '/' | '\\') && !turns
}

text!(
    /// Who somebody is in the application that embeds us: its own user id, opaque to us.
    UserId, 128, printable,
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
);
text!(
    /// What a tile shows under a face.
    DisplayName, 64, printable,
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
);
text!(
    /// What people call a room.
    RoomName, 120, printable,
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
);
text!(
    /// What something is for, in the words of whoever made it.
    Description, 200, printable,
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
);
text!(
    /// A room's password as somebody typed it. Its `Debug` prints no letter of it.
    Password, 128, printable,
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
);
text!(
    /// One chat message; line breaks and tabs are welcome.
    ChatText, 4000, |c| printable(c) || matches!(c, '\n' | '\t'),
    r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*[^\s\u0000-\u0008\u000b-\u001f\u007f-\u009f][^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$"
);
text!(
    /// What a shared file is called; no path.
    FileName, 200, in_file_name,
    r"^[^\u0000-\u001f\u007f-\u009f/\\\u200e\u200f\u202a-\u202e\u2066-\u2069]*[^\s\u0000-\u001f\u007f-\u009f/\\\u200e\u200f\u202a-\u202e\u2066-\u2069][^\u0000-\u001f\u007f-\u009f/\\\u200e\u200f\u202a-\u202e\u2066-\u2069]*$"
);
text!(
    /// A language tag (RFC 5646), such as `en` or `de-CH`; a name for a model that understands it.
    Language, 35, |c| c.is_ascii_alphanumeric() || c == '-',
    r"^[A-Za-z0-9-]+$"
);

text!(
    /// A voice of the speech synthesizer, such as `f3` or `Alicia`.
    VoiceName, 40, |c| c.is_ascii_alphanumeric() || c == '_',
    r"^[A-Za-z0-9_]+$"
);

shown!(UserId DisplayName RoomName Description ChatText FileName Language VoiceName);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_blanks_is_no_name() {
        assert_eq!("   ".parse::<DisplayName>(), Err(BadText { max: 64 }));
    }

    #[test]
    fn control_characters_are_refused_but_chat_keeps_its_lines() {
        assert!("a\nb".parse::<RoomName>().is_err());
        assert!("a\nb".parse::<ChatText>().is_ok());
        assert!("a\u{0}b".parse::<ChatText>().is_err());
    }

    #[test]
    fn a_file_name_is_no_path_and_reads_as_it_is_written() {
        assert!("Übersicht 2.pdf".parse::<FileName>().is_ok());
        for bad in [
            "../../etc/passwd",
            "a\\b",
            "invoice\u{202e}fdp.exe",
            "a\u{0}b",
        ] {
            assert!(bad.parse::<FileName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        assert!("é".repeat(64).parse::<DisplayName>().is_ok());
        assert!("é".repeat(65).parse::<DisplayName>().is_err());
    }

    #[test]
    fn a_password_is_never_printed() {
        let password: Password = "hunter2".parse().unwrap();
        assert!(!format!("{password:?}").contains("hunter2"));
    }
}
