//! Clients that enrol, search and delete for as long as they are let, and note what they are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::backend::person;
use crate::client::{Client, Outcome};
use crate::history::{Effect, History, names};

/// How long a client waits after it was turned away.
const PAUSE: Duration = Duration::from_millis(50);

/// What the clients have in common.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    acknowledged: AtomicU64,
}

/// Running clients.
pub struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<History>,
}

impl Load {
    /// Starts so many clients on some lists.
    pub fn start(client: &Client, lists: &[String], clients: u64) -> Self {
        let shared = Arc::new(Shared::default());
        let mut set = JoinSet::new();
        for number in 0..clients {
            let caller = Caller {
                client: client.another(),
                list: lists[number as usize % lists.len()].clone(),
                number,
                shared: Arc::clone(&shared),
                mine: Vec::new(),
                history: History::default(),
            };
            set.spawn(caller.run());
        }
        Self {
            shared,
            clients: set,
        }
    }

    /// Enrolments that were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until so many more are acknowledged, and tells how long that took.
    #[track_caller]
    pub fn progress(&self, more: u64, patience: Duration) -> impl Future<Output = Duration> {
        let (begun, wanted) = (Instant::now(), self.acknowledged() + more);
        let caller = std::panic::Location::caller();
        async move {
            while self.acknowledged() < wanted {
                assert!(begun.elapsed() < patience, "no progress, {caller}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            begun.elapsed()
        }
    }

    /// Lets every client finish what it is at, and gives all that they did.
    pub async fn stop(self) -> History {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut history = History::default();
        for one in self.clients.join_all().await {
            history.join(one);
        }
        history
    }
}

/// Somebody whom a caller put on its list.
struct Known {
    external_id: String,
    subject: String,
    number: u64,
}

struct Caller {
    client: Client,
    list: String,
    number: u64,
    shared: Arc<Shared>,
    mine: Vec<Known>,
    history: History,
}

impl Caller {
    async fn run(mut self) -> History {
        let mut turn = 0;
        while !self.shared.stop.load(Ordering::Relaxed) {
            turn += 1;
            match turn % 8 {
                5 => self.search(turn).await,
                7 => self.delete().await,
                _ => self.enrol(turn).await,
            }
        }
        self.history
    }

    async fn enrol(&mut self, turn: u64) {
        let number = (self.number << 32) + turn;
        let external_id = format!("{}-{turn}", self.number);
        let answer = self.client.enrol(&self.list, &external_id, person(number));
        let answer = answer.await;
        let effect = self.effect(&answer).await;
        self.history.enrolled(&external_id, effect);
        if let Outcome::Done(subject) = answer {
            self.shared.acknowledged.fetch_add(1, Ordering::Relaxed);
            self.mine.push(Known {
                external_id,
                subject: subject["id"].as_str().unwrap().to_owned(),
                number,
            });
        }
    }

    async fn delete(&mut self) {
        // The oldest but a few, so that searches have somebody to find.
        if self.mine.len() < 4 {
            return;
        }
        let gone = self.mine.remove(0);
        let answer = self.client.delete(&self.list, &gone.subject).await;
        let effect = self.effect(&answer).await;
        self.history.deleted(&gone.external_id, effect);
        if !answer.is_done() {
            return;
        }
        let answer = self.client.search(&self.list, person(gone.number)).await;
        if let Outcome::Done(found) = &answer
            && names(found, &gone.external_id)
        {
            let what = format!("{} was found after its deletion", gone.external_id);
            self.history.wrong(what);
        }
        self.note_search(&answer).await;
    }

    async fn search(&mut self, turn: u64) {
        let Some(known) = self.mine.get(turn as usize % self.mine.len().max(1)) else {
            return;
        };
        let answer = self.client.search(&self.list, person(known.number)).await;
        if let Outcome::Done(found) = &answer
            && !names(found, &known.external_id)
        {
            let what = format!("{} was not found: {found}", known.external_id);
            self.history.wrong(what);
        }
        self.note_search(&answer).await;
    }

    async fn note_search(&mut self, answer: &Outcome) {
        self.history.searched();
        self.effect(answer).await;
    }

    /// What an answer says of the effect, with a pause where there was none.
    async fn effect(&mut self, answer: &Outcome) -> Effect {
        let effect = match answer {
            Outcome::Done(_) => return Effect::Done,
            Outcome::NotSent => Effect::Not,
            Outcome::Broken => Effect::Unknown,
            Outcome::Refused(_) => {
                self.history.refused();
                Effect::Unknown
            }
            Outcome::Wrong(what) => {
                self.history.wrong(what.clone());
                Effect::Unknown
            }
        };
        tokio::time::sleep(PAUSE).await;
        effect
    }
}
