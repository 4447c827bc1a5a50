//! Puts coded frames into a file.

use std::ffi::{CStr, CString, c_int};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use ffmpeg_sys_next as ff;

use crate::demux::{Demuxer, MICROS};
use crate::error::{CodecError, check};
use crate::format::{Container, OPUS_HEAD, StreamFormat};
use crate::output::{Output, not_null};

/// Zeros that FFmpeg wants behind what it parses (`AV_INPUT_BUFFER_PADDING_SIZE`).
const PADDING: usize = 64;

/// One coded frame on its way into a file.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// When it is shown or heard, in microseconds.
    pub at_us: i64,
    /// How long, in microseconds; 0: until the next one.
    pub lasts_us: i64,
    /// A decoder can start here.
    pub key: bool,
    /// The frame.
    pub data: &'a [u8],
}

/// Writes one file.
#[derive(Debug)]
pub struct Muxer {
    context: *mut ff::AVFormatContext,
    packet: *mut ff::AVPacket,
    output: Output,
    /// The last time of each stream, in its own units: a container wants them to rise.
    last: Vec<i64>,
    finished: bool,
}

// SAFETY: all of it is used through `&mut self` only, and nothing in libavformat ties it to a thread.
unsafe impl Send for Muxer {}

impl Muxer {
    /// A file that can be read at any moment of its making: whatever was [`flush`](Self::flush)ed stands in closed
    /// clusters. It has neither an index nor a duration. One stream.
    ///
    /// # Errors
    ///
    /// FFmpeg refuses the format, or the file cannot be written.
    pub fn live(
        file: File,
        container: Container,
        format: &StreamFormat,
    ) -> Result<Self, CodecError> {
        let options = [(c"live", c"1"), (c"cluster_time_limit", c"1000")];
        let mut muxer = Self::open(file, container, None)?;
        muxer.add(format)?;
        muxer.begin(&options)?;
        Ok(muxer)
    }

    /// A whole file with index and duration, of the streams of another one.
    ///
    /// # Errors
    ///
    /// As [`live`](Self::live).
    pub fn whole(path: &Path, container: Container, from: &Demuxer) -> Result<Self, CodecError> {
        const DOING: &str = "make a file";
        let name = CString::new(path.as_os_str().as_bytes())
            .map_err(|_| CodecError::new(DOING, "a NUL in its name"))?;
        let file = File::create(path).map_err(|error| CodecError::new(DOING, error.to_string()))?;
        let mut muxer = Self::open(file, container, Some(&name))?;
        for index in 0..from.streams() {
            muxer.add_copy(from, index)?;
        }
        match container {
            Container::Mp4 => muxer.begin(&[(c"movflags", c"+faststart")])?,
            Container::WebM | Container::Matroska => muxer.begin(&[(c"cues_to_front", c"1")])?,
        }
        Ok(muxer)
    }

    /// A file with a name may be gone back to: its index is moved to the front, for which it is opened once more.
    fn open(file: File, container: Container, name: Option<&CStr>) -> Result<Self, CodecError> {
        const DOING: &str = "open a container";
        let output = Output::new(file, name.is_some())?;
        // SAFETY: takes nothing.
        let packet = not_null(DOING, unsafe { ff::av_packet_alloc() })?;
        let mut muxer = Self {
            context: ptr::null_mut(),
            packet,
            output,
            last: Vec::new(),
            finished: true, // until it has begun
        };
        let kind = container.name().as_ptr();
        let name = name.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: both names are terminated, and copied; where it fails the context stays null, which is checked.
        let code = unsafe {
            ff::avformat_alloc_output_context2(&raw mut muxer.context, ptr::null_mut(), kind, name)
        };
        check(DOING, code)?;
        let context = not_null(DOING, muxer.context)?;
        // SAFETY: the context is fresh; the output lives as long as the muxer, and is freed after it.
        unsafe {
            (*context).pb = muxer.output.context();
            (*context).flags |= ff::AVFMT_FLAG_CUSTOM_IO | ff::AVFMT_FLAG_BITEXACT;
            // Recordings begin when they begin, not when their first frame is.
            (*context).avoid_negative_ts = ff::AVFMT_AVOID_NEG_TS_MAKE_NON_NEGATIVE;
            // Streams of which one is silent for long must not wait for each other.
            (*context).max_interleave_delta = 1_000_000;
        }
        Ok(muxer)
    }

    fn stream(&mut self) -> Result<*mut ff::AVStream, CodecError> {
        // SAFETY: the context was checked in `open`; a stream belongs to it.
        let stream = unsafe { ff::avformat_new_stream(self.context, ptr::null()) };
        self.last.push(i64::MIN);
        not_null("add a stream", stream)
    }

    fn add(&mut self, format: &StreamFormat) -> Result<(), CodecError> {
        let stream = self.stream()?;
        let parameters = match (format.coding.is_audio(), &format.parameters[..]) {
            (true, []) => &OPUS_HEAD[..],
            (_, given) => given,
        };
        // SAFETY: stream and its parameters are fresh and valid while the context is; the copy is allocated by FFmpeg,
        // as it asks for, with its padding of zeros, and is freed by it.
        unsafe {
            let codec = (*stream).codecpar;
            (*codec).codec_id = format.coding.id();
            (*stream).time_base = MICROS;
            if format.coding.is_audio() {
                (*codec).codec_type = ff::AVMediaType::AVMEDIA_TYPE_AUDIO;
                (*codec).sample_rate = 48_000;
                ff::av_channel_layout_default(&raw mut (*codec).ch_layout, 2);
            } else {
                (*codec).codec_type = ff::AVMediaType::AVMEDIA_TYPE_VIDEO;
                let (width, height) = format.size.unwrap_or((0, 0));
                (*codec).width = c_int::try_from(width).unwrap_or(0);
                (*codec).height = c_int::try_from(height).unwrap_or(0);
            }
            if !parameters.is_empty() {
                let copy = ff::av_mallocz(parameters.len() + PADDING).cast::<u8>();
                let copy = not_null("add a stream", copy)?;
                ptr::copy_nonoverlapping(parameters.as_ptr(), copy, parameters.len());
                (*codec).extradata = copy;
                (*codec).extradata_size = c_int::try_from(parameters.len()).unwrap_or(0);
            }
        }
        Ok(())
    }

    fn add_copy(&mut self, from: &Demuxer, index: usize) -> Result<(), CodecError> {
        let stream = self.stream()?;
        let parameters = from.parameters(index)?;
        // SAFETY: both are valid; FFmpeg copies what it needs. The tag is one of the other container's.
        let code = unsafe {
            let code = ff::avcodec_parameters_copy((*stream).codecpar, parameters);
            (*(*stream).codecpar).codec_tag = 0;
            (*stream).time_base = MICROS;
            code
        };
        check("add a stream", code).map(drop)
    }

    fn begin(&mut self, options: &[(&CStr, &CStr)]) -> Result<(), CodecError> {
        const DOING: &str = "begin a container";
        let mut dictionary = ptr::null_mut();
        for (key, value) in options {
            // SAFETY: both are terminated, and copied.
            unsafe { ff::av_dict_set(&raw mut dictionary, key.as_ptr(), value.as_ptr(), 0) };
        }
        // SAFETY: context and dictionary are valid; the dictionary is ours again afterwards, and freed.
        let code = unsafe {
            let code = ff::avformat_write_header(self.context, &raw mut dictionary);
            ff::av_dict_free(&raw mut dictionary);
            code
        };
        self.checked(DOING, code)?;
        self.finished = false;
        Ok(())
    }

    /// Writes one frame of a stream. Times that do not rise are moved to the next moment that the container knows.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or FFmpeg refuses the frame.
    pub fn write(&mut self, stream: usize, sample: Sample<'_>) -> Result<(), CodecError> {
        const DOING: &str = "write a frame";
        let Some(last) = self.last.get_mut(stream) else {
            return Err(CodecError::new(DOING, "no such stream"));
        };
        let (Ok(size), Ok(index)) = (c_int::try_from(sample.data.len()), c_int::try_from(stream))
        else {
            return Err(CodecError::new(DOING, "the frame is too large"));
        };
        // SAFETY: the stream exists (checked above). The packet borrows the data: it has no buffer of its own, so
        // whoever keeps it copies it, and it is emptied before this returns. The muxer reads `size` bytes only; parsers
        // that would read on into padding are not used when writing.
        let code = unsafe {
            let base = (**(*self.context).streams.add(stream)).time_base;
            let at = ff::av_rescale_q(sample.at_us, MICROS, base).max(last.saturating_add(1));
            *last = at;
            let packet = self.packet;
            (*packet).data = sample.data.as_ptr().cast_mut();
            (*packet).size = size;
            (*packet).stream_index = index;
            (*packet).pts = at;
            (*packet).dts = at;
            (*packet).duration = ff::av_rescale_q(sample.lasts_us, MICROS, base);
            (*packet).flags = if sample.key { ff::AV_PKT_FLAG_KEY } else { 0 };
            let code = if self.last.len() == 1 {
                ff::av_write_frame(self.context, packet)
            } else {
                ff::av_interleaved_write_frame(self.context, packet)
            };
            ff::av_packet_unref(packet);
            code
        };
        self.checked(DOING, code)
    }

    /// Closes the cluster and hands everything over to the file.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn flush(&mut self) -> Result<(), CodecError> {
        // SAFETY: the context has begun; no packet means flush. The file's own context is valid while ours is.
        let code = unsafe {
            let code = ff::av_write_frame(self.context, ptr::null_mut());
            ff::avio_flush((*self.context).pb);
            code
        };
        self.checked("flush a file", code)
    }

    /// Makes what was flushed survive a power cut.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn sync(&mut self) -> Result<(), CodecError> {
        let synced = self.output.sync();
        synced.map_err(|error| CodecError::new("sync a file", error.to_string()))
    }

    /// Bytes handed over to the file; some more than are in it, where its index was moved to the front.
    pub fn written(&self) -> u64 {
        self.output.written()
    }

    /// Writes what belongs to the end, and syncs.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn finish(mut self) -> Result<u64, CodecError> {
        self.end()?;
        self.sync()?;
        Ok(self.written())
    }

    fn end(&mut self) -> Result<(), CodecError> {
        if std::mem::replace(&mut self.finished, true) {
            return Ok(());
        }
        // SAFETY: the context has begun and was not ended yet.
        let code = unsafe {
            let code = ff::av_write_trailer(self.context);
            ff::avio_flush((*self.context).pb);
            code
        };
        self.checked("finish a file", code)
    }

    /// What the system said is worth more than what FFmpeg makes of it.
    fn checked(&mut self, doing: &'static str, code: c_int) -> Result<(), CodecError> {
        match self.output.failure() {
            Some(error) => Err(CodecError::new(doing, error.to_string())),
            None => check(doing, code).map(drop),
        }
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        let _ = self.end(); // whoever cares calls `finish`
        // SAFETY: both are ours, and null or valid. The file's context is not the format context's to free.
        unsafe {
            ff::avformat_free_context(self.context);
            ff::av_packet_free(&raw mut self.packet);
        }
    }
}
