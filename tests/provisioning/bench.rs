//! `likeness bench search` as a whole, on galleries so small that it takes seconds.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use likeness::config::Config;
use serde_json::Value;

const SIZE: f64 = 300.0;
/// More than a server takes to go on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

/// Figures of one state of the gallery, each within what such a small one can have.
fn check(measured: &Value) {
    let figure = |pointer: &str| {
        let figure = measured.pointer(pointer).and_then(Value::as_f64);
        figure.unwrap_or_else(|| panic!("{pointer} in {measured}"))
    };
    for (pointer, expected) in [
        ("/searched/recall_at_rank_1", 1.0),
        ("/searched/agreement_with_exact", 1.0),
        ("/searched/probes", 20.0),
        ("/searched/exact_probes", 20.0),
    ] {
        assert_eq!(figure(pointer), expected, "{pointer}");
    }
    let percentiles = ["p50", "p95", "p99"].map(|p| figure(&format!("/searched/latency/{p}_ms")));
    assert!(
        percentiles.is_sorted() && percentiles[0] > 0.0,
        "{percentiles:?}"
    );
    for (pointer, range) in [
        ("/searched/per_second_1_client", 1.0..10_000.0),
        ("/searched/per_second_8_clients", 1.0..10_000.0),
        ("/first_answer_seconds", 0.0001..60.0),
        ("/take_in_seconds", 0.000_001..60.0),
        ("/code_bytes_per_face", 96.0..107.0),
        ("/disk_mb", SIZE / 1e3..20.0),
    ] {
        assert!(
            range.contains(&figure(pointer)),
            "{pointer}: {}",
            figure(pointer)
        );
    }
}

#[test]
fn a_measurement_of_searches_measures_all_again_after_churn_and_leaves_nothing_behind() {
    super::postgres::provisioned();
    let (home, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // As the ordinary one: the server does not run as root, and removes its folder by itself.
    fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let json = home.path().join("figures.json");
    let output = Command::new(env!("CARGO_BIN_EXE_likeness"))
        .args([
            "bench",
            "search",
            "--size",
            "300",
            "--probes",
            "20",
            "--exact-probes",
            "20",
        ])
        .args(["--churn", "0.5", "--json"])
        .arg(&json)
        .env("LIKENESS_HOME", home.path())
        .env("LIKENESS_ASSETS", Config::from_env().unwrap().assets)
        .env("LIKENESS_SEARCH_EXACT_FACES", "100")
        .env("TMPDIR", temporary.path())
        .env_remove("DATABASE_URL")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");

    let figures: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    let gallery = &figures["galleries"][0];
    assert_eq!(
        (gallery["size"].as_f64(), &gallery["method"]),
        (Some(SIZE), &"coarse_rerank".into())
    );
    let churned = &gallery["after_churn"];
    check(gallery);
    check(churned);
    assert!(gallery["load_seconds"].as_f64().unwrap() > 0.0);
    for neighbour in ["neighbour_before_p95_ms", "neighbour_after_p95_ms"] {
        assert!(gallery[neighbour].as_f64().unwrap() > 0.0, "{neighbour}");
    }
    let figure = |state: &Value, name: &str| state[name].as_f64().unwrap();
    assert!(
        figure(churned, "disk_mb") > figure(gallery, "disk_mb"),
        "{figures}"
    );
    for measured_again in ["first_answer_seconds", "take_in_seconds"] {
        assert_ne!(churned[measured_again], gallery[measured_again]);
    }

    // The table says of each state what was measured of it.
    let table = String::from_utf8(output.stdout).unwrap();
    for (state, line) in [(gallery, "coarse_rerank"), (churned, "after churn")] {
        let line = table
            .lines()
            .find(|text| text.contains(line))
            .expect(&table);
        for column in ["take_in_seconds", "first_answer_seconds"] {
            let column = format!("  {:.2}", figure(state, column));
            assert!(line.contains(&column), "{column} in {line}");
        }
    }

    assert_eq!(names(home.path()), ["figures.json"]);
    let deadline = Instant::now() + PATIENCE;
    while !names(temporary.path()).is_empty() {
        let left = names(temporary.path());
        assert!(Instant::now() < deadline, "left behind: {left:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
