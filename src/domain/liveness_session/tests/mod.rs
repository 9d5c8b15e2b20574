//! Thousands of sessions of people who do as they are asked, and of everybody who pretends to.

mod attacks;
mod person;
mod rules;

use std::collections::BTreeMap;

use rand::RngExt as _;

use super::{Action, DEFAULT_STEPS, FailureReason, SessionState, draw};
use person::{Person, STRAIGHT, Trial, perform};

const SEEDS: u64 = 1000;

fn steps_for(person: &mut Person, steps: usize) -> Vec<Action> {
    draw(steps, |most| person.rng.random_range(0..most))
}

/// Does what is asked for until it is over.
fn comply(person: &mut Person, trial: &mut Trial) {
    while trial.session.state == SessionState::Open {
        comply_once(person, trial);
    }
}

/// Does what is asked for next.
fn comply_once(person: &mut Person, trial: &mut Trial) {
    match trial.asked() {
        None => trial.show(person.shoot(STRAIGHT)),
        Some(action) => {
            for posture in perform(person, action) {
                trial.show(person.shoot(posture));
            }
        }
    }
}

#[test]
fn people_who_do_as_they_are_asked_pass() {
    for steps in [2, DEFAULT_STEPS, 5] {
        let (mut passed, mut frames) = (0, 0);
        let mut failed: BTreeMap<FailureReason, u32> = BTreeMap::new();
        for seed in 0..SEEDS {
            let mut person = Person::new(seed);
            let mut trial = Trial::new(steps_for(&mut person, steps));
            comply(&mut person, &mut trial);
            frames += trial.session.frames;
            match trial.session.state {
                SessionState::Passed => passed += 1,
                SessionState::Open
                | SessionState::Failed
                | SessionState::Expired
                | SessionState::Used => *failed.entry(trial.session.reasons[0]).or_default() += 1,
            }
        }
        eprintln!(
            "{steps} steps: {passed} of {SEEDS} genuine sessions pass, of {} pictures each; failed: {failed:?}",
            u64::from(frames) / SEEDS
        );
        assert!(passed * 100 >= SEEDS * 95, "{passed}");
    }
}
