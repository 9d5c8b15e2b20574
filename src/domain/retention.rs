//! How long records are kept.

use std::num::NonZeroU16;

use serde::Serialize;

/// Longest time that can be asked for, in days: a hundred years.
pub const MAX_RETENTION_DAYS: u16 = 36_500;

/// What a tenant has chosen; none leaves it to the service's default, which may be not to delete anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Retention {
    /// Days that verifications are kept.
    pub verification_days: Option<u16>,
    /// Days that jobs are kept with their rows, from their end on.
    pub job_days: Option<u16>,
    /// Days after the end of their time that people are taken off their lists; none keeps them, unseen by searches.
    pub purge_expired_subjects_after_days: Option<u16>,
}

impl Retention {
    /// What holds, where the service's default fills the gaps. It says nothing of people on lists: they were put there
    /// to stay.
    #[must_use]
    pub fn or_default(self, days: Option<NonZeroU16>) -> Self {
        let days = days.map(NonZeroU16::get);
        Self {
            verification_days: self.verification_days.or(days),
            job_days: self.job_days.or(days),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_fills_gaps_and_never_takes_people_off_lists() {
        let chosen = Retention {
            verification_days: Some(400),
            ..Retention::default()
        };
        assert_eq!(chosen.or_default(None), chosen);
        let filled = Retention {
            job_days: Some(30),
            ..chosen
        };
        assert_eq!(chosen.or_default(NonZeroU16::new(30)), filled);
    }
}
