//! Log lines, on standard error since standard output belongs to what a command prints, and traces where they are
//! configured.

mod export;
pub mod requests;
mod traces;

use std::io::{self, IsTerminal as _};

use tracing::Subscriber;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{Log, LogFormat, Traces};
use traces::Tracing;

/// What has to be told before the process ends.
#[must_use = "spans that wait are lost unless it is finished"]
pub struct Telemetry(Option<Tracing>);

impl Telemetry {
    /// Sends what waits, for a few seconds at most. To be called outside of async code.
    pub fn finish(self) {
        if let Some(tracing) = self.0 {
            tracing.finish();
        }
    }
}

/// Sends this process's log lines to standard error, and its traces where they are configured to go.
///
/// # Errors
/// Where the process logs already, or the collector cannot be called as it is configured.
pub fn init(log: &Log, traces: Option<&Traces>) -> anyhow::Result<Telemetry> {
    let tracing = traces.map(Tracing::start).transpose()?;
    tracing_subscriber::registry()
        .with(tracing.as_ref().map(Tracing::layer))
        .with(lines(log).with_filter(EnvFilter::new(&log.filter)))
        .try_init()?;
    Ok(Telemetry(tracing))
}

fn lines<S>(log: &Log) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let layer = fmt::layer().with_writer(io::stderr);
    match log.format {
        LogFormat::Text => layer
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
        LogFormat::Json => layer.json().boxed(),
    }
}
