//! What was measured, as a table and as JSON.

use std::fmt;

use serde::Serialize;

use super::curve::CurvePoint;

/// Times of one request each, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Latency {
    /// Half of the requests took no longer.
    pub p50_ms: f64,
    /// Of a hundred 95 took no longer.
    pub p95_ms: f64,
    /// Of a hundred 99 took no longer.
    pub p99_ms: f64,
}

impl Latency {
    /// Of times in milliseconds, at least one.
    pub(super) fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (share * times.len() as f64).ceil() as usize;
            times[index.clamp(1, times.len()) - 1]
        };
        Self {
            p50_ms: at(0.50),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
        }
    }
}

/// How well and how fast a gallery was searched.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Searched {
    /// Of the people searched for, the share whose own face came first, or one that is nearer still.
    pub recall_at_rank_1: f64,
    /// People searched for.
    pub probes: usize,
    /// Answers that were compared with those of comparing every face.
    pub exact_probes: usize,
    /// Of these, the share with the same first subject.
    pub agreement_with_exact: f64,
    /// One client, from the beginning of the transaction to its end.
    pub latency: Latency,
    /// Searches a second with one client.
    pub per_second_1_client: f64,
    /// Searches a second with eight clients.
    pub per_second_8_clients: f64,
}

/// A gallery as it was found by a service that had just started.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Measured {
    /// Time from the start of the service to the first answer, by comparing every face; none where that takes too long.
    pub first_answer_seconds: Option<f64>,
    /// Time until its codes are in memory.
    pub take_in_seconds: f64,
    /// Memory of the codes for each face.
    pub code_bytes_per_face: f64,
    /// Growth of the process while the codes were taken in.
    pub resident_mb: f64,
    /// The tables and their indexes.
    pub disk_mb: f64,
    /// The searches.
    pub searched: Searched,
}

/// Everything about one gallery.
#[derive(Debug, Clone, Serialize)]
pub struct GalleryReport {
    /// Its faces.
    pub size: u64,
    /// How it is searched: `exact` or `coarse_rerank`.
    pub method: &'static str,
    /// Time to make and copy its rows, statistics included.
    pub load_seconds: f64,
    /// As it was loaded.
    #[serde(flatten)]
    pub loaded: Measured,
    /// Of how many faces that the coarse pass picks the one who is meant is among them; empty without codes.
    pub recall_by_picks: Vec<CurvePoint>,
    /// Requests of the whole service with one client: a picture in, hits out.
    pub requests: Option<Latency>,
    /// After a part of the faces was deleted and as many were enrolled, with vacuum running.
    pub after_churn: Option<Measured>,
    /// The 95th percentile of searches of another tenant's 1,000 faces, before this gallery was there.
    pub neighbour_before_p95_ms: f64,
    /// The same beside it.
    pub neighbour_after_p95_ms: f64,
}

/// What `bench search` found.
#[derive(Debug, Clone, Serialize)]
pub struct SearchReport {
    /// Cores that it ran on.
    pub cores: usize,
    /// Faces that the coarse pass picks.
    pub candidates: usize,
    /// One for each size.
    pub galleries: Vec<GalleryReport>,
}

const HEADER: &str = "\
     faces  method           recall  p50 ms  p95 ms  p99 ms    1/s  8 cl/s  B/face  RSS MB  disk MB  ready s  first s  load s  beside p95";

impl fmt::Display for SearchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} cores, {} candidates", self.cores, self.candidates)?;
        writeln!(f, "{HEADER}")?;
        for gallery in &self.galleries {
            line(f, gallery.size, gallery.method, &gallery.loaded)?;
            writeln!(
                f,
                "  {:>6.1}  {:.2} -> {:.2}",
                gallery.load_seconds,
                gallery.neighbour_before_p95_ms,
                gallery.neighbour_after_p95_ms
            )?;
            if let Some(churned) = &gallery.after_churn {
                line(f, gallery.size, "after churn", churned)?;
                writeln!(f)?;
            }
        }
        for gallery in &self.galleries {
            let Searched {
                probes,
                exact_probes,
                agreement_with_exact,
                ..
            } = gallery.loaded.searched;
            writeln!(
                f,
                "{} faces: {probes} people searched for; of {exact_probes} answers compared with those of comparing every \
                 face {:.2} % agree",
                gallery.size,
                100.0 * agreement_with_exact
            )?;
            for CurvePoint { picks, recall } in &gallery.recall_by_picks {
                writeln!(
                    f,
                    "{} faces, {picks} picked: recall {recall:.4}",
                    gallery.size
                )?;
            }
            if let Some(Latency {
                p50_ms,
                p95_ms,
                p99_ms,
            }) = gallery.requests
            {
                writeln!(
                    f,
                    "{} faces, whole requests with one client: p50 {p50_ms:.1} ms, p95 {p95_ms:.1} ms, p99 {p99_ms:.1} ms",
                    gallery.size
                )?;
            }
        }
        Ok(())
    }
}

/// What a line of the table begins with.
fn line(f: &mut fmt::Formatter<'_>, size: u64, method: &str, measured: &Measured) -> fmt::Result {
    let searched = &measured.searched;
    let Latency {
        p50_ms,
        p95_ms,
        p99_ms,
    } = searched.latency;
    write!(
        f,
        "{size:>10}  {method:<15}  {:.4}  {p50_ms:>6.2}  {p95_ms:>6.2}  {p99_ms:>6.2}  {:>5.0}  {:>6.0}  {:>6.1}  {:>6.0}  {:>7.0}  {:>7.2}  {:>7.2}",
        searched.recall_at_rank_1,
        searched.per_second_1_client,
        searched.per_second_8_clients,
        measured.code_bytes_per_face,
        measured.resident_mb,
        measured.disk_mb,
        measured.take_in_seconds,
        measured.first_answer_seconds.unwrap_or(f64::NAN),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let latency = Latency::of((1..=200).rev().map(f64::from).collect());
        assert_eq!(
            (latency.p50_ms, latency.p95_ms, latency.p99_ms),
            (100.0, 190.0, 198.0)
        );
        let one = Latency::of(vec![3.0]);
        assert_eq!((one.p50_ms, one.p99_ms), (3.0, 3.0));
    }
}
