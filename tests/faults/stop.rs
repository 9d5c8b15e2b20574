//! The signal to stop, under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::backend::slow_person;
use crate::client::{Client, Outcome};
use crate::process::Place;

const CALLERS: u64 = 12;
/// How long a picture is looked at: with a few workers, all callers but those few wait far longer than [`SURELY_ARRIVED`].
const LOOKING_MS: u64 = 200;
/// A request that was sent so long before the signal has arrived, whatever the machine is busy with.
const SURELY_ARRIVED: Duration = Duration::from_millis(100);

/// One request: when it was sent, when its answer was there, and what it was.
type Sent = (Instant, Instant, Outcome);

/// Sends one request after the other, each on the connection of the one before while there is one.
async fn call(client: Client, list: String, number: u64, stop: Arc<AtomicBool>) -> Vec<Sent> {
    let mut sent = Vec::new();
    for turn in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let picture = slow_person((number << 32) + turn, LOOKING_MS);
        let begun = Instant::now();
        let key = format!("{number}-{turn}");
        let answer = client.enrol(&list, &key, picture).await;
        let over = matches!(answer, Outcome::NotSent);
        sent.push((begun, Instant::now(), answer));
        if over {
            break;
        }
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signal_to_stop_fails_no_request_in_flight() {
    let place = Place::new();
    let service = place.serve();
    let client = place.client();
    let list = client.watchlist("door").await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let (client, list, stop) = (client.another(), list.clone(), Arc::clone(&stop));
        callers.spawn(call(client, list, number, stop));
    }
    // A connection that nobody uses must not be waited for.
    let idle = client.another();
    idle.get("/v1/watchlists").await.done();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let signalled = Instant::now();
    let (status, took) = service.stop().await;
    stop.store(true, Ordering::Relaxed);
    let sent: Vec<Sent> = callers.join_all().await.into_iter().flatten().collect();
    let in_flight: Vec<_> = sent
        .iter()
        .filter(|(begun, ended, _)| *begun + SURELY_ARRIVED < signalled && *ended > signalled)
        .collect();
    let later = sent.iter().filter(|(begun, _, _)| *begun > signalled);
    let (served, refused): (Vec<_>, Vec<_>) = later.partition(|(_, _, answer)| answer.is_done());
    eprintln!(
        "{} requests in flight at the signal; of those sent later {} were answered and {} refused; ended after {took:?}",
        in_flight.len(),
        served.len(),
        refused.len()
    );
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert!(in_flight.len() >= CALLERS as usize / 2, "there was load");
    for (_, _, answer) in in_flight {
        assert!(answer.is_done(), "{answer:?}");
    }
    for (_, _, answer) in sent.iter().filter(|(_, ended, _)| *ended < signalled) {
        assert!(answer.is_done(), "{answer:?}");
    }
}
