//! Five times as many requests as can be answered, sent at a fixed rate whatever becomes of those before.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::backend::{person, slow_person};
use crate::client::{Client, Outcome};
use crate::inside::Inside;
use crate::process::setting;
use crate::support;

/// What looking at one picture takes; there are two workers.
const LOOKING_MS: u64 = 40;
const TIMES: f64 = 5.0;

/// Answers by kind, and how long refusals took.
#[derive(Default)]
struct Tally {
    done: usize,
    wrong: Vec<Outcome>,
    refusals: Vec<Duration>,
}

impl Tally {
    fn add(&mut self, answer: Outcome, took: Duration) {
        match answer {
            Outcome::Done(_) => self.done += 1,
            // What is shed is a 503 that names a time to try again, and nothing else.
            Outcome::Refused(503) => self.refusals.push(took),
            other @ (Outcome::Refused(_)
            | Outcome::NotSent
            | Outcome::Broken
            | Outcome::Wrong(_)) => {
                self.wrong.push(other);
            }
        }
    }
}

/// As many as are answered when some callers send one after the other.
async fn capacity(client: &Client, list: &str, time: Duration) -> f64 {
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for number in 0..6 {
        let (client, list) = (client.another(), list.to_owned());
        callers.spawn(async move {
            let mut done = 0;
            while begun.elapsed() < time {
                client
                    .search(&list, slow_person(number, LOOKING_MS))
                    .await
                    .done();
                done += 1;
            }
            done
        });
    }
    let done: u32 = callers.join_all().await.into_iter().sum();
    f64::from(done) / begun.elapsed().as_secs_f64()
}

async fn flood(client: &Client, list: &str, rate: f64, time: Duration) -> Tally {
    let begun = tokio::time::Instant::now();
    let mut sent = JoinSet::new();
    for number in 0..(rate * time.as_secs_f64()) as u32 {
        sleep_until(begun + Duration::from_secs_f64(f64::from(number) / rate)).await;
        let (client, list) = (client.clone(), list.to_owned());
        sent.spawn(async move {
            let asked = Instant::now();
            let answer = client.search(&list, slow_person(1, LOOKING_MS)).await;
            (answer, asked.elapsed())
        });
    }
    let mut tally = Tally::default();
    for (answer, took) in sent.join_all().await {
        tally.add(answer, took);
    }
    tally
}

#[tokio::test(flavor = "multi_thread")]
async fn five_times_the_capacity_keeps_goodput_and_sheds_the_rest() {
    let database = support::database().await;
    let service = Inside::start(&database).await;
    let client = &service.client;
    let list = client.watchlist("door").await;
    client.enrol(&list, "somebody", person(1)).await.done();
    let seconds = Duration::from_secs(setting("FAULTS_OVERLOAD_SECONDS", 4, 30));
    let capacity = capacity(client, &list, seconds).await;
    let begun = Instant::now();
    let mut tally = flood(client, &list, TIMES * capacity, seconds).await;
    let goodput = tally.done as f64 / begun.elapsed().as_secs_f64();
    tally.refusals.sort();
    let p99 = tally.refusals.get(tally.refusals.len() * 99 / 100);
    eprintln!(
        "capacity {capacity:.0}/s; at five times that {goodput:.0}/s answered ({:.0} %), {} shed with 503 and a time, p99 of these {p99:.1?}",
        100.0 * goodput / capacity,
        tally.refusals.len()
    );
    assert!(tally.wrong.is_empty(), "{:?}", &tally.wrong[..1]);
    assert!(!tally.refusals.is_empty());
    assert!(goodput >= 0.8 * capacity, "{goodput} of {capacity}");
}
