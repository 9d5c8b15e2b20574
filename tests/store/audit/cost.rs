//! What an event costs, on a database that has to outlive a crash.
//!
//! `cargo test --test store audit::cost -- --ignored --nocapture`

use std::time::{Duration, Instant};

use likeness::assets::Assets;
use likeness::domain::audit::Actor;
use likeness::postgres::EmbeddedPostgres;
use likeness::store::{NewSubject, Store};

use super::{an_event, intact};
use crate::fixture::{DIMENSIONS, MODEL, actor, axis, new_watchlist};

/// How long each figure is measured.
const MEASURE: Duration = Duration::from_secs(5);

/// Appends as fast as it goes with that many at once, each for one of the actors; answers events a second.
async fn rate(store: &Store, actors: &[Actor], writers: usize) -> f64 {
    let until = Instant::now() + MEASURE;
    let writers = (0..writers).map(|number| {
        let (store, actor) = (store.clone(), actors[number % actors.len()].clone());
        tokio::spawn(async move {
            let mut appended = 0;
            while Instant::now() < until {
                let mut transaction = store.begin(&actor.tenant).await.unwrap();
                transaction.append_audit_event(&actor, &an_event()).unwrap();
                transaction.commit().await.unwrap();
                appended += 1;
            }
            appended
        })
    });
    let appended = futures_util::future::join_all(writers).await;
    let appended: u32 = appended.into_iter().map(Result::unwrap).sum();
    f64::from(appended) / MEASURE.as_secs_f64()
}

/// The same for answers that change nothing.
async fn answers(store: &Store, actor: &Actor, askers: usize) -> f64 {
    let until = Instant::now() + MEASURE;
    let askers = (0..askers).map(|_| {
        let (store, actor) = (store.clone(), actor.clone());
        tokio::spawn(async move {
            let mut answered = 0;
            while Instant::now() < until {
                store.append_audit_event(&actor, &an_event()).await.unwrap();
                answered += 1;
            }
            answered
        })
    });
    let answered = futures_util::future::join_all(askers).await;
    let answered: u32 = answered.into_iter().map(Result::unwrap).sum();
    f64::from(answered) / MEASURE.as_secs_f64()
}

/// The median time of a transaction that enrols a person, with or without an event.
async fn enrolment(store: &Store, actor: &Actor, name: &str, logged: bool) -> Duration {
    let mut transaction = store.begin(&actor.tenant).await.unwrap();
    let list = transaction
        .insert_watchlist(new_watchlist(name))
        .await
        .unwrap()
        .id;
    transaction.commit().await.unwrap();
    let mut times = Vec::new();
    for number in 0..300 {
        let begun = Instant::now();
        let mut transaction = store.begin(&actor.tenant).await.unwrap();
        let face = [axis(number % DIMENSIONS)];
        transaction
            .insert_subject(list, NewSubject::default(), &face)
            .await
            .unwrap();
        if logged {
            transaction.append_audit_event(actor, &an_event()).unwrap();
        }
        transaction.commit().await.unwrap();
        times.push(begun.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures, and takes half a minute"]
async fn the_cost_of_an_event() {
    let home = tempfile::tempdir().unwrap();
    let program = Assets::open(&crate::support::config().assets)
        .unwrap()
        .ensure_postgres()
        .unwrap();
    let server = EmbeddedPostgres::start(&program, home.path()).unwrap();
    let store = Store::connect(server.url(), 10).await.unwrap();
    store.register_model(MODEL, DIMENSIONS).await.unwrap();
    let acme = [actor("acme")];
    let four: Vec<Actor> = (0..4).map(|number| actor(&format!("t{number}"))).collect();
    eprintln!(
        "one tenant, 1 writer:   {:.0} events/s",
        rate(&store, &acme, 1).await
    );
    eprintln!(
        "one tenant, 8 writers:  {:.0} events/s",
        rate(&store, &acme, 8).await
    );
    eprintln!(
        "four tenants, 8 writers: {:.0} events/s",
        rate(&store, &four, 8).await
    );
    for writers in [8, 64] {
        let answers = answers(&store, &acme[0], writers).await;
        eprintln!("one tenant, {writers} answers at once: {answers:.0} events/s");
    }
    let plain = enrolment(&store, &acme[0], "plain", false).await;
    let logged = enrolment(&store, &acme[0], "logged", true).await;
    eprintln!("an enrolment's transaction, median: {plain:?} without, {logged:?} with an event");
    let begun = Instant::now();
    let events = intact(server.url(), "acme").await;
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!(
        "verified {events} events in {seconds:.2} s: {:.0} events/s",
        events as f64 / seconds
    );
    store.close().await;
    tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
}
