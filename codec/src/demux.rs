//! Reads coded frames out of a file, also one that ends in the middle.

use std::ffi::{CString, c_int};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use ffmpeg_sys_next as ff;

use crate::error::{CodecError, check};
use crate::output::not_null;

/// Times at this crate's border.
pub(crate) const MICROS: ff::AVRational = ff::AVRational {
    num: 1,
    den: 1_000_000,
};

/// So often it is tried to get on where a damaged place does not end, before the rest counts as unreadable.
const MOST_STUCK: usize = 100;

/// One frame, as long as no other is read.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    /// Of which stream.
    pub stream: usize,
    /// When it is shown or heard, in microseconds.
    pub at_us: i64,
    /// How long, in microseconds; 0: unknown.
    pub lasts_us: i64,
    /// A decoder can start here.
    pub key: bool,
    /// The frame.
    pub data: &'a [u8],
}

/// How far reading got, and how often it was tried in vain to get on from there.
struct Stuck {
    furthest: i64,
    tries: usize,
}

impl Stuck {
    fn at(place: i64) -> Self {
        Self {
            furthest: place,
            tries: 0,
        }
    }

    /// It failed once more, here. Tells whether that is enough.
    fn fails(&mut self, place: i64) -> bool {
        self.tries = if place > self.furthest {
            0
        } else {
            self.tries + 1
        };
        self.furthest = self.furthest.max(place);
        self.tries >= MOST_STUCK
    }
}

/// Reads one file.
#[derive(Debug)]
pub struct Demuxer {
    context: *mut ff::AVFormatContext,
    packet: *mut ff::AVPacket,
    damage: u64,
    gave_up: bool,
}

// SAFETY: all of it is used through `&mut self`, or read without being changed; nothing ties it to a thread.
unsafe impl Send for Demuxer {}

impl Demuxer {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// It is none that FFmpeg can read, or the system does not let it ([`CodecError::of_system`]).
    pub fn open(path: &Path) -> Result<Self, CodecError> {
        Self::try_open(path).map_err(|error| {
            // FFmpeg says "input/output error" of a file that ends too early as well; the system knows better.
            let read = File::open(path).and_then(|mut file| io::copy(&mut file, &mut io::sink()));
            match read {
                Err(read) if read.kind() != io::ErrorKind::NotFound => {
                    CodecError::system(error.doing, &read)
                }
                _ => error,
            }
        })
    }

    fn try_open(path: &Path) -> Result<Self, CodecError> {
        const DOING: &str = "open a recorded file";
        let name = CString::new(path.as_os_str().as_bytes())
            .map_err(|_| CodecError::new(DOING, "a NUL in its name"))?;
        // SAFETY: takes nothing.
        let packet = not_null(DOING, unsafe { ff::av_packet_alloc() })?;
        let mut demuxer = Self {
            context: ptr::null_mut(),
            packet,
            damage: 0,
            gave_up: false,
        };
        // SAFETY: the name is terminated; on failure FFmpeg frees the context and leaves null.
        let code = unsafe {
            ff::avformat_open_input(
                &raw mut demuxer.context,
                name.as_ptr(),
                ptr::null(),
                ptr::null_mut(),
            )
        };
        check(DOING, code)?;
        // SAFETY: the context is valid now; no options for its streams.
        let code = unsafe { ff::avformat_find_stream_info(demuxer.context, ptr::null_mut()) };
        check(DOING, code)?;
        Ok(demuxer)
    }

    /// How many streams it has.
    pub fn streams(&self) -> usize {
        // SAFETY: the context is valid from `open` to `drop`.
        let count = unsafe { (*self.context).nb_streams };
        usize::try_from(count).unwrap_or(0)
    }

    /// Width and height of a stream of pictures.
    pub fn size(&self, stream: usize) -> Option<(u32, u32)> {
        let parameters = self.parameters(stream).ok()?;
        // SAFETY: valid while the context is.
        let (width, height) = unsafe { ((*parameters).width, (*parameters).height) };
        let size = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
        (size.0 > 0 && size.1 > 0).then_some(size)
    }

    pub(crate) fn parameters(
        &self,
        stream: usize,
    ) -> Result<*const ff::AVCodecParameters, CodecError> {
        if stream >= self.streams() {
            return Err(CodecError::new("read a stream", "no such stream"));
        }
        // SAFETY: there are that many, and they are valid while the context is.
        Ok(unsafe { (**(*self.context).streams.add(stream)).codecpar })
    }

    /// The next frame; `None` at the end, which is also where a file was cut off. What is damaged in the middle is left
    /// out, as long as it ends somewhere; [`damage`](Self::damage) and [`gave_up`](Self::gave_up) tell.
    ///
    /// # Errors
    ///
    /// The system does not let it ([`CodecError::of_system`]), or FFmpeg cannot.
    pub fn read(&mut self) -> Result<Option<Read<'_>>, CodecError> {
        if !self.advance()? {
            return Ok(None);
        }
        // SAFETY: the packet was just filled: its data is as long as it says, its stream exists.
        unsafe {
            let packet = &*self.packet;
            let stream = usize::try_from(packet.stream_index).unwrap_or(0);
            let base = (**(*self.context).streams.add(stream)).time_base;
            let at = if packet.pts == ff::AV_NOPTS_VALUE {
                packet.dts
            } else {
                packet.pts
            };
            let data = match usize::try_from(packet.size) {
                Ok(size) if !packet.data.is_null() => std::slice::from_raw_parts(packet.data, size),
                _ => &[],
            };
            Ok(Some(Read {
                stream,
                at_us: ff::av_rescale_q(at, base, MICROS),
                lasts_us: ff::av_rescale_q(packet.duration, base, MICROS),
                key: packet.flags & ff::AV_PKT_FLAG_KEY as c_int != 0,
                data,
            }))
        }
    }
}

impl Demuxer {
    /// How many times something could not be read and was left out so far. FFmpeg gets over some damage by itself, and says
    /// nothing of it.
    pub fn damage(&self) -> u64 {
        self.damage
    }

    /// The end was not reached: from some damaged place on nothing could be read.
    pub fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// How far into the file it has read.
    fn place(&self) -> i64 {
        // SAFETY: a context that was opened by name has its own reader until it is closed; this moves nothing.
        unsafe { ff::avio_seek((*self.context).pb, 0, libc::SEEK_CUR) }
    }

    /// Fills the packet; false at the end.
    fn advance(&mut self) -> Result<bool, CodecError> {
        const DOING: &str = "read a frame";
        let mut stuck = Stuck::at(self.place());
        loop {
            // SAFETY: context and packet are valid; the packet's earlier content is given back first.
            let code = unsafe {
                ff::av_packet_unref(self.packet);
                ff::av_read_frame(self.context, self.packet)
            };
            if code >= 0 {
                return Ok(true);
            }
            // SAFETY: a context that was opened by name has its own reader until it is closed.
            let (failed, at_end) = unsafe {
                let reader = (*self.context).pb;
                ((*reader).error, (*reader).eof_reached != 0)
            };
            if failed < 0 && failed != ff::AVERROR_EOF {
                return Err(CodecError {
                    of_system: true,
                    ..CodecError::of(DOING, failed)
                });
            }
            let damaged = code == ff::AVERROR_INVALIDDATA || code == ff::AVERROR(libc::EIO);
            if code == ff::AVERROR_EOF || (damaged && at_end) {
                return Ok(false);
            }
            if !damaged {
                check(DOING, code)?;
            }
            self.damage += 1;
            if stuck.fails(self.place()) {
                self.gave_up = true;
                return Ok(false);
            }
        }
    }
}

impl Drop for Demuxer {
    fn drop(&mut self) {
        // SAFETY: both are ours, and null or valid.
        unsafe {
            ff::avformat_close_input(&raw mut self.context);
            ff::av_packet_free(&raw mut self.packet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_up_where_it_does_not_get_on_and_nowhere_else() {
        let mut stuck = Stuck::at(0);
        assert!((1..1000).all(|place| !stuck.fails(place)), "it gets on");
        assert!((900..999).all(|place| !stuck.fails(place)), "it is tried");
        assert!(stuck.fails(999));
    }
}
