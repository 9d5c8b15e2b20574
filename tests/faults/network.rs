//! The way to the database goes bad under load, and good again.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::inside::{CONNECTIONS, Inside};
use crate::load::Load;
use crate::process::setting;
use crate::proxy::{Proxy, Way};
use crate::support;

const CLIENTS: u64 = 8;
/// Service has to be as good as before so long after the way is.
const RECOVERY: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the way stays bad.
fn outage() -> Duration {
    Duration::from_secs(setting("FAULTS_OUTAGE_SECONDS", 6, 600))
}

/// Readiness answers in time and says what is so.
async fn readiness(service: &Inside) -> (u16, Value) {
    let asked = Instant::now();
    let answer = service.client.readiness().await;
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(4), "{answer:?} after {took:?}");
    answer
}

/// No connection is missing from the pool: as many transactions as it has places are open at once.
async fn assert_no_connection_is_lost(service: &Inside) {
    let tenant = likeness::domain::ids::TenantId::parse("acme").unwrap();
    let begun = (0..CONNECTIONS).map(|_| service.store.begin(&tenant));
    let begun = futures_util::future::try_join_all(begun);
    timeout(RECOVERY, begun).await.unwrap().unwrap();
}

/// Load before, during and after; everything that was acknowledged is there, and every refusal names a time.
async fn survive(way: Way, ready_meanwhile: bool) {
    let database = support::database().await;
    let proxy = Proxy::start(&database).await;
    let service = Inside::start(&proxy.url).await;
    let lists = [service.client.watchlist("door").await];
    let load = Load::start(&service.client, &lists, CLIENTS);
    load.progress(20, PATIENCE).await;
    proxy.set(way);
    sleep(Duration::from_secs(1)).await;
    let (status, said) = readiness(&service).await;
    assert_eq!(status == 200, ready_meanwhile, "{way:?}: {said}");
    sleep(outage()).await;
    proxy.set(Way::Good);
    let recovered = load.progress(1, RECOVERY).await;
    let settled = load.progress(50, RECOVERY).await;
    assert_no_connection_is_lost(&service).await;
    assert_eq!(readiness(&service).await.0, 200, "{way:?}");
    let verdict = load.stop().await.check(&service.client, &lists).await;
    eprintln!("{way:?}: first answer after {recovered:.1?}, fifty after {settled:.1?}; {verdict}");
    verdict.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_two_seconds_away_loses_nothing() {
    survive(Way::Late(Duration::from_secs(2)), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_of_one_byte_a_second_loses_nothing() {
    survive(Way::Narrow, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_reset_lose_nothing() {
    survive(Way::Cut, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_black_hole_takes_no_place_of_the_pool_with_it() {
    survive(Way::Silent, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hears_and_is_not_heard_loses_nothing() {
    survive(Way::Mute, false).await;
}
