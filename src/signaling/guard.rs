//! What a client's frames claim to be long, looked at before anything of them is kept.
//!
//! The library behind it collects a whole frame before it compares its length with a bound, so that a frame of four
//! gigabytes would be four gigabytes of memory.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::error::PayloadError;
use bytes::Bytes;
use calls_model::signal::MAX_FRAME;
use futures_util::Stream;

/// Two bytes, eight of length, four of a mask (RFC 6455 §5.2).
const LONGEST_HEAD: usize = 14;

/// The bytes of a WebSocket, up to the head of the first frame that is longer than [`MAX_FRAME`].
pub(crate) struct Guard<S> {
    stream: S,
    frames: Frames,
    overrun: Overrun,
}

/// Whether a frame claimed too much; the library has no name for what its stream ends with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrun(Rc<Cell<bool>>);

impl Overrun {
    /// It did: nothing more is read.
    pub(crate) fn happened(&self) -> bool {
        self.0.get()
    }
}

impl<S> Guard<S> {
    /// Around what a client sends.
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            frames: Frames::default(),
            overrun: Overrun::default(),
        }
    }

    /// For whoever hears that the stream failed.
    pub(crate) fn overrun(&self) -> Overrun {
        self.overrun.clone()
    }
}

impl<S> Stream for Guard<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.overrun.happened() {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut self.stream).poll_next(cx);
        match polled {
            Poll::Ready(Some(Ok(bytes))) if self.frames.pass(&bytes).is_err() => {
                self.overrun.0.set(true);
                Poll::Ready(Some(Err(PayloadError::Overflow)))
            }
            other => other,
        }
    }
}

/// Where in its frame the stream is.
#[derive(Debug, Default)]
struct Frames {
    head: [u8; LONGEST_HEAD],
    /// Of the head, so many bytes are here.
    known: usize,
    /// Bytes of the payload that are still to come.
    left: u64,
}

/// A frame claims more than any may have.
#[derive(Debug, PartialEq, Eq)]
struct TooLong;

impl Frames {
    fn pass(&mut self, mut bytes: &[u8]) -> Result<(), TooLong> {
        while let Some(&first) = bytes.first() {
            if self.left > 0 {
                let here =
                    usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.left -= here as u64;
                bytes = &bytes[here..];
                continue;
            }
            bytes = &bytes[1..];
            self.head[self.known] = first;
            self.known += 1;
            if self.known == head_len(&self.head[..self.known]) {
                self.left = payload_len(&self.head);
                self.known = 0;
                if self.left > MAX_FRAME as u64 {
                    return Err(TooLong);
                }
            }
        }
        Ok(())
    }
}

/// How long the head is that begins so; more than there is, while that cannot be known.
fn head_len(head: &[u8]) -> usize {
    let Some(second) = head.get(1) else {
        return LONGEST_HEAD;
    };
    let length = match second & 0x7f {
        127 => 8,
        126 => 2,
        _ => 0,
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    2 + length + mask
}

fn payload_len(head: &[u8; LONGEST_HEAD]) -> u64 {
    let big_endian = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0_u64, |length, byte| (length << 8) | u64::from(*byte))
    };
    match head[1] & 0x7f {
        127 => big_endian(&head[2..10]),
        126 => big_endian(&head[2..4]),
        short => short.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A masked text frame; its payload is as long as is said, or not there at all.
    fn frame(length: u64, whole: bool) -> Vec<u8> {
        let mut frame = vec![0x81];
        match length {
            0..126 => frame.push(0x80 + u8::try_from(length).expect("short")),
            126..0x1_0000 => {
                frame.push(0x80 + 126);
                frame.extend(u16::try_from(length).expect("short").to_be_bytes());
            }
            _ => {
                frame.push(0x80 + 127);
                frame.extend(length.to_be_bytes());
            }
        }
        frame.extend([0xff; 4]);
        if whole {
            frame.resize(
                frame.len() + usize::try_from(length).expect("it fits"),
                0xff,
            );
        }
        frame
    }

    #[test]
    fn frames_pass_wherever_they_are_cut() {
        let max = MAX_FRAME as u64;
        let lengths = [0, 1, 125, 126, 65_535, 65_536, max, 3];
        let stream: Vec<u8> = lengths
            .into_iter()
            .flat_map(|length| frame(length, true))
            .collect();
        for cut in [1, 2, 3, 7, 1000, stream.len()] {
            let mut frames = Frames::default();
            for piece in stream.chunks(cut) {
                assert_eq!(frames.pass(piece), Ok(()), "in pieces of {cut}");
            }
            assert_eq!((frames.left, frames.known), (0, 0));
        }
    }

    #[test]
    fn a_frame_that_claims_too_much_is_stopped_at_its_head() {
        for length in [MAX_FRAME as u64 + 1, 4 << 30, u64::MAX] {
            let mut frames = Frames::default();
            assert_eq!(frames.pass(&frame(5, true)), Ok(()));
            let mut head = frame(length, false);
            let last = head.pop().expect("it has some");
            assert_eq!(frames.pass(&head), Ok(()), "not all of the head is here");
            assert_eq!(frames.pass(&[last]), Err(TooLong));
        }
    }
}
