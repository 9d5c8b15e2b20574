//! Answers to enrolments, and whom they tell of.

use actix_web::http::StatusCode;
use uuid::Uuid;

use crate::api::answers::enrolled;
use crate::api::idempotency::Made;
use crate::api::views::{EnrolmentView, FaceEnrolmentView};
use crate::domain::duplicate::Duplicate;
use crate::error::ApiError;
use crate::verify::{Enrolment, FaceEnrolment};

/// A person who was enrolled.
pub(super) fn subject(enrolment: Enrolment) -> Result<Made, ApiError> {
    let subject = &enrolment.subject;
    let mut tells_of = vec![subject.watchlist_id.as_uuid(), subject.id.as_uuid()];
    tells_of.extend(people(&enrolment.duplicate_of));
    let status = enrolled(enrolment.is_new);
    Made::new(status, &EnrolmentView::from(enrolment), tells_of)
}

/// A face that was enrolled, below the ids of the path.
pub(super) fn face(path: [Uuid; 2], enrolment: FaceEnrolment) -> Result<Made, ApiError> {
    let mut tells_of = path.to_vec();
    tells_of.push(enrolment.face.id.as_uuid());
    tells_of.extend(people(&enrolment.duplicate_of));
    let view = FaceEnrolmentView::from(enrolment);
    Made::new(StatusCode::CREATED, &view, tells_of)
}

fn people(found: &[Duplicate]) -> impl Iterator<Item = Uuid> {
    found.iter().map(|found| found.subject_id.as_uuid())
}
