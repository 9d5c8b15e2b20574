//! What the OpenAPI document says of every operation, for tests that go through all of them: a new route is tested by
//! being documented.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use likeness::api::openapi;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};

use crate::app::person;

/// An operation below `/v1`.
#[derive(Debug, Clone)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    /// Names of parameters in the query that hold an id.
    pub query_ids: Vec<String>,
    /// The schema of the body by its media type.
    pub bodies: BTreeMap<String, Value>,
    /// The whole of it.
    pub described: Value,
}

pub fn document() -> Value {
    serde_json::to_value(openapi()).unwrap()
}

pub fn operations() -> Vec<Operation> {
    let document = document();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            if !path.starts_with("/v1") {
                continue;
            }
            let content = &described["requestBody"]["content"];
            let schema = |body: &Value| resolved(&document, &body["schema"]);
            let bodies = content.as_object().cloned().unwrap_or_default();
            operations.push(Operation {
                method: Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
                path: path.clone(),
                query_ids: query_ids(described),
                bodies: bodies
                    .iter()
                    .map(|(media, body)| (media.clone(), schema(body)))
                    .collect(),
                described: described.clone(),
            });
        }
    }
    assert!(operations.len() >= 25, "{operations:?}");
    operations
}

fn query_ids(described: &Value) -> Vec<String> {
    let parameters = described["parameters"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    parameters
        .iter()
        .filter(|parameter| parameter["in"] == "query" && holds_ids(&parameter["schema"]))
        .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The schema with every reference in it followed.
fn resolved(document: &Value, schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get("$ref") {
                let target = document.pointer(target.trim_start_matches('#'));
                return resolved(document, target.unwrap());
            }
            let follow =
                |(name, value): (&String, &Value)| (name.clone(), resolved(document, value));
            Value::Object(members.iter().map(follow).collect())
        }
        Value::Array(items) => items.iter().map(|item| resolved(document, item)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

/// True for an id and for a list of ids.
pub fn holds_ids(schema: &Value) -> bool {
    schema["format"] == "uuid" || schema["items"]["format"] == "uuid"
}

/// The properties of a schema.
pub fn properties(schema: &Value) -> Map<String, Value> {
    schema["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default()
}

/// What a valid request has at least.
pub fn sample(schema: &Value) -> Map<String, Value> {
    let mut required = schema["required"].as_array().cloned().unwrap_or_default();
    // One of two is needed, which the schema has no word for.
    if schema["properties"]["liveness_session_id"].is_object() {
        required.push(json!("selfie"));
    }
    required
        .iter()
        .map(|name| {
            let name = name.as_str().unwrap();
            (name.to_owned(), value_of(&schema["properties"][name]))
        })
        .collect()
}

/// A picture is the text of its script; what sends it encodes it.
fn value_of(schema: &Value) -> Value {
    if is_picture(schema) {
        return String::from_utf8(person(1)).unwrap().into();
    }
    match (&schema["example"], schema["type"].as_str()) {
        (Value::Null, Some("array")) => json!([value_of(&schema["items"])]),
        (Value::Null, Some("object")) => Value::Object(sample(schema)),
        (Value::Null, _) => json!("x"),
        (example, _) => example.clone(),
    }
}

fn is_picture(schema: &Value) -> bool {
    let choices = schema["oneOf"].as_array();
    schema["format"] == "binary" || choices.is_some_and(|choices| choices.iter().any(is_picture))
}

/// Sends a body in one of the media types of forms.
pub fn with_body(
    request: RequestBuilder,
    media: &str,
    schema: &Value,
    body: &Map<String, Value>,
) -> RequestBuilder {
    if media == "application/json" {
        request.json(&encoded(schema, body))
    } else if media == "application/x-ndjson" {
        let line = encoded(schema, body).to_string();
        request.header("content-type", media).body(line)
    } else {
        assert_eq!(media, "multipart/form-data");
        request.multipart(body.iter().fold(Form::new(), add))
    }
}

fn add(form: Form, (name, value): (&String, &Value)) -> Form {
    let name = name.clone();
    let texts = |items: &Vec<Value>| items.iter().all(Value::is_string);
    if let Some(text) = value.as_str() {
        form.part(name, Part::bytes(text.to_owned().into_bytes()))
    } else if let Some(items) = value.as_array().filter(|items| texts(items)) {
        let named = |form, item: &Value| add(form, (&name, item));
        items.iter().fold(form, named)
    } else {
        form.text(name, value.to_string())
    }
}

/// Pictures as base64.
fn encoded(schema: &Value, body: &Map<String, Value>) -> Value {
    let encode = |(name, value): (&String, &Value)| {
        let schema = &schema["properties"][name];
        let text = |value: &Value| STANDARD.encode(value.as_str().unwrap());
        let pictures = value.as_array().filter(|_| is_picture(&schema["items"]));
        let value = match pictures {
            Some(items) => items.iter().map(text).collect(),
            None if value.is_string() && is_picture(schema) => text(value).into(),
            None => value.clone(),
        };
        (name.clone(), value)
    };
    Value::Object(body.iter().map(encode).collect())
}

/// The most telling form of a request's least body: JSON where it is taken.
pub fn with_least_body(request: RequestBuilder, operation: &Operation) -> RequestBuilder {
    let json = operation.bodies.get_key_value("application/json");
    let form = || operation.bodies.get_key_value("multipart/form-data");
    match json.or_else(form) {
        Some((media, schema)) => with_body(request, media, schema, &sample(schema)),
        None => request,
    }
}
