//! A file that a container is written to, and how libavformat reaches it.

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ptr;

use ffmpeg_sys_next as ff;

use crate::error::CodecError;

/// Bytes that libavformat gathers before it hands them over.
const BUFFER: usize = 64 * 1024;

/// `whence` by which libavformat asks for the size (`AVSEEK_SIZE`).
const ASKS_SIZE: c_int = 0x1_0000;
const FROM_START: c_int = 0;
const FROM_HERE: c_int = 1;
const FROM_END: c_int = 2;

/// The file itself, with what went wrong on it: libavformat keeps only a number.
#[derive(Debug)]
struct Sink {
    file: File,
    written: u64,
    failed: Option<io::Error>,
}

/// Owns libavformat's way to a file.
#[derive(Debug)]
pub struct Output {
    context: *mut ff::AVIOContext,
    sink: Box<Sink>,
}

// SAFETY: the context is used through `&mut self` only, and nothing in libavformat ties it to a thread.
unsafe impl Send for Output {}

impl Output {
    /// Writes to this file. One that is `seekable` may be gone back to when it is finished.
    ///
    /// # Errors
    ///
    /// No memory.
    pub fn new(file: File, seekable: bool) -> Result<Self, CodecError> {
        let mut sink = Box::new(Sink {
            file,
            written: 0,
            failed: None,
        });
        // SAFETY: a plain allocation, checked below; libavformat may free or replace it, so it must come from here.
        let buffer = unsafe { ff::av_malloc(BUFFER) }.cast::<u8>();
        if buffer.is_null() {
            return Err(CodecError::new("open a file", "no memory"));
        }
        let opaque: *mut Sink = &raw mut *sink;
        // SAFETY: buffer and size belong together; the sink is boxed, so it stays where it is, and it outlives the
        // context, which `drop` frees first. The callbacks take `opaque` for the sink it is.
        let context = unsafe {
            ff::avio_alloc_context(
                buffer,
                c_int::try_from(BUFFER).unwrap_or(c_int::MAX),
                1,
                opaque.cast::<c_void>(),
                None,
                Some(write),
                if seekable { Some(seek) } else { None },
            )
        };
        if context.is_null() {
            // SAFETY: it was allocated above, and nobody else has it.
            unsafe { ff::av_free(buffer.cast()) };
            return Err(CodecError::new("open a file", "no memory"));
        }
        Ok(Self { context, sink })
    }

    pub(crate) fn context(&mut self) -> *mut ff::AVIOContext {
        self.context
    }

    /// Bytes handed over to the file so far.
    pub fn written(&self) -> u64 {
        self.sink.written
    }

    /// Makes what was handed over survive a power cut.
    ///
    /// # Errors
    ///
    /// What the system says, now or at an earlier write.
    pub fn sync(&mut self) -> io::Result<()> {
        if let Some(error) = self.sink.failed.take() {
            return Err(error);
        }
        self.sink.file.sync_data()
    }

    /// What went wrong on the file itself, if anything.
    pub(crate) fn failure(&mut self) -> Option<io::Error> {
        self.sink.failed.take()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: context and buffer are ours; the buffer may have been replaced, so the context's own is freed.
        unsafe {
            ff::av_freep((&raw mut (*self.context).buffer).cast::<c_void>());
            ff::avio_context_free(&raw mut self.context);
        }
    }
}

unsafe extern "C" fn write(opaque: *mut c_void, bytes: *mut u8, length: c_int) -> c_int {
    // SAFETY: `opaque` is the sink of the output that lives while its context does; nobody else has it at this moment,
    // because libavformat is called through `&mut` only.
    let sink = unsafe { &mut *opaque.cast::<Sink>() };
    let Ok(count) = usize::try_from(length) else {
        return ff::AVERROR(libc::EINVAL);
    };
    if bytes.is_null() || count == 0 {
        return 0;
    }
    // SAFETY: libavformat hands over that many bytes and does not touch them meanwhile.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, count) };
    match sink.file.write_all(bytes) {
        Ok(()) => {
            sink.written += u64::from(length.unsigned_abs());
            length
        }
        Err(error) => {
            let code = error.raw_os_error().unwrap_or(libc::EIO);
            sink.failed.get_or_insert(error);
            ff::AVERROR(code)
        }
    }
}

unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: as in `write`.
    let sink = unsafe { &mut *opaque.cast::<Sink>() };
    let to = match whence & !ff::AVSEEK_FORCE {
        ASKS_SIZE => {
            let size = sink.file.metadata().map(|metadata| metadata.len());
            return size
                .ok()
                .and_then(|size| i64::try_from(size).ok())
                .unwrap_or(-1);
        }
        FROM_START => u64::try_from(offset).map(SeekFrom::Start),
        FROM_HERE => Ok(SeekFrom::Current(offset)),
        FROM_END => Ok(SeekFrom::End(offset)),
        _ => return i64::from(ff::AVERROR(libc::EINVAL)),
    };
    let at = to.ok().and_then(|to| sink.file.seek(to).ok());
    at.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)
}

/// Nothing was allocated for it.
pub(crate) fn not_null<T>(doing: &'static str, pointer: *mut T) -> Result<*mut T, CodecError> {
    if ptr::eq(pointer, ptr::null()) {
        Err(CodecError::new(doing, "no memory"))
    } else {
        Ok(pointer)
    }
}
