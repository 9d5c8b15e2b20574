//! The one search of watchlists.
//!
//! First the coarse pass: where the codes of a gallery are in memory, they pick the faces that are worth comparing
//! ([`crate::gallery`]). Then one statement compares exactly, in the database and at one snapshot of it: the faces
//! that were picked, and every face that came or changed after the revision up to which the codes had been taken in.
//! Of a gallery without codes that is every face, and the search is exact. So whatever was enrolled before the search is compared, whoever
//! enrolled it; and what is deleted, out of its time or another tenant's is not there to be found.

use uuid::Uuid;

use super::coarse::picked;
use super::error::StoreError;
use super::faces::half_precision;
use super::forms::tries;
use super::galleries::CHANGES_KEPT;
use super::transaction::TenantTx;
use crate::domain::face::Template;
use crate::domain::ids::WatchlistId;
use crate::domain::watchlist::{Nearest, SearchMethod};
use crate::gallery::{GalleryKey, Shortlist};

/// Revisions that a gallery's codes may be behind before they catch up. Until then their faces are compared exactly.
const MAX_BEHIND: i64 = 64;

/// One list to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GalleryQuery {
    /// The list.
    pub watchlist_id: WatchlistId,
    /// Less alike is not of interest.
    pub min_similarity: f64,
}

/// What a search of one list compared and found.
#[derive(Debug, Clone, PartialEq)]
pub struct GalleryMatches {
    /// The list.
    pub watchlist_id: WatchlistId,
    /// The revision of the gallery; 0 before its first face.
    pub revision: u64,
    /// Faces in the gallery: of the probe's model, without those whose time has ended.
    pub size: u64,
    /// The list also holds faces of another model, which were not compared.
    pub has_others: bool,
    /// How they were compared.
    pub method: SearchMethod,
    /// Faces that were compared exactly.
    pub candidates: u64,
    /// The most alike subjects, best first, each with its best face.
    pub nearest: Vec<Nearest>,
}

/// What goes before the exact comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// The codes pick faces, where there are codes.
    Coarse,
    /// Nothing: every face is compared.
    None,
}

impl TenantTx {
    /// Searches several lists for the subjects most like a probe, at most `limit` of each, best first. Answers in the
    /// order of the queries; a list that does not exist is left out.
    ///
    /// To be called in a transaction of [`Store::begin`](super::Store::begin): the statement has to see the database
    /// as it is after the coarse pass, which a snapshot taken before does not.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer; never an empty answer instead.
    pub async fn search(
        &mut self,
        queries: &[GalleryQuery],
        probe: &Template,
        limit: u32,
    ) -> Result<Vec<GalleryMatches>, StoreError> {
        self.search_in_forms(queries, probe, limit, Pass::Coarse)
            .await
    }

    /// The same search without the codes: every face is compared.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn search_exactly(
        &mut self,
        queries: &[GalleryQuery],
        probe: &Template,
        limit: u32,
    ) -> Result<Vec<GalleryMatches>, StoreError> {
        self.search_in_forms(queries, probe, limit, Pass::None)
            .await
    }

    /// Searches each list in the form that it is kept in.
    async fn search_in_forms(
        &mut self,
        queries: &[GalleryQuery],
        probe: &Template,
        limit: u32,
        pass: Pass,
    ) -> Result<Vec<GalleryMatches>, StoreError> {
        let forms = self.in_all_forms(&[probe]).await?.concat();
        let mut found = self.search_kept(queries, &forms[0], limit, pass).await?;
        for probe in tries(&forms).skip(1) {
            let is_left = |query: &&GalleryQuery| {
                let of_query = |list: &GalleryMatches| list.watchlist_id == query.watchlist_id;
                found.iter().any(|list| of_query(list) && list.has_others)
            };
            let left: Vec<GalleryQuery> = queries.iter().filter(is_left).copied().collect();
            if left.is_empty() {
                break;
            }
            let answers = self.search_kept(&left, probe, limit, pass).await?;
            for matches in answers.into_iter().filter(|matches| !matches.has_others) {
                let of_list = |list: &&mut GalleryMatches| {
                    list.watchlist_id == matches.watchlist_id && list.has_others
                };
                if let Some(place) = found.iter_mut().find(of_list) {
                    *place = matches;
                }
            }
        }
        Ok(found)
    }

    /// Searches what is kept in the form of the probe.
    async fn search_kept(
        &mut self,
        queries: &[GalleryQuery],
        probe: &Template,
        limit: u32,
        pass: Pass,
    ) -> Result<Vec<GalleryMatches>, StoreError> {
        let none = || vec![Shortlist::default(); queries.len()];
        let shortlists = match pass {
            Pass::Coarse => self.shortlists(queries, probe).await?,
            Pass::None => none(),
        };
        let mut compared = self.compare(queries, &shortlists, probe, limit).await?;
        if compared.iter().any(|gallery| gallery.outdated) {
            compared = self.compare(queries, &none(), probe, limit).await?;
        }
        let matches = compared.into_iter().map(|gallery| gallery.matches);
        Ok(matches.collect())
    }

    /// Compares exactly what was picked and what is newer.
    async fn compare(
        &mut self,
        queries: &[GalleryQuery],
        shortlists: &[Shortlist],
        probe: &Template,
        limit: u32,
    ) -> Result<Vec<Compared>, StoreError> {
        let lists: Vec<Uuid> = queries
            .iter()
            .map(|query| query.watchlist_id.as_uuid())
            .collect();
        let floors: Vec<f64> = queries.iter().map(|query| query.min_similarity).collect();
        let revisions: Vec<i64> = shortlists
            .iter()
            .map(|shortlist| shortlist.revision)
            .collect();
        let (positions, faces) = picked(shortlists);
        let rows = sqlx::query_as!(
            SearchRow,
            r#"
            select
                position as "position!",
                coalesce(galleries.revision, 0) as "revision!",
                coalesce(galleries.faces, 0) as "faces!",
                exists (
                    select from galleries as others
                    where others.watchlist_id = asked.watchlist_id and others.model_id <> $5 and others.faces > 0
                ) as "has_others!",
                case when asked.revision = 0 then (
                    select count(*)
                    from subjects
                    join faces on faces.watchlist_id = asked.watchlist_id and faces.subject_id = subjects.id
                    where subjects.watchlist_id = asked.watchlist_id and model_id = $5 and valid_until <= now()
                ) end as expired,
                subjects.id as "subject_id?", external_id, display_name, similarity
            from unnest($1::uuid[], $2::bigint[], $3::float8[]) with ordinality
                as asked (watchlist_id, revision, min_similarity, position)
            join watchlists on watchlists.id = asked.watchlist_id
            left join galleries on galleries.watchlist_id = asked.watchlist_id and galleries.model_id = $5
            left join lateral (
                select subject_id, max(similarity) as similarity
                from (
                    select subject_id, -(template <#> $4) as similarity
                    from faces
                    where watchlist_id = asked.watchlist_id and model_id = $5 and faces.revision > asked.revision
                    union all
                    select subject_id, -(template <#> $4) as similarity
                    from unnest($6::bigint[], $7::bigint[]) as picked (position, revision)
                    join faces on watchlist_id = asked.watchlist_id and model_id = $5
                        and faces.revision = picked.revision
                    where picked.position = asked.position
                    union all
                    select subject_id, -(template <#> $4) as similarity
                    from gallery_changes as changed
                    join faces on faces.watchlist_id = asked.watchlist_id and faces.model_id = $5
                        and faces.revision = face_revision
                    where changed.watchlist_id = asked.watchlist_id and changed.model_id = $5
                        and changed.revision > asked.revision and asked.revision > 0
                ) as compared
                where similarity >= min_similarity
                    and not exists (
                        select from subjects
                        where watchlist_id = asked.watchlist_id and id = subject_id and valid_until <= now()
                    )
                group by subject_id
                order by similarity desc, subject_id
                limit $8
            ) as nearest on true
            left join subjects on subjects.watchlist_id = asked.watchlist_id and subjects.id = subject_id
            order by position, similarity desc, subjects.id
            "#,
            &lists,
            &revisions,
            &floors,
            half_precision(probe),
            probe.model_id(),
            &positions,
            &faces,
            i64::from(limit)
        )
        .fetch_all(self.connection())
        .await;
        let rows =
            rows.inspect_err(|_| self.take_in_what_is_missing(queries, shortlists, probe))?;
        let mut found = Vec::with_capacity(queries.len());
        for rows in rows.chunk_by(|a, b| a.position == b.position) {
            let index = usize::try_from(rows[0].position - 1).unwrap_or(usize::MAX);
            let (query, shortlist) = (queries[index], &shortlists[index]);
            let state = (rows[0].revision, rows[0].faces);
            self.catch_up_soon(query.watchlist_id, probe, shortlist, state);
            let behind = rows[0].revision - shortlist.revision;
            found.push(Compared {
                matches: matches(query.watchlist_id, shortlist, rows),
                outdated: shortlist.revision > 0 && behind > CHANGES_KEPT,
            });
        }
        Ok(found)
    }

    /// Sees to it that the codes of a large gallery get into memory and stay near its revision.
    pub(super) fn catch_up_soon(
        &self,
        watchlist_id: WatchlistId,
        probe: &Template,
        shortlist: &Shortlist,
        (revision, faces): (i64, i64),
    ) {
        if revision - shortlist.revision <= MAX_BEHIND {
            return;
        }
        let key = self.gallery(watchlist_id, probe);
        let store = self.store();
        let is_large = faces > store.search_settings().exact_limit;
        let dimensions = probe.values().len();
        if shortlist.revision > 0 || (is_large && store.codes_fit(&key, dimensions, faces)) {
            store.take_in_soon(key);
        }
    }

    /// After a failure: comparing every face of a gallery of many millions takes longer than a statement may. What has
    /// no codes yet gets them, where it is large enough, so that the next attempt succeeds.
    fn take_in_what_is_missing(
        &self,
        queries: &[GalleryQuery],
        shortlists: &[Shortlist],
        probe: &Template,
    ) {
        for (query, shortlist) in queries.iter().zip(shortlists) {
            if shortlist.revision == 0 {
                let gallery = self.gallery(query.watchlist_id, probe);
                self.store().take_in_soon(gallery);
            }
        }
    }

    pub(super) fn gallery(&self, watchlist_id: WatchlistId, probe: &Template) -> GalleryKey {
        GalleryKey {
            tenant: self.tenant().clone(),
            watchlist_id,
            model_id: probe.model_id().to_owned(),
        }
    }
}

/// What one gallery was compared for.
struct Compared {
    matches: GalleryMatches,
    /// The shortlist is so old that changes since then are no longer kept: the matches may not be all.
    outdated: bool,
}

struct SearchRow {
    /// Of the query, from 1.
    position: i64,
    revision: i64,
    faces: i64,
    has_others: bool,
    /// Counted where every face is compared; otherwise the codes know.
    expired: Option<i64>,
    /// None where nobody came near enough.
    subject_id: Option<Uuid>,
    external_id: Option<String>,
    display_name: Option<String>,
    similarity: Option<f64>,
}

/// The rows of one list, of which there is at least one.
fn matches(watchlist_id: WatchlistId, shortlist: &Shortlist, rows: &[SearchRow]) -> GalleryMatches {
    let SearchRow {
        revision,
        faces,
        has_others,
        expired,
        ..
    } = rows[0];
    let expired = expired.map_or(shortlist.expired, i64::unsigned_abs);
    let size = faces.unsigned_abs().saturating_sub(expired);
    let (method, candidates) = if shortlist.revision == 0 {
        (SearchMethod::Exact, size)
    } else {
        let since = revision - shortlist.revision;
        let candidates = shortlist.faces.len() as u64 + since.max(0).unsigned_abs();
        (SearchMethod::CoarseRerank, candidates.min(size))
    };
    let nearest = rows.iter().filter_map(|row| {
        Some(Nearest {
            subject_id: row.subject_id?.into(),
            external_id: row.external_id.clone(),
            display_name: row.display_name.clone(),
            // Half precision can make a vector a little longer than 1.
            similarity: row.similarity?.clamp(-1.0, 1.0) as f32,
        })
    });
    GalleryMatches {
        watchlist_id,
        revision: revision.unsigned_abs(),
        size,
        has_others,
        method,
        candidates,
        nearest: nearest.collect(),
    }
}
