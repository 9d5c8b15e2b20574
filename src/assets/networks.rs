//! What the networks of `assets.toml` take and give, and which of them make templates together: read once, and handed on.

use std::sync::LazyLock;

use super::manifest::{Asset, Manifest, committed};
use crate::domain::embedder::Recipe;
use crate::domain::network::Network;

static LISTED: LazyLock<Manifest> = LazyLock::new(|| committed().expect("assets.toml is valid"));

/// The file of a model that the service ships with, below the folder of the models, and how its network is run.
///
/// # Panics
/// Where `assets.toml` lists none of this name. It is part of the program, and a test reads it.
pub(crate) fn network(name: &str) -> (&'static str, &'static Network) {
    let mut assets = LISTED.package.iter().flat_map(|package| &package.assets);
    let asset = assets.find(|asset| asset.name == name);
    asset.and_then(described).expect("the network is listed")
}

fn described(asset: &Asset) -> Option<(&str, &Network)> {
    let (_, file) = asset.path.rsplit_once('/')?;
    Some((file, asset.network.as_ref()?))
}

/// The embedders that the service ships with, the default first.
pub(crate) fn recipes() -> &'static [Recipe] {
    &LISTED.embedder
}

/// How one of them makes templates.
///
/// # Panics
/// Where `assets.toml` lists none of this name. It is part of the program, and a test reads it.
pub(crate) fn recipe(name: &str) -> &'static Recipe {
    let mut recipes = recipes().iter();
    let named = recipes.find(|recipe| recipe.name == name);
    named.expect("the embedder is listed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Assets;
    use crate::domain::calibration::Calibration;
    use crate::domain::detector::Detector;
    use crate::domain::embedder::Embedder;
    use crate::domain::network::Role;
    use crate::vision::LIVENESS_ID;
    use crate::vision::document::READER_ID;

    /// What is stored with whatever a model made: its name, and the start of its file's hash.
    fn id(name: &str) -> String {
        let mut assets = LISTED.package.iter().flat_map(|package| &package.assets);
        let asset = assets.find(|asset| asset.name == name).unwrap();
        format!("{name}-{}", &asset.sha256[..8])
    }

    #[test]
    fn every_model_says_how_it_is_run_and_nothing_else_does() {
        for asset in LISTED.package.iter().flat_map(|package| &package.assets) {
            let is_model = asset.path.starts_with("models/");
            assert_eq!(asset.network.is_some(), is_model, "{}", asset.name);
            if is_model {
                let (file, network) = network(&asset.name);
                assert_eq!(
                    Assets::models_in("".as_ref()).join(file).to_str(),
                    Some(asset.path.as_str())
                );
                assert!(!network.outputs.is_empty());
                assert_eq!(
                    network.template_values.is_some(),
                    network.role == Role::Embedder
                );
            }
        }
    }

    #[test]
    fn ids_are_made_of_names_and_hashes() {
        assert_eq!(Detector::Shipped.id(), id(Detector::Shipped.name()));
        assert_eq!(LIVENESS_ID, id("fr_liveness"));
        assert_eq!(
            READER_ID,
            [id("text_detect"), id("text_recognise")].join("+")
        );
        for embedder in Embedder::SHIPPED {
            let mut parts = recipe(embedder.name()).parts.clone();
            parts.sort_by(|a, b| a.network.cmp(&b.network));
            let ids: Vec<String> = parts.iter().map(|part| id(&part.network)).collect();
            assert_eq!(embedder.id(), ids.join("+"));
        }
    }

    #[test]
    fn the_embedders_of_the_program_are_those_of_the_list() {
        let names: Vec<&str> = recipes()
            .iter()
            .map(|recipe| recipe.name.as_str())
            .collect();
        assert_eq!(names, Embedder::SHIPPED.map(Embedder::name));
        for embedder in Embedder::SHIPPED {
            let Recipe {
                parts, calibration, ..
            } = recipe(embedder.name());
            let shares: f64 = parts.iter().map(|part| part.share).sum();
            assert!((shares - 1.0).abs() < 1e-9, "{embedder:?}");
            let values = parts
                .iter()
                .map(|part| network(&part.network).1.template_values.unwrap());
            assert_eq!(values.sum::<usize>(), embedder.dimensions());
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned() + calibration;
            let table = std::fs::read_to_string(file).unwrap();
            assert_eq!(
                Calibration::parse(&table).unwrap(),
                Calibration::of(embedder)
            );
        }
    }
}
