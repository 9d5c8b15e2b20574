//! What a search costs follows the size of its own list: whatever else is in the tables, it reads no more of them.

use likeness::domain::ids::WatchlistId;
use likeness::store::{NewSubject, Store};
use sqlx::PgConnection;
use tokio::time::{Duration, Instant, sleep};

use crate::fixture::{Fixture, MODEL, axis, search, tenant};

const SEARCHES: i64 = 10;
const SMALL: usize = 100;
const LARGE: i64 = 30_000;
const PATIENCE: Duration = Duration::from_secs(20);

/// Pages of the tables of galleries, and of their indexes, that were read so far; and how often faces were looked up.
async fn pages(owner: &mut PgConnection) -> (i64, i64) {
    sqlx::query_as(
        "select (select sum(heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit)::bigint \
             from pg_statio_user_tables \
             where relname in ('watchlists', 'galleries', 'faces', 'subjects', 'gallery_changes')), \
         (select idx_scan from pg_stat_user_indexes where indexrelname = 'faces_pkey')",
    )
    .fetch_one(owner)
    .await
    .unwrap()
}

/// Pages that one search of the small list reads, the mean of several of a service of its own.
async fn pages_of_a_search(fixture: &Fixture, list: WatchlistId) -> i64 {
    let store = Store::connect(&fixture.url, 1).await.unwrap();
    let mut owner = fixture.owner().await;
    let (before, scans) = pages(&mut owner).await;
    for _ in 0..SEARCHES {
        let mut transaction = store.begin(&tenant("acme")).await.unwrap();
        let found = search(&mut transaction, list, &axis(7), 0.9, 3).await;
        assert_eq!((found.size, found.nearest.len()), (SMALL as u64, 1));
        transaction.commit().await.unwrap();
    }
    // A connection tells what it has read at its end at the latest.
    store.close().await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Each look is a transaction, with figures of its own.
        let (after, scans_after) = pages(&mut owner).await;
        if scans_after >= scans + SEARCHES {
            return (after - before) / SEARCHES;
        }
        assert!(Instant::now() < deadline, "the searches are not told of");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Faces that all look the same, of a tenant beside; and the planner gets to know of them.
async fn put_beside(fixture: &Fixture) {
    let list = fixture.watchlist(&tenant("beside"), "large").await.id;
    let mut owner = fixture.owner().await;
    let put = "with list as (select $1::uuid as id, gen_random_uuid() as subject), \
         gallery as (insert into galleries (tenant, watchlist_id, model_id, revision, faces) \
             select 'beside', id, $2, $3, $3 from list), \
         subject as (insert into subjects (tenant, watchlist_id, id, metadata) \
             select 'beside', id, subject, '{}' from list) \
         insert into faces (tenant, watchlist_id, subject_id, id, model_id, revision, template) \
         select 'beside', list.id, subject, gen_random_uuid(), $2, number, template \
         from list, generate_series(1, $3) as number, (select template from faces limit 1) as face";
    sqlx::query(put)
        .bind(list.as_uuid())
        .bind(MODEL)
        .bind(LARGE)
        .execute(&mut owner)
        .await
        .unwrap();
    sqlx::raw_sql("vacuum analyze faces, subjects, galleries")
        .execute(&mut owner)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_search_of_a_small_list_reads_no_more_where_another_tenant_has_a_large_one() {
    let fixture = Fixture::new().await;
    let list = fixture.watchlist(&tenant("acme"), "small").await.id;
    let mut transaction = fixture.store.begin(&tenant("acme")).await.unwrap();
    for index in 0..SMALL {
        let face = [axis(index)];
        let made = transaction.insert_subject(list, NewSubject::default(), &face);
        made.await.unwrap();
    }
    transaction.commit().await.unwrap();
    let alone = pages_of_a_search(&fixture, list).await;
    put_beside(&fixture).await;
    let beside = pages_of_a_search(&fixture, list).await;
    // The small list fills some fifteen pages, the large one four thousand; an index may have got a level more.
    assert!((15..200).contains(&alone), "{alone} pages");
    assert!(beside <= alone + 20, "{alone} pages alone, {beside} beside");
}
