//! Duplicates: a new face that a list knows already.

use serde::{Deserialize, Serialize};

use super::ids::SubjectId;

/// What a list does when a new face is somebody's who is on it already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDuplicate {
    /// Enrols, and names whom the face was found to be.
    #[default]
    Report,
    /// Enrols nothing.
    Reject,
    /// Adds the face to the person who is there.
    AddToSubject,
}

/// Somebody on the list whom a new face reaches the threshold of a search with.
#[derive(Debug, Clone, PartialEq)]
pub struct Duplicate {
    /// Who it is.
    pub subject_id: SubjectId,
    /// The caller's own key for them.
    pub external_id: Option<String>,
    /// Cosine similarity of their nearest face with the nearest of the new ones.
    pub similarity: f32,
}
