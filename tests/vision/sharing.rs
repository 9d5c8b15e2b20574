//! Large weights are in memory once, however many sessions there are.

use std::process::Command;

use likeness::allocator::{give_back, keep_little};
use likeness::domain::embedder::Embedder;
use likeness::vision::Graphs;

use crate::{face, fixture, models, template};

/// MiB that two more sessions of all the networks may take. The matrix that they share has 24.5.
const MOST_MIB: u64 = 2 * 40;

/// The test below, which has to be alone in its process.
const MEASURED: &str = "sharing::measured_by_the_test_beside_it";

#[test]
fn two_more_sessions_have_the_large_weights_of_the_first() {
    let measured = Command::new(std::env::current_exe().unwrap())
        .args([MEASURED, "--exact", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    assert!(measured.status.success(), "{measured:?}");
}

#[test]
#[ignore = "what it measures is the whole process's: the test beside it starts it in one of its own"]
fn measured_by_the_test_beside_it() {
    keep_little();
    let load = || models::load_embedder(Graphs::Rewritten, Embedder::Sface);
    let mut first = load();
    let expected = face(&mut first, &fixture("obama.jpg"));
    give_back();
    let before = resident_mib();
    let mut others = [load(), load()];
    give_back();
    let more = resident_mib().saturating_sub(before);
    assert!(more <= MOST_MIB, "two more take {more} MiB");
    // The weights stay with the last session that has them.
    drop(first);
    for other in &mut others {
        let found = face(other, &fixture("obama.jpg"));
        assert_eq!(template(&found).values(), template(&expected).values());
    }
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kib: u64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib / 1024
}
