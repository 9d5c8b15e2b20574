//! Log lines, on standard error: standard output belongs to what a command prints.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::config::{Log, LogFormat};

/// Sends this process's log lines to standard error.
///
/// # Errors
/// Where the process logs already.
pub fn init(log: &Log) -> Result<(), TryInitError> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&log.filter))
        .with_writer(io::stderr);
    match log.format {
        LogFormat::Text => builder
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .finish()
            .try_init(),
        LogFormat::Json => builder.json().finish().try_init(),
    }
}
