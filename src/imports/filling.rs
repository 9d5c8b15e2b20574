//! Filling: while a list is moved to another embedder, each face of it gets a template by that one, made of its kept picture.
//!
//! A face without a kept picture, or of whose picture no template can be made any more, stays without. Then the job ends as
//! failed, and the list stays as it is until somebody is enrolled again, or removed, and the change goes on.

use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;
use tokio::time::sleep;

use super::work::{Pause, QUEUE_PATIENCE, may_go_on, pictures_in_flight};
use crate::domain::audit::Actor;
use crate::domain::face::Template;
use crate::domain::ids::{FaceId, JobId, SubjectId, WatchlistId};
use crate::domain::model_change::{ModelChange, SwitchMode};
use crate::models::UsableEmbedder;
use crate::store::TenantTx;
use crate::verify::{Step, Verifier, VerifyError, take_step_in};
use crate::vision::VisionError;

/// Faces whose pictures are read at once, and whose templates are kept at once.
const PAGE: u32 = 16;

/// A face, by whose it is and its id.
pub(super) type Face = (SubjectId, FaceId);

/// The work on one job.
pub(super) struct Filling<'a> {
    pub(super) verifier: &'a Verifier,
    /// Whoever asked for the change.
    pub(super) actor: &'a Actor,
    pub(super) watchlist: WatchlistId,
    pub(super) job: JobId,
}

impl Filling<'_> {
    /// Works until there is nothing left to fill, the turn is over, or `stop` says true. `after` is the last face that was
    /// looked at, in the turns before too.
    pub(super) async fn run(
        &self,
        after: &mut Option<Face>,
        stop: &watch::Receiver<bool>,
    ) -> Result<Pause, VerifyError> {
        let mut transaction = self.begin().await?;
        let change = transaction.find_model_change(self.watchlist).await?;
        drop(transaction);
        let Some(change) = change.filter(|change| change.state.is_before_switch()) else {
            return self.give_up().await;
        };
        let Some(embedder) = self.verifier.embedder(&change.to_model).await else {
            tracing::error!(job.id = %self.job, "a list cannot be moved to an embedder that is not there");
            return self.give_up().await;
        };
        let (begun, mut filled) = (Instant::now(), change.filled);
        loop {
            if !may_go_on(self.verifier, begun, stop) {
                return Ok(Pause::Yielded);
            }
            match self.fill_page(&embedder, *after).await? {
                Some(page) => {
                    *after = Some(page.last);
                    filled += page.filled;
                }
                None => return self.conclude().await,
            }
            if !self.count(&change, filled).await? {
                return Ok(Pause::Yielded);
            }
        }
    }

    /// Fills the next faces; none where there are no more.
    async fn fill_page(
        &self,
        embedder: &UsableEmbedder,
        after: Option<Face>,
    ) -> Result<Option<Filled>, VerifyError> {
        let mut transaction = self.begin().await?;
        let faces = transaction
            .faces_to_fill(self.watchlist, after, PAGE)
            .await?;
        let Some(last) = faces.last().copied() else {
            return Ok(None);
        };
        let mut images = transaction.face_images(self.watchlist, &faces).await?;
        drop(transaction);
        let pictures = faces
            .into_iter()
            .filter_map(|face| Some((face, images.remove(&face.1)?)));
        let places = pictures_in_flight(self.verifier);
        let made: Vec<(Face, Option<Template>)> = stream::iter(pictures)
            .map(|(face, image)| async move { (face, self.template(embedder, face, image).await) })
            .buffered(places as usize)
            .collect()
            .await;
        let templates: Vec<(SubjectId, FaceId, &Template)> = made
            .iter()
            .filter_map(|((subject, face), made)| Some((*subject, *face, made.as_ref()?)))
            .collect();
        let mut transaction = self.begin().await?;
        let filled = transaction
            .insert_spare_templates(self.watchlist, &templates)
            .await?;
        transaction.commit().await?;
        Ok(Some(Filled { last, filled }))
    }

    /// The template of a kept picture; none where none can be made of it.
    async fn template(
        &self,
        embedder: &UsableEmbedder,
        (_, face): Face,
        image: Vec<u8>,
    ) -> Option<Template> {
        loop {
            match self.verifier.template_of(embedder, image.clone()).await {
                Ok(template) => return Some(template),
                Err(VerifyError::Vision {
                    source: VisionError::Overloaded,
                    ..
                }) => sleep(QUEUE_PATIENCE).await,
                Err(error) => {
                    tracing::warn!(job.id = %self.job, face.id = %face, %error, "no template of a kept picture");
                    return None;
                }
            }
        }
    }

    /// Says how far the job is. False where it is over.
    async fn count(&self, change: &ModelChange, filled: u64) -> Result<bool, VerifyError> {
        let mut transaction = self.begin().await?;
        let total = change.faces.max(filled);
        let goes_on = transaction
            .set_job_counts(self.job, total, filled, 0)
            .await?;
        transaction.commit().await?;
        Ok(goes_on)
    }

    /// Ends the job: with the list switched, or ready to be, or as failed where faces are left.
    async fn conclude(&self) -> Result<Pause, VerifyError> {
        let mut transaction = self.begin().await?;
        transaction.lock_watchlist(self.watchlist).await?;
        let change = transaction.find_model_change(self.watchlist).await?;
        let Some(change) = change.filter(|change| change.state.is_before_switch()) else {
            return self.end_as_failed(transaction).await;
        };
        let missing = change.faces.saturating_sub(change.filled);
        let counted = transaction
            .set_job_counts(self.job, change.faces, change.faces, missing)
            .await?;
        if !counted {
            return Ok(Pause::Yielded);
        }
        if missing > 0 {
            tracing::warn!(
                job.id = %self.job,
                watchlist.id = %self.watchlist,
                faces = missing,
                "faces of a list cannot get a template of its new embedder"
            );
            return self.end_as_failed(transaction).await;
        }
        transaction.mark_ready(change.id).await?;
        if change.switch == SwitchMode::Automatic {
            self.switch(&mut transaction).await?;
        }
        transaction.complete_job(self.job).await?;
        transaction.delete_lease(self.job).await?;
        transaction.commit().await?;
        Ok(Pause::Finished)
    }

    async fn switch(&self, transaction: &mut TenantTx) -> Result<(), VerifyError> {
        let begun = Instant::now();
        let switched = take_step_in(transaction, self.actor, self.watchlist, Step::Switch);
        let faces = switched.await?.faces;
        let took = begun.elapsed();
        tracing::info!(watchlist.id = %self.watchlist, faces, ?took, "a list is in another embedder");
        Ok(())
    }

    async fn give_up(&self) -> Result<Pause, VerifyError> {
        self.end_as_failed(self.begin().await?).await
    }

    async fn end_as_failed(&self, mut transaction: TenantTx) -> Result<Pause, VerifyError> {
        transaction.fail_job(self.job).await?;
        transaction.delete_lease(self.job).await?;
        transaction.commit().await?;
        Ok(Pause::Finished)
    }

    async fn begin(&self) -> Result<TenantTx, VerifyError> {
        Ok(self.verifier.store().begin(&self.actor.tenant).await?)
    }
}

/// What became of some faces.
struct Filled {
    last: Face,
    filled: u64,
}
