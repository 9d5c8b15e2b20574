//! Counters and histograms, in the OpenMetrics text format. Labels come from short fixed lists or are the ids of lists
//! in memory, never what a request brings.

mod labels;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use serde::Serialize;
use serde_json::Value;

use labels::{
    BudgetLabels, ConnectionLabels, DecisionLabels, ReasonLabels, RecallLabels, RequestLabels,
    SearchLabels, StageLabels, WorkerLabels,
};

use crate::domain::budget::Budget;
use crate::domain::decision::{Assessment, Decision};
use crate::domain::ids::WatchlistId;
use crate::domain::reason::Reason;
use crate::domain::watchlist::{Band, SearchOutcome};
use crate::store::Connections;
use crate::vision::{Engine, StageTimings};

/// Content type of the text that [`Metrics::encode`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Buckets of a whole request: 2 ms to 8 s.
fn request_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.002, 2.0, 13))
}

/// Buckets of a part of one: 0.25 ms to 4 s.
fn stage_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.000_25, 2.0, 15))
}

/// The search of a request's lists.
const SEARCH: &str = "search";

/// What a picture goes through, and how long each took.
fn stages(timings: &StageTimings) -> [(&'static str, Duration); 9] {
    [
        ("queue", timings.queue),
        ("decode", timings.decode),
        ("detect", timings.detect),
        ("landmarks", timings.landmarks),
        ("embed", timings.embed),
        ("liveness", timings.liveness),
        ("pose", timings.pose),
        ("eyes", timings.eyes),
        ("zone", timings.zone),
    ]
}

type Stages = Family<StageLabels, Histogram, fn() -> Histogram>;
type Level<L> = Family<L, Gauge>;

/// Cheap handle on the service's metrics.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Histogram,
    stages: Stages,
    decisions: Family<DecisionLabels, Counter>,
    reasons: Family<ReasonLabels, Counter>,
    searches: Family<SearchLabels, Counter>,
    throttled: Family<BudgetLabels, Counter>,
    recall: Family<RecallLabels, Gauge<f64, AtomicU64>>,
    queue_depth: Level<WorkerLabels>,
    workers_working: Level<WorkerLabels>,
    workers_stuck: Level<WorkerLabels>,
    connections: Level<ConnectionLabels>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("likeness");
        let metrics = Self {
            registry: Arc::default(),
            requests: Family::default(),
            durations: request_buckets(),
            stages: Family::new_with_constructor(stage_buckets),
            decisions: Family::default(),
            reasons: Family::default(),
            searches: Family::default(),
            throttled: Family::default(),
            recall: Family::default(),
            queue_depth: Family::default(),
            workers_working: Family::default(),
            workers_stuck: Family::default(),
            connections: Family::default(),
        };
        metrics.describe(&mut registry);
        metrics.begin_at_zero();
        Self {
            registry: Arc::new(registry),
            ..metrics
        }
    }
}

impl Metrics {
    /// Gives each metric its name and its line of help.
    fn describe(&self, registry: &mut Registry) {
        registry.register("http_requests", "Requests answered", self.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's head to its answer",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register_with_unit(
            "stage_duration",
            "Time of each stage of the work on one picture, `queue` being its wait for a worker, and of each search",
            Unit::Seconds,
            self.stages.clone(),
        );
        registry.register(
            "verifications",
            "Identity checks by decision",
            self.decisions.clone(),
        );
        registry.register(
            "verification_reasons",
            "Reasons of identity checks by their code, and what they do to the decision",
            self.reasons.clone(),
        );
        registry.register(
            "watchlist_searches",
            "Searches of one list by result",
            self.searches.clone(),
        );
        registry.register(
            "throttled",
            "Requests refused because a budget of their caller is used up",
            self.throttled.clone(),
        );
        registry.register(
            "search_recall",
            "Share of the latest self-tests in which the coarse search of a list found the nearest face",
            self.recall.clone(),
        );
        registry.register(
            "queue_depth",
            "Pictures that wait for a worker",
            self.queue_depth.clone(),
        );
        registry.register(
            "workers_working",
            "Threads that take pictures",
            self.workers_working.clone(),
        );
        registry.register(
            "workers_stuck",
            "Threads that never finished a picture and were given up",
            self.workers_stuck.clone(),
        );
        registry.register(
            "database_connections",
            "Connections to the database: in use, idle, and the most there may be",
            self.connections.clone(),
        );
    }

    /// Makes the series whose labels are known: what has not happened yet is 0, and can be asked for.
    fn begin_at_zero(&self) {
        let of_pictures = stages(&StageTimings::default()).map(|(stage, _)| stage);
        for stage in of_pictures.into_iter().chain([SEARCH]) {
            drop(self.stages.get_or_create(&StageLabels { stage }));
        }
        for decision in Decision::ALL.map(Decision::name) {
            drop(self.decisions.get_or_create(&DecisionLabels { decision }));
        }
        for result in ["hit", "review", "clear"] {
            drop(self.searches.get_or_create(&SearchLabels { result }));
        }
        for budget in Budget::ALL.map(Budget::name) {
            drop(self.throttled.get_or_create(&BudgetLabels { budget }));
        }
    }

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

    /// Notes where the time of one picture went. Stages that were not gone through are left out.
    pub fn observe_analysis(&self, timings: &StageTimings) {
        for (stage, took) in stages(timings) {
            if !took.is_zero() {
                self.observe_stage(stage, took);
            }
        }
    }

    /// Notes how long the search of a request's lists took.
    pub fn observe_search_time(&self, took: Duration) {
        self.observe_stage(SEARCH, took);
    }

    fn observe_stage(&self, stage: &'static str, took: Duration) {
        let stage = self.stages.get_or_create(&StageLabels { stage });
        stage.observe(took.as_secs_f64());
    }

    /// Counts a decision, its reasons and the searches that it rests on.
    pub fn observe_decision(&self, assessment: &Assessment) {
        let decision = assessment.decision.name();
        self.decisions
            .get_or_create(&DecisionLabels { decision })
            .inc();
        for Reason { code, severity, .. } in &assessment.reasons {
            let (code, severity) = (name(code), name(severity));
            self.reasons
                .get_or_create(&ReasonLabels { code, severity })
                .inc();
        }
        assessment
            .watchlist
            .searched
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

    /// Everything as text, with the workers, their queues and the connections as they are now.
    ///
    /// # Errors
    /// Where a value cannot be written.
    pub fn encode(
        &self,
        engine: &Engine,
        connections: Connections,
    ) -> Result<String, std::fmt::Error> {
        self.look_at("faces", engine);
        if let Some(readers) = engine.readers() {
            self.look_at("documents", readers);
        }
        let Connections { used, idle, most } = connections;
        for (state, number) in [("used", used), ("idle", idle), ("max", most)] {
            set(&self.connections, &ConnectionLabels { state }, number);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn look_at(&self, of: &'static str, engine: &Engine) {
        let (labels, workers) = (WorkerLabels { of }, engine.workers());
        set(&self.queue_depth, &labels, engine.queue_depth());
        set(&self.workers_working, &labels, workers.working);
        set(&self.workers_stuck, &labels, workers.stuck);
    }
}

fn set<L: Clone + Eq + std::hash::Hash>(level: &Level<L>, labels: &L, number: usize) {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    level.get_or_create(labels).set(number);
}

/// The name that answers have for one of a fixed list.
fn name(one: impl Serialize) -> String {
    match serde_json::to_value(one) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
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
    use crate::domain::reason::{ReasonCode, Severity};

    fn text(metrics: &Metrics) -> String {
        let engine = Engine::start(Vec::new(), 1);
        let connections = Connections {
            used: 3,
            idle: 2,
            most: 10,
        };
        metrics.encode(&engine, connections).unwrap()
    }

    #[test]
    fn requests_are_counted_by_route_and_status() {
        let metrics = Metrics::default();
        metrics.observe_request("GET", "/v1/watchlists/{id}", 404, Duration::from_millis(3));
        let text = text(&metrics);
        let line = r#"likeness_http_requests_total{method="GET",route="/v1/watchlists/{id}",status="404"} 1"#;
        assert!(text.contains(line), "{text}");
        assert!(
            text.contains(r#"likeness_queue_depth{of="faces"} 0"#),
            "{text}"
        );
        assert!(
            text.contains(r#"likeness_database_connections{state="used"} 3"#),
            "{text}"
        );
    }

    #[test]
    fn stages_are_timed_that_were_gone_through() {
        let metrics = Metrics::default();
        metrics.observe_analysis(&StageTimings {
            queue: Duration::from_millis(7),
            embed: Duration::from_millis(11),
            ..StageTimings::default()
        });
        let text = text(&metrics);
        for line in [
            r#"likeness_stage_duration_seconds_sum{stage="queue"} 0.007"#,
            r#"likeness_stage_duration_seconds_count{stage="embed"} 1"#,
            r#"likeness_stage_duration_seconds_count{stage="liveness"} 0"#,
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn reasons_are_named_as_in_answers() {
        assert_eq!(
            name(ReasonCode::WatchlistBlockHit),
            "watchlist_block_hit".to_owned()
        );
        assert_eq!(name(Severity::Decline), "decline".to_owned());
    }
}
