//! Spans as a collector sees them.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::collector::Sent;

/// Every span that was sent, after the resource that they are of was looked at.
pub fn spans(sent: &[Sent]) -> Vec<Span> {
    let requests = sent
        .iter()
        .map(|sent| ExportTraceServiceRequest::decode(&*sent.body).unwrap());
    let mut spans = Vec::new();
    for resource in requests.flat_map(|request| request.resource_spans) {
        let attributes = resource.resource.unwrap().attributes;
        let name = attributes
            .iter()
            .find(|attribute| attribute.key == "service.name");
        assert!(format!("{name:?}").contains("likeness"), "{name:?}");
        spans.extend(
            resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans),
        );
    }
    spans
}

/// What a span says, as text.
pub fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let text = |value: &Value| {
        if let Value::StringValue(text) = value {
            text.clone()
        } else if let Value::BoolValue(yes) = value {
            yes.to_string()
        } else if let Value::IntValue(number) = value {
            number.to_string()
        } else if let Value::DoubleValue(number) = value {
            number.to_string()
        } else {
            panic!("{value:?}")
        }
    };
    span.attributes
        .iter()
        .map(|attribute| {
            let value = attribute.value.as_ref().unwrap().value.as_ref().unwrap();
            (&*attribute.key, text(value))
        })
        .collect()
}

/// The only span of this name and trace.
#[track_caller]
pub fn only<'a>(spans: &'a [Span], trace_id: &[u8], name: &str) -> &'a Span {
    let of_trace = |span: &&Span| span.trace_id == trace_id;
    let mut named = spans.iter().filter(of_trace).filter(|s| s.name == name);
    let names = || spans.iter().map(|span| &*span.name).collect::<Vec<_>>();
    let span = named.next().unwrap_or_else(|| panic!("{:?}", names()));
    assert!(named.next().is_none(), "{:?}", names());
    span
}
