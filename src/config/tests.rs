use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::Path;

use secrecy::ExposeSecret as _;

use super::*;
use crate::startup::search_settings;
use crate::store::SearchSettings;

fn values<const N: usize>(values: [(&str, &str); N]) -> BTreeMap<String, String> {
    values
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn config<const N: usize>(environment: [(&str, &str); N]) -> Result<Config, ConfigErrors> {
    Config::from_values(&values(environment), &BTreeMap::new(), Vec::new())
}

fn faults<const N: usize>(environment: [(&str, &str); N]) -> Vec<String> {
    config(environment).unwrap_err().0
}

#[test]
fn without_settings_every_default_holds() {
    let config = config([("HOME", "/home/ada")]).unwrap();
    if cfg!(target_os = "linux") {
        assert_eq!(config.home, Path::new("/home/ada/.local/share/likeness"));
    }
    assert_eq!(config.assets, config.home);
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert!(config.database.url.is_none() && config.jwt.key.is_none());
    assert_eq!(config.policy, Policy::default());
    assert_eq!(config.images.max_bytes, 10 * 1024 * 1024);
    assert_eq!(config.idempotency_lifetime, Duration::from_secs(86_400));
    assert_eq!(config.jwt.leeway, Duration::from_secs(5));
    assert_eq!(config.jwt.max_lifetime, Duration::from_secs(86_400));
    assert!(!config.jwt.jwks.private_network && config.jwt.one_time_scopes.is_empty());
    assert_eq!(config.lifecycle.retention_days, None);
    assert_eq!(config.lifecycle.consent, ConsentRule::Optional);
    assert_eq!(search_settings(&config), SearchSettings::default());
}

#[test]
fn the_environment_wins_over_the_file_and_an_empty_variable_is_not_set() {
    let environment = values([
        ("HOME", "/h"),
        ("LIKENESS_WORKERS", "2"),
        ("LIKENESS_LISTEN", ""),
    ]);
    let file = values([("LIKENESS_WORKERS", "7"), ("LIKENESS_LISTEN", "[::1]:99")]);
    let config = Config::from_values(&environment, &file, Vec::new()).unwrap();
    assert_eq!(config.load.workers, 2);
    assert_eq!(config.listen.to_string(), "[::1]:99");
}

#[test]
fn every_fault_is_listed_at_once() {
    let faults = faults([
        ("LIKENESS_LISTEN", "localhost"),
        ("LIKENESS_JWT_LEEWAY_SECONDS", "31"),
        ("LIKENESS_APPROVE_FMR", "NaN"),
        ("LIKENESS_LOG_FORMAT", "xml"),
        ("LIKENESS_LSITEN", "127.0.0.1:80"),
        ("LIKENESS_JWKS", "http://issuer.example/keys"),
    ]);
    let about = |name: &str| {
        faults
            .iter()
            .filter(|fault| fault.starts_with(name))
            .count()
    };
    for name in [
        "LIKENESS_HOME ",
        "LIKENESS_LISTEN ",
        "LIKENESS_JWT_LEEWAY_SECONDS ",
        "LIKENESS_APPROVE_FMR ",
        "LIKENESS_LOG_FORMAT ",
        "LIKENESS_LSITEN ",
        "LIKENESS_JWKS ",
    ] {
        assert_eq!(about(name), 1, "{name} in {faults:#?}");
    }
    assert_eq!(faults.len(), 7);
}

#[test]
fn a_fault_of_a_secret_does_not_show_it() {
    let faults = faults([
        ("HOME", "/h"),
        ("LIKENESS_JWT_SECRET", "hunter2"),
        ("LIKENESS_TEMPLATE_KEY", "hunter2"),
        ("LIKENESS_TEMPLATE_KEY_BEFORE", "hunter2"),
        ("LIKENESS_IMAGE_KEY", "hunter2"),
        ("LIKENESS_IMAGE_KEY_BEFORE", "hunter2"),
        ("DATABASE_URL", "mysql://root:hunter2@db"),
    ]);
    assert_eq!(faults.len(), 6);
    assert!(!faults.concat().contains("hunter2"));
}

#[test]
fn a_configuration_that_is_printed_shows_no_secret() {
    let secret = "hunter2-hunter2-hunter2-hunter2-hunter2";
    let config = config([
        ("HOME", "/h"),
        ("LIKENESS_JWT_SECRET", secret),
        ("LIKENESS_TEMPLATE_KEY", secret),
        ("LIKENESS_IMAGE_KEY", secret),
    ])
    .unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    let Some(JwtKey::Secret(kept)) = config.jwt.key else {
        panic!("a secret");
    };
    assert_eq!(kept.expose_secret(), secret);
}

#[test]
fn a_secret_and_public_keys_exclude_each_other() {
    let faults = faults([
        ("HOME", "/h"),
        ("LIKENESS_JWT_SECRET", "0123456789abcdef0123456789abcdef"),
        ("LIKENESS_JWKS", "/keys.json"),
    ]);
    assert_eq!(faults.len(), 1);
    assert!(faults[0].contains("LIKENESS_JWT_SECRET"));
}

#[test]
fn a_review_stricter_than_approval_is_a_fault() {
    let faults = faults([("HOME", "/h"), ("LIKENESS_APPROVE_FMR", "1e-2")]);
    assert_eq!(
        faults,
        ["LIKENESS_REVIEW_FMR has to be at least LIKENESS_APPROVE_FMR"]
    );
}

#[test]
fn what_kubernetes_sets_for_a_service_of_our_name_is_not_ours() {
    let of_kubernetes = [
        ("HOME", "/h"),
        ("LIKENESS_SERVICE_HOST", "10.0.0.1"),
        ("LIKENESS_SERVICE_PORT_HTTP", "8080"),
        ("LIKENESS_PORT", "tcp://10.0.0.1:8080"),
        ("LIKENESS_PORT_8080_TCP_ADDR", "10.0.0.1"),
    ];
    assert!(config(of_kubernetes).is_ok());
    assert_eq!(faults([("HOME", "/h"), ("LIKENESS_PORT", "80")]).len(), 1);
}

#[test]
fn keys_come_from_a_file_or_over_https_and_over_http_only_where_that_is_allowed() {
    let key = |jwks: &str, private| {
        let key = config([
            ("HOME", "/h"),
            ("LIKENESS_JWKS", jwks),
            ("LIKENESS_JWKS_PRIVATE_NETWORK", private),
        ]);
        key.map(|config| config.jwt.key.unwrap())
    };
    let is_url = |key: Result<JwtKey, _>| matches!(key, Ok(JwtKey::KeyServer(_)));
    assert!(is_url(key("https://issuer.example/keys", "no")));
    assert!(is_url(key("http://10.0.0.1/keys", "yes")));
    assert!(matches!(key("/keys.json", "no"), Ok(JwtKey::PublicKeys(_))));
    for (jwks, private) in [
        ("http://10.0.0.1/keys", "no"),
        ("file:///keys.json", "yes"),
        ("ftp://issuer.example/keys", "yes"),
        ("https://", "no"),
        ("https://user:secret@issuer.example/keys", "no"),
        ("https://issuer.example/keys", "true"),
    ] {
        let faults = key(jwks, private).unwrap_err().to_string();
        assert!(faults.contains("has 1 fault"), "{faults}");
        assert!(!faults.contains("secret@"), "{faults}");
    }
}

#[test]
fn only_known_scopes_can_be_good_for_one_request() {
    let scopes = |list| config([("HOME", "/h"), ("LIKENESS_JWT_ONE_TIME_SCOPES", list)]);
    let known = scopes("watchlist:write verify").unwrap();
    assert_eq!(
        known.jwt.one_time_scopes,
        [Scope::WatchlistWrite, Scope::Verify]
    );
    assert_eq!(scopes("verify,watchlist:read").unwrap_err().0.len(), 1);
}

#[test]
fn budgets_are_generous_by_default_and_zero_lifts_them() {
    let config_of = |settings: &[(&str, &str)]| {
        let mut all = values([("HOME", "/h")]);
        let set = settings.iter();
        all.extend(set.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Config::from_values(&all, &BTreeMap::new(), Vec::new())
    };
    let default = config_of(&[]).unwrap();
    let allowance = default.allowance;
    assert_eq!(allowance.requests_per_minute, NonZeroU64::new(6000));
    assert_eq!(allowance.bytes_per_minute, NonZeroU64::new(2 << 30));
    assert_eq!(allowance.searches_per_minute, NonZeroU64::new(600));
    assert_eq!(allowance.concurrency, NonZeroU32::new(128));
    let attempts = default.attempts.unwrap();
    assert_eq!(
        (attempts.failures.get(), attempts.window),
        (5, Duration::from_secs(900))
    );
    let names = [
        "LIKENESS_RATE_PER_MINUTE",
        "LIKENESS_BYTES_PER_MINUTE",
        "LIKENESS_SEARCHES_PER_MINUTE",
        "LIKENESS_CONCURRENCY",
        "LIKENESS_MAX_ATTEMPTS",
    ];
    let lifted = config_of(&names.map(|name| (name, "0"))).unwrap();
    assert_eq!(lifted.allowance, Allowance::default());
    assert_eq!(lifted.attempts, None);
    let wrong = config_of(&names.map(|name| (name, "-1"))).unwrap_err();
    assert_eq!(wrong.0.len(), names.len(), "{wrong}");
}

#[test]
fn only_exact_origins_may_call_from_a_browser() {
    let origins = |list| {
        let config = config([("HOME", "/h"), ("LIKENESS_CORS_ORIGINS", list)]);
        config.map(|config| config.http.cors_origins)
    };
    assert_eq!(
        origins("https://app.example.com, http://localhost:3000").unwrap(),
        ["https://app.example.com", "http://localhost:3000"]
    );
    for bad in [
        "*",
        "null",
        "https://*.example.com",
        "https://app.example.com/",
        "https://app.example.com:443",
        "https://APP.example.com",
        "https://user@app.example.com",
        "app.example.com",
        "file:///",
        "https://app.example.com, *",
    ] {
        let faults = origins(bad).unwrap_err().0;
        assert_eq!(faults.len(), 1, "{bad}: {faults:?}");
    }
}

#[test]
fn a_certificate_and_its_key_are_set_together() {
    for name in ["LIKENESS_TLS_CERT", "LIKENESS_TLS_KEY"] {
        assert_eq!(faults([("HOME", "/h"), (name, "/x.pem")]).len(), 1);
    }
    let config = config([
        ("HOME", "/h"),
        ("LIKENESS_TLS_CERT", "/c.pem"),
        ("LIKENESS_TLS_KEY", "/k.pem"),
        ("LIKENESS_ADMIN_LISTEN", "127.0.0.1:9090"),
        ("LIKENESS_DOCS", "off"),
        ("LIKENESS_PAGES", "off"),
    ])
    .unwrap()
    .http;
    assert_eq!(config.tls.unwrap().key, Path::new("/k.pem"));
    assert_eq!(config.admin_listen.unwrap().port(), 9090);
    assert!(!config.docs && !config.pages && config.metrics);
    let wrong = faults([
        ("HOME", "/h"),
        ("LIKENESS_ADMIN_LISTEN", "9090"),
        ("LIKENESS_METRICS", "no"),
    ]);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
}

#[test]
fn records_may_end_by_themselves_and_consent_may_be_required() {
    let set = |days, consent| {
        config([
            ("HOME", "/h"),
            ("LIKENESS_RETENTION_DAYS", days),
            ("LIKENESS_REQUIRE_CONSENT", consent),
        ])
    };
    let lifecycle = set("90", "yes").unwrap().lifecycle;
    assert_eq!(lifecycle.retention_days.map(NonZeroU16::get), Some(90));
    assert_eq!(lifecycle.consent, ConsentRule::Required);
    for (days, consent) in [("-1", "no"), ("36501", "no"), ("30d", "no"), ("1", "true")] {
        assert_eq!(
            set(days, consent).unwrap_err().0.len(),
            1,
            "{days} {consent}"
        );
    }
}

#[test]
fn traces_go_to_a_collector_where_one_is_named() {
    let set = |endpoint, ratio| {
        config([
            ("HOME", "/h"),
            ("LIKENESS_OTLP_ENDPOINT", endpoint),
            ("LIKENESS_TRACE_RATIO", ratio),
        ])
    };
    assert_eq!(set("", "").unwrap().traces, None);
    let traces = set("http://10.0.0.1:4318", "0.25").unwrap().traces.unwrap();
    assert_eq!(traces.collector.as_str(), "http://10.0.0.1:4318/v1/traces");
    assert_eq!(traces.ratio, 0.25);
    for (endpoint, ratio) in [
        ("10.0.0.1:4318", "1"),
        ("https://ada:hunter2@collector.example", "1"),
        ("http://10.0.0.1:4318", "1.1"),
        ("http://10.0.0.1:4318", "NaN"),
        ("", "-0.1"),
    ] {
        let faults = set(endpoint, ratio).unwrap_err().0;
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(!faults[0].contains("hunter2"));
    }
}

#[test]
fn models_run_on_the_cpu_unless_something_else_is_asked_for() {
    let set = |device, library| {
        config([
            ("HOME", "/h"),
            ("LIKENESS_DEVICE", device),
            ("LIKENESS_RUNTIME_LIBRARY", library),
        ])
    };
    let default = set("", "").unwrap().inference;
    assert_eq!(
        (default.device, default.runtime_library),
        (Device::Cpu, None)
    );
    let cuda = set("cuda", "/opt/ort/libonnxruntime.so").unwrap().inference;
    assert_eq!(cuda.device, Device::Cuda);
    assert_eq!(
        cuda.runtime_library.as_deref(),
        Some(Path::new("/opt/ort/libonnxruntime.so"))
    );
    for device in ["gpu", "CUDA", "auto", "cuda:1"] {
        let faults = set(device, "").unwrap_err().0;
        assert_eq!(faults.len(), 1, "{faults:?}");
    }
}

#[test]
fn a_detector_that_is_not_there_is_a_fault() {
    let set = |name| config([("HOME", "/h"), ("LIKENESS_DETECTOR", name)]);
    for name in ["", "fr_detect"] {
        assert_eq!(set(name).unwrap().load.detector, Detector::Shipped);
    }
    for name in ["scrfd", "fused", ".."] {
        let faults = set(name).unwrap_err().0;
        assert_eq!(faults.len(), 1, "{faults:?}");
        let unknown = format!("there is no model {name}");
        assert!(faults[0].contains("LIKENESS_DETECTOR") && faults[0].contains(&unknown));
    }
}
