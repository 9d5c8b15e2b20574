//! What every request passes on its way in and out: an id, a span, metrics, headers, and the form of failures.
//!
//! Neither the path with its ids nor the query, the address or the body is recorded: the matched route is.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use futures_util::Stream;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::headers::protect;
use super::problem;
use super::serve::Surface;
use crate::auth::{RequestId, X_REQUEST_ID};
use crate::state::AppState;
use crate::telemetry::requests::{self, Answered, TRACEPARENT};

/// What stands for a method that is none of HTTP's own.
const OTHER_METHOD: &str = "other";

/// A request's body, which is held until its answer has been sent.
///
/// Where an answer comes before its request's body has been read, the framework closes the connection; but a chunked
/// body that nobody holds any more it would read to its end, for as long as the caller cares to drip it.
struct Body(Rc<RefCell<Payload>>);

impl Body {
    /// Takes the body out of a request and leaves one there that reads from it.
    fn of(request: &mut ServiceRequest) -> Self {
        let shared = Rc::new(RefCell::new(request.take_payload()));
        let stream = Box::pin(Self(Rc::clone(&shared)));
        request.set_payload(Payload::Stream { payload: stream });
        Self(shared)
    }
}

impl Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}

/// An answer's content, and the body of its request.
struct Answer {
    content: BoxBody,
    #[expect(dead_code, reason = "it is there to be held")]
    body: Body,
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.content.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.content).poll_next(cx)
    }
}

/// The outermost middleware.
///
/// # Errors
/// Those of the inner service that are not answers already.
pub(super) async fn edge<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let method = known_method(request.method());
    let span =
        tracing::info_span!("request", request.id = %id, http.method = method, trace_id = Empty);
    let traceparent = request.headers().get(TRACEPARENT);
    requests::begin(&span, traceparent.and_then(|value| value.to_str().ok()));
    request.extensions_mut().insert(id.clone());
    let body = Body::of(&mut request);
    let response = next.call(request).instrument(span.clone()).await?;

    let _entered = span.enter();
    let matched = response.request().match_pattern();
    let status = response.status().as_u16();
    let answered = Answered {
        method: Some(method).filter(|method| *method != OTHER_METHOD),
        route: matched.as_deref(),
        status,
    };
    requests::end(&span, answered);
    let route = matched.unwrap_or_else(|| "unmatched".to_owned());
    let duration = started.elapsed();
    if let Some(state) = response.request().app_data::<Data<AppState>>() {
        state
            .metrics
            .observe_request(method, &route, status, duration);
    }
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(http.route = %route, http.status = status, duration_ms, "request answered");
    let response = dress(problem::render(response, &id), &id, &route);
    Ok(response.map_body(|_, content| Answer { content, body }.boxed()))
}

/// The method, where it is one of HTTP's own. Any other text may be a method, too, and anybody may send one: logs and
/// metrics do not take it over.
fn known_method(method: &Method) -> &'static str {
    let known = [
        "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT",
    ];
    let name = known.into_iter().find(|name| *name == method.as_str());
    name.unwrap_or(OTHER_METHOD)
}

/// Adds the headers that every answer carries.
fn dress(
    mut response: ServiceResponse<BoxBody>,
    id: &RequestId,
    route: &str,
) -> ServiceResponse<BoxBody> {
    let over_tls = response
        .request()
        .app_data::<Data<Surface>>()
        .is_some_and(|surface| surface.tls);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(X_REQUEST_ID, id);
    }
    protect(headers, route, over_tls);
    let status = response.status();
    let is_kept = status.is_success() || status == StatusCode::NOT_MODIFIED;
    if route.starts_with("/v1") || !is_kept {
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_somebody_made_up_is_not_taken_over() {
        assert_eq!(known_method(&Method::PATCH), "PATCH");
        let made_up = Method::from_bytes(b"SECRET-NAME").unwrap();
        assert_eq!(known_method(&made_up), "other");
    }
}
