//! Nobody decides by a field what is the service's to decide: what a request may say is what the document lists.

use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::app::{Answer, App};
use crate::document::{operations, properties, sample, with_body};
use crate::imports::{finished, rows};
use crate::world::{World, collections, filled};

/// Whose a record is, what it is called, and when it was made: no request says that, anywhere.
const NEVER: [&str; 4] = ["tenant", "tenant_id", "id", "created_at"];
/// What other services have been talked into.
const FOREIGN: [&str; 9] = [
    "decision",
    "threshold",
    "score",
    "similarity",
    "verified",
    "status",
    "state",
    "template",
    "role",
];

/// The fields that hold fields of their own, and the body itself.
fn levels(schema: &Value) -> Vec<(Option<String>, Map<String, Value>)> {
    let mut levels = vec![(None, properties(schema))];
    for (name, property) in properties(schema) {
        // A field that may be absent is one or the other.
        let choices = property["oneOf"].as_array().cloned().unwrap_or_default();
        let mut inner = properties(&property);
        inner.extend(choices.iter().flat_map(properties));
        if !inner.is_empty() {
            levels.push((Some(name), inner));
        }
    }
    levels
}

#[tokio::test]
async fn a_field_that_is_not_listed_is_refused_by_name_on_every_route() {
    let app = App::start().await;
    let world = World::of(&app, "acme").await;
    let mut refused = 0;
    for operation in operations() {
        if ![Method::POST, Method::PUT, Method::PATCH].contains(&operation.method) {
            continue;
        }
        let wanted = collections(&operation.path);
        let ids: Vec<_> = wanted.iter().map(|name| world.ids[*name].clone()).collect();
        let path = filled(&operation.path, &ids);
        for (media, schema) in &operation.bodies {
            for (level, known) in levels(schema) {
                for name in NEVER.into_iter().chain(FOREIGN) {
                    let place = format!("{} {path} {media} {level:?} {name}", operation.method);
                    if known.contains_key(name) {
                        assert!(
                            level.is_some() || !NEVER.contains(&name),
                            "{place} is documented"
                        );
                        continue;
                    }
                    let mut body = sample(schema);
                    match &level {
                        None => drop(body.insert(name.to_owned(), json!("globex"))),
                        Some(level) => drop(body.insert(level.clone(), json!({name: 1}))),
                    }
                    let request = world.request(&app, operation.method.clone(), &path);
                    let answer = Answer::of(with_body(request, media, schema, &body)).await;
                    refused += 1;
                    if media == "application/x-ndjson" {
                        // A line that is refused is a row of its own.
                        let job = finished(&app, answer).await;
                        let row = rows(&app, &job).await.remove(0);
                        assert_eq!(row["error"]["code"], "invalid_row", "{place}: {row}");
                        continue;
                    }
                    assert_eq!(
                        answer.status,
                        StatusCode::BAD_REQUEST,
                        "{place}: {}",
                        answer.body
                    );
                    answer.expect_problem(400, "validation_failed");
                    if !operation.path.ends_with("/imports") {
                        let level = level
                            .as_ref()
                            .map_or(String::new(), |level| format!("{level}."));
                        assert_eq!(
                            answer.faults(),
                            [format!("{level}{name}:unknown")],
                            "{place}"
                        );
                    }
                }
            }
        }
    }
    assert!(refused > 200, "{refused}");
    eprintln!("{refused} fields refused");
    for (path, left) in [("/v1/watchlists", 1), ("/v1/verifications", 1)] {
        let page = app.get(path).await.expect(StatusCode::OK);
        assert_eq!(page["items"].as_array().unwrap().len(), left, "{path}");
    }
}
