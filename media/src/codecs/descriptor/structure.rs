//! The template structure of a stream: which frames there are, and which decode target needs which (AV1 RTP
//! specification, appendix A.8.2 and A.8.4).

use super::bits::Bits;

/// Ids that the specification has room for.
const MOST_TEMPLATES: usize = 64;
const MOST_LAYERS: u8 = 8;

/// How a frame relates to a decode target (appendix A.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indication {
    /// The target has nothing to do with it.
    NotPresent,
    /// The target needs it, and no other frame of the target does.
    Discardable,
    /// Who begins with the target here can decode all of it from here on, if it can decode this frame.
    Switch,
    /// The target needs it.
    Required,
}

/// One [`Indication`] for each decode target, two bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Indications(u64);

impl Indications {
    pub(super) fn read(bits: &mut Bits<'_>, targets: usize) -> Option<Self> {
        let mut all = 0;
        for target in 0..targets {
            all |= u64::from(bits.number(2)?) << (2 * target);
        }
        Some(Self(all))
    }

    /// For one decode target.
    pub fn of(self, target: usize) -> Indication {
        match self.0 >> (2 * target) & 3 {
            0 => Indication::NotPresent,
            1 => Indication::Discardable,
            2 => Indication::Switch,
            _ => Indication::Required,
        }
    }
}

/// A spatial and a temporal layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layers {
    /// 0 is the smallest.
    pub spatial: u8,
    /// 0 is the slowest.
    pub temporal: u8,
}

/// A kind of frame. Which frames it refers to is read over: whatever it needs came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// Where it stands.
    pub layers: Layers,
    /// Who needs it.
    pub indications: Indications,
}

/// All that a stream is made of; holds until the next one comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// The id of the first template.
    offset: u8,
    /// In the order of their ids.
    pub templates: Vec<Template>,
    /// The layers of each decode target.
    pub targets: Vec<Layers>,
    /// How many chains there are.
    pub chains: u32,
    /// Width and height of each spatial layer, where they were told.
    pub sizes: Vec<(u16, u16)>,
}

impl Structure {
    /// The template with this id.
    pub fn template(&self, id: u8) -> Option<&Template> {
        self.templates
            .get(usize::from((id + 64 - self.offset) % 64))
    }

    /// The decode target that shows this spatial layer with all its frames.
    pub fn target(&self, spatial: u8) -> Option<usize> {
        let numbered = self.targets.iter().enumerate();
        numbered
            .filter(|(_, layers)| layers.spatial == spatial)
            .max_by_key(|(_, layers)| layers.temporal)
            .map(|(target, _)| target)
    }

    pub(super) fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let offset = u8::try_from(bits.number(6)?).ok()?;
        let targets = usize::try_from(bits.number(5)? + 1).ok()?;
        let mut templates = layers(bits)?;
        for template in &mut templates {
            template.indications = Indications::read(bits, targets)?;
        }
        for _ in &templates {
            while bits.flag()? {
                bits.number(4)?;
            }
        }
        let chains = chains(bits, targets, templates.len())?;
        let spatial_layers = usize::from(templates.last()?.layers.spatial) + 1;
        let mut sizes = Vec::new();
        if bits.flag()? {
            for _ in 0..spatial_layers {
                sizes.push((side(bits)?, side(bits)?));
            }
        }
        let targets = (0..targets).map(|target| reach(target, &templates));
        Some(Self {
            offset,
            targets: targets.collect(),
            templates,
            chains,
            sizes,
        })
    }
}

/// `template_layers()`: each goes on from the one before.
fn layers(bits: &mut Bits<'_>) -> Option<Vec<Template>> {
    let mut layers = Layers::default();
    let mut templates = Vec::new();
    loop {
        if templates.len() == MOST_TEMPLATES {
            return None;
        }
        templates.push(Template {
            layers,
            indications: Indications::default(),
        });
        match bits.number(2)? {
            0 => {}
            1 => layers.temporal += 1,
            2 => {
                layers.spatial += 1;
                layers.temporal = 0;
            }
            _ => return Some(templates),
        }
        if layers.spatial >= MOST_LAYERS || layers.temporal >= MOST_LAYERS {
            return None;
        }
    }
}

/// `template_chains()`: how many there are. Which protects which target, and where its frames are, is read over.
fn chains(bits: &mut Bits<'_>, targets: usize, templates: usize) -> Option<u32> {
    let count = bits.non_symmetric(u32::try_from(targets).ok()? + 1)?;
    if count > 0 {
        for _ in 0..targets {
            bits.non_symmetric(count)?;
        }
        for _ in 0..u32::try_from(templates).ok()? * count {
            bits.number(4)?;
        }
    }
    Some(count)
}

/// `decode_target_layers()`: the highest of what it needs.
fn reach(target: usize, templates: &[Template]) -> Layers {
    let needs = |template: &&Template| template.indications.of(target) != Indication::NotPresent;
    templates
        .iter()
        .filter(needs)
        .fold(Layers::default(), |highest, template| Layers {
            spatial: highest.spatial.max(template.layers.spatial),
            temporal: highest.temporal.max(template.layers.temporal),
        })
}

/// A width or a height, less one on the wire; the very largest is taken for one less.
fn side(bits: &mut Bits<'_>) -> Option<u16> {
    let less_one = u16::try_from(bits.number(16)?).ok()?;
    Some(less_one.saturating_add(1))
}
