//! Enrolment: people and their faces are put on a watchlist.

use super::search::of_path;
use super::{Verifier, VerifyError};
use crate::domain::face::Template;
use crate::domain::ids::{FaceId, SubjectId, TenantId, WatchlistId};
use crate::domain::watchlist::{EnrolledFace, Subject};
use crate::store::{NewSubject, StoreError, TenantTx};

impl Verifier {
    /// Adds a person with the faces of their pictures, all of them or nothing.
    ///
    /// # Errors
    /// [`VerifyError`]; nothing is kept then.
    pub async fn enrol_subject(
        &self,
        tenant: &TenantId,
        watchlist_id: WatchlistId,
        subject: NewSubject,
        images: Vec<Vec<u8>>,
    ) -> Result<Subject, VerifyError> {
        let list = self.plan_search(tenant, &[watchlist_id], None).await;
        list.map_err(of_path)?;
        let probes = images.into_iter().map(|image| self.probe("image", image));
        let templates = futures_util::future::try_join_all(probes).await?;
        let mut transaction = self.store.begin(tenant).await?;
        let subject = transaction
            .insert_subject(watchlist_id, subject, &templates)
            .await?;
        transaction.commit().await?;
        Ok(subject)
    }

    /// Adds a face to a person.
    ///
    /// # Errors
    /// [`VerifyError`]; nothing is kept then.
    pub async fn enrol_face(
        &self,
        tenant: &TenantId,
        watchlist_id: WatchlistId,
        subject_id: SubjectId,
        image: Vec<u8>,
    ) -> Result<EnrolledFace, VerifyError> {
        let mut transaction = self.store.begin(tenant).await?;
        let known = transaction.find_subject(watchlist_id, subject_id).await?;
        transaction.commit().await?;
        known.ok_or(VerifyError::NotFound)?;
        let template = self.probe("image", image).await?;
        let mut transaction = self.store.begin(tenant).await?;
        let face = transaction
            .insert_face(watchlist_id, subject_id, &template)
            .await?;
        transaction.commit().await?;
        Ok(face)
    }

    /// The template of the one face in a picture to be enrolled.
    ///
    /// # Errors
    /// [`VerifyError`] where the picture cannot be enrolled.
    pub async fn enrolment_template(&self, image: Vec<u8>) -> Result<Template, VerifyError> {
        self.probe("image", image).await
    }

    /// Adds a face to the person with that `external_id`, who is put on the list if they are not on it; all in the
    /// given transaction.
    ///
    /// # Errors
    /// [`StoreError`]; the transaction is of no use then.
    pub async fn enrol_in(
        &self,
        transaction: &mut TenantTx,
        watchlist_id: WatchlistId,
        subject: NewSubject,
        template: &Template,
    ) -> Result<(SubjectId, FaceId), StoreError> {
        let known = match subject.external_id.as_deref() {
            Some(key) => transaction.find_subject_id(watchlist_id, key).await?,
            None => None,
        };
        let id = match known {
            Some(id) => id,
            None => {
                let subject = transaction.insert_subject(watchlist_id, subject, &[]);
                subject.await?.id
            }
        };
        let face = transaction.insert_face(watchlist_id, id, template).await?;
        Ok((id, face.id))
    }
}
