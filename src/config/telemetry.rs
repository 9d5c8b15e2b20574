//! The settings of log lines and traces.

use std::str::FromStr;

use reqwest::Url;
use tracing_subscriber::EnvFilter;

use super::reader::Reader;
use super::{Log, LogFormat, Traces};

/// What collectors take traces at, below their address.
const TRACES_PATH: &str = "v1/traces";

pub(super) fn log(reader: &mut Reader<'_>) -> Log {
    Log {
        format: reader.parsed("LIKENESS_LOG_FORMAT", "text or json", LogFormat::Text),
        filter: log_filter(reader),
    }
}

/// Where traces go, if anywhere.
pub(super) fn traces(reader: &mut Reader<'_>) -> Option<Traces> {
    let ratio = reader.bounded("LIKENESS_TRACE_RATIO", 0.0..=1.0);
    let address = reader.optional("LIKENESS_OTLP_ENDPOINT")?;
    match collector(&address) {
        Ok(collector) => Some(Traces { collector, ratio }),
        Err(fault) => {
            reader.fault("LIKENESS_OTLP_ENDPOINT", fault);
            None
        }
    }
}

/// The address that traces are sent to.
fn collector(address: &str) -> Result<Url, &'static str> {
    const NO_URL: &str = "has to be an http or https URL, such as http://localhost:4318";
    let mut url = Url::parse(address).map_err(|_| NO_URL)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(NO_URL);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has to be a URL without a user and a password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has to be a URL without a query and a fragment");
    }
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(TRACES_PATH.split('/'));
    }
    Ok(url)
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

fn log_filter(reader: &mut Reader<'_>) -> String {
    let filter = reader.text("LIKENESS_LOG");
    if let Err(error) = EnvFilter::try_new(&filter) {
        reader.fault(
            "LIKENESS_LOG",
            &format!("is {filter:?}, has to be a filter such as info,likeness=debug: {error}"),
        );
    }
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_traces_comes_below_the_collectors_address() {
        for (address, expected) in [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("https://otel.example/", "https://otel.example/v1/traces"),
            (
                "https://example.com/otlp",
                "https://example.com/otlp/v1/traces",
            ),
            (
                "https://example.com/otlp/",
                "https://example.com/otlp/v1/traces",
            ),
        ] {
            assert_eq!(collector(address).unwrap().as_str(), expected);
        }
        for bad in [
            "localhost:4318",
            "collector",
            "grpc://localhost:4317",
            "https://user:secret@example.com",
            "https://example.com/?key=secret",
            "https://",
        ] {
            let fault = collector(bad).unwrap_err();
            assert!(!fault.contains("secret"), "{bad}");
        }
    }
}
