//! What the server counts.

use crate::Refusal;

/// What went one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flow {
    /// How many datagrams.
    pub datagrams: u64,
    /// Bytes in them, without what TURN adds.
    pub bytes: u64,
}

impl Flow {
    pub(crate) fn add(&mut self, payload: &[u8]) {
        self.datagrams += 1;
        self.bytes += payload.len() as u64;
    }
}

/// Counted since the start, but for `allocations`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Allocations that there are now.
    pub allocations: u64,
    /// Relayed from clients.
    pub to_peers: Flow,
    /// Relayed to clients.
    pub to_clients: Flow,
    /// Refusals, in the order of [`Refusal::CODES`]. Those that were not even answered are among them.
    pub refused: [u64; Refusal::CODES.len()],
    /// Answers that were held back: too much for an address that nobody has proven to be in.
    pub withheld: u64,
    /// What a client sent that is no TURN, or of no allocation, channel or permission.
    pub ignored: u64,
    /// What came to a relay that its client permitted nobody to send.
    pub uninvited: u64,
}

impl Stats {
    pub(crate) fn refuse(&mut self, refusal: &Refusal) {
        let code = refusal.code();
        if let Some(at) = Refusal::CODES.iter().position(|&known| known == code) {
            self.refused[at] += 1;
        }
    }

    /// How many were refused with this code.
    pub fn refused(&self, code: u16) -> u64 {
        let at = Refusal::CODES.iter().position(|&known| known == code);
        at.map_or(0, |at| self.refused[at])
    }
}
