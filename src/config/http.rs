//! The settings of the ports: where they are, how they are encrypted, and who may call them from a browser.

use std::net::SocketAddr;

use reqwest::Url;

use super::reader::Reader;
use super::{Http, TlsFiles};

pub(super) fn http(reader: &mut Reader<'_>) -> Http {
    Http {
        tls: tls(reader),
        cors_origins: cors_origins(reader),
        admin_listen: admin_listen(reader),
        docs: reader.on("LIKENESS_DOCS"),
        pages: reader.on("LIKENESS_PAGES"),
        metrics: reader.on("LIKENESS_METRICS"),
    }
}

fn tls(reader: &mut Reader<'_>) -> Option<TlsFiles> {
    let certificate = reader.path("LIKENESS_TLS_CERT");
    let key = reader.path("LIKENESS_TLS_KEY");
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            reader.fault(
                "LIKENESS_TLS_KEY",
                "has to be set together with LIKENESS_TLS_CERT",
            );
            None
        }
        (None, Some(_)) => {
            reader.fault(
                "LIKENESS_TLS_CERT",
                "has to be set together with LIKENESS_TLS_KEY",
            );
            None
        }
    }
}

fn admin_listen(reader: &mut Reader<'_>) -> Option<SocketAddr> {
    let text = reader.optional("LIKENESS_ADMIN_LISTEN")?;
    let parsed = text.parse().ok();
    if parsed.is_none() {
        reader.fault(
            "LIKENESS_ADMIN_LISTEN",
            &format!("is {text:?}, has to be an address and port, such as 127.0.0.1:9090"),
        );
    }
    parsed
}

/// Origins exactly as browsers send them. A wildcard would let every page on the web call with a token that it got
/// hold of, so there is none.
fn cors_origins(reader: &mut Reader<'_>) -> Vec<String> {
    let list = reader.optional("LIKENESS_CORS_ORIGINS").unwrap_or_default();
    let origins = list.split([',', ' ']).filter(|origin| !origin.is_empty());
    let (exact, others): (Vec<&str>, Vec<&str>) = origins.partition(|origin| is_origin(origin));
    if !others.is_empty() {
        reader.fault(
            "LIKENESS_CORS_ORIGINS",
            &format!(
                "has {}; it takes exact origins, such as https://app.example.com",
                others.join(" ")
            ),
        );
    }
    exact.into_iter().map(str::to_owned).collect()
}

fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "https" | "http")
            && !text.contains('*')
            && url.origin().ascii_serialization() == text
    })
}
