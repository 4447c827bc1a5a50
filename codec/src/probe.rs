//! What a coded picture tells of itself.

use std::ffi::c_int;
use std::ptr;

use ffmpeg_sys_next as ff;

use crate::format::Coding;

/// Zeros that FFmpeg wants behind what it parses.
const PADDING: usize = 64;

/// Width and height in pixels of a key frame, read by FFmpeg's own parsers; `None` where it does not tell.
pub fn picture_size(coding: Coding, frame: &[u8]) -> Option<(u32, u32)> {
    let mut padded = Vec::with_capacity(frame.len() + PADDING);
    padded.extend_from_slice(frame);
    padded.resize(frame.len() + PADDING, 0);
    let length = c_int::try_from(frame.len()).ok()?;
    // SAFETY: parser and codec context are made here, checked, and freed here. The parser reads `length` bytes and the
    // padding behind them, which are there.
    let (width, height) = unsafe {
        let parser = ff::av_parser_init(coding.id() as c_int);
        if parser.is_null() {
            return None;
        }
        let mut codec = ff::avcodec_alloc_context3(ff::avcodec_find_decoder(coding.id()));
        if codec.is_null() {
            ff::av_parser_close(parser);
            return None;
        }
        (*parser).flags |= ff::PARSER_FLAG_COMPLETE_FRAMES;
        let (mut out, mut size) = (ptr::null_mut(), 0);
        ff::av_parser_parse2(
            parser,
            codec,
            &raw mut out,
            &raw mut size,
            padded.as_ptr(),
            length,
            ff::AV_NOPTS_VALUE,
            ff::AV_NOPTS_VALUE,
            0,
        );
        let told = match ((*parser).width, (*parser).height) {
            (0, _) | (_, 0) => ((*codec).width, (*codec).height),
            told => told,
        };
        ff::av_parser_close(parser);
        ff::avcodec_free_context(&raw mut codec);
        told
    };
    let size = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    (size.0 > 0 && size.1 > 0).then_some(size)
}
