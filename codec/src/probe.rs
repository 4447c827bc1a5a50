//! What a coded picture tells of itself.

use std::ffi::c_int;
use std::ptr;

use ffmpeg_sys_next as ff;

use crate::format::Coding;

/// Zeros that FFmpeg wants behind what it parses.
const PADDING: usize = 64;

/// Width and height in pixels of a key frame, read by FFmpeg's own parsers; `None` where it does not tell.
pub fn picture_size(coding: Coding, frame: &[u8]) -> Option<(u32, u32)> {
    if coding == Coding::Vp9 {
        return vp9_size(frame); // FFmpeg's parser does not read it
    }
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

/// Width and height in the uncompressed header of a VP9 key frame (VP9 bitstream specification §6.2).
fn vp9_size(frame: &[u8]) -> Option<(u32, u32)> {
    const SYNC: u32 = 0x49_83_42;
    const SRGB: u32 = 7;
    let mut at = 0;
    let mut read = |bits: usize| {
        let mut value = 0;
        for _ in 0..bits {
            let byte = u32::from(*frame.get(at / 8)?);
            value = value << 1 | byte >> (7 - at % 8) & 1;
            at += 1;
        }
        Some(value)
    };
    let marker = read(2)?;
    let profile = read(1)? | read(1)? << 1;
    if profile == 3 {
        read(1)?;
    }
    let (again, inter) = (read(1)?, read(1)?);
    read(2)?; // shown, resilient
    if marker != 2 || again == 1 || inter == 1 || read(24)? != SYNC {
        return None;
    }
    if profile >= 2 {
        read(1)?; // ten or twelve bits
    }
    if read(3)? != SRGB {
        read(1)?; // range
        if profile % 2 == 1 {
            read(3)?; // subsampling
        }
    } else if profile % 2 == 1 {
        read(1)?;
    }
    Some((read(16)? + 1, read(16)? + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vp9_key_frame_tells_its_size() {
        // Profile 0, key frame, shown; BT.601, studio range; 160x96.
        let frame = [0x82, 0x49, 0x83, 0x42, 0x20, 0x09, 0xf0, 0x05, 0xf0];
        assert_eq!(picture_size(Coding::Vp9, &frame), Some((160, 96)));
        assert_eq!(picture_size(Coding::Vp9, &frame[..6]), None);
        assert_eq!(picture_size(Coding::Vp9, &[0x86, 0, 0x40, 0x92]), None);
    }
}
