//! The rules one by one.

use super::person::{Person, STRAIGHT, Trial, perform};
use crate::domain::liveness_session::{
    Action, FailureReason, OPEN_MS, Observation, Phase, Seen, SessionState,
};

fn begun() -> (Person, Trial) {
    let mut person = Person::new(1);
    let mut trial = Trial::new(vec![Action::TurnLeft, Action::LookUp]);
    assert_eq!(
        (trial.session.phase(), trial.session.current_step()),
        (Phase::Front, None)
    );
    while trial.asked().is_none() {
        trial.show(person.shoot(STRAIGHT));
    }
    assert_eq!(
        (trial.session.phase(), trial.session.current_step()),
        (Phase::Steps, Some(0))
    );
    (person, trial)
}

fn fails(reason: FailureReason, change: impl Fn(&mut Observation)) {
    let (mut person, mut trial) = begun();
    for _ in 0..4 {
        let mut seen = person.shoot(STRAIGHT);
        change(&mut seen);
        trial.show(seen);
    }
    assert_eq!(trial.session.reasons, [reason]);
    assert_eq!(trial.session.phase(), Phase::Over);
}

#[test]
fn each_fault_of_a_picture_ends_the_session_by_its_name() {
    fails(FailureReason::WrongNonce, |seen| seen.nonce_matches = false);
    fails(FailureReason::Expired, |seen| {
        seen.received_at_ms = OPEN_MS + 1
    });
    fails(FailureReason::ReplayedFrame, |seen| seen.bytes_known = true);
    fails(FailureReason::ReorderedFrame, |seen| seen.sequence = 1);
    fails(FailureReason::ReorderedFrame, |seen| {
        seen.captured_at_ms = 5_000
    });
    fails(FailureReason::ClockMismatch, |seen| {
        seen.captured_at_ms += 60_000
    });
    fails(FailureReason::SeveralFaces, |seen| {
        seen.seen = Seen::Several
    });
}

#[test]
fn a_session_that_is_over_judges_nothing() {
    let (mut person, mut trial) = begun();
    trial.session.expire();
    assert_eq!(trial.session.state, SessionState::Expired);
    let before = trial.session.clone();
    trial.show(person.shoot(STRAIGHT));
    assert_eq!(trial.session, before);
}

#[test]
fn a_session_survives_being_kept_as_json_between_two_pictures() {
    let (mut person, mut trial) = begun();
    for action in [Action::TurnLeft, Action::LookUp] {
        for posture in perform(&mut person, action) {
            trial.show(person.shoot(posture));
            let kept = serde_json::to_string(&trial.session).unwrap();
            trial.session = serde_json::from_str(&kept).unwrap();
        }
    }
    assert_eq!(
        trial.session.state,
        SessionState::Passed,
        "{:?}",
        trial.session
    );
}

#[test]
fn a_face_that_is_lost_on_the_way_has_to_begin_again() {
    let (mut person, mut trial) = begun();
    for posture in perform(&mut person, Action::TurnLeft) {
        let mut seen = person.shoot(posture);
        if posture.yaw < -20.0 {
            seen.seen = Seen::Nobody;
        }
        trial.show(seen);
    }
    assert_eq!(trial.session.current_step(), Some(0));
    assert_eq!(trial.session.state, SessionState::Open);
}

#[test]
fn somebody_on_a_slow_connection_is_told_so() {
    let (mut person, mut trial) = begun();
    while trial.session.state == SessionState::Open {
        for posture in perform(&mut person, Action::TurnLeft) {
            person.now_ms += 2500;
            trial.show(person.shoot(posture));
        }
    }
    assert_eq!(trial.session.reasons, [FailureReason::SlowFrames]);
}
