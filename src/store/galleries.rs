//! What changes a gallery, and how its codes get into memory.
//!
//! Whoever changes what a search would compare holds the list's row until the end of the transaction
//! ([`TenantTx::lock_watchlist`]): so the revisions of a gallery are committed in their order, and no two requests
//! can wait for each other.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures_util::TryStreamExt as _;
use time::OffsetDateTime;

use super::connection::Store;
use super::error::StoreError;
use super::transaction::TenantTx;
use crate::domain::face::Template;
use crate::domain::ids::{FaceId, SubjectId, WatchlistId};
use crate::gallery::{Claim, CodedFace, Codes, FaceChange, GalleryKey};

/// Revisions for which removals and changed times are kept. A process that is further behind reads the gallery anew,
/// which costs it a few seconds.
pub(crate) const CHANGES_KEPT: i64 = 100_000;
/// Codes that one statement reads, so that it ends well before its time limit.
const CODES_PER_PAGE: i64 = 200_000;

impl TenantTx {
    /// Makes this transaction the only one that changes the list or its galleries. False when there is no such list.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn lock_watchlist(&mut self, id: WatchlistId) -> Result<bool, StoreError> {
        let locked = sqlx::query!(
            "select id from watchlists where id = $1 for no key update",
            id.as_uuid()
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(locked.is_some())
    }

    /// Numbers for so many faces that are about to be added; answers the last of them.
    pub(super) async fn next_revisions(
        &mut self,
        watchlist: WatchlistId,
        model_id: &str,
        count: i64,
    ) -> Result<i64, StoreError> {
        let revision = sqlx::query_scalar!(
            "with list as (select id from watchlists where id = $1 for no key update) \
             insert into galleries (watchlist_id, model_id, revision, faces) select id, $2, $3, $3 from list \
             on conflict on constraint galleries_pkey \
             do update set revision = galleries.revision + $3, faces = galleries.faces + $3 \
             returning revision",
            watchlist.as_uuid(),
            model_id,
            count
        )
        .fetch_optional(self.connection())
        .await?;
        revision.ok_or_else(|| StoreError::MissingReference {
            constraint: "galleries_watchlist_fkey".to_owned(),
        })
    }

    /// Removes one face of a subject, or all of them, from the list's galleries. Answers how many.
    pub(super) async fn remove_faces(
        &mut self,
        watchlist: WatchlistId,
        subject: SubjectId,
        face: Option<FaceId>,
    ) -> Result<u64, StoreError> {
        self.lock_watchlist(watchlist).await?;
        let done = sqlx::query!(
            r#"
            with gone as (
                delete from faces
                where watchlist_id = $1 and subject_id = $2 and ($3::uuid is null or id = $3)
                returning model_id, revision
            ), moved as (
                update galleries
                set revision = galleries.revision + 1, faces = galleries.faces - counted.faces
                from (select model_id, count(*) as faces from gone group by model_id) as counted
                where galleries.watchlist_id = $1 and galleries.model_id = counted.model_id
                returning galleries.model_id, galleries.revision
            ), outdated as (
                delete from gallery_changes using moved
                where watchlist_id = $1
                    and gallery_changes.model_id = moved.model_id
                    and gallery_changes.revision < moved.revision - $4::bigint
            )
            insert into gallery_changes (watchlist_id, model_id, revision, face_revision, removed)
            select $1, model_id, moved.revision, gone.revision, true from gone join moved using (model_id)
            "#,
            watchlist.as_uuid(),
            subject.as_uuid(),
            face.map(FaceId::as_uuid),
            CHANGES_KEPT
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }

    /// Tells the galleries when the time of a subject's faces ends now. To be called wherever a subject's
    /// `valid_until` changes, in the same transaction.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn change_validity(
        &mut self,
        watchlist: WatchlistId,
        subject: SubjectId,
        valid_until: Option<OffsetDateTime>,
    ) -> Result<(), StoreError> {
        self.lock_watchlist(watchlist).await?;
        sqlx::query!(
            r#"
            with moved as (
                update galleries
                set revision = revision + 1
                where watchlist_id = $1
                    and model_id in (select model_id from faces where watchlist_id = $1 and subject_id = $2)
                returning model_id, revision
            )
            insert into gallery_changes (watchlist_id, model_id, revision, face_revision, removed, valid_until)
            select $1, model_id, moved.revision, faces.revision, false, $3
            from faces join moved using (model_id)
            where faces.watchlist_id = $1 and faces.subject_id = $2
            "#,
            watchlist.as_uuid(),
            subject.as_uuid(),
            valid_until
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The template of some face of a gallery, each as likely as another where none was removed.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn any_template(
        &mut self,
        watchlist: WatchlistId,
        model_id: &str,
    ) -> Result<Option<Template>, StoreError> {
        let template = sqlx::query_scalar!(
            r#"
            select template
            from faces
            where watchlist_id = $1
                and model_id = $2
                and revision > (
                    select floor(random() * revision)::bigint from galleries where watchlist_id = $1 and model_id = $2
                )
            order by revision
            limit 1
            "#,
            watchlist.as_uuid(),
            model_id
        )
        .fetch_optional(self.connection())
        .await?;
        let Some(template) = template else {
            return Ok(None);
        };
        let values = template.to_vec().into_iter().map(f32::from).collect();
        let template = Template::normalised(model_id, values);
        template
            .map(Some)
            .map_err(|error| StoreError::Corrupt(error.into()))
    }

    /// How far a gallery has come; none before its first face.
    async fn find_gallery(&mut self, key: &GalleryKey) -> Result<Option<GalleryRow>, StoreError> {
        let row = sqlx::query_as!(
            GalleryRow,
            "select revision, faces, dimensions from galleries join models on models.id = model_id \
             where watchlist_id = $1 and model_id = $2",
            key.watchlist_id.as_uuid(),
            key.model_id
        );
        Ok(row.fetch_optional(self.connection()).await?)
    }

    /// Hands over every face above a revision, in the order of their revisions, as if none had an end.
    async fn for_each_code(
        &mut self,
        key: &GalleryKey,
        mut after: i64,
        mut take: impl FnMut(CodedFace),
    ) -> Result<(), StoreError> {
        loop {
            let rows = sqlx::query!(
                r#"
                select revision, binary_quantize(template) as "code!: pgvector::Bit"
                from faces
                where watchlist_id = $1 and model_id = $2 and revision > $3
                order by revision
                limit $4
                "#,
                key.watchlist_id.as_uuid(),
                key.model_id,
                after,
                CODES_PER_PAGE
            );
            let mut rows = rows.fetch(self.connection());
            let before = after;
            while let Some(row) = rows.try_next().await? {
                after = row.revision;
                take(CodedFace {
                    revision: row.revision,
                    code: row.code.as_bytes().to_vec(),
                });
            }
            if after == before {
                return Ok(());
            }
        }
    }

    /// The faces above a revision whose time ends, as changes that the faces themselves brought.
    async fn list_validities(
        &mut self,
        key: &GalleryKey,
        after: i64,
    ) -> Result<Vec<FaceChange>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select revision, valid_until as "valid_until!"
            from subjects
            join faces on faces.watchlist_id = $1 and faces.subject_id = subjects.id
            where subjects.watchlist_id = $1 and model_id = $2 and revision > $3 and valid_until is not null
            "#,
            key.watchlist_id.as_uuid(),
            key.model_id,
            after
        )
        .fetch_all(self.connection())
        .await?;
        let changes = rows.into_iter().map(|row| FaceChange {
            revision: row.revision,
            face_revision: row.revision,
            removed: false,
            valid_until_ms: Some(milliseconds(row.valid_until)),
        });
        Ok(changes.collect())
    }

    /// What happened to faces above a revision, in the order of the revisions.
    async fn list_changes(
        &mut self,
        key: &GalleryKey,
        after: i64,
    ) -> Result<Vec<FaceChange>, StoreError> {
        let rows = sqlx::query!(
            "select revision, face_revision, removed, valid_until from gallery_changes \
             where watchlist_id = $1 and model_id = $2 and revision > $3 order by revision, face_revision",
            key.watchlist_id.as_uuid(),
            key.model_id,
            after
        )
        .fetch_all(self.connection())
        .await?;
        let changes = rows.into_iter().map(|row| FaceChange {
            revision: row.revision,
            face_revision: row.face_revision,
            removed: row.removed,
            valid_until_ms: row.valid_until.map(milliseconds),
        });
        Ok(changes.collect())
    }
}

impl Store {
    /// Takes in what a gallery's codes have missed, in the background; all of it where there are none yet. Searches
    /// go on meanwhile, and compare exactly what is not taken in.
    pub(super) fn take_in_soon(&self, key: GalleryKey) {
        let Some(claim) = self.galleries().claim(&key) else {
            return;
        };
        let store = self.clone();
        self.home().spawn(async move {
            if let Err(error) = store.take_in_claimed(&key, &claim).await {
                tracing::warn!(
                    watchlist.id = %key.watchlist_id,
                    error = &error as &dyn std::error::Error,
                    "a gallery was not taken in: it is compared exactly until that succeeds"
                );
            }
        });
    }

    /// Takes in what a gallery's codes have missed, at one snapshot; all of it where there are none yet. A gallery that
    /// is small enough to be compared exactly is left alone.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer; the codes are as they were then.
    pub async fn take_in(&self, key: &GalleryKey) -> Result<(), StoreError> {
        let claim = self.galleries().claimed(key).await;
        self.take_in_claimed(key, &claim).await
    }

    /// The claim is what keeps two from adding the same faces, or an older end of a face's time after a newer one.
    async fn take_in_claimed(&self, key: &GalleryKey, _claim: &Claim) -> Result<(), StoreError> {
        let mut transaction = self.begin_snapshot(&key.tenant).await?;
        let Some(gallery) = transaction.find_gallery(key).await? else {
            self.galleries().forget(key);
            return Ok(());
        };
        if gallery.faces <= self.search_settings().exact_limit {
            self.galleries().forget(key);
            return Ok(());
        }
        let known = self.galleries().find(key);
        let known = known.filter(|codes| read(codes).revision() >= gallery.revision - CHANGES_KEPT);
        let after = known.as_ref().map_or(0, |codes| read(codes).revision());
        let mut changes = transaction.list_validities(key, after).await?;
        let mut added = Vec::new();
        let codes = if let Some(codes) = known {
            changes.extend(transaction.list_changes(key, after).await?);
            transaction
                .for_each_code(key, after, |face| added.push(face))
                .await?;
            codes
        } else {
            let mut codes = Codes::empty(
                gallery.dimensions.unsigned_abs() as usize,
                gallery.faces.unsigned_abs() as usize,
            );
            transaction
                .for_each_code(key, after, |face| codes.add(&face))
                .await?;
            Arc::new(RwLock::new(codes))
        };
        // All of it before anybody looks again: a state between two revisions would be taken for the later one.
        let mut taking = write(&codes);
        added.iter().for_each(|face| taking.add(face));
        changes.iter().for_each(|change| taking.change(change));
        taking.reach(gallery.revision);
        drop(taking);
        if !self.galleries().keep(key.clone(), codes) {
            tracing::warn!(
                watchlist.id = %key.watchlist_id,
                gallery.faces,
                "a gallery does not fit into LIKENESS_SEARCH_MEMORY_BYTES: each search compares all of it"
            );
        }
        Ok(())
    }
}

struct GalleryRow {
    revision: i64,
    faces: i64,
    dimensions: i32,
}

pub(super) fn read(codes: &RwLock<Codes>) -> RwLockReadGuard<'_, Codes> {
    codes.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(codes: &RwLock<Codes>) -> RwLockWriteGuard<'_, Codes> {
    codes.write().unwrap_or_else(PoisonError::into_inner)
}

/// Since 1970.
pub(super) fn milliseconds(instant: OffsetDateTime) -> i64 {
    i64::try_from(instant.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
