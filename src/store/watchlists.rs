//! Watchlists themselves.

use time::OffsetDateTime;
use uuid::Uuid;

use super::error::StoreError;
use super::page::{Page, PageRequest};
use super::transaction::TenantTx;
use crate::domain::ids::WatchlistId;
use crate::domain::watchlist::{Watchlist, WatchlistKind};

/// A watchlist to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewWatchlist {
    /// Unique within the tenant, 1 to 200 characters.
    pub name: String,
    /// What a hit means.
    pub kind: WatchlistKind,
    /// Above 0 and up to 1.
    pub target_fpir: f64,
}

/// What a search of a watchlist goes by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WatchlistPolicy {
    /// What a hit means.
    pub kind: WatchlistKind,
    /// Above 0 and up to 1.
    pub target_fpir: f64,
}

impl TenantTx {
    /// Makes an empty watchlist.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the tenant has one of this name.
    pub async fn insert_watchlist(&mut self, new: NewWatchlist) -> Result<Watchlist, StoreError> {
        let id = WatchlistId::new();
        let created_at = sqlx::query_scalar!(
            "insert into watchlists (id, name, kind, target_fpir) values ($1, $2, $3, $4) returning created_at",
            id.as_uuid(),
            new.name,
            kind_name(new.kind),
            new.target_fpir
        )
        .fetch_one(self.connection())
        .await?;
        Ok(Watchlist {
            id,
            name: new.name,
            kind: new.kind,
            target_fpir: new.target_fpir,
            subjects: 0,
            faces: 0,
            created_at,
        })
    }

    /// Reads one watchlist.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_watchlist(
        &mut self,
        id: WatchlistId,
    ) -> Result<Option<Watchlist>, StoreError> {
        sqlx::query_as!(
            WatchlistRow,
            r#"
            select
                id, name, kind, target_fpir, created_at,
                (select count(*) from subjects where watchlist_id = watchlists.id) as "subjects!",
                (select count(*) from faces where watchlist_id = watchlists.id) as "faces!"
            from watchlists
            where id = $1
            "#,
            id.as_uuid()
        )
        .fetch_optional(self.connection())
        .await?
        .map(Watchlist::try_from)
        .transpose()
    }

    /// Reads what a search of a watchlist goes by. Counts nothing, so it costs next to nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_watchlist_policy(
        &mut self,
        id: WatchlistId,
    ) -> Result<Option<WatchlistPolicy>, StoreError> {
        let row = sqlx::query!(
            "select kind, target_fpir from watchlists where id = $1",
            id.as_uuid()
        )
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| {
            Ok(WatchlistPolicy {
                kind: parse_kind(&row.kind)?,
                target_fpir: row.target_fpir,
            })
        })
        .transpose()
    }

    /// Reads a page of the tenant's watchlists, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_watchlists(
        &mut self,
        page: PageRequest,
    ) -> Result<Page<Watchlist>, StoreError> {
        let rows = sqlx::query_as!(
            WatchlistRow,
            r#"
            select
                id, name, kind, target_fpir, created_at,
                (select count(*) from subjects where watchlist_id = watchlists.id) as "subjects!",
                (select count(*) from faces where watchlist_id = watchlists.id) as "faces!"
            from watchlists
            where id < $1
            order by id desc
            limit $2
            "#,
            page.before(),
            page.rows_to_fetch()
        )
        .fetch_all(self.connection())
        .await?;
        Page::cut(rows, page, |row| row.id).try_map(Watchlist::try_from)
    }

    /// Removes a watchlist with everybody on it. False when there was none.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_watchlist(&mut self, id: WatchlistId) -> Result<bool, StoreError> {
        let done = sqlx::query!("delete from watchlists where id = $1", id.as_uuid())
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

struct WatchlistRow {
    id: Uuid,
    name: String,
    kind: String,
    target_fpir: f64,
    created_at: OffsetDateTime,
    subjects: i64,
    faces: i64,
}

impl TryFrom<WatchlistRow> for Watchlist {
    type Error = StoreError;

    fn try_from(row: WatchlistRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.into(),
            name: row.name,
            kind: parse_kind(&row.kind)?,
            target_fpir: row.target_fpir,
            subjects: row.subjects.unsigned_abs(),
            faces: row.faces.unsigned_abs(),
            created_at: row.created_at,
        })
    }
}

fn kind_name(kind: WatchlistKind) -> &'static str {
    match kind {
        WatchlistKind::Block => "block",
        WatchlistKind::Alert => "alert",
        WatchlistKind::Allow => "allow",
    }
}

fn parse_kind(name: &str) -> Result<WatchlistKind, StoreError> {
    match name {
        "block" => Ok(WatchlistKind::Block),
        "alert" => Ok(WatchlistKind::Alert),
        "allow" => Ok(WatchlistKind::Allow),
        _ => Err(StoreError::Corrupt("a watchlist of an unknown kind".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back_as_it_went_in() {
        for kind in [
            WatchlistKind::Block,
            WatchlistKind::Alert,
            WatchlistKind::Allow,
        ] {
            assert_eq!(parse_kind(kind_name(kind)).unwrap(), kind);
        }
    }

    #[test]
    fn an_unknown_kind_is_corrupt_and_not_guessed() {
        assert!(matches!(parse_kind("Block"), Err(StoreError::Corrupt(_))));
    }
}
