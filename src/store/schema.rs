//! The tables, as Diesel sees them in both databases. Where `org_id` stays out, a row belongs to the server itself.

macro_rules! table {
    ($($body:tt)*) => {
        diesel::table! {
            use diesel::sql_types::*;
            use crate::store::sql_types::{Document, Moment};

            $($body)*
        }
    };
}

table! {
    rooms (id) {
        id -> Text,
        org_id -> Text,
        name -> Text,
        room_type -> Text,
        max_participants -> BigInt,
        settings -> Document,
        locked -> Bool,
        password_hash -> Nullable<Text>,
        scheduled_at -> Nullable<Moment>,
        host -> Nullable<Text>,
        encryption -> Text,
        phrases -> Document,
        created_at -> Moment,
        deleted_at -> Nullable<Moment>,
    }
}

table! {
    calls (id) {
        id -> Text,
        org_id -> Text,
        call_type -> Text,
        kind -> Text,
        status -> Text,
        room_id -> Nullable<Text>,
        from_user -> Nullable<Text>,
        to_users -> Document,
        end_reason -> Nullable<Text>,
        duration_seconds -> BigInt,
        recording -> Bool,
        transcription -> Bool,
        metadata -> Document,
        created_at -> Moment,
        started_at -> Nullable<Moment>,
        ended_at -> Nullable<Moment>,
        interruptions -> Document,
    }
}

table! {
    call_users (user_id, created_at, call_id) {
        user_id -> Text,
        org_id -> Text,
        created_at -> Moment,
        call_id -> Text,
    }
}

table! {
    participants (id) {
        id -> Text,
        org_id -> Text,
        call_id -> Text,
        user_id -> Text,
        role -> Text,
        display_name -> Nullable<Text>,
        audio -> Bool,
        video -> Bool,
        screen -> Bool,
        hand -> Bool,
        joined_at -> Moment,
        left_at -> Nullable<Moment>,
        leave_reason -> Nullable<Text>,
        hidden -> Bool,
    }
}

table! {
    facts (position) {
        position -> BigInt,
        org_id -> Text,
        id -> Text,
        subject -> Text,
        seq -> BigInt,
        name -> Text,
        at -> Moment,
        body -> Document,
    }
}

table! {
    journal_head (id) {
        id -> SmallInt,
        position -> BigInt,
        alive_at -> Nullable<Moment>,
    }
}

table! {
    api_keys (hash) {
        hash -> Text,
        org_id -> Text,
        prefix -> Text,
        created_at -> Moment,
        revoked_at -> Nullable<Moment>,
        label -> Nullable<Text>,
        scopes -> Document,
        expires_at -> Nullable<Moment>,
        rotated_to -> Nullable<Text>,
        subject -> Nullable<Text>,
        lineage -> Nullable<Text>,
    }
}

table! {
    audit (id) {
        id -> Text,
        org_id -> Text,
        at -> Moment,
        actor -> Text,
        actor_kind -> Text,
        action -> Text,
        subject -> Text,
        status -> BigInt,
        detail -> Nullable<Document>,
        address -> Nullable<Text>,
        request_id -> Text,
    }
}

table! {
    idempotency (caller, idempotency_key) {
        caller -> Text,
        idempotency_key -> Text,
        org_id -> Text,
        request -> Text,
        body_hash -> Text,
        status -> Nullable<BigInt>,
        headers -> Document,
        body -> Binary,
        created_at -> Moment,
        cut_off -> Bool,
        names -> Document,
    }
}

table! {
    quality_samples (call_id, at, participant_id) {
        call_id -> Text,
        org_id -> Text,
        at -> Moment,
        participant_id -> Text,
        score -> Float,
        up_kbps -> BigInt,
        down_kbps -> BigInt,
        loss -> Float,
        rtt_ms -> Nullable<BigInt>,
        jitter_ms -> BigInt,
        freezes -> BigInt,
        estimate_kbps -> Nullable<BigInt>,
        up_height -> Nullable<BigInt>,
        down_height -> Nullable<BigInt>,
        pictures -> Nullable<BigInt>,
        reduced_pictures -> Nullable<BigInt>,
    }
}

table! {
    recordings (id) {
        id -> Text,
        org_id -> Text,
        call_id -> Text,
        mode -> Text,
        status -> Text,
        paused -> Bool,
        layout -> Nullable<Text>,
        live -> Bool,
        participants -> Document,
        requested_at -> Moment,
        started_at -> Nullable<Moment>,
        stopped_at -> Nullable<Moment>,
        duration_seconds -> BigInt,
        files -> Document,
        report -> Nullable<Document>,
        error -> Nullable<Text>,
        tries -> BigInt,
        next_try_at -> Nullable<Moment>,
        recorded_ms -> BigInt,
        runs_since -> Nullable<Moment>,
        due_at -> Nullable<Moment>,
    }
}

table! {
    recording_transcripts (recording_id) {
        recording_id -> Text,
        status -> Text,
        body -> Document,
    }
}

table! {
    files (id) {
        id -> Text,
        org_id -> Text,
        call_id -> Text,
        name -> Text,
        media_type -> Text,
        size_bytes -> BigInt,
        from_id -> Text,
        to_id -> Nullable<Text>,
        shared_at -> Moment,
    }
}

table! {
    utterances (id) {
        id -> BigInt,
        org_id -> Text,
        call_id -> Text,
        participant_id -> Text,
        user_id -> Text,
        text -> Text,
        start_ms -> BigInt,
        end_ms -> BigInt,
        confidence -> Float,
        words -> Document,
        spoken_at -> Moment,
        recording_id -> Nullable<Text>,
    }
}

table! {
    webhooks (id) {
        id -> Text,
        org_id -> Text,
        url -> Text,
        events -> Document,
        description -> Nullable<Text>,
        enabled -> Bool,
        disabled_reason -> Nullable<Text>,
        secret -> Text,
        previous_secret -> Nullable<Text>,
        previous_until -> Nullable<Moment>,
        created_at -> Moment,
        made_by -> Nullable<Text>,
    }
}

table! {
    webhook_deliveries (id) {
        id -> Text,
        org_id -> Text,
        webhook_id -> Text,
        event_id -> Text,
        position -> BigInt,
        name -> Text,
        status -> Text,
        attempts -> BigInt,
        created_at -> Moment,
        since -> Moment,
        next_at -> Nullable<Moment>,
        settled_at -> Nullable<Moment>,
        log -> Document,
    }
}

table! {
    secrets (name) {
        name -> Text,
        value -> Binary,
        created_at -> Moment,
    }
}

diesel::joinable!(call_users -> calls (call_id));
diesel::joinable!(participants -> calls (call_id));
diesel::joinable!(recording_transcripts -> recordings (recording_id));
diesel::allow_tables_to_appear_in_same_query!(recordings, recording_transcripts);
diesel::allow_tables_to_appear_in_same_query!(calls, call_users, files, participants);
