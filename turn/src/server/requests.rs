//! Requests: who asks, and how they are answered.

use rtc_stun::attributes::{ATTR_NONCE, ATTR_REALM, ATTR_USERNAME, ATTR_XORMAPPED_ADDRESS};
use rtc_stun::integrity::MessageIntegrity;

use super::Server;
use crate::credentials::Username;
use crate::reply::{Reply, Words};
use crate::request::{Method, Request};
use crate::{Client, Now, Outside, REALM, Refusal};

/// Who asks, proven.
pub(super) struct Caller {
    pub(super) username: String,
    key: Vec<u8>,
    /// Good for what they have, not for more.
    expired: bool,
}

/// Somebody could not be let in.
struct Denied {
    refusal: Refusal,
    /// They are where they say they are.
    proven: bool,
}

impl Server {
    /// Answers a request; none if it is not worth an answer.
    pub(super) fn request(
        &mut self,
        client: Client,
        bytes: &[u8],
        now: Now,
        outside: &mut impl Outside,
    ) -> Option<()> {
        let mut request = Request::parse(bytes)?;
        if request.method() == Method::Binding {
            self.bind_back(&request, client, now, outside);
            return Some(());
        }
        match self.authenticate(&mut request, client, now) {
            Ok(caller) => {
                let outcome = self.perform(&request, &caller, client, now, outside);
                let reply = outcome.unwrap_or_else(|refusal| {
                    self.stats.refuse(&refusal);
                    Reply::refusal(&request, &refusal, Words::All)
                });
                let reply = reply.finish(Some(&caller.key), self.crypto())?;
                outside.to_client(client, |out| out.extend_from_slice(&reply));
            }
            Err(Denied { refusal, proven }) => {
                self.stats.refuse(&refusal);
                let words = if proven { Words::All } else { Words::Few };
                let mut reply = Reply::refusal(&request, &refusal, words);
                if matches!(refusal, Refusal::Unauthorized | Refusal::StaleNonce) {
                    reply.challenge(&self.nonces.make(client.remote(), now.at));
                }
                self.answer(&request, reply, client, proven, now, outside);
            }
        }
        Some(())
    }

    /// Sends an answer that is not signed, if the one it goes to may be sent so much.
    fn answer(
        &mut self,
        request: &Request,
        reply: Reply,
        client: Client,
        proven: bool,
        now: Now,
        outside: &mut impl Outside,
    ) {
        let Some(reply) = reply.finish(None, self.crypto()) else {
            return;
        };
        let excess = reply.len().saturating_sub(request.length());
        if proven || self.budget.spend(client.remote().ip(), excess, now.at) {
            outside.to_client(client, |out| out.extend_from_slice(&reply));
        } else {
            self.stats.withheld += 1;
        }
    }

    /// Binding: tells anybody where they come from (RFC 8489).
    fn bind_back(
        &mut self,
        request: &Request,
        client: Client,
        now: Now,
        outside: &mut impl Outside,
    ) {
        let unknown = request.unknown();
        let reply = if unknown.is_empty() {
            let mut reply = Reply::success(request);
            reply.address(ATTR_XORMAPPED_ADDRESS, client.remote());
            reply
        } else {
            let refusal = Refusal::UnknownAttributes(unknown);
            self.stats.refuse(&refusal);
            Reply::refusal(request, &refusal, Words::Few)
        };
        self.answer(request, reply, client, client.is_stream(), now, outside);
    }

    /// The long-term credential mechanism (RFC 8489 §9.2.4), in the order that it prescribes.
    fn authenticate(
        &self,
        request: &mut Request,
        client: Client,
        now: Now,
    ) -> Result<Caller, Denied> {
        let stranger = |refusal| Denied {
            refusal,
            proven: client.is_stream(),
        };
        if !request.is_signed() {
            return Err(stranger(Refusal::Unauthorized));
        }
        let (Some(username), Some(_), Some(nonce)) = (
            request.get(ATTR_USERNAME),
            request.get(ATTR_REALM),
            request.get(ATTR_NONCE),
        ) else {
            return Err(stranger(Refusal::BadRequest));
        };
        if !self.nonces.is_good(nonce, client.remote(), now.at) {
            return Err(stranger(Refusal::StaleNonce));
        }
        // From here on they are where they say they are: they could read what was sent there.
        let caller = std::str::from_utf8(username)
            .ok()
            .and_then(|username| self.caller(username, now));
        caller
            .filter(|caller| request.is_authentic(&caller.key, self.crypto()))
            // A call may last longer than the password that it began with; it is not cut off.
            .filter(|caller| !caller.expired || self.serves(client, now))
            .ok_or(Denied {
                refusal: Refusal::Unauthorized,
                proven: true,
            })
    }

    /// Who it would be, if they have the password.
    fn caller(&self, username: &str, now: Now) -> Option<Caller> {
        let Username { expiry, .. } = Username::parse(username)?;
        let key = MessageIntegrity::long_term_integrity_key(
            username.to_owned(),
            REALM.to_owned(),
            self.secret.password(username),
            self.crypto(),
        )
        .ok()?;
        Some(Caller {
            username: username.to_owned(),
            key,
            expired: expiry <= now.unix_seconds,
        })
    }
}
