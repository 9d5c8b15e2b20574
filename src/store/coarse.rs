//! The coarse pass of a search: codes in memory pick the faces that are worth comparing.

use std::sync::{Arc, RwLock};

use time::{Duration, OffsetDateTime};

use super::connection::SearchSettings;
use super::error::StoreError;
use super::search::GalleryQuery;
use super::taking_in::{milliseconds, read};
use super::transaction::TenantTx;
use crate::domain::face::Template;
use crate::gallery::{Codes, Shortlist};

/// A code counts as out of its time this much later than its face: the database's clock decides, not ours.
pub(super) const CLOCK_TOLERANCE: Duration = Duration::minutes(10);
/// Codes that are passed over in well under a millisecond, so that it need not be done on a thread of its own.
const QUICK_PASS_BYTES: usize = 8_000_000;

impl TenantTx {
    /// The coarse pass over the galleries whose codes are in memory; an empty shortlist for the others.
    pub(super) async fn shortlists(
        &self,
        queries: &[GalleryQuery],
        probe: &Template,
    ) -> Result<Vec<Shortlist>, StoreError> {
        let galleries = self.store().galleries();
        let codes: Vec<Option<Arc<RwLock<Codes>>>> = queries
            .iter()
            .map(|query| galleries.find(&self.gallery(query.watchlist_id, probe)))
            .collect();
        let settings = self.store().search_settings();
        let bytes: usize = codes
            .iter()
            .flatten()
            .map(|codes| read(codes).bytes())
            .sum();
        if bytes <= QUICK_PASS_BYTES {
            return Ok(pass(&codes, probe, settings));
        }
        let probe = probe.clone();
        let passed = tokio::task::spawn_blocking(move || pass(&codes, &probe, settings)).await;
        passed.map_err(|_| StoreError::Unavailable(sqlx::Error::WorkerCrashed))
    }
}

/// The picked faces of all lists, each with the position of its query, from 1.
pub(super) fn picked(shortlists: &[Shortlist]) -> (Vec<i64>, Vec<i64>) {
    let of_query = |(position, shortlist): (i64, &Shortlist)| {
        let faces = shortlist.faces.clone();
        faces.into_iter().map(move |face| (position, face))
    };
    (1..).zip(shortlists).flat_map(of_query).unzip()
}

fn pass(
    galleries: &[Option<Arc<RwLock<Codes>>>],
    probe: &Template,
    settings: SearchSettings,
) -> Vec<Shortlist> {
    let latest = milliseconds(OffsetDateTime::now_utc() - CLOCK_TOLERANCE);
    let of_gallery = |codes: &Option<Arc<RwLock<Codes>>>| {
        let codes = read(codes.as_ref()?);
        Some(codes.shortlist(probe, settings.picks(codes.faces()), latest))
    };
    let shortlists = galleries.iter().map(of_gallery);
    shortlists.map(Option::unwrap_or_default).collect()
}
