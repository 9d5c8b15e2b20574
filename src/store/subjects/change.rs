//! Changes to a person who is on a list, or may be.

use serde_json::Value;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::NewSubject;
use crate::domain::consent::Consent;
use crate::domain::ids::{SubjectId, WatchlistId};
use crate::domain::metadata::Metadata;
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
    /// On what they agreed to.
    pub consent: Option<Option<Consent>>,
    /// From this instant on the subject is no longer found.
    pub valid_until: Option<Option<OffsetDateTime>>,
}

impl SubjectChange {
    /// The fields that do not stay as they are.
    #[must_use]
    pub fn fields(&self) -> Vec<&'static str> {
        let fields = [
            ("external_id", self.external_id.is_some()),
            ("display_name", self.display_name.is_some()),
            ("metadata", self.metadata.is_some()),
            ("consent", self.consent.is_some()),
            ("valid_until", self.valid_until.is_some()),
        ];
        let changed = fields.into_iter().filter(|(_, changed)| *changed);
        changed.map(|(name, _)| name).collect()
    }
}

impl TenantTx {
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
        self.lock_watchlist(watchlist).await?;
        let known = sqlx::query!(
            "select id, valid_until from subjects where watchlist_id = $1 and external_id = $2",
            watchlist.as_uuid(),
            new.external_id
        )
        .fetch_optional(self.connection())
        .await?;
        let valid_until = new.valid_until;
        let Some(known) = known else {
            let made = self.insert_subject(watchlist, new, &[]).await?;
            return Ok((made.id, true));
        };
        let id = SubjectId::from(known.id);
        sqlx::query!(
            "update subjects set display_name = $3, metadata = $4, valid_until = $5, consent = $6 \
             where watchlist_id = $1 and id = $2",
            watchlist.as_uuid(),
            id.as_uuid(),
            new.display_name,
            Value::Object(new.metadata),
            valid_until,
            new.consent.map(Json) as _
        )
        .execute(self.connection())
        .await?;
        if known.valid_until != valid_until {
            self.change_validity(watchlist, id, valid_until).await?;
        }
        Ok((id, false))
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
        self.lock_watchlist(watchlist).await?;
        let done = sqlx::query!(
            r#"
            update subjects
            set external_id = case when $3 then $4 else external_id end,
                display_name = case when $5 then $6 else display_name end,
                metadata = coalesce($7, metadata),
                valid_until = case when $8 then $9 else valid_until end,
                consent = case when $10 then $11 else consent end
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
            change.valid_until.flatten(),
            change.consent.is_some(),
            change.consent.flatten().map(Json) as _
        )
        .execute(self.connection())
        .await?;
        if let Some(valid_until) = change.valid_until {
            self.change_validity(watchlist, id, valid_until).await?;
        }
        Ok(done.rows_affected() == 1)
    }

    /// Notes on what a person agreed to, where nothing is known of that yet.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn add_consent(
        &mut self,
        watchlist: WatchlistId,
        id: SubjectId,
        consent: &Consent,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update subjects set consent = $3 where watchlist_id = $1 and id = $2 and consent is null",
            watchlist.as_uuid(),
            id.as_uuid(),
            Json(consent) as _
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes every face of a person, who stays. Answers how many.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_faces(
        &mut self,
        watchlist: WatchlistId,
        id: SubjectId,
    ) -> Result<u64, StoreError> {
        self.remove_faces(watchlist, id, None).await
    }
}
