//! The people on a watchlist, and how they were enrolled.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::consent::ConsentView;
use super::quality::QualityView;
use super::round3;
use crate::domain::decision::FaceQuality;
use crate::domain::duplicate::Duplicate;
use crate::domain::ids::FaceId;
use crate::domain::metadata::Metadata;
use crate::domain::watchlist::{EnrolledFace, Subject};
use crate::verify::{Enrolment, FaceEnrolment};

/// An enrolled face. Its template never leaves the service.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnrolledFaceView {
    /// Its id.
    pub id: Uuid,
    /// The embedder that made its template.
    pub model_id: String,
    /// When it was enrolled.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// True where its picture is kept, since its list kept pictures when it was enrolled.
    #[schema(example = false)]
    pub image_kept: bool,
    /// How good its picture is: told when it is enrolled, and not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualityView>,
}

impl EnrolledFaceView {
    fn new(face: EnrolledFace, quality: Option<FaceQuality>) -> Self {
        Self {
            id: face.id.as_uuid(),
            model_id: face.model_id,
            created_at: face.created_at,
            image_kept: face.image_kept,
            quality: quality.map(QualityView::from),
        }
    }
}

impl From<EnrolledFace> for EnrolledFaceView {
    fn from(face: EnrolledFace) -> Self {
        Self::new(face, None)
    }
}

/// A person on a watchlist.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubjectView {
    /// Its id.
    pub id: Uuid,
    /// The list it is on.
    pub watchlist_id: Uuid,
    /// The caller's own key, unique within the list.
    #[schema(example = "case-4711")]
    pub external_id: Option<String>,
    /// Name shown with a hit.
    #[schema(example = "J. Doe")]
    pub display_name: Option<String>,
    /// The caller's own data.
    #[schema(value_type = Object)]
    pub metadata: Metadata,
    /// On what the person agreed to, where that is known.
    pub consent: Option<ConsentView>,
    /// From this instant on the subject is no longer found.
    #[serde(with = "time::serde::rfc3339::option")]
    pub valid_until: Option<OffsetDateTime>,
    /// Enrolled faces, oldest first.
    pub faces: Vec<EnrolledFaceView>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

impl From<Subject> for SubjectView {
    fn from(subject: Subject) -> Self {
        Self::new(subject, |_| None)
    }
}

impl SubjectView {
    fn new(subject: Subject, quality: impl Fn(FaceId) -> Option<FaceQuality>) -> Self {
        let face = |face: EnrolledFace| {
            let quality = quality(face.id);
            EnrolledFaceView::new(face, quality)
        };
        Self {
            id: subject.id.as_uuid(),
            watchlist_id: subject.watchlist_id.as_uuid(),
            external_id: subject.external_id,
            display_name: subject.display_name,
            metadata: subject.metadata,
            consent: subject.consent.map(Into::into),
            valid_until: subject.valid_until,
            faces: subject.faces.into_iter().map(face).collect(),
            created_at: subject.created_at,
        }
    }
}

/// Somebody on the list whom a new face is found to be, by the threshold that a search of the list would have.
#[derive(Debug, Serialize, ToSchema)]
pub struct DuplicateView {
    /// Who it is.
    pub subject_id: Uuid,
    /// The caller's own key for them.
    #[schema(example = "case-4711")]
    pub external_id: Option<String>,
    /// Cosine similarity of their nearest face.
    #[schema(example = 0.71)]
    pub similarity: f64,
}

impl From<&Duplicate> for DuplicateView {
    fn from(duplicate: &Duplicate) -> Self {
        Self {
            subject_id: duplicate.subject_id.as_uuid(),
            external_id: duplicate.external_id.clone(),
            similarity: round3(duplicate.similarity.into()),
        }
    }
}

/// A person as they were enrolled.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnrolmentView {
    /// The person; each face that this request enrolled has its `quality`.
    #[serde(flatten)]
    pub subject: SubjectView,
    /// Others on the list whom the faces are found to be, most alike first, at most 10; where the faces were added to
    /// somebody, that person.
    pub duplicate_of: Vec<DuplicateView>,
}

impl From<Enrolment> for EnrolmentView {
    fn from(enrolment: Enrolment) -> Self {
        let Enrolment {
            subject,
            qualities,
            duplicate_of,
            ..
        } = enrolment;
        Self {
            subject: SubjectView::new(subject, |id| qualities.get(&id).copied()),
            duplicate_of: duplicate_of.iter().map(DuplicateView::from).collect(),
        }
    }
}

/// A face as it was enrolled.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaceEnrolmentView {
    /// The face with its `quality`.
    #[serde(flatten)]
    pub face: EnrolledFaceView,
    /// Others on the list whom the face is found to be, most alike first, at most 10.
    pub duplicate_of: Vec<DuplicateView>,
}

impl From<FaceEnrolment> for FaceEnrolmentView {
    fn from(enrolment: FaceEnrolment) -> Self {
        let duplicate_of = enrolment.duplicate_of.iter();
        Self {
            duplicate_of: duplicate_of.map(DuplicateView::from).collect(),
            face: EnrolledFaceView::new(enrolment.face, Some(enrolment.quality)),
        }
    }
}
