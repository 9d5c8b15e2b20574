//! The OpenAPI document, generated from the registered handlers.

mod links;
mod parts;
mod texts;

use actix_web::App;
use serde_json::json;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Object, OpenApi, Ref, RefOr, Response, ResponseBuilder, Type};
use utoipa::{Modify, OpenApi as _};
use utoipa_actix_web::AppExt as _;

use super::extract::IDEMPOTENCY_KEY;
use super::problem::{PROBLEM_JSON, Problem};
use super::routes;
use super::serve::Surface;
use crate::error::ErrorCode;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Likeness",
        description = "Self-hosted identity verification: is the live face the one on the document, and is it on a \
                       watchlist? Every failure is a problem (RFC 9457) with a stable `code`."
    ),
    tags(
        (name = "verifications", description = "Selfie against document, liveness, watchlists, decision"),
        (name = "liveness_sessions", description = "Challenges that a live person follows before a camera"),
        (name = "faces", description = "Finding and comparing faces; nothing is kept"),
        (name = "documents", description = "Reading identity documents; nothing is kept"),
        (name = "watchlists", description = "Galleries of people to look for, and their search"),
        (name = "subjects", description = "The people on a watchlist and their faces"),
        (name = "imports", description = "Many people at once, as a job that outlives restarts"),
        (name = "lifecycle", description = "How long records are kept, and the erasure of people"),
        (name = "audit", description = "Who did what: an append-only log whose events are a chain of hashes"),
        (name = "operations", description = "Health, readiness and metrics; open to all")
    ),
    components(schemas(Problem))
)]
struct Base;

/// The document of everything that can be served.
#[must_use]
pub fn openapi() -> OpenApi {
    openapi_of(Surface::ALL)
}

/// The document of what a port shows.
pub(super) fn openapi_of(surface: Surface) -> OpenApi {
    let app = App::new()
        .into_utoipa_app()
        .openapi(Base::openapi())
        .configure(|config| routes::resources(config, surface));
    let (_, mut document) = app.split_for_parts();
    BearerScheme.modify(&mut document);
    RateLimits.modify(&mut document);
    document
        .paths
        .paths
        .values_mut()
        .flat_map(operations)
        .for_each(|operation| {
            add_replay(operation);
            add_problems(operation);
        });
    texts::describe(&mut document);
    parts::allow_absent(&mut document);
    links::connect(&mut document);
    document
}

struct BearerScheme;

impl Modify for BearerScheme {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "A token from `likeness token`, or from your own issuer",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The headers that tell of budgets, and the answer where one is used up: declared once, referred to by every operation
/// that needs a token.
struct RateLimits;

const RATE_LIMITED: &str = "RateLimited";
const HEADERS: [(&str, &str, &str); 3] = [
    (
        "RateLimit-Policy",
        "The budgets of the token's holder (draft-ietf-httpapi-ratelimit-headers-11)",
        r#""requests";q=6000;w=60, "searches";q=600;w=60"#,
    ),
    (
        "RateLimit",
        "What is left of them, and the seconds until they are full; where nothing is left, until something is",
        r#""requests";r=5999;t=1, "searches";r=600;t=0"#,
    ),
    ("Retry-After", "Seconds after which to try again", "12"),
];

impl Modify for RateLimits {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, description, example) in HEADERS {
            let header = HeaderBuilder::new()
                .description(Some(description))
                .schema(Some(Object::with_type(Type::String)))
                .example(Some(json!(example)))
                .build();
            components.headers.insert(name.to_owned(), header.into());
        }
        let mut limited = problem(ErrorCode::RateLimited);
        limited.headers = HEADERS.iter().map(|(name, ..)| header(name)).collect();
        let limited = RefOr::T(limited);
        components
            .responses
            .insert(RATE_LIMITED.to_owned(), limited);
    }
}

fn header(name: &str) -> (String, RefOr<Header>) {
    let reference = Ref::new(format!("#/components/headers/{name}"));
    (name.to_owned(), RefOr::Ref(reference))
}

/// Tells of budgets in the successful answers of an operation, and that it may be refused for them.
fn add_budgets(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for response in responses.values_mut() {
        if let RefOr::T(response) = response {
            let told = HEADERS.iter().take(2).map(|(name, ..)| header(name));
            response.headers.extend(told);
        }
    }
    let limited = Ref::from_response_name(RATE_LIMITED);
    let status = ErrorCode::RateLimited.status().as_u16().to_string();
    responses.insert(status, RefOr::Ref(limited));
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        post,
        put,
        patch,
        delete,
        ..
    } = item;
    [get, post, put, patch, delete].into_iter().flatten()
}

/// True where an operation takes an idempotency key.
fn is_keyed(operation: &Operation) -> bool {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    parameters.iter().any(|parameter| match parameter {
        RefOr::T(parameter) => {
            let name = parameter.name.as_str();
            name.eq_ignore_ascii_case(IDEMPOTENCY_KEY.as_str())
        }
        RefOr::Ref(_) => false,
    })
}

/// Adds the header that tells a repeated answer from the first.
fn add_replay(operation: &mut Operation) {
    if !is_keyed(operation) {
        return;
    }
    let answers = operation.responses.responses.iter_mut();
    for (_, answer) in answers.filter(|(status, _)| status.starts_with('2')) {
        if let RefOr::T(answer) = answer {
            let header = HeaderBuilder::new()
                .schema(Some(Object::with_type(Type::String)))
                .description(Some(
                    "`true` where this is the answer to an earlier request with the same `Idempotency-Key`",
                ));
            answer
                .headers
                .insert("Idempotency-Replayed".to_owned(), header.build().into());
        }
    }
}

/// Operations on a move of a list to another embedder, which may not be open.
const OF_MOVES: [&str; 5] = [
    "get_model_change",
    "list_subjects_to_enrol",
    "switch_model",
    "roll_back_model_change",
    "finish_model_change",
];

/// Adds the failures that an operation can have by its nature, so that no handler has to list them.
fn add_problems(operation: &mut Operation) {
    use ErrorCode as E;
    let mut codes = Vec::new();
    if operation.security.is_some() {
        add_budgets(operation);
        codes.extend([
            E::Unauthenticated,
            E::Forbidden,
            E::Unavailable,
            E::Internal,
        ]);
    }
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    if operation.request_body.is_some() {
        codes.extend([
            E::ValidationFailed,
            E::PayloadTooLarge,
            E::UnsupportedMediaType,
        ]);
        codes.extend([E::NoFace, E::DeadlineExceeded, E::NotFound, E::Conflict]);
    } else if !parameters.is_empty() {
        codes.extend([E::ValidationFailed, E::NotFound]);
    }
    if is_keyed(operation) {
        codes.push(E::IdempotencyKeySpent);
    }
    let id = operation.operation_id.as_deref();
    if id.is_some_and(|id| OF_MOVES.contains(&id)) {
        codes.push(E::ModelChangeConflict);
    }
    for code in codes {
        let status = code.status().as_u16().to_string();
        operation
            .responses
            .responses
            .entry(status)
            .or_insert_with(|| RefOr::T(problem(code)));
    }
}

/// Every code that has the status of this one, with the problem's schema.
fn problem(code: ErrorCode) -> Response {
    let same = ErrorCode::ALL
        .into_iter()
        .filter(|other| other.status() == code.status());
    let names: Vec<String> = same.map(|code| format!("`{}`", code.name())).collect();
    let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
    ResponseBuilder::new()
        .description(names.join(", "))
        .content(PROBLEM_JSON, content)
        .build()
}
