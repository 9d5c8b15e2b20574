//! What is told of lists that are moved to another embedder.

use serde::Serialize;
use uuid::Uuid;

use super::{Detail, about};
use crate::domain::ids::{JobId, ModelChangeId, WatchlistId};
use crate::domain::model_change::{ModelChange, ModelChangeState};

/// From which embedder to which a list is moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListMove {
    /// The change.
    pub model_change_id: ModelChangeId,
    /// The list.
    pub watchlist_id: WatchlistId,
    /// The embedder that it was in; null where it had none.
    pub from_embedder: Option<String>,
    /// The embedder that it is to be in.
    pub to_embedder: String,
}

impl From<&ModelChange> for ListMove {
    fn from(change: &ModelChange) -> Self {
        Self {
            model_change_id: change.id,
            watchlist_id: change.watchlist_id,
            from_embedder: change.from_model.clone(),
            to_embedder: change.to_model.clone(),
        }
    }
}

/// The detail of `model_change.started`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelChangeStarted {
    /// Which list, and where to.
    #[serde(flatten)]
    pub list: ListMove,
    /// The job that works on it; null where there was nothing to do.
    pub job_id: Option<JobId>,
}

impl From<&ModelChange> for ModelChangeStarted {
    fn from(change: &ModelChange) -> Self {
        Self {
            list: change.into(),
            job_id: change.job_id,
        }
    }
}

/// The detail of `model_change.switched`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelChangeSwitched {
    /// Which list, and where to.
    #[serde(flatten)]
    pub list: ListMove,
    /// Its faces.
    pub faces: u64,
    /// Searches that were made with both embedders before.
    pub searches: u64,
    /// Those that found the same person.
    pub agreed: u64,
}

impl From<&ModelChange> for ModelChangeSwitched {
    fn from(change: &ModelChange) -> Self {
        Self {
            list: change.into(),
            faces: change.faces,
            searches: change.searches,
            agreed: change.agreed,
        }
    }
}

/// The detail of `model_change.ended`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelChangeEnded {
    /// Which list, and where it was to go.
    #[serde(flatten)]
    pub list: ListMove,
    /// `finished`, `rolled_back` or `cancelled`.
    pub state: ModelChangeState,
}

impl From<&ModelChange> for ModelChangeEnded {
    fn from(change: &ModelChange) -> Self {
        Self {
            list: change.into(),
            state: change.state,
        }
    }
}

about! {
    ModelChangeStarted => list.watchlist_id;
    ModelChangeSwitched => list.watchlist_id;
    ModelChangeEnded => list.watchlist_id;
}
