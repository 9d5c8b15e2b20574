//! The span of a request, as OpenTelemetry wants to have it.
//!
//! Of what a caller sends, the trace that it belongs to is taken over, and its id. `tracestate` is not: it may hold any
//! text. Neither are the path and the query, which OpenTelemetry asks for; the matched route is there.

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The name of the span before its route is known.
pub(super) const REQUEST: &str = "request";
/// The header that says what trace a request belongs to.
pub const TRACEPARENT: &str = "traceparent";
/// What the span of a request calls the trace, for log lines.
const TRACE_ID: &str = "trace_id";

/// How a request was answered.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The method, where it is a known one.
    pub method: Option<&'a str>,
    /// The pattern that the path matched, where there is one.
    pub route: Option<&'a str>,
    /// The status.
    pub status: u16,
}

/// Makes a span that nothing has happened in yet a part of the caller's trace, and notes the trace's id in it. Without
/// traces it does nothing.
pub fn begin(span: &Span, traceparent: Option<&str>) {
    let caller = TraceContextPropagator::new().extract(&Header(traceparent));
    if span.set_parent(caller).is_err() {
        return;
    }
    let context = span.context();
    let id = context.span().span_context().trace_id();
    span.record(TRACE_ID, field::display(id));
}

/// Gives the span its name, and says how the request was answered.
pub fn end(span: &Span, answered: Answered<'_>) {
    let Answered {
        method,
        route,
        status,
    } = answered;
    let context = span.context();
    let traced = context.span();
    if !traced.is_recording() {
        return;
    }
    // The words for a method that is none are OpenTelemetry's.
    let name = method.unwrap_or("HTTP");
    traced.update_name(match route {
        Some(route) => format!("{name} {route}"),
        None => name.to_owned(),
    });
    let method = method.unwrap_or("_OTHER").to_owned();
    span.set_attribute("http.request.method", method);
    span.set_attribute("http.response.status_code", i64::from(status));
    if let Some(route) = route {
        span.set_attribute("http.route", route.to_owned());
    }
    if status >= 500 {
        span.set_attribute("error.type", status.to_string());
        span.set_status(Status::error(""));
    }
}

/// The one header that is looked at.
struct Header<'a>(Option<&'a str>);

impl Extractor for Header<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.filter(|_| key == TRACEPARENT)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}
