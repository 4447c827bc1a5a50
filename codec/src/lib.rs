//! The libraries that are not Rust, behind types that own what they point to: the only unsafe code.
//!
//! * FFmpeg: what was coded elsewhere goes into files as it is, without being decoded. [`Muxer`] writes, [`Demuxer`]
//!   reads.
//! * [`vosk`]: speech to words, while it is spoken. [`whisper`]: the same, a stretch at a time.

mod demux;
mod error;
mod format;
mod mux;
mod output;
mod probe;
pub mod vosk;
pub mod whisper;

pub use demux::{Demuxer, Read};
pub use error::CodecError;
pub use format::{Coding, Container, StreamFormat};
pub use mux::{Muxer, Sample};
pub use output::Output;
pub use probe::picture_size;
