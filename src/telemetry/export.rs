//! The way of spans to the collector: a bounded queue, a thread that sends what is in it, and the count of what is lost.
//!
//! Whoever ends a span never waits. Where the queue is full because the collector is slow or gone, spans are dropped, and
//! the log says so once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::Context;
use opentelemetry::trace::{SpanId, SpanKind};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter as Export, SpanProcessor,
};

use crate::config::Traces;

/// Spans that may wait to be sent.
const QUEUE_CAPACITY: usize = 4096;
/// Spans that are sent together.
const BATCH: usize = 512;
/// How long they may wait for others.
const DELAY: Duration = Duration::from_secs(2);
/// How long the collector may take for them.
const SEND_LIMIT: Duration = Duration::from_secs(5);

/// What takes spans when they end. Calls are made by a thread of its own, with a client that blocks only that one.
///
/// # Errors
/// Where the address, or what the environment says in OpenTelemetry's own variables, is not understood.
pub(super) fn processor(traces: &Traces) -> anyhow::Result<impl SpanProcessor + use<>> {
    let sender = SpanExporter::builder()
        .with_http()
        .with_endpoint(traces.collector.as_str())
        .with_timeout(SEND_LIMIT)
        .build()
        .context("traces cannot be sent")?;
    let ledger = Arc::new(Ledger::default());
    let exporter = Accounted {
        sender,
        ledger: Arc::clone(&ledger),
    };
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE_CAPACITY)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(DELAY)
        .build();
    let batches = BatchSpanProcessor::builder(exporter)
        .with_batch_config(config)
        .build();
    Ok(Queue { batches, ledger })
}

/// What waits, and what was lost.
#[derive(Debug, Default)]
struct Ledger {
    waiting: AtomicUsize,
    dropped: AtomicUsize,
    /// Spans that the collector did not take since it last took some.
    refused: AtomicUsize,
    failing: AtomicBool,
}

impl Ledger {
    /// Whether there is room for one more.
    fn admit(&self) -> bool {
        let more = |waiting| (waiting < QUEUE_CAPACITY).then_some(waiting + 1);
        let order = Ordering::Relaxed;
        let admitted = self.waiting.fetch_update(order, order, more).is_ok();
        if !admitted && self.dropped.fetch_add(1, order) == 0 {
            tracing::warn!(
                "spans are dropped, since more end than the collector takes; how many is told at the end"
            );
        }
        admitted
    }

    /// What became of so many that were sent.
    fn settle(&self, count: usize, result: &OTelSdkResult) {
        match result {
            Ok(()) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    let spans = self.refused.swap(0, Ordering::Relaxed);
                    tracing::info!(spans, "traces reach the collector again; these were lost");
                }
            }
            Err(error) => {
                self.refused.fetch_add(count, Ordering::Relaxed);
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "traces do not reach the collector and are lost until they do");
                }
            }
        }
    }

    fn tell(&self) {
        let dropped = self.dropped.load(Ordering::Relaxed);
        let refused = self.refused.load(Ordering::Relaxed);
        if dropped + refused > 0 {
            tracing::warn!(
                dropped,
                refused,
                "spans were lost on their way to the collector"
            );
        }
    }
}

/// The queue. The one behind it is as long, and is never full, since what waits is counted here until it has left that
/// one.
#[derive(Debug)]
struct Queue {
    batches: BatchSpanProcessor,
    ledger: Arc<Ledger>,
}

impl SpanProcessor for Queue {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batches.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.ledger.admit() {
            self.batches.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let result = self.batches.shutdown_with_timeout(timeout);
        self.ledger.tell();
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// Sends spans, and accounts for them.
#[derive(Debug)]
struct Accounted {
    sender: SpanExporter,
    ledger: Arc<Ledger>,
}

impl Export for Accounted {
    async fn export(&self, mut spans: Vec<SpanData>) -> OTelSdkResult {
        let count = spans.len();
        self.ledger.waiting.fetch_sub(count, Ordering::Relaxed);
        spans.iter_mut().for_each(tell_requests);
        let result = self.sender.export(spans).await;
        self.ledger.settle(count, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.sender.shutdown_with_timeout(timeout)
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.sender.shutdown()
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.sender.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.sender.set_resource(resource);
    }
}

/// Says that a span without a parent in this process is what a server did for a caller. A field of the span could say
/// so, too, but it would be in every log line.
fn tell_requests(span: &mut SpanData) {
    if span.parent_span_is_remote || span.parent_span_id == SpanId::INVALID {
        span.span_kind = SpanKind::Server;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_takes_nothing_until_something_has_left_it() {
        let ledger = Ledger::default();
        assert!((0..QUEUE_CAPACITY).all(|_| ledger.admit()));
        assert!(!ledger.admit());
        assert_eq!(ledger.dropped.load(Ordering::Relaxed), 1);
        ledger.waiting.fetch_sub(1, Ordering::Relaxed);
        assert!(ledger.admit());
    }
}
