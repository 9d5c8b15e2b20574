//! A caller who hangs up leaves nothing behind: no open transaction, no half of anything.

use std::future::Future;
use std::pin::pin;

use futures_util::poll;
use likeness::domain::ids::WatchlistId;
use likeness::store::{Store, StoreError, SubjectFilter, TenantTx, WatchlistFilter};
use sqlx::PgConnection;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Duration, Instant};

use crate::fixture::{Fixture, axis, first_page, new_subject, tenant};

/// Works on a future for a while and drops it; true when it had finished.
async fn give_up_after(patience: Duration, work: impl Future) -> bool {
    let mut work = pin!(work);
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if poll!(&mut work).is_ready() {
            return true;
        }
        yield_now().await;
    }
    false
}

/// A little longer each time, in steps that are short beside one round trip to the server.
fn patience(attempt: u32) -> Duration {
    Duration::from_micros(10) * attempt
}

/// Attempts after which a sweep through every moment of some work is complete.
const FINISHED_ATTEMPTS: u32 = 10;

/// Waits until no session of the pool is at work or in a transaction.
async fn all_sessions_idle(owner: &mut PgConnection) {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let busy: Vec<String> = sqlx::query_scalar(
            "select state || ': ' || query from pg_stat_activity \
             where datname = current_database() and application_name = 'likeness' and state <> 'idle'",
        )
        .fetch_all(&mut *owner)
        .await
        .unwrap();
        if busy.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "left behind: {busy:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_begin_that_nobody_waits_for_leaves_no_transaction_open() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    // A pool of one connection: whoever comes next gets the one that was given up.
    let store = Store::connect(&fixture.url, 1).await.unwrap();
    let mut owner = fixture.owner().await;
    let (mut attempt, mut finished) = (0, 0);
    while finished < FINISHED_ATTEMPTS {
        let begin = store.begin(&acme);
        finished += u32::from(give_up_after(patience(attempt), begin).await);
        store.ping().await.unwrap();
        all_sessions_idle(&mut owner).await;
        attempt += 1;
    }
}

async fn enrol(store: &Store, list: WatchlistId, name: &str) -> Result<(), StoreError> {
    let mut transaction = store.begin(&tenant("acme")).await?;
    transaction
        .insert_subject(list, new_subject(name), &[axis(0), axis(1)])
        .await?;
    transaction.commit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolment_that_is_given_up_is_whole_or_not_there() {
    let fixture = Fixture::new().await;
    let list = fixture.watchlist(&tenant("acme"), "door").await.id;
    let (mut attempt, mut finished) = (0, 0);
    while finished < FINISHED_ATTEMPTS {
        let name = attempt.to_string();
        let enrolment = enrol(&fixture.store, list, &name);
        finished += u32::from(give_up_after(patience(attempt), enrolment).await);
        attempt += 1;
    }
    all_sessions_idle(&mut fixture.owner().await).await;
    enrol(&fixture.store, list, "last").await.unwrap();
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let page = transaction
        .list_subjects(list, &SubjectFilter::default(), first_page(1000))
        .await
        .unwrap();
    assert!(page.items.len() > FINISHED_ATTEMPTS as usize);
    assert!(page.items.iter().all(|subject| subject.faces.len() == 2));
    assert_eq!(page.items[0].external_id.as_deref(), Some("last"));
}

/// Holds every connection of the pool at once.
async fn begin_five(store: &Store) -> Vec<TenantTx> {
    let mut transactions = Vec::new();
    for _ in 0..5 {
        transactions.push(store.begin(&tenant("acme")).await.unwrap());
    }
    transactions
}

/// What a worker of the HTTP server does: it is the first to use the connections, on a runtime of its own, which
/// ends when it is told to.
fn work(store: &Store, used: oneshot::Sender<()>, end: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for transaction in begin_five(store).await {
            transaction.commit().await.unwrap();
        }
        used.send(()).unwrap();
        end.await.unwrap();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_outlives_the_runtime_that_used_its_connection_first() {
    let fixture = Fixture::new().await;
    let store = fixture.store.clone();
    let (used, first_use) = oneshot::channel();
    let (end, ending) = oneshot::channel();
    let worker = tokio::task::spawn_blocking(move || work(&store, used, ending));
    first_use.await.unwrap();
    let transactions = begin_five(&fixture.store).await;
    end.send(()).unwrap();
    worker.await.unwrap();
    for mut transaction in transactions {
        transaction
            .list_watchlists(&WatchlistFilter::default(), first_page(1))
            .await
            .unwrap();
        transaction.commit().await.unwrap();
    }
}
