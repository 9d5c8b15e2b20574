//! What was measured, as a table and as JSON.

use std::fmt;

use serde::Serialize;

use super::pictures::Pair;
use crate::bench::report::Latency;
use crate::domain::verification::TimingsMs;

/// What `bench verify` found.
#[derive(Debug, Clone, Serialize)]
pub struct VerifyReport {
    /// Cores that it ran on, clients and database included.
    pub cores: usize,
    /// Inference threads of the service.
    pub workers: usize,
    /// Faces on the list that every check searched.
    pub watchlist: u64,
    /// One for each size of pictures.
    pub pairs: Vec<PairReport>,
}

/// Everything about pictures of one size.
#[derive(Debug, Clone, Serialize)]
pub struct PairReport {
    /// Millions of pixels in each picture.
    pub megapixels: f64,
    /// Size of the encoded selfie.
    pub selfie_bytes: usize,
    /// Size of the encoded document.
    pub document_bytes: usize,
    /// What the models alone take.
    pub inference: Inference,
    /// Where the time of one client's requests goes.
    pub stages: Stages,
    /// One client's median over the longest of what the models do side by side.
    pub latency_ratio: f64,
    /// One for each number of clients.
    pub loads: Vec<LoadReport>,
}

/// Time in the models, medians in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Inference {
    /// For the selfie.
    pub selfie_ms: f64,
    /// For the faces of the document.
    pub document_ms: f64,
    /// For its zone; 0 where zones are not read.
    pub zone_ms: f64,
    /// For the longest of these, which run side by side.
    pub critical_path_ms: f64,
    /// Checks a second of the models alone, on all threads at once.
    pub per_second: f64,
}

/// Means of what the answers to one client say, in milliseconds. Both pictures are added up, as in the answers.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Stages {
    /// What the service says of its stages.
    #[serde(flatten)]
    pub timings: TimingsMs,
    /// From sending the first byte to reading the last, without `total`: HTTP, the form, and keeping the answer.
    pub around: f64,
}

/// Requests of some clients at once.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct LoadReport {
    /// How many clients.
    pub clients: usize,
    /// Checks by all of them.
    pub requests: usize,
    /// From sending the first byte to reading the last.
    #[serde(flatten)]
    pub latency: Latency,
    /// Checks a second.
    pub per_second: f64,
}

impl Inference {
    pub(super) fn new(selfie_ms: f64, document_ms: f64, zone_ms: f64, per_second: f64) -> Self {
        Self {
            selfie_ms,
            document_ms,
            zone_ms,
            critical_path_ms: selfie_ms.max(document_ms).max(zone_ms),
            per_second,
        }
    }

    /// Of two measures of the same.
    pub(super) fn mean(self, other: Self) -> Self {
        let mean = |of: fn(&Self) -> f64| (of(&self) + of(&other)) / 2.0;
        Self::new(
            mean(|of| of.selfie_ms),
            mean(|of| of.document_ms),
            mean(|of| of.zone_ms),
            mean(|of| of.per_second),
        )
    }
}

impl Stages {
    /// Means over requests: how long each took, and what its answer says.
    pub(super) fn mean(requests: &[(f64, TimingsMs)]) -> Self {
        let mean = |of: fn(&(f64, TimingsMs)) -> f64| {
            requests.iter().map(of).sum::<f64>() / requests.len().max(1) as f64
        };
        Self {
            timings: TimingsMs {
                decode: mean(|r| r.1.decode),
                detect: mean(|r| r.1.detect),
                embed: mean(|r| r.1.embed),
                liveness: mean(|r| r.1.liveness),
                zone: mean(|r| r.1.zone),
                search: mean(|r| r.1.search),
                total: mean(|r| r.1.total),
            },
            around: mean(|r| r.0 - r.1.total),
        }
    }
}

impl PairReport {
    pub(super) fn new(
        pair: &Pair,
        inference: Inference,
        stages: Stages,
        loads: Vec<LoadReport>,
    ) -> Self {
        let one = loads.first().map_or(f64::NAN, |load| load.latency.p50_ms);
        Self {
            megapixels: pair.megapixels,
            selfie_bytes: pair.selfie.len(),
            document_bytes: pair.document.len(),
            inference,
            stages,
            latency_ratio: one / inference.critical_path_ms,
            loads,
        }
    }
}

/// The middle one of some values, at least one.
pub(super) fn median(values: Vec<f64>) -> f64 {
    Latency::of(values).p50_ms
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} cores, {} inference threads, a watchlist of {} faces; times in milliseconds",
            self.cores, self.workers, self.watchlist
        )?;
        writeln!(
            f,
            "  Mpx  clients     p50     p95     p99     1/s  of the models' 1/s"
        )?;
        for pair in &self.pairs {
            let models = pair.inference.per_second;
            for load in &pair.loads {
                let Latency {
                    p50_ms,
                    p95_ms,
                    p99_ms,
                } = load.latency;
                writeln!(
                    f,
                    "{:5.1} {:8} {p50_ms:7.1} {p95_ms:7.1} {p99_ms:7.1} {:7.1} {:19.0} %",
                    pair.megapixels,
                    load.clients,
                    load.per_second,
                    100.0 * load.per_second / models
                )?;
            }
        }
        writeln!(
            f,
            "  Mpx  decode  detect   embed  liveness    zone  search   total  around | models: selfie  document    zone  p50 / longest"
        )?;
        for pair in &self.pairs {
            let (t, inference) = (&pair.stages.timings, &pair.inference);
            writeln!(
                f,
                "{:5.1} {:7.1} {:7.1} {:7.1} {:9.1} {:7.1} {:7.1} {:7.1} {:7.1} | {:14.1} {:9.1} {:7.1} {:14.2}",
                pair.megapixels,
                t.decode,
                t.detect,
                t.embed,
                t.liveness,
                t.zone,
                t.search,
                t.total,
                pair.stages.around,
                inference.selfie_ms,
                inference.document_ms,
                inference.zone_ms,
                pair.latency_ratio
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_json_have_every_load_and_the_ratio() {
        let pair = Pair {
            megapixels: 2.0,
            selfie: vec![0; 5],
            document: vec![0; 7],
        };
        let load = |clients| LoadReport {
            clients,
            requests: 3,
            latency: Latency::of(vec![10.0, 20.0, 30.0]),
            per_second: 50.0,
        };
        let stages = Stages::mean(&[(12.0, TimingsMs::default()), (14.0, TimingsMs::default())]);
        assert_eq!(stages.around, 13.0);
        let inference = Inference::new(7.0, 4.0, 14.0, 50.0);
        let inference = inference.mean(Inference::new(9.0, 4.0, 18.0, 75.0));
        let report = VerifyReport {
            cores: 2,
            workers: 2,
            watchlist: 10,
            pairs: vec![PairReport::new(
                &pair,
                inference,
                stages,
                vec![load(1), load(16)],
            )],
        };
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["pairs"][0]["latency_ratio"], 1.25);
        assert_eq!(json["pairs"][0]["loads"][1]["clients"], 16);
        assert_eq!(json["pairs"][0]["loads"][1]["p95_ms"], 30.0);
        assert_eq!(json["pairs"][0]["stages"]["around"], 13.0);
        let table = report.to_string();
        assert!(table.contains("80 %") && table.contains("1.25"), "{table}");
        assert_eq!(table.lines().count(), 6);
    }
}
