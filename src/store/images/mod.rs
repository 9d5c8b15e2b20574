//! Pictures of enrolled faces, where their list keeps them: encrypted here, so that the database holds ciphertext alone.
//!
//! AES-256-GCM, under a key of each tenant that comes from a secret of the configuration, with a random nonce for each
//! picture. Whose face it is is authenticated with it: a row that was moved or swapped does not open. Nothing here looks
//! into a picture: it is kept as it was sent.

mod key;

use std::collections::HashMap;

use uuid::Uuid;

use super::error::StoreError;
use super::transaction::TenantTx;
use crate::domain::ids::{FaceId, SubjectId, TenantId, WatchlistId};
pub use key::{ImageKey, ImageKeys};
use key::{Owner, Sealed};

/// Pictures that one transaction encrypts anew; they are in memory together.
const PAGE: i64 = 8;

/// Some pictures that were encrypted anew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReencryptedPage {
    /// How many.
    pub images: u64,
    /// Those that do not open, and stay as they are.
    pub unreadable: Vec<FaceId>,
    /// Where the next page begins; none where this was the last.
    pub next: Option<FaceId>,
}

impl TenantTx {
    /// Whoever is to keep pictures needs a key for it.
    pub(super) fn require_image_key(&self, wanted: bool) -> Result<(), StoreError> {
        if wanted && !self.store().can_keep_images() {
            return Err(StoreError::ImageKeyMissing);
        }
        Ok(())
    }

    /// Keeps the picture of a face that was enrolled in this transaction.
    pub(super) async fn insert_image(
        &mut self,
        (watchlist, subject, face): (WatchlistId, SubjectId, FaceId),
        image: &[u8],
    ) -> Result<(), StoreError> {
        let owner = Owner {
            watchlist,
            subject,
            face,
        };
        let image = image.to_vec();
        let seal = move |keys: &ImageKeys, tenant: &TenantId| {
            let key = keys.current.as_ref().ok_or(StoreError::ImageKeyMissing)?;
            Ok(key.seal(tenant, owner, image))
        };
        let sealed = self.away(seal).await?;
        sqlx::query!(
            "insert into face_images (watchlist_id, subject_id, face_id, key_id, nonce, image) \
             values ($1, $2, $3, $4, $5, $6)",
            watchlist.as_uuid(),
            subject.as_uuid(),
            face.as_uuid(),
            sealed.key_id,
            sealed.nonce,
            sealed.image
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The picture of a face as it was sent; none where it is not kept.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where it was altered or moved, or its key is not configured.
    pub async fn face_image(
        &mut self,
        watchlist: WatchlistId,
        subject: SubjectId,
        face: FaceId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut images = self.face_images(watchlist, &[(subject, face)]).await?;
        Ok(images.remove(&face))
    }

    /// The same of several faces of a list, which are in memory together; those whose picture is not kept are left out.
    ///
    /// # Errors
    /// Those of [`TenantTx::face_image`], if only one of them does not open.
    pub async fn face_images(
        &mut self,
        watchlist: WatchlistId,
        faces: &[(SubjectId, FaceId)],
    ) -> Result<HashMap<FaceId, Vec<u8>>, StoreError> {
        let (subjects, faces): (Vec<Uuid>, Vec<Uuid>) = faces
            .iter()
            .map(|(subject, face)| (subject.as_uuid(), face.as_uuid()))
            .unzip();
        let rows = sqlx::query!(
            "select subject_id, face_id, key_id, nonce, image from face_images \
             join unnest($2::uuid[], $3::uuid[]) as wanted (subject_id, face_id) using (subject_id, face_id) \
             where watchlist_id = $1",
            watchlist.as_uuid(),
            &subjects,
            &faces
        )
        .fetch_all(self.connection())
        .await?;
        self.away(move |keys, tenant| {
            let open = |row| {
                let (subject, face, sealed) = row;
                let owner = Owner {
                    watchlist,
                    subject,
                    face,
                };
                Ok((face, keys.open(tenant, owner, sealed)?))
            };
            let rows = rows.into_iter().map(|row| {
                let sealed = Sealed {
                    key_id: row.key_id,
                    nonce: row.nonce,
                    image: row.image,
                };
                (row.subject_id.into(), row.face_id.into(), sealed)
            });
            rows.map(open).collect()
        })
        .await
    }

    /// Removes the pictures of a list's faces.
    pub(super) async fn delete_images(&mut self, watchlist: WatchlistId) -> Result<(), StoreError> {
        // Of a list of millions that takes longer than a statement may.
        self.take_time().await?;
        sqlx::query!(
            "delete from face_images where watchlist_id = $1",
            watchlist.as_uuid()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Encrypts some pictures under the current key that are under the one before, those of the faces after this one. What
    /// somebody else has in hand is passed over: it is on its way there or gone.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it. A picture that does not open is none.
    pub async fn reencrypt_images(
        &mut self,
        after: Option<FaceId>,
    ) -> Result<ReencryptedPage, StoreError> {
        let ImageKeys { current, before } = self.store().image_keys().as_ref();
        let (Some(current), Some(before)) = (current.clone(), before.clone()) else {
            return Ok(ReencryptedPage::default());
        };
        if current.id() == before.id() {
            return Ok(ReencryptedPage::default());
        }
        let rows = sqlx::query!(
            "select watchlist_id, subject_id, face_id, nonce, image from face_images \
             where key_id = $1 and face_id > $2 order by face_id limit $3 for update skip locked",
            before.id(),
            after.map_or(Uuid::nil(), FaceId::as_uuid),
            PAGE
        )
        .fetch_all(self.connection())
        .await?;
        let is_last = (rows.len() as i64) < PAGE;
        let mut page = ReencryptedPage {
            next: rows
                .last()
                .filter(|_| !is_last)
                .map(|row| row.face_id.into()),
            ..ReencryptedPage::default()
        };
        for row in rows {
            let owner = Owner {
                watchlist: row.watchlist_id.into(),
                subject: row.subject_id.into(),
                face: row.face_id.into(),
            };
            let sealed = Sealed {
                key_id: before.id().to_owned(),
                nonce: row.nonce,
                image: row.image,
            };
            if self.reencrypt(&current, owner, sealed).await? {
                page.images += 1;
            } else {
                page.unreadable.push(owner.face);
            }
        }
        Ok(page)
    }

    /// False where the picture does not open.
    async fn reencrypt(
        &mut self,
        key: &ImageKey,
        owner: Owner,
        sealed: Sealed,
    ) -> Result<bool, StoreError> {
        let key = key.clone();
        let renew = move |keys: &ImageKeys, tenant: &TenantId| {
            let image = keys.open(tenant, owner, sealed)?;
            Ok(key.seal(tenant, owner, image))
        };
        let sealed = match self.away(renew).await {
            Err(StoreError::Corrupt(_)) => return Ok(false),
            sealed => sealed?,
        };
        sqlx::query!(
            "update face_images set key_id = $4, nonce = $5, image = $6 \
             where watchlist_id = $1 and subject_id = $2 and face_id = $3",
            owner.watchlist.as_uuid(),
            owner.subject.as_uuid(),
            owner.face.as_uuid(),
            sealed.key_id,
            sealed.nonce,
            sealed.image
        )
        .execute(self.connection())
        .await?;
        Ok(true)
    }

    /// Works on megabytes away from the async threads.
    async fn away<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ImageKeys, &TenantId) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (keys, tenant) = (self.store().image_keys().clone(), self.tenant().clone());
        let worked = tokio::task::spawn_blocking(move || work(&keys, &tenant)).await;
        worked.map_err(|_| StoreError::Unavailable(sqlx::Error::WorkerCrashed))?
    }
}
