//! What a caller asks for: error rates, never bare thresholds.

use serde::{Deserialize, Serialize};

/// The strictest false match rate that may be asked for.
pub const MIN_TARGET_FMR: f64 = 1e-9;
/// The laxest false match rate that may be asked for.
pub const MAX_TARGET_FMR: f64 = 0.05;
/// The strictest false positive identification rate that may be asked for.
pub const MIN_TARGET_FPIR: f64 = 1e-6;
/// The laxest false positive identification rate that may be asked for.
pub const MAX_TARGET_FPIR: f64 = 1.0;

/// The review band of a search begins where this many times its target would be met.
pub const REVIEW_FPIR_FACTOR: f64 = 10.0;

/// Smallest distance between the eyes of a selfie that is compared without a human, in pixels.
pub const MIN_SELFIE_EYE_DISTANCE: f32 = 40.0;
/// The same for the portrait on a document, which is small by nature.
pub const MIN_DOCUMENT_EYE_DISTANCE: f32 = 20.0;
/// Largest turn of a selfie's head to either side, in degrees.
pub const MAX_SELFIE_YAW: f32 = 45.0;
/// Largest nod of a selfie's head up or down, in degrees.
pub const MAX_SELFIE_PITCH: f32 = 35.0;

/// The rules of one verification.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Two different people pass the face match at most this often.
    pub approve_fmr: f64,
    /// Two different people reach a human's review at most this often; at least `approve_fmr`.
    pub review_fmr: f64,
    /// Liveness scores below this are not taken for a live face, 0 to 1.
    pub liveness_threshold: f64,
    /// Replaces every searched watchlist's own target, where the caller wants another one.
    pub target_fpir: Option<f64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            approve_fmr: 1e-4,
            review_fmr: 1e-3,
            liveness_threshold: 0.5,
            target_fpir: None,
        }
    }
}

/// Why two rates cannot stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// Review would be stricter than approval.
    #[error("review_fmr must be at least approve_fmr")]
    ReviewBelowApprove,
}

impl Policy {
    /// This policy with a caller's own rates in place of the defaults; bounds are checked before.
    ///
    /// A caller who names one of the two false match rates keeps the other's default, as long as the review band is not
    /// negative: a laxer `approve_fmr` takes `review_fmr` with it, and a stricter `review_fmr` takes `approve_fmr`.
    ///
    /// # Errors
    /// [`InvalidPolicy`] when the rates contradict each other.
    pub fn with_rates(
        self,
        approve_fmr: Option<f64>,
        review_fmr: Option<f64>,
        target_fpir: Option<f64>,
    ) -> Result<Self, InvalidPolicy> {
        let (approve_fmr, review_fmr) = match (approve_fmr, review_fmr) {
            (None, None) => (self.approve_fmr, self.review_fmr),
            (Some(approve), None) => (approve, self.review_fmr.max(approve)),
            (None, Some(review)) => (self.approve_fmr.min(review), review),
            (Some(approve), Some(review)) => (approve, review),
        };
        if review_fmr < approve_fmr {
            return Err(InvalidPolicy::ReviewBelowApprove);
        }
        Ok(Self {
            approve_fmr,
            review_fmr,
            target_fpir: target_fpir.or(self.target_fpir),
            ..self
        })
    }
}

/// The FMR of one comparison that holds a search of `gallery_size` faces to `target_fpir`.
///
/// A person who is not on the list raises a false alarm when any of N independent comparisons does:
/// FPIR = 1 - (1 - FMR)^N, solved for FMR (ISO/IEC 19795-1 gives the relation for independent comparisons). They are
/// not quite independent, since one probe takes part in all of them: a person whose face is like many others' raises
/// several alarms at once, so the share of searches with an alarm lies at or below the formula's. An empty gallery
/// needs no more than the target itself.
#[must_use]
pub fn fmr_for_fpir(target_fpir: f64, gallery_size: u64) -> f64 {
    if target_fpir >= 1.0 {
        return 1.0;
    }
    let comparisons = gallery_size.max(1) as f64;
    -f64::exp_m1(f64::ln_1p(-target_fpir) / comparisons)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_gallery_needs_a_stricter_comparison() {
        for (fpir, size, fmr) in [
            (0.01, 1, 0.01),
            (0.01, 0, 0.01),
            (0.01, 10_000, 1.005e-6),
            (1e-3, 1_000_000, 1.0005e-9),
        ] {
            let got = fmr_for_fpir(fpir, size);
            assert!(
                (got / fmr - 1.0).abs() < 1e-4,
                "{fpir} over {size}: {got} instead of {fmr}"
            );
        }
        assert_eq!(fmr_for_fpir(1.0, 10), 1.0);
    }

    #[test]
    fn a_search_at_that_rate_meets_its_target() {
        let fmr = fmr_for_fpir(0.02, 5_000);
        assert!((1.0 - (1.0 - fmr).powi(5_000) - 0.02).abs() < 1e-9);
    }

    #[test]
    fn review_is_never_stricter_than_approval() {
        for (approve, review, expected) in [
            (None, None, Ok((1e-4, 1e-3))),
            (Some(1e-5), None, Ok((1e-5, 1e-3))),
            (Some(1e-2), None, Ok((1e-2, 1e-2))),
            (None, Some(1e-2), Ok((1e-4, 1e-2))),
            (None, Some(1e-6), Ok((1e-6, 1e-6))),
            (
                Some(1e-3),
                Some(1e-4),
                Err(InvalidPolicy::ReviewBelowApprove),
            ),
        ] {
            let rates = Policy::default()
                .with_rates(approve, review, None)
                .map(|p| (p.approve_fmr, p.review_fmr));
            assert_eq!(rates, expected, "{approve:?}, {review:?}");
        }
    }
}
