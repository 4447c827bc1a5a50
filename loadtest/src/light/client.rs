//! A light participant's end of the transport, sans-IO: datagrams and time go in, datagrams come out.
//!
//! ```text
//! Checking ──answer to a check──▶ Handshaking ──keys──▶ Open
//! ```

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::rtcp;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{NackPair, TransportLayerNack};
use rtc::shared::error::Error;

use super::handshake::Handshake;
use super::ice::{Credentials, Heard, Ice};
use super::identity::Identity;
use super::inbound::Inbound;
use super::keys::Keys;
use super::outbound::Outbound;
use super::sdp::Remote;
use crate::floor::{HELLO, HELLO_LENGTH};
use crate::tally::{Kind, Tallies};

/// From one regular report to the next.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Media ended for good.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ClientFailed {
    /// A library refused.
    #[error("the transport broke: {0}")]
    Broken(String),
    /// RFC 7675: nobody answers any more.
    #[error("consent expired")]
    Expired,
}

impl From<Error> for ClientFailed {
    fn from(error: Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// One transport.
pub(crate) struct Client {
    identity: Identity,
    remote: SocketAddr,
    /// None where there is nothing to check or to agree on: at the floor.
    ice: Option<Ice>,
    phase: Phase,
    inbound: Inbound,
    outbound: Outbound,
    report_due: Instant,
    /// Checks began anew, and none was answered yet.
    restarting: bool,
}

enum Phase {
    Checking {
        fingerprint: String,
    },
    Handshaking(Box<Handshake>),
    /// At the floor: keys are there, and the other side is to be told who we are.
    Greeting {
        hello: [u8; HELLO_LENGTH],
        keys: Option<Box<Keys>>,
    },
    Open(Box<Keys>),
}

/// What handling a datagram brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Brought {
    /// It was the last that was needed for media to flow.
    pub(super) connected: bool,
    /// The kind of media that it was, if it was any.
    pub(super) kind: Option<Kind>,
}

impl Client {
    /// One that will connect to whom `remote` describes.
    pub(crate) fn new(
        identity: Identity,
        local: Credentials,
        remote: &Remote,
        outbound: Outbound,
        now: Instant,
    ) -> Self {
        Self {
            identity,
            remote: remote.address,
            ice: Some(Ice::new(local, remote.credentials.clone(), now)),
            phase: Phase::Checking {
                fingerprint: remote.fingerprint.clone(),
            },
            inbound: Inbound::new(remote, rand::random(), now),
            outbound,
            report_due: now + REPORT_EVERY,
            restarting: false,
        }
    }

    /// One whose keys are agreed on, that says `hello` until it is echoed.
    pub(crate) fn at_floor(
        identity: Identity,
        hello: [u8; HELLO_LENGTH],
        keys: Keys,
        remote: &Remote,
        outbound: Outbound,
        now: Instant,
    ) -> Self {
        let keys = Some(Box::new(keys));
        Self {
            identity,
            remote: remote.address,
            ice: None,
            phase: Phase::Greeting { hello, keys },
            inbound: Inbound::new(remote, rand::random(), now),
            outbound,
            report_due: now,
            restarting: false,
        }
    }

    /// Restarts ICE (RFC 8445 §9): checks the same address under new credentials. Media goes on meanwhile.
    pub(super) fn restart(&mut self, local: Credentials, remote: Credentials, now: Instant) {
        self.ice = Some(Ice::new(local, remote, now));
        self.restarting = true;
    }

    /// When [`Client::tick`] has something to do.
    pub(super) fn due(&self) -> Instant {
        let mut due = self.ice.as_ref().map_or(self.report_due, Ice::due);
        let sooner = match &self.phase {
            Phase::Checking { .. } | Phase::Greeting { .. } => None,
            Phase::Handshaking(handshake) => handshake.due(),
            Phase::Open(_) => {
                due = due.min(self.report_due);
                [self.inbound.due(), self.outbound.due()]
                    .into_iter()
                    .flatten()
                    .min()
            }
        };
        sooner.map_or(due, |sooner| sooner.min(due))
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self, tallies: &Tallies) {
        self.inbound.end(tallies);
    }

    /// Does what is due.
    pub(super) fn tick(
        &mut self,
        tallies: &Tallies,
        now: Instant,
        out: &mut Vec<BytesMut>,
    ) -> Result<(), ClientFailed> {
        if let Some(ice) = &mut self.ice {
            if ice.expired(now) {
                return Err(ClientFailed::Expired);
            }
            if let Some(check) = ice.tick(self.identity.provider(), now)? {
                out.push(BytesMut::from(&check[..]));
            }
        }
        match &mut self.phase {
            Phase::Checking { .. } => {}
            Phase::Greeting { hello, .. } => {
                if self.report_due <= now {
                    self.report_due = now + REPORT_EVERY;
                    out.push(BytesMut::from(&hello[..]));
                }
            }
            Phase::Handshaking(handshake) => {
                if handshake.due().is_some_and(|due| due <= now) {
                    handshake.tick(now)?;
                    out.extend(std::iter::from_fn(|| handshake.poll_transmit()));
                }
            }
            Phase::Open(keys) => {
                self.outbound.send(&mut keys.seal, tallies, now, out)?;
                let mut words: Vec<Box<dyn rtcp::Packet>> = Vec::new();
                if self.report_due <= now {
                    self.report_due = now + REPORT_EVERY;
                    words.extend(self.outbound.reports().map(boxed));
                    words.extend(self.inbound.reports(tallies, now).into_iter().map(boxed));
                }
                self.inbound.feedback(now, &mut words);
                if !words.is_empty() {
                    out.push(keys.seal.encrypt_rtcp(&rtcp::packet::marshal(&words)?)?);
                }
            }
        }
        Ok(())
    }

    /// Takes a datagram (RFC 7983 tells what it is by its first byte).
    pub(super) fn handle(
        &mut self,
        datagram: &[u8],
        tallies: &Tallies,
        now: Instant,
        out: &mut Vec<BytesMut>,
    ) -> Result<Brought, ClientFailed> {
        let mut brought = Brought::default();
        match (datagram, &mut self.phase) {
            ([0..=3, ..], _) => brought.connected = self.stun(datagram, now, out)?,
            ([20..=63, ..], Phase::Handshaking(handshake)) => {
                let keys = handshake.handle(datagram, &self.identity, now)?;
                out.extend(std::iter::from_fn(|| handshake.poll_transmit()));
                if let Some(keys) = keys {
                    self.phase = Phase::Open(Box::new(keys));
                    brought.connected = true;
                }
            }
            ([HELLO, ..], Phase::Greeting { keys, .. }) => {
                if let Some(keys) = keys.take() {
                    self.phase = Phase::Open(keys);
                    brought.connected = true;
                }
            }
            ([128..=191, 192..=223, ..], Phase::Open(_)) => {
                self.rtcp(datagram, tallies, now, out)?;
            }
            ([128..=191, ..], Phase::Open(keys)) => {
                brought.kind = self.inbound.rtp(datagram, &mut keys.open, tallies, now);
            }
            // Media before the keys, repeats of the handshake after it, and what is no traffic of ours.
            _ => {}
        }
        Ok(brought)
    }

    /// True if it was the answer that a restart waited for.
    fn stun(
        &mut self,
        datagram: &[u8],
        now: Instant,
        out: &mut Vec<BytesMut>,
    ) -> Result<bool, ClientFailed> {
        let Some(ice) = &mut self.ice else {
            return Ok(false);
        };
        // A message that is not authentic is somebody else's and changes nothing.
        match ice.handle(datagram, self.remote, self.identity.provider(), now) {
            Ok(Heard::Reply(reply)) => out.push(BytesMut::from(&reply[..])),
            Ok(Heard::Answered) => {
                if let Phase::Checking { fingerprint } = &mut self.phase {
                    let fingerprint = std::mem::take(fingerprint);
                    let mut handshake = Handshake::begin(&self.identity, fingerprint, now)?;
                    out.extend(std::iter::from_fn(|| handshake.poll_transmit()));
                    self.phase = Phase::Handshaking(Box::new(handshake));
                }
                let open = matches!(self.phase, Phase::Open(_));
                return Ok(std::mem::take(&mut self.restarting) && open);
            }
            Ok(Heard::Nothing) => {}
            Err(error) => tracing::debug!("a STUN message is of no use: {error}"),
        }
        Ok(false)
    }

    fn rtcp(
        &mut self,
        datagram: &[u8],
        tallies: &Tallies,
        now: Instant,
        out: &mut Vec<BytesMut>,
    ) -> Result<(), ClientFailed> {
        let Phase::Open(keys) = &mut self.phase else {
            return Ok(());
        };
        let words = keys
            .open
            .decrypt_rtcp(datagram)
            .and_then(|mut plain| rtcp::packet::unmarshal(&mut plain));
        let Ok(words) = words else {
            tallies.broken();
            return Ok(());
        };
        for word in &words {
            let word = word.as_any();
            if let Some(report) = word.downcast_ref::<SenderReport>() {
                self.inbound.sender_report(report, now);
            } else if let Some(wanted) = word.downcast_ref::<PictureLossIndication>() {
                self.outbound.key_frame(wanted.media_ssrc);
            } else if let Some(wanted) = word.downcast_ref::<FullIntraRequest>() {
                for entry in &wanted.fir {
                    self.outbound.key_frame(entry.ssrc);
                }
            } else if let Some(wanted) = word.downcast_ref::<TransportLayerNack>() {
                let numbers: Vec<u16> = wanted
                    .nacks
                    .iter()
                    .flat_map(NackPair::packet_list)
                    .collect();
                self.outbound
                    .send_again(wanted.media_ssrc, &numbers, &mut keys.seal, out)?;
            }
        }
        Ok(())
    }
}

fn boxed(packet: impl rtcp::Packet + 'static) -> Box<dyn rtcp::Packet> {
    Box::new(packet)
}
