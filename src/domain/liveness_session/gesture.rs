//! One way from the front to what is asked for and back.

use serde::{Deserialize, Serialize};

use super::{Action, FaceSeen, Front, parallax};

/// Degrees that a turn of the head goes beyond the front, to a side and up.
const TURN_DEGREES: f32 = 18.0;
const UP_DEGREES: f32 = 12.0;
/// How much larger a face is that has come closer.
const CLOSER: f32 = 0.35;
/// Eyes below it are closed, eyes at or above the other are open.
const EYES_CLOSED: f32 = 0.3;
pub(super) const EYES_OPEN: f32 = 0.5;
/// What still counts as the front: degrees to the sides, up and down, and sizes of the face against the front's.
const FRONT_YAW: f32 = 8.0;
const FRONT_PITCH: f32 = 8.0;
const FRONT_SIZES: std::ops::RangeInclusive<f32> = 0.7..=1.18;

/// Pictures that have to show what is asked for.
const LEAST_FRAMES: u32 = 2;
/// Of closed eyes, so that a blink is not taken for it: so many, over so long.
const LEAST_CLOSED_FRAMES: u32 = 3;
const LEAST_CLOSED_MS: u64 = 500;
/// A picture shows another action than the one asked for where it is this far in it, and not even half in the other.
const CLEARLY: f32 = 1.25;
const BARELY: f32 = 0.5;
const WRONG_FRAMES: u32 = 2;
/// Eyes that are closed for so long without being asked are no blink.
const WRONG_CLOSED_FRAMES: u32 = 4;
const WRONG_CLOSED_MS: u64 = 1000;
/// Pictures between the front and the farthest point are those beyond this share of what is asked for and before that
/// share of the farthest.
const LEFT: f32 = 0.35;
const BETWEEN: f32 = 0.75;
/// How far the tip of a nose stands out of the plane of eyes and mouth, in distances between the eyes, as it shows when
/// the head turns: [`parallax`] over the sine of the angle. On LFW's photographs of one person that are turned against each
/// other by 18 degrees and more it is 0.4 in the middle and above 0.24 in 95 of 100; a flat picture has none.
const LEAST_DEPTH: f32 = 0.2;

/// How far a face is in each action; 1 and more is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offsets {
    yaw: f32,
    pitch: f32,
    size: f32,
    eyes_open: f32,
}

impl Offsets {
    pub(super) fn of(front: &Front, face: &FaceSeen) -> Self {
        Self {
            yaw: face.pose.yaw - front.pose.yaw,
            pitch: face.pose.pitch - front.pose.pitch,
            size: face.size / front.size,
            eyes_open: face.eyes_open.unwrap_or(1.0),
        }
    }

    /// How far it is in one of them. A head's own right is the picture's left, to which a positive yaw turns.
    pub(super) fn towards(self, action: Action) -> f32 {
        match action {
            Action::TurnRight => self.yaw / TURN_DEGREES,
            Action::TurnLeft => -self.yaw / TURN_DEGREES,
            Action::LookUp => self.pitch / UP_DEGREES,
            Action::ComeCloser => (self.size - 1.0) / CLOSER,
            Action::CloseEyes if self.eyes_open < EYES_CLOSED => CLEARLY,
            Action::CloseEyes => 0.0,
        }
    }

    /// The sine of the angle by which the head is turned in an action.
    fn sine(self, action: Action) -> f32 {
        match action {
            Action::TurnRight | Action::TurnLeft => self.yaw.abs().to_radians().sin(),
            Action::LookUp => self.pitch.to_radians().sin(),
            Action::ComeCloser | Action::CloseEyes => 0.0,
        }
    }

    pub(super) fn is_front(self) -> bool {
        self.yaw.abs() <= FRONT_YAW
            && self.pitch.abs() <= FRONT_PITCH
            && FRONT_SIZES.contains(&self.size)
            && self.eyes_open >= EYES_OPEN
    }
}

/// What happened since the face last looked straight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Excursion {
    pub(super) began_ms: u64,
    pub(super) frames: u32,
    /// How far each picture was in what is asked for.
    path: Vec<f32>,
    /// Pictures that show it, the sums of how far their nose moved and of the sines of their angles, and when the first
    /// and last of them were taken.
    shown: u32,
    parallax: f32,
    sine: f32,
    shown_ms: Option<(u64, u64)>,
    /// The face moved at once from one place to another.
    swapped: bool,
    /// Pictures in a row that clearly show another action, and since when.
    wrong: Option<(Action, u32, u64)>,
}

/// What an excursion came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// What was asked for.
    Done,
    /// Nothing in particular.
    Nothing,
    /// It was there without having been on the way.
    Jump,
    /// It went there as a flat picture does.
    Flat,
}

impl Excursion {
    pub(super) fn begin(now_ms: u64) -> Self {
        Self {
            began_ms: now_ms,
            frames: 0,
            path: Vec::new(),
            shown: 0,
            parallax: 0.0,
            sine: 0.0,
            shown_ms: None,
            swapped: false,
            wrong: None,
        }
    }

    /// Adds a picture; `shift` is how far the face moved since the one before, in distances between the eyes. Tells
    /// whether it shows that something else is done than was asked for.
    pub(super) fn add(
        &mut self,
        asked: Action,
        offsets: Offsets,
        (front, face): (&Front, &FaceSeen),
        shift: f32,
        now_ms: u64,
    ) -> bool {
        self.frames += 1;
        let far = offsets.towards(asked);
        self.path.push(far);
        if far >= 1.0 {
            if self.shown == 0 && asked == Action::CloseEyes {
                self.swapped |= shift > MOST_SHIFT_OF_A_BLINK;
            }
            self.shown += 1;
            self.parallax += towards(asked, parallax(&front.points, &face.points));
            self.sine += offsets.sine(asked);
            let since = self.shown_ms.map_or(now_ms, |(since, _)| since);
            self.shown_ms = Some((since, now_ms));
        }
        self.is_wrong(asked, far, offsets, now_ms)
    }

    fn is_wrong(&mut self, asked: Action, far: f32, offsets: Offsets, now_ms: u64) -> bool {
        let others = Action::ALL.into_iter().filter(|action| *action != asked);
        let clearly = others
            .map(|action| (action, offsets.towards(action)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .filter(|(_, towards)| far < BARELY && *towards >= CLEARLY);
        self.wrong = clearly.map(|(action, _)| match self.wrong {
            Some((before, frames, since)) if before == action => (action, frames + 1, since),
            _ => (action, 1, now_ms),
        });
        self.wrong
            .is_some_and(|(action, frames, since)| match action {
                Action::CloseEyes => {
                    frames >= WRONG_CLOSED_FRAMES && now_ms - since >= WRONG_CLOSED_MS
                }
                Action::TurnLeft | Action::TurnRight | Action::LookUp | Action::ComeCloser => {
                    frames >= WRONG_FRAMES
                }
            })
    }

    /// Whether enough of what is asked for was shown, so that it is time to look straight again.
    pub(super) fn has_shown(&self, asked: Action) -> bool {
        let lasted = self.shown_ms.map_or(0, |(since, until)| until - since);
        match asked {
            Action::CloseEyes => self.shown >= LEAST_CLOSED_FRAMES && lasted >= LEAST_CLOSED_MS,
            Action::TurnLeft | Action::TurnRight | Action::LookUp | Action::ComeCloser => {
                self.shown >= LEAST_FRAMES
            }
        }
    }

    /// What it came to, now that the face looks straight again.
    pub(super) fn finding(&self, asked: Action) -> Finding {
        if self.swapped {
            return Finding::Jump;
        }
        if !self.has_shown(asked) {
            return Finding::Nothing;
        }
        let farthest = self.path.iter().copied().fold(0.0, f32::max);
        let between = |far: &f32| *far > LEFT && *far < BETWEEN * farthest;
        if asked != Action::CloseEyes && !self.path.iter().any(between) {
            return Finding::Jump;
        }
        let turned = asked.is_turn() || asked == Action::LookUp;
        // Written so that a depth that is not a number is none.
        let deep = self.parallax / self.sine >= LEAST_DEPTH;
        if turned && !deep {
            Finding::Flat
        } else {
            Finding::Done
        }
    }
}

/// A face that closes its eyes moves by less than this from one picture to the next, in distances between the eyes.
const MOST_SHIFT_OF_A_BLINK: f32 = 0.5;

/// How much of the nose's way goes to the side to which the head turns.
fn towards(asked: Action, (across, down): (f32, f32)) -> f32 {
    match asked {
        Action::TurnRight => -across,
        Action::TurnLeft => across,
        Action::LookUp => -down,
        Action::ComeCloser | Action::CloseEyes => 0.0,
    }
}
