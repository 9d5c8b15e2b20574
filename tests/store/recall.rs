//! The self-test of searches tells when the coarse pass misses faces.

use likeness::metrics::Metrics;
use likeness::store::{SearchSettings, Store};
use likeness::verify::RecallMonitor;
use likeness::vision::Engine;

use crate::galleries::{Replicas, SETTINGS};

/// What is published after a number of tests.
async fn measured(store: &Store, replicas: &Replicas, tests: usize) -> (f64, bool) {
    let metrics = Metrics::default();
    let monitor = RecallMonitor::new(store.clone(), metrics.clone(), 0.999);
    for _ in 0..tests {
        monitor.test(&replicas.key()).await.unwrap();
    }
    let text = metrics
        .encode(&Engine::start(Vec::new(), 1), store.connections())
        .unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("likeness_search_recall{"));
    let line = line.expect("the recall is published");
    assert!(line.contains(&replicas.list.to_string()), "{line}");
    let recall = line.rsplit(' ').next().unwrap().parse().unwrap();
    (recall, monitor.is_degraded())
}

#[tokio::test]
async fn a_pass_that_picks_enough_faces_is_in_order() {
    let replicas = Replicas::new(1_000).await;
    replicas.take_in().await;
    assert_eq!(
        measured(&replicas.reader, &replicas, 40).await,
        (1.0, false)
    );
}

#[tokio::test]
async fn a_pass_that_picks_too_few_is_told_of_and_degrades_the_service() {
    let replicas = Replicas::new(1_000).await;
    let blind = SearchSettings {
        candidates: 0,
        ..SETTINGS
    };
    let blind = replicas.reader.clone().with_search(blind);
    blind.take_in(&replicas.key()).await.unwrap();
    assert_eq!(measured(&blind, &replicas, 20).await, (0.0, true));
}
