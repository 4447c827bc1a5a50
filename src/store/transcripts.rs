//! What was said in calls: rows of `utterances`, and the search over all of them.

use calls_model::rest::Page;
use calls_model::{
    CallId, Fact, Found, Language, OrgId, RecordingId, Timestamp, Transcript, Unheard, UserId,
    Utterance,
};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;

use super::Store;
use super::calls;
use super::db::{Conn, on};
use super::error::StoreError;
use super::kept_out;
use super::page::PageRequest;
use super::schema::{facts, utterances};
use super::sql_types::{At, JsonText, Moment};
use super::words::{count, document, value};

#[derive(Queryable, Selectable)]
#[diesel(table_name = utterances)]
struct UtteranceRow {
    participant_id: String,
    user_id: String,
    text: String,
    start_ms: i64,
    end_ms: i64,
    confidence: f32,
    words: JsonText,
}

impl TryFrom<UtteranceRow> for Utterance {
    type Error = StoreError;

    fn try_from(row: UtteranceRow) -> Result<Self, StoreError> {
        Ok(Self {
            participant_id: value("participant id", row.participant_id)?,
            user_id: value("user id", row.user_id)?,
            text: row.text,
            start_ms: count("beginning of an utterance", row.start_ms)?,
            end_ms: count("end of an utterance", row.end_ms)?,
            confidence: row.confidence,
            words: value("words of an utterance", row.words.0)?,
        })
    }
}

/// The change that a fact of a transcription tells of; nothing of any other.
pub(super) async fn apply(conn: &mut Conn<'_>, org: &OrgId, fact: &Fact) -> Result<(), StoreError> {
    match fact {
        Fact::TranscriptionStarted { call_id, .. } => calls::transcribe(conn, call_id, true).await,
        Fact::TranscriptionStopped { call_id, .. } => calls::transcribe(conn, call_id, false).await,
        Fact::UtteranceSpoken {
            call_id,
            utterance,
            recording_id,
            at,
        } => say(conn, org, (call_id, recording_id.as_ref()), utterance, *at).await,
        Fact::TranscriptionReplaced { recording_id, .. } => forget(conn, recording_id).await,
        _ => Ok(()), // an interruption changes nothing; it is read from the facts themselves
    }
}

/// Keeps what somebody said.
async fn say(
    conn: &mut Conn<'_>,
    org: &OrgId,
    (call, recording): (&CallId, Option<&RecordingId>),
    said: &Utterance,
    at: Timestamp,
) -> Result<(), StoreError> {
    use utterances as row;
    let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    on!(conn, c => {
        diesel::insert_into(row::table)
            .values((
                row::call_id.eq(call.as_str()),
                row::org_id.eq(org.as_str()),
                row::participant_id.eq(said.participant_id.as_str()),
                row::user_id.eq(said.user_id.as_str()),
                row::text.eq(&said.text),
                row::start_ms.eq(ms(said.start_ms)),
                row::end_ms.eq(ms(said.end_ms)),
                row::confidence.eq(said.confidence),
                row::words.eq(document(&said.words)),
                row::spoken_at.eq(At(at)),
                row::recording_id.eq(recording.map(RecordingId::as_str)),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Erases what was understood of a recording.
async fn forget(conn: &mut Conn<'_>, recording: &RecordingId) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::delete(utterances::table.filter(utterances::recording_id.eq(recording.as_str())))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// All that was said in a call, in the order in which it began.
pub(super) async fn of_call(
    conn: &mut Conn<'_>,
    call: &CallId,
) -> Result<Vec<Utterance>, StoreError> {
    let rows: Vec<UtteranceRow> = on!(conn, c => {
        utterances::table
            .filter(utterances::call_id.eq(call.as_str()))
            .order((utterances::start_ms, utterances::id))
            .select(UtteranceRow::as_select())
            .load(c)
            .await
    })?;
    rows.into_iter().map(Utterance::try_from).collect()
}

/// What was understood last in a call, where it was transcribed at all.
pub(super) async fn language(
    conn: &mut Conn<'_>,
    call: &CallId,
) -> Result<Option<Language>, StoreError> {
    let body: Option<JsonText> = on!(conn, c => {
        facts::table
            .filter(facts::subject.eq(call.as_str()))
            .filter(facts::name.eq("transcription.started"))
            .order(facts::position.desc())
            .select(facts::body)
            .first(c)
            .await
            .optional()
    })?;
    let language = |body: JsonText| value("language", body.0["language"].clone());
    body.map(language).transpose()
}

/// When nobody listened in a call that was transcribed.
pub(super) async fn unheard(
    conn: &mut Conn<'_>,
    call: &CallId,
) -> Result<Vec<Unheard>, StoreError> {
    let bodies: Vec<JsonText> = on!(conn, c => {
        facts::table
            .filter(facts::subject.eq(call.as_str()))
            .filter(facts::name.eq("transcription.interrupted"))
            .order(facts::position)
            .select(facts::body)
            .load(c)
            .await
    })?;
    let unheard = |body: JsonText| value("interruption", body.0["unheard"].clone());
    bodies.into_iter().map(unheard).collect()
}

impl Store {
    /// Whether a user was inside a call and was not put out of it: only they may read what was said there.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn may_read_transcript(
        &self,
        call: &CallId,
        user: &UserId,
    ) -> Result<bool, StoreError> {
        let (call, user) = (call.clone(), user.clone());
        self.run(|db| async move {
            kept_out::was_welcome(&mut db.reader().await?.conn(), &call, &user).await
        })
        .await
    }

    /// All that was said in a call, and when nobody listened; nothing where it was never transcribed.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn transcript(&self, call_id: &CallId) -> Result<Transcript, StoreError> {
        let call_id = call_id.clone();
        self.run(|db| async move {
            let mut lease = db.reader().await?;
            Ok(Transcript {
                utterances: of_call(&mut lease.conn(), &call_id).await?,
                unheard: unheard(&mut lease.conn(), &call_id).await?,
                call_id,
            })
        })
        .await
    }

    /// A page of what was said in a tenant's calls with all of these words in it, the latest first. `by` sees only the
    /// calls that they were inside of and were not put out of; all are seen where it is left out.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn search(
        &self,
        org: &OrgId,
        sought: &str,
        by: Option<&UserId>,
        request: &PageRequest,
    ) -> Result<Page<Found>, StoreError> {
        let (sought, by, request) = (sought.to_owned(), by.cloned(), request.clone());
        let org = org.clone();
        self.run(|db| async move {
            search(
                &mut db.reader().await?.conn(),
                &org,
                &sought,
                by.as_ref(),
                &request,
            )
            .await
        })
        .await
    }
}

#[cfg(feature = "testing")]
impl Store {
    /// How the database would search, step by step, for a test that looks for the index.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn plan_of_search(
        &self,
        org: &OrgId,
        sought: &str,
        by: Option<&UserId>,
    ) -> Result<Vec<String>, StoreError> {
        let (org, sought, by) = (org.clone(), sought.to_owned(), by.cloned());
        self.run(|db| async move {
            let request = PageRequest::default();
            plan(
                &mut db.reader().await?.conn(),
                &org,
                &sought,
                by.as_ref(),
                &request,
            )
            .await
        })
        .await
    }
}

// ── search ──────────────────────────────────────────────────────────────────

#[derive(QueryableByName)]
struct FoundRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    call_id: String,
    #[diesel(sql_type = Text)]
    participant_id: String,
    #[diesel(sql_type = Text)]
    user_id: String,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = BigInt)]
    start_ms: i64,
    #[diesel(sql_type = BigInt)]
    end_ms: i64,
    #[diesel(sql_type = Moment)]
    spoken_at: At,
}

impl FoundRow {
    fn into_found(self, sought: &str) -> Result<(i64, Found), StoreError> {
        let found = Found {
            call_id: value("call id", self.call_id)?,
            participant_id: value("participant id", self.participant_id)?,
            user_id: value("user id", self.user_id)?,
            snippet: snippet(&self.text, sought),
            start_ms: count("beginning of an utterance", self.start_ms)?,
            end_ms: count("end of an utterance", self.end_ms)?,
            spoken_at: self.spoken_at.0,
        };
        Ok((self.id, found))
    }
}

/// Whoever searches sees a call only where they were inside and were not put out; all calls where nobody is named.
const IN_SQLITE: &str = "
    SELECT u.id, u.call_id, u.participant_id, u.user_id, u.text, u.start_ms, u.end_ms, u.spoken_at
    FROM utterance_words w JOIN utterances u ON u.id = w.rowid
    WHERE w.utterance_words MATCH ?1 AND u.org_id = ?7
      AND (?2 IS NULL
        OR ?2 IN (SELECT p.user_id FROM participants p WHERE p.call_id = u.call_id)
        AND ?2 NOT IN (SELECT p.user_id FROM participants p WHERE p.call_id = u.call_id AND p.leave_reason = 'removed'))
      AND (?3 IS NULL OR u.spoken_at < ?3 OR (u.spoken_at = ?3 AND u.id < ?4))
    ORDER BY u.spoken_at DESC, u.id DESC LIMIT ?5 OFFSET ?6";

const IN_POSTGRES: &str = "
    SELECT u.id, u.call_id, u.participant_id, u.user_id, u.text, u.start_ms, u.end_ms, u.spoken_at
    FROM utterances u
    WHERE u.search @@ plainto_tsquery('simple', $1) AND u.org_id = $7
      AND ($2 IS NULL
        OR $2 IN (SELECT p.user_id FROM participants p WHERE p.call_id = u.call_id)
        AND $2 NOT IN (SELECT p.user_id FROM participants p WHERE p.call_id = u.call_id AND p.leave_reason = 'removed'))
      AND ($3 IS NULL OR u.spoken_at < $3 OR (u.spoken_at = $3 AND u.id < $4))
    ORDER BY u.spoken_at DESC, u.id DESC LIMIT $5 OFFSET $6";

/// The statement of a search with its bounds: the same for the search and for its plan.
macro_rules! bound {
    ($statement:expr, $org:expr, $words:expr, $by:expr, $after:expr, $request:expr) => {
        diesel::sql_query($statement)
            .bind::<Text, _>($words)
            .bind::<Nullable<Text>, _>($by.map(UserId::as_str))
            .bind::<Nullable<Moment>, _>($after.as_ref().map(|after| At(after.created_at)))
            .bind::<BigInt, _>($after.as_ref().map_or(0, |after| after.id))
            .bind::<BigInt, _>($request.rows())
            .bind::<BigInt, _>(i64::from($request.offset))
            .bind::<Text, _>($org.as_str())
    };
}

/// A page of what was said with all of these words in it, the latest first.
pub(super) async fn search(
    conn: &mut Conn<'_>,
    org: &OrgId,
    sought: &str,
    by: Option<&UserId>,
    request: &PageRequest,
) -> Result<Page<Found>, StoreError> {
    let after = request.after::<i64>()?;
    let (statement, words) = match conn {
        Conn::Postgres(_) => (IN_POSTGRES, sought.to_owned()),
        Conn::Sqlite(_) => (IN_SQLITE, all_of(sought)),
    };
    let rows: Vec<FoundRow> = on!(conn, c => {
        bound!(statement, org, &words, by, after, request).load(c).await
    })?;
    let found = rows.into_iter().map(|row| row.into_found(sought));
    let page = request.page(found.collect::<Result<Vec<_>, _>>()?, |(id, found)| {
        (found.spoken_at, *id)
    });
    Ok(Page {
        data: page.data.into_iter().map(|(_, found)| found).collect(),
        next_cursor: page.next_cursor,
        has_more: page.has_more,
    })
}

/// How the database would search: one line for each step.
#[cfg(feature = "testing")]
async fn plan(
    conn: &mut Conn<'_>,
    org: &OrgId,
    sought: &str,
    by: Option<&UserId>,
    request: &PageRequest,
) -> Result<Vec<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        line: String,
    }
    let after = request.after::<i64>()?;
    Ok(match conn {
        Conn::Sqlite(c) => {
            let (words, asked) = (all_of(sought), format!("EXPLAIN QUERY PLAN {IN_SQLITE}"));
            let steps = bound!(asked, org, words, by, after, request).load::<Step>(c);
            steps.await?.into_iter().map(|step| step.detail).collect()
        }
        Conn::Postgres(c) => {
            let asked = format!("EXPLAIN (COSTS OFF) {IN_POSTGRES}");
            let lines = bound!(asked, org, sought, by, after, request).load::<Line>(c);
            lines.await?.into_iter().map(|line| line.line).collect()
        }
    })
}

/// What FTS5 is asked: each word as it is, whatever it means in its own language of queries.
fn all_of(sought: &str) -> String {
    let quoted = |word: &str| format!("\"{}\"", word.replace('"', ""));
    let words: Vec<String> = sought.split_whitespace().map(quoted).collect();
    words.join(" ")
}

/// Words that stand around the first one that was sought.
const AROUND: usize = 10;

/// The part of a text that tells why it was found.
fn snippet(text: &str, sought: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let bare = |word: &str| {
        word.trim_matches(|letter: char| !letter.is_alphanumeric())
            .to_lowercase()
    };
    let sought: Vec<String> = sought.split_whitespace().map(bare).collect();
    let is_sought = |word: &&str| sought.contains(&bare(word));
    let at = words.iter().position(is_sought).unwrap_or(0);
    let (from, to) = (
        at.saturating_sub(AROUND),
        (at + AROUND + 1).min(words.len()),
    );
    let mut snippet = words[from..to].join(" ");
    if from > 0 {
        snippet.insert_str(0, "… ");
    }
    if to < words.len() {
        snippet.push_str(" …");
    }
    snippet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_is_what_stands_around_the_first_word_that_was_sought() {
        let text = (0..40)
            .map(|n| format!("w{n}"))
            .collect::<Vec<_>>()
            .join(" ");
        assert_eq!(snippet("short and sweet", "AND"), "short and sweet");
        let written = text.replace("w20 ", "“W20,” ");
        assert!(
            snippet(&written, "w20").contains("W20"),
            "whatever marks stand around it"
        );
        let found = snippet(&text, "w20");
        assert!(
            found.starts_with("… w10 ") && found.ends_with(" w30 …"),
            "{found}"
        );
    }

    #[test]
    fn words_of_a_query_language_are_words_like_others() {
        assert_eq!(
            all_of("this OR \"that\" NEAR("),
            r#""this" "OR" "that" "NEAR(""#
        );
    }
}
