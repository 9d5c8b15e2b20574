//! Counters and histograms, in the OpenMetrics text format. Labels come from short fixed lists or are the ids of lists
//! in memory, never what a request brings.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::domain::budget::Budget;
use crate::domain::decision::Decision;
use crate::domain::ids::WatchlistId;
use crate::domain::watchlist::{Band, SearchOutcome};
use crate::vision::Workers;

/// Content type of the text that [`Metrics::encode`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    decision: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SearchLabels {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BudgetLabels {
    budget: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RecallLabels {
    watchlist_id: String,
}

/// Cheap handle on the service's metrics.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Histogram,
    decisions: Family<DecisionLabels, Counter>,
    searches: Family<SearchLabels, Counter>,
    throttled: Family<BudgetLabels, Counter>,
    recall: Family<RecallLabels, Gauge<f64, AtomicU64>>,
    queue_depth: Gauge,
    workers_working: Gauge,
    workers_stuck: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("likeness");
        let requests = Family::default();
        let durations = Histogram::new(exponential_buckets(0.002, 2.0, 13));
        let decisions = Family::default();
        let searches = Family::default();
        let throttled = Family::default();
        let recall = Family::default();
        let queue_depth = Gauge::default();
        let workers_working = Gauge::default();
        let workers_stuck = Gauge::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's head to its answer",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register(
            "verifications",
            "Identity checks by decision",
            decisions.clone(),
        );
        registry.register(
            "watchlist_searches",
            "Searches of one list by result",
            searches.clone(),
        );
        registry.register(
            "throttled",
            "Requests refused because a budget of their caller is used up",
            throttled.clone(),
        );
        registry.register(
            "search_recall",
            "Share of the latest self-tests in which the coarse search of a list found the nearest face",
            recall.clone(),
        );
        registry.register(
            "queue_depth",
            "Pictures that wait for a worker",
            queue_depth.clone(),
        );
        registry.register(
            "workers_working",
            "Threads that take pictures",
            workers_working.clone(),
        );
        registry.register(
            "workers_stuck",
            "Threads that never finished a picture and were given up",
            workers_stuck.clone(),
        );
        Self {
            registry: Arc::new(registry),
            requests,
            durations,
            decisions,
            searches,
            throttled,
            recall,
            queue_depth,
            workers_working,
            workers_stuck,
        }
    }
}

impl Metrics {
    /// Counts an answered request. `route` is the pattern that it matched, `method` one of the known ones.
    pub fn observe_request(
        &self,
        method: &'static str,
        route: &str,
        status: u16,
        duration: Duration,
    ) {
        let labels = RequestLabels {
            method,
            route: route.to_owned(),
            status,
        };
        self.requests.get_or_create(&labels).inc();
        self.durations.observe(duration.as_secs_f64());
    }

    /// Counts a decision and the searches that it rests on.
    pub fn observe_decision(&self, decision: Decision, searches: &[SearchOutcome]) {
        let decision = match decision {
            Decision::Approved => "approved",
            Decision::Review => "review",
            Decision::Declined => "declined",
        };
        self.decisions
            .get_or_create(&DecisionLabels { decision })
            .inc();
        searches
            .iter()
            .for_each(|search| self.observe_search(search));
    }

    /// Counts the search of one list.
    pub fn observe_search(&self, search: &SearchOutcome) {
        let result = if search.has(Band::Hit) {
            "hit"
        } else if search.has(Band::Review) {
            "review"
        } else {
            "clear"
        };
        self.searches.get_or_create(&SearchLabels { result }).inc();
    }

    /// Counts a request that was refused since a budget is used up.
    pub fn observe_throttled(&self, budget: Budget) {
        let budget = budget.name();
        self.throttled.get_or_create(&BudgetLabels { budget }).inc();
    }

    /// Publishes the measured recall of a list.
    pub fn set_search_recall(&self, list: WatchlistId, recall: f64) {
        self.recall.get_or_create(&recall_labels(list)).set(recall);
    }

    /// Stops publishing it.
    pub fn forget_search_recall(&self, list: WatchlistId) {
        self.recall.remove(&recall_labels(list));
    }

    /// Everything as text, with the queue's depth and the workers as they are now.
    ///
    /// # Errors
    /// Where a value cannot be written.
    pub fn encode(&self, queue_depth: usize, workers: Workers) -> Result<String, std::fmt::Error> {
        for (gauge, value) in [
            (&self.queue_depth, queue_depth),
            (&self.workers_working, workers.working),
            (&self.workers_stuck, workers.stuck),
        ] {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn recall_labels(list: WatchlistId) -> RecallLabels {
    RecallLabels {
        watchlist_id: list.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_and_status() {
        let metrics = Metrics::default();
        metrics.observe_request("GET", "/v1/watchlists/{id}", 404, Duration::from_millis(3));
        let workers = Workers {
            wanted: 2,
            working: 2,
            stuck: 1,
            replaced: 1,
        };
        let text = metrics.encode(7, workers).unwrap();
        let line = r#"likeness_http_requests_total{method="GET",route="/v1/watchlists/{id}",status="404"} 1"#;
        assert!(text.contains(line), "{text}");
        assert!(text.contains("likeness_queue_depth 7"), "{text}");
        assert!(text.contains("likeness_workers_stuck 1"), "{text}");
    }
}
