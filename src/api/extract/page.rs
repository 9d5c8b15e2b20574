//! Cursor paging: a cursor is the id of the last item seen, opaque to the caller.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::error::{ApiError, ErrorCode};
use crate::store;

/// Items a page holds unless asked otherwise.
const DEFAULT_LIMIT: u32 = 50;
/// Most items a page holds.
pub const MAX_LIMIT: u32 = 200;

/// Which page of a list is wanted.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Most items to return, 1 to 200; 50 unless given.
    #[validate(range(min = 1, max = MAX_LIMIT))]
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The page as the store understands it.
    ///
    /// # Errors
    /// `validation_failed` where the cursor is not one of ours.
    pub fn to_page(&self) -> Result<store::PageRequest, ApiError> {
        let after = self.cursor.as_deref().map(decode).transpose()?;
        Ok(store::PageRequest {
            after,
            limit: self.limit.unwrap_or(DEFAULT_LIMIT),
        })
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Give it as `cursor` to get the next page; null on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of the store, each item turned into what callers see.
    pub fn of<U>(page: store::Page<U>, view: impl FnMut(U) -> T) -> Self {
        Self {
            items: page.items.into_iter().map(view).collect(),
            next_cursor: page.next.map(encode),
        }
    }

    /// A list that is short enough to be one page.
    pub fn whole<U>(items: Vec<U>, view: impl FnMut(U) -> T) -> Self {
        Self {
            items: items.into_iter().map(view).collect(),
            next_cursor: None,
        }
    }
}

pub(super) fn encode(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

fn decode(cursor: &str) -> Result<Uuid, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes
        .and_then(|bytes| Uuid::from_slice(&bytes).ok())
        .ok_or_else(|| {
            ApiError::of_field(
                ErrorCode::ValidationFailed,
                "cursor",
                "invalid",
                "is not a cursor of this list",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_the_id_it_was_made_of() {
        let id = Uuid::now_v7();
        assert_eq!(decode(&encode(id)).unwrap(), id);
    }

    #[test]
    fn a_foreign_cursor_is_refused_by_name() {
        for bad in ["", "x", "AAAA", "not base64!", &"A".repeat(23)] {
            let error = decode(bad).unwrap_err();
            assert_eq!(
                (error.code, error.fields[0].field.as_str()),
                (ErrorCode::ValidationFailed, "cursor")
            );
        }
    }
}
