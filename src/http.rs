//! REST: one file per noun.

pub(crate) mod audit;
mod calls;
mod connections;
mod docs;
pub(crate) mod envelope;
mod erasure;
mod events;
pub(crate) mod extract;
mod files;
mod health;
mod ice;
pub(crate) mod idempotency;
mod keys;
pub mod limits;
mod offers;
pub mod openapi;
mod origin;
pub mod paging;
mod participants;
pub mod problem;
mod quality;
pub mod recordings;
mod rooms;
mod routes;
mod saying;
mod serve;
mod sessions;
#[cfg(feature = "testing")]
mod testing;
mod transcripts;
mod web;
mod webhooks;
mod whep;
mod whip;
mod ws;

#[cfg(test)]
pub(crate) use routes::BASE;
pub(crate) use routes::documented_path;
pub(crate) use serve::{listen, server};
pub use sessions::Sessions;
