//! How the codes of a gallery get into memory.
//!
//! Whole galleries are read one after the other, however many lists are searched: a reading takes a connection for
//! seconds, and room beside what is kept. What is too large to be kept is not read.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures_util::TryStreamExt as _;
use time::OffsetDateTime;

use super::connection::Store;
use super::error::StoreError;
use super::galleries::CHANGES_KEPT;
use super::transaction::TenantTx;
use crate::gallery::{Claim, CodedFace, Codes, FaceChange, GalleryKey};

/// Codes that one statement reads, so that it ends well before its time limit.
const CODES_PER_PAGE: i64 = 200_000;

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

    /// The same where there are codes, and nothing otherwise.
    ///
    /// # Errors
    /// Those of [`Store::take_in`].
    pub async fn catch_up(&self, key: &GalleryKey) -> Result<(), StoreError> {
        let claim = self.galleries().claimed(key).await;
        if self.galleries().peek(key).is_none() {
            return Ok(());
        }
        self.take_in_claimed(key, &claim).await
    }

    /// The claim is what keeps two from adding the same faces, or an older end of a face's time after a newer one.
    async fn take_in_claimed(&self, key: &GalleryKey, claim: &Claim) -> Result<(), StoreError> {
        loop {
            let done = self.take_in_once(key).await?;
            if done && !claim.is_outdated() {
                return Ok(());
            }
        }
    }

    /// False where the codes were so old that they had to go: what is there now is to be taken in as a whole.
    async fn take_in_once(&self, key: &GalleryKey) -> Result<bool, StoreError> {
        let known = self.galleries().peek(key);
        // Waited for without a connection.
        let _turn = match known {
            Some(_) => None,
            None => self.galleries().turn_to_load().await,
        };
        let mut transaction = self.begin_snapshot(&key.tenant).await?;
        let Some(gallery) = transaction.find_gallery(key).await? else {
            self.galleries().forget(key);
            return Ok(true);
        };
        let dimensions = gallery.dimensions.unsigned_abs() as usize;
        if gallery.faces <= self.search_settings().exact_limit
            || !self.codes_fit(key, dimensions, gallery.faces)
        {
            self.galleries().forget(key);
            return Ok(true);
        }
        let codes = if let Some(codes) = known {
            let after = read(&codes).revision();
            if after == gallery.revision {
                return Ok(true);
            }
            if after < gallery.revision - CHANGES_KEPT {
                self.galleries().forget(key);
                return Ok(false);
            }
            transaction.catch_up(key, &codes, gallery.revision).await?;
            codes
        } else {
            let faces = gallery.faces.unsigned_abs() as usize;
            self.galleries()
                .make_room(Codes::bytes_of(dimensions, faces));
            let mut codes = Codes::empty(dimensions, faces);
            transaction
                .for_each_code(key, 0, |face| codes.add(&face))
                .await?;
            let ends = transaction.list_validities(key, 0).await?;
            ends.iter().for_each(|change| codes.change(change));
            codes.reach(gallery.revision);
            Arc::new(RwLock::new(codes))
        };
        self.galleries().keep(key.clone(), codes);
        Ok(true)
    }

    /// Whether the codes of so many faces may be in memory; where not, that is said once.
    pub(super) fn codes_fit(&self, key: &GalleryKey, dimensions: usize, faces: i64) -> bool {
        let bytes = usize::try_from(faces).map_or(0, |faces| Codes::bytes_of(dimensions, faces));
        self.galleries().fits(key, bytes, || {
            tracing::warn!(
                watchlist.id = %key.watchlist_id,
                gallery.faces = faces,
                "a gallery does not fit into LIKENESS_SEARCH_MEMORY_BYTES: each search compares all of it"
            );
        })
    }
}

impl TenantTx {
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

    /// Adds to codes what has happened since they were taken in.
    async fn catch_up(
        &mut self,
        key: &GalleryKey,
        codes: &RwLock<Codes>,
        revision: i64,
    ) -> Result<(), StoreError> {
        let after = read(codes).revision();
        let mut changes = self.list_validities(key, after).await?;
        changes.extend(self.list_changes(key, after).await?);
        let mut added = Vec::new();
        self.for_each_code(key, after, |face| added.push(face))
            .await?;
        // All of it before anybody looks again: a state between two revisions would be taken for the later one.
        let mut taking = write(codes);
        added.iter().for_each(|face| taking.add(face));
        changes.iter().for_each(|change| taking.change(change));
        taking.reach(revision);
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
