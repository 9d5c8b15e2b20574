//! The change of the model of a watchlist, from the first template of the new one to the last of the old one.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::ids::{JobId, ModelChangeId, WatchlistId};

/// How far a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelChangeState {
    /// Templates of the new model are being made. Searches go by the old one.
    Filling,
    /// Every face had templates of both models: it may be switched.
    Ready,
    /// Searches go by the new model; the templates of the old one are kept for the way back.
    Switched,
    /// The templates of the old model are gone.
    Finished,
    /// The list is in the old model, as before.
    RolledBack,
    /// It was ended before the switch.
    Cancelled,
}

impl ModelChangeState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Filling,
        Self::Ready,
        Self::Switched,
        Self::Finished,
        Self::RolledBack,
        Self::Cancelled,
    ];

    /// The state as it is stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Filling => "filling",
            Self::Ready => "ready",
            Self::Switched => "switched",
            Self::Finished => "finished",
            Self::RolledBack => "rolled_back",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether the list is still in the old model, and may get into the new one.
    #[must_use]
    pub fn is_before_switch(self) -> bool {
        match self {
            Self::Filling | Self::Ready => true,
            Self::Switched | Self::Finished | Self::RolledBack | Self::Cancelled => false,
        }
    }

    /// Whether faces are kept with templates of both models.
    #[must_use]
    pub fn is_open(self) -> bool {
        self.is_before_switch() || self == Self::Switched
    }
}

/// Who switches a list, once every face has both templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchMode {
    /// The job does.
    #[default]
    Automatic,
    /// It waits to be asked for.
    Manual,
}

impl SwitchMode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Automatic, Self::Manual];

    /// The mode as it is stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Manual => "manual",
        }
    }

    /// The mode of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// One change of the model of one list.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelChange {
    /// Its id.
    pub id: ModelChangeId,
    /// The list.
    pub watchlist_id: WatchlistId,
    /// The job that fills it; none where there was nothing to fill, or the job is not kept any more.
    pub job_id: Option<JobId>,
    /// The model that the list was in; none where it was empty and had none of its own.
    pub from_model: Option<String>,
    /// The model that it is to be in.
    pub to_model: String,
    /// How far it is.
    pub state: ModelChangeState,
    /// Who switches it.
    pub switch: SwitchMode,
    /// Faces of the list.
    pub faces: u64,
    /// Those with templates of both models; 0 when it is over.
    pub filled: u64,
    /// Those with neither the other template nor a picture to make it from; 0 when it is over.
    pub images_missing: u64,
    /// Searches that were made with both models.
    pub searches: u64,
    /// Those of them whose answers agreed.
    pub agreed: u64,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
    /// When the list got into the new model.
    pub switched_at: Option<OffsetDateTime>,
    /// When it was over.
    pub ended_at: Option<OffsetDateTime>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_modes_have_one_name_everywhere() {
        for state in ModelChangeState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
            assert_eq!(ModelChangeState::parse(state.name()), Some(state));
        }
        for mode in SwitchMode::ALL {
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.name());
            assert_eq!(SwitchMode::parse(mode.name()), Some(mode));
        }
        assert_eq!(ModelChangeState::parse("Filling"), None);
        assert_eq!(SwitchMode::parse(""), None);
    }
}
