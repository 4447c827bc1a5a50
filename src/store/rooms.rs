//! Rooms: rows of `rooms`, and how many are inside.

use std::collections::HashMap;

use calls_model::fact::HashChange;
use calls_model::rest::Page;
use calls_model::{OrgId, Room, RoomId, Timestamp};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Store;
use super::db::{Conn, on};
use super::error::StoreError;
use super::page::{PageRequest, older};
use super::schema::{calls, participants, rooms};
use super::sql_types::{At, JsonText};
use super::words::{count, document, moment, value, word};

/// A room with what its door asks for. The hash never travels further than the check.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomAtDoor {
    /// The room.
    pub room: Room,
    /// Argon2 hash of its password, PHC string; none: no password.
    pub password_hash: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = rooms)]
struct RoomRow {
    id: String,
    org_id: String,
    name: String,
    room_type: String,
    max_participants: i64,
    settings: JsonText,
    locked: bool,
    scheduled_at: Option<At>,
    host: Option<String>,
    encryption: String,
    phrases: JsonText,
    created_at: At,
}

#[derive(Insertable)]
#[diesel(table_name = rooms)]
struct NewRoom<'a> {
    id: &'a str,
    org_id: &'a str,
    password_hash: Option<&'a str>,
    encryption: String,
    created_at: At,
    #[diesel(embed)]
    rules: RoomRules<'a>,
}

/// What a change of a room may change.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = rooms, treat_none_as_null = true)]
struct RoomRules<'a> {
    name: &'a str,
    room_type: String,
    max_participants: i64,
    settings: JsonText,
    locked: bool,
    scheduled_at: Option<At>,
    host: Option<String>,
    phrases: JsonText,
}

impl<'a> From<&'a Room> for RoomRules<'a> {
    fn from(room: &'a Room) -> Self {
        Self {
            name: room.name.as_str(),
            room_type: word(room.room_type),
            max_participants: room.max_participants.into(),
            settings: document(room.settings),
            locked: room.locked,
            scheduled_at: room.scheduled_at.map(At),
            host: room.host.clone().map(String::from),
            phrases: document(&room.phrases),
        }
    }
}

impl RoomRow {
    fn into_room(self, current_participants: i64) -> Result<Room, StoreError> {
        Ok(Room {
            room_id: value("room id", self.id)?,
            name: value("room name", self.name)?,
            room_type: value("room type", self.room_type)?,
            max_participants: count("room size", self.max_participants)?,
            settings: value("room settings", self.settings.0)?,
            current_participants: count("head count", current_participants)?,
            created_at: self.created_at.0,
            scheduled_at: moment(self.scheduled_at),
            locked: self.locked,
            host: self.host.map(|host| value("room host", host)).transpose()?,
            encryption: value("room encryption", self.encryption)?,
            org_id: value("tenant", self.org_id)?,
            phrases: value("room phrases", self.phrases.0)?,
        })
    }
}

impl Store {
    /// A room, unless it is deleted or never was.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn room(&self, id: &RoomId) -> Result<Option<Room>, StoreError> {
        Ok(self.room_at_door(id).await?.map(|found| found.room))
    }

    /// A room with the hash of its password.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn room_at_door(&self, id: &RoomId) -> Result<Option<RoomAtDoor>, StoreError> {
        let id = id.clone();
        self.run(|db| async move { find(&mut db.reader().await?.conn(), &id).await })
            .await
    }

    /// A page of a tenant's rooms, newest first.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn rooms(
        &self,
        org: &OrgId,
        request: &PageRequest,
    ) -> Result<Page<Room>, StoreError> {
        let (org, request) = (org.clone(), request.clone());
        self.run(|db| async move { list(&mut db.reader().await?.conn(), &org, &request).await })
            .await
    }
}

/// The room with its password's hash, unless it is deleted or never was.
pub(super) async fn find(
    conn: &mut Conn<'_>,
    id: &RoomId,
) -> Result<Option<RoomAtDoor>, StoreError> {
    let found: Option<(RoomRow, Option<String>)> = on!(conn, c => {
        rooms::table
            .find(id.as_str())
            .filter(rooms::deleted_at.is_null())
            .select((RoomRow::as_select(), rooms::password_hash))
            .first(c)
            .await
            .optional()
    })?;
    let Some((row, password_hash)) = found else {
        return Ok(None);
    };
    let inside = head_counts(conn, &[row.id.as_str()])
        .await?
        .into_values()
        .sum();
    Ok(Some(RoomAtDoor {
        room: row.into_room(inside)?,
        password_hash,
    }))
}

/// Whose room it is, unless it is deleted or never was.
pub(super) async fn org(conn: &mut Conn<'_>, id: &RoomId) -> Result<Option<OrgId>, StoreError> {
    let org: Option<String> = on!(conn, c => {
        rooms::table
            .find(id.as_str())
            .filter(rooms::deleted_at.is_null())
            .select(rooms::org_id)
            .first(c)
            .await
            .optional()
    })?;
    org.map(|org| value("tenant", org)).transpose()
}

/// A page of a tenant's rooms that are not deleted, newest first.
async fn list(
    conn: &mut Conn<'_>,
    org: &OrgId,
    request: &PageRequest,
) -> Result<Page<Room>, StoreError> {
    let after = request.after::<RoomId>()?;
    let rows: Vec<RoomRow> = on!(conn, c => {
        let mut query = rooms::table
            .filter(rooms::org_id.eq(org.as_str()))
            .filter(rooms::deleted_at.is_null())
            .order((rooms::created_at.desc(), rooms::id.desc()))
            .select(RoomRow::as_select())
            .limit(request.rows())
            .offset(request.offset.into())
            .into_boxed();
        if let Some(after) = &after {
            query = query.filter(older!(after, rooms::created_at, rooms::id));
        }
        query.load(c).await
    })?;
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let inside = head_counts(conn, &ids).await?;
    let rooms: Vec<Room> = rows
        .into_iter()
        .map(|row| {
            let inside = inside.get(&row.id).copied().unwrap_or(0);
            row.into_room(inside)
        })
        .collect::<Result<_, _>>()?;
    Ok(request.page(rooms, |room| (room.created_at, room.room_id.clone())))
}

/// How many are inside of each of these rooms; rooms with nobody in them are left out.
async fn head_counts(
    conn: &mut Conn<'_>,
    room_ids: &[&str],
) -> Result<HashMap<String, i64>, StoreError> {
    let counts: Vec<(Option<String>, i64)> = on!(conn, c => {
        participants::table
            .inner_join(calls::table)
            .filter(participants::left_at.is_null())
            .filter(participants::hidden.eq(false))
            .filter(calls::room_id.eq_any(room_ids.iter().copied()))
            .group_by(calls::room_id)
            .select((calls::room_id, diesel::dsl::count_star()))
            .load(c)
            .await
    })?;
    Ok(counts
        .into_iter()
        .filter_map(|(room, heads)| Some((room?, heads)))
        .collect())
}

/// Makes a room.
pub(super) async fn insert(
    conn: &mut Conn<'_>,
    room: &Room,
    password_hash: Option<&str>,
) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::insert_into(rooms::table)
            .values(NewRoom {
                id: room.room_id.as_str(),
                org_id: room.org_id.as_str(),
                password_hash,
                encryption: word(room.encryption),
                created_at: At(room.created_at),
                rules: room.into(),
            })
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Changes a room. When it was made and how many are inside is not for a change to say.
pub(super) async fn update(
    conn: &mut Conn<'_>,
    room: &Room,
    hash: &HashChange,
) -> Result<(), StoreError> {
    let hash = match hash {
        HashChange::Keep => None,
        HashChange::Remove => Some(rooms::password_hash.eq(None)),
        HashChange::Set(hash) => Some(rooms::password_hash.eq(Some(hash.as_str()))),
    };
    let changed = on!(conn, c => {
        diesel::update(rooms::table.find(room.room_id.as_str()))
            .filter(rooms::deleted_at.is_null())
            .set((RoomRules::from(room), hash))
            .execute(c)
            .await
    })?;
    found(changed)
}

/// Deletes a room: its name stays for the history's sake, its password's hash goes. Twice is as good as once.
pub(super) async fn delete(
    conn: &mut Conn<'_>,
    id: &RoomId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let changed = on!(conn, c => {
        diesel::update(rooms::table.find(id.as_str()))
            .set((rooms::deleted_at.eq(At(at)), rooms::password_hash.eq(None::<String>)))
            .execute(c)
            .await
    })?;
    found(changed)
}

fn found(rows: usize) -> Result<(), StoreError> {
    if rows == 0 {
        Err(StoreError::NotFound { what: "room" })
    } else {
        Ok(())
    }
}
