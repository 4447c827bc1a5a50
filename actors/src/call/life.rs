//! The life of a call as a value: every verb decided, no mailbox in sight.

use std::time::{Duration, Instant};

use calls_model::call::IllegalMove;
use calls_model::{
    Call, CallId, CallInput, CallKind, CallState, CallStatus, CallType, EndReason, Fact,
    LeaveReason, Member, OrgId, ParticipantId, RecordingMode, Role, Room, RoomType, Timestamp,
    UserId,
};

use super::callees::{Callee, Callees};
use crate::calls::VerbRefused;

/// How long one who crashed may take to find back before a call of two is over.
pub const FIND_BACK: Duration = Duration::from_secs(10);

/// How long a session of a room waits for somebody to come back. A temporary room is not waited for as long.
pub const LINGER: Duration = Duration::from_secs(30);

/// The same for a temporary room, which is deleted with its session.
pub const LINGER_TEMPORARY: Duration = Duration::from_secs(5);

/// Presences that are over and that an ended call still lists; storage has all of them.
pub const PAST: usize = 1000;

/// Presences that crashed and may still come back with their old token.
const CRASHED: usize = 100;

/// Members of one-to-one and group calls without whom there is nobody to talk to.
const COMPANY: usize = 2;

/// What a call's members came to when somebody left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Enough of them.
    Kept,
    /// Too few, but they may come back within this time.
    Awaited(Duration),
    /// The caller is gone before anybody answered.
    CallerGone,
    /// Too few, and they hung up.
    Gone,
}

/// What is rung.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The new call's id.
    pub call_id: CallId,
    /// Whose call it is.
    pub org_id: OrgId,
    /// Audio or video.
    pub call_type: CallType,
    /// What shape of conversation.
    pub kind: CallKind,
    /// Who rings.
    pub from: UserId,
    /// Whom.
    pub to: Vec<UserId>,
    /// Those of them who are in another call.
    pub busy: Vec<UserId>,
    /// When ringing ends.
    pub until: Instant,
    /// Recorded like this from when it is answered.
    pub record: Option<RecordingMode>,
    /// Kept with the call.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

/// A call, with all that its verbs depend on.
#[derive(Debug, Clone)]
pub struct Life {
    call: Call,
    state: CallState,
    room: Option<Room>,
    callees: Callees,
    until: Option<Instant>,
    /// Who was here and is not any more.
    past: Vec<Member>,
    /// When nobody was here any more.
    emptied: Option<Timestamp>,
    /// Who may come back without a new join, by what they were called before.
    crashed: Vec<(ParticipantId, Member)>,
    /// A recording that begins when two are inside.
    record: Option<RecordingMode>,
}

impl Life {
    fn new(call: Call, room: Option<Room>, callees: Callees, until: Option<Instant>) -> Self {
        Self {
            call,
            state: CallState::Initiated,
            room,
            callees,
            until,
            past: Vec::new(),
            emptied: None,
            crashed: Vec::new(),
            record: None,
        }
    }

    /// A call that rings.
    pub fn ring(plan: Plan, now: Timestamp) -> (Self, Vec<Fact>) {
        let callees = Callees::new(&plan.to, &plan.busy);
        let mut call = blank(plan.call_id, plan.call_type, plan.kind, now);
        call.org_id = plan.org_id;
        call.from = Some(plan.from);
        call.to = plan.to;
        call.metadata = plan.metadata;
        let initiated = Fact::CallInitiated {
            call: Box::new(call.clone()),
            at: now,
        };
        let mut life = Self::new(call, None, callees, Some(plan.until));
        life.record = plan.record;
        let mut facts = vec![initiated];
        if life.callees.are_all_busy()
            && let Ok(ended) = life.end_by(CallInput::Busy, now)
        {
            facts.extend(ended);
        }
        (life, facts)
    }

    /// A session of a room: active from its first moment.
    pub fn session(call_id: CallId, room: Room, now: Timestamp) -> (Self, Vec<Fact>) {
        let mut call = blank(call_id.clone(), CallType::Video, CallKind::Conference, now);
        call.room_id = Some(room.room_id.clone());
        call.org_id = room.org_id.clone();
        let initiated = Fact::CallInitiated {
            call: Box::new(call.clone()),
            at: now,
        };
        call.started_at = Some(now);
        let mut life = Self::new(call, Some(room), Callees::default(), None);
        life.state = CallState::Active;
        life.call.status = life.state.status();
        (
            life,
            vec![initiated, Fact::CallAnswered { call_id, at: now }],
        )
    }

    /// A call that lived when the server went down. One that rings goes on ringing until then.
    pub fn recovered(
        call: Call,
        room: Option<Room>,
        rejected: &[UserId],
        past: Vec<Member>,
        rings_until: Instant,
    ) -> Self {
        let state = match call.status {
            CallStatus::Initiated => CallState::Initiated,
            CallStatus::Ringing => CallState::Ringing,
            CallStatus::Active => CallState::Active,
            CallStatus::Ended => CallState::Ended(call.end_reason.unwrap_or(EndReason::Failed)),
        };
        let mut callees = Callees::new(&call.to, &[]);
        for user in rejected {
            callees.set(user, Callee::Rejected);
        }
        let was_here = past.iter().chain(&call.participants);
        for member in was_here {
            callees.set(&member.user_id, Callee::Answered);
        }
        let until = call.from.is_some().then_some(rings_until);
        let mut life = Self::new(call, room, callees, until);
        life.turn(state);
        life.past = past;
        keep_latest(&mut life.past, PAST);
        life
    }

    // ── questions ───────────────────────────────────────────────────────────

    /// Its id.
    pub fn id(&self) -> &CallId {
        &self.call.call_id
    }

    /// Whose it is.
    pub fn org(&self) -> &OrgId {
        &self.call.org_id
    }

    /// Where it stands.
    pub fn state(&self) -> CallState {
        self.state
    }

    /// It is over.
    pub fn is_over(&self) -> bool {
        matches!(self.state, CallState::Ended(_))
    }

    /// Nobody answered yet.
    pub fn is_unanswered(&self) -> bool {
        matches!(self.state, CallState::Initiated | CallState::Ringing)
    }

    /// A recording runs.
    pub fn is_recorded(&self) -> bool {
        self.call.recording
    }

    /// A transcription runs.
    pub fn is_transcribed(&self) -> bool {
        self.call.transcription
    }

    /// The recording that was wished for and can begin now, if there is one. It is given once.
    pub fn take_recording_wish(&mut self, inside: &[Member]) -> Option<RecordingMode> {
        let answered = self.state == CallState::Active && seen(inside) > 1;
        self.record.take_if(|_| answered)
    }

    /// A recording runs, or none does.
    pub fn set_recording(&mut self, recording: bool) {
        self.call.recording = recording;
    }

    /// A transcription runs, or none does.
    pub fn set_transcription(&mut self, transcription: bool) {
        self.call.transcription = transcription;
    }

    /// The room whose session it is.
    pub fn room(&self) -> Option<&Room> {
        self.room.as_ref()
    }

    /// When ringing ends.
    pub fn rings_until(&self) -> Option<Instant> {
        self.until
    }

    /// Who rang.
    pub fn caller(&self) -> Option<&UserId> {
        self.call.from.as_ref()
    }

    /// Those whose devices ring.
    pub fn rung(&self) -> Vec<UserId> {
        if self.is_over() {
            Vec::new()
        } else {
            self.callees.rung().cloned().collect()
        }
    }

    /// This user's devices ring.
    pub fn rings(&self, user: &UserId) -> bool {
        !self.is_over() && self.callees.get(user) == Some(Callee::Rung)
    }

    /// As the wire shows it, with those who are inside.
    pub fn wire(&self, inside: &[Member], now: Timestamp) -> Call {
        let mut call = self.call.clone();
        let people = if self.is_over() { &self.past } else { inside };
        call.participants = people.to_vec();
        let until = call.ended_at.unwrap_or(now);
        call.duration_seconds = call
            .started_at
            .map_or(0, |start| until.seconds_since(start));
        call
    }

    /// How long it waits for company that it had, or will have in a moment.
    pub fn linger(&self) -> Duration {
        match &self.room {
            None => FIND_BACK,
            Some(room) if room.room_type == RoomType::Temporary => LINGER_TEMPORARY,
            Some(_) => LINGER,
        }
    }

    // ── verbs ───────────────────────────────────────────────────────────────

    /// A device of a callee was reached.
    pub fn reached(&mut self, now: Timestamp) -> Vec<Fact> {
        let before = self.state;
        let Ok(state) = before.on(CallInput::Ring) else {
            return Vec::new();
        };
        self.turn(state);
        let rang = before == CallState::Initiated;
        let call_id = self.call.call_id.clone();
        rang.then_some(Fact::CallRinging { call_id, at: now })
            .into_iter()
            .collect()
    }

    /// A callee says yes. Returns who it is.
    ///
    /// # Errors
    ///
    /// They were not rung, said something before, or it is over.
    pub fn answer(
        &mut self,
        user: Option<&UserId>,
        inside: &[Member],
        now: Timestamp,
    ) -> Result<(UserId, Vec<Fact>), VerbRefused> {
        let before = self.state;
        let state = before.on(CallInput::Answer)?;
        let (user, callee) = self.callee(user)?;
        match callee {
            Callee::Rung | Callee::Busy => {}
            Callee::Answered if inside.iter().all(|member| member.user_id != user) => {}
            Callee::Answering | Callee::Answered => return Err(VerbRefused::AlreadyAnswered),
            Callee::Rejected => {
                return Err(IllegalMove {
                    state: before,
                    input: CallInput::Answer,
                }
                .into());
            }
        }
        self.callees.set(&user, Callee::Answering);
        self.turn(state);
        let first = before != state;
        if first {
            self.call.started_at = Some(now);
        }
        let call_id = self.call.call_id.clone();
        let fact = first.then_some(Fact::CallAnswered { call_id, at: now });
        Ok((user, fact.into_iter().collect()))
    }

    /// The seat of one who answered is made, or could not be.
    pub fn seated(&mut self, user: &UserId) {
        if self.callees.get(user) == Some(Callee::Answering) {
            self.callees.set(user, Callee::Answered);
        }
    }

    /// A callee says no. The last one's no ends the call.
    ///
    /// # Errors
    ///
    /// They were not rung, are inside already, or it is over.
    pub fn reject(
        &mut self,
        user: Option<&UserId>,
        now: Timestamp,
    ) -> Result<(UserId, Vec<Fact>), VerbRefused> {
        let (user, callee) = self.callee(user)?;
        if self.is_over() || matches!(callee, Callee::Answering | Callee::Answered) {
            return Err(IllegalMove {
                state: self.state,
                input: CallInput::Reject,
            }
            .into());
        }
        self.callees.set(&user, Callee::Rejected);
        let call_id = self.call.call_id.clone();
        let mut facts = vec![Fact::CallRejected {
            call_id,
            user_id: user.clone(),
            at: now,
        }];
        if self.is_unanswered() && self.callees.are_settled() {
            facts.extend(self.end_by(CallInput::Reject, now)?);
        }
        Ok((user, facts))
    }

    /// The caller gives up.
    ///
    /// # Errors
    ///
    /// It is somebody else's verb, or it is too late for it.
    pub fn cancel(
        &mut self,
        user: Option<&UserId>,
        now: Timestamp,
    ) -> Result<Vec<Fact>, VerbRefused> {
        if user.is_some() && user != self.caller() {
            return Err(VerbRefused::NotAllowed {
                whose: "the caller",
            });
        }
        Ok(self.end_by(CallInput::Cancel, now)?)
    }

    /// Somebody ends it for all: its host, a moderator, either of two, or the application itself.
    ///
    /// # Errors
    ///
    /// It is not theirs to end.
    pub fn end(
        &mut self,
        by: Option<&UserId>,
        inside: &[Member],
        now: Timestamp,
    ) -> Result<Vec<Fact>, VerbRefused> {
        let role = by.and_then(|by| inside.iter().find(|member| &member.user_id == by));
        let moderates = role.is_some_and(|member| member.role.moderates());
        let of_two = self.call.kind == CallKind::OneToOne && by.is_some_and(|by| self.concerns(by));
        if by.is_some() && by != self.caller() && !moderates && !of_two {
            return Err(VerbRefused::NotAllowed { whose: "the host" });
        }
        Ok(self.end_by(CallInput::HangUp, now)?)
    }

    /// Ends it. Ending twice is nothing, and has no facts.
    ///
    /// # Errors
    ///
    /// The table of [`CallState`] has no such arrow.
    pub fn end_by(&mut self, input: CallInput, now: Timestamp) -> Result<Vec<Fact>, IllegalMove> {
        let state = self.state.on(input)?;
        let (CallState::Ended(reason), false) = (state, self.is_over()) else {
            return Ok(Vec::new());
        };
        self.turn(state);
        let at = self.emptied.unwrap_or(now);
        self.call.end_reason = Some(reason);
        self.call.ended_at = Some(at);
        let duration_seconds = self.wire(&[], now).duration_seconds;
        let call_id = self.call.call_id.clone();
        let mut facts = vec![Fact::CallEnded {
            call_id,
            reason,
            duration_seconds,
            at,
        }];
        if let Some(room) = &self.room
            && room.room_type == RoomType::Temporary
        {
            facts.push(Fact::RoomDeleted {
                room_id: room.room_id.clone(),
                at: now,
            });
        }
        Ok(facts)
    }

    /// The room's rules changed.
    pub fn set_room(&mut self, room: Room) {
        self.room = Some(room);
    }

    /// All who came have gone; it only lingers.
    pub fn is_deserted(&self) -> bool {
        self.emptied.is_some()
    }

    /// People left: is there still company?
    pub fn after_leaving(
        &mut self,
        inside: &[Member],
        waiting: usize,
        left: &[(Member, LeaveReason)],
        now: Timestamp,
    ) -> Company {
        let seen = seen(inside);
        self.emptied = (seen == 0).then_some(self.emptied.unwrap_or(now));
        for (member, reason) in left {
            self.past.push(member.clone());
            if let (LeaveReason::Crashed, Some(id)) = (reason, &member.participant_id) {
                self.crashed.push((id.clone(), member.clone()));
            }
        }
        keep_latest(&mut self.past, PAST);
        keep_latest(&mut self.crashed, CRASHED);
        if self.is_over() {
            return Company::Kept;
        }
        if self.room.is_some() {
            return if self.has_company(inside, waiting) {
                Company::Kept
            } else {
                Company::Awaited(self.linger())
            };
        }
        if left.is_empty() {
            return Company::Kept;
        }
        let crashed = left
            .iter()
            .any(|(_, reason)| *reason == LeaveReason::Crashed);
        let caller_here = inside
            .iter()
            .any(|member| Some(&member.user_id) == self.caller());
        match self.state {
            CallState::Initiated | CallState::Ringing if caller_here => Company::Kept,
            CallState::Active if seen >= COMPANY => Company::Kept,
            _ if crashed => Company::Awaited(FIND_BACK),
            CallState::Initiated | CallState::Ringing => Company::CallerGone,
            CallState::Active | CallState::Ended(_) => Company::Gone,
        }
    }

    /// Is there company now? Asked when the time to come back is over. Who waits at the door of a room is company: the
    /// host may still be on the way.
    pub fn has_company(&self, inside: &[Member], waiting: usize) -> bool {
        if self.room.is_some() {
            return seen(inside) + waiting > 0;
        }
        let needed = if self.is_unanswered() { 1 } else { COMPANY };
        seen(inside) >= needed
    }

    /// One whose participant crashed comes back: once, in their old role.
    pub fn take_crashed(&mut self, id: &ParticipantId) -> Option<Member> {
        let place = self.crashed.iter().position(|(crashed, _)| crashed == id)?;
        Some(self.crashed.swap_remove(place).1)
    }

    /// Everybody who is inside at the end was here.
    pub fn close_roster(&mut self, inside: &[Member], now: Timestamp) {
        let left = |member: &Member| Member {
            left_at: Some(now),
            ..member.clone()
        };
        self.past.extend(inside.iter().map(left));
    }

    fn turn(&mut self, state: CallState) {
        self.state = state;
        self.call.status = state.status();
    }

    fn concerns(&self, user: &UserId) -> bool {
        self.caller() == Some(user) || self.callees.get(user).is_some()
    }

    fn callee(&self, user: Option<&UserId>) -> Result<(UserId, Callee), VerbRefused> {
        let user = user.or_else(|| self.callees.only()).ok_or_else(|| {
            if self.room.is_some() {
                VerbRefused::NotCalled
            } else {
                VerbRefused::WhichUser
            }
        })?;
        let callee = self.callees.get(user).ok_or(VerbRefused::NotCalled)?;
        Ok((user.clone(), callee))
    }
}

/// How many of them anybody knows of.
fn seen(inside: &[Member]) -> usize {
    inside.iter().filter(|member| !member.hidden).count()
}

fn keep_latest<T>(all: &mut Vec<T>, most: usize) {
    all.drain(..all.len().saturating_sub(most));
}

fn blank(call_id: CallId, call_type: CallType, kind: CallKind, now: Timestamp) -> Call {
    Call {
        call_id,
        call_type,
        status: CallState::Initiated.status(),
        participants: Vec::new(),
        started_at: None,
        duration_seconds: 0,
        recording: false,
        transcription: false,
        kind,
        room_id: None,
        from: None,
        to: Vec::new(),
        end_reason: None,
        created_at: Some(now),
        ended_at: None,
        interruptions: Vec::new(),
        metadata: serde_json::Map::new(),
        org_id: OrgId::default(),
    }
}

/// The role of somebody who comes back.
pub fn role_again(member: &Member) -> Option<Role> {
    // A room decides anew who is host, as another may have become it.
    (member.role != Role::Host).then_some(member.role)
}

#[cfg(test)]
mod tests;
