//! Signatures as Standard Webhooks has them (standardwebhooks.com, "Signature scheme"): HMAC-SHA256 over
//! `id.timestamp.body`, in base64, with `v1,` before it.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What every secret begins with.
const PREFIX: &str = "whsec_";

/// What signs the events of one endpoint.
pub struct Secret(String);

impl Secret {
    /// A new one: 256 bits of the operating system's randomness.
    pub fn random() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self(format!("{PREFIX}{}", STANDARD.encode(bytes)))
    }

    /// As it is shown and kept.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// The header `webhook-signature` for this message: one signature for each secret, with spaces between.
pub fn sign(secrets: &[&str], id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut signed = format!("{id}.{timestamp}.").into_bytes();
    signed.extend_from_slice(body);
    let signatures = secrets.iter().map(|secret| {
        let text = secret.strip_prefix(PREFIX).unwrap_or(secret);
        let bytes = STANDARD.decode(text).unwrap_or_else(|_| text.into());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &bytes), &signed);
        format!("v1,{}", STANDARD.encode(tag))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn a_message_is_signed_as_the_reference_libraries_sign_it() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;
        let signature = sign(
            &[secret],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            body,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_secrets_change_both_sign() {
        let both = sign(&["whsec_AAAA", "whsec_BBBB"], "evt_1", 1, b"{}");
        let one = sign(&["whsec_BBBB"], "evt_1", 1, b"{}");
        assert_eq!(both.split(' ').nth(1), Some(one.as_str()));
    }
}
