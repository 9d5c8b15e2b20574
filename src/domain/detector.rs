//! The ways to find faces: the detector that the service ships with, and networks of its user's own.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::network::{ByColour, ChannelOrder, Input, InputLayout, Network, Role};

/// What finds faces. Templates of faces that two detectors found can be compared, but they are aligned a little differently.
#[derive(Clone, Copy, Default)]
pub enum Detector {
    /// The one that the service ships with.
    #[default]
    Shipped,
    /// A network of the user's own. There are few of them in a process, and each is there to its end.
    Own(&'static OwnDetector),
}

/// A network of the user's own, as it was added.
#[derive(Debug)]
pub struct OwnDetector {
    /// What was said and found of it when it was added.
    pub manifest: DetectorManifest,
    /// The file.
    pub file: PathBuf,
}

/// What is said and known of a network of the user's own: everything that its finds depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorManifest {
    /// By which it is chosen.
    pub name: String,
    /// Stored with every verification: the name, and the start of a SHA-256 over the file and everything below.
    pub id: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The licence that it is used under, in the words of whoever added it.
    pub licence: String,
    /// Where it comes from, in the same.
    pub origin: String,
    /// What it takes and gives.
    pub layout: DetectorLayout,
    /// Names of what it gives, stride by stride, in the order of the layout.
    pub outputs: Vec<String>,
    /// Width in pixels of what it takes.
    pub width: u32,
    /// Height in pixels of what it takes.
    pub height: u32,
    /// Confidence from which a find is a face, 0 to 1.
    pub min_confidence: f32,
}

impl DetectorManifest {
    /// How the network is fed, and what is read of it.
    #[must_use]
    pub fn network(&self) -> Network {
        let (channels, mean, scale) = match self.layout {
            DetectorLayout::Scrfd => (ChannelOrder::Rgb, 127.5, 1.0 / 128.0),
            DetectorLayout::YuNet => (ChannelOrder::Bgr, 0.0, 1.0),
        };
        Network {
            role: Role::FaceDetector,
            input: Input {
                pictures: 1,
                layout: InputLayout::Nchw,
                channels,
                width: Some(self.width),
                height: Some(self.height),
                mean: ByColour::All(mean),
                scale: ByColour::All(scale),
            },
            outputs: self.outputs.clone(),
            template_values: None,
        }
    }
}

/// What a network takes and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DetectorLayout {
    /// As `SCRFD` of the project insightface.
    Scrfd,
    /// As `YuNet` of the OpenCV Zoo has it since March 2023.
    YuNet,
}

impl fmt::Display for DetectorLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scrfd => "SCRFD",
            Self::YuNet => "YuNet",
        })
    }
}

impl PartialEq for Detector {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Detector {}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Detector").field(&self.id()).finish()
    }
}

impl Detector {
    /// The name by which it is chosen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shipped => "fr_detect",
            Self::Own(own) => own.manifest.name.as_str(),
        }
    }

    /// Stored with every verification: the name of its file and the start of its SHA-256.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Shipped => "fr_detect-6c0256cc",
            Self::Own(own) => own.manifest.id.as_str(),
        }
    }
}

impl FromStr for Detector {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let shipped = Self::Shipped;
        (name == shipped.name()).then_some(shipped).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_detector_is_the_default_and_known_by_its_name() {
        assert_eq!("fr_detect".parse(), Ok(Detector::default()));
        assert_eq!("another".parse::<Detector>(), Err(()));
        let shipped = Detector::Shipped;
        assert!(shipped.id().starts_with(shipped.name()));
    }
}
