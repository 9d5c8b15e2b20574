//! From an aligned face to its template, by one network or by two, or by one of the user's own.
//!
//! Two networks err on different faces. So the better template holds the answers of both, side by side: the cosine of two
//! such templates is the weighted mean of the two networks' cosines. Which networks, how much each counts, and whether the
//! mirror image of a face, which errs a little differently, is averaged with it, are an embedder's [`Recipe`].

use image::Rgb32FImage;

use super::VisionError;
use super::align::SIDE;
use super::files::ModelFiles;
use super::own::OwnNetwork;
use super::session::{Loader, Model, ModelError};
use super::tensor::tensor_of_face;
use crate::assets::{network, recipe};
use crate::domain::embedder::{Embedder, Recipe};
use crate::domain::face::{Template, length};

/// Whose answers are the longer, the better a face can be recognised.
const FR_FEATURE: &str = "fr_feature";
/// The networks of [`Parts`].
const OF_PARTS: [&str; 3] = [FR_FEATURE, "mobile_face_net", "sface"];
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
        let mut pair = |name: &str| -> Option<[Vec<f32>; 2]> {
            let length = network(name).1.template_values?;
            let (face, after) = rest.split_at_checked(length)?;
            let (mirrored, after) = after.split_at_checked(length)?;
            rest = after;
            Some([face.to_vec(), mirrored.to_vec()])
        };
        let [fr_feature, mobile_face_net, sface] = OF_PARTS.map(&mut pair);
        Some(Self {
            fr_feature: fr_feature?,
            mobile_face_net: mobile_face_net?,
            sface: sface?,
        })
    }

    fn template(self) -> Vec<f32> {
        let pairs = [self.fr_feature, self.mobile_face_net, self.sface];
        pairs.into_iter().flatten().flatten().collect()
    }
}

/// The networks that are needed, and what is made of their answers.
pub(super) enum FaceEmbedder {
    /// By networks that the service ships with, in the order of the recipe.
    Shipped {
        id: &'static str,
        recipe: &'static Recipe,
        networks: Vec<Network>,
    },
    /// By one of the user's own.
    Own {
        id: &'static str,
        network: OwnNetwork,
    },
    /// All that the networks of [`OF_PARTS`] answer.
    Parts(Box<[Network; 3]>),
}

/// A network that the service ships with.
pub(super) struct Network {
    name: &'static str,
    model: Model,
}

impl FaceEmbedder {
    /// Loads those that are needed.
    pub(super) fn load(
        loader: Loader<'_>,
        files: &ModelFiles,
        made: Made,
    ) -> Result<Self, ModelError> {
        let load = |name: &'static str| Network::load(loader, files, name);
        let embedder = match made {
            Made::Templates(embedder) => embedder,
            Made::Parts => {
                let [first, second, third] = OF_PARTS;
                let networks = [load(first)?, load(second)?, load(third)?];
                return Ok(Self::Parts(Box::new(networks)));
            }
        };
        let id = embedder.id();
        Ok(match embedder {
            Embedder::Own(own) => Self::Own {
                id,
                network: OwnNetwork::load(loader, own)?,
            },
            Embedder::Sface | Embedder::Fused | Embedder::FrFeature => {
                let recipe = recipe(embedder.name());
                let networks = recipe.parts.iter().map(|part| load(&part.network));
                Self::Shipped {
                    id,
                    recipe,
                    networks: networks.collect::<Result<_, _>>()?,
                }
            }
        })
    }

    /// The networks that are loaded.
    pub(super) fn models(&mut self) -> impl Iterator<Item = &mut Model> {
        let (shipped, own) = match self {
            Self::Shipped { networks, .. } => (networks.as_mut_slice(), None),
            Self::Own { network, .. } => (&mut [][..], Some(network.model())),
            Self::Parts(networks) => (networks.as_mut_slice(), None),
        };
        let shipped = shipped.iter_mut().map(|network| &mut network.model);
        shipped.chain(own)
    }

    /// The template of an aligned face, and the length of what `fr_feature` answers of it, where that is asked.
    pub(super) fn embed(
        &mut self,
        aligned: &Rgb32FImage,
    ) -> Result<(Template, Option<f64>), VisionError> {
        let (id, values, length) = match self {
            Self::Shipped {
                id,
                recipe,
                networks,
            } => {
                let (values, length) = side_by_side_of(networks, recipe, aligned)?;
                (*id, values, length)
            }
            Self::Own { id, network } => (*id, network.embed(aligned)?, None),
            Self::Parts(_) => {
                let parts = self.parts(aligned)?;
                let length = length(&parts.fr_feature[0]);
                (PARTS, parts.template(), Some(length))
            }
        };
        let template = Template::normalised(id, values)
            .map_err(|error| VisionError::Inference(error.to_string()))?;
        Ok((template, length))
    }

    /// What all shipped networks answer of a face and its mirror image.
    pub(super) fn parts(&mut self, aligned: &Rgb32FImage) -> Result<Parts, VisionError> {
        let Self::Parts(networks) = self else {
            let absent = "a network that is needed is not loaded";
            return Err(VisionError::Inference(absent.to_owned()));
        };
        let [fr_feature, mobile_face_net, sface] = &mut **networks;
        Ok(Parts {
            fr_feature: fr_feature.both(aligned)?,
            mobile_face_net: mobile_face_net.both(aligned)?,
            sface: sface.both(aligned)?,
        })
    }
}

/// A template's values by a recipe, and the length of what `fr_feature` answers, where it is among the networks.
fn side_by_side_of(
    networks: &mut [Network],
    recipe: &Recipe,
    aligned: &Rgb32FImage,
) -> Result<(Vec<f32>, Option<f64>), VisionError> {
    let mut length_of_answer = None;
    let mut answers = Vec::new();
    for (network, part) in networks.iter_mut().zip(&recipe.parts) {
        let (of_face, answer) = if recipe.mirror {
            let both = network.both(aligned)?;
            (length(&both[0]), sum(&both))
        } else {
            let answer = network.one(aligned)?;
            (length(&answer), answer)
        };
        if network.name == FR_FEATURE {
            length_of_answer = Some(of_face);
        }
        answers.push((answer, part.share));
    }
    Ok((side_by_side(&answers), length_of_answer))
}

impl Network {
    fn load(
        loader: Loader<'_>,
        files: &ModelFiles,
        name: &'static str,
    ) -> Result<Self, ModelError> {
        let model = Model::shipped(loader, files, name)?;
        Ok(Self { name, model })
    }

    /// What it answers of a face.
    fn one(&mut self, aligned: &Rgb32FImage) -> Result<Vec<f32>, VisionError> {
        let face = tensor_of_face(aligned, self.model.input());
        self.run(&face)
    }

    /// What it answers of a face, and of its mirror image: at once, where it takes two.
    fn both(&mut self, aligned: &Rgb32FImage) -> Result<[Vec<f32>; 2], VisionError> {
        let face = tensor_of_face(aligned, self.model.input());
        let mirrored = mirrored(&face);
        if self.model.input().pictures == 2 {
            let mut of_face = self.run(&[face, mirrored].concat())?;
            let of_mirrored = of_face.split_off(of_face.len() / 2);
            Ok([of_face, of_mirrored])
        } else {
            Ok([self.run(&face)?, self.run(&mirrored)?])
        }
    }

    fn run(&mut self, input: &[f32]) -> Result<Vec<f32>, VisionError> {
        Ok(self.model.run(input)?.swap_remove(0))
    }
}

/// What `fr_feature` takes of an aligned face.
#[must_use]
pub fn embedder_input(aligned: &Rgb32FImage) -> Vec<f32> {
    tensor_of_face(aligned, &network(FR_FEATURE).1.input)
}

/// The same picture, left and right exchanged.
fn mirrored(tensor: &[f32]) -> Vec<f32> {
    let rows = tensor.chunks(SIDE as usize);
    rows.flat_map(|row| row.iter().rev().copied()).collect()
}

/// Networks' answers, each at length 1 times the root of its share: the cosine of each counts by that. The one that says most
/// in the fewest values comes first, since a search's first look goes by the first values.
#[must_use]
pub(crate) fn side_by_side(answers: &[(Vec<f32>, f64)]) -> Vec<f32> {
    let scaled = |(values, share): &(Vec<f32>, f64)| {
        let scale = share.sqrt() / length(values);
        let scaled = values
            .iter()
            .map(|value| (f64::from(*value) * scale) as f32);
        scaled.collect::<Vec<f32>>()
    };
    answers.iter().flat_map(scaled).collect()
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
        let [fr_feature, mobile_face_net, sface] = OF_PARTS.map(|name| {
            let count = network(name).1.template_values.unwrap();
            [values(count, seed), values(count, seed + 0.1)]
        });
        Parts {
            fr_feature,
            mobile_face_net,
            sface,
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
            let shares = [f64::from(share), f64::from(1.0 - share)];
            let [a, b] = [&a, &b].map(|[first, second]| {
                side_by_side(&[(second.clone(), shares[0]), (first.clone(), shares[1])])
            });
            let found = cosine(a, b);
            let expected = share * of_second + (1.0 - share) * of_first;
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
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
        let picture = Rgb32FImage::from_fn(SIDE, SIDE, |x, y| {
            image::Rgb([x as f32, y as f32, (x * y % 251) as f32])
        });
        let turned = image::imageops::flip_horizontal(&picture);
        assert_eq!(mirrored(&embedder_input(&picture)), embedder_input(&turned));
    }
}
