//! Messages in a stream of bytes (RFC 8656 §3.3): each says its own length, and `ChannelData` is padded.

use bytes::{Buf, BytesMut};

use crate::wire::{HEADER, MAGIC_COOKIE, channel};

/// Longest message that is taken: well above what requests, checks, handshakes and media need.
const LONGEST: usize = 8192;

/// Bytes that tell how long a message is, and whether it is one.
const BEGINNING: usize = 8;

/// What came is not TURN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stream holds something that is no TURN message")]
pub struct NotTurn;

/// Cuts messages out of what was read. It never holds more than one message and what was read in one piece.
#[derive(Debug, Default)]
pub struct Deframer {
    read: BytesMut,
    /// Bytes of the message that was handed out last.
    done: usize,
}

impl Deframer {
    /// Where to append what is read next; there is space for `most` at least.
    pub fn space(&mut self, most: usize) -> &mut BytesMut {
        self.read.advance(std::mem::take(&mut self.done));
        self.read.reserve(most);
        &mut self.read
    }

    /// The next message, once all of it is there.
    ///
    /// # Errors
    ///
    /// [`NotTurn`]: nothing that follows can be told apart any more.
    // Not an iterator: what it lends ends with the next call.
    pub fn next_message(&mut self) -> Result<Option<&[u8]>, NotTurn> {
        self.read.advance(std::mem::take(&mut self.done));
        let Some(length) = message_length(&self.read)? else {
            return Ok(None);
        };
        let padded = length.next_multiple_of(channel::PADDED_TO);
        if self.read.len() < padded {
            return Ok(None);
        }
        self.done = padded;
        Ok(Some(&self.read[..length]))
    }
}

/// How long the message is that begins here; none if too little of it is there to tell.
fn message_length(bytes: &[u8]) -> Result<Option<usize>, NotTurn> {
    let Some(&[first, _, l0, l1]) = bytes.first_chunk::<{ channel::HEADER }>() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let whole = if channel::is_channel(first) {
        channel::HEADER + length
    } else {
        let is_stun = first < 4 && length.is_multiple_of(4);
        let Some(beginning) = bytes.first_chunk::<BEGINNING>() else {
            return if is_stun { Ok(None) } else { Err(NotTurn) };
        };
        if !is_stun || beginning[4..] != MAGIC_COOKIE {
            return Err(NotTurn);
        }
        HEADER + length
    };
    if whole > LONGEST {
        return Err(NotTurn);
    }
    Ok(Some(whole))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn messages(deframer: &mut Deframer) -> Result<Vec<Vec<u8>>, NotTurn> {
        std::iter::from_fn(|| {
            let message = deframer.next_message().transpose()?;
            Some(message.map(<[u8]>::to_vec))
        })
        .collect()
    }

    fn message() -> impl Strategy<Value = Vec<u8>> {
        let content = prop::collection::vec(any::<u8>(), 0..300);
        (any::<bool>(), content).prop_map(|(is_channel, content)| {
            let mut message = Vec::new();
            if is_channel {
                channel::write(&mut message, 0x4001, &content, false);
            } else {
                let content = &content[..content.len() / 4 * 4];
                message.extend([0, 1]);
                message.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
                message.extend(MAGIC_COOKIE);
                message.extend([9; 12]);
                message.extend(content);
            }
            message
        })
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in_wherever_the_stream_is_cut(
            sent in prop::collection::vec(message(), 0..20), cut in 1..200usize,
        ) {
            let mut stream = Vec::new();
            for message in &sent {
                stream.extend(message);
                stream.resize(stream.len().next_multiple_of(4), 0);
            }
            let mut deframer = Deframer::default();
            let mut got = Vec::new();
            for piece in stream.chunks(cut) {
                deframer.space(piece.len()).extend_from_slice(piece);
                got.extend(messages(&mut deframer).expect("all of it is TURN"));
            }
            prop_assert_eq!(got, sent);
        }

        #[test]
        fn any_bytes_are_survived(stream in prop::collection::vec(any::<u8>(), 0..2000)) {
            let mut deframer = Deframer::default();
            deframer.space(stream.len()).extend_from_slice(&stream);
            let _ = messages(&mut deframer);
        }
    }

    #[test]
    fn what_is_no_turn_or_too_long_is_seen_at_its_beginning() {
        let mut stun = vec![0, 1, 0, 4];
        stun.extend([0; 4]);
        for beginning in [
            &b"GET / HTTP/1.1"[..],
            &[0x16, 3, 1, 2],
            &[0x80, 0, 0, 0],
            &[0, 1, 0, 3],
            &[0x40, 0, 0xFF, 0xFF],
            &stun,
        ] {
            let mut deframer = Deframer::default();
            deframer.space(20).extend_from_slice(beginning);
            assert_eq!(deframer.next_message(), Err(NotTurn), "{beginning:?}");
        }
    }
}
