//! The server as REST clients see it: in this process, on real sockets.

mod http {
    mod auth;
    mod calls;
    mod events;
    mod files;
    mod health;
    mod idempotency;
    mod pages;
    mod problems;
    mod restart;
    mod rooms;
    mod webhooks;
    mod whip;
}
mod support;
