//! Challenges with the real models: what people do before a camera, and what somebody makes of photographs to pretend it.
//!
//! The people are photographs that are bent over a model of a head, so this says that the models and the rules go together,
//! and nothing of the shares of real people. `LIVENESS_SEEDS` asks for more of them than are tried each time.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step of a test is a failed test"
)]

#[path = "../support/head.rs"]
mod head;
#[path = "../support/models.rs"]
mod models;
mod people;
mod photograph;
mod trial;

use std::path::{Path, PathBuf};

use likeness::domain::liveness_session::{
    Action, DEFAULT_STEPS, FailureReason, SessionState, draw,
};
use likeness::vision::{FaceBackend as _, Graphs};
use rand::RngExt as _;

use head::{Posture, STRAIGHT};
use people::Person;
use photograph::{FLAT, Held, Photograph};
use trial::{REQUEST, Trial};

/// Of the camera's pictures, in pixels.
const SIDE: u32 = 400;
/// Photographs of people who look straight. `obama2.jpg` does not: his head is turned by 16 degrees, and so is every head
/// that is made of it.
const PEOPLE: [&str; 3] = ["astronaut.jpg", "biden.jpg", "obama.jpg"];
/// Sessions of each of them.
const SEEDS: u64 = 2;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

#[test]
fn people_who_follow_the_challenge_pass() {
    let mut backend = models::load(Graphs::Rewritten);
    let seeds = std::env::var("LIVENESS_SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let (mut passed, mut all) = (0, 0);
    for name in PEOPLE {
        for seed in 0..seeds {
            let mut person = Person::of(&mut backend, name, seed);
            let steps = draw(DEFAULT_STEPS, |most| person.rng.random_range(0..most));
            let mut trial = Trial::new(&mut backend, &steps);
            person.comply(&mut trial);
            let session = &trial.session;
            all += 1;
            if session.state == SessionState::Passed {
                passed += 1;
            } else {
                let (reasons, done) = (&session.reasons, session.done);
                eprintln!("{name} {seed}: {steps:?} ends at {done} for {reasons:?}");
            }
        }
    }
    eprintln!("{passed} of {all} genuine sessions of {DEFAULT_STEPS} steps pass");
    assert!(passed * 100 >= all * 95, "{passed} of {all}");
}

#[test]
fn somebody_else_who_goes_on_with_a_session_is_refused() {
    let mut backend = models::load(Graphs::Rewritten);
    let mut person = Person::of(&mut backend, "astronaut.jpg", 1);
    let mut other = Person::of(&mut backend, "biden.jpg", 1);
    let mut trial = Trial::new(&mut backend, &[Action::TurnLeft, Action::ComeCloser]);
    trial.show(&person.shoot(STRAIGHT));
    for picture in person.perform(Action::TurnLeft) {
        trial.show(&picture);
    }
    assert_eq!(trial.session.done, 1, "{:?}", trial.session);
    other.comply(&mut trial);
    assert_eq!(trial.reason("other"), FailureReason::ForeignFace);
}

#[test]
fn a_recording_of_other_steps_is_refused() {
    let mut backend = models::load(Graphs::Rewritten);
    let mut person = Person::of(&mut backend, "astronaut.jpg", 2);
    let mut passed = Trial::new(&mut backend, &[Action::TurnLeft, Action::ComeCloser]);
    let recording = person.comply(&mut passed);
    assert_eq!(passed.session.state, SessionState::Passed);
    let mut trial = Trial::new(&mut backend, &[Action::TurnRight, Action::CloseEyes]);
    for picture in &recording {
        trial.show(picture);
    }
    assert_eq!(trial.reason("recording"), FailureReason::WrongAction);
}

#[test]
fn photographs_that_are_shown_in_turn_are_refused() {
    let mut backend = models::load(Graphs::Rewritten);
    let mut person = Person::of(&mut backend, "astronaut.jpg", 3);
    let mut trial = Trial::new(&mut backend, &[Action::TurnRight, Action::LookUp]);
    let turned = Posture {
        yaw: 42.0,
        ..STRAIGHT
    };
    while trial.is_open() {
        for posture in [STRAIGHT, STRAIGHT, turned, turned, turned] {
            if trial.is_open() {
                trial.show(&person.shoot(posture));
            }
        }
    }
    assert_eq!(trial.reason("in turn"), FailureReason::Jump);
}

#[test]
fn one_photograph_encoded_again_and_again_is_refused() {
    let mut backend = models::load(Graphs::Rewritten);
    let picture = held(&mut backend).render(FLAT);
    let mut trial = Trial::new(&mut backend, &[Action::TurnLeft, Action::CloseEyes]);
    while trial.is_open() {
        trial.show(&picture);
    }
    // What encoding changes may pass for the trembling of a hand: then it is that nothing is done.
    let reason = trial.reason("still");
    assert!(
        matches!(reason, FailureReason::StillImage | FailureReason::NoMotion),
        "{reason:?}"
    );
}

#[test]
fn one_photograph_that_is_moved_about_follows_no_challenge() {
    let mut backend = models::load(Graphs::Rewritten);
    let photograph = held(&mut backend);
    for (name, first) in [
        ("turn left", Action::TurnLeft),
        ("turn right", Action::TurnRight),
        ("look up", Action::LookUp),
    ] {
        let mut trial = Trial::new(&mut backend, &[first, Action::ComeCloser]);
        let mut wobble = 0.0;
        while trial.is_open() {
            for share in [0.3, 0.6, 1.0, 1.0, 0.6, 0.3, 0.0] {
                let tilt = 1.0 - 0.3 * share;
                let (across, down) = if first.is_turn() {
                    (tilt, 1.0)
                } else {
                    (1.0, tilt)
                };
                wobble += 0.7;
                trial.show(&photograph.render(Held {
                    turned: -12.0 * share,
                    across,
                    down,
                    shift: 30.0 * share + 3.0 * f64::sin(wobble),
                }));
            }
        }
        assert_ne!(trial.reason(name), FailureReason::Expired);
        assert_eq!(trial.session.done, 0, "{name}");
    }
}

#[test]
#[ignore = "not defended yet: a print bent as tightly as this has enough depth for the rules, and passes"]
fn a_bent_photograph_that_is_turned_follows_no_challenge() {
    let mut backend = models::load(Graphs::Rewritten);
    for (name, first) in [
        ("bent left", Action::TurnLeft),
        ("bent right", Action::TurnRight),
    ] {
        let mut bent = Person::of(&mut backend, "astronaut.jpg", 4).bent();
        let mut trial = Trial::new(&mut backend, &[first, Action::ComeCloser]);
        bent.comply(&mut trial);
        trial.reason(name);
        assert_eq!(trial.session.done, 0, "{name}");
    }
}

/// A photograph that somebody holds before the camera.
fn held(backend: &mut likeness::vision::OnnxBackend) -> Photograph {
    let encoded = std::fs::read(fixture("obama.jpg")).unwrap();
    let face = backend.analyse(&encoded, &REQUEST).unwrap().faces.remove(0);
    let picture = image::load_from_memory(&encoded).unwrap().into_rgb8();
    Photograph::new(picture, &face.bounding_box)
}
