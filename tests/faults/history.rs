//! What clients asked for and were told, and whether what is there agrees with it.
//!
//! As in a test of sets: whoever was acknowledged is there, once and whole; whoever's deletion was acknowledged is not;
//! of what nobody knows the outcome, either is right.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde_json::Value;

use crate::client::Client;

/// What is known of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It was acknowledged.
    Done,
    /// It was asked for, and nobody was told what became of it.
    Unknown,
    /// It was never asked for.
    Not,
}

/// What became of one person.
#[derive(Debug)]
struct Fate {
    enrolled: Effect,
    deleted: Effect,
}

/// What clients did.
#[derive(Debug, Default)]
pub struct History {
    people: BTreeMap<String, Fate>,
    /// Answers that should not have been given.
    wrong: Vec<String>,
    searches: u64,
    /// Requests that were turned away or given up.
    refused: u64,
}

impl History {
    pub fn enrolled(&mut self, external_id: &str, effect: Effect) {
        let fate = Fate {
            enrolled: effect,
            deleted: Effect::Not,
        };
        let before = self.people.insert(external_id.to_owned(), fate);
        assert!(before.is_none(), "{external_id} is enrolled once");
    }

    pub fn deleted(&mut self, external_id: &str, effect: Effect) {
        self.people.get_mut(external_id).unwrap().deleted = effect;
    }

    pub fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    pub fn searched(&mut self) {
        self.searches += 1;
    }

    pub fn refused(&mut self) {
        self.refused += 1;
    }

    /// Adds what another client did.
    pub fn join(&mut self, other: Self) {
        self.people.extend(other.people);
        self.wrong.extend(other.wrong);
        self.searches += other.searches;
        self.refused += other.refused;
    }

    /// Compares with what is on the lists.
    pub async fn check(self, client: &Client, lists: &[String]) -> Verdict {
        let mut present: HashMap<String, Vec<usize>> = HashMap::new();
        for list in lists {
            for subject in client.subjects(list).await {
                let faces = subject["faces"].as_array().map_or(0, Vec::len);
                let key = subject["external_id"].as_str().unwrap_or_default();
                present.entry(key.to_owned()).or_default().push(faces);
            }
        }
        self.judge(present)
    }

    fn judge(self, mut present: HashMap<String, Vec<usize>>) -> Verdict {
        let mut verdict = Verdict {
            wrong: self.wrong,
            searches: self.searches,
            refused: self.refused,
            ..Verdict::default()
        };
        for (key, fate) in self.people {
            let found = present.remove(&key).unwrap_or_default();
            verdict.count(&fate);
            match (fate.enrolled, fate.deleted) {
                (Effect::Done, Effect::Not) if found.is_empty() => verdict.lost.push(key.clone()),
                (Effect::Not, _) | (_, Effect::Done) if !found.is_empty() => {
                    verdict.risen.push(key.clone());
                }
                _ => {}
            }
            if found.len() > 1 {
                verdict.twice.push(key.clone());
            }
            if found.iter().any(|faces| *faces != 1) {
                verdict.halves.push(key);
            }
        }
        verdict.risen.extend(present.into_keys());
        verdict
    }
}

/// What the comparison came to.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Enrolments that were acknowledged.
    pub acknowledged: u64,
    /// Deletions that were acknowledged.
    pub deleted: u64,
    /// Effects that nobody was told of.
    pub unknown: u64,
    pub searches: u64,
    pub refused: u64,
    /// Acknowledged, never deleted, and not there.
    lost: Vec<String>,
    /// There more than once.
    twice: Vec<String>,
    /// There although their deletion was acknowledged, or they were never sent.
    risen: Vec<String>,
    /// There without their face, or with another one.
    halves: Vec<String>,
    wrong: Vec<String>,
}

impl Verdict {
    fn count(&mut self, fate: &Fate) {
        self.acknowledged += u64::from(fate.enrolled == Effect::Done);
        self.deleted += u64::from(fate.deleted == Effect::Done);
        let unknown = [fate.enrolled, fate.deleted];
        let unknown = unknown.iter().filter(|effect| **effect == Effect::Unknown);
        self.unknown += unknown.count() as u64;
    }

    /// Fails where anything is not as it should be.
    #[track_caller]
    pub fn assert_clean(&self) {
        let faults = [&self.lost, &self.twice, &self.risen, &self.halves];
        let clean = faults.iter().all(|found| found.is_empty()) && self.wrong.is_empty();
        assert!(clean, "{self:#?}");
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} enrolments and {} deletions acknowledged, {} outcomes unknown, {} searches, {} refused with a time to \
             try again: {} lost, {} twice, {} risen, {} halves, {} wrong answers",
            self.acknowledged,
            self.deleted,
            self.unknown,
            self.searches,
            self.refused,
            self.lost.len(),
            self.twice.len(),
            self.risen.len(),
            self.halves.len(),
            self.wrong.len()
        )
    }
}

/// Whether an answer to a search names everybody whom it has to.
pub fn names(answer: &Value, external_id: &str) -> bool {
    crate::client::hits(answer).contains(&external_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(enrolled: Effect, deleted: Effect, found: &[usize]) -> Verdict {
        let mut history = History::default();
        history.enrolled("a", enrolled);
        history.deleted("a", deleted);
        let present = HashMap::from([("a".to_owned(), found.to_vec())]);
        history.judge(present)
    }

    #[test]
    fn the_checker_finds_what_is_lost_doubled_risen_or_half() {
        let found = |v: &Verdict| [&v.lost, &v.twice, &v.risen, &v.halves].map(Vec::len);
        use Effect::{Done, Not, Unknown};
        assert_eq!(found(&verdict(Done, Not, &[])), [1, 0, 0, 0]);
        assert_eq!(found(&verdict(Done, Not, &[1, 1])), [0, 1, 0, 0]);
        assert_eq!(found(&verdict(Done, Done, &[1])), [0, 0, 1, 0]);
        assert_eq!(found(&verdict(Not, Not, &[1])), [0, 0, 1, 0]);
        assert_eq!(found(&verdict(Unknown, Not, &[0])), [0, 0, 0, 1]);
        for fine in [
            verdict(Done, Not, &[1]),
            verdict(Done, Done, &[]),
            verdict(Done, Unknown, &[]),
            verdict(Done, Unknown, &[1]),
            verdict(Unknown, Not, &[]),
            verdict(Unknown, Not, &[1]),
        ] {
            fine.assert_clean();
        }
    }
}
