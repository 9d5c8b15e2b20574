//! Recall curves: how many faces the coarse pass has to pick so that the one who is meant is among them.

use std::sync::PoisonError;

use serde::Serialize;
use time::OffsetDateTime;

use super::measure::Searching;
use crate::gallery::Codes;

/// Numbers of picks that are tried, the fewest first.
const PICKS: [usize; 6] = [10, 30, 100, 300, 1_000, 3_000];
/// Most people who are looked for.
const PROBES: usize = 1_000;

/// One point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Faces that the coarse pass picks.
    pub picks: usize,
    /// Of the people looked for, the share who are among so many or fewer.
    pub recall: f64,
}

/// Looks for people in a gallery's codes, each with more and more picks until they are among them. The first person of a
/// gallery has the revision 1.
pub(super) fn measure(searching: &Searching, codes: &std::sync::RwLock<Codes>) -> Vec<CurvePoint> {
    let codes = codes.read().unwrap_or_else(PoisonError::into_inner);
    let now = (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64;
    let mut found = [0_usize; PICKS.len()];
    let people = &searching.people[..searching.people.len().min(PROBES)];
    for person in people {
        let (probe, own) = (searching.probe(*person), *person as i64 + 1);
        let among = |picks: &usize| codes.shortlist(&probe, *picks, now).faces.contains(&own);
        if let Some(first) = PICKS.iter().position(among) {
            found[first..].iter_mut().for_each(|count| *count += 1);
        }
    }
    let point = |(picks, found): (usize, usize)| CurvePoint {
        picks,
        recall: found as f64 / people.len().max(1) as f64,
    };
    PICKS.into_iter().zip(found).map(point).collect()
}
