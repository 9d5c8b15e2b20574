//! Dashboards, alerts and the autoscaler ask for metrics that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use reqwest::{Method, StatusCode};

use crate::answer::Answer;
use crate::app::App;

const FILES: [&str; 4] = [
    "grafana/likeness.json",
    "prometheus/alerts.yaml",
    "kubernetes/prometheus-adapter.yaml",
    "kubernetes/likeness.yaml",
];

/// What the adapter for the autoscaler makes of others.
const MADE: &str = "likeness_queue_seconds_mean";

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
    let text = Answer::of(app.bare(Method::GET, "/metrics"))
        .await
        .expect(StatusCode::OK);
    let text = text.as_str().unwrap();
    let types = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let known: BTreeSet<String> = types.map(ToOwned::to_owned).collect();
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
