//! The people on a watchlist.

mod bulk;
mod change;
mod list;

pub use bulk::KnownSubject;
pub use change::SubjectChange;
pub use list::SubjectFilter;

use serde_json::Value;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{NewFace, StoreError, TenantTx};
use crate::domain::consent::Consent;
use crate::domain::face::Template;
use crate::domain::ids::{SubjectId, WatchlistId};
use crate::domain::metadata::Metadata;
use crate::domain::watchlist::{EnrolledFace, Subject};

/// A person to be put on a watchlist.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewSubject {
    /// The caller's own key, unique within the list, 1 to 128 characters.
    pub external_id: Option<String>,
    /// Name shown with a hit, 1 to 200 characters.
    pub display_name: Option<String>,
    /// The caller's own data.
    pub metadata: Metadata,
    /// On what they agreed to.
    pub consent: Option<Consent>,
    /// From this instant on the subject is no longer found.
    pub valid_until: Option<OffsetDateTime>,
}

impl NewSubject {
    /// Whether searches find them at an instant.
    #[must_use]
    pub fn is_valid_at(&self, instant: OffsetDateTime) -> bool {
        self.valid_until.is_none_or(|until| until > instant)
    }
}

impl TenantTx {
    /// Puts a person with their faces on a list, without pictures.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when there is no such list or a template's model is not registered,
    /// [`StoreError::Conflict`] when the list has somebody with this `external_id`.
    pub async fn insert_subject(
        &mut self,
        watchlist: WatchlistId,
        new: NewSubject,
        templates: &[Template],
    ) -> Result<Subject, StoreError> {
        self.lock_watchlist(watchlist).await?;
        let id = SubjectId::new();
        let row = sqlx::query_as!(
            SubjectRow,
            r#"
            insert into subjects (watchlist_id, id, external_id, display_name, metadata, valid_until, consent)
            values ($1, $2, $3, $4, $5, $6, $7)
            returning id, external_id, display_name, metadata, valid_until, created_at,
                consent as "consent: Json<Consent>"
            "#,
            watchlist.as_uuid(),
            id.as_uuid(),
            new.external_id,
            new.display_name,
            Value::Object(new.metadata),
            new.valid_until,
            new.consent.map(Json) as _
        )
        .fetch_one(self.connection())
        .await?;
        let face = |template| NewFace {
            subject: id,
            template,
            image: None,
        };
        let faces: Vec<_> = templates.iter().map(face).collect();
        let faces = self.insert_faces(watchlist, &faces).await?;
        row.with_faces(watchlist, faces)
    }

    /// Reads one subject with its faces.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_subject(
        &mut self,
        watchlist: WatchlistId,
        id: SubjectId,
    ) -> Result<Option<Subject>, StoreError> {
        let row = sqlx::query_as!(
            SubjectRow,
            r#"
            select id, external_id, display_name, metadata, valid_until, created_at,
                consent as "consent: Json<Consent>"
            from subjects
            where watchlist_id = $1 and id = $2
            "#,
            watchlist.as_uuid(),
            id.as_uuid()
        )
        .fetch_optional(self.connection())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let faces = self.list_faces(watchlist, id).await?;
        row.with_faces(watchlist, faces).map(Some)
    }

    /// Takes a person with their faces off a list. False when they were not on it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_subject(
        &mut self,
        watchlist: WatchlistId,
        id: SubjectId,
    ) -> Result<bool, StoreError> {
        self.remove_faces(watchlist, id, None).await?;
        let removed = self.remove_subject(watchlist, id).await?;
        self.forget_idempotent_answers(&[id.as_uuid()]).await?;
        Ok(removed)
    }

    /// The same of a person without faces. The stored answers that tell of them are the caller's to forget.
    pub(super) async fn remove_subject(
        &mut self,
        watchlist: WatchlistId,
        id: SubjectId,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "delete from subjects where watchlist_id = $1 and id = $2",
            watchlist.as_uuid(),
            id.as_uuid()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

struct SubjectRow {
    id: Uuid,
    external_id: Option<String>,
    display_name: Option<String>,
    metadata: Value,
    valid_until: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    consent: Option<Json<Consent>>,
}

impl SubjectRow {
    fn with_faces(
        self,
        watchlist_id: WatchlistId,
        faces: Vec<EnrolledFace>,
    ) -> Result<Subject, StoreError> {
        Ok(Subject {
            id: self.id.into(),
            watchlist_id,
            external_id: self.external_id,
            display_name: self.display_name,
            metadata: object(self.metadata)?,
            consent: self.consent.map(|consent| consent.0),
            valid_until: self.valid_until,
            created_at: self.created_at,
            faces,
        })
    }
}

/// Metadata as it was stored.
fn object(value: Value) -> Result<Metadata, StoreError> {
    if let Value::Object(object) = value {
        Ok(object)
    } else {
        Err(StoreError::Corrupt(
            "metadata that is not a JSON object".into(),
        ))
    }
}
