//! A socket's frames in small portions: the server's buffer for writing grows to what it is given at once, and stays so
//! large for as long as the socket lives.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;

/// What the server's buffer is given at once, and what it may hold before it is written, in bytes: together no more than
/// the 8 KiB that it begins with.
pub(crate) const PORTION: usize = 4096;

/// The frames that go to a client.
pub(crate) struct Portions {
    frames: BoxBody,
    rest: Bytes,
}

impl Portions {
    /// Of these frames.
    pub(crate) fn new(frames: BoxBody) -> Self {
        Self {
            frames,
            rest: Bytes::new(),
        }
    }
}

impl MessageBody for Portions {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.frames.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.frames).poll_next(cx)) {
                Some(Ok(frames)) => self.rest = frames,
                other => return Poll::Ready(other),
            }
        }
        let here = self.rest.len().min(PORTION);
        Poll::Ready(Some(Ok(self.rest.split_to(here))))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{future, stream};

    use super::*;

    #[tokio::test]
    async fn frames_come_whole_and_in_order_whatever_their_length() {
        let lengths = [1, PORTION - 1, PORTION, PORTION + 1, 10 * PORTION + 7];
        let frame = |length: usize| (0..length).map(|at| at.to_le_bytes()[0]).collect::<Bytes>();
        let frames: Vec<Bytes> = lengths.into_iter().map(frame).collect();
        let sent = frames.concat();
        let frames = stream::iter(frames.into_iter().map(Ok::<_, actix_web::Error>));
        let mut portions = Portions::new(BoxBody::new(actix_web::body::BodyStream::new(frames)));
        let mut got = Vec::new();
        while let Some(portion) = future::poll_fn(|cx| Pin::new(&mut portions).poll_next(cx)).await
        {
            let portion = portion.expect("frames");
            assert!(portion.len() <= PORTION);
            got.extend_from_slice(&portion);
        }
        assert!(got == sent);
    }
}
