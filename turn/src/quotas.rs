//! How many allocations there may be.

use std::net::IpAddr;

/// Ceilings. Each is the number that is still let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Of one user: what stands behind the colon in the user name.
    pub per_user: usize,
    /// From one address, or one network of IPv6.
    pub per_address: usize,
    /// Altogether.
    pub in_all: usize,
}

/// What counts as one address: who has IPv6 has a whole network of them (2^64).
pub(crate) fn household(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(u32::from(address)),
        IpAddr::V6(address) => {
            let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = address.octets();
            u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7])
        }
    }
}
