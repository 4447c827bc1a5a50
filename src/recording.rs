//! Recordings: tapes on disk, what is made of them, and where that is kept.
//!
//! A recording is a folder below `recording.folder`. While it runs, [`writer`] puts each track as it is into files that
//! can be read at any moment, and keeps a [`log`] of what they mean beside them. When it has stopped, [`finish`] makes
//! the files that people get, and a [`storage`] keeps them; [`archive`] sees to it that this happens, also after a crash of the server, and has [`ahead`] compose what is to be composed
//! while it is recorded. [`transcripts`] writes down what is said in it, if somebody asks for that.

pub mod ahead;
pub mod archive;
mod backoff;
mod bucket;
pub mod finish;
mod log;
pub mod render;
mod storage;
mod studio;
pub mod transcripts;
mod unsent;
mod writer;

pub use bucket::PART;
pub use storage::{Storage, StorageError, Storages};
pub use studio::DiskStudio;
