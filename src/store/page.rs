//! Which part of a list is wanted, and the part itself.

use std::fmt;
use std::str::FromStr;

use calls_model::Timestamp;
use calls_model::rest::{Page, PageLimit};

use super::cursor::Cursor;
use super::error::StoreError;

/// Of a list that is newest first: what comes after a cursor, by the column of its time and that of its id.
macro_rules! older {
    ($after:expr, $at:expr, $id:expr) => {{
        let moment = At($after.created_at);
        $at.le(moment).and($at.lt(moment).or($id.lt($after.id.as_str()))) // the first half is what an index knows
    }};
}
pub(super) use older;

/// Which part of a list is wanted; the default is its first page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Most rows of it.
    pub limit: PageLimit,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Rows to skip, after the cursor where there is one.
    pub offset: u32,
}

impl PageRequest {
    /// Where to go on, or that the cursor is not one of this list.
    pub(super) fn after<Id: FromStr>(&self) -> Result<Option<Cursor<Id>>, StoreError> {
        self.cursor.as_deref().map(str::parse).transpose()
    }

    /// Rows to ask the database for: one more than wanted, to know whether there are more.
    pub(super) fn rows(&self) -> i64 {
        i64::from(self.limit.get()) + 1
    }

    /// Makes the page of the rows that [`rows`](Self::rows) asked for.
    pub(super) fn page<T, Id: fmt::Display>(
        &self,
        mut data: Vec<T>,
        place: impl FnOnce(&T) -> (Timestamp, Id),
    ) -> Page<T> {
        let limit = self.limit.get() as usize;
        let has_more = data.len() > limit;
        data.truncate(limit);
        let last = data.last().filter(|_| has_more).map(place);
        let next_cursor = last.map(|(created_at, id)| Cursor { created_at, id }.to_string());
        Page {
            data,
            next_cursor,
            has_more,
        }
    }
}
