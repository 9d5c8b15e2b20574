//! The search of one list for several faces at once, as enrolments make it.
//!
//! It finds what [`TenantTx::search`] finds for each of them, by the same two passes. But the list is read once for all
//! of them, and what is alike enough is known beforehand, so that hardly anything has to be sorted: an import searches
//! for every face that it enrols.

use std::sync::{Arc, RwLock};

use time::OffsetDateTime;

use super::coarse::{CLOCK_TOLERANCE, picked};
use super::error::StoreError;
use super::faces::half_precision;
use super::forms::tries;
use super::galleries::CHANGES_KEPT;
use super::taking_in::{milliseconds, read};
use super::transaction::TenantTx;
use crate::domain::face::Template;
use crate::domain::ids::WatchlistId;
use crate::domain::watchlist::Nearest;
use crate::gallery::{Codes, Shortlist};

/// What several faces found in one list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EachMatches {
    /// Faces in the gallery, without those whose time has ended.
    pub size: u64,
    /// The list also holds faces of another model, which were not compared.
    pub has_others: bool,
    /// For each face, the most alike subjects, best first.
    pub nearest: Vec<Vec<Nearest>>,
}

impl TenantTx {
    /// Searches a list for the subjects most like each of several faces, which one model made: at most `limit` for each,
    /// and none below what `min_similarity` makes of the gallery's size. None when there is no such list.
    ///
    /// To be called in a transaction of [`Store::begin`](super::Store::begin), like [`TenantTx::search`].
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn search_each(
        &mut self,
        watchlist_id: WatchlistId,
        faces: &[&Template],
        min_similarity: impl Fn(u64) -> f64 + Send + Sync,
        limit: u32,
    ) -> Result<Option<EachMatches>, StoreError> {
        if faces.is_empty() {
            return Ok(Some(EachMatches::default()));
        }
        let forms = self.in_all_forms(faces).await?;
        let mut found = None;
        for faces in tries(&forms) {
            let faces: Vec<&Template> = faces.iter().collect();
            let matches = self.search_each_kept(watchlist_id, &faces, &min_similarity, limit);
            let matches = matches.await?;
            if matches.as_ref().is_none_or(|matches| !matches.has_others) {
                return Ok(matches);
            }
            found = found.or(matches);
        }
        Ok(Some(found.unwrap_or_default()))
    }

    /// The same of what is kept in the form of the faces, of which there is one at least.
    async fn search_each_kept(
        &mut self,
        watchlist_id: WatchlistId,
        faces: &[&Template],
        min_similarity: &(impl Fn(u64) -> f64 + Sync),
        limit: u32,
    ) -> Result<Option<EachMatches>, StoreError> {
        let first = faces[0];
        let codes = self.store().galleries();
        let codes = codes.find(&self.gallery(watchlist_id, first));
        let mut shortlists = self.pass_for_each(codes, faces).await?;
        let (known, expired) = (shortlists[0].revision, shortlists[0].expired);
        let gallery = self
            .find_size(watchlist_id, first.model_id(), known)
            .await?;
        let Some(gallery) = gallery else {
            return Ok(None);
        };
        let found = (gallery.revision, gallery.faces);
        self.catch_up_soon(watchlist_id, first, &shortlists[0], found);
        if gallery.revision - known > CHANGES_KEPT {
            shortlists.fill(Shortlist::default());
        }
        let expired = gallery.expired.map_or(expired, i64::unsigned_abs);
        let size = gallery.faces.unsigned_abs().saturating_sub(expired);
        let wanted = (min_similarity(size), limit);
        let nearest = self.compare_each(watchlist_id, faces, &shortlists, wanted);
        let nearest = nearest.await?;
        Ok(Some(EachMatches {
            size,
            has_others: gallery.has_others,
            nearest,
        }))
    }

    /// The coarse pass for each face; empty shortlists where there are no codes.
    async fn pass_for_each(
        &self,
        codes: Option<Arc<RwLock<Codes>>>,
        faces: &[&Template],
    ) -> Result<Vec<Shortlist>, StoreError> {
        let Some(codes) = codes else {
            return Ok(vec![Shortlist::default(); faces.len()]);
        };
        let settings = self.store().search_settings();
        let faces: Vec<Template> = faces.iter().copied().cloned().collect();
        let latest = milliseconds(OffsetDateTime::now_utc() - CLOCK_TOLERANCE);
        let pass = move || -> Vec<Shortlist> {
            // One revision for all of them.
            let codes = read(&codes);
            let count = settings.picks(codes.faces());
            let shortlist = |face| codes.shortlist(face, count, latest);
            faces.iter().map(shortlist).collect()
        };
        let passed = tokio::task::spawn_blocking(pass).await;
        passed.map_err(|_| StoreError::Unavailable(sqlx::Error::WorkerCrashed))
    }

    /// How large a gallery is. Faces whose time has ended are counted where the codes, as of a revision, cannot tell.
    async fn find_size(
        &mut self,
        watchlist_id: WatchlistId,
        model_id: &str,
        known: i64,
    ) -> Result<Option<SizeRow>, StoreError> {
        let row = sqlx::query_as!(
            SizeRow,
            r#"
            select
                coalesce(galleries.revision, 0) as "revision!",
                coalesce(galleries.faces, 0) as "faces!",
                exists (
                    select from galleries as others
                    where others.watchlist_id = watchlists.id and others.model_id <> $2 and others.faces > 0
                ) as "has_others!",
                case when $3::bigint = 0 or galleries.revision - $3 > $4::bigint then (
                    select count(*)
                    from subjects
                    join faces on faces.watchlist_id = $1 and faces.subject_id = subjects.id
                    where subjects.watchlist_id = $1 and model_id = $2 and valid_until <= now()
                ) end as expired
            from watchlists
            left join galleries on galleries.watchlist_id = watchlists.id and galleries.model_id = $2
            where watchlists.id = $1
            "#,
            watchlist_id.as_uuid(),
            model_id,
            known,
            CHANGES_KEPT
        );
        Ok(row.fetch_optional(self.connection()).await?)
    }

    /// Compares exactly what was picked for each face, and what is newer with all of them. `offset 0` keeps the planner from
    /// turning this around: a list that is read once for each face, or everybody's name.
    async fn compare_each(
        &mut self,
        watchlist_id: WatchlistId,
        faces: &[&Template],
        shortlists: &[Shortlist],
        (min_similarity, limit): (f64, u32),
    ) -> Result<Vec<Vec<Nearest>>, StoreError> {
        let templates: Vec<_> = faces.iter().map(|face| half_precision(face)).collect();
        let (positions, picks) = picked(shortlists);
        let rows = sqlx::query!(
            r#"
            select position as "position!", subject_id as "subject_id!", external_id, display_name,
                similarity as "similarity!"
            from (
                select position, subject_id, max(similarity) as similarity,
                    row_number() over (partition by position order by max(similarity) desc, subject_id) as place
                from (
                    select position, subject_id, similarity
                    from faces
                    cross join lateral (
                        select position, -(template <#> face) as similarity
                        from unnest($3::halfvec[]) with ordinality as asked (face, position)
                        where -(template <#> face) >= $7
                        offset 0
                    ) as asked
                    where watchlist_id = $1 and model_id = $2 and revision > $4
                    union all
                    select position, subject_id, -(template <#> ($3::halfvec[])[position::int]) as similarity
                    from unnest($5::bigint[], $6::bigint[]) as picked (position, revision)
                    join faces on watchlist_id = $1 and model_id = $2 and faces.revision = picked.revision
                    union all
                    select position, subject_id, similarity
                    from gallery_changes as changed
                    join faces on faces.watchlist_id = $1 and faces.model_id = $2 and faces.revision = face_revision
                    cross join lateral (
                        select position, -(template <#> face) as similarity
                        from unnest($3::halfvec[]) with ordinality as asked (face, position)
                        offset 0
                    ) as asked
                    where changed.watchlist_id = $1 and changed.model_id = $2 and changed.revision > $4 and $4 > 0
                ) as compared
                where similarity >= $7
                    and not exists (
                        select from subjects
                        where watchlist_id = $1 and id = subject_id and valid_until <= now()
                    )
                group by position, subject_id
            ) as nearest
            cross join lateral (
                select external_id, display_name from subjects where watchlist_id = $1 and id = subject_id offset 0
            ) as person
            where place <= $8
            order by position, place
            "#,
            watchlist_id.as_uuid(),
            faces[0].model_id(),
            &templates as _,
            shortlists[0].revision,
            &positions,
            &picks,
            min_similarity,
            i64::from(limit)
        )
        .fetch_all(self.connection())
        .await?;
        let mut nearest = vec![Vec::new(); faces.len()];
        for row in rows {
            let position = usize::try_from(row.position - 1).unwrap_or(usize::MAX);
            nearest[position].push(Nearest {
                subject_id: row.subject_id.into(),
                external_id: row.external_id,
                display_name: row.display_name,
                // Half precision can make a vector a little longer than 1.
                similarity: row.similarity.clamp(-1.0, 1.0) as f32,
            });
        }
        Ok(nearest)
    }
}

struct SizeRow {
    revision: i64,
    faces: i64,
    has_others: bool,
    expired: Option<i64>,
}
