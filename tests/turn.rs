//! The built-in TURN server over real sockets: by coturn's own client, and by one that also does what it should not.
#![allow(
    clippy::unwrap_used,
    reason = "what helpers of tests unwrap is what they expect"
)]

mod support;

mod turn {
    pub(crate) mod client;
    mod coturn;
    mod flood;
    mod serving;
    mod streams;
}
