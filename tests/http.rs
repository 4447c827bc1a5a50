//! The server as REST clients see it: in this process, on real sockets.

mod http {
    mod auth;
    mod calls;
    mod health;
    mod idempotency;
    mod pages;
    mod problems;
    mod restart;
    mod rooms;
    mod whip;
}
mod support;
