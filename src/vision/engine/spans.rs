//! The spans of one picture: its wait, and the work on it with where the time went.

use std::time::Duration;

use tracing::field::Empty;
use tracing::{Span, trace_span};

use super::super::{AnalysisRequest, Layout, StageTimings};

/// The wait for a worker.
pub(super) fn queue() -> Span {
    trace_span!("queue")
}

/// The work on a picture.
pub(super) fn analysis(request: &AnalysisRequest) -> Span {
    let layout = match request.layout {
        Layout::Selfie => "selfie",
        Layout::Document => "document",
        Layout::Turned(_) | Layout::AnyTurn => "turned_document",
    };
    trace_span!(
        "analysis",
        layout,
        decode_ms = Empty,
        detect_ms = Empty,
        landmarks_ms = Empty,
        embed_ms = Empty,
        liveness_ms = Empty,
        pose_ms = Empty,
        eyes_ms = Empty,
        zone_ms = Empty,
    )
}

/// Notes the stages that were gone through.
pub(super) fn note(span: &Span, timings: &StageTimings) {
    let stages = [
        ("decode_ms", timings.decode),
        ("detect_ms", timings.detect),
        ("landmarks_ms", timings.landmarks),
        ("embed_ms", timings.embed),
        ("liveness_ms", timings.liveness),
        ("pose_ms", timings.pose),
        ("eyes_ms", timings.eyes),
        ("zone_ms", timings.zone),
    ];
    for (stage, took) in stages {
        if !took.is_zero() {
            span.record(stage, milliseconds(took));
        }
    }
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
