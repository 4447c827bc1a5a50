//! Memory for received datagrams: many share one block, and blocks are used again.

use std::collections::VecDeque;

use bytes::BytesMut;

/// Bytes of a block. Everything in it is kept for as long as the one that is needed longest.
const BLOCK: usize = 64 * 1024;

/// Blocks that are tried again before a new one is made: about as long as packets stay in a history.
const BLOCKS: usize = 64;

/// Hands out copies of datagrams. A block whose datagrams are all gone is filled again.
#[derive(Default)]
pub(super) struct Arena {
    block: BytesMut,
    /// The ends of full blocks, the oldest first; they hold the blocks, and nothing else.
    full: VecDeque<BytesMut>,
}

impl Arena {
    /// A copy of its own.
    pub(super) fn copy(&mut self, datagram: &[u8]) -> BytesMut {
        if self.block.capacity() < datagram.len() {
            self.next_block(datagram.len());
        }
        self.block.extend_from_slice(datagram);
        self.block.split()
    }

    fn next_block(&mut self, least: usize) {
        let next = self.free_block(BLOCK.max(least));
        let end = std::mem::replace(&mut self.block, next);
        if end.capacity() > 0 {
            self.full.push_back(end);
        }
    }

    /// The oldest block, if nobody holds anything of it any more; else a new one.
    fn free_block(&mut self, size: usize) -> BytesMut {
        if let Some(mut oldest) = self.full.pop_front() {
            if oldest.try_reclaim(size) {
                return oldest;
            }
            if self.full.len() + 1 < BLOCKS {
                self.full.push_front(oldest);
            }
        }
        BytesMut::with_capacity(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_stays_as_it_was() {
        let mut arena = Arena::default();
        let held: Vec<(u8, BytesMut)> = (0..=255)
            .cycle()
            .take(20_000)
            .map(|byte| (byte, arena.copy(&[byte; 1000])))
            .collect();
        assert!(
            held.iter()
                .all(|(byte, datagram)| datagram[..] == [*byte; 1000])
        );
    }

    #[test]
    fn a_block_is_filled_again_once_its_datagrams_are_gone() {
        let mut arena = Arena::default();
        let mut blocks = std::collections::HashSet::new();
        for _ in 0..100_000 {
            let datagram = arena.copy(&[7; 1200]);
            blocks.insert(datagram.as_ptr() as usize / BLOCK);
        }
        assert!(
            blocks.len() <= 6,
            "two blocks suffice, each across two to three of these: {}",
            blocks.len()
        );
    }

    #[test]
    fn a_datagram_longer_than_a_block_has_its_place_too() {
        let mut arena = Arena::default();
        assert_eq!(arena.copy(&vec![1; BLOCK + 1]).len(), BLOCK + 1);
        assert_eq!(arena.copy(&[2; 10])[..], [2; 10]);
    }
}
