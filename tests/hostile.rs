//! Clients that mean harm, against the program itself. Whatever they do, the server says that it is well, its memory stays
//! bounded, and a call of other people goes on without a break.

mod support;

#[path = "media_e2e/peer.rs"]
#[allow(dead_code, reason = "tests of media use the rest of it")]
mod peer;

mod hostile {
    mod addresses;
    mod bodies;
    pub(crate) mod bomb;
    pub(crate) mod bystanders;
    mod connections;
    mod crowd;
    mod names;
    mod offers;
    pub(crate) mod raw;
    mod sockets;
    mod streams;
    pub(crate) mod wire;
}
