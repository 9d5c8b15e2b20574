//! The settings of templates: what they are made with, and what they are kept under.

use std::path::Path;

use secrecy::SecretString;

use super::reader::Reader;
use crate::domain::embedder::Embedder;
use crate::models::OwnModels;

/// What enrolled templates are rotated by; without a secret they are kept as they are.
#[derive(Debug, Clone)]
pub struct TemplateSecrets {
    /// Of new lists.
    pub current: Option<SecretString>,
    /// What `current` has taken the place of: lists that are kept under it are rewritten.
    pub before: Option<SecretString>,
}

pub(super) fn secrets(reader: &mut Reader<'_>) -> TemplateSecrets {
    TemplateSecrets {
        current: reader.secret("LIKENESS_TEMPLATE_KEY"),
        before: reader.secret("LIKENESS_TEMPLATE_KEY_BEFORE"),
    }
}

pub(super) fn embedder(reader: &mut Reader<'_>, home: &Path) -> Embedder {
    let name = reader.text("LIKENESS_EMBEDDER");
    let shipped = name.parse();
    shipped.unwrap_or_else(|()| {
        let own = OwnModels::of_home(home).embedder(&name);
        own.unwrap_or_else(|error| {
            let problem = format!("is {name:?}, none of fused, sface and fr_feature: {error}");
            reader.fault("LIKENESS_EMBEDDER", &problem);
            Embedder::default()
        })
    })
}
