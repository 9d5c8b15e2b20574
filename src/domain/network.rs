//! What networks take and give: what a manifest says of a model besides where it comes from.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A network: how it is fed, and what is read of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// What it is for.
    pub role: Role,
    /// What it takes.
    pub input: Input,
    /// Names of what is read of it, in the order in which the pipeline expects them.
    pub outputs: Vec<String>,
    /// How many values of a template it makes, where it makes templates.
    pub template_values: Option<usize>,
}

/// What a network is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Finds faces.
    FaceDetector,
    /// Finds points of a face.
    Landmarks,
    /// Turns an aligned face into a template, or a part of one.
    Embedder,
    /// Tells a live face from a picture of one.
    Liveness,
    /// Tells which way a head is turned.
    Pose,
    /// Tells whether an eye is open.
    Eyes,
    /// Finds lines of text.
    TextDetector,
    /// Reads a line of text.
    TextRecogniser,
}

/// What a network takes: pictures, as one tensor.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Pictures at once.
    #[serde(default = "one")]
    pub pictures: u32,
    /// In which order the values of a picture come.
    #[serde(default)]
    pub layout: InputLayout,
    /// In which order the colours of a pixel come.
    pub channels: ChannelOrder,
    /// Width in pixels; none where any will do.
    pub width: Option<u32>,
    /// Height in pixels; none where any will do.
    pub height: Option<u32>,
    /// Taken off each value from 0 to 255.
    pub mean: ByColour,
    /// What is left is multiplied by it.
    pub scale: ByColour,
}

/// In which order the values of a picture come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputLayout {
    /// One colour after the other.
    #[default]
    Nchw,
    /// One pixel after the other.
    Nhwc,
}

/// In which order colours come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelOrder {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// Luminance alone, by the weights of ITU-R BT.601.
    Grey,
}

/// A number for all colours, or one for each: red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum ByColour {
    /// For all of them, and for luminance.
    All(f32),
    /// For each.
    Each([f32; 3]),
}

impl Input {
    /// The shape of its tensor; -1 stands for a side that is left open.
    #[must_use]
    pub fn shape(&self) -> [i64; 4] {
        let side = |side: Option<u32>| side.map_or(-1, i64::from);
        let pictures = i64::from(self.pictures);
        let colours = self.channels.count();
        let (width, height) = (side(self.width), side(self.height));
        match self.layout {
            InputLayout::Nchw => [pictures, colours, height, width],
            InputLayout::Nhwc => [pictures, height, width, colours],
        }
    }
}

impl ChannelOrder {
    /// How many values a pixel has.
    const fn count(self) -> i64 {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Grey => 1,
        }
    }
}

impl ByColour {
    /// Those of red, green and blue.
    #[must_use]
    pub const fn each(self) -> [f32; 3] {
        match self {
            Self::All(value) => [value; 3],
            Self::Each(values) => values,
        }
    }

    /// That of luminance: of three, the mean.
    #[must_use]
    pub fn of_luminance(self) -> f32 {
        let [red, green, blue] = self.each();
        (red + green + blue) / 3.0
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: Option<u32>| side.map_or("any".to_owned(), |side| side.to_string());
        let (width, height) = (side(self.width), side(self.height));
        let Self {
            pictures,
            layout,
            channels,
            mean,
            scale,
            ..
        } = self;
        write!(
            f,
            "{pictures} x {width} x {height} {channels} as {layout}, (value - {mean}) * {scale}"
        )
    }
}

impl fmt::Display for InputLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nchw => "nchw",
            Self::Nhwc => "nhwc",
        })
    }
}

impl fmt::Display for ChannelOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rgb => "rgb",
            Self::Bgr => "bgr",
            Self::Grey => "grey",
        })
    }
}

impl fmt::Display for ByColour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(value) => value.fmt(f),
            Self::Each(values) => write!(f, "{values:?}"),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FaceDetector => "face_detector",
            Self::Landmarks => "landmarks",
            Self::Embedder => "embedder",
            Self::Liveness => "liveness",
            Self::Pose => "pose",
            Self::Eyes => "eyes",
            Self::TextDetector => "text_detector",
            Self::TextRecogniser => "text_recogniser",
        })
    }
}

const fn one() -> u32 {
    1
}
