//! Dashboards, alerts and the autoscaler ask for metrics that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use reqwest::{Method, StatusCode};

use crate::answer::Answer;
use crate::app::App;
use crate::scripted::person;

const FILES: [&str; 4] = [
    "grafana/likeness.json",
    "prometheus/alerts.yaml",
    "kubernetes/prometheus-adapter.yaml",
    "kubernetes/likeness.yaml",
];

/// What the adapter for the autoscaler makes of others.
const MADE: &str = "likeness_queue_seconds_mean";
/// There is one of each large list; `tests/store/recall.rs` sees that.
const OF_LARGE_LISTS: &str = "likeness_search_recall";

/// The metrics that a text names, as OpenMetrics calls their families.
fn families(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let named = words.filter(|word| word.starts_with("likeness_") && *word != MADE);
    let family = |name: &str| {
        let suffix = ["_total", "_bucket", "_sum", "_count"]
            .into_iter()
            .find_map(|suffix| name.strip_suffix(suffix));
        suffix.unwrap_or(name).to_owned()
    };
    named.map(family).collect()
}

#[tokio::test]
async fn every_metric_that_is_asked_for_is_there() {
    let app = App::start().await;
    // A reason is not known before somebody has given one.
    app.verify(person(1), person(2))
        .await
        .expect(StatusCode::CREATED);
    let text = Answer::of(app.bare(Method::GET, "/metrics"))
        .await
        .expect(StatusCode::OK);
    let text = text.as_str().unwrap();
    let types = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let known = types.chain([OF_LARGE_LISTS]).map(ToOwned::to_owned);
    let known: BTreeSet<String> = known.collect();
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let mut asked = 0;
    for file in FILES {
        let named = families(&fs::read_to_string(deploy.join(file)).unwrap());
        asked += named.len();
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
    }
    assert!(asked > 10, "{asked}");
}
