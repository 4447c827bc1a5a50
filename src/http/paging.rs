//! Lists: `?limit=`, `?cursor=`, `?offset=`.

use calls_model::rest::{Page, PageLimit};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::store::{PageRequest, StoreError};

use super::problem::Problem;

/// Which page of a list is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Rows of a page.
    pub limit: Option<PageLimit>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Rows to skip, for those who count pages; a cursor is the better way.
    #[param(minimum = 0, maximum = 1_000_000_000)]
    pub offset: Option<u32>,
}

impl Paging {
    /// The page of a list that is all in memory. Its cursor is the number of rows before.
    pub(super) fn of_live<T>(&self, rows: Vec<T>) -> Result<Page<T>, Problem> {
        let cursor = match &self.cursor {
            Some(cursor) => cursor
                .parse()
                .map_err(|_| Problem::Store(StoreError::BadCursor))?,
            None => 0_usize,
        };
        let limit = self.limit.unwrap_or_default().get() as usize;
        let begin = cursor.saturating_add(self.offset.unwrap_or(0) as usize);
        let has_more = begin.saturating_add(limit) < rows.len();
        let data = rows.into_iter().skip(begin).take(limit).collect();
        let next_cursor = has_more.then(|| (begin + limit).to_string());
        Ok(Page {
            data,
            next_cursor,
            has_more,
        })
    }

    /// As the store is asked for it.
    pub(super) fn request(self) -> PageRequest {
        PageRequest {
            limit: self.limit.unwrap_or_default(),
            cursor: self.cursor,
            offset: self.offset.unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(limit: u32, cursor: Option<&str>) -> Page<u8> {
        let paging = Paging {
            limit: limit.try_into().ok(),
            cursor: cursor.map(str::to_owned),
            offset: None,
        };
        paging.of_live(vec![1, 2, 3]).unwrap()
    }

    #[test]
    fn pages_of_a_live_list_meet_and_end() {
        let first = page(2, None);
        assert_eq!(
            (first.data.as_slice(), first.has_more),
            ([1, 2].as_slice(), true)
        );
        let last = page(2, first.next_cursor.as_deref());
        assert_eq!(
            (last.data.as_slice(), last.has_more, last.next_cursor),
            ([3].as_slice(), false, None)
        );
        assert!(page(2, Some("99")).data.is_empty());
    }

    #[test]
    fn a_made_up_cursor_is_refused() {
        let paging = Paging {
            cursor: Some("x".to_owned()),
            ..Paging::default()
        };
        assert!(paging.of_live(vec![1]).is_err());
    }
}
