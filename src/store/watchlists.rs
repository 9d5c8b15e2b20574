//! Watchlists themselves.

use std::collections::HashMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::error::StoreError;
use super::page::{Page, PageRequest};
use super::transaction::TenantTx;
use crate::domain::duplicate::OnDuplicate;
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
    /// What becomes of a face that is on it already.
    pub on_duplicate: OnDuplicate,
    /// Whether the pictures of its faces are kept.
    pub keep_images: bool,
}

/// What is to be different about a watchlist; none leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WatchlistChange {
    /// Unique within the tenant, 1 to 200 characters.
    pub name: Option<String>,
    /// What a hit means.
    pub kind: Option<WatchlistKind>,
    /// Above 0 and up to 1.
    pub target_fpir: Option<f64>,
    /// What becomes of a face that is on it already.
    pub on_duplicate: Option<OnDuplicate>,
    /// Whether the pictures of its faces are kept: from now on, or no longer, and none of those that are.
    pub keep_images: Option<bool>,
}

/// Which watchlists are shown; everything that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WatchlistFilter {
    /// Only those of this kind.
    pub kind: Option<WatchlistKind>,
    /// Only those with this as a part of their name, in whatever case.
    pub name: Option<String>,
}

/// What a search of a watchlist goes by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WatchlistPolicy {
    /// What a hit means.
    pub kind: WatchlistKind,
    /// Above 0 and up to 1.
    pub target_fpir: f64,
    /// What becomes of a face that is on it already.
    pub on_duplicate: OnDuplicate,
}

impl WatchlistChange {
    /// The fields that do not stay as they are.
    #[must_use]
    pub fn fields(&self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name.is_some()),
            ("kind", self.kind.is_some()),
            ("target_fpir", self.target_fpir.is_some()),
            ("on_duplicate", self.on_duplicate.is_some()),
            ("keep_images", self.keep_images.is_some()),
        ];
        let changed = fields.into_iter().filter(|(_, changed)| *changed);
        changed.map(|(name, _)| name).collect()
    }
}

impl TenantTx {
    /// Makes an empty watchlist.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the tenant has one of this name, [`StoreError::ImageKeyMissing`] when it is to keep
    /// pictures and there is no key for that.
    pub async fn insert_watchlist(&mut self, new: NewWatchlist) -> Result<Watchlist, StoreError> {
        self.require_image_key(new.keep_images)?;
        let id = WatchlistId::new();
        let created_at = sqlx::query_scalar!(
            "insert into watchlists (id, name, kind, target_fpir, on_duplicate, keep_images) \
             values ($1, $2, $3, $4, $5, $6) returning created_at",
            id.as_uuid(),
            new.name,
            kind_name(new.kind),
            new.target_fpir,
            duplicate_name(new.on_duplicate),
            new.keep_images
        )
        .fetch_one(self.connection())
        .await?;
        Ok(Watchlist {
            id,
            name: new.name,
            kind: new.kind,
            target_fpir: new.target_fpir,
            on_duplicate: new.on_duplicate,
            keep_images: new.keep_images,
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
                id, name, kind, target_fpir, on_duplicate, keep_images, created_at,
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

    /// Reads what searches of watchlists go by, of those that exist. Counts nothing, so it costs next to nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_watchlist_policies(
        &mut self,
        ids: &[WatchlistId],
    ) -> Result<HashMap<WatchlistId, WatchlistPolicy>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let rows = sqlx::query!(
            "select id, kind, target_fpir, on_duplicate from watchlists where id = any($1)",
            &ids
        )
        .fetch_all(self.connection())
        .await?;
        let policies = rows.into_iter().map(|row| {
            let policy = WatchlistPolicy {
                kind: parse_kind(&row.kind)?,
                target_fpir: row.target_fpir,
                on_duplicate: parse_duplicate(&row.on_duplicate)?,
            };
            Ok((row.id.into(), policy))
        });
        policies.collect()
    }

    /// The same of one.
    ///
    /// # Errors
    /// Those of [`TenantTx::find_watchlist_policies`].
    pub async fn find_watchlist_policy(
        &mut self,
        id: WatchlistId,
    ) -> Result<Option<WatchlistPolicy>, StoreError> {
        Ok(self.find_watchlist_policies(&[id]).await?.remove(&id))
    }

    /// Changes some of a watchlist. False when there is none. One that is to keep no pictures any more loses those that it
    /// has.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the tenant has another one of this name, [`StoreError::ImageKeyMissing`] when it is to
    /// keep pictures and there is no key for that.
    pub async fn update_watchlist(
        &mut self,
        id: WatchlistId,
        change: WatchlistChange,
    ) -> Result<bool, StoreError> {
        self.require_image_key(change.keep_images == Some(true))?;
        let done = sqlx::query!(
            r#"
            update watchlists
            set name = coalesce($2, name),
                kind = coalesce($3, kind),
                target_fpir = coalesce($4, target_fpir),
                on_duplicate = coalesce($5, on_duplicate),
                keep_images = coalesce($6, keep_images)
            where id = $1
            "#,
            id.as_uuid(),
            change.name,
            change.kind.map(kind_name),
            change.target_fpir,
            change.on_duplicate.map(duplicate_name),
            change.keep_images
        )
        .execute(self.connection())
        .await?;
        if change.keep_images == Some(false) {
            // The list is held now: who enrols does so before, and loses the picture, or after, and keeps none.
            self.delete_images(id).await?;
        }
        Ok(done.rows_affected() == 1)
    }

    /// Reads a page of the tenant's watchlists, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_watchlists(
        &mut self,
        filter: &WatchlistFilter,
        page: PageRequest,
    ) -> Result<Page<Watchlist>, StoreError> {
        let rows = sqlx::query_as!(
            WatchlistRow,
            r#"
            select
                id, name, kind, target_fpir, on_duplicate, keep_images, created_at,
                (select count(*) from subjects where watchlist_id = watchlists.id) as "subjects!",
                (select count(*) from faces where watchlist_id = watchlists.id) as "faces!"
            from watchlists
            where id < $1
                and ($2::text is null or kind = $2)
                and ($3::text is null or position(lower($3) in lower(name)) > 0)
            order by id desc
            limit $4
            "#,
            page.before(),
            filter.kind.map(kind_name),
            filter.name,
            page.rows_to_fetch()
        )
        .fetch_all(self.connection())
        .await?;
        Page::cut(rows, page, |row| row.id).try_map(Watchlist::try_from)
    }

    /// Removes a watchlist with everybody on it, and tells how many faces that were. None when there was no list.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_watchlist(&mut self, id: WatchlistId) -> Result<Option<u64>, StoreError> {
        // Whoever enrols holds the list, so that the number is that of the faces that go.
        if !self.lock_watchlist(id).await? {
            return Ok(None);
        }
        let faces = sqlx::query_scalar!(
            r#"select coalesce(sum(faces), 0)::bigint as "faces!" from galleries where watchlist_id = $1"#,
            id.as_uuid()
        )
        .fetch_one(self.connection())
        .await?;
        // Everything below goes in one statement, and of a list of millions that takes longer than a statement may.
        self.take_time().await?;
        sqlx::query!("delete from watchlists where id = $1", id.as_uuid())
            .execute(self.connection())
            .await?;
        self.forget_idempotent_answers(&[id.as_uuid()]).await?;
        self.gone().lists.push(id);
        Ok(Some(faces.unsigned_abs()))
    }
}

struct WatchlistRow {
    id: Uuid,
    name: String,
    kind: String,
    target_fpir: f64,
    on_duplicate: String,
    keep_images: bool,
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
            on_duplicate: parse_duplicate(&row.on_duplicate)?,
            keep_images: row.keep_images,
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

fn duplicate_name(rule: OnDuplicate) -> &'static str {
    match rule {
        OnDuplicate::Report => "report",
        OnDuplicate::Reject => "reject",
        OnDuplicate::AddToSubject => "add_to_subject",
    }
}

fn parse_duplicate(name: &str) -> Result<OnDuplicate, StoreError> {
    match name {
        "report" => Ok(OnDuplicate::Report),
        "reject" => Ok(OnDuplicate::Reject),
        "add_to_subject" => Ok(OnDuplicate::AddToSubject),
        _ => Err(StoreError::Corrupt(
            "a watchlist with an unknown rule for duplicates".into(),
        )),
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
    fn every_rule_for_duplicates_comes_back_as_it_went_in() {
        for rule in [
            OnDuplicate::Report,
            OnDuplicate::Reject,
            OnDuplicate::AddToSubject,
        ] {
            assert_eq!(parse_duplicate(duplicate_name(rule)).unwrap(), rule);
        }
        assert!(parse_duplicate("").is_err());
    }

    #[test]
    fn an_unknown_kind_is_corrupt_and_not_guessed() {
        assert!(matches!(parse_kind("Block"), Err(StoreError::Corrupt(_))));
    }
}
