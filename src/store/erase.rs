//! Erasure: a call, or all that is kept of a user, for good.

mod traces;

use std::collections::BTreeSet;

use calls_model::{CallId, CallStatus, Erased, OrgId, RecordingId, UserId};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::db::{Conn, on};
use super::schema::{
    call_users, calls, facts, files, participants, quality_samples, recording_transcripts,
    recordings, rooms, utterances, webhook_deliveries,
};
use super::sql_types::JsonText;
use super::words::{document, value, word};
use super::{Result, Store};

/// Who somebody is after their erasure.
pub const ERASED: &str = "erased";

/// Rows that are named in one statement.
const BATCH: usize = 500;

impl Store {
    /// The recordings that somebody can be heard in, or those of one call; their files are to go first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn recordings_with(&self, org: &OrgId, user: &UserId) -> Result<Vec<RecordingId>> {
        let (org, user) = (org.clone(), user.clone());
        self.run(|db| async move { heard_in(&mut db.reader().await?.conn(), &org, &user).await })
            .await
    }

    /// Whether somebody is in, or called by, a call that goes on.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn is_in_a_call(&self, org: &OrgId, user: &UserId) -> Result<bool> {
        let (org, user) = (org.clone(), user.clone());
        self.run(|db| async move { is_live(&mut db.reader().await?.conn(), &org, &user).await })
            .await
    }

    /// Forgets the replies, kept for who asks again, that name a call, a presence in it, its recordings or its files. To be
    /// done while these are there still. Gives what they were found by.
    ///
    /// # Errors
    ///
    /// When the database fails; some may be gone then.
    pub async fn forget_replies_about(&self, id: &CallId) -> Result<Vec<String>> {
        let (id, marks) = (id.clone(), self.marks().await?);
        self.run(|db| async move {
            let within = within(&mut db.reader().await?.conn(), &id).await?;
            let Some((org, named)) = within else {
                return Ok(Vec::new());
            };
            traces::forget_replies(&db, &org, &named, &marks).await?;
            Ok(named)
        })
        .await
    }

    /// The same for those that name one of these words.
    ///
    /// # Errors
    ///
    /// When the database fails; some may be gone then.
    pub async fn forget_replies_with(&self, org: &OrgId, named: Vec<String>) -> Result<()> {
        let (org, marks) = (org.clone(), self.marks().await?);
        self.run(|db| async move { traces::forget_replies(&db, &org, &named, &marks).await })
            .await
    }

    /// Erases a call that is over: who was in it, what was said, how good it was, and the events that told of it.
    ///
    /// # Errors
    ///
    /// When the database fails; then nothing is erased, or some of the replies that are kept for who asks again.
    pub async fn erase_call(&self, id: &CallId) -> Result<Erased> {
        self.forget_replies_about(id).await?;
        let id = id.clone();
        self.run(|db| async move {
            let mut lease = db.writer().await?;
            lease.begin().await?;
            let outcome = erase_call(&mut lease.conn(), &id).await;
            lease.finish(outcome).await
        })
        .await
    }

    /// Erases what is kept of a user: what they said goes; where they stand beside others, a nameless one stands.
    ///
    /// # Errors
    ///
    /// When the database fails; then nothing is erased, or all but some replies that are kept for who asks again: a second
    /// try erases those.
    pub async fn erase_user(&self, org: &OrgId, user: &UserId) -> Result<Erased> {
        let (of, whom) = (org.clone(), user.clone());
        let erased = self
            .run(|db| async move {
                let mut lease = db.writer().await?;
                lease.begin().await?;
                let outcome = erase_user(&mut lease.conn(), &of, &whom).await;
                lease.finish(outcome).await
            })
            .await?;
        self.forget_replies_with(org, vec![user.to_string()])
            .await?;
        Ok(erased)
    }
}

async fn heard_in(conn: &mut Conn<'_>, org: &OrgId, user: &UserId) -> Result<Vec<RecordingId>> {
    let calls = calls_of(conn, org, user).await?;
    let mut heard = Vec::new();
    for some in calls.chunks(BATCH) {
        let rows: Vec<(String, JsonText)> = on!(conn, c => {
            recordings::table
                .filter(recordings::call_id.eq_any(some))
                .select((recordings::id, recordings::participants))
                .load(c)
                .await
        })?;
        for (id, narrowed) in rows {
            let narrowed: Vec<UserId> = value("users of a recording", narrowed.0)?;
            if narrowed.is_empty() || narrowed.contains(user) {
                heard.push(value("recording id", id)?);
            }
        }
    }
    Ok(heard)
}

async fn is_live(conn: &mut Conn<'_>, org: &OrgId, user: &UserId) -> Result<bool> {
    let found: Option<String> = on!(conn, c => {
        call_users::table
            .inner_join(calls::table)
            .filter(call_users::user_id.eq(user.as_str()))
            .filter(calls::org_id.eq(org.as_str()))
            .filter(calls::status.ne(word(CallStatus::Ended)))
            .select(calls::id)
            .first(c)
            .await
            .optional()
    })?;
    Ok(found.is_some())
}

/// Whose a call is, and what names it or a part of it.
async fn within(conn: &mut Conn<'_>, id: &CallId) -> Result<Option<(OrgId, Vec<String>)>> {
    let id = id.as_str();
    let (org, mut named, tapes, shared): (Option<String>, Vec<String>, Vec<String>, Vec<String>) =
        on!(conn, c => {
            let org = calls::table.find(id).select(calls::org_id).first(c).await.optional()?;
            let present = participants::table.filter(participants::call_id.eq(id));
            let present = present.select(participants::id).load(c).await?;
            let tapes = recordings::table.filter(recordings::call_id.eq(id));
            let tapes = tapes.select(recordings::id).load(c).await?;
            let shared = files::table.filter(files::call_id.eq(id));
            let shared = shared.select(files::id).load(c).await?;
            QueryResult::Ok((org, present, tapes, shared))
        })?;
    let Some(org) = org else {
        return Ok(None);
    };
    named.extend(tapes);
    named.extend(shared);
    named.push(id.to_owned());
    Ok(Some((value("tenant", org)?, named)))
}

async fn erase_call(conn: &mut Conn<'_>, id: &CallId) -> Result<Erased> {
    let id = id.as_str();
    let told: Vec<String> = on!(conn, c => {
        facts::table.filter(facts::subject.eq(id)).select(facts::id).load(c).await
    })?;
    for some in told.chunks(BATCH) {
        on!(conn, c => {
            let sent = webhook_deliveries::table.filter(webhook_deliveries::event_id.eq_any(some));
            diesel::delete(sent).execute(c).await
        })?;
    }
    let tapes: Vec<String> = on!(conn, c => {
        recordings::table.filter(recordings::call_id.eq(id)).select(recordings::id).load(c).await
    })?;
    for some in tapes.chunks(BATCH) {
        on!(conn, c => {
            let heard = recording_transcripts::table
                .filter(recording_transcripts::recording_id.eq_any(some));
            diesel::delete(heard).execute(c).await
        })?;
    }
    let (said, recorded, erased) = on!(conn, c => {
        diesel::delete(facts::table.filter(facts::subject.eq(id))).execute(c).await?;
        let sampled = quality_samples::table.filter(quality_samples::call_id.eq(id));
        diesel::delete(sampled).execute(c).await?;
        let said = utterances::table.filter(utterances::call_id.eq(id));
        let said = diesel::delete(said).execute(c).await?;
        let recorded = recordings::table.filter(recordings::call_id.eq(id));
        let recorded = diesel::delete(recorded).execute(c).await?;
        let shared = files::table.filter(files::call_id.eq(id));
        diesel::delete(shared).execute(c).await?;
        let present = participants::table.filter(participants::call_id.eq(id));
        diesel::delete(present).execute(c).await?;
        let users = call_users::table.filter(call_users::call_id.eq(id));
        diesel::delete(users).execute(c).await?;
        let erased = diesel::delete(calls::table.find(id)).execute(c).await?;
        QueryResult::Ok((said, recorded, erased))
    })?;
    Ok(Erased {
        recordings: number(recorded),
        utterances: number(said),
        calls: number(erased),
        events: number(told.len()),
    })
}

async fn erase_user(conn: &mut Conn<'_>, org: &OrgId, user: &UserId) -> Result<Erased> {
    let calls = calls_of(conn, org, user).await?;
    let rooms: Vec<String> = on!(conn, c => {
        rooms::table
            .filter(rooms::org_id.eq(org.as_str()))
            .filter(rooms::host.eq(user.as_str()))
            .select(rooms::id)
            .load(c)
            .await
    })?;
    let mut erased = Erased {
        calls: number(calls.len()),
        ..Erased::default()
    };
    let presences: Vec<String> = on!(conn, c => {
        participants::table
            .filter(participants::org_id.eq(org.as_str()))
            .filter(participants::user_id.eq(user.as_str()))
            .select(participants::id)
            .load(c)
            .await
    })?;
    let whom = Whom {
        user: user.as_str(),
        presences: &presences,
    };
    let subjects: Vec<String> = calls.iter().chain(&rooms).cloned().collect();
    for subject in &subjects {
        erased.events += forget_in_facts(conn, subject, &whom).await?;
    }
    for call in &calls {
        forget_in_call(conn, call, &whom).await?;
    }
    traces::forget_in_audit(conn, org, &whom).await?;
    erased.utterances = number(on!(conn, c => {
        let said = utterances::table
            .filter(utterances::org_id.eq(org.as_str()))
            .filter(utterances::user_id.eq(user.as_str()));
        let said = diesel::delete(said).execute(c).await?;
        let theirs = call_users::table
            .filter(call_users::org_id.eq(org.as_str()))
            .filter(call_users::user_id.eq(user.as_str()));
        diesel::delete(theirs).execute(c).await?;
        let hosted = rooms::table
            .filter(rooms::org_id.eq(org.as_str()))
            .filter(rooms::host.eq(user.as_str()));
        diesel::update(hosted).set(rooms::host.eq(None::<String>)).execute(c).await?;
        QueryResult::Ok(said)
    })?);
    Ok(erased)
}

/// The calls that stand in somebody's history.
async fn calls_of(conn: &mut Conn<'_>, org: &OrgId, user: &UserId) -> Result<Vec<String>> {
    Ok(on!(conn, c => {
        call_users::table
            .inner_join(calls::table)
            .filter(call_users::user_id.eq(user.as_str()))
            .filter(calls::org_id.eq(org.as_str()))
            .select(calls::id)
            .load(c)
            .await
    })?)
}

/// Who rang, who was rung, who was in.
async fn forget_in_call(conn: &mut Conn<'_>, call: &str, whom: &Whom<'_>) -> Result<()> {
    let (from, to, metadata): (Option<String>, JsonText, JsonText) = on!(conn, c => {
        let query = calls::table.find(call);
        query.select((calls::from_user, calls::to_users, calls::metadata)).first(c).await
    })?;
    let from = from.map(|from| {
        if from == whom.user {
            ERASED.to_owned()
        } else {
            from
        }
    });
    let (mut to, mut metadata) = (to.0, metadata.0);
    forget(&mut to, whom);
    forget_in_metadata(&mut metadata, whom);
    on!(conn, c => {
        let theirs = participants::table
            .filter(participants::call_id.eq(call))
            .filter(participants::user_id.eq(whom.user));
        let presences: Vec<String> = theirs.select(participants::id).load(c).await?;
        let sampled = quality_samples::table
            .filter(quality_samples::call_id.eq(call))
            .filter(quality_samples::participant_id.eq_any(&presences));
        diesel::delete(sampled).execute(c).await?;
        diesel::update(participants::table.filter(participants::id.eq_any(&presences)))
            .set((
                participants::user_id.eq(ERASED),
                participants::display_name.eq(None::<String>),
            ))
            .execute(c)
            .await?;
        diesel::update(calls::table.find(call))
            .set((
                calls::from_user.eq(&from),
                calls::to_users.eq(JsonText(to.clone())),
                calls::metadata.eq(JsonText(metadata.clone())),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Rewrites what is told of a call or room; tells how many facts named them.
async fn forget_in_facts(conn: &mut Conn<'_>, subject: &str, whom: &Whom<'_>) -> Result<u64> {
    let told: Vec<(i64, JsonText)> = on!(conn, c => {
        facts::table
            .filter(facts::subject.eq(subject))
            .select((facts::position, facts::body))
            .load(c)
            .await
    })?;
    // Presences are named without their user in some facts; those say nothing of the user once these are gone.
    let mut rewritten: BTreeSet<i64> = BTreeSet::new();
    for (position, JsonText(mut body)) in told {
        if !forget(&mut body, whom) {
            continue;
        }
        on!(conn, c => {
            diesel::update(facts::table.filter(facts::position.eq(position)))
                .set(facts::body.eq(document(&body)))
                .execute(c)
                .await
        })?;
        rewritten.insert(position);
    }
    Ok(number(rewritten.len()))
}

/// Keys whose strings are words of ours, also where a user is called like one.
const WORDS: [&str; 19] = [
    "type",
    "kind",
    "reason",
    "end_reason",
    "role",
    "status",
    "state",
    "mode",
    "source",
    "layout",
    "place",
    "language",
    "encryption",
    "codec",
    "media_type",
    "room_type",
    "call_type",
    "event",
    "events",
];

/// Who is forgotten.
struct Whom<'a> {
    user: &'a str,
    /// All that they ever had.
    presences: &'a [String],
}

/// Puts nobody in the place of a user, wherever they stand in a document; what they are called, what they said, and the
/// names of their files go.
fn forget(document: &mut Value, whom: &Whom<'_>) -> bool {
    match document {
        Value::String(text) if text == whom.user => {
            ERASED.clone_into(text);
            true
        }
        Value::Array(entries) => {
            let mut found = false;
            for entry in entries {
                found |= forget(entry, whom);
            }
            found
        }
        Value::Object(keys) => {
            let theirs = keys.get("user_id").is_some_and(|id| id == whom.user);
            let from = keys.get("from").and_then(Value::as_str);
            let sent = from.is_some_and(|from| whom.presences.iter().any(|one| one == from));
            let mut found = sent;
            for (key, value) in keys.iter_mut() {
                match key.as_str() {
                    "metadata" => found |= forget_in_metadata(value, whom),
                    key if WORDS.contains(&key) && !value.is_object() => {}
                    "display_name" if theirs => *value = Value::Null,
                    "text" if theirs => *value = Value::String(String::new()),
                    "words" if theirs => *value = Value::Array(Vec::new()),
                    "name" if sent => *value = Value::String(ERASED.to_owned()),
                    _ => found |= forget(value, whom),
                }
            }
            found
        }
        _ => false,
    }
}

/// The same in what an application wrote beside a call, where no key is one of ours: as a text or a key, as far as that is
/// their id and nothing else.
fn forget_in_metadata(written: &mut Value, whom: &Whom<'_>) -> bool {
    match written {
        Value::String(text) if text == whom.user => {
            ERASED.clone_into(text);
            true
        }
        Value::Array(entries) => {
            let forget = |found, entry| found | forget_in_metadata(entry, whom);
            entries.iter_mut().fold(false, forget)
        }
        Value::Object(keys) => {
            let theirs = keys.remove(whom.user);
            let mut found = theirs.is_some();
            keys.extend(theirs.map(|value| (ERASED.to_owned(), value)));
            for value in keys.values_mut() {
                found |= forget_in_metadata(value, whom);
            }
            found
        }
        _ => false,
    }
}

fn number(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_user_is_forgotten_wherever_they_stand_and_nobody_else_is() {
        let mut told = json!({
            "call": { "from": "ann", "to": ["ben", "ann"] },
            "member": { "user_id": "ann", "display_name": "Ann", "role": "host" },
            "utterance": { "user_id": "ann", "text": "secret", "words": [{ "text": "secret" }] },
            "file": { "from": "part_1", "name": "secret.pdf" },
            "other": { "user_id": "ben", "display_name": "Ben", "text": "ann said so" },
            "left": { "user_id": "ben", "reason": "ann", "role": "ann" },
            "metadata": { "role": "ann", "ann": ["ann", "ask ann"], "desk": { "text": "ben" } },
        });
        let presences = ["part_1".to_owned()];
        let ann = Whom {
            user: "ann",
            presences: &presences,
        };
        assert!(forget(&mut told, &ann));
        assert_eq!(
            told,
            json!({
                "call": { "from": "erased", "to": ["ben", "erased"] },
                "member": { "user_id": "erased", "display_name": null, "role": "host" },
                "utterance": { "user_id": "erased", "text": "", "words": [] },
                "file": { "from": "part_1", "name": "erased" },
                "other": { "user_id": "ben", "display_name": "Ben", "text": "ann said so" },
                "left": { "user_id": "ben", "reason": "ann", "role": "ann" },
                "metadata": {
                    "role": "erased", "erased": ["erased", "ask ann"], "desk": { "text": "ben" },
                },
            })
        );
        let nobody = Whom {
            user: "ann",
            presences: &[],
        };
        assert!(!forget(&mut told, &nobody));
    }
}
