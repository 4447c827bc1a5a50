//! The controlling side of ICE towards one candidate (RFC 8445): checks it until it answers, then keeps asking for
//! consent (RFC 7675). The server is ICE-lite or, where it is not, is answered like one.

use std::time::{Duration, Instant};

use rand::RngExt;
use rand::distr::Alphanumeric;
use rtc::dtls::crypto_provider::RTCCryptoProvider;
use rtc::shared::error::Error;
use rtc::stun::attributes::{
    ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME,
};
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{
    BINDING_REQUEST, BINDING_SUCCESS, Message, MessageType, Setter, TransactionId,
};
use rtc::stun::xoraddr::XorMappedAddress;

/// From the first check to the second; each later pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Longest pause between checks that are not answered.
const LONGEST_PAUSE: Duration = Duration::from_millis(1600);

/// Consent is asked for about this often (RFC 7675 §5.1: 5 s, plus or minus a fifth).
const CONSENT_MS: std::ops::Range<u64> = 4000..6000;

/// Consent ends this long after the last answer (RFC 7675 §5.1).
const CONSENT_LASTS: Duration = Duration::from_secs(30);

/// Priority of a host candidate that would be learnt by this check (RFC 8445 §7.1.1).
const PEER_REFLEXIVE: u32 = (110 << 24) | (65_535 << 8) | 255;

/// User fragment and password of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// `a=ice-ufrag`.
    pub(crate) ufrag: String,
    /// `a=ice-pwd`.
    pub(crate) pwd: String,
}

impl Credentials {
    /// Fresh ones.
    pub(crate) fn generate() -> Self {
        let mut random = rand::rng();
        let mut text = |length| {
            (0..length)
                .map(|_| char::from(random.sample(Alphanumeric)))
                .collect()
        };
        Self {
            ufrag: text(8),
            pwd: text(24),
        }
    }
}

/// What a STUN message meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The path works; the first time it is news.
    Answered,
    /// The other side checks us too: send it this.
    Reply(Vec<u8>),
    /// Nothing to us.
    Nothing,
}

/// One checked pair.
pub(super) struct Ice {
    local: Credentials,
    remote: Credentials,
    tie_breaker: u64,
    pending: Option<TransactionId>,
    pause: Duration,
    due: Instant,
    answered: Option<Instant>,
}

impl Ice {
    /// A pair to check from now on.
    pub(super) fn new(local: Credentials, remote: Credentials, now: Instant) -> Self {
        Self {
            local,
            remote,
            tie_breaker: rand::random(),
            pending: None,
            pause: FIRST_PAUSE,
            due: now,
            answered: None,
        }
    }

    /// When [`Ice::tick`] has something to do.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Nobody has answered for too long.
    pub(super) fn expired(&self, now: Instant) -> bool {
        self.answered
            .is_some_and(|at| now.saturating_duration_since(at) > CONSENT_LASTS)
    }

    /// The next check, when it is due.
    pub(super) fn tick(
        &mut self,
        provider: &dyn RTCCryptoProvider,
        now: Instant,
    ) -> Result<Option<Vec<u8>>, Error> {
        if now < self.due {
            return Ok(None);
        }
        self.due = now + self.pause;
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        let mut check = Message::new();
        check.typ = BINDING_REQUEST;
        check.new_transaction_id()?;
        check.write_header();
        let username = format!("{}:{}", self.remote.ufrag, self.local.ufrag);
        check.add(ATTR_USERNAME, username.as_bytes());
        check.add(ATTR_PRIORITY, &PEER_REFLEXIVE.to_be_bytes());
        check.add(ATTR_ICE_CONTROLLING, &self.tie_breaker.to_be_bytes());
        check.add(ATTR_USE_CANDIDATE, &[]);
        sign(&mut check, &self.remote.pwd, provider)?;
        self.pending = Some(check.transaction_id);
        Ok(Some(check.raw))
    }

    /// Takes a STUN message.
    pub(super) fn handle(
        &mut self,
        datagram: &[u8],
        from: std::net::SocketAddr,
        provider: &dyn RTCCryptoProvider,
        now: Instant,
    ) -> Result<Heard, Error> {
        let mut message = Message::new();
        message.unmarshal_binary(datagram)?;
        if message.typ == BINDING_REQUEST {
            MessageIntegrity::check(&mut message, self.local.pwd.as_bytes(), provider.crypto())?;
            let reply = success(&message, from, &self.local.pwd, provider)?;
            return Ok(Heard::Reply(reply));
        }
        if message.typ != BINDING_SUCCESS || Some(message.transaction_id) != self.pending {
            return Ok(Heard::Nothing);
        }
        MessageIntegrity::check(&mut message, self.remote.pwd.as_bytes(), provider.crypto())?;
        self.pending = None;
        self.answered = Some(now);
        self.pause = FIRST_PAUSE;
        self.due = now + Duration::from_millis(rand::rng().random_range(CONSENT_MS));
        Ok(Heard::Answered)
    }
}

fn success(
    request: &Message,
    from: std::net::SocketAddr,
    pwd: &str,
    provider: &dyn RTCCryptoProvider,
) -> Result<Vec<u8>, Error> {
    let mut reply = Message {
        typ: MessageType { ..BINDING_SUCCESS },
        transaction_id: request.transaction_id,
        ..Message::new()
    };
    reply.write_header();
    let address = XorMappedAddress {
        ip: from.ip(),
        port: from.port(),
    };
    address.add_to(&mut reply)?;
    sign(&mut reply, pwd, provider)?;
    Ok(reply.raw)
}

/// Message integrity and fingerprint, in this order and last (RFC 8489 §14.5, §14.7).
fn sign(message: &mut Message, pwd: &str, provider: &dyn RTCCryptoProvider) -> Result<(), Error> {
    MessageIntegrity::new_short_term_integrity_with_provider(pwd.to_owned(), provider.crypto())
        .add_to(message)?;
    FINGERPRINT.add_to(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::dtls::crypto_provider::providers::AwsLcRsProvider;

    const SERVER: &str = "192.0.2.1:7882";

    fn pair(now: Instant) -> (Ice, Ice, AwsLcRsProvider) {
        let (ours, theirs) = (Credentials::generate(), Credentials::generate());
        let us = Ice::new(ours.clone(), theirs.clone(), now);
        let them = Ice::new(theirs, ours, now);
        (us, them, AwsLcRsProvider::new())
    }

    #[test]
    fn a_check_is_answered_and_consent_is_asked_for_seconds_later() {
        let now = Instant::now();
        let (mut us, mut them, provider) = pair(now);
        let from = SERVER.parse().unwrap();

        let check = us.tick(&provider, now).unwrap().expect("due at once");
        assert_eq!(us.tick(&provider, now).unwrap(), None, "and not again yet");
        let Heard::Reply(answer) = them.handle(&check, from, &provider, now).unwrap() else {
            panic!("a check wants an answer");
        };
        assert_eq!(
            us.handle(&answer, from, &provider, now).unwrap(),
            Heard::Answered
        );
        assert!(us.due() >= now + Duration::from_secs(4));
        assert!(!us.expired(now + Duration::from_secs(29)));
        assert!(us.expired(now + Duration::from_secs(31)));
    }

    #[test]
    fn an_answer_with_another_password_is_an_error_and_answers_nothing() {
        let now = Instant::now();
        let (mut us, mut them, provider) = pair(now);
        let from = SERVER.parse().unwrap();
        let check = us.tick(&provider, now).unwrap().unwrap();
        let Heard::Reply(answer) = them.handle(&check, from, &provider, now).unwrap() else {
            panic!("a check wants an answer");
        };
        us.remote = Credentials::generate();
        assert!(us.handle(&answer, from, &provider, now).is_err());
        assert_eq!(us.answered, None);
    }
}
