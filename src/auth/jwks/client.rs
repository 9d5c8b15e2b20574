//! Asking the key server: one address, one answer, within bounds.

use std::error::Error;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, StatusCode, Url};

use super::JwksSource;
use super::address::Reach;

/// How long the whole of it may take, from the name's look-up to the last byte.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer. A key is about a kilobyte.
const MAX_BYTES: usize = 256 * 1024;

/// Why there is no key set.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the address is not one that keys may come from (LIKENESS_JWKS_PRIVATE_NETWORK)")]
    Forbidden,
    #[error("no answer: {0}")]
    Failed(String),
    #[error("the answer has the status {0}")]
    Status(u16),
    #[error("the answer is larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the answer is not a JWK set")]
    NoKeySet,
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        // The address is the operator's own; what counts is the innermost cause.
        let mut cause: &dyn Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        if cause.downcast_ref::<NotAllowed>().is_some() {
            return Self::Forbidden;
        }
        Self::Failed(cause.to_string())
    }
}

/// The one server that is ever asked.
pub(super) struct KeyServer {
    client: Client,
    url: Url,
    reach: Reach,
}

impl KeyServer {
    pub(super) fn new(source: &JwksSource) -> Result<Self, String> {
        let reach = Reach {
            private: source.private_network,
            plain_http: source.url.scheme() == "http",
        };
        let mut builder = Client::builder()
            .user_agent("likeness")
            .dns_resolver(Guarded(reach))
            // A proxy would choose the address in our place, and so would a redirect.
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .https_only(!source.private_network)
            .timeout(FETCH_TIMEOUT)
            // Each fetch looks the name up and checks the address anew.
            .pool_max_idle_per_host(0);
        if let Some(path) = &source.extra_roots {
            let failed = |error: &dyn Error| format!("{}: {error}", path.display());
            let pem = fs::read(path).map_err(|error| failed(&error))?;
            let roots = Certificate::from_pem_bundle(&pem).map_err(|error| failed(&error))?;
            if roots.is_empty() {
                return Err(format!("{}: no certificate in it", path.display()));
            }
            builder = builder.tls_certs_merge(roots);
        }
        Ok(Self {
            client: builder.build().map_err(|error| describe(&error))?,
            url: source.url.clone(),
            reach,
        })
    }

    /// The text of the key set.
    pub(super) async fn fetch(&self) -> Result<String, FetchError> {
        // An address in the place of a name is never looked up.
        if literal(&self.url).is_some_and(|address| !self.reach.permits(address)) {
            return Err(FetchError::Forbidden);
        }
        let mut response = self.client.get(self.url.clone()).send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        String::from_utf8(body).map_err(|_| FetchError::NoKeySet)
    }
}

/// The address that a URL names instead of a host. The parser has brought every spelling of it into one form.
fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

/// Looks names up and gives the connector only addresses that keys may come from: what is checked here is what is
/// connected to, so a name that answers differently the next time gains nothing.
struct Guarded(Reach);

#[derive(Debug, thiserror::Error)]
#[error("the name leads only to addresses that keys may not come from")]
struct NotAllowed;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found: Vec<SocketAddr> = found
                .map_err(|_: io::Error| "the name is not known")?
                .collect();
            let permitted: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| reach.permits(address.ip()))
                .collect();
            if permitted.is_empty() {
                return Err(NotAllowed.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_the_place_of_a_name_is_recognised_in_every_spelling() {
        for (url, address) in [
            ("https://127.0.0.1/", "127.0.0.1"),
            ("https://2130706433/", "127.0.0.1"),
            ("https://0x7f.1/", "127.0.0.1"),
            ("https://0177.0.0.1/", "127.0.0.1"),
            ("https://127.1/", "127.0.0.1"),
            ("https://[::1]/", "::1"),
            (
                "https://[::ffff:169.254.169.254]/",
                "::ffff:169.254.169.254",
            ),
        ] {
            let found = literal(&Url::parse(url).unwrap());
            assert_eq!(found, Some(address.parse().unwrap()), "{url}");
        }
        assert_eq!(literal(&Url::parse("https://localhost/").unwrap()), None);
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_followed_unless_that_is_allowed() {
        let resolve = |private| {
            let guard = Guarded(Reach {
                private,
                plain_http: false,
            });
            guard.resolve("localhost".parse().unwrap())
        };
        let refused = resolve(false).await.err().unwrap();
        assert!(refused.is::<NotAllowed>(), "{refused}");
        assert!(resolve(true).await.is_ok_and(|found| found.count() > 0));
    }
}
