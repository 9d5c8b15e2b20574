//! A caller who hangs up leaves nothing behind: no open transaction, no half of anything.

use std::future::Future;
use std::pin::pin;

use futures_util::poll;
use likeness::domain::ids::WatchlistId;
use likeness::store::{Store, StoreError, TenantTx};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Duration, Instant};

use crate::fixture::{Fixture, axis, first_page, new_subject, tenant};

/// Polls a future for a while and drops it, finished or not.
async fn give_up_after(polls: u32, work: impl Future) {
    let mut work = pin!(work);
    for _ in 0..polls {
        if poll!(&mut work).is_ready() {
            return;
        }
        yield_now().await;
    }
}

/// From giving up at once to certainly having finished.
fn patience() -> impl Iterator<Item = u32> {
    (0..150).chain((0..40).map(|step| 150 + step * 50))
}

/// Waits until no session of the pool is at work or in a transaction.
async fn all_sessions_idle(fixture: &Fixture) {
    let mut owner = fixture.owner().await;
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let busy: Vec<String> = sqlx::query_scalar(
            "select state || ': ' || query from pg_stat_activity \
             where datname = current_database() and application_name = 'likeness' and state <> 'idle'",
        )
        .fetch_all(&mut owner)
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
    for polls in patience() {
        give_up_after(polls, fixture.store.begin(&acme)).await;
    }
    all_sessions_idle(&fixture).await;
    fixture.watchlist(&acme, "the pool still works").await;
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
    for (number, polls) in patience().enumerate() {
        let name = number.to_string();
        give_up_after(polls, enrol(&fixture.store, list, &name)).await;
    }
    all_sessions_idle(&fixture).await;
    enrol(&fixture.store, list, "last").await.unwrap();
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    let page = transaction
        .list_subjects(list, None, first_page(1000))
        .await
        .unwrap();
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
        transaction.list_watchlists(first_page(1)).await.unwrap();
        transaction.commit().await.unwrap();
    }
}
