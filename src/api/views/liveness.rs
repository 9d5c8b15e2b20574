//! Whether a face is live.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::round3;
use crate::domain::decision::{CheckResult, Liveness};
use crate::domain::ids::LivenessSessionId;

/// Whether the selfie shows a live face, judged by one model on one picture.
///
/// What it was tested on with this service: one live face, which it takes for live, and two attacks of one public
/// collection, whose kinds are not told there and which it takes for attacks (below 0.01). That is far too little for an
/// error rate. It was tested neither under ISO/IEC 30107-3 nor on the kinds in `not_tested_on`. `likeness eval --pad DIR`
/// measures it by kind on pictures of your own.
#[derive(Debug, Serialize, ToSchema)]
pub struct LivenessView {
    /// `pass` or `fail`; a failure asks for a human and does not decline by itself. A challenge passes whatever the score.
    #[schema(value_type = String, example = "pass")]
    pub result: CheckResult,
    /// The model's probability of a live face, 0 to 1.
    #[schema(example = 0.97)]
    pub score: f64,
    /// `challenge`: the person did what a liveness session asked for; or `passive_single_frame`: one picture, no challenge.
    #[schema(example = "passive_single_frame")]
    pub method: &'static str,
    /// The session of the challenge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness_session_id: Option<Uuid>,
    /// Scores below it fail.
    #[schema(example = 0.5)]
    pub threshold: f64,
    /// Kinds of pictures that the score was tried on with this service.
    #[schema(value_type = Vec<String>)]
    pub tested_on: &'static [&'static str],
    /// Kinds of attacks that it was not tried on: a good score says nothing of them.
    #[schema(value_type = Vec<String>)]
    pub not_tested_on: &'static [&'static str],
}

/// One live face and two attacks of kinds that are not told.
const TESTED_ON: &[&str] = &["live_face", "attack_of_untold_kind"];
/// The usual kinds of attacks, each as a kind.
const NOT_TESTED_ON: &[&str] = &[
    "print",
    "cut_out_print",
    "bent_print",
    "screen_replay",
    "paper_mask",
    "silicone_mask",
    "resin_mask",
    "make_up",
    "morphed_face",
    "generated_face",
    "injected_video",
];

impl From<Liveness> for LivenessView {
    fn from(check: Liveness) -> Self {
        Self {
            result: check.result,
            score: round3(check.score.into()),
            method: match check.session {
                Some(_) => "challenge",
                None => "passive_single_frame",
            },
            liveness_session_id: check.session.map(LivenessSessionId::as_uuid),
            threshold: check.threshold,
            tested_on: TESTED_ON,
            not_tested_on: NOT_TESTED_ON,
        }
    }
}
