//! What FFmpeg says when it cannot.

use std::ffi::{CStr, c_int};
use std::io;

use ffmpeg_sys_next as ff;

/// FFmpeg could not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {reason}")]
pub struct CodecError {
    /// What was tried.
    pub doing: &'static str,
    /// What FFmpeg said.
    pub reason: String,
    /// The system could not, so it may be well to try again: the file itself may be whole.
    pub of_system: bool,
}

impl CodecError {
    pub(crate) fn new(doing: &'static str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self {
            doing,
            reason,
            of_system: false,
        }
    }

    /// From what the system says.
    pub(crate) fn system(doing: &'static str, error: &io::Error) -> Self {
        Self {
            of_system: true,
            ..Self::new(doing, error.to_string())
        }
    }

    /// From FFmpeg's own number.
    pub(crate) fn of(doing: &'static str, code: c_int) -> Self {
        let mut text = [0; 128];
        // SAFETY: the buffer is as long as it is said to be; whatever happens, it stays terminated by its zeros.
        unsafe { ff::av_strerror(code, text.as_mut_ptr(), text.len() - 1) };
        // SAFETY: the last byte of the buffer was never written to, so it ends in a zero.
        let text = unsafe { CStr::from_ptr(text.as_ptr()) };
        Self::new(doing, text.to_string_lossy())
    }
}

/// An answer of FFmpeg: negative is an error.
pub(crate) fn check(doing: &'static str, code: c_int) -> Result<c_int, CodecError> {
    if code < 0 {
        Err(CodecError::of(doing, code))
    } else {
        Ok(code)
    }
}
