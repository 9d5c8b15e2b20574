//! What changes a gallery.
//!
//! Whoever changes what a search would compare holds the list's row until the end of the transaction
//! ([`TenantTx::lock_watchlist`]): so the revisions of a gallery are committed in their order, and no two requests
//! can wait for each other.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::error::StoreError;
use super::faces::full_precision;
use super::transaction::TenantTx;
use crate::domain::face::Template;
use crate::domain::ids::{FaceId, SubjectId, TenantId, WatchlistId};
use crate::gallery::{Galleries, GalleryKey};

/// Revisions for which removals and changed times are kept. A process that is further behind reads the gallery anew,
/// which costs it a few seconds.
pub(crate) const CHANGES_KEPT: i64 = 100_000;

/// What a transaction has removed, so that its commit takes it out of the galleries in memory.
#[derive(Debug, Default)]
pub(super) struct Gone {
    pub(super) faces: Vec<GoneFace>,
    pub(super) lists: Vec<WatchlistId>,
}

/// What holds for faces that are about to be added to a list.
pub(super) struct NextFaces {
    /// The last of their numbers.
    pub(super) last: i64,
    /// The list keeps their pictures.
    pub(super) keep_images: bool,
}

/// A face that is gone.
#[derive(Debug)]
pub(super) struct GoneFace {
    watchlist: WatchlistId,
    model_id: String,
    revision: i64,
}

impl Gone {
    /// Takes it out of this process's memory. Other processes notice by themselves.
    pub(super) fn leave(self, tenant: &TenantId, galleries: &Galleries) {
        let mut revisions: HashMap<GalleryKey, Vec<i64>> = HashMap::new();
        for face in self.faces {
            let key = GalleryKey {
                tenant: tenant.clone(),
                watchlist_id: face.watchlist,
                model_id: face.model_id,
            };
            revisions.entry(key).or_default().push(face.revision);
        }
        for (key, revisions) in revisions {
            galleries.erase(&key, &revisions);
        }
        for list in self.lists {
            galleries.erase_list(tenant, list);
        }
    }
}

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

    /// Numbers for so many faces that are about to be added.
    pub(super) async fn next_revisions(
        &mut self,
        watchlist: WatchlistId,
        model_id: &str,
        count: i64,
    ) -> Result<NextFaces, StoreError> {
        let next = sqlx::query_as!(
            NextFaces,
            r#"
            with list as (select id, keep_images from watchlists where id = $1 for no key update)
            insert into galleries (watchlist_id, model_id, revision, faces) select id, $2, $3, $3 from list
            on conflict on constraint galleries_pkey
            do update set revision = galleries.revision + $3, faces = galleries.faces + $3
            returning revision as last, (select keep_images from list) as "keep_images!"
            "#,
            watchlist.as_uuid(),
            model_id,
            count
        )
        .fetch_optional(self.connection())
        .await?;
        next.ok_or_else(|| StoreError::MissingReference {
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
        let gone = sqlx::query!(
            r#"
            with gone as (
                delete from faces
                where watchlist_id = $1 and subject_id = $2 and ($3::uuid is null or id = $3)
                returning model_id, revision
            ), spare as (
                delete from spare_templates
                where watchlist_id = $1 and subject_id = $2 and ($3::uuid is null or face_id = $3)
            ), images as (
                delete from face_images
                where watchlist_id = $1 and subject_id = $2 and ($3::uuid is null or face_id = $3)
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
            returning model_id, face_revision
            "#,
            watchlist.as_uuid(),
            subject.as_uuid(),
            face.map(FaceId::as_uuid),
            CHANGES_KEPT
        )
        .fetch_all(self.connection())
        .await?;
        let count = gone.len() as u64;
        let faces = gone.into_iter().map(|face| GoneFace {
            watchlist,
            model_id: face.model_id,
            revision: face.face_revision,
        });
        self.gone().faces.extend(faces);
        Ok(count)
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

    /// The template of some face of a gallery in memory, each as likely as another where none was removed.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn any_template(
        &mut self,
        gallery: &GalleryKey,
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
            gallery.watchlist_id.as_uuid(),
            gallery.model_id
        )
        .fetch_optional(self.connection())
        .await?;
        let kept: Vec<_> = template.iter().map(full_precision).collect();
        Ok(self.show(&gallery.model_id, kept).await?.pop())
    }
}
