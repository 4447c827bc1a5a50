//! RTP header extensions in their one-byte and two-byte forms (RFC 8285 §4).

/// `defined by profile` of the one-byte form.
pub(super) const ONE_BYTE: u16 = 0xbede;
/// The same of the two-byte form; its lowest four bits are the application's.
pub(super) const TWO_BYTE: u16 = 0x1000;
/// In the one-byte form this id ends the list.
const RESERVED: u8 = 15;

/// The extension block of one packet.
#[derive(Debug, Clone, Copy)]
pub struct Extensions<'a> {
    form: Form,
    block: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    OneByte,
    TwoByte,
}

impl<'a> Extensions<'a> {
    /// No extension at all.
    pub(super) const fn none() -> Self {
        Self {
            form: Form::OneByte,
            block: &[],
        }
    }

    /// Splits the block off what follows the contributing sources; `None` if it is cut off.
    pub(super) fn split(rest: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[p0, p1, l0, l1], rest) = rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([l0, l1])) * 4;
        let (block, body) = rest.split_at_checked(length)?;
        let extensions = match u16::from_be_bytes([p0, p1]) {
            ONE_BYTE => Self {
                form: Form::OneByte,
                block,
            },
            profile if profile & 0xfff0 == TWO_BYTE => Self {
                form: Form::TwoByte,
                block,
            },
            _ => Self::none(), // somebody's own form: skipped, as RFC 3550 §5.3.1 wants
        };
        Some((extensions, body))
    }

    /// The elements in order, each with its id.
    pub fn iter(self) -> Elements<'a> {
        Elements {
            form: self.form,
            rest: self.block,
        }
    }

    /// The element with this id.
    pub fn get(self, id: Option<u8>) -> Option<&'a [u8]> {
        let id = id?;
        self.iter()
            .find_map(|(found, data)| (found == id).then_some(data))
    }
}

/// Walks the elements of a block; ends at the first that is cut off.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    form: Form,
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            if first == 0 {
                self.rest = rest; // padding
                continue;
            }
            let (id, length, rest) = match self.form {
                Form::OneByte => (first >> 4, usize::from(first & 0x0f) + 1, rest),
                Form::TwoByte => {
                    let (&length, rest) = rest.split_first()?;
                    (first, usize::from(length), rest)
                }
            };
            if self.form == Form::OneByte && (id == 0 || id == RESERVED) {
                self.rest = &[];
                return None;
            }
            let (data, rest) = rest.split_at_checked(length)?;
            self.rest = rest;
            return Some((id, data));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(profile: u16, block: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut bytes = profile.to_be_bytes().to_vec();
        bytes.extend(u16::try_from(block.len() / 4).unwrap().to_be_bytes());
        bytes.extend(block);
        let (extensions, body) = Extensions::split(&bytes).unwrap();
        assert!(body.is_empty());
        extensions
            .iter()
            .map(|(id, data)| (id, data.to_vec()))
            .collect()
    }

    #[test]
    fn the_one_byte_form_skips_padding_between_elements() {
        let found = elements(0xbede, &[0x10, 7, 0, 0x21, 1, 2, 0, 0]);
        assert_eq!(found, [(1, vec![7]), (2, vec![1, 2])]);
    }

    #[test]
    fn id_15_ends_the_one_byte_form() {
        assert_eq!(elements(0xbede, &[0x10, 7, 0xf0, 0x20]), [(1, vec![7])]);
    }

    #[test]
    fn the_two_byte_form_knows_empty_and_long_elements() {
        let mut block = vec![5, 0, 0, 20, 18];
        block.extend([9; 18]);
        block.push(0);
        assert_eq!(elements(0x1003, &block), [(5, vec![]), (20, vec![9; 18])]);
    }

    #[test]
    fn an_element_that_is_cut_off_ends_the_list() {
        assert_eq!(elements(0xbede, &[0x10, 7, 0x2f, 1]), [(1, vec![7])]);
    }

    #[test]
    fn an_unknown_form_is_skipped_but_its_body_is_found() {
        let bytes = [0xab, 0xcd, 0, 1, 1, 2, 3, 4, b'x'];
        let (extensions, body) = Extensions::split(&bytes).unwrap();
        assert_eq!((extensions.iter().count(), body), (0, &b"x"[..]));
    }
}
