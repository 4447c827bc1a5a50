//! Which source each slot carries: the loudest voices, and the pictures that `view` asks for.

use std::collections::HashSet;

use calls_media::seam::{Codec, Kind, Priority, TrackId};
use calls_media::{Shown, SlotInfo};
use calls_model::signal::{Paused, SlotState, View, ViewSlot};
use calls_model::{ParticipantId, Source, UserId};

use crate::room::stage::{Stage, Staged};

/// What one slot is there for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Wish {
    /// Nobody: it is not on screen.
    Nobody,
    /// Whoever is most important, of these sources.
    #[default]
    Best,
    /// Whoever is most important, of this source only.
    BestOf(Source),
    /// This one, come what may.
    Pinned(ParticipantId, Source),
    /// This user, in whatever presence.
    User(UserId),
}

#[derive(Debug)]
struct Slot {
    mid: String,
    kind: Kind,
    codecs: Vec<Codec>,
    wish: Wish,
    size: Option<(u32, u32)>,
    hidden: bool,
    shown: Option<Shown>,
    obstacle: Option<Obstacle>,
    state: SlotState,
}

/// Why the connection sends nothing into a slot that should carry something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Not even the lowest layer fits through the path.
    Bandwidth,
    /// The client cannot decode what comes.
    Codec,
}

/// One slot carries something else now, or says something else about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotChange {
    /// Which.
    pub mid: String,
    /// What to put into it, if that changed.
    pub show: Option<Option<Shown>>,
    /// What to tell the client, if that changed.
    pub tell: Option<SlotState>,
}

/// A view names a slot that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no slot {mid:?}")]
pub struct UnknownSlot {
    /// What it named.
    pub mid: String,
}

/// The slots of one participant.
#[derive(Debug)]
pub struct Slots {
    me: ParticipantId,
    slots: Vec<Slot>,
}

impl Slots {
    /// None yet.
    pub fn new(me: ParticipantId) -> Self {
        Self {
            me,
            slots: Vec::new(),
        }
    }

    /// Takes the slots that an offer came to; those that stay keep what they carry.
    pub fn negotiated(&mut self, infos: &[SlotInfo]) {
        let mut before = std::mem::take(&mut self.slots);
        let slot = |info: &SlotInfo| {
            let mid = info.mid.0.to_string();
            let old = before
                .iter()
                .position(|slot| slot.mid == mid && slot.kind == info.kind);
            let slot = old.map(|old| before.swap_remove(old));
            let slot = slot.unwrap_or_else(|| Slot::new(mid, info.kind));
            Slot {
                codecs: info.codecs.clone(),
                ..slot
            }
        };
        self.slots = infos.iter().map(slot).collect();
    }

    /// Takes what is on screen. Pictures that are not named show nobody; voices are never on screen.
    ///
    /// # Errors
    ///
    /// It names a slot that is not there; then nothing changes.
    pub fn view(&mut self, view: &View) -> Result<(), UnknownSlot> {
        let unknown = |wish: &&ViewSlot| self.slots.iter().all(|slot| slot.mid != wish.mid);
        if let Some(wish) = view.slots.iter().find(unknown) {
            return Err(UnknownSlot {
                mid: wish.mid.clone(),
            });
        }
        for slot in self
            .slots
            .iter_mut()
            .filter(|slot| slot.kind == Kind::Video)
        {
            slot.take_wish(view.slots.iter().find(|wish| wish.mid == slot.mid));
        }
        Ok(())
    }

    /// Shows one user in every picture.
    pub fn watch_user(&mut self, user: &UserId) {
        for slot in self
            .slots
            .iter_mut()
            .filter(|slot| slot.kind == Kind::Video)
        {
            slot.wish = Wish::User(user.clone());
        }
    }

    /// The connection met an obstacle at a slot, or it is overcome. Returns what to tell the client, if that changed.
    pub fn obstruct(&mut self, mid: &str, obstacle: Obstacle, there: bool) -> Option<SlotState> {
        let slot = self.slots.iter_mut().find(|slot| slot.mid == mid)?;
        match (there, slot.obstacle) {
            (true, _) => slot.obstacle = Some(obstacle),
            (false, Some(before)) if before == obstacle => slot.obstacle = None,
            (false, _) => {}
        }
        slot.tell_obstacle()
    }

    /// Forgets all slots: the connection is gone.
    pub fn clear(&mut self) {
        self.slots.clear();
    }

    /// Fills the slots from the stage. Who may stay where they are stays.
    pub fn fill(&mut self, stage: &Stage) -> Vec<SlotChange> {
        let mut used = HashSet::new();
        let mut fillings: Vec<Option<Staged>> = vec![None; self.slots.len()];

        for (slot, filling) in self.slots.iter().zip(&mut fillings) {
            *filling = self.pinned(slot, stage).cloned();
            used.extend(filling.as_ref().map(|staged| staged.announced.track));
        }
        let mut wishes: Vec<(Kind, Wish)> = Vec::new();
        for slot in &self.slots {
            let open = matches!(slot.wish, Wish::Best | Wish::BestOf(_)) && !slot.hidden;
            let wish = (slot.kind, slot.wish.clone());
            if open && !wishes.contains(&wish) {
                wishes.push(wish);
            }
        }
        // Narrow wishes choose first.
        wishes.sort_by_key(|(_, wish)| *wish == Wish::Best);
        for (kind, wish) in wishes {
            self.fill_group(kind, &wish, stage, &mut used, &mut fillings);
        }
        let speaker = stage.last_speaker().map(|staged| staged.announced.track);
        let filled = self.slots.iter_mut().zip(fillings);
        filled
            .filter_map(|(slot, filling)| slot.carry(filling.as_ref(), speaker))
            .collect()
    }

    fn pinned<'a>(&self, slot: &Slot, stage: &'a Stage) -> Option<&'a Staged> {
        let all = match slot.kind {
            Kind::Audio => &stage.audio,
            Kind::Video => &stage.video,
        };
        match &slot.wish {
            Wish::Nobody | Wish::Best | Wish::BestOf(_) => None,
            Wish::Pinned(who, source) => all
                .iter()
                .find(|one| &one.participant_id == who && one.announced.source == *source),
            Wish::User(user) => all
                .iter()
                .find(|one| &one.user_id == user && one.participant_id != self.me),
        }
    }

    /// Fills all slots of one wish: the best candidates, each where it was before if it was.
    fn fill_group(
        &self,
        kind: Kind,
        wish: &Wish,
        stage: &Stage,
        used: &mut HashSet<TrackId>,
        fillings: &mut [Option<Staged>],
    ) {
        let group: Vec<usize> = (0..self.slots.len())
            .filter(|&index| {
                let slot = &self.slots[index];
                slot.kind == kind && &slot.wish == wish && !slot.hidden
            })
            .collect();
        let all = match kind {
            Kind::Audio => &stage.audio,
            Kind::Video => &stage.video,
        };
        let fits = |one: &&Staged| {
            let source = one.announced.source;
            one.participant_id != self.me
                && !one.announced.muted
                && !used.contains(&one.announced.track)
                && group.iter().any(|&index| self.slots[index].decodes(one))
                && (*wish == Wish::Best || *wish == Wish::BestOf(source))
        };
        let mut best: Vec<&Staged> = all.iter().filter(fits).take(group.len()).collect();
        used.extend(best.iter().map(|one| one.announced.track));

        let (stays, free): (Vec<usize>, Vec<usize>) = group.into_iter().partition(|&index| {
            let carried = self.slots[index].shown.map(|shown| shown.track);
            best.iter().any(|one| Some(one.announced.track) == carried)
        });
        for index in stays {
            let carried = self.slots[index].shown.map(|shown| shown.track);
            if let Some(place) = best
                .iter()
                .position(|one| Some(one.announced.track) == carried)
            {
                fillings[index] = Some(best.remove(place).clone());
            }
        }
        for (index, one) in free.into_iter().zip(best) {
            fillings[index] = Some(one.clone());
        }
    }
}

impl Slot {
    /// Its client understands what this track may be coded in.
    fn decodes(&self, staged: &Staged) -> bool {
        let codecs = &staged.announced.codecs;
        codecs.is_empty() || codecs.iter().any(|codec| self.codecs.contains(codec))
    }

    fn new(mid: String, kind: Kind) -> Self {
        let state = SlotState {
            mid: mid.clone(),
            participant_id: None,
            source: None,
            paused: None,
        };
        Self {
            mid,
            kind,
            codecs: Vec::new(),
            wish: Wish::Best,
            size: None,
            hidden: false,
            shown: None,
            obstacle: None,
            state,
        }
    }

    fn take_wish(&mut self, wish: Option<&ViewSlot>) {
        let Some(ViewSlot {
            participant_id,
            source,
            width,
            height,
            ..
        }) = wish
        else {
            (self.wish, self.hidden, self.size) = (Wish::Nobody, false, None);
            return;
        };
        self.wish = match (participant_id, source) {
            (Some(who), source) => Wish::Pinned(who.clone(), source.unwrap_or(Source::Camera)),
            (None, Some(source)) => Wish::BestOf(*source),
            (None, None) => Wish::Best,
        };
        self.hidden = *width == Some(0) || *height == Some(0);
        self.size = width.zip(*height);
    }

    fn carry(&mut self, filling: Option<&Staged>, speaker: Option<TrackId>) -> Option<SlotChange> {
        let shown = filling.filter(|_| !self.hidden).map(|staged| Shown {
            track: staged.announced.track,
            layers: staged.announced.layers,
            size: self.size,
            priority: self.priority(staged, speaker),
        });
        let track = |shown: &Option<Shown>| shown.map(|shown| shown.track);
        if track(&shown) != track(&self.shown) {
            self.obstacle = None;
        }
        let paused = match filling {
            Some(_) if self.hidden => Some(Paused::Hidden),
            Some(staged) if !self.decodes(staged) => Some(Paused::Codec),
            Some(staged) if staged.announced.muted => Some(Paused::Muted),
            Some(_) => self.obstacle.map(Paused::from),
            None => None,
        };
        let state = SlotState {
            mid: self.mid.clone(),
            participant_id: filling.map(|staged| staged.participant_id.clone()),
            source: filling.map(|staged| staged.announced.source),
            paused,
        };
        let show = (shown != self.shown).then_some(shown);
        let tell = (state != self.state).then(|| state.clone());
        (self.shown, self.state) = (shown, state);
        let changed = show.is_some() || tell.is_some();
        changed.then(|| SlotChange {
            mid: self.mid.clone(),
            show,
            tell,
        })
    }

    /// What suffers last where the path is narrow.
    fn priority(&self, staged: &Staged, speaker: Option<TrackId>) -> Priority {
        let chosen = matches!(self.wish, Wish::Pinned(..) | Wish::User(_));
        match staged.announced.source {
            Source::Screen | Source::ScreenAudio => Priority::Screen,
            _ if chosen || speaker == Some(staged.announced.track) => Priority::Speaker,
            _ => Priority::Usual,
        }
    }

    /// An obstacle is news only where nothing else keeps the slot silent.
    fn tell_obstacle(&mut self) -> Option<SlotState> {
        let ours = matches!(
            self.state.paused,
            None | Some(Paused::Bandwidth | Paused::Codec)
        );
        let paused = self.obstacle.map(Paused::from);
        if !ours || self.shown.is_none() || self.state.paused == paused {
            return None;
        }
        self.state.paused = paused;
        Some(self.state.clone())
    }
}

impl From<Obstacle> for Paused {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::Bandwidth => Self::Bandwidth,
            Obstacle::Codec => Self::Codec,
        }
    }
}

#[cfg(test)]
mod tests;
