//! The dependency descriptor, which travels in a header extension (AV1 RTP specification, appendix A.8).

mod bits;
mod structure;

use bits::Bits;

pub use structure::{Indication, Indications, Layers, Structure, Template};

/// The mandatory fields, which stand in every descriptor:
///
/// ```text
/// |S|E| template id (6) | frame number (16) |
/// ```
const MANDATORY: usize = 3;

/// Counts frames; `None` in what is no descriptor.
pub fn frame_number(descriptor: &[u8]) -> Option<u16> {
    let &[_, high, low] = descriptor.first_chunk::<MANDATORY>()?;
    Some(u16::from_be_bytes([high, low]))
}

/// What stands before the frame number and behind it.
pub fn around_frame_number(descriptor: &[u8]) -> Option<(&[u8], &[u8])> {
    Some((descriptor.get(..1)?, descriptor.get(MANDATORY..)?))
}

/// What one descriptor says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The packet is the first of its frame.
    pub begins: bool,
    /// The packet is the last of its frame.
    pub ends: bool,
    /// Counts frames.
    pub frame_number: u16,
    /// A structure that holds from here on.
    pub structure: Option<Structure>,
    /// The decode targets that are sent from here on, a bit for each.
    pub active: Option<u32>,
    /// Where the frame stands, and who needs it.
    pub frame: (Layers, Indications),
}

impl Descriptor {
    /// Reads a whole descriptor. `known` is the stream's structure so far, by which all but the descriptors that bring
    /// one are understood. Any bytes; `None` for what is cut off, and for a frame that the structure does not know.
    pub fn parse(bytes: &[u8], known: Option<&Structure>) -> Option<Self> {
        let mut bits = Bits::new(bytes);
        let (begins, ends) = (bits.flag()?, bits.flag()?);
        let id = u8::try_from(bits.number(6)?).ok()?;
        let frame_number = u16::try_from(bits.number(16)?).ok()?;
        let mut extended = Extended::default();
        if bytes.len() > MANDATORY {
            extended = Extended::read(&mut bits, known)?;
        }
        let structure = extended.structure.as_ref().or(known)?;
        let template = structure.template(id)?;
        let mut indications = template.indications;
        if extended.custom_indications {
            indications = Indications::read(&mut bits, structure.targets.len())?;
        }
        // References and chains are read over: whatever a frame needs of others came before it.
        if extended.custom_references {
            while let width @ 1.. = bits.number(2)? {
                bits.number(4 * width)?;
            }
        }
        if extended.custom_chains {
            for _ in 0..structure.chains {
                bits.number(8)?;
            }
        }
        Some(Self {
            begins,
            ends,
            frame_number,
            frame: (template.layers, indications),
            active: extended.active,
            structure: extended.structure,
        })
    }
}

/// `extended_descriptor_fields()`
#[derive(Debug, Default)]
struct Extended {
    structure: Option<Structure>,
    active: Option<u32>,
    custom_indications: bool,
    custom_references: bool,
    custom_chains: bool,
}

impl Extended {
    fn read(bits: &mut Bits<'_>, known: Option<&Structure>) -> Option<Self> {
        let (brings_structure, tells_active) = (bits.flag()?, bits.flag()?);
        let mut extended = Self {
            custom_indications: bits.flag()?,
            custom_references: bits.flag()?,
            custom_chains: bits.flag()?,
            ..Self::default()
        };
        if brings_structure {
            extended.structure = Some(Structure::read(bits)?);
            // All are sent, unless the next field says otherwise.
            extended.active = Some(u32::MAX);
        }
        if tells_active {
            let targets = extended.structure.as_ref().or(known)?.targets.len();
            extended.active = Some(bits.number(u32::try_from(targets).ok()?)?);
        }
        Some(extended)
    }
}

#[cfg(test)]
mod tests;
