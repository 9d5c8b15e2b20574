//! The OpenAPI document: complete, current, and served.

use std::fs;
use std::path::Path;

use likeness::api::openapi;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::app::{Answer, App};
use crate::document::operations;

fn generated() -> Value {
    serde_json::to_value(openapi()).unwrap()
}

#[test]
fn the_committed_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/openapi.json");
    let committed: Value =
        serde_json::from_str(&fs::read_to_string(path).unwrap_or_default()).unwrap_or_default();
    assert!(
        committed == generated(),
        "openapi/openapi.json is not current; refresh it with\n  cargo run -- openapi > openapi/openapi.json"
    );
}

#[test]
fn every_operation_is_explained_and_says_how_it_fails() {
    let document = generated();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(
        document["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            for text in ["summary", "description", "operationId"] {
                assert!(
                    operation[text]
                        .as_str()
                        .is_some_and(|text| !text.is_empty()),
                    "{name} has no {text}"
                );
            }
            assert_eq!(
                operation["tags"].as_array().map(Vec::len),
                Some(1),
                "{name}"
            );
            if path.starts_with("/v1") {
                let responses = operation["responses"].as_object().unwrap();
                for status in ["401", "403", "500", "503"] {
                    let problem =
                        &responses[status]["content"]["application/problem+json"]["schema"]["$ref"];
                    assert_eq!(problem, "#/components/schemas/Problem", "{name} {status}");
                }
            }
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(target)) = members.get("$ref") {
                    found.push(target.clone());
                }
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = generated();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    for target in found {
        assert!(
            document.pointer(target.trim_start_matches('#')).is_some(),
            "{target}"
        );
    }
}

#[tokio::test]
async fn the_document_and_its_page_are_served() {
    let app = App::start().await;
    let served = Answer::of(app.bare(Method::GET, "/openapi.json"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(served, generated());
    for path in ["/docs", "/docs/"] {
        let page = Answer::of(app.bare(Method::GET, path))
            .await
            .expect(StatusCode::OK);
        assert!(page.as_str().unwrap().contains("swagger-ui"), "{path}");
    }
}

#[test]
fn every_operation_that_makes_something_takes_an_idempotency_key_and_says_what_comes_of_it() {
    let mut keyed = Vec::new();
    for operation in operations() {
        let described = &operation.described;
        let parameters = described["parameters"].as_array();
        let takes = parameters.is_some_and(|parameters| {
            let is_key = |p: &Value| p["name"] == "Idempotency-Key" && p["in"] == "header";
            parameters.iter().any(is_key)
        });
        let responses = described["responses"].as_object().unwrap();
        let makes = operation.method == Method::POST
            && ["201", "202"]
                .iter()
                .any(|made| responses.contains_key(*made));
        let name = format!("{} {}", operation.method, operation.path);
        assert_eq!(takes, makes, "{name}");
        if !takes {
            continue;
        }
        for (status, answer) in responses
            .iter()
            .filter(|(status, _)| status.starts_with('2'))
        {
            assert!(
                answer["headers"]["Idempotency-Replayed"].is_object(),
                "{name} {status}"
            );
        }
        for (status, code) in [
            ("409", "idempotency_key_in_use"),
            ("410", "idempotency_key_spent"),
            ("422", "idempotency_key_reused"),
        ] {
            let codes = responses[status]["description"].as_str().unwrap();
            assert!(codes.contains(code), "{name} {status}: {codes}");
        }
        keyed.push(name);
    }
    assert!(keyed.len() >= 5, "{keyed:?}");
}
