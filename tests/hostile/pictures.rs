//! The corpus, one picture after the other: each gets its answer, and the service is as good as before.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};

use crate::app::{Answer, App};
use crate::cases::{self, Case, Expected};
use crate::machine::{
    alone, detect, fixture, is_strict, p99, peak_mib, photograph, real_app, reset_peak,
    resident_mib, similarity,
};

/// What no case may take. A build without optimisation on a busy machine needs seconds; a hang needs for ever.
const MOST_TIME: Duration = Duration::from_secs(60);
/// Beyond what was resident before the corpus: one picture of the most pixels in work, and what it came in.
const MOST_MIB: u64 = 500;
/// The same on a quiet machine with an optimised build: for all but one of a hundred, and for a single case.
const STRICT_P99: Duration = Duration::from_secs(2);
const STRICT_MIB: u64 = 300;

/// A request that is known to be good, and the score that it must keep.
struct Known {
    source: Vec<u8>,
    target: Vec<u8>,
    score: f64,
}

impl Known {
    async fn new(app: &App) -> Self {
        let source = cases::jpeg(&photograph("obama.jpg", 240));
        let target = cases::jpeg(&photograph("obama2.jpg", 240));
        let score = similarity(app, source.clone(), target.clone()).await;
        assert!(score > 0.4, "{score}");
        Self {
            source,
            target,
            score,
        }
    }

    async fn check(&self, app: &App, after: &str) {
        let score = similarity(app, self.source.clone(), self.target.clone()).await;
        assert_eq!(score, self.score, "after {after}");
    }
}

/// What an answer was, or what was wrong with it.
fn judge(case: &Case, answer: &Answer) -> Result<String, String> {
    let status = answer.status.as_u16();
    let code = answer.body["code"].as_str().unwrap_or_default();
    let faces = answer.body["faces"].as_array().map(Vec::len);
    let fits = match case.expected {
        Expected::Read => status == 200,
        Expected::Faces(count) => status == 200 && faces == Some(count),
        Expected::Corrupt => (status, code) == (422, "corrupt_image"),
        Expected::Unsupported => (status, code) == (415, "unsupported_image"),
        Expected::TooLarge => (status, code) == (413, "image_too_large"),
        Expected::ReadOrRefused => {
            status == 200
                || matches!(
                    (status, code),
                    (422, "corrupt_image") | (415, "unsupported_image") | (413, "image_too_large")
                )
        }
    };
    if status != 200 {
        answer.expect_problem(status, code);
        assert_eq!(answer.faults(), [format!("image:{code}")], "{}", case.name);
    }
    if fits {
        Ok(format!("{status} {code}"))
    } else {
        Err(format!(
            "{}: expected {:?}, got {status} {code} with {faces:?} faces",
            case.name, case.expected
        ))
    }
}

#[tokio::test]
async fn every_hostile_picture_gets_its_answer_and_harms_nobody() {
    let _alone = alone().await;
    // Before anything is sent: a connection that is idle meanwhile would be closed.
    let cases = cases::all();
    let app = real_app().await;
    let known = Known::new(&app).await;
    detect(&app, fixture("obama.jpg"))
        .await
        .expect(StatusCode::OK);
    let before = resident_mib();
    let (mut outcomes, mut wrong) = (BTreeMap::<String, usize>::new(), Vec::new());
    let (mut times, mut slowest) = (Vec::new(), (Duration::ZERO, ""));
    let (mut largest, mut growth) = ((0, ""), (0, ""));
    for (number, case) in cases.iter().enumerate() {
        let name = case.name.as_str();
        let resident = resident_mib();
        reset_peak();
        let started = Instant::now();
        let answer = detect(&app, case.bytes.clone()).await;
        let (took, peak) = (started.elapsed(), peak_mib());
        times.push(took);
        slowest = slowest.max((took, name));
        largest = largest.max((peak, name));
        growth = growth.max((peak.saturating_sub(resident), name));
        match judge(case, &answer) {
            Ok(outcome) => *outcomes.entry(outcome).or_default() += 1,
            Err(fault) => wrong.push(fault),
        }
        let health = Answer::of(app.bare(Method::GET, "/healthz")).await;
        health.expect(StatusCode::OK);
        // A comparison costs more than most cases, so it follows every bomb and each twentieth of the others.
        if case.name.starts_with("bomb") || number % 20 == 0 {
            known.check(&app, name).await;
        }
    }
    known.check(&app, "the whole corpus").await;
    let ready = Answer::of(app.bare(Method::GET, "/readyz")).await;
    assert_eq!(ready.expect(StatusCode::OK)["status"], "ok");
    eprintln!("{} hostile pictures: {outcomes:?}", cases.len());
    let p99 = p99(&times);
    eprintln!("p99 of times {p99:.1?}, slowest {slowest:.1?}");
    eprintln!(
        "resident {before} MiB before, {largest:?} MiB at most, grown by {growth:?} MiB at most"
    );
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
    assert!(cases.len() >= 2_000, "{}", cases.len());
    assert!(slowest.0 < MOST_TIME, "{slowest:?}");
    assert!(
        !is_strict() || (p99 < STRICT_P99 && growth.0 < STRICT_MIB),
        "{p99:?}, {growth:?} MiB"
    );
    assert!(
        largest.0 < before + MOST_MIB,
        "{largest:?} MiB, {before} before"
    );
}

#[tokio::test]
async fn the_corpus_is_the_same_every_time() {
    let (first, second) = (cases::all(), cases::all());
    assert_eq!(first.len(), second.len());
    for (a, b) in first.iter().zip(&second) {
        assert!(a.name == b.name && a.bytes == b.bytes, "{}", a.name);
    }
    let mut names: Vec<_> = first.iter().map(|case| &case.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), first.len(), "each case has a name of its own");
}
