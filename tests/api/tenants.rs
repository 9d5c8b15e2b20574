//! One tenant never meets another, whatever the route and whatever the id: every one that is not the tenant's own, or
//! is of something else, is answered like one that never was.
//!
//! Routes come from the OpenAPI document. One that wants an id of a collection that [`World`] does not fill fails here.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use reqwest::header::{DATE, HeaderMap};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{Answer, App, Options};
use crate::document::{
    Operation, holds_ids, operations, properties, sample, with_body, with_least_body,
};
use crate::world::{World, collections, filled};

const TENANTS: [&str; 3] = ["acme", "globex", "initech"];

async fn worlds(app: &App) -> Vec<World> {
    let mut worlds = Vec::new();
    for tenant in TENANTS {
        worlds.push(World::of(app, tenant).await);
    }
    worlds
}

fn random() -> String {
    Uuid::now_v7().to_string()
}

/// What tells one answer from another: all but the ids of the request.
fn comparable(answer: &Answer) -> (StatusCode, Value, Vec<String>) {
    let mut body = answer.body.clone();
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
    }
    let plain = |headers: &HeaderMap| {
        let kept = headers.iter().filter(|(name, _)| {
            let counts = name.as_str().starts_with("ratelimit");
            // What is no id at all is answered before the body has been read.
            **name != DATE && *name != "x-request-id" && *name != "connection" && !counts
        });
        let shown = kept.map(|(name, value)| format!("{name}: {value:?}"));
        let mut shown: Vec<String> = shown.collect();
        // They come in any order.
        shown.sort();
        shown
    };
    (answer.status, body, plain(&answer.headers))
}

/// Every way to fill a path for a tenant with at least one id that is not theirs, or is of something else.
fn wrong_ids(worlds: &[World], own: usize, path: &str) -> Vec<Vec<String>> {
    let wanted = collections(path);
    let id = |world: &World, collection: &str| {
        let known = world.ids.get(collection);
        known
            .unwrap_or_else(|| panic!("{path}: the world of a tenant has no {collection}"))
            .clone()
    };
    let right: Vec<String> = wanted.iter().map(|name| id(&worlds[own], name)).collect();
    let mut all = Vec::new();
    for (place, collection) in wanted.iter().enumerate() {
        let of_others = worlds.iter().enumerate().flat_map(|(index, world)| {
            let foreign = move |name: &str| index != own || name != *collection;
            let ids = world.ids.iter().filter(move |(name, _)| foreign(name));
            ids.map(|(_, id)| id.clone())
        });
        for id in of_others.chain([random(), "no-id".to_owned(), Uuid::nil().to_string()]) {
            let mut ids = right.clone();
            ids[place] = id;
            all.push(ids);
        }
    }
    let foreign = worlds.iter().enumerate().filter(|(index, _)| *index != own);
    all.extend(foreign.map(|(_, world)| wanted.iter().map(|name| id(world, name)).collect()));
    all
}

async fn ask(app: &App, world: &World, operation: &Operation, ids: &[String]) -> Answer {
    let path = filled(&operation.path, ids);
    let request = world.request(app, operation.method.clone(), &path);
    Answer::of(with_least_body(request, operation)).await
}

#[tokio::test]
async fn every_id_that_is_not_ones_own_is_answered_like_one_that_never_was() {
    let app = App::start_with(Options {
        queue_capacity: Some(64),
        ..Options::default()
    })
    .await;
    let worlds = worlds(&app).await;
    let mut asked = 0;
    for operation in operations() {
        let wanted = collections(&operation.path).len();
        if wanted == 0 {
            continue;
        }
        let name = format!("{} {}", operation.method, operation.path);
        for (own, world) in worlds.iter().enumerate() {
            let nothing: Vec<String> = (0..wanted).map(|_| random()).collect();
            let never_was = ask(&app, world, &operation, &nothing).await;
            never_was.expect_problem(404, "not_found");
            let expected = comparable(&never_was);
            let wrong = wrong_ids(&worlds, own, &operation.path);
            asked += wrong.len();
            let answers = stream::iter(wrong).map(async |ids| {
                let answer = ask(&app, world, &operation, &ids).await;
                (comparable(&answer), ids)
            });
            let mut answers = answers.buffer_unordered(8);
            while let Some((answer, ids)) = answers.next().await {
                assert_eq!(answer, expected, "{name} as {} with {ids:?}", TENANTS[own]);
            }
        }
    }
    assert!(asked > 1_000, "{asked}");
    eprintln!("{asked} wrong ids on every route that takes one");
    for world in &worlds {
        for operation in operations()
            .iter()
            .filter(|operation| operation.method == Method::GET)
        {
            let wanted = collections(&operation.path);
            let own: Vec<_> = wanted.iter().map(|name| world.ids[*name].clone()).collect();
            let answer = ask(&app, world, operation, &own).await;
            assert_eq!(
                answer.status,
                StatusCode::OK,
                "{}: {}",
                operation.path,
                answer.body
            );
        }
    }
}

/// What all but one of twenty take.
fn p95(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() * 95 / 100]
}

#[tokio::test]
async fn another_tenants_id_takes_no_longer_to_be_not_found_than_one_that_never_was() {
    const ROUNDS: usize = 200;
    let app = App::start().await;
    let worlds = worlds(&app).await;
    let (own, other) = (&worlds[0], &worlds[1]);
    for (collection, path) in [
        ("verifications", "/v1/verifications"),
        ("watchlists", "/v1/watchlists"),
        ("jobs", "/v1/jobs"),
    ] {
        let (mut foreign, mut unknown) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            // In turns, so that whatever else the machine does meets both.
            for (id, times) in [
                (other.ids[collection].clone(), &mut foreign),
                (random(), &mut unknown),
            ] {
                let request = own.request(&app, Method::GET, &format!("{path}/{id}"));
                let asked = Instant::now();
                let answer = Answer::of(request).await;
                times.push(asked.elapsed());
                answer.expect_problem(404, "not_found");
            }
        }
        let (foreign, unknown) = (p95(&mut foreign), p95(&mut unknown));
        eprintln!(
            "{collection}: p95 of another tenant's ids {foreign:.2?}, of unknown ones {unknown:.2?}"
        );
        let loose = |time: Duration| 2 * time + Duration::from_millis(10);
        assert!(foreign < loose(unknown) && unknown < loose(foreign));
    }
}

#[tokio::test]
async fn another_tenants_id_in_a_body_or_a_query_is_answered_like_one_that_never_was() {
    let app = App::start().await;
    let worlds = worlds(&app).await;
    let mut asked = 0;
    for operation in operations() {
        let wanted = collections(&operation.path);
        for (own, world) in worlds.iter().enumerate() {
            let ids: Vec<_> = wanted.iter().map(|name| world.ids[*name].clone()).collect();
            let path = filled(&operation.path, &ids);
            let request = |path: &str| world.request(&app, operation.method.clone(), path);
            let foreign = worlds.iter().enumerate().filter(|(index, _)| *index != own);
            let foreign: Vec<_> = foreign.flat_map(|(_, world)| world.ids.values()).collect();
            // An answer may name the id that it was asked about.
            let blind = |answer: &Answer, id: &str| {
                let (status, body, _) = comparable(answer);
                (status, body.to_string().replace(id, "ID"))
            };
            for (media, schema) in &operation.bodies {
                for (name, property) in properties(schema) {
                    if !holds_ids(&property) {
                        continue;
                    }
                    let ask = async |id: &str| {
                        let mut body = sample(schema);
                        if name == "liveness_session_id" {
                            body.remove("selfie");
                        }
                        let listed = property["type"] == "array";
                        let value = if listed { json!([id]) } else { json!(id) };
                        body.insert(name.clone(), value);
                        let request = with_body(request(&path), media, schema, &body);
                        blind(&Answer::of(request).await, id)
                    };
                    let never_was = ask(&random()).await;
                    assert_eq!(
                        never_was.0,
                        StatusCode::NOT_FOUND,
                        "{path} {name}: {}",
                        never_was.1
                    );
                    for id in &foreign {
                        assert_eq!(ask(id).await, never_was, "{path} {name}");
                        asked += 1;
                    }
                }
            }
            for name in &operation.query_ids {
                let ask = async |id: &str| {
                    let answer = Answer::of(request(&format!("{path}?{name}={id}"))).await;
                    blind(&answer, id)
                };
                let never_was = ask(&random()).await;
                for id in &foreign {
                    assert_eq!(ask(id).await, never_was, "{path}?{name}");
                    asked += 1;
                }
            }
        }
    }
    assert!(asked >= 60, "{asked}");
}

#[tokio::test]
async fn a_list_shows_ones_own_records_only() {
    let app = App::start().await;
    let worlds = worlds(&app).await;
    let mut seen = 0;
    for operation in operations() {
        let listed = operation.path.rsplit('/').next().unwrap();
        if operation.method != Method::GET || !collections(&operation.path).is_empty() {
            continue;
        }
        for (own, world) in worlds.iter().enumerate() {
            let answer = ask(&app, world, &operation, &[])
                .await
                .expect(StatusCode::OK)
                .to_string();
            for (index, other) in worlds.iter().enumerate() {
                if let Some(id) = other.ids.get(listed) {
                    assert_eq!(
                        answer.contains(id),
                        index == own,
                        "{}: {answer}",
                        operation.path
                    );
                    seen += 1;
                }
            }
        }
    }
    assert!(seen >= 27, "{seen}");
}
