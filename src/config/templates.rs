//! The settings of templates: what they are kept under.

use secrecy::SecretString;

use super::reader::Reader;

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
