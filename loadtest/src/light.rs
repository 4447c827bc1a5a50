//! A light participant: ICE, DTLS, SRTP and RTCP for real, but what it receives is only counted by header.
//!
//! The `webrtc` crate's participants cost more than the server they are to load: a thousand packets a second each keep
//! a core busy. These cost about a microsecond a packet. They are made of the same family's component crates, which
//! share no code with the server's SRTP, SDP and ICE; DTLS has one library on both sides.
//!
//! ```text
//! Lanes ▸ Road (a thread: epoll, sockets, times) ▸ Client (one transport) ▸ Ice, Handshake, Inbound, Outbound
//! ```

mod arrivals;
mod client;
mod handshake;
mod header;
mod ice;
mod identity;
mod inbound;
mod keys;
mod lane;
mod outbound;
mod sdp;
mod stream;

pub(crate) use client::{Client, ClientFailed};
pub(crate) use header::Header;
pub(crate) use ice::Credentials;
pub(crate) use identity::Identity;
pub(crate) use keys::Keys;
pub(crate) use lane::{Lanes, Stage, Ticket};
pub(crate) use outbound::{Name, Outbound};
pub(crate) use sdp::{
    Extensions, Line, Local, RIDS, Remote, RemoteLine, SdpUnusable, Stream, answer, offer,
};
