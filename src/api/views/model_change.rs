//! Lists that are moved to another embedder.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::ids::{FaceId, JobId};
use crate::domain::model_change::{ModelChange, ModelChangeState, SwitchMode};
use crate::store::SubjectToEnrol;

/// A change of the embedder of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelChangeView {
    /// Its id.
    pub id: Uuid,
    /// The list.
    pub watchlist_id: Uuid,
    /// The embedder that the list was in; null where it was empty and in none.
    #[schema(example = "fr_feature-87aacdfe")]
    pub from_embedder: Option<String>,
    /// The embedder that it is to be in.
    #[schema(example = "my_arcface-1f0c2d3e")]
    pub to_embedder: String,
    /// `filling`: new templates are being made, or are missing; `ready`: it may be switched; `switched`: the list is in the new
    /// embedder and can go back; `finished`, `rolled_back` or `cancelled`: it is over.
    #[schema(value_type = String, example = "filling")]
    pub state: ModelChangeState,
    /// Who switches it.
    #[schema(value_type = String, example = "manual")]
    pub switch: SwitchMode,
    /// The job that makes the templates; null where there was nothing to do, and when the job is deleted.
    pub job_id: Option<Uuid>,
    /// Faces of the list.
    #[schema(example = 3000)]
    pub faces: u64,
    /// Those with templates of both embedders; 0 when it is over.
    #[schema(example = 1200)]
    pub filled: u64,
    /// Those of which there is neither a second template nor a picture to make it from; 0 when it is over.
    #[schema(example = 0)]
    pub images_missing: u64,
    /// Searches that were made with both embedders.
    #[schema(example = 500)]
    pub searches: u64,
    /// Those of them that found the same person, or both nobody.
    #[schema(example = 497)]
    pub agreed: u64,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When the list got into the new embedder.
    #[serde(with = "time::serde::rfc3339::option")]
    pub switched_at: Option<OffsetDateTime>,
    /// When it was over.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
}

impl From<ModelChange> for ModelChangeView {
    fn from(change: ModelChange) -> Self {
        Self {
            id: change.id.as_uuid(),
            watchlist_id: change.watchlist_id.as_uuid(),
            from_embedder: change.from_model,
            to_embedder: change.to_model,
            state: change.state,
            switch: change.switch,
            job_id: change.job_id.map(JobId::as_uuid),
            faces: change.faces,
            filled: change.filled,
            images_missing: change.images_missing,
            searches: change.searches,
            agreed: change.agreed,
            created_at: change.created_at,
            switched_at: change.switched_at,
            ended_at: change.ended_at,
        }
    }
}

/// A person who has to be enrolled again.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubjectToEnrolView {
    /// Who it is.
    pub subject_id: Uuid,
    /// The caller's own key for them.
    #[schema(example = "case-4711")]
    pub external_id: Option<String>,
    /// The faces that no template of the new embedder can be made of, oldest first.
    pub face_ids: Vec<Uuid>,
}

impl From<SubjectToEnrol> for SubjectToEnrolView {
    fn from(subject: SubjectToEnrol) -> Self {
        Self {
            subject_id: subject.subject_id.as_uuid(),
            external_id: subject.external_id,
            face_ids: subject.face_ids.into_iter().map(FaceId::as_uuid).collect(),
        }
    }
}
