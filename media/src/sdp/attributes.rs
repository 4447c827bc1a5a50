//! Finding one's way in the attributes of a description.

use rtc_sdp::description::common::Attribute;

/// The attributes of one level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes<'a>(pub(super) &'a [Attribute]);

impl<'a> Attributes<'a> {
    /// `a=key` or `a=key:…` stands here.
    pub(super) fn has(self, key: &str) -> bool {
        self.0.iter().any(|attribute| attribute.key == key)
    }

    /// The value of every `a=key:…`, in order.
    pub(super) fn values(self, key: &'static str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |attribute| attribute.key == key)
            .filter_map(|attribute| attribute.value.as_deref().map(str::trim))
    }

    /// The value of the first.
    pub(super) fn value(self, key: &'static str) -> Option<&'a str> {
        self.values(key).next()
    }
}

/// A token (RFC 8866 §9) short enough for a one-byte header extension (RFC 8843 §15).
pub(super) fn is_tag(text: &str) -> bool {
    (1..=16).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&byte))
}
