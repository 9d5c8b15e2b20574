//! The list of settings: their names, defaults and meanings.

/// A setting.
#[derive(Debug)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// Its default, or none where the meaning says what happens without it.
    pub default: Option<&'static str>,
    /// What it is.
    pub meaning: &'static str,
}

const fn setting(
    name: &'static str,
    default: Option<&'static str>,
    meaning: &'static str,
) -> Setting {
    Setting {
        name,
        default,
        meaning,
    }
}

/// Every setting. There are no others: a name that is not here is a fault.
pub const SETTINGS: &[Setting] = &[
    setting(
        "LIKENESS_CONFIG",
        None,
        "TOML file with settings: the names below in lower case, without LIKENESS_",
    ),
    setting(
        "LIKENESS_HOME",
        None,
        "Keys and the embedded database [default: the platform's data directory]",
    ),
    setting(
        "LIKENESS_ASSETS",
        None,
        "Models, runtime library, programs of the embedded database [default: LIKENESS_HOME]",
    ),
    setting(
        "LIKENESS_LISTEN",
        Some("127.0.0.1:8080"),
        "Address and port to serve on; port 0 takes a free one",
    ),
    setting(
        "LIKENESS_ADMIN_LISTEN",
        None,
        "Address and port for metrics and docs [default: LIKENESS_LISTEN]",
    ),
    setting(
        "LIKENESS_DOCS",
        Some("on"),
        "off: neither /docs nor /openapi.json are served",
    ),
    setting(
        "LIKENESS_PAGES",
        Some("on"),
        "off: neither /demo nor /console are served",
    ),
    setting("LIKENESS_METRICS", Some("on"), "off: no /metrics"),
    setting(
        "LIKENESS_TLS_CERT",
        None,
        "PEM file with a certificate and its chain, to serve over TLS",
    ),
    setting("LIKENESS_TLS_KEY", None, "PEM file with its private key"),
    setting(
        "LIKENESS_CORS_ORIGINS",
        None,
        "Origins whose pages may call from a browser [default: none]",
    ),
    setting(
        "LIKENESS_RATE_PER_MINUTE",
        Some("6000"),
        "Requests a minute of one caller; 0 for no bound",
    ),
    setting(
        "LIKENESS_CONCURRENCY",
        Some("128"),
        "Requests of one caller at the same time; 0 for no bound",
    ),
    setting(
        "LIKENESS_BYTES_PER_MINUTE",
        Some("2147483648"),
        "Bytes of one caller's bodies a minute; 0 for no bound",
    ),
    setting(
        "LIKENESS_SEARCHES_PER_MINUTE",
        Some("600"),
        "One caller's requests that tell a similarity; 0 for no bound",
    ),
    setting(
        "LIKENESS_MAX_ATTEMPTS",
        Some("5"),
        "Checks of one external_id that may fail; 0 for no bound",
    ),
    setting(
        "LIKENESS_ATTEMPT_WINDOW_SECONDS",
        Some("900"),
        "Time within which they are counted",
    ),
    setting(
        "DATABASE_URL",
        None,
        "PostgreSQL 16 or later with pgvector 0.8.2 or later [default: the embedded one]",
    ),
    setting(
        "LIKENESS_DATABASE_MAX_CONNECTIONS",
        Some("10"),
        "Most database connections at once",
    ),
    setting(
        "LIKENESS_JWT_SECRET",
        None,
        "HS256 secret of at least 32 bytes [default: the home's own random key]",
    ),
    setting(
        "LIKENESS_TEMPLATE_KEY",
        None,
        "Secret that enrolled templates are rotated by, at least 32 bytes",
    ),
    setting(
        "LIKENESS_TEMPLATE_KEY_BEFORE",
        None,
        "The one before: lists that are kept under it are rewritten",
    ),
    setting(
        "LIKENESS_IMAGE_KEY",
        None,
        "Secret that kept pictures are encrypted under, at least 32 bytes",
    ),
    setting(
        "LIKENESS_IMAGE_KEY_BEFORE",
        None,
        "The one before: pictures under it are encrypted anew",
    ),
    setting(
        "LIKENESS_JWKS",
        None,
        "Public keys instead of a secret: a file, or the https URL of a JWK set",
    ),
    setting(
        "LIKENESS_JWKS_REFRESH_SECONDS",
        Some("45"),
        "How often keys are fetched from a URL",
    ),
    setting(
        "LIKENESS_JWKS_OUTAGE_SECONDS",
        Some("3600"),
        "How long the last keys serve while their URL does not answer",
    ),
    setting(
        "LIKENESS_JWKS_PRIVATE_NETWORK",
        Some("no"),
        "yes: the URL may lead into a private network, and be http there",
    ),
    setting(
        "LIKENESS_JWKS_CA",
        None,
        "PEM file with certificates to trust for the URL, beside the system's",
    ),
    setting(
        "LIKENESS_JWT_ISSUER",
        Some("likeness"),
        "The iss that tokens must have",
    ),
    setting(
        "LIKENESS_JWT_AUDIENCE",
        Some("likeness"),
        "The aud that tokens must have",
    ),
    setting(
        "LIKENESS_JWT_LEEWAY_SECONDS",
        Some("5"),
        "How far clocks may differ, 0 to 30",
    ),
    setting(
        "LIKENESS_JWT_MAX_LIFETIME_SECONDS",
        Some("86400"),
        "Tokens that last longer are refused",
    ),
    setting(
        "LIKENESS_JWT_TYP",
        None,
        "The typ that tokens must have, such as at+jwt [default: a usual one]",
    ),
    setting(
        "LIKENESS_JWT_ONE_TIME_SCOPES",
        None,
        "Scopes whose tokens are good for one request each and need a jti",
    ),
    setting(
        "LIKENESS_MAX_IMAGE_BYTES",
        Some("10485760"),
        "Largest encoded picture",
    ),
    setting(
        "LIKENESS_MAX_IMAGE_PIXELS",
        Some("50000000"),
        "Largest picture, from its header",
    ),
    setting(
        "LIKENESS_MAX_IMPORT_BYTES",
        Some("4294967296"),
        "Largest bulk import, as it is sent and unpacked",
    ),
    setting(
        "LIKENESS_WORKERS",
        Some("0"),
        "Inference threads; 0 takes one a core",
    ),
    setting(
        "LIKENESS_DEVICE",
        Some("cpu"),
        "What models run on: cpu, or cuda where the runtime library has it",
    ),
    setting(
        "LIKENESS_RUNTIME_LIBRARY",
        None,
        "Another ONNX Runtime, 1.24 or newer [default: the shipped one]",
    ),
    setting(
        "LIKENESS_DETECTOR",
        Some("fr_detect"),
        "What finds faces: the shipped one, or one of your own, by name",
    ),
    setting(
        "LIKENESS_EMBEDDER",
        Some("sface"),
        "fused, fr_feature: those of before; or one of your own, by name",
    ),
    setting(
        "LIKENESS_READ_MRZ",
        Some("yes"),
        "no: machine-readable zones are not read",
    ),
    setting(
        "LIKENESS_READERS",
        Some("0"),
        "Threads that read them; 0 takes as many as LIKENESS_WORKERS",
    ),
    setting(
        "LIKENESS_QUEUE_CAPACITY",
        Some("64"),
        "Requests that may wait for a thread before new ones get a 503",
    ),
    setting(
        "LIKENESS_REQUEST_DEADLINE_SECONDS",
        Some("30"),
        "How long a request may take once its body is there",
    ),
    setting(
        "LIKENESS_BODY_TIMEOUT_SECONDS",
        Some("30"),
        "How long a request's body may take to arrive",
    ),
    setting(
        "LIKENESS_SHUTDOWN_GRACE_SECONDS",
        Some("30"),
        "How long requests may go on after the signal to stop",
    ),
    setting(
        "LIKENESS_IDEMPOTENCY_HOURS",
        Some("24"),
        "How long an Idempotency-Key and its answer are kept, 1 to 720",
    ),
    setting(
        "LIKENESS_APPROVE_FMR",
        Some("1e-4"),
        "Two different people are approved at most this often",
    ),
    setting(
        "LIKENESS_REVIEW_FMR",
        Some("1e-3"),
        "Two different people reach a review at most this often",
    ),
    setting(
        "LIKENESS_SEARCH_EXACT_FACES",
        Some("10000"),
        "Lists of more faces are searched through codes in memory",
    ),
    setting(
        "LIKENESS_SEARCH_CANDIDATES",
        Some("100"),
        "Faces that the codes pick for exact comparison, of a million",
    ),
    setting(
        "LIKENESS_SEARCH_MEMORY_BYTES",
        Some("1073741824"),
        "Most memory for codes, 104 bytes a face",
    ),
    setting(
        "LIKENESS_SEARCH_SELF_TEST_SECONDS",
        Some("10"),
        "Time between two searches that test recall; 0 for never",
    ),
    setting(
        "LIKENESS_SEARCH_RECALL_FLOOR",
        Some("0.999"),
        "Measured recall below it makes readiness degraded",
    ),
    setting(
        "LIKENESS_LIVENESS_THRESHOLD",
        Some("0.5"),
        "Liveness scores below it are not taken for a live face",
    ),
    setting(
        "LIKENESS_RETENTION_DAYS",
        Some("0"),
        "Days that verifications and finished jobs are kept; 0 until deleted",
    ),
    setting(
        "LIKENESS_REQUIRE_CONSENT",
        Some("no"),
        "yes: verifications and enrolments have to name a consent",
    ),
    setting(
        "LIKENESS_TOKEN",
        None,
        "Token that `likeness import` shows [default: one of its own]",
    ),
    setting(
        "LIKENESS_LOG",
        Some("info,ort=warn"),
        "Which log lines, such as info,likeness=debug",
    ),
    setting(
        "LIKENESS_LOG_FORMAT",
        Some("text"),
        "text or json, on standard error",
    ),
    setting(
        "LIKENESS_OTLP_ENDPOINT",
        None,
        "OpenTelemetry collector that gets traces, http://HOST:4318 [default: none]",
    ),
    setting(
        "LIKENESS_TRACE_RATIO",
        Some("1"),
        "Share of requests that are traced where callers do not say, 0 to 1",
    ),
];

/// The settings as a text for `--help`.
#[must_use]
pub fn help() -> String {
    let mut text = String::from("Settings, from the environment or a TOML file:\n");
    let width = SETTINGS
        .iter()
        .map(|setting| setting.name.len())
        .max()
        .unwrap_or(0);
    for Setting {
        name,
        default,
        meaning,
    } in SETTINGS
    {
        let default = default
            .map(|default| format!(" [default: {default}]"))
            .unwrap_or_default();
        text += &format!("  {name:width$}  {meaning}{default}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_each_is_in_the_help() {
        let names: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), SETTINGS.len());
        let help = help();
        assert!(
            names
                .iter()
                .all(|name| help.contains(&format!("  {name} ")))
        );
        assert!(help.lines().all(|line| line.len() <= 120), "{help}");
    }
}
