//! From an aligned face to its template, by one network or by two, or by one of the user's own.
//!
//! Two networks err on different faces. So the better template holds the answers of both, side by side: the cosine of two
//! such templates is the weighted mean of the two networks' cosines. With `fr_feature` goes OpenCV Zoo's SFace, or else
//! MobileFaceNet; that is not as good, though both then answer the face and its mirror image, which err a little
//! differently, too, and are averaged.

use std::path::Path;

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
/// Values of SFace.
pub(crate) const SFACE: usize = 128;
/// How much MobileFaceNet's cosine counts; the rest is that of `fr_feature`. `likeness eval --embedders` shows how it was
/// found.
pub(crate) const SHARE_OF_MOBILE_FACE_NET: f64 = 0.3;
/// The same of SFace's.
pub(crate) const SHARE_OF_SFACE: f64 = 0.8;
/// What the networks take: an aligned face.
const FACE: [i64; 4] = [1, 3, SIDE as i64, SIDE as i64];
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
    /// SFace of the same two.
    pub sface: [Vec<f32>; 2],
}

impl Parts {
    /// Those of a template that was made of them alone: it holds them one after the other, scaled.
    #[must_use]
    pub fn of(template: &Template) -> Option<Self> {
        let mut rest = template.values();
        let mut pair = |length: usize| -> Option<[Vec<f32>; 2]> {
            let (face, after) = rest.split_at_checked(length)?;
            let (mirrored, after) = after.split_at_checked(length)?;
            rest = after;
            Some([face.to_vec(), mirrored.to_vec()])
        };
        Some(Self {
            fr_feature: pair(FR_FEATURE)?,
            mobile_face_net: pair(MOBILE_FACE_NET)?,
            sface: pair(SFACE)?,
        })
    }

    fn template(self) -> Vec<f32> {
        let pairs = [self.fr_feature, self.mobile_face_net, self.sface];
        pairs.into_iter().flatten().flatten().collect()
    }
}

/// The networks that are needed, and what is made of their answers.
pub(super) struct FaceEmbedder {
    fr_feature: Option<OneByOne>,
    mobile_face_net: Option<MobileFaceNet>,
    sface: Option<OneByOne>,
    own: Option<OwnNetwork>,
    made: Made,
}

/// A network that takes one face at a time.
struct OneByOne {
    model: Model,
    input: fn(&RgbImage) -> Vec<f32>,
}

/// Takes a face and its mirror image at once.
struct MobileFaceNet {
    model: Model,
}

impl FaceEmbedder {
    /// Loads those that are needed.
    pub(super) fn load(
        loader: Loader<'_>,
        files: &ModelFiles,
        made: Made,
    ) -> Result<Self, ModelError> {
        let (first, second, third, own) = match made {
            Made::Templates(Embedder::Fused) => (true, true, false, None),
            Made::Templates(Embedder::Sface) => (true, false, true, None),
            Made::Templates(Embedder::FrFeature) => (true, false, false, None),
            Made::Templates(Embedder::Own(own)) => (false, false, false, Some(own)),
            Made::Parts => (true, true, true, None),
        };
        let one_by_one = |file: &Path, output, input| OneByOne::load(loader, file, output, input);
        let fr_feature = first.then(|| one_by_one(&files.embedder, "output", embedder_input));
        let mobile_face_net = second.then(|| MobileFaceNet::load(loader, &files.mobile_face_net));
        let sface = third.then(|| one_by_one(&files.sface, "fc1", sface_input));
        let own = own.map(|own| OwnNetwork::load(loader, own));
        Ok(Self {
            fr_feature: fr_feature.transpose()?,
            mobile_face_net: mobile_face_net.transpose()?,
            sface: sface.transpose()?,
            own: own.transpose()?,
            made,
        })
    }

    /// The networks that are loaded.
    pub(super) fn models(&mut self) -> impl Iterator<Item = &mut Model> {
        let shipped = [
            self.fr_feature.as_mut().map(|network| &mut network.model),
            self.mobile_face_net
                .as_mut()
                .map(|network| &mut network.model),
            self.sface.as_mut().map(|network| &mut network.model),
        ];
        let own = self.own.as_mut().map(OwnNetwork::model);
        shipped.into_iter().chain([own]).flatten()
    }

    /// The template of an aligned face, and the length of what `fr_feature` answers of it, where that is asked.
    pub(super) fn embed(
        &mut self,
        aligned: &RgbImage,
    ) -> Result<(Template, Option<f64>), VisionError> {
        let (id, values, length) = match self.made {
            Made::Templates(embedder) => {
                let (values, length) = self.values(embedder, aligned)?;
                (embedder.id(), values, length)
            }
            Made::Parts => {
                let parts = self.parts(aligned)?;
                let length = length(&parts.fr_feature[0]);
                (PARTS, parts.template(), Some(length))
            }
        };
        let template = Template::normalised(id, values)
            .map_err(|error| VisionError::Inference(error.to_string()))?;
        Ok((template, length))
    }

    fn values(
        &mut self,
        embedder: Embedder,
        aligned: &RgbImage,
    ) -> Result<(Vec<f32>, Option<f64>), VisionError> {
        let first = loaded(&mut self.fr_feature);
        Ok(match embedder {
            Embedder::Own(_) => (loaded(&mut self.own)?.embed(aligned)?, None),
            Embedder::FrFeature => {
                let first = first?.answer(aligned)?;
                let length = length(&first);
                (first, Some(length))
            }
            Embedder::Sface => {
                let first = first?.answer(aligned)?;
                let second = loaded(&mut self.sface)?.answer(aligned)?;
                (with_sface(&first, &second), Some(length(&first)))
            }
            Embedder::Fused => {
                let first = first?.both(aligned)?;
                let second = loaded(&mut self.mobile_face_net)?.both(aligned)?;
                (fused(&first, &second), Some(length(&first[0])))
            }
        })
    }

    /// What all shipped networks answer of a face and its mirror image.
    pub(super) fn parts(&mut self, aligned: &RgbImage) -> Result<Parts, VisionError> {
        Ok(Parts {
            fr_feature: loaded(&mut self.fr_feature)?.both(aligned)?,
            mobile_face_net: loaded(&mut self.mobile_face_net)?.both(aligned)?,
            sface: loaded(&mut self.sface)?.both(aligned)?,
        })
    }
}

fn loaded<T>(network: &mut Option<T>) -> Result<&mut T, VisionError> {
    let absent = || VisionError::Inference("a network that is needed is not loaded".to_owned());
    network.as_mut().ok_or_else(absent)
}

impl OneByOne {
    fn load(
        loader: Loader<'_>,
        file: &Path,
        output: &'static str,
        input: fn(&RgbImage) -> Vec<f32>,
    ) -> Result<Self, ModelError> {
        let model = Model::load(loader, file, &FACE, &[output])?;
        Ok(Self { model, input })
    }

    fn answer(&mut self, aligned: &RgbImage) -> Result<Vec<f32>, VisionError> {
        self.run(&(self.input)(aligned))
    }

    fn both(&mut self, aligned: &RgbImage) -> Result<[Vec<f32>; 2], VisionError> {
        let face = (self.input)(aligned);
        Ok([self.run(&face)?, self.run(&mirrored(&face))?])
    }

    fn run(&mut self, input: &[f32]) -> Result<Vec<f32>, VisionError> {
        Ok(self.model.run(input)?.swap_remove(0))
    }
}

impl MobileFaceNet {
    fn load(loader: Loader<'_>, file: &Path) -> Result<Self, ModelError> {
        let [_, channels, height, width] = FACE;
        let shape = [2, channels, height, width];
        let model = Model::load(loader, file, &shape, &[tflite::OUTPUT])?;
        Ok(Self { model })
    }

    fn both(&mut self, aligned: &RgbImage) -> Result<[Vec<f32>; 2], VisionError> {
        let mut both = planar(aligned, Channels::Rgb, [127.5; 3], [1.0 / 128.0; 3]);
        both.extend(mirrored(&both));
        let answers = self.model.run(&both)?.swap_remove(0);
        let (of_face, of_mirrored) = answers.split_at(answers.len() / 2);
        Ok([of_face.to_vec(), of_mirrored.to_vec()])
    }
}

/// What `fr_feature` takes of an aligned face.
#[must_use]
pub fn embedder_input(aligned: &RgbImage) -> Vec<f32> {
    planar(aligned, Channels::Bgr, [127.0; 3], [1.0 / 128.0; 3])
}

/// What SFace takes of an aligned face: it brings values from 0 to 255 into its own range itself.
fn sface_input(aligned: &RgbImage) -> Vec<f32> {
    planar(aligned, Channels::Rgb, [0.0; 3], [1.0; 3])
}

/// The same picture, left and right exchanged.
fn mirrored(tensor: &[f32]) -> Vec<f32> {
    let rows = tensor.chunks(SIDE as usize);
    rows.flat_map(|row| row.iter().rev().copied()).collect()
}

/// What `fr_feature` and MobileFaceNet answer of a face and its mirror image, as a template.
#[must_use]
pub(crate) fn fused(fr_feature: &[Vec<f32>; 2], mobile_face_net: &[Vec<f32>; 2]) -> Vec<f32> {
    side_by_side(
        &sum(fr_feature),
        &sum(mobile_face_net),
        SHARE_OF_MOBILE_FACE_NET,
    )
}

/// What `fr_feature` and SFace answer of a face, as a template.
#[must_use]
pub(crate) fn with_sface(fr_feature: &[f32], sface: &[f32]) -> Vec<f32> {
    side_by_side(fr_feature, sface, SHARE_OF_SFACE)
}

/// Two networks' answers at length 1, so long that the second's cosine counts by its share. It comes first: a search's
/// first look goes by the first values, and the second network says more in fewer.
#[must_use]
pub(crate) fn side_by_side(first: &[f32], second: &[f32], share: f64) -> Vec<f32> {
    let scaled = |values: &[f32], share: f64| {
        let scale = share.sqrt() / length(values);
        let scaled = values
            .iter()
            .map(move |value| (f64::from(*value) * scale) as f32);
        scaled.collect::<Vec<f32>>()
    };
    [scaled(second, share), scaled(first, 1.0 - share)].concat()
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
            sface: [values(SFACE, seed), values(SFACE, seed + 0.3)],
        }
    }

    fn cosine(a: Vec<f32>, b: Vec<f32>) -> f32 {
        let [a, b] = [a, b].map(|values| Template::normalised("m", values).unwrap());
        a.similarity(&b).unwrap()
    }

    #[test]
    fn the_cosine_of_two_answers_side_by_side_is_their_weighted_mean() {
        let [a, b] = [parts(0.7), parts(0.9)].map(|p| [sum(&p.fr_feature), sum(&p.sface)]);
        let [of_first, of_second] = [0, 1].map(|at| cosine(a[at].clone(), b[at].clone()));
        for share in [0.25_f32, 0.5, 0.75] {
            let [a, b] = [&a, &b].map(|[first, second]| side_by_side(first, second, share.into()));
            let found = cosine(a, b);
            let expected = share * of_second + (1.0 - share) * of_first;
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }

    #[test]
    fn templates_are_as_long_as_their_embedders_say() {
        let Parts {
            fr_feature,
            mobile_face_net,
            sface,
        } = parts(0.7);
        let fused = fused(&fr_feature, &mobile_face_net);
        assert_eq!(fused.len(), Embedder::Fused.dimensions());
        let with_sface = with_sface(&fr_feature[0], &sface[0]);
        assert_eq!(with_sface.len(), Embedder::Sface.dimensions());
    }

    #[test]
    fn parts_come_back_out_of_a_template() {
        let parts = parts(0.7);
        let template = Template::normalised(PARTS, parts.clone().template()).unwrap();
        let back = Parts::of(&template).unwrap();
        let pairs = |parts: Parts| [parts.fr_feature, parts.mobile_face_net, parts.sface];
        for (there, back) in pairs(parts).into_iter().zip(pairs(back)) {
            for (there, back) in there.into_iter().zip(back) {
                assert!((cosine(there, back) - 1.0).abs() < 1e-6);
            }
        }
        let too_short = Template::normalised(PARTS, vec![1.0; 1_500]).unwrap();
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
