//! The server as REST clients see it: in this process, on real sockets.

mod http {
    mod auth;
    mod calls;
    mod erasure;
    mod events;
    mod files;
    mod grants;
    mod health;
    mod idempotency;
    mod keys;
    mod limits;
    mod matrix;
    mod oidc;
    mod pages;
    mod problems;
    mod restart;
    mod rooms;
    mod webhooks;
    mod whip;
}
mod support;
