//! Which spans become traces, and how many of them.
//!
//! A trace holds what a request went through and nothing that it brought: only the spans of this crate are taken, never
//! its log lines. The spans of stages are of level `trace`, so that log lines look the same with and without them; what
//! becomes a trace does not depend on what is logged.

use std::time::Duration;

use opentelemetry::trace::{
    Link, SpanKind, TraceContextExt as _, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    Sampler, SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample,
};
use tracing::Metadata;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::Registry;

use super::export;
use super::requests::REQUEST;
use crate::config::Traces;

/// How long the end of the process waits for the last spans to be sent.
const FINISH_LIMIT: Duration = Duration::from_secs(5);

/// What makes traces of spans and sends them.
pub(super) struct Tracing(SdkTracerProvider);

impl Tracing {
    /// Starts the thread that sends them.
    pub(super) fn start(traces: &Traces) -> anyhow::Result<Self> {
        // What the environment says in `OTEL_RESOURCE_ATTRIBUTES` is added by the builder.
        let resource = Resource::builder()
            .with_attributes([
                KeyValue::new("service.name", env!("CARGO_PKG_NAME")),
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            ])
            .build();
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(traces.ratio)));
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(OfRequests(sampler))
            .with_span_processor(export::processor(traces)?)
            .build();
        Ok(Self(provider))
    }

    /// What sees the spans.
    pub(super) fn layer(&self) -> impl Layer<Registry> + use<> {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(env!("CARGO_PKG_NAME")))
            .with_location(false)
            .with_threads(false)
            .with_level(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(filter_fn(is_traced))
    }

    pub(super) fn finish(self) {
        if let Err(error) = self.0.shutdown_with_timeout(FINISH_LIMIT) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// Log lines may say what spans must not, and spans of libraries may say anything.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    let ours = metadata.target().strip_prefix(env!("CARGO_PKG_NAME"));
    metadata.is_span() && ours.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Traces begin with requests: what the service does by itself, such as looking for what has expired, makes none.
#[derive(Debug, Clone)]
struct OfRequests(Sampler);

impl ShouldSample for OfRequests {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let is_part = parent.is_some_and(Context::has_active_span);
        if is_part || name == REQUEST {
            self.0
                .should_sample(parent, trace_id, name, kind, attributes, links)
        } else {
            SamplingResult {
                decision: SamplingDecision::Drop,
                attributes: Vec::new(),
                trace_state: TraceState::default(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(ratio: f64, name: &str) -> SamplingDecision {
        let sampler = OfRequests(Sampler::TraceIdRatioBased(ratio));
        let id = TraceId::from_bytes([1; 16]);
        sampler
            .should_sample(None, id, name, &SpanKind::Internal, &[], &[])
            .decision
    }

    #[test]
    fn a_trace_begins_with_a_request_and_with_nothing_else() {
        assert_eq!(decision(1.0, REQUEST), SamplingDecision::RecordAndSample);
        assert_eq!(decision(1.0, "transaction"), SamplingDecision::Drop);
        assert_eq!(decision(0.0, REQUEST), SamplingDecision::Drop);
    }
}
