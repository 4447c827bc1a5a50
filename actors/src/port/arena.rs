//! Memory for received datagrams: many share one block, and blocks are used again.

use std::collections::VecDeque;

use bytes::BytesMut;

/// Bytes of a block. Everything in it is kept for as long as the one that is needed longest.
const BLOCK: usize = 64 * 1024;

/// Blocks that are tried again before a new one is made: about as long as packets stay in a history.
const BLOCKS: usize = 64;

/// Blocks are given back while more than one of so many is free: a rush fills many, and what follows needs few.
const SPARE: usize = 8;

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
                self.give_back();
                return oldest;
            }
            if self.full.len() + 1 < BLOCKS {
                self.full.push_front(oldest);
            }
        }
        BytesMut::with_capacity(size)
    }

    /// Datagrams mostly go in the order in which they came, so where this one is free those before it are.
    fn give_back(&mut self) {
        let spare = self.full.len() / SPARE + 1;
        let free = |block: &mut BytesMut| block.try_reclaim(BLOCK);
        if self.full.get_mut(spare).is_some_and(free) {
            self.full.pop_front();
        }
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
    fn what_a_rush_needed_is_given_back() {
        let mut arena = Arena::default();
        let rush: Vec<BytesMut> = (0..2000).map(|_| arena.copy(&[7; 1200])).collect();
        let blocks = arena.full.len();
        drop(rush);
        for _ in 0..20_000 {
            arena.copy(&[7; 1200]);
        }
        assert!(blocks >= 30 && arena.full.len() <= 3, "{blocks}");
    }

    #[test]
    fn a_datagram_longer_than_a_block_has_its_place_too() {
        let mut arena = Arena::default();
        assert_eq!(arena.copy(&vec![1; BLOCK + 1]).len(), BLOCK + 1);
        assert_eq!(arena.copy(&[2; 10])[..], [2; 10]);
    }
}
