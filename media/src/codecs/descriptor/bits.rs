//! Numbers of any width in a byte string, the highest bit first.

/// Reads on from bit to bit; beyond the end there is nothing.
#[derive(Debug, Clone)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    /// From the first bit on.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// `f(1)`
    pub(super) fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// `f(width)` of at most 32 bits.
    pub(super) fn number(&mut self, width: u32) -> Option<u32> {
        (0..width).try_fold(0, |number, _| Some(number << 1 | u32::from(self.flag()?)))
    }

    /// `ns(values)`: one of so many values, the first of them with a bit less.
    pub(super) fn non_symmetric(&mut self, values: u32) -> Option<u32> {
        let width = u32::BITS - values.leading_zeros();
        let shorter = (1u32 << width) - values;
        let number = self.number(width.saturating_sub(1))?;
        if number < shorter {
            return Some(number);
        }
        Some((number << 1) - shorter + u32::from(self.flag()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_each_other_over_the_borders_of_bytes() {
        let mut bits = Bits::new(&[0b1011_0001, 0b1000_0000]);
        assert_eq!(bits.number(3), Some(0b101));
        assert_eq!(bits.number(6), Some(0b10_0011));
        assert_eq!(bits.flag(), Some(false));
        assert_eq!(bits.number(7), None);
    }

    #[test]
    fn the_first_of_five_values_take_two_bits_and_the_others_three() {
        // 00 01 10 110 111
        let mut bits = Bits::new(&[0b0001_1011, 0b0111_0000]);
        let values: Vec<_> = (0..5).map(|_| bits.non_symmetric(5).unwrap()).collect();
        assert_eq!(values, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn one_of_a_single_value_takes_no_bit() {
        assert_eq!(Bits::new(&[]).non_symmetric(1), Some(0));
    }
}
