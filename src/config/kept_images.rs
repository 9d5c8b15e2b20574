//! The settings of kept pictures: what they are encrypted under.

use secrecy::SecretString;

use super::reader::Reader;

/// What pictures of enrolled faces are encrypted under; without a secret none can be kept.
#[derive(Debug, Clone)]
pub struct ImageSecrets {
    /// Of new pictures.
    pub current: Option<SecretString>,
    /// What `current` has taken the place of: pictures that are kept under it are encrypted anew.
    pub before: Option<SecretString>,
}

pub(super) fn secrets(reader: &mut Reader<'_>) -> ImageSecrets {
    ImageSecrets {
        current: reader.secret("LIKENESS_IMAGE_KEY"),
        before: reader.secret("LIKENESS_IMAGE_KEY_BEFORE"),
    }
}
