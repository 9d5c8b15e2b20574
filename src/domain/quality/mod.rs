//! How good the picture of a face is: measured components, one score, and which faces are good enough to be enrolled.

mod components;
mod enrolment;
mod score;

pub use components::{Component, Components, Purpose, failures};
pub use enrolment::{
    Bound, MAX_ENROLMENT_BRIGHTNESS, MAX_ENROLMENT_PITCH, MAX_ENROLMENT_YAW,
    MIN_ENROLMENT_BRIGHTNESS, MIN_ENROLMENT_CONTRAST, MIN_ENROLMENT_EYE_DISTANCE,
    MIN_ENROLMENT_SHARPNESS, Shortfall, enrolment_shortfalls,
};
pub use score::score;
