//! One picture after the other.

use super::gesture::{EYES_OPEN, Excursion, Finding, Offsets};
use super::{
    Earlier, FaceMark, FaceSeen, FailureReason, Front, Hint, Last, OPEN_MS, Observation, Phase,
    Seen, Session, SessionState, Stage,
};

/// The camera's clock may run ahead of the pictures' coming by so much.
const MOST_AHEAD_MS: u64 = 3000;
/// Two signatures this near are of one picture; they are of different ones where they are as far as the other.
const SAME_PICTURE: f32 = 0.4;
const OTHER_PICTURE: f32 = 2.0;
/// What encoding anew may do to the points and angles that are measured in a picture.
const SAME_SHIFT: f32 = 0.008;
const SAME_DEGREES: f32 = 0.5;
/// A face that has moved by more in between.
const OTHER_SHIFT: f32 = 0.05;
const OTHER_DEGREES: f32 = 4.0;
/// From one picture to the next nothing moves where no point does by this, in distances between the eyes, no angle by so
/// many degrees, and the whole looks the same to this. A camera's own noise moves them by more.
const STILL_SHIFT: f32 = 0.004;
const STILL_DEGREES: f32 = 0.3;
const STILL_SIGNATURE: f32 = 0.25;
/// So many still pictures over so long are a photograph.
const STILL_FRAMES: u32 = 6;
const STILL_MS: u64 = 800;
/// Others than the person of the frontal picture, and several people, in so many pictures in a row.
const FOREIGN_FRAMES: u32 = 2;
const SEVERAL_FRAMES: u32 = 4;
/// Beyond it a face is turned too far to be told from others.
const COMPARABLE_YAW: f32 = 40.0;
/// How often something may look like a flat picture, or like a change of pictures, before it is one.
const JUMPS: u32 = 2;
const FLAT: u32 = 2;
/// Between two pictures farther apart than this anything may have happened.
const GAP_MS: u64 = 2000;
/// Nobody takes longer to begin with what is asked for, or to come back.
const IDLE_MS: u64 = 15_000;
const IDLE_FRAMES: u32 = 24;
/// With so many such gaps meanwhile it was not for want of moving.
const SLOW_FRAMES: u32 = 3;
/// What a frontal picture may have.
const FRONT_YAW: f32 = 12.0;
/// Cameras stand low or high, and the model measures most faces some degrees low.
const FRONT_PITCH: std::ops::RangeInclusive<f32> = -28.0..=15.0;
const FRONT_ROLL: f32 = 20.0;
const FRONT_SHARE: std::ops::RangeInclusive<f32> = 0.12..=0.62;
const LEAST_SHARPNESS: f32 = 20.0;
const LEAST_BRIGHTNESS: f32 = 0.1;
/// The best picture is replaced by one that is better by this.
const CLEARLY_BETTER: f32 = 1.1;

/// What a picture came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the picture counted.
    pub accepted: bool,
    /// What the person should know.
    pub hint: Hint,
    /// Whether it is the frontal picture, whose template everything later is compared with.
    pub is_front: bool,
    /// Whether it is the best picture so far.
    pub is_best: bool,
}

impl Outcome {
    /// What a picture comes to that nobody looks at, since its session is over.
    #[must_use]
    pub fn unseen() -> Self {
        Self::refused(Hint::Ok)
    }

    fn refused(hint: Hint) -> Self {
        Self {
            accepted: false,
            hint,
            is_front: false,
            is_best: false,
        }
    }

    fn accepted(hint: Hint) -> Self {
        Self {
            accepted: true,
            ..Self::refused(hint)
        }
    }
}

/// Weighs a picture. `earlier` are those before it, in order; two templates are of one person where
/// their similarity is at least `same_person`.
pub fn judge(
    session: &mut Session,
    seen: &Observation,
    earlier: &[Earlier],
    same_person: f32,
) -> Outcome {
    if session.state != SessionState::Open {
        return Outcome::refused(Hint::Ok);
    }
    if let Some(reason) = refusal(session, seen, earlier) {
        session.fail(reason);
        return Outcome::refused(Hint::Ok);
    }
    session.frames += 1;
    let before = session.last;
    session.last = Some(Last {
        sequence: seen.sequence,
        captured_at_ms: seen.captured_at_ms,
        first_captured_at_ms: before.map_or(seen.captured_at_ms, |last| last.first_captured_at_ms),
        first_received_at_ms: before.map_or(seen.received_at_ms, |last| last.first_received_at_ms),
        face: seen.face_mark(),
    });
    let judged = match &seen.seen {
        Seen::Nobody => {
            interrupt(session);
            Ok(Outcome::refused(Hint::NoFace))
        }
        Seen::Several => several(session),
        Seen::One(face) => {
            session.counts.several = 0;
            one(session, before, (seen, face), earlier.last(), same_person)
        }
    };
    judged.unwrap_or_else(|reason| {
        session.fail(reason);
        Outcome::refused(Hint::Ok)
    })
}

/// What can be told of a picture without looking at who is in it.
fn refusal(session: &Session, seen: &Observation, earlier: &[Earlier]) -> Option<FailureReason> {
    if seen.received_at_ms > OPEN_MS {
        return Some(FailureReason::Expired);
    }
    if !seen.nonce_matches {
        return Some(FailureReason::WrongNonce);
    }
    if session.frames >= session.max_frames() {
        return Some(FailureReason::TooManyFrames);
    }
    if seen.bytes_known || returns(seen, earlier) {
        return Some(FailureReason::ReplayedFrame);
    }
    let last = session.last.as_ref()?;
    if seen.sequence <= last.sequence || seen.captured_at_ms <= last.captured_at_ms {
        return Some(FailureReason::ReorderedFrame);
    }
    let captured = seen.captured_at_ms - last.first_captured_at_ms;
    let received = seen
        .received_at_ms
        .saturating_sub(last.first_received_at_ms);
    (captured > received + MOST_AHEAD_MS).then_some(FailureReason::ClockMismatch)
}

/// Whether a picture is one from before, with others in between: nobody comes back to where they were to the pixel.
fn returns(seen: &Observation, earlier: &[Earlier]) -> bool {
    let mark = seen.face_mark();
    let is_same = |known: &&Earlier| {
        let same_face = match (&known.face, &mark) {
            (Some(before), Some(now)) => is_still(before, now, SAME_DEGREES, SAME_SHIFT),
            (None, None) => true,
            _ => false,
        };
        same_face && known.signature.is_within(SAME_PICTURE, &seen.signature)
    };
    let first = earlier.iter().position(|known| is_same(&known));
    first.is_some_and(|first| {
        let moved = |known: &Earlier| match (&known.face, &mark) {
            (Some(before), Some(now)) => !is_still(before, now, OTHER_DEGREES, OTHER_SHIFT),
            _ => false,
        };
        let mut since = earlier[first..].iter();
        since
            .any(|known| moved(known) || known.signature.distance(&seen.signature) >= OTHER_PICTURE)
    })
}

/// What was begun is not gone on with.
fn interrupt(session: &mut Session) {
    if session.stage != Stage::Ready {
        session.stage = Stage::Return;
    }
}

fn several(session: &mut Session) -> Result<Outcome, FailureReason> {
    interrupt(session);
    session.counts.several += 1;
    if session.counts.several >= SEVERAL_FRAMES {
        return Err(FailureReason::SeveralFaces);
    }
    Ok(Outcome::refused(Hint::SeveralFaces))
}

fn one(
    session: &mut Session,
    before: Option<Last>,
    (seen, face): (&Observation, &FaceSeen),
    previous: Option<&Earlier>,
    same_person: f32,
) -> Result<Outcome, FailureReason> {
    let now_ms = seen.captured_at_ms;
    let unchanged =
        previous.is_some_and(|known| known.signature.is_within(STILL_SIGNATURE, &seen.signature));
    let last_face = before.and_then(|last| last.face);
    let mark = face.mark();
    let same = |last: FaceMark| is_still(&last, &mark, STILL_DEGREES, STILL_SHIFT);
    if unchanged && last_face.is_some_and(same) {
        session.counts.still += 1;
        let lasted = now_ms.saturating_sub(session.counts.still_since_ms);
        if session.counts.still >= STILL_FRAMES && lasted >= STILL_MS {
            return Err(FailureReason::StillImage);
        }
    } else {
        session.counts.still = 0;
        session.counts.still_since_ms = now_ms;
    }
    if face.brightness < LEAST_BRIGHTNESS {
        interrupt(session);
        return Ok(Outcome::refused(Hint::TooDark));
    }
    let Some(front) = session.front else {
        return Ok(look_for_front(session, face, now_ms));
    };
    let offsets = Offsets::of(&front, face);
    // Written so that a similarity that is missing or not a number is a stranger's.
    if !face
        .similarity
        .is_some_and(|similarity| similarity >= same_person)
    {
        if face.pose.yaw.abs() <= COMPARABLE_YAW {
            session.counts.foreign += 1;
        }
        interrupt(session);
        if session.counts.foreign >= FOREIGN_FRAMES {
            return Err(FailureReason::ForeignFace);
        }
        return Ok(Outcome::refused(Hint::HoldStill));
    }
    session.counts.foreign = 0;
    if before.is_some_and(|last| now_ms - last.captured_at_ms > GAP_MS) {
        session.counts.slow += 1;
        interrupt(session);
    }
    let shift = last_face.map_or(0.0, |last| shift(&last, &mark));
    step(session, &front, (face, offsets), shift, now_ms)
}

/// Whether no angle and no point changed by more than this.
fn is_still(last: &FaceMark, now: &FaceMark, most_degrees: f32, most_shift: f32) -> bool {
    let turned = [
        last.pose.yaw - now.pose.yaw,
        last.pose.pitch - now.pose.pitch,
        last.pose.roll - now.pose.roll,
    ];
    turned.iter().all(|degrees| degrees.abs() <= most_degrees) && shift(last, now) <= most_shift
}

/// How far the point moved that moved farthest, in distances between the eyes.
fn shift(last: &FaceMark, face: &FaceMark) -> f32 {
    let moved = last.points.all().into_iter().zip(face.points.all());
    let distances = moved.map(|(a, b)| (a.x - b.x).hypot(a.y - b.y));
    distances.fold(0.0, f32::max) / face.points.inter_eye_distance().max(1.0)
}

fn look_for_front(session: &mut Session, face: &FaceSeen, now_ms: u64) -> Outcome {
    let straight = face.pose.yaw.abs() <= FRONT_YAW
        && FRONT_PITCH.contains(&face.pose.pitch)
        && face.pose.roll.abs() <= FRONT_ROLL
        && face.eyes_open.unwrap_or(1.0) >= EYES_OPEN
        && FRONT_SHARE.contains(&(face.size / face.frame_side));
    if !straight {
        return Outcome::refused(Hint::LookStraight);
    }
    if face.sharpness < LEAST_SHARPNESS {
        return Outcome::refused(Hint::Blurred);
    }
    session.front = Some(Front {
        pose: face.pose,
        points: face.points,
        size: face.size,
    });
    session.best = worth(face);
    begin_step(session, now_ms);
    Outcome {
        is_front: true,
        is_best: true,
        ..Outcome::accepted(wanted(session))
    }
}

/// From now on the person may take their time.
fn begin_step(session: &mut Session, now_ms: u64) {
    session.counts.idle = 0;
    session.counts.idle_since_ms = now_ms;
    session.counts.slow = 0;
}

/// The next step as a hint.
fn wanted(session: &Session) -> Hint {
    let next = session.steps.get(session.done);
    next.map_or(Hint::Ok, |action| (*action).into())
}

fn step(
    session: &mut Session,
    front: &Front,
    (face, offsets): (&FaceSeen, Offsets),
    shift: f32,
    now_ms: u64,
) -> Result<Outcome, FailureReason> {
    let Some(asked) = session.steps.get(session.done).copied() else {
        return Ok(Outcome::accepted(Hint::Ok));
    };
    session.counts.idle += 1;
    let idle_ms = now_ms.saturating_sub(session.counts.idle_since_ms);
    if session.counts.idle > IDLE_FRAMES && idle_ms > IDLE_MS {
        return Err(if session.counts.slow >= SLOW_FRAMES {
            FailureReason::SlowFrames
        } else {
            FailureReason::NoMotion
        });
    }
    if offsets.is_front() {
        if let Stage::Away(excursion) = std::mem::replace(&mut session.stage, Stage::Ready) {
            conclude(session, excursion.finding(asked), now_ms)?;
        }
        let worth = worth(face);
        let is_best = worth > session.best * CLEARLY_BETTER;
        if is_best {
            session.best = worth;
        }
        return Ok(Outcome {
            is_best,
            ..Outcome::accepted(wanted(session))
        });
    }
    let mut excursion = match std::mem::replace(&mut session.stage, Stage::Return) {
        Stage::Return => return Ok(Outcome::refused(Hint::LookStraight)),
        Stage::Ready => Excursion::begin(now_ms),
        Stage::Away(excursion) => excursion,
    };
    if excursion.add(asked, offsets, (front, face), shift, now_ms) {
        return Err(FailureReason::WrongAction);
    }
    let hint = match (excursion.has_shown(asked), offsets.towards(asked) >= 1.0) {
        (true, _) => Hint::LookStraight,
        (false, true) => Hint::HoldStill,
        (false, false) => asked.into(),
    };
    session.stage = Stage::Away(excursion);
    Ok(Outcome::accepted(hint))
}

/// What an excursion means for the session.
fn conclude(session: &mut Session, finding: Finding, now_ms: u64) -> Result<(), FailureReason> {
    match finding {
        Finding::Nothing => {}
        Finding::Jump => {
            session.counts.jumps += 1;
            if session.counts.jumps >= JUMPS {
                return Err(FailureReason::Jump);
            }
        }
        Finding::Flat => {
            session.counts.flat += 1;
            if session.counts.flat >= FLAT {
                return Err(FailureReason::FlatImage);
            }
        }
        Finding::Done => {
            session.done += 1;
            begin_step(session, now_ms);
            if session.done == session.steps.len() {
                session.state = SessionState::Passed;
                debug_assert_eq!(session.phase(), Phase::Over);
            }
        }
    }
    Ok(())
}

/// What a frontal picture is worth as a selfie: sharp, near, straight, with open eyes.
fn worth(face: &FaceSeen) -> f32 {
    let near = (face.points.inter_eye_distance() / 80.0).min(1.0);
    let sharp = face.sharpness / (face.sharpness + 150.0);
    let straight = 1.0 - (face.pose.yaw.abs() + face.pose.pitch.abs()).min(80.0) / 90.0;
    near * sharp * straight * face.eyes_open.unwrap_or(1.0)
}
