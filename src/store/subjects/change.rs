//! Changes to a person who is on a list, or may be.

use serde_json::Value;
use time::OffsetDateTime;

use super::NewSubject;
use crate::domain::ids::{SubjectId, WatchlistId};
use crate::domain::verification::Metadata;
use crate::store::{StoreError, TenantTx};

/// What is to be different about a person; none leaves a field as it is, and `Some(None)` clears it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SubjectChange {
    /// The caller's own key, unique within the list, 1 to 128 characters.
    pub external_id: Option<Option<String>>,
    /// Name shown with a hit, 1 to 200 characters.
    pub display_name: Option<Option<String>>,
    /// The caller's own data.
    pub metadata: Option<Metadata>,
    /// From this instant on the subject is no longer found.
    pub valid_until: Option<Option<OffsetDateTime>>,
}

impl TenantTx {
    /// Finds the person of a key.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_subject_id(
        &mut self,
        watchlist: WatchlistId,
        external_id: &str,
    ) -> Result<Option<SubjectId>, StoreError> {
        let id = sqlx::query_scalar!(
            "select id from subjects where watchlist_id = $1 and external_id = $2",
            watchlist.as_uuid(),
            external_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(id.map(SubjectId::from))
    }

    /// TEMP
    ///
    /// # Errors
    /// x
    pub async fn lock_gallery(&mut self, watchlist: WatchlistId) -> Result<(), StoreError> {
        sqlx::query!(
            "select id from watchlists where id = $1 for update",
            watchlist.as_uuid()
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(())
    }

    /// TEMP
    ///
    /// # Errors
    /// x
    pub async fn delete_faces(
        &mut self,
        watchlist: WatchlistId,
        subject: SubjectId,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "delete from faces where watchlist_id = $1 and subject_id = $2",
            watchlist.as_uuid(),
            subject.as_uuid()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Puts a person without faces on a list, or replaces what is known of whoever has their `external_id`. Tells
    /// who it is, and whether they are new. Two at once make one person.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when there is no such list.
    pub async fn put_subject(
        &mut self,
        watchlist: WatchlistId,
        new: NewSubject,
    ) -> Result<(SubjectId, bool), StoreError> {
        // A row that was there has been locked by this transaction, which leaves its mark in `xmax`.
        let row = sqlx::query!(
            r#"
            insert into subjects (watchlist_id, id, external_id, display_name, metadata, valid_until)
            values ($1, $2, $3, $4, $5, $6)
            on conflict on constraint subjects_external_id_unique do update
            set display_name = excluded.display_name,
                metadata = excluded.metadata,
                valid_until = excluded.valid_until
            returning id, xmax = 0 as "is_new!"
            "#,
            watchlist.as_uuid(),
            SubjectId::new().as_uuid(),
            new.external_id,
            new.display_name,
            Value::Object(new.metadata),
            new.valid_until
        )
        .fetch_one(self.connection())
        .await?;
        Ok((row.id.into(), row.is_new))
    }

    /// Changes some of what is known of a person. False when they are not on the list.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the list has somebody else with this `external_id`.
    pub async fn update_subject(
        &mut self,
        watchlist: WatchlistId,
        id: SubjectId,
        change: SubjectChange,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            r#"
            update subjects
            set external_id = case when $3 then $4 else external_id end,
                display_name = case when $5 then $6 else display_name end,
                metadata = coalesce($7, metadata),
                valid_until = case when $8 then $9 else valid_until end
            where watchlist_id = $1 and id = $2
            "#,
            watchlist.as_uuid(),
            id.as_uuid(),
            change.external_id.is_some(),
            change.external_id.flatten(),
            change.display_name.is_some(),
            change.display_name.flatten(),
            change.metadata.map(Value::Object),
            change.valid_until.is_some(),
            change.valid_until.flatten()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
