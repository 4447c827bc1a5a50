//! Links to files of recordings that need no other credentials, and expire.

use std::time::Duration;

use aws_lc_rs::hmac;
use calls_model::RecordingId;

use crate::http::routes::BASE;

/// Links to files that need no other credentials, and expire.
pub struct Links {
    key: hmac::Key,
    life_seconds: u64,
}

impl Links {
    /// Signed with this secret, good for so long.
    pub fn new(secret: &[u8], life: Duration) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            life_seconds: life.as_secs(),
        }
    }

    /// How long links are good.
    pub(super) fn life(&self) -> Duration {
        Duration::from_secs(self.life_seconds)
    }

    /// The link to a file.
    pub(super) fn of(&self, id: &RecordingId, file: &str, now: u64) -> String {
        let expires = now + self.life_seconds;
        let tag = hmac::sign(&self.key, &words(id, file, expires));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("file", file)
            .append_pair("expires", &expires.to_string())
            .append_pair("signature", &hex::encode(tag))
            .finish();
        format!("{BASE}/recordings/{id}/download?{query}")
    }

    pub(super) fn proves(
        &self,
        id: &RecordingId,
        file: &str,
        expires: u64,
        signature: &str,
    ) -> bool {
        let tag = hex::decode(signature).unwrap_or_default();
        hmac::verify(&self.key, &words(id, file, expires), &tag).is_ok()
    }
}

fn words(id: &RecordingId, file: &str, expires: u64) -> Vec<u8> {
    format!("{id}\n{file}\n{expires}").into_bytes()
}
