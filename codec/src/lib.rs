//! Containers, by FFmpeg's libraries: what was coded elsewhere goes into files as it is, without being decoded.
//!
//! [`Muxer`] writes, [`Demuxer`] reads. All that is unsafe here is the calls into libavformat and libavcodec, behind
//! types that own what they point to.

mod demux;
mod error;
mod format;
mod mux;
mod output;
mod probe;

pub use demux::{Demuxer, Read};
pub use error::CodecError;
pub use format::{Coding, Container, StreamFormat};
pub use mux::{Muxer, Sample};
pub use output::Output;
pub use probe::picture_size;
