//! Many bombs at once beside ordinary traffic.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::StatusCode;

use crate::app::App;
use crate::cases;
use crate::machine::{
    WORKERS, alone, detect, is_strict, p99, peak_mib, photograph, real_app, reset_peak,
    resident_mib, similarity,
};

/// What one worker may need for the largest picture that is taken, and the allocator's share.
const MIB_A_WORKER: u64 = 450;
const BOMBS: usize = 64;
/// How many of them are as heavy as the limits allow.
const HEAVY: usize = 8;
/// Callers in good faith, and what each asks for, one request after the other.
const CALLERS: usize = 4;
const REQUESTS: usize = 25;
/// How much longer these may wait while there are bombs.
const MOST_SLOWDOWN: f64 = 3.0;

/// A pair of pictures, and how alike they are.
struct Pair {
    source: Vec<u8>,
    target: Vec<u8>,
    score: f64,
}

impl Pair {
    /// What ordinary traffic waits for, each answer as it should be.
    async fn traffic(&self, app: &App) -> Vec<Duration> {
        let callers = (0..CALLERS).map(|_| async {
            let mut times = Vec::new();
            for _ in 0..REQUESTS {
                let asked = Instant::now();
                let score = similarity(app, self.source.clone(), self.target.clone()).await;
                assert_eq!(score, self.score);
                times.push(asked.elapsed());
            }
            times
        });
        join_all(callers).await.concat()
    }
}

#[tokio::test]
async fn sixty_four_bombs_at_once_do_not_stop_good_traffic() {
    let _alone = alone().await;
    let bombs = cases::bombs();
    let (source, target) = (
        cases::jpeg(&photograph("obama.jpg", 240)),
        cases::jpeg(&photograph("obama2.jpg", 240)),
    );
    let app = real_app().await;
    let score = similarity(&app, source.clone(), target.clone()).await;
    let pair = Pair {
        source,
        target,
        score,
    };
    // Those that really are decoded, up to the limits, weigh most, and take their time in a build for tests.
    let is_heavy = |name: &str| {
        ["zeros", "in RGBA", "64 empty scans"]
            .iter()
            .any(|part| name.ends_with(part))
    };
    let (heavy, light): (Vec<_>, Vec<_>) = bombs.iter().partition(|case| is_heavy(&case.name));
    let thrown: Vec<_> = heavy
        .iter()
        .cycle()
        .take(HEAVY)
        .chain(light.iter().cycle())
        .take(BOMBS)
        .collect();
    let alone = p99(&pair.traffic(&app).await);
    let before = resident_mib();
    reset_peak();
    let thrown = thrown.iter().map(|case| detect(&app, case.bytes.clone()));
    let (answers, beside) = tokio::join!(join_all(thrown), pair.traffic(&app));
    let beside = p99(&beside);
    for answer in &answers {
        let status = answer.status;
        assert!(
            status == StatusCode::OK || status.is_client_error(),
            "{status}: {}",
            answer.body
        );
    }
    let peak = peak_mib();
    let slowdown = beside.as_secs_f64() / alone.as_secs_f64();
    eprintln!("{BOMBS} bombs at once: resident {before} MiB before, {peak} MiB at most");
    eprintln!(
        "p99 of {} good requests: {alone:.0?} alone, {beside:.0?} beside the bombs, {slowdown:.1} times",
        CALLERS * REQUESTS
    );
    assert!(!is_strict() || slowdown <= MOST_SLOWDOWN, "{slowdown}");
    let bound = before + WORKERS as u64 * MIB_A_WORKER;
    assert!(peak < bound, "{peak} MiB, {before} before");
}
