//! Configuration: the only reader of the environment.
//!
//! Every setting is an environment variable. A TOML file named by `LIKENESS_CONFIG` may hold the same settings, under the
//! variable's name in lower case without `LIKENESS_`; the environment wins. An empty variable counts as not set. All
//! faults are found at once, unknown names included, since a misspelt setting would otherwise be a silent default.

mod budgets;
mod http;
mod jwt;
mod kept_images;
mod load;
mod reader;
mod settings;
mod telemetry;
mod templates;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;

use crate::auth::Scope;
use crate::domain::budget::{Allowance, AttemptLimit};
use crate::domain::consent::ConsentRule;
use crate::domain::detector::Detector;
use crate::domain::embedder::Embedder;
use crate::domain::policy::{MAX_TARGET_FMR, MIN_TARGET_FMR, Policy};
use crate::domain::retention::MAX_RETENTION_DAYS;
use crate::vision::Device;
pub use kept_images::ImageSecrets;
use reader::Reader;
pub use settings::{SETTINGS, Setting, help};
pub use templates::TemplateSecrets;

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Keys and the embedded database.
    pub home: PathBuf,
    /// The runtime library, the models and the programs of the embedded database.
    pub assets: PathBuf,
    /// Where to serve.
    pub listen: SocketAddr,
    /// How the ports are protected, and what they show.
    pub http: Http,
    /// What every caller may have.
    pub allowance: Allowance,
    /// How often one person's check may fail.
    pub attempts: Option<AttemptLimit>,
    /// The database.
    pub database: Database,
    /// What tokens are checked with.
    pub jwt: Jwt,
    /// What enrolled templates are rotated by.
    pub template_secrets: TemplateSecrets,
    /// What pictures of enrolled faces are encrypted under, where lists keep them.
    pub image_secrets: ImageSecrets,
    /// What a request may bring.
    pub images: Images,
    /// How much is done at once.
    pub load: Load,
    /// What models run on.
    pub inference: Inference,
    /// How large watchlists are searched.
    pub search: Search,
    /// The rules of a verification that names none.
    pub policy: Policy,
    /// How long records are kept, and on what they rest.
    pub lifecycle: Lifecycle,
    /// How long an idempotency key counts.
    pub idempotency_lifetime: Duration,
    /// The token that commands show a running service, in place of one that they sign.
    pub token: Option<SecretString>,
    /// What is logged, and how.
    pub log: Log,
    /// Where traces go, if anywhere.
    pub traces: Option<Traces>,
}

/// How the ports are protected, and what they show.
#[derive(Debug, Clone)]
pub struct Http {
    /// The certificate that they are encrypted with, where they are.
    pub tls: Option<TlsFiles>,
    /// The pages that may call from a browser, by origin.
    pub cors_origins: Vec<String>,
    /// A second port, to which metrics and pages move.
    pub admin_listen: Option<SocketAddr>,
    /// Whether the API's description and its pages are shown.
    pub docs: bool,
    /// Whether the pages for people are shown.
    pub pages: bool,
    /// Whether metrics are shown.
    pub metrics: bool,
}

/// A certificate with its chain, and its key, both as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and what vouches for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The database.
#[derive(Debug, Clone)]
pub struct Database {
    /// A server to use instead of the embedded one.
    pub url: Option<SecretString>,
    /// Most connections at once.
    pub max_connections: u32,
}

/// What tokens are checked with.
#[derive(Debug, Clone)]
pub struct Jwt {
    /// The key, or none: the home's own.
    pub key: Option<JwtKey>,
    /// The only accepted `iss`.
    pub issuer: String,
    /// The `aud` that must be there.
    pub audience: String,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// How long a token may last.
    pub max_lifetime: Duration,
    /// The `typ` that has to be in the header, where one is demanded.
    pub token_type: Option<String>,
    /// A token with one of these is good for one request.
    pub one_time_scopes: Vec<Scope>,
    /// How keys are fetched, where they come from a URL.
    pub jwks: Jwks,
}

/// How keys are fetched.
#[derive(Debug, Clone)]
pub struct Jwks {
    /// How often.
    pub refresh: Duration,
    /// How long the last ones serve while the server is out.
    pub max_outage: Duration,
    /// Whether the server may stand in a private network, and there speak plain HTTP.
    pub private_network: bool,
    /// Certificates to trust beside the system's.
    pub extra_roots: Option<PathBuf>,
}

/// A configured key.
#[derive(Debug, Clone)]
pub enum JwtKey {
    /// A shared secret for HS256.
    Secret(SecretString),
    /// A file with public keys.
    PublicKeys(PathBuf),
    /// A URL to fetch public keys from.
    KeyServer(Url),
}

/// What a request may bring.
#[derive(Debug, Clone, Copy)]
pub struct Images {
    /// Largest encoded picture.
    pub max_bytes: usize,
    /// Largest picture, from its header.
    pub max_pixels: u64,
    /// Largest bulk import, as it is sent and unpacked.
    pub max_import_bytes: u64,
}

/// How much is done at once.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Inference threads; 0 stands for one a core.
    pub workers: usize,
    /// What faces are found with.
    pub detector: Detector,
    /// What templates are made with.
    pub embedder: Embedder,
    /// Whether machine-readable zones are read.
    pub read_mrz: bool,
    /// Threads that read them; 0 stands for as many as workers.
    pub readers: usize,
    /// Requests that may wait for one.
    pub queue_capacity: usize,
    /// How long a request may take.
    pub request_deadline: Duration,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long requests may go on after the signal to stop.
    pub shutdown_grace: Duration,
}

/// What models run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inference {
    /// The device.
    pub device: Device,
    /// An ONNX Runtime to use instead of the shipped one.
    pub runtime_library: Option<PathBuf>,
}

/// How large watchlists are searched.
#[derive(Debug, Clone, Copy)]
pub struct Search {
    /// Lists of more faces are searched through codes in memory.
    pub exact_faces: i64,
    /// Faces that the codes pick for exact comparison.
    pub candidates: usize,
    /// Most memory for codes.
    pub memory_bytes: usize,
    /// Time between two searches that test recall; zero for never.
    pub self_test_every: Duration,
    /// Measured recall below it makes readiness degraded.
    pub recall_floor: f64,
}

/// How long records are kept, and on what they rest.
#[derive(Debug, Clone, Copy)]
pub struct Lifecycle {
    /// Days that records are kept where their tenant has not chosen; none keeps them.
    pub retention_days: Option<NonZeroU16>,
    /// Whether a consent has to be named.
    pub consent: ConsentRule,
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct Log {
    /// Lines for people or for machines.
    pub format: LogFormat,
    /// Which lines, in the syntax of tracing's `EnvFilter`.
    pub filter: String,
}

/// Where traces go, and how many.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// The whole address of an OpenTelemetry collector.
    pub collector: Url,
    /// The share of requests that are traced where their callers do not say.
    pub ratio: f64,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Every fault of a configuration, one line each.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} fault(s):", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl Config {
    /// Reads the environment, and the file that it names.
    ///
    /// # Errors
    /// [`ConfigErrors`] with every fault.
    pub fn from_env() -> Result<Self, ConfigErrors> {
        let (environment, mut faults) = reader::environment();
        let file = reader::file(environment.get("LIKENESS_CONFIG"), &mut faults);
        Self::from_values(&environment, &file, faults)
    }

    /// The same without the outside world: `environment` wins over `file`, whose names are those of the variables.
    fn from_values(
        environment: &BTreeMap<String, String>,
        file: &BTreeMap<String, String>,
        faults: Vec<String>,
    ) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(environment, file, faults);
        let home = home(&mut reader);
        let load = load::load(&mut reader, &home);
        let config = Self {
            assets: reader
                .path("LIKENESS_ASSETS")
                .unwrap_or_else(|| home.clone()),
            home,
            listen: reader.parsed(
                "LIKENESS_LISTEN",
                "an address and port, such as 127.0.0.1:8080",
                SocketAddr::from(([127, 0, 0, 1], 8080)),
            ),
            http: http::http(&mut reader),
            allowance: budgets::allowance(&mut reader),
            attempts: budgets::attempts(&mut reader),
            database: Database {
                url: database_url(&mut reader),
                max_connections: reader.bounded("LIKENESS_DATABASE_MAX_CONNECTIONS", 2..=90),
            },
            jwt: jwt::jwt(&mut reader),
            template_secrets: templates::secrets(&mut reader),
            image_secrets: kept_images::secrets(&mut reader),
            images: Images {
                max_bytes: reader.bounded("LIKENESS_MAX_IMAGE_BYTES", 1024..=100 * 1024 * 1024),
                max_pixels: reader.bounded("LIKENESS_MAX_IMAGE_PIXELS", 10_000..=250_000_000),
                max_import_bytes: reader.bounded("LIKENESS_MAX_IMPORT_BYTES", 1024..=1 << 44),
            },
            load,
            inference: Inference {
                device: reader.parsed("LIKENESS_DEVICE", "cpu or cuda", Device::default()),
                runtime_library: reader.path("LIKENESS_RUNTIME_LIBRARY"),
            },
            search: Search {
                exact_faces: reader.bounded("LIKENESS_SEARCH_EXACT_FACES", 0..=1_000_000),
                candidates: reader.bounded("LIKENESS_SEARCH_CANDIDATES", 10..=20_000),
                memory_bytes: reader.bounded("LIKENESS_SEARCH_MEMORY_BYTES", 0..=1 << 44),
                self_test_every: reader.seconds("LIKENESS_SEARCH_SELF_TEST_SECONDS", 0..=86_400),
                recall_floor: reader.bounded("LIKENESS_SEARCH_RECALL_FLOOR", 0.5..=1.0),
            },
            idempotency_lifetime: reader.hours("LIKENESS_IDEMPOTENCY_HOURS", 1..=720),
            policy: policy(&mut reader),
            lifecycle: lifecycle(&mut reader),
            token: reader.optional("LIKENESS_TOKEN").map(Into::into),
            log: telemetry::log(&mut reader),
            traces: telemetry::traces(&mut reader),
        };
        let faults = reader.finish();
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigErrors(faults))
        }
    }
}

fn home(reader: &mut Reader<'_>) -> PathBuf {
    let platform = reader.platform_home();
    match reader.path("LIKENESS_HOME").or(platform) {
        Some(home) => home,
        None => {
            reader.fault("LIKENESS_HOME", "has to be set where HOME is not");
            PathBuf::new()
        }
    }
}

fn database_url(reader: &mut Reader<'_>) -> Option<SecretString> {
    let url = reader.optional("DATABASE_URL")?;
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        reader.fault(
            "DATABASE_URL",
            "has to start with postgres:// or postgresql://",
        );
    }
    Some(url.into())
}

fn policy(reader: &mut Reader<'_>) -> Policy {
    let rates = MIN_TARGET_FMR..=MAX_TARGET_FMR;
    let policy = Policy {
        approve_fmr: reader.bounded("LIKENESS_APPROVE_FMR", rates.clone()),
        review_fmr: reader.bounded("LIKENESS_REVIEW_FMR", rates),
        liveness_threshold: reader.bounded("LIKENESS_LIVENESS_THRESHOLD", 0.0..=1.0),
        target_fpir: None,
    };
    if policy.review_fmr < policy.approve_fmr {
        reader.fault(
            "LIKENESS_REVIEW_FMR",
            "has to be at least LIKENESS_APPROVE_FMR",
        );
    }
    policy
}

fn lifecycle(reader: &mut Reader<'_>) -> Lifecycle {
    let days = reader.bounded("LIKENESS_RETENTION_DAYS", 0..=MAX_RETENTION_DAYS);
    Lifecycle {
        retention_days: NonZeroU16::new(days),
        consent: if reader.yes("LIKENESS_REQUIRE_CONSENT") {
            ConsentRule::Required
        } else {
            ConsentRule::Optional
        },
    }
}

#[cfg(test)]
mod tests;
