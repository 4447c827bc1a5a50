//! Rooms, calls and people to fill a database with.

use calls_model::{
    Call, CallId, CallKind, CallStatus, CallType, EndReason, Fact, LeaveReason, Member,
    ParticipantId, Role, Room, RoomId, RoomSettings, RoomType, Timestamp, UserId,
};

/// So many seconds after the beginning of the test's time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_250 + seconds * 1000).unwrap()
}

pub(crate) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

pub(crate) fn room(name: &str, created_at: Timestamp) -> Room {
    Room {
        room_id: RoomId::new(),
        name: name.parse().unwrap(),
        room_type: RoomType::Persistent,
        max_participants: 10,
        settings: RoomSettings::default(),
        current_participants: 0,
        created_at,
        scheduled_at: None,
        locked: false,
        host: None,
        encryption: calls_model::Encryption::Transport,
        org_id: calls_model::OrgId::default(),
        phrases: Vec::new(),
    }
}

pub(crate) fn room_created(room: &Room) -> Fact {
    Fact::RoomCreated {
        room: room.clone(),
        password_hash: None,
    }
}

/// A call from one user to others, not answered yet.
pub(crate) fn call(from: &str, to: &[&str], created_at: Timestamp) -> Call {
    Call {
        call_id: CallId::new(),
        call_type: CallType::Video,
        status: CallStatus::Initiated,
        participants: Vec::new(),
        started_at: None,
        duration_seconds: 0,
        recording: false,
        transcription: false,
        kind: if to.len() == 1 {
            CallKind::OneToOne
        } else {
            CallKind::Group
        },
        room_id: None,
        from: Some(user(from)),
        to: to.iter().map(|name| user(name)).collect(),
        end_reason: None,
        created_at: Some(created_at),
        ended_at: None,
        interruptions: Vec::new(),
        metadata: serde_json::Map::new(),
        org_id: calls_model::OrgId::default(),
    }
}

/// A session of a room.
pub(crate) fn session(room: &Room, created_at: Timestamp) -> Call {
    Call {
        kind: CallKind::Conference,
        room_id: Some(room.room_id.clone()),
        from: None,
        ..call("nobody", &[], created_at)
    }
}

pub(crate) fn initiated(call: &Call) -> Fact {
    Fact::CallInitiated {
        call: Box::new(call.clone()),
        at: call.created_at.unwrap(),
    }
}

pub(crate) fn answered(call: &Call, at: Timestamp) -> Fact {
    Fact::CallAnswered {
        call_id: call.call_id.clone(),
        at,
    }
}

pub(crate) fn ended(call: &Call, reason: EndReason, duration_seconds: u64, at: Timestamp) -> Fact {
    Fact::CallEnded {
        call_id: call.call_id.clone(),
        reason,
        duration_seconds,
        at,
    }
}

pub(crate) fn member(name: &str, joined_at: Timestamp) -> Member {
    Member {
        user_id: user(name),
        role: Role::Participant,
        audio: true,
        video: false,
        joined_at,
        participant_id: Some(ParticipantId::new()),
        display_name: Some(name.to_uppercase().parse().unwrap()),
        screen: false,
        hand: false,
        reconnecting: false,
        left_at: None,
        hidden: false,
    }
}

pub(crate) fn joined(call: &Call, member: &Member) -> Fact {
    Fact::ParticipantJoined {
        call_id: call.call_id.clone(),
        participant_id: presence(member),
        member: member.clone(),
        at: member.joined_at,
    }
}

pub(crate) fn left(call: &Call, member: &Member, reason: LeaveReason, at: Timestamp) -> Fact {
    Fact::ParticipantLeft {
        call_id: call.call_id.clone(),
        participant_id: presence(member),
        reason,
        at,
    }
}

pub(crate) fn presence(member: &Member) -> ParticipantId {
    member.participant_id.clone().unwrap()
}
