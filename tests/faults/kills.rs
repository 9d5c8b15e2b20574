//! Processes are killed under load: the service, its database, one of the database's processes, and all of them.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::load::Load;
use crate::process::{Place, Service, is_long, setting};

const CLIENTS: u64 = 8;
/// More than anything takes on a busy machine; what is really measured is printed.
const PATIENCE: Duration = Duration::from_secs(90);
/// Answers have to come again so soon after the database takes connections, or the service has started. Held to in the
/// long form, which has a machine of its own.
const RECOVERY: Duration = Duration::from_secs(5);

/// What is killed, in turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Service,
    Postmaster,
    Backend,
    Everything,
}

/// How often, and under how much load.
struct Plan {
    acknowledged: u64,
    of_service: u64,
    of_postgres: u64,
}

impl Plan {
    fn from_environment() -> Self {
        Self {
            acknowledged: setting("FAULTS_ACKNOWLEDGED", 150, 10_000),
            of_service: setting("FAULTS_SERVICE_KILLS", 2, 50),
            of_postgres: setting("FAULTS_POSTGRES_KILLS", 2, 25),
        }
    }

    /// The kills, well mixed.
    fn victims(&self) -> Vec<Victim> {
        let mut victims = Vec::new();
        for turn in 0..self.of_service.max(self.of_postgres) {
            if turn < self.of_postgres {
                victims.push(if turn % 2 == 0 {
                    Victim::Postmaster
                } else {
                    Victim::Backend
                });
            }
            if turn < self.of_service {
                victims.push(if turn % 4 == 3 {
                    Victim::Everything
                } else {
                    Victim::Service
                });
            }
        }
        victims
    }
}

/// Acknowledgements after which service counts as back: some of the first come from processes that are about to end.
const BACK: u64 = 2 * CLIENTS;

/// The time until requests are answered again: since the service has started, since the database is back, or since one
/// of its processes was killed.
async fn strike(victim: Victim, place: &Place, service: &mut Service, load: &Load) -> Duration {
    match victim {
        Victim::Postmaster => {
            let killed = place.postmaster().unwrap();
            place.kill_postmaster();
            place.database_is_back(killed).await;
        }
        Victim::Backend => assert!(place.kill_backend(), "a connection is open under load"),
        Victim::Service | Victim::Everything => {
            if victim == Victim::Everything {
                place.kill_postmaster();
            }
            service.kill();
            *service = place.serve();
        }
    }
    load.progress(BACK, PATIENCE).await
}

fn at_most(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    let most = times.last().copied().unwrap_or_default();
    format!("{middle:.2?} in the middle, {most:.2?} at most")
}

/// The audit log has an event for each effect, and none for anything else.
async fn assert_audited(client: &Client, lists: &[String], acknowledged: u64) {
    let enrolled = client.events("subject.enrolled").await;
    let deleted = client.events("subject.deleted").await;
    for events in [&enrolled, &deleted] {
        let people: BTreeSet<_> = events
            .iter()
            .map(|event| event["resource_id"].as_str())
            .collect();
        assert_eq!(people.len(), events.len(), "an effect is told once");
    }
    let mut present = 0;
    for list in lists {
        present += client.subjects(list).await.len();
    }
    assert_eq!(enrolled.len() - deleted.len(), present);
    assert!(enrolled.len() as u64 >= acknowledged);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_every_kill() {
    let plan = Plan::from_environment();
    let victims = plan.victims();
    let place = Place::new();
    let mut service = place.serve();
    let client = place.client();
    let mut lists = Vec::new();
    for name in ["one", "two", "three", "four"] {
        lists.push(client.watchlist(name).await);
    }
    let begun = Instant::now();
    let load = Load::start(&client, &lists, CLIENTS);
    let quota = plan.acknowledged / (victims.len() as u64 + 1) + 1;
    let (mut of_service, mut of_postgres) = (Vec::new(), Vec::new());
    for victim in victims {
        load.progress(quota, PATIENCE).await;
        let recovered = strike(victim, &place, &mut service, &load).await;
        match victim {
            Victim::Service | Victim::Everything => of_service.push(recovered),
            Victim::Postmaster | Victim::Backend => of_postgres.push(recovered),
        }
    }
    let missing = plan.acknowledged.saturating_sub(load.acknowledged());
    load.progress(missing.max(quota), PATIENCE.max(begun.elapsed()))
        .await;
    let verdict = load.stop().await.check(&client, &lists).await;
    eprintln!("{verdict}");
    eprintln!(
        "{} kills of the service, answers {} after its start; {} of the database, answers {} after it is back",
        of_service.len(),
        at_most(&of_service),
        of_postgres.len(),
        at_most(&of_postgres)
    );
    let slowest = of_service.iter().chain(&of_postgres).max().unwrap();
    let bound = if is_long() { RECOVERY } else { PATIENCE };
    assert!(*slowest <= bound, "{slowest:?}");
    verdict.assert_clean();
    assert!(verdict.acknowledged >= plan.acknowledged);
    assert_audited(&client, &lists, verdict.acknowledged).await;
    let (status, took) = service.stop().await;
    assert!(status.success(), "{status} after {took:?}");
    let mut verify = Command::new(env!("CARGO_BIN_EXE_likeness"));
    place.settle(&mut verify);
    let verified = verify.args(["audit", "verify"]).output().unwrap();
    eprintln!("{}", String::from_utf8_lossy(&verified.stdout).trim());
    assert!(verified.status.success(), "{verified:?}");
}
