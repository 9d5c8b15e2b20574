//! The ways to make templates that the service knows.

use std::str::FromStr;

/// What turns a face into a template. Templates of two embedders are never compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Embedder {
    /// Two networks together, each on the face and on its mirror image.
    #[default]
    Fused,
    /// The one network that the service had before, on the face alone.
    FrFeature,
}

impl Embedder {
    /// All of them, the default first.
    pub const ALL: [Self; 2] = [Self::Fused, Self::FrFeature];

    /// The name by which it is chosen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fused => "fused",
            Self::FrFeature => "fr_feature",
        }
    }

    /// Stored with every template: the names of its networks' files and the start of their SHA-256. Whatever else changes
    /// templates has to change it too.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Fused => "fr_feature-87aacdfe+mobile_face_net-d8ba40c0",
            Self::FrFeature => "fr_feature-87aacdfe",
        }
    }

    /// Length of its templates.
    #[must_use]
    pub const fn dimensions(self) -> usize {
        match self {
            Self::Fused => 704,
            Self::FrFeature => 512,
        }
    }
}

impl FromStr for Embedder {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|known| known.name() == name)
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_embedder_is_known_by_its_name_and_by_an_id_of_its_own() {
        for embedder in Embedder::ALL {
            assert_eq!(embedder.name().parse(), Ok(embedder));
        }
        assert_eq!("another".parse::<Embedder>(), Err(()));
        assert_ne!(Embedder::Fused.id(), Embedder::FrFeature.id());
        assert_eq!(Embedder::default(), Embedder::ALL[0]);
    }
}
