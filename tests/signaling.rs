//! The server as signaling clients see it: `calls.v1` over real WebSockets.

mod signaling {
    mod limits;
    mod protocol;
    mod resume;
}
mod support;
