//! The embedders that lists are in besides the one at work.
//!
//! A list keeps the templates that it has when the service is given another embedder: its probes are made by its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{OwnModel, OwnModelError, OwnModels};
use crate::domain::calibration::Calibration;
use crate::domain::embedder::Embedder;
use crate::vision::ModelFiles;

/// An embedder that templates can be made with, and what its similarities mean.
#[derive(Debug, Clone)]
pub struct UsableEmbedder {
    /// What its templates carry.
    pub id: Arc<str>,
    /// What the workers are asked for; none stands for the one that they have at work.
    pub embedder: Option<Embedder>,
    /// From similarities to error rates.
    pub calibration: Arc<Calibration>,
}

impl UsableEmbedder {
    fn of(embedder: Embedder) -> Self {
        Self {
            id: embedder.id().into(),
            embedder: Some(embedder),
            calibration: Calibration::of(embedder).into(),
        }
    }
}

/// Finds embedders: those that the service ships with, where their files are there, and those of its user, which may come
/// while it runs.
#[derive(Clone, Default)]
pub struct OtherEmbedders(Option<Arc<Places>>);

struct Places {
    shipped: ModelFiles,
    own: OwnModels,
    /// Whose files are right was found once: hashing them takes a while.
    found: Mutex<HashMap<String, UsableEmbedder>>,
}

impl OtherEmbedders {
    /// Those with files in these places.
    #[must_use]
    pub fn in_places(shipped: ModelFiles, own: OwnModels) -> Self {
        Self(Some(Arc::new(Places {
            shipped,
            own,
            found: Mutex::default(),
        })))
    }

    /// The one of a name, and the length of its templates; none where there is none of that name.
    ///
    /// # Errors
    /// [`OwnModelError`] where there is one that cannot be used.
    pub async fn named(
        &self,
        name: &str,
    ) -> Result<Option<(UsableEmbedder, usize)>, OwnModelError> {
        let Some(places) = self.0.clone() else {
            return Ok(None);
        };
        let name = name.to_owned();
        let searched = tokio::task::spawn_blocking(move || places.named(&name)).await;
        searched.unwrap_or(Ok(None))
    }

    /// The one whose templates carry an id; none where it is not there, or nothing is known of its similarities.
    pub async fn find(&self, id: &str) -> Option<UsableEmbedder> {
        let places = Arc::clone(self.0.as_ref()?);
        if let Some(known) = places.known(id) {
            return Some(known);
        }
        let id = id.to_owned();
        let searched = tokio::task::spawn_blocking(move || places.search(&id)).await;
        searched.ok().flatten()
    }
}

impl Places {
    fn known(&self, id: &str) -> Option<UsableEmbedder> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(id).cloned()
    }

    fn search(&self, id: &str) -> Option<UsableEmbedder> {
        let embedder = self.shipped(id).or_else(|| self.own(id))?;
        Some(self.remember(embedder))
    }

    fn named(&self, name: &str) -> Result<Option<(UsableEmbedder, usize)>, OwnModelError> {
        let embedder = match name.parse::<Embedder>() {
            Ok(shipped) if self.shipped.has_networks_of(shipped) => shipped,
            Ok(_) => return Ok(None),
            Err(()) => match self.own.embedder(name) {
                Err(OwnModelError::Unknown(_)) => return Ok(None),
                own => own?,
            },
        };
        Ok(Some((self.remember(embedder), embedder.dimensions())))
    }

    fn remember(&self, embedder: Embedder) -> UsableEmbedder {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        // Of two who searched at once, one of the user's own is there twice, to the end of the process: the first is taken.
        let usable = found.entry(embedder.id().to_owned());
        usable
            .or_insert_with(|| UsableEmbedder::of(embedder))
            .clone()
    }

    fn shipped(&self, id: &str) -> Option<Embedder> {
        let known = Embedder::SHIPPED.into_iter();
        let mut usable = known.filter(|known| self.shipped.has_networks_of(*known));
        usable.find(|known| known.id() == id)
    }

    fn own(&self, id: &str) -> Option<Embedder> {
        let listed = self.own.list().map_err(|error| warn(&error)).ok()?;
        let wanted = |own: &&OwnModel| match own {
            OwnModel::Embedder(own) => own.manifest.id == id,
            OwnModel::Detector(_) => false,
        };
        let name = listed.iter().find(wanted)?.name();
        let own = self.own.embedder(name);
        own.map_err(|error| warn(&error)).ok()
    }
}

fn warn(error: &OwnModelError) {
    tracing::warn!(%error, "a model of the user's own cannot be used");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_shipped_embedder_is_found_by_its_id_once_its_files_are_there() {
        let [shipped, home] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let files = ModelFiles::in_dir(shipped.path());
        let own = OwnModels::of_home(home.path());
        let others = OtherEmbedders::in_places(files.clone(), own);
        let id = Embedder::FrFeature.id();
        assert!(others.find(id).await.is_none());
        std::fs::write(files.model("fr_feature").0, "a network").unwrap();
        let found = others.find(id).await.unwrap();
        assert_eq!(
            (&*found.id, found.embedder),
            (id, Some(Embedder::FrFeature))
        );
        assert_eq!(found.calibration.model_id, id);
        assert!(
            others.find(Embedder::Fused.id()).await.is_none(),
            "half of it"
        );
        assert!(others.find("another").await.is_none());
        assert!(OtherEmbedders::default().find(id).await.is_none());
    }
}
