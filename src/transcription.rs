//! Speech to words, on this machine's own processor.
//!
//! ```text
//! Transcriber ▸ worker (a thread) ▸ one Voice for each microphone: Sound ▸ Gate ▸ Engine ▸ Transcriber
//! ```
//!
//! [`Ears`] is the port that actors know. A [`voice`] puts one microphone's packets in order and decodes them
//! ([`sound`]), lets through what is speech ([`gate`]), and has an [`engine`] follow it. Who is silent costs nothing.

pub mod catalogue;
mod ears;
mod engine;
mod file;
mod follow;
pub mod formats;
mod gate;
mod models;
mod sound;
mod voice;
mod whisper;
mod worker;

pub use ears::Ears;
pub use engine::{Engine, EngineError, Heard, Listener, Unfit, Word};
pub use file::{FileError, understand};
pub use models::{Equipment, Models, NoModel, try_folder};
#[cfg(feature = "testing")]
pub use worker::Breakage;
