//! What somebody may hold before the camera instead of a face, or send instead of what it sees.

use std::collections::BTreeMap;

use rand::RngExt as _;

use super::person::{Person, Posture, STRAIGHT, Trial, perform};
use super::{SEEDS, comply, comply_once, steps_for};
use crate::domain::liveness_session::{
    Action, DEFAULT_STEPS, FailureReason, Observation, Seen, Session, SessionState,
};

/// What becomes of a flat picture: it turns without depth, or does nothing that is asked for.
const FLAT: [FailureReason; 6] = [
    FailureReason::ReplayedFrame,
    FailureReason::FlatImage,
    FailureReason::NoMotion,
    FailureReason::TooManyFrames,
    FailureReason::WrongAction,
    FailureReason::Jump,
];

type Reasons = BTreeMap<FailureReason, u32>;

/// Runs an attack with a thousand seeds; whoever is not refused by the end of the time is found out by it.
fn refuse_all(name: &str, attack: impl Fn(&mut Person, &mut Trial)) -> Reasons {
    let mut reasons = Reasons::new();
    for seed in 0..SEEDS {
        let mut person = Person::new(seed);
        let mut trial = Trial::new(steps_for(&mut person, DEFAULT_STEPS));
        attack(&mut person, &mut trial);
        let steps = &trial.session.steps;
        assert_ne!(
            trial.session.state,
            SessionState::Passed,
            "{name}, seed {seed}: {steps:?}"
        );
        trial.session.expire();
        *reasons.entry(trial.session.reasons[0]).or_default() += 1;
    }
    eprintln!("{name}: {SEEDS} of {SEEDS} refused: {reasons:?}");
    reasons
}

fn is_open(trial: &Trial) -> bool {
    trial.session.state == SessionState::Open
}

/// Every session was refused by one of these.
fn expect(reasons: &Reasons, known: &[FailureReason]) {
    assert!(
        reasons.keys().all(|reason| known.contains(reason)),
        "{reasons:?}"
    );
}

#[test]
fn one_photograph_that_is_sent_again_and_again_is_a_still_image() {
    let reasons = refuse_all(
        "still photograph, encoded anew each time",
        |person, trial| {
            person.alive = false;
            while is_open(trial) {
                trial.show(person.shoot(STRAIGHT));
            }
        },
    );
    expect(&reasons, &[FailureReason::StillImage]);
}

/// Follows the hints with a flat picture, and deceives the measuring of the pose entirely.
fn wave(person: &mut Person, trial: &mut Trial) {
    while is_open(trial) {
        match trial.asked() {
            None => trial.show(person.shoot(STRAIGHT)),
            Some(action) => {
                for posture in perform(person, action) {
                    let eyes_open = true;
                    trial.show(person.shoot(Posture {
                        eyes_open,
                        ..posture
                    }));
                }
            }
        }
    }
}

#[test]
fn a_photograph_that_is_moved_scaled_and_tilted_has_no_depth() {
    let reasons = refuse_all("photograph moved, zoomed and tilted", |person, trial| {
        person.depth = 0.0;
        wave(person, trial);
    });
    expect(&reasons, &FLAT);
}

#[test]
fn a_photograph_that_is_bent_has_too_little_depth() {
    let reasons = refuse_all("photograph bent around its middle", |person, trial| {
        person.depth = person.rng.random_range(0.0..0.12);
        wave(person, trial);
    });
    expect(&reasons, &FLAT);
}

#[test]
fn a_photograph_that_is_turned_in_its_plane_does_nothing_that_is_asked_for() {
    let reasons = refuse_all("photograph turned in its plane", |person, trial| {
        while is_open(trial) {
            let mut seen = person.shoot(STRAIGHT);
            let degrees = 25.0 * (person.now_ms as f32 / 700.0).sin();
            turn(&mut seen, degrees);
            trial.show(seen);
        }
    });
    expect(
        &reasons,
        &[FailureReason::NoMotion, FailureReason::TooManyFrames],
    );
}

fn turn(seen: &mut Observation, degrees: f32) {
    let Seen::One(face) = &mut seen.seen else {
        return;
    };
    let (sine, cosine) = degrees.to_radians().sin_cos();
    for point in [
        &mut face.points.left_eye,
        &mut face.points.right_eye,
        &mut face.points.nose,
        &mut face.points.left_mouth,
        &mut face.points.right_mouth,
    ] {
        let (x, y) = (point.x - 320.0, point.y - 200.0);
        (point.x, point.y) = (320.0 + x * cosine - y * sine, 200.0 + x * sine + y * cosine);
    }
    face.pose.roll += degrees;
}

#[test]
fn photographs_that_are_shown_in_turn_jump() {
    let reasons = refuse_all("photographs in turn", |person, trial| {
        while is_open(trial) {
            let Some(action) = trial.asked() else {
                trial.show(person.shoot(STRAIGHT));
                continue;
            };
            let postures = perform(person, action);
            let far = |posture: &Posture| {
                posture.yaw.abs() + posture.pitch.abs() + 20.0 * (posture.scale - 1.0)
            };
            let farthest = postures
                .iter()
                .copied()
                .max_by(|a, b| far(a).total_cmp(&far(b)));
            for posture in postures {
                // All of the way or none of it; held a little otherwise each time.
                let there = far(&posture) > 8.0;
                person.sway.0 += person.noise(0.02);
                let shown = if there { farthest.unwrap() } else { STRAIGHT };
                trial.show(person.shoot(Posture {
                    eyes_open: posture.eyes_open,
                    ..shown
                }));
            }
        }
    });
    expect(&reasons, &FLAT);
}

#[test]
fn pictures_of_the_same_session_are_known_when_they_come_again() {
    let reasons = refuse_all("own pictures, encoded anew", |person, trial| {
        while is_open(trial) && trial.session.done == 0 {
            comply_once(person, trial);
        }
        let recorded = trial.seen.clone();
        for again in recorded {
            let now = person.shoot(STRAIGHT);
            trial.show(Observation {
                signature: again.signature,
                seen: again.seen,
                ..now
            });
        }
    });
    // Where what was done then is not what is asked for now, that shows first.
    assert!(reasons[&FailureReason::ReplayedFrame] >= 700, "{reasons:?}");
}

#[test]
fn a_recording_of_another_session_does_something_else_than_is_asked_for() {
    let reasons = refuse_all("recording of another session", |person, trial| {
        let asked = trial.session.steps.clone();
        let mut recorded: Vec<Action> = asked.clone();
        while recorded == asked {
            recorded = steps_for(person, DEFAULT_STEPS);
        }
        let mut recording = Trial::new(recorded);
        comply(person, &mut recording);
        for seen in recording.seen {
            trial.show(seen);
        }
    });
    // An attempt that was cut off before it came to the difference is over by its time.
    expect(
        &reasons,
        &[
            FailureReason::WrongAction,
            FailureReason::Jump,
            FailureReason::Expired,
        ],
    );
    assert!(reasons[&FailureReason::WrongAction] >= 950, "{reasons:?}");
}

#[test]
fn another_person_from_the_middle_on_is_a_stranger() {
    let reasons = refuse_all("another person from the middle on", |person, trial| {
        let swapped_at = person.rng.random_range(2..25);
        while is_open(trial) {
            let Some(action) = trial.asked() else {
                trial.show(person.shoot(STRAIGHT));
                continue;
            };
            for posture in perform(person, action) {
                if trial.session.frames >= swapped_at {
                    person.similarity = person.noise(0.1).min(0.15);
                }
                trial.show(person.shoot(posture));
            }
        }
    });
    expect(&reasons, &[FailureReason::ForeignFace]);
}

/// Does as is asked, but what goes out passes through somebody's hands.
fn tamper(trial: &mut Trial, person: &mut Person, change: impl Fn(&mut Vec<Observation>, usize)) {
    let mut recording = Trial::new(trial.session.steps.clone());
    comply(person, &mut recording);
    let mut sent = recording.seen;
    // What comes after the last picture that counted is not looked at, nor does it matter what follows the last but one.
    sent.truncate(recording.session.frames as usize);
    let place = person.rng.random_range(0..sent.len() - 2);
    change(&mut sent, place);
    trial.session = Session::new(trial.session.steps.clone());
    for seen in sent {
        trial.show(seen);
    }
}

#[test]
fn a_picture_that_comes_twice_is_a_replay() {
    let reasons = refuse_all("duplicated picture", |person, trial| {
        tamper(trial, person, |sent, place| {
            let mut again = sent[place].clone();
            again.bytes_known = true;
            again.captured_at_ms += 1;
            sent.insert(place + 1, again);
        });
    });
    assert!(reasons[&FailureReason::ReplayedFrame] >= 950, "{reasons:?}");
}

#[test]
fn pictures_in_another_order_are_reordered() {
    let reasons = refuse_all("reordered pictures", |person, trial| {
        tamper(trial, person, |sent, place| sent.swap(place, place + 1));
    });
    assert!(
        reasons[&FailureReason::ReorderedFrame] >= 950,
        "{reasons:?}"
    );
}

#[test]
fn a_person_who_does_nothing_shows_no_motion() {
    let reasons = refuse_all("a person who does nothing", |person, trial| {
        while is_open(trial) {
            trial.show(person.shoot(STRAIGHT));
        }
    });
    expect(
        &reasons,
        &[FailureReason::NoMotion, FailureReason::TooManyFrames],
    );
}
