//! The exact search: every template of a gallery is compared.
//!
//! A gallery is what a search would compare at this moment: the faces of a list, of one model, without those of
//! subjects whose time is over. [`TenantTx::gallery_size`] and [`TenantTx::search`] say so with the same words, and
//! agree within one [`Store::begin_snapshot`](super::Store::begin_snapshot).

use super::error::StoreError;
use super::faces::half_precision;
use super::transaction::TenantTx;
use crate::domain::face::Template;
use crate::domain::ids::WatchlistId;
use crate::domain::watchlist::Hit;

impl TenantTx {
    /// Counts the faces that a search would compare now.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn gallery_size(
        &mut self,
        watchlist: WatchlistId,
        model_id: &str,
    ) -> Result<u64, StoreError> {
        let size = sqlx::query_scalar!(
            r#"
            select count(*) as "size!"
            from faces
            where watchlist_id = $1
                and model_id = $2
                and not exists (
                    select from subjects
                    where watchlist_id = $1 and id = faces.subject_id and valid_until <= now()
                )
            "#,
            watchlist.as_uuid(),
            model_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(size.unsigned_abs())
    }

    /// Finds the subjects with a face at or above a similarity, best first, each with its best face.
    ///
    /// The threshold is a filter of the scan, because a scan that keeps next to nothing is faster than one that
    /// sorts everything. Vectors have length 1, so the inner product (negative in pgvector's `<#>`) is the cosine.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer; never an empty answer instead.
    pub async fn search(
        &mut self,
        watchlist: WatchlistId,
        probe: &Template,
        min_similarity: f64,
        limit: u32,
    ) -> Result<Vec<Hit>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select subjects.id, external_id, display_name, similarity as "similarity!"
            from (
                select subject_id, max(-(template <#> $3)) as similarity
                from faces
                where watchlist_id = $1
                    and model_id = $2
                    and not exists (
                        select from subjects
                        where watchlist_id = $1 and id = faces.subject_id and valid_until <= now()
                    )
                    and -(template <#> $3) >= $4
                group by subject_id
                order by similarity desc, subject_id
                limit $5
            ) as nearest
            join subjects on watchlist_id = $1 and subjects.id = subject_id
            order by similarity desc, subjects.id
            "#,
            watchlist.as_uuid(),
            probe.model_id(),
            half_precision(probe),
            min_similarity,
            i64::from(limit)
        )
        .fetch_all(self.connection())
        .await?;
        let hits = rows.into_iter().map(|row| Hit {
            watchlist_id: watchlist,
            subject_id: row.id.into(),
            external_id: row.external_id,
            display_name: row.display_name,
            // Half precision can make a vector a little longer than 1.
            similarity: row.similarity.clamp(-1.0, 1.0) as f32,
        });
        Ok(hits.collect())
    }
}
