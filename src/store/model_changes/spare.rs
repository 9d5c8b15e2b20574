//! The templates of the other model, while a change is open.

use uuid::Uuid;

use crate::domain::face::Template;
use crate::domain::ids::{FaceId, SubjectId, WatchlistId};
use crate::domain::watchlist::Nearest;
use crate::store::faces::half_precision;
use crate::store::{Page, PageRequest, StoreError, TenantTx};

/// Somebody of whom a picture is needed, so that a list can get into another model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectToEnrol {
    /// Who it is.
    pub subject_id: SubjectId,
    /// The caller's own key for them.
    pub external_id: Option<String>,
    /// Their faces with neither the other template nor a picture to make it from, oldest first.
    pub face_ids: Vec<FaceId>,
}

impl TenantTx {
    /// Keeps templates of the other model of a list, and tells how many. Left out are faces that are gone, those that
    /// have one, and templates of a model that no open change of the list wants.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when the model is known with another number of dimensions.
    pub async fn insert_spare_templates(
        &mut self,
        watchlist: WatchlistId,
        spare: &[(SubjectId, FaceId, &Template)],
    ) -> Result<u64, StoreError> {
        // What is wanted stays so until the end of the transaction.
        self.lock_watchlist(watchlist).await?;
        let Some(change) = self.find_open_model_change(watchlist).await? else {
            return Ok(0);
        };
        let wanted =
            |(_, _, template): &&(_, _, &Template)| template.model_id() == change.spare_model();
        let spare: Vec<_> = spare.iter().filter(wanted).collect();
        let Some((_, _, first)) = spare.first() else {
            return Ok(0);
        };
        self.register_forms(first.model_id(), first.values().len())
            .await?;
        let templates = spare.iter().map(|(_, _, template)| (*template).clone());
        let templates = self.in_first_form(templates.collect()).await?;
        let vectors: Vec<_> = templates.iter().map(half_precision).collect();
        let subjects: Vec<Uuid> = spare.iter().map(|(id, _, _)| id.as_uuid()).collect();
        let faces: Vec<Uuid> = spare.iter().map(|(_, id, _)| id.as_uuid()).collect();
        let inserted = sqlx::query!(
            "insert into spare_templates (watchlist_id, subject_id, face_id, model_id, template) \
             select $1, spare.subject_id, spare.face_id, $2, spare.template \
             from unnest($3::uuid[], $4::uuid[], $5::halfvec[]) as spare (subject_id, face_id, template) \
             cross join lateral (select from faces where watchlist_id = $1 \
             and subject_id = spare.subject_id and id = spare.face_id offset 0) as face \
             on conflict on constraint spare_templates_pkey do nothing",
            watchlist.as_uuid(),
            templates[0].model_id(),
            &subjects,
            &faces,
            &vectors as _
        )
        .execute(self.connection())
        .await?;
        Ok(inserted.rows_affected())
    }

    /// The next faces of a list that have a kept picture and no template of the other model.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn faces_to_fill(
        &mut self,
        watchlist: WatchlistId,
        after: Option<(SubjectId, FaceId)>,
        limit: u32,
    ) -> Result<Vec<(SubjectId, FaceId)>, StoreError> {
        let nil = (Uuid::nil(), Uuid::nil());
        let after = after.map_or(nil, |(subject, face)| (subject.as_uuid(), face.as_uuid()));
        let rows = sqlx::query!(
            r#"
            select subject_id, face_id
            from face_images as images
            where watchlist_id = $1 and (subject_id, face_id) > ($2, $3)
                and not exists (
                    select from spare_templates
                    where watchlist_id = $1 and subject_id = images.subject_id and face_id = images.face_id
                )
            order by subject_id, face_id
            limit $4
            "#,
            watchlist.as_uuid(),
            after.0,
            after.1,
            i64::from(limit)
        )
        .fetch_all(self.connection())
        .await?;
        let faces = rows.into_iter();
        Ok(faces
            .map(|row| (row.subject_id.into(), row.face_id.into()))
            .collect())
    }

    /// Reads a page of the people with faces that cannot be filled, since no picture of them is kept; newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn subjects_to_enrol_again(
        &mut self,
        watchlist: WatchlistId,
        page: PageRequest,
    ) -> Result<Page<SubjectToEnrol>, StoreError> {
        let rows = sqlx::query_as!(
            ToEnrolRow,
            r#"
            select subjects.id, external_id, array_agg(faces.id order by faces.id) as "face_ids!"
            from subjects
            join faces on faces.watchlist_id = $1 and faces.subject_id = subjects.id
            where subjects.watchlist_id = $1 and subjects.id < $2
                and not exists (
                    select from spare_templates
                    where watchlist_id = $1 and subject_id = subjects.id and face_id = faces.id
                )
                and not exists (
                    select from face_images
                    where watchlist_id = $1 and subject_id = subjects.id and face_id = faces.id
                )
            group by subjects.id, external_id
            order by subjects.id desc
            limit $3
            "#,
            watchlist.as_uuid(),
            page.before(),
            page.rows_to_fetch()
        )
        .fetch_all(self.connection())
        .await?;
        let page = Page::cut(rows, page, |row| row.id);
        Ok(Page {
            items: page.items.into_iter().map(SubjectToEnrol::from).collect(),
            next: page.next,
        })
    }

    /// Compares a probe of the other model with every spare template of a list: the most alike people, best first, at
    /// most `limit`. Nobody is found by a probe of a model that no open change of the list wants.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn search_spare(
        &mut self,
        watchlist: WatchlistId,
        probe: &Template,
        limit: u32,
    ) -> Result<Vec<Nearest>, StoreError> {
        let forms = self.in_all_forms(&[probe]).await?.concat();
        let ids: Vec<String> = forms
            .iter()
            .map(|form| form.model_id().to_owned())
            .collect();
        let probes: Vec<_> = forms.iter().map(half_precision).collect();
        // Each template is compared with the probe in its own form.
        let rows = sqlx::query!(
            r#"
            select subjects.id, external_id, display_name, similarity as "similarity!"
            from (
                select subject_id,
                    max(-(template <#> ($3::halfvec[])[array_position($2::text[], model_id)])) as similarity
                from spare_templates
                where watchlist_id = $1 and model_id = any($2)
                    and not exists (
                        select from subjects
                        where watchlist_id = $1 and id = subject_id and valid_until <= now()
                    )
                group by subject_id
                order by similarity desc, subject_id
                limit $4
            ) as nearest
            join subjects on subjects.watchlist_id = $1 and subjects.id = subject_id
            order by similarity desc, subjects.id
            "#,
            watchlist.as_uuid(),
            &ids,
            &probes as _,
            i64::from(limit)
        )
        .fetch_all(self.connection())
        .await?;
        let nearest = rows.into_iter().map(|row| Nearest {
            subject_id: row.id.into(),
            external_id: row.external_id,
            display_name: row.display_name,
            // Half precision can make a vector a little longer than 1.
            similarity: row.similarity.clamp(-1.0, 1.0) as f32,
        });
        Ok(nearest.collect())
    }

    /// Whether somebody has a template of the other model.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn has_spare(
        &mut self,
        watchlist: WatchlistId,
        subject: SubjectId,
    ) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar!(
            r#"
            select exists (
                select from spare_templates where watchlist_id = $1 and subject_id = $2
            ) as "found!"
            "#,
            watchlist.as_uuid(),
            subject.as_uuid()
        );
        Ok(found.fetch_one(self.connection()).await?)
    }
}

struct ToEnrolRow {
    id: Uuid,
    external_id: Option<String>,
    face_ids: Vec<Uuid>,
}

impl From<ToEnrolRow> for SubjectToEnrol {
    fn from(row: ToEnrolRow) -> Self {
        Self {
            subject_id: row.id.into(),
            external_id: row.external_id,
            face_ids: row.face_ids.into_iter().map(FaceId::from).collect(),
        }
    }
}
