//! The forms that templates are kept in: rotated by a secret of each tenant, or as they are.
//!
//! A form is a part of the model's id in the database, `MODEL~KEY`: so two forms are as far from each other as two models,
//! and never compared. Outside the store there are only templates as they are.
//!
//! A list has one form, that of its first face. New lists get the first of the forms that are known; lists in another one are
//! searched and filled in theirs until they are rewritten ([`super::rekeying`]).

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::error::StoreError;
use super::transaction::TenantTx;
use crate::domain::face::Template;
use crate::domain::hex::hex;
use crate::domain::ids::{TenantId, WatchlistId};
use crate::domain::rotation::Rotation;

/// Stands between a model's id and a key's.
const SEPARATOR: char = '~';
/// Rotations in memory, of one megabyte each. Making one takes some milliseconds.
const MAX_ROTATIONS: usize = 32;

/// A secret from which the rotations of all tenants come.
#[derive(Clone)]
pub struct TemplateKey {
    secret: SecretString,
    id: String,
}

/// The secrets that templates may be rotated by.
#[derive(Debug, Clone, Default)]
pub struct TemplateKeys {
    /// Of new lists; none keeps templates as they are.
    pub current: Option<TemplateKey>,
    /// What `current` has taken the place of.
    pub before: Option<TemplateKey>,
}

impl TemplateKey {
    /// A key of a secret.
    #[must_use]
    pub fn new(secret: SecretString) -> Self {
        let id = hex(&derive::<4>(&secret, &[b"likeness template key"]));
        Self { secret, id }
    }

    /// What tells it from others. It says nothing about the secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    fn rotation(&self, tenant: &TenantId, dimensions: usize) -> Rotation {
        let info = [
            b"likeness template rotation\0".as_slice(),
            tenant.as_str().as_bytes(),
        ];
        Rotation::from_seed(derive(&self.secret, &info), dimensions)
    }
}

impl fmt::Debug for TemplateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Bytes that a secret stands for in one use (RFC 5869).
pub(super) fn derive<const LENGTH: usize>(secret: &SecretString, info: &[&[u8]]) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    Hkdf::<Sha256>::new(None, secret.expose_secret().as_bytes())
        .expand_multi_info(info, &mut bytes)
        .expect("HKDF gives up to 8,160 bytes");
    bytes
}

/// The forms that are known, that of new lists first.
pub(super) struct Forms {
    /// None stands for templates as they are.
    known: Vec<Option<TemplateKey>>,
    /// The latest in use last.
    rotations: Mutex<VecDeque<(RotationOf, Arc<Rotation>)>>,
}

/// Which rotation one is: the key's id, the tenant, and the dimensions.
type RotationOf = (String, TenantId, usize);

impl Forms {
    pub(super) fn new(keys: TemplateKeys) -> Self {
        let mut known = vec![keys.current];
        known.extend(keys.before.map(Some));
        if known.iter().all(Option::is_some) {
            known.push(None);
        }
        Self {
            known,
            rotations: Mutex::default(),
        }
    }

    /// The ids that a model has in the database, in the order of the forms.
    pub(super) fn ids(&self, model_id: &str) -> Vec<String> {
        let id = |key: &Option<TemplateKey>| kept_id(model_id, key.as_ref());
        self.known.iter().map(id).collect()
    }

    /// Whether there is a form that something may be kept in besides that of new lists.
    pub(super) fn are_several(&self) -> bool {
        self.known.len() > 1
    }

    /// The id, in the form of new lists, of what is kept under this one in another form that is known.
    pub(super) fn renewed_id(&self, kept: &str) -> Option<String> {
        let ids = self.ids(split(kept).0);
        let (new, others) = ids.split_first()?;
        others.iter().any(|id| id == kept).then(|| new.clone())
    }

    /// Templates in one of the forms.
    fn keep_all(
        &self,
        tenant: &TenantId,
        templates: &[Template],
        form: usize,
    ) -> Result<Vec<Template>, StoreError> {
        let key = self.known[form].as_ref();
        let kept = templates.iter();
        kept.map(|template| self.keep(tenant, template, key))
            .collect()
    }

    fn keep(
        &self,
        tenant: &TenantId,
        template: &Template,
        key: Option<&TemplateKey>,
    ) -> Result<Template, StoreError> {
        let Some(key) = key else {
            return Ok(template.clone());
        };
        let mut values = template.values().to_vec();
        self.rotation(key, tenant, values.len()).apply(&mut values);
        Template::normalised(&kept_id(template.model_id(), Some(key)), values)
            .map_err(|error| StoreError::Corrupt(error.into()))
    }

    /// What was kept, as it is.
    fn show(
        &self,
        tenant: &TenantId,
        kept_id: &str,
        mut values: Vec<f32>,
    ) -> Result<Template, StoreError> {
        let (model_id, key) = split(kept_id);
        if let Some(id) = key {
            let known = self.known.iter().flatten().find(|key| key.id == id);
            let key = known.ok_or_else(|| {
                StoreError::Corrupt("a template of a key that is not configured".into())
            })?;
            self.rotation(key, tenant, values.len()).undo(&mut values);
        }
        Template::normalised(model_id, values).map_err(|error| StoreError::Corrupt(error.into()))
    }

    fn rotation(&self, key: &TemplateKey, tenant: &TenantId, dimensions: usize) -> Arc<Rotation> {
        let of = (key.id.clone(), tenant.clone(), dimensions);
        let lock = || {
            self.rotations
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let mut rotations = lock();
        let known = rotations.iter().position(|(known, _)| *known == of);
        if let Some(entry) = known.and_then(|index| rotations.remove(index)) {
            let rotation = Arc::clone(&entry.1);
            rotations.push_back(entry);
            return rotation;
        }
        drop(rotations);
        let rotation = Arc::new(key.rotation(tenant, dimensions));
        let mut rotations = lock();
        if rotations.len() >= MAX_ROTATIONS {
            rotations.pop_front();
        }
        rotations.push_back((of, Arc::clone(&rotation)));
        rotation
    }
}

impl TenantTx {
    /// Templates in every form that is known, that of new lists first.
    pub(super) async fn in_all_forms(
        &self,
        templates: &[&Template],
    ) -> Result<Vec<Vec<Template>>, StoreError> {
        let templates: Vec<Template> = templates.iter().copied().cloned().collect();
        self.rotate(move |forms, tenant| {
            let in_form = |form| forms.keep_all(tenant, &templates, form);
            (0..forms.known.len()).map(in_form).collect()
        })
        .await
    }

    /// Templates of one model in the form of a list, which is held until the end of the transaction.
    pub(super) async fn in_form_of(
        &mut self,
        watchlist: WatchlistId,
        templates: Vec<Template>,
    ) -> Result<Vec<Template>, StoreError> {
        let Some(first) = templates.first() else {
            return Ok(templates);
        };
        let mut form = 0;
        if self.store().forms().are_several() {
            let ids = self.store().forms().ids(first.model_id());
            self.lock_watchlist(watchlist).await?;
            let found = sqlx::query_scalar!(
                "select model_id from galleries where watchlist_id = $1 and model_id = any($2) and faces > 0",
                watchlist.as_uuid(),
                &ids
            )
            .fetch_optional(self.connection())
            .await?;
            let known = found.and_then(|id| ids.iter().position(|known| *known == id));
            form = known.unwrap_or_default();
        }
        self.rotate(move |forms, tenant| forms.keep_all(tenant, &templates, form))
            .await
    }

    /// Templates that were kept under an id, as they are.
    pub(super) async fn show(
        &self,
        kept_id: &str,
        kept: Vec<Vec<f32>>,
    ) -> Result<Vec<Template>, StoreError> {
        let kept_id = kept_id.to_owned();
        self.rotate(move |forms, tenant| {
            let kept = kept.into_iter();
            kept.map(|values| forms.show(tenant, &kept_id, values))
                .collect()
        })
        .await
    }

    /// Templates in the form of new lists.
    pub(super) async fn in_first_form(
        &self,
        templates: Vec<Template>,
    ) -> Result<Vec<Template>, StoreError> {
        self.rotate(move |forms, tenant| forms.keep_all(tenant, &templates, 0))
            .await
    }

    /// Does what may take a while away from the async threads.
    async fn rotate<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Forms, &TenantId) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (forms, tenant) = (Arc::clone(self.store().forms()), self.tenant().clone());
        if forms.known.iter().all(Option::is_none) {
            return work(&forms, &tenant);
        }
        let worked = tokio::task::spawn_blocking(move || work(&forms, &tenant)).await;
        worked.map_err(|_| StoreError::Unavailable(sqlx::Error::WorkerCrashed))?
    }
}

/// A probe in each form, in the order in which lists are looked for in them; where there are several, once more from the first:
/// a list may have been rewritten meanwhile.
pub(super) fn tries<T>(forms: &[T]) -> impl Iterator<Item = &T> {
    let again = if forms.len() > 1 { forms } else { &[] };
    forms.iter().chain(again)
}

fn kept_id(model_id: &str, key: Option<&TemplateKey>) -> String {
    match key {
        Some(key) => format!("{model_id}{SEPARATOR}{}", key.id),
        None => model_id.to_owned(),
    }
}

/// The model's id, of an id in the database.
#[must_use]
pub fn model_of(kept_id: &str) -> &str {
    split(kept_id).0
}

/// The model's id and the key's, of an id in the database.
pub(super) fn split(kept_id: &str) -> (&str, Option<&str>) {
    match kept_id.split_once(SEPARATOR) {
        Some((model_id, key)) => (model_id, Some(key)),
        None => (kept_id, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str) -> TemplateKey {
        TemplateKey::new(secret.into())
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).unwrap()
    }

    fn template() -> Template {
        let values = (0..64).map(|n| (n as f32).sin()).collect();
        Template::normalised("m", values).unwrap()
    }

    #[test]
    fn a_template_comes_back_from_every_form_and_looks_like_a_stranger_in_it() {
        let keys = TemplateKeys {
            current: Some(key("one")),
            before: Some(key("other")),
        };
        let forms = Forms::new(keys);
        let kept: Vec<Template> = (0..3)
            .flat_map(|form| forms.keep_all(&tenant("a"), &[template()], form).unwrap())
            .collect();
        for (index, form) in kept.iter().enumerate() {
            let shown = forms.show(&tenant("a"), form.model_id(), form.values().to_vec());
            assert!(shown.unwrap().similarity(&template()).unwrap() > 0.9999);
            for other in &kept[index + 1..] {
                assert_eq!(form.similarity(other), None);
                let dot: f32 = form
                    .values()
                    .iter()
                    .zip(other.values())
                    .map(|(a, b)| a * b)
                    .sum();
                assert!(dot.abs() < 0.7, "{dot}");
            }
        }
        assert_eq!(kept[2], template());
    }

    #[test]
    fn tenants_have_rotations_of_their_own() {
        let forms = Forms::new(TemplateKeys {
            current: Some(key("one")),
            before: None,
        });
        let [a, b] = ["a", "b"].map(|name| {
            let key = forms.known[0].as_ref();
            forms.keep(&tenant(name), &template(), key).unwrap()
        });
        assert!(a.similarity(&b).unwrap().abs() < 0.7);
    }

    #[test]
    fn without_keys_there_is_one_form_and_with_one_that_went_there_are_two() {
        assert_eq!(Forms::new(TemplateKeys::default()).ids("m"), ["m"]);
        let gone = Forms::new(TemplateKeys {
            current: None,
            before: Some(key("one")),
        });
        assert_eq!(
            gone.ids("m"),
            ["m".to_owned(), format!("m~{}", key("one").id())]
        );
    }

    #[test]
    fn a_form_of_an_unknown_key_is_not_guessed() {
        let forms = Forms::new(TemplateKeys::default());
        let shown = forms.show(&tenant("a"), "m~00000000", vec![1.0; 4]);
        assert!(matches!(shown, Err(StoreError::Corrupt(_))));
    }

    #[test]
    fn a_key_does_not_show_its_secret() {
        let shown = format!("{:?}", key("a long secret"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
