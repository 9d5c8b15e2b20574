//! People who do not exist: templates that spread like those of real faces.

use std::f32::consts::TAU;

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::domain::embedder::Embedder;
use crate::domain::face::Template;
use crate::eval::Spectrum;

/// How the templates of the embedders spread, measured by `likeness eval --spectrum`.
const FR_FEATURE: &str = include_str!("spectra/fr_feature.json");
const FUSED: &str = include_str!("spectra/fused.json");
const SFACE: &str = include_str!("spectra/sface.json");
const SEED: u64 = 20_261_123;

/// As many people as are wanted, each by number, always the same.
pub(super) struct Population {
    spectrum: Spectrum,
    /// One direction of the templates' space for each axis of the spectrum, at right angles to the others.
    axes: Vec<Vec<f32>>,
    seed: u64,
}

impl Population {
    /// People whose templates spread like those of an embedder.
    pub(super) fn of(embedder: Embedder) -> anyhow::Result<Self> {
        let spectrum = match embedder {
            Embedder::Fused => FUSED,
            Embedder::FrFeature => FR_FEATURE,
            Embedder::Sface => SFACE,
            Embedder::Own(_) => {
                anyhow::bail!("how its templates spread is known of the shipped embedders alone")
            }
        };
        let spectrum = serde_json::from_str(spectrum).context("the committed spectrum")?;
        Ok(Self::new(spectrum, SEED))
    }

    fn new(spectrum: Spectrum, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut axes: Vec<Vec<f32>> = Vec::with_capacity(spectrum.between.len());
        while axes.len() < spectrum.between.len() {
            let mut axis: Vec<f32> = (0..spectrum.dimensions).map(|_| normal(&mut rng)).collect();
            for other in &axes {
                let along: f32 = axis.iter().zip(other).map(|(a, b)| a * b).sum();
                axis.iter_mut()
                    .zip(other)
                    .for_each(|(a, b)| *a -= along * b);
            }
            let length = axis.iter().map(|a| a * a).sum::<f32>().sqrt();
            axis.iter_mut().for_each(|a| *a /= length);
            axes.push(axis);
        }
        Self {
            spectrum,
            axes,
            seed,
        }
    }

    /// The model whose templates these could be.
    pub(super) fn model_id(&self) -> &str {
        &self.spectrum.model_id
    }

    pub(super) fn dimensions(&self) -> usize {
        self.spectrum.dimensions
    }

    /// A person's template from one of their pictures.
    pub(super) fn template(&self, person: u64, picture: u64) -> Template {
        let mut of_person =
            StdRng::seed_from_u64(self.seed ^ person.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut of_picture = StdRng::seed_from_u64(of_person.random::<u64>() ^ picture);
        let mut values = vec![0.0; self.spectrum.dimensions];
        let variances = self.spectrum.between.iter().zip(&self.spectrum.within);
        for (axis, (between, within)) in self.axes.iter().zip(variances) {
            let mean = between.sqrt() as f32 * normal(&mut of_person);
            let at = mean + within.sqrt() as f32 * normal(&mut of_picture);
            values
                .iter_mut()
                .zip(axis)
                .for_each(|(value, axis)| *value += at * axis);
        }
        Template::normalised(&self.spectrum.model_id, values)
            .expect("a sum of many random directions has a direction")
    }
}

/// A normally distributed number, by the method of Box and Muller.
fn normal(rng: &mut StdRng) -> f32 {
    let (radius, angle): (f32, f32) = (rng.random(), rng.random());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (TAU * angle).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_embedder_has_a_spectrum_of_its_own() {
        for embedder in Embedder::SHIPPED {
            let population = Population::of(embedder).unwrap();
            assert_eq!(population.model_id(), embedder.id());
            assert_eq!(population.dimensions(), embedder.dimensions());
        }
    }

    #[test]
    fn pictures_of_one_person_are_alike_and_those_of_two_are_not() {
        let spectrum = Spectrum {
            model_id: "m".to_owned(),
            dataset: String::new(),
            dataset_sha256: String::new(),
            subjects: 0,
            templates: 0,
            dimensions: 256,
            between: vec![2.0; 100],
            within: vec![1.0; 100],
        };
        let population = Population::new(spectrum, 1);
        let similarity = |a: Template, b: Template| a.similarity(&b).unwrap();
        let mean = |of: &dyn Fn(u64) -> f32| (0..200).map(of).sum::<f32>() / 200.0;
        let mated = mean(&|i| similarity(population.template(i, 0), population.template(i, 1)));
        let non_mated =
            mean(&|i| similarity(population.template(i, 0), population.template(i + 1, 0)));
        assert!((mated - 2.0 / 3.0).abs() < 0.02, "{mated}");
        assert!(non_mated.abs() < 0.02, "{non_mated}");
        assert_eq!(population.template(7, 3), population.template(7, 3));
    }
}
