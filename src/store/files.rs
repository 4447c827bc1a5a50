//! Files that members shared: rows of `files`.

use calls_model::rest::Page;
use calls_model::{CallId, Fact, FileId, OrgId, ParticipantId, SharedFile, Timestamp, UserId};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Store;
use super::db::{Conn, on};
use super::error::StoreError;
use super::page::PageRequest;
use super::schema::{files, participants};
use super::sql_types::At;
use super::words::{count, optional, value};

#[derive(Queryable, Selectable)]
#[diesel(table_name = files)]
struct FileRow {
    id: String,
    call_id: String,
    name: String,
    media_type: String,
    size_bytes: i64,
    from_id: String,
    to_id: Option<String>,
    shared_at: At,
}

impl TryFrom<FileRow> for SharedFile {
    type Error = StoreError;

    fn try_from(row: FileRow) -> Result<Self, StoreError> {
        Ok(Self {
            file_id: value("file id", row.id)?,
            call_id: value("call id", row.call_id)?,
            name: value("name of a file", row.name)?,
            media_type: row.media_type,
            size_bytes: count("size of a file", row.size_bytes)?,
            from: value("participant id", row.from_id)?,
            to: optional("participant id", row.to_id)?,
            shared_at: row.shared_at.0,
        })
    }
}

/// The change that a fact of a file tells of; nothing of any other.
pub(super) async fn apply(conn: &mut Conn<'_>, org: &OrgId, fact: &Fact) -> Result<(), StoreError> {
    match fact {
        Fact::FileShared { file } => insert(conn, org, file).await,
        Fact::FileDeleted { file_id, .. } => delete(conn, file_id).await,
        _ => Ok(()),
    }
}

/// A file was shared.
async fn insert(conn: &mut Conn<'_>, org: &OrgId, file: &SharedFile) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::insert_into(files::table)
            .values((
                files::id.eq(file.file_id.as_str()),
                files::call_id.eq(file.call_id.as_str()),
                files::org_id.eq(org.as_str()),
                files::name.eq(file.name.as_str()),
                files::media_type.eq(&file.media_type),
                files::size_bytes.eq(i64::try_from(file.size_bytes).unwrap_or(i64::MAX)),
                files::from_id.eq(file.from.as_str()),
                files::to_id.eq(file.to.as_ref().map(ParticipantId::as_str)),
                files::shared_at.eq(At(file.shared_at)),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// It is gone. Twice is as good as once.
async fn delete(conn: &mut Conn<'_>, id: &FileId) -> Result<(), StoreError> {
    on!(conn, c => diesel::delete(files::table.find(id.as_str())).execute(c).await)?;
    Ok(())
}

async fn find(conn: &mut Conn<'_>, id: &FileId) -> Result<Option<SharedFile>, StoreError> {
    let row: Option<FileRow> = on!(conn, c => {
        files::table
            .find(id.as_str())
            .select(FileRow::as_select())
            .first(c)
            .await
            .optional()
    })?;
    row.map(SharedFile::try_from).transpose()
}

async fn of_call(
    conn: &mut Conn<'_>,
    call_id: &CallId,
    request: &PageRequest,
) -> Result<Page<SharedFile>, StoreError> {
    let after = request.after::<FileId>()?;
    let rows: Vec<FileRow> = on!(conn, c => {
        let mut query = files::table
            .filter(files::call_id.eq(call_id.as_str()))
            .order(files::id.desc())
            .select(FileRow::as_select())
            .limit(request.rows())
            .offset(request.offset.into())
            .into_boxed();
        if let Some(after) = &after {
            query = query.filter(files::id.lt(after.id.as_str()));
        }
        query.load(c).await
    })?;
    let rows: Vec<SharedFile> = rows
        .into_iter()
        .map(SharedFile::try_from)
        .collect::<Result<_, _>>()?;
    Ok(request.page(rows, |file| (file.shared_at, file.file_id.clone())))
}

/// What a tenant's user shared, in all calls.
async fn shared_by(
    conn: &mut Conn<'_>,
    org: &OrgId,
    user: &UserId,
) -> Result<Vec<SharedFile>, StoreError> {
    let rows: Vec<FileRow> = on!(conn, c => {
        let theirs = participants::table
            .filter(participants::org_id.eq(org.as_str()))
            .filter(participants::user_id.eq(user.as_str()))
            .select(participants::id);
        files::table
            .filter(files::org_id.eq(org.as_str()))
            .filter(files::from_id.eq_any(theirs))
            .select(FileRow::as_select())
            .load(c)
            .await
    })?;
    rows.into_iter().map(SharedFile::try_from).collect()
}

async fn bytes_of(conn: &mut Conn<'_>, call_id: &CallId) -> Result<u64, StoreError> {
    let sizes: Vec<i64> = on!(conn, c => {
        files::table
            .filter(files::call_id.eq(call_id.as_str()))
            .select(files::size_bytes)
            .load(c)
            .await
    })?;
    sizes.into_iter().try_fold(0, |sum, size| {
        Ok(sum + count::<u64>("size of a file", size)?)
    })
}

async fn older_than(conn: &mut Conn<'_>, before: Timestamp) -> Result<Vec<SharedFile>, StoreError> {
    let rows: Vec<FileRow> = on!(conn, c => {
        files::table
            .filter(files::shared_at.lt(At(before)))
            .order(files::shared_at)
            .select(FileRow::as_select())
            .limit(1000)
            .load(c)
            .await
    })?;
    rows.into_iter().map(SharedFile::try_from).collect()
}

impl Store {
    /// A file, unless it is deleted or never was.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn file(&self, id: &FileId) -> Result<Option<SharedFile>, StoreError> {
        let id = id.clone();
        self.run(move |db| async move { find(&mut db.reader().await?.conn(), &id).await })
            .await
    }

    /// A page of what was shared in a call, the latest first; private ones too.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn files(
        &self,
        call_id: &CallId,
        request: &PageRequest,
    ) -> Result<Page<SharedFile>, StoreError> {
        let (call_id, request) = (call_id.clone(), request.clone());
        self.run(move |db| async move {
            of_call(&mut db.reader().await?.conn(), &call_id, &request).await
        })
        .await
    }

    /// What a tenant's user shared, in all calls.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn files_of(
        &self,
        org: &OrgId,
        user: &UserId,
    ) -> Result<Vec<SharedFile>, StoreError> {
        let (org, user) = (org.clone(), user.clone());
        self.run(|db| async move { shared_by(&mut db.reader().await?.conn(), &org, &user).await })
            .await
    }

    /// Bytes of all files that were shared in a call and are still there.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn bytes_of_files(&self, call_id: &CallId) -> Result<u64, StoreError> {
        let call_id = call_id.clone();
        self.run(move |db| async move { bytes_of(&mut db.reader().await?.conn(), &call_id).await })
            .await
    }

    /// Files that were shared before then, oldest first; a thousand at a time.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn files_before(&self, before: Timestamp) -> Result<Vec<SharedFile>, StoreError> {
        self.run(move |db| async move { older_than(&mut db.reader().await?.conn(), before).await })
            .await
    }
}
