//! What is left when the process dies in the middle of everything, and what the next one makes of it.

mod dying {
    mod chaos;
    mod clock;
    mod database;
    mod descriptors;
    mod disk;
    mod keyed;
    mod killed;
    #[path = "../media_e2e/peer.rs"]
    #[expect(dead_code, reason = "nobody listens here")]
    mod peer;
}
mod support;
