//! Many bombs at once beside ordinary traffic.

use futures_util::future::join_all;
use reqwest::StatusCode;

use crate::cases;
use crate::machine::{
    WORKERS, alone, detect, peak_mib, photograph, real_app, reset_peak, resident_mib, similarity,
};

/// What one worker may need for the largest picture that is taken, and the allocator's share.
const MIB_A_WORKER: u64 = 450;
const BOMBS: usize = 64;
/// How many of them are as heavy as the limits allow.
const HEAVY: usize = 8;

#[tokio::test]
async fn sixty_four_bombs_at_once_do_not_stop_good_traffic() {
    let _alone = alone().await;
    let bombs = cases::bombs();
    let (source, target) = (
        cases::jpeg(&photograph("obama.jpg", 240)),
        cases::jpeg(&photograph("obama2.jpg", 240)),
    );
    let app = real_app().await;
    let expected = similarity(&app, source.clone(), target.clone()).await;
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
    let before = resident_mib();
    reset_peak();
    let thrown = thrown.iter().map(|case| detect(&app, case.bytes.clone()));
    let good = (0..16).map(|_| similarity(&app, source.clone(), target.clone()));
    let (answers, scores) = tokio::join!(join_all(thrown), join_all(good));
    assert_eq!(scores, [expected; 16]);
    for answer in &answers {
        let status = answer.status;
        assert!(
            status == StatusCode::OK || status.is_client_error(),
            "{status}: {}",
            answer.body
        );
    }
    let peak = peak_mib();
    eprintln!("{BOMBS} bombs at once: resident {before} MiB before, {peak} MiB at most");
    let bound = before + WORKERS as u64 * MIB_A_WORKER;
    assert!(peak < bound, "{peak} MiB, {before} before");
}
