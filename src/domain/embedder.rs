//! The ways to make templates: those that the service ships with, and networks of its user's own.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::network::{ByColour, ChannelOrder, Input, InputLayout, Network, Role};

/// What turns a face into a template. Templates of two embedders are never compared.
#[derive(Clone, Copy, Default)]
pub enum Embedder {
    /// `fr_feature` and OpenCV Zoo's SFace, each on the face alone.
    #[default]
    Sface,
    /// `fr_feature` and MobileFaceNet, each on the face and on its mirror image: the default of before.
    Fused,
    /// `fr_feature` alone, on the face alone: the default before that.
    FrFeature,
    /// A network of the user's own. There are few of them in a process, and each is there to its end.
    Own(&'static OwnEmbedder),
}

/// How one that the service ships with makes templates.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// By which it is chosen.
    pub name: String,
    /// The networks whose values stand in a template, in this order.
    pub parts: Vec<Part>,
    /// Whether the mirror image of a face counts as much as the face.
    pub mirror: bool,
    /// The file of its calibration.
    pub calibration: String,
}

/// A network's part in a template.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The network's name.
    pub network: String,
    /// How much its cosine counts; those of a template add up to 1.
    pub share: f64,
}

/// A network of the user's own, as it was added.
#[derive(Debug)]
pub struct OwnEmbedder {
    /// What was said and found of it when it was added.
    pub manifest: OwnManifest,
    /// The file.
    pub file: PathBuf,
    /// How its similarities become error rates; none before that was measured.
    pub calibration: Option<Calibration>,
}

/// What is said and known of a network of the user's own: everything that its templates depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnManifest {
    /// By which it is chosen.
    pub name: String,
    /// Stored with every template: the name, and the start of a SHA-256 over the file and everything below.
    pub id: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The licence that it is used under, in the words of whoever added it.
    pub licence: String,
    /// Where it comes from, in the same.
    pub origin: String,
    /// What it takes.
    pub input: OwnInput,
    /// The output that is the template.
    pub output: String,
    /// Length of its templates.
    pub dimensions: usize,
    /// Whether the mirror image of a face counts as much as the face.
    pub mirror: bool,
}

/// What a network takes: one aligned face, as ArcFace has them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnInput {
    /// In which order the values of a picture come.
    pub layout: InputLayout,
    /// In which order the colours of a pixel come.
    pub channels: ChannelOrder,
    /// Width and height in pixels.
    pub side: u32,
    /// Taken off each value from 0 to 255.
    pub mean: f32,
    /// What is left is multiplied by it.
    pub scale: f32,
}

impl OwnManifest {
    /// How the network is fed, and what is read of it.
    #[must_use]
    pub fn network(&self) -> Network {
        let OwnInput {
            layout,
            channels,
            side,
            mean,
            scale,
        } = self.input;
        Network {
            role: Role::Embedder,
            input: Input {
                pictures: 1,
                layout,
                channels,
                width: Some(side),
                height: Some(side),
                mean: ByColour::All(mean),
                scale: ByColour::All(scale),
            },
            outputs: vec![self.output.clone()],
            template_values: Some(self.dimensions),
        }
    }
}

impl PartialEq for Embedder {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Embedder {}

impl fmt::Debug for Embedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Embedder").field(&self.id()).finish()
    }
}

impl Embedder {
    /// Those that the service ships with, the default first.
    pub const SHIPPED: [Self; 3] = [Self::Sface, Self::Fused, Self::FrFeature];

    /// The name by which it is chosen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fused => "fused",
            Self::Sface => "sface",
            Self::FrFeature => "fr_feature",
            Self::Own(own) => own.manifest.name.as_str(),
        }
    }

    /// Stored with every template: the names of its networks' files and the start of their SHA-256. Whatever else moves
    /// templates away from those that are kept, by more than another decoder of the picture does, has to change it too.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Fused => "fr_feature-87aacdfe+mobile_face_net-d8ba40c0",
            Self::Sface => "fr_feature-87aacdfe+sface-fb143eea",
            Self::FrFeature => "fr_feature-87aacdfe",
            Self::Own(own) => own.manifest.id.as_str(),
        }
    }

    /// Length of its templates.
    #[must_use]
    pub const fn dimensions(self) -> usize {
        match self {
            Self::Fused => 704,
            Self::Sface => 640,
            Self::FrFeature => 512,
            Self::Own(own) => own.manifest.dimensions,
        }
    }
}

impl FromStr for Embedder {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::SHIPPED
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
        for embedder in Embedder::SHIPPED {
            assert_eq!(embedder.name().parse(), Ok(embedder));
        }
        assert_eq!("another".parse::<Embedder>(), Err(()));
        let mut ids = Embedder::SHIPPED.map(Embedder::id).to_vec();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Embedder::SHIPPED.len());
        assert_eq!(Embedder::default(), Embedder::SHIPPED[0]);
    }
}
