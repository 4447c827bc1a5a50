//! How good the connections of a call were: rows of `quality_samples`.

use std::collections::HashMap;

use calls_actors::journal::Sampled;
use calls_model::rest::Page;
use calls_model::{CallId, OrgId, ParticipantId, QualitySample, UserId};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Store;
use super::calls;
use super::db::{Conn, on};
use super::error::StoreError;
use super::page::{PageRequest, older};
use super::schema::{participants, quality_samples};
use super::sql_types::At;
use super::words::{count, value};

#[derive(Queryable, Selectable)]
#[diesel(table_name = quality_samples)]
struct SampleRow {
    at: At,
    participant_id: String,
    score: f32,
    up_kbps: i64,
    down_kbps: i64,
    loss: f32,
    rtt_ms: Option<i64>,
    jitter_ms: i64,
    freezes: i64,
    estimate_kbps: Option<i64>,
    up_height: Option<i64>,
    down_height: Option<i64>,
    pictures: Option<i64>,
    reduced_pictures: Option<i64>,
}

impl TryFrom<SampleRow> for QualitySample {
    type Error = StoreError;

    fn try_from(row: SampleRow) -> Result<Self, StoreError> {
        let known = |what, figure: Option<i64>| figure.map(|one| count(what, one)).transpose();
        Ok(Self {
            at: row.at.0,
            participant_id: value("participant id", row.participant_id)?,
            score: row.score,
            up_kbps: count("rate", row.up_kbps)?,
            down_kbps: count("rate", row.down_kbps)?,
            loss: row.loss,
            rtt_ms: known("round-trip time", row.rtt_ms)?,
            jitter_ms: count("jitter", row.jitter_ms)?,
            freezes: count("freezes", row.freezes)?,
            estimate_kbps: known("estimate", row.estimate_kbps)?,
            up_height: known("height", row.up_height)?,
            down_height: known("height", row.down_height)?,
            pictures: known("pictures", row.pictures)?,
            reduced_pictures: known("pictures", row.reduced_pictures)?,
        })
    }
}

impl Store {
    /// Keeps how good connections were.
    ///
    /// # Errors
    ///
    /// When the database fails; then none is kept.
    pub async fn keep_quality(&self, samples: Vec<Sampled>) -> Result<(), StoreError> {
        self.run(|db| async move {
            let mut lease = db.writer().await?;
            lease.begin().await?;
            let outcome = keep(&mut lease.conn(), &samples).await;
            lease.finish(outcome).await
        })
        .await
    }
}

/// Keeps samples; one of the same presence and moment again replaces nothing.
async fn keep(conn: &mut Conn<'_>, samples: &[Sampled]) -> Result<(), StoreError> {
    use quality_samples as row;
    let mut orgs: HashMap<&CallId, OrgId> = HashMap::new();
    for Sampled { call_id, sample } in samples {
        if !orgs.contains_key(call_id) {
            let org = calls::org(conn, call_id).await?.unwrap_or_default();
            orgs.insert(call_id, org);
        }
        let org = &orgs[call_id];
        on!(conn, c => {
            diesel::insert_into(row::table)
                .values((
                    row::call_id.eq(call_id.as_str()),
                    row::org_id.eq(org.as_str()),
                    row::at.eq(At(sample.at)),
                    row::participant_id.eq(sample.participant_id.as_str()),
                    row::score.eq(sample.score),
                    row::up_kbps.eq(i64::from(sample.up_kbps)),
                    row::down_kbps.eq(i64::from(sample.down_kbps)),
                    row::loss.eq(sample.loss),
                    row::rtt_ms.eq(sample.rtt_ms.map(i64::from)),
                    row::jitter_ms.eq(i64::from(sample.jitter_ms)),
                    row::freezes.eq(i64::from(sample.freezes)),
                    row::estimate_kbps.eq(sample.estimate_kbps.map(i64::from)),
                    row::up_height.eq(sample.up_height.map(i64::from)),
                    row::down_height.eq(sample.down_height.map(i64::from)),
                    row::pictures.eq(sample.pictures.map(i64::from)),
                    row::reduced_pictures.eq(sample.reduced_pictures.map(i64::from)),
                ))
                .on_conflict_do_nothing()
                .execute(c)
                .await
        })?;
    }
    Ok(())
}

/// Whose samples of a call are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QualityOf {
    /// Only those of this presence.
    pub participant: Option<ParticipantId>,
    /// Whether those who are hidden are among them.
    pub hidden: Hidden,
}

/// Which hidden presences somebody is to know of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Hidden {
    /// All.
    #[default]
    All,
    /// Those of this user, who was one.
    Of(UserId),
    /// None.
    None,
}

impl Hidden {
    /// Whether a hidden presence of this user is among them.
    pub fn is_told_of(&self, user: &UserId) -> bool {
        match self {
            Self::All => true,
            Self::Of(own) => own == user,
            Self::None => false,
        }
    }
}

impl Store {
    /// A page of how good the connections of a call were, newest first.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn quality(
        &self,
        call: &CallId,
        of: &QualityOf,
        request: &PageRequest,
    ) -> Result<Page<QualitySample>, StoreError> {
        let (call, of, request) = (call.clone(), of.clone(), request.clone());
        self.run(
            |db| async move { list(&mut db.reader().await?.conn(), &call, &of, &request).await },
        )
        .await
    }
}

/// The hidden presences of a call that are not to be told of.
async fn untold(
    conn: &mut Conn<'_>,
    call: &CallId,
    hidden: &Hidden,
) -> Result<Vec<String>, StoreError> {
    if *hidden == Hidden::All {
        return Ok(Vec::new());
    }
    let found: Vec<(String, String)> = on!(conn, c => {
        participants::table
            .filter(participants::call_id.eq(call.as_str()))
            .filter(participants::hidden.eq(true))
            .select((participants::id, participants::user_id))
            .load(c)
            .await
    })?;
    let mut untold = Vec::new();
    for (id, user) in found {
        if !hidden.is_told_of(&value("user id", user)?) {
            untold.push(id);
        }
    }
    Ok(untold)
}

/// A page of the samples of a call, newest first.
async fn list(
    conn: &mut Conn<'_>,
    call: &CallId,
    of: &QualityOf,
    request: &PageRequest,
) -> Result<Page<QualitySample>, StoreError> {
    use quality_samples::{at, call_id, participant_id};
    let after = request.after::<ParticipantId>()?;
    let untold = untold(conn, call, &of.hidden).await?;
    let rows: Vec<SampleRow> = on!(conn, c => {
        let mut query = quality_samples::table
            .filter(call_id.eq(call.as_str()))
            .order((at.desc(), participant_id.desc()))
            .select(SampleRow::as_select())
            .limit(request.rows())
            .offset(request.offset.into())
            .into_boxed();
        if let Some(who) = &of.participant {
            query = query.filter(participant_id.eq(who.as_str()));
        }
        if !untold.is_empty() {
            query = query.filter(participant_id.ne_all(&untold));
        }
        if let Some(after) = &after {
            query = query.filter(older!(after, at, participant_id));
        }
        query.load(c).await
    })?;
    let samples = rows
        .into_iter()
        .map(QualitySample::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(request.page(samples, |last| (last.at, last.participant_id.clone())))
}
