//! Many people and many faces in one statement each, as imports enrol them.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::NewSubject;
use crate::domain::consent::Consent;
use crate::domain::ids::{SubjectId, WatchlistId};
use crate::store::{StoreError, TenantTx};

/// A person who is on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSubject {
    /// Who it is.
    pub id: SubjectId,
    /// Searches find them: their time is not over.
    pub is_valid: bool,
}

impl TenantTx {
    /// Who has which `external_id` on a list, of those that are asked for.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_subject_ids(
        &mut self,
        watchlist: WatchlistId,
        external_ids: &[String],
    ) -> Result<HashMap<String, KnownSubject>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select external_id as "external_id!", id, valid_until is null or valid_until > now() as "is_valid!"
            from subjects
            where watchlist_id = $1 and external_id = any($2)
            "#,
            watchlist.as_uuid(),
            external_ids
        )
        .fetch_all(self.connection())
        .await?;
        let known = rows.into_iter().map(|row| {
            let known = KnownSubject {
                id: row.id.into(),
                is_valid: row.is_valid,
            };
            (row.external_id, known)
        });
        Ok(known.collect())
    }

    /// Puts people without faces on a list, each under the id that goes with them.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when there is no such list, [`StoreError::Conflict`] when the list has
    /// somebody with one of the ids or of the `external_id`s.
    pub async fn insert_subjects(
        &mut self,
        watchlist: WatchlistId,
        people: Vec<(SubjectId, NewSubject)>,
    ) -> Result<(), StoreError> {
        if people.is_empty() {
            return Ok(());
        }
        let mut columns = Columns::default();
        for (id, person) in people {
            columns.push(id, person);
        }
        sqlx::query!(
            "insert into subjects (watchlist_id, id, external_id, display_name, metadata, valid_until, consent) \
             select $1, person.* from unnest($2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::timestamptz[], \
             $7::jsonb[]) as person (id, external_id, display_name, metadata, valid_until, consent)",
            watchlist.as_uuid(),
            &columns.id,
            &columns.external_id as &[Option<String>],
            &columns.display_name as &[Option<String>],
            &columns.metadata,
            &columns.valid_until as &[Option<OffsetDateTime>],
            &columns.consent as &[Option<Json<Consent>>]
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

/// People turned into arrays.
#[derive(Default)]
struct Columns {
    id: Vec<Uuid>,
    external_id: Vec<Option<String>>,
    display_name: Vec<Option<String>>,
    metadata: Vec<Value>,
    valid_until: Vec<Option<OffsetDateTime>>,
    consent: Vec<Option<Json<Consent>>>,
}

impl Columns {
    fn push(&mut self, id: SubjectId, person: NewSubject) {
        self.id.push(id.as_uuid());
        self.external_id.push(person.external_id);
        self.display_name.push(person.display_name);
        self.metadata.push(Value::Object(person.metadata));
        self.valid_until.push(person.valid_until);
        self.consent.push(person.consent.map(Json));
    }
}
