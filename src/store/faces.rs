//! Enrolled faces: the rows that hold the templates.

use std::collections::HashMap;

use pgvector::HalfVector;
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::StoreError;
use super::forms::split;
use super::transaction::TenantTx;
use crate::domain::face::Template;
use crate::domain::ids::{FaceId, SubjectId, WatchlistId};
use crate::domain::watchlist::EnrolledFace;

/// A face to be enrolled.
#[derive(Debug, Clone, Copy)]
pub struct NewFace<'a> {
    /// Whose it is.
    pub subject: SubjectId,
    /// Its template.
    pub template: &'a Template,
    /// Its picture as it was sent, in case the list keeps it.
    pub image: Option<&'a [u8]>,
}

impl TenantTx {
    /// Adds a face to a subject. Its template is kept in half precision, and its picture where the list says so now.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when the subject is not on that list, or the template's model is not
    /// registered with its number of dimensions; [`StoreError::ModelChanged`] when the list is in another model;
    /// [`StoreError::ImageKeyMissing`] when the list keeps pictures, which takes a key.
    pub async fn insert_face(
        &mut self,
        watchlist: WatchlistId,
        face: NewFace<'_>,
    ) -> Result<EnrolledFace, StoreError> {
        let mut faces = self.insert_faces(watchlist, &[face]).await?;
        faces.pop().ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// Adds faces to subjects of a list, in their order.
    ///
    /// # Errors
    /// Those of [`TenantTx::insert_face`].
    pub async fn insert_faces(
        &mut self,
        watchlist: WatchlistId,
        faces: &[NewFace<'_>],
    ) -> Result<Vec<EnrolledFace>, StoreError> {
        let mut enrolled = Vec::with_capacity(faces.len());
        for faces in faces.chunk_by(|a, b| a.template.model_id() == b.template.model_id()) {
            enrolled.extend(self.insert_faces_of_model(watchlist, faces).await?);
        }
        Ok(enrolled)
    }

    /// The same of faces whose templates one model made.
    async fn insert_faces_of_model(
        &mut self,
        watchlist: WatchlistId,
        faces: &[NewFace<'_>],
    ) -> Result<Vec<EnrolledFace>, StoreError> {
        let templates = faces.iter().map(|face| face.template.clone());
        let templates = self.in_form_of(watchlist, templates.collect()).await?;
        let model_id = templates[0].model_id();
        let count = i64::try_from(faces.len()).unwrap_or(i64::MAX);
        let next = self.next_revisions(watchlist, model_id, count).await?;
        // Since the line before, nobody else changes the list.
        let plain_id = faces[0].template.model_id();
        self.require_model(watchlist, plain_id).await?;
        self.require_image_key(next.keep_images)?;
        let ids: Vec<FaceId> = faces.iter().map(|_| FaceId::new()).collect();
        let subjects: Vec<Uuid> = faces.iter().map(|face| face.subject.as_uuid()).collect();
        let revisions: Vec<i64> = (next.last - count + 1..=next.last).collect();
        let vectors = templates.iter().map(half_precision);
        let created_at = sqlx::query_scalar!(
            "insert into faces (watchlist_id, subject_id, id, model_id, revision, template) \
             select $1, face.subject_id, face.id, $2, face.revision, face.template \
             from unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::halfvec[]) \
             as face (subject_id, id, revision, template) returning created_at",
            watchlist.as_uuid(),
            model_id,
            &subjects,
            &ids.iter().map(|id| id.as_uuid()).collect::<Vec<_>>(),
            &revisions,
            &vectors.collect::<Vec<_>>() as _
        )
        .fetch_all(self.connection())
        .await?;
        let mut enrolled = Vec::with_capacity(faces.len());
        // The time is that of the transaction, so it is the same for all of them.
        for ((id, face), created_at) in ids.into_iter().zip(faces).zip(created_at) {
            let image = face.image.filter(|_| next.keep_images);
            if let Some(image) = image {
                let of = (watchlist, face.subject, id);
                self.insert_image(of, image).await?;
            }
            enrolled.push(EnrolledFace {
                id,
                model_id: split(model_id).0.to_owned(),
                created_at,
                image_kept: image.is_some(),
            });
        }
        Ok(enrolled)
    }

    /// Refuses a model that a list, which is held, is not in: its templates would never be compared with the others.
    async fn require_model(
        &mut self,
        watchlist: WatchlistId,
        model_id: &str,
    ) -> Result<(), StoreError> {
        let ids = self.store().forms().ids(model_id);
        let is_other = sqlx::query_scalar!(
            r#"
            select exists (select from galleries where watchlist_id = $1 and model_id <> all($2) and faces > 0)
                or exists (select from watchlists where id = $1 and model_id <> $3) as "is_other!"
            "#,
            watchlist.as_uuid(),
            &ids,
            model_id
        )
        .fetch_one(self.connection())
        .await?;
        if is_other {
            return Err(StoreError::ModelChanged);
        }
        Ok(())
    }

    /// Reads the faces of a subject, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_faces(
        &mut self,
        watchlist: WatchlistId,
        subject: SubjectId,
    ) -> Result<Vec<EnrolledFace>, StoreError> {
        let mut faces = self.faces_of(watchlist, &[subject.as_uuid()]).await?;
        Ok(faces.remove(&subject.as_uuid()).unwrap_or_default())
    }

    /// Removes a face. False when the subject had no such face.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_face(
        &mut self,
        watchlist: WatchlistId,
        subject: SubjectId,
        face: FaceId,
    ) -> Result<bool, StoreError> {
        let removed = self.remove_faces(watchlist, subject, Some(face)).await?;
        self.forget_idempotent_answers(&[face.as_uuid()]).await?;
        Ok(removed == 1)
    }

    /// The faces of several subjects of a list by subject, oldest first.
    pub(super) async fn faces_of(
        &mut self,
        watchlist: WatchlistId,
        subjects: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<EnrolledFace>>, StoreError> {
        let rows = sqlx::query_as!(
            FaceRow,
            r#"
            select subject_id, id, model_id, created_at,
                exists (
                    select from face_images
                    where face_images.watchlist_id = faces.watchlist_id
                        and face_images.subject_id = faces.subject_id
                        and face_images.face_id = faces.id
                ) as "image_kept!"
            from faces
            where watchlist_id = $1 and subject_id = any($2)
            order by id
            "#,
            watchlist.as_uuid(),
            subjects
        )
        .fetch_all(self.connection())
        .await?;
        let mut faces: HashMap<Uuid, Vec<EnrolledFace>> = HashMap::new();
        for row in rows {
            faces.entry(row.subject_id).or_default().push(EnrolledFace {
                id: row.id.into(),
                model_id: split(&row.model_id).0.to_owned(),
                created_at: row.created_at,
                image_kept: row.image_kept,
            });
        }
        Ok(faces)
    }
}

struct FaceRow {
    subject_id: Uuid,
    id: Uuid,
    model_id: String,
    created_at: OffsetDateTime,
    image_kept: bool,
}

/// The values of a vector that was stored.
pub(super) fn full_precision(template: &HalfVector) -> Vec<f32> {
    template.to_vec().into_iter().map(f32::from).collect()
}

/// The vector as it is stored and searched with.
pub(super) fn half_precision(template: &Template) -> HalfVector {
    HalfVector::from_f32_slice(template.values())
}
