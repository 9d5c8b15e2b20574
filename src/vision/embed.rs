//! From an aligned face to its template, by one network or by two, or by one of the user's own.
//!
//! `fr_feature` and MobileFaceNet err on different faces, and a network on a face and on its mirror image errs a little
//! differently too. So the better template holds both networks' answers, each averaged over the two images, side by
//! side: the cosine of two such templates is the weighted mean of the two networks' cosines.

use image::RgbImage;

use super::VisionError;
use super::align::SIDE;
use super::crop::{Channels, planar};
use super::files::ModelFiles;
use super::own::OwnNetwork;
use super::session::{Loader, Model, ModelError};
use super::tflite;
use crate::domain::embedder::Embedder;
use crate::domain::face::{Template, length};

/// Values of `fr_feature`.
pub(crate) const FR_FEATURE: usize = 512;
/// Values of MobileFaceNet.
pub(crate) const MOBILE_FACE_NET: usize = 192;
/// How much MobileFaceNet's cosine counts; the rest is that of `fr_feature`. `likeness eval --embedders` shows how it was
/// found.
pub(crate) const SHARE_OF_MOBILE_FACE_NET: f64 = 0.3;
/// Id of templates that are not for comparison.
const PARTS: &str = "parts";

/// What is made of a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    Templates(Embedder),
    /// All that the networks answer: see [`Parts`].
    Parts,
}

/// What the networks answer of one face, as they answer it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// `fr_feature` of the face, and of its mirror image.
    pub fr_feature: [Vec<f32>; 2],
    /// MobileFaceNet of the same two.
    pub mobile_face_net: [Vec<f32>; 2],
}

impl Parts {
    /// Those of a template that was made of them alone: it holds them one after the other, scaled.
    #[must_use]
    pub fn of(template: &Template) -> Option<Self> {
        let values = template.values();
        let (fr_feature, mobile_face_net) = values.split_at_checked(2 * FR_FEATURE)?;
        let (a, b) = fr_feature.split_at(FR_FEATURE);
        let (c, d) = mobile_face_net.split_at_checked(MOBILE_FACE_NET)?;
        Some(Self {
            fr_feature: [a.to_vec(), b.to_vec()],
            mobile_face_net: [c.to_vec(), d.to_vec()],
        })
    }

    fn template(self) -> Vec<f32> {
        let [a, b] = self.fr_feature;
        let [c, d] = self.mobile_face_net;
        [a, b, c, d].concat()
    }
}

/// The networks.
pub(super) struct FaceEmbedder {
    networks: Networks,
    made: Made,
}

enum Networks {
    /// `fr_feature` alone.
    FrFeature(Model),
    /// `fr_feature` and MobileFaceNet.
    Both(Model, Model),
    Own(OwnNetwork),
}

impl FaceEmbedder {
    /// Loads those that are needed.
    pub(super) fn load(
        loader: Loader<'_>,
        files: &ModelFiles,
        made: Made,
    ) -> Result<Self, ModelError> {
        let side = i64::from(SIDE);
        let first = || Model::load(loader, &files.embedder, &[1, 3, side, side], &["output"]);
        let second = || {
            let shape = [2, 3, side, side];
            Model::load(loader, &files.mobile_face_net, &shape, &[tflite::OUTPUT])
        };
        let networks = match made {
            Made::Templates(Embedder::Own(own)) => Networks::Own(OwnNetwork::load(loader, own)?),
            Made::Templates(Embedder::FrFeature) => Networks::FrFeature(first()?),
            Made::Templates(Embedder::Fused) | Made::Parts => Networks::Both(first()?, second()?),
        };
        Ok(Self { networks, made })
    }

    /// The networks that are loaded.
    pub(super) fn models(&mut self) -> impl Iterator<Item = &mut Model> {
        let (first, second) = match &mut self.networks {
            Networks::FrFeature(model) => (model, None),
            Networks::Both(first, second) => (first, Some(second)),
            Networks::Own(own) => (own.model(), None),
        };
        [first].into_iter().chain(second)
    }

    /// The template of an aligned face, and the length of what `fr_feature` answers of it, where that is asked.
    pub(super) fn embed(
        &mut self,
        aligned: &RgbImage,
    ) -> Result<(Template, Option<f64>), VisionError> {
        let (values, length_of_first) = match &mut self.networks {
            Networks::Own(own) => (own.embed(aligned)?, None),
            Networks::FrFeature(model) => {
                let values = model.run(&embedder_input(aligned))?.swap_remove(0);
                let length = length(&values);
                (values, Some(length))
            }
            Networks::Both(..) => {
                let parts = self.parts(aligned)?;
                let length = length(&parts.fr_feature[0]);
                let values = match self.made {
                    Made::Parts => parts.template(),
                    Made::Templates(_) => fused(&parts, SHARE_OF_MOBILE_FACE_NET),
                };
                (values, Some(length))
            }
        };
        let id = match self.made {
            Made::Parts => PARTS,
            Made::Templates(embedder) => embedder.id(),
        };
        let template = Template::normalised(id, values)
            .map_err(|error| VisionError::Inference(error.to_string()))?;
        Ok((template, length_of_first))
    }

    /// What both networks answer of a face and its mirror image.
    pub(super) fn parts(&mut self, aligned: &RgbImage) -> Result<Parts, VisionError> {
        let Networks::Both(first, second) = &mut self.networks else {
            let reason = "not both networks are loaded".to_owned();
            return Err(VisionError::Inference(reason));
        };
        let face = embedder_input(aligned);
        let mut answer = |input: &[f32]| -> Result<Vec<f32>, VisionError> {
            Ok(first.run(input)?.swap_remove(0))
        };
        let fr_feature = [answer(&face)?, answer(&mirrored(&face))?];
        let mut both = planar(aligned, Channels::Rgb, [127.5; 3], [1.0 / 128.0; 3]);
        both.extend(mirrored(&both));
        let answers = second.run(&both)?.swap_remove(0);
        let (of_face, of_mirrored) = answers.split_at(answers.len() / 2);
        Ok(Parts {
            fr_feature,
            mobile_face_net: [of_face.to_vec(), of_mirrored.to_vec()],
        })
    }
}

/// What `fr_feature` takes of an aligned face.
#[must_use]
pub fn embedder_input(aligned: &RgbImage) -> Vec<f32> {
    planar(aligned, Channels::Bgr, [127.0; 3], [1.0 / 128.0; 3])
}

/// The same picture, left and right exchanged.
fn mirrored(tensor: &[f32]) -> Vec<f32> {
    let rows = tensor.chunks(SIDE as usize);
    rows.flat_map(|row| row.iter().rev().copied()).collect()
}

/// Both networks' averages at length 1, side by side, so long that MobileFaceNet's cosine counts by its share. It comes
/// first: a search's first look goes by the first values, and MobileFaceNet says more in fewer.
#[must_use]
pub(crate) fn fused(parts: &Parts, share: f64) -> Vec<f32> {
    let [first, second] = [
        (&parts.mobile_face_net, share),
        (&parts.fr_feature, 1.0 - share),
    ]
    .map(|(answers, share)| {
        let sum = sum(answers);
        let scale = share.sqrt() / length(&sum);
        let scaled = move |value: f32| (f64::from(value) * scale) as f32;
        sum.into_iter().map(scaled)
    });
    first.chain(second).collect()
}

/// The direction of the average.
pub(crate) fn sum([a, b]: &[Vec<f32>; 2]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(seed: f32) -> Parts {
        let values = |count: usize, seed: f32| -> Vec<f32> {
            (0..count).map(|i| (i as f32 * seed + seed).sin()).collect()
        };
        Parts {
            fr_feature: [values(FR_FEATURE, seed), values(FR_FEATURE, seed + 0.1)],
            mobile_face_net: [
                values(MOBILE_FACE_NET, seed),
                values(MOBILE_FACE_NET, seed + 0.2),
            ],
        }
    }

    fn cosine(a: Vec<f32>, b: Vec<f32>) -> f32 {
        let [a, b] = [a, b].map(|values| Template::normalised("m", values).unwrap());
        a.similarity(&b).unwrap()
    }

    #[test]
    fn the_cosine_of_fused_templates_is_the_weighted_mean_of_both() {
        let (a, b) = (parts(0.7), parts(0.9));
        let mobile = cosine(sum(&a.mobile_face_net), sum(&b.mobile_face_net));
        let other = cosine(sum(&a.fr_feature), sum(&b.fr_feature));
        for share in [0.25_f32, 0.5, 0.75] {
            let found = cosine(fused(&a, share.into()), fused(&b, share.into()));
            let expected = share * mobile + (1.0 - share) * other;
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
        assert_eq!(fused(&a, 0.5).len(), Embedder::Fused.dimensions());
    }

    #[test]
    fn parts_come_back_out_of_a_template() {
        let parts = parts(0.7);
        let template = Template::normalised(PARTS, parts.clone().template()).unwrap();
        let back = Parts::of(&template).unwrap();
        let turned = cosine(fused(&parts, 0.5), fused(&back, 0.5));
        assert!((turned - 1.0).abs() < 1e-6);
        let too_short = Template::normalised(PARTS, vec![1.0; 1_100]).unwrap();
        assert_eq!(Parts::of(&too_short), None);
    }

    #[test]
    fn a_mirrored_tensor_is_that_of_the_mirrored_picture() {
        let picture = RgbImage::from_fn(SIDE, SIDE, |x, y| {
            image::Rgb([x as u8, y as u8, (x * y % 251) as u8])
        });
        let turned = image::imageops::flip_horizontal(&picture);
        assert_eq!(mirrored(&embedder_input(&picture)), embedder_input(&turned));
    }
}
