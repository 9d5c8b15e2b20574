//! The layout of a dataset on disk: `images/Some_Name_0001.jpg` and `pairs.csv`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::EvalError;

/// A dataset's pictures and its protocol.
pub(super) struct Dataset {
    /// Its folder's name.
    pub(super) name: String,
    /// By file name, so that every run sees the same order.
    pub(super) images: Vec<DatasetImage>,
    /// The verification protocol's pairs.
    pub(super) pairs: Vec<Pair>,
    /// Different people among the pictures.
    pub(super) subjects: usize,
}

/// One picture.
pub(super) struct DatasetImage {
    pub(super) path: PathBuf,
    /// Index of the person that its name says it shows.
    pub(super) subject: usize,
}

/// One comparison of the protocol, by indices of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) fold: u32,
    pub(super) same: bool,
    pub(super) images: [usize; 2],
}

#[derive(Deserialize)]
struct PairRow {
    fold: u32,
    same: u8,
    image_a: String,
    image_b: String,
}

impl Dataset {
    /// Lists the pictures and reads the pairs; no picture is opened yet.
    pub(super) fn read(folder: &Path) -> Result<Self, EvalError> {
        let names = list_images(&folder.join("images"))?;
        let mut subjects = BTreeMap::new();
        let mut images = Vec::with_capacity(names.len());
        for (name, path) in &names {
            let person = person(name).ok_or_else(|| EvalError::Name(path.clone()))?;
            let next = subjects.len();
            let subject = *subjects.entry(person).or_insert(next);
            images.push(DatasetImage {
                path: path.clone(),
                subject,
            });
        }
        let subjects = subjects.len();
        Ok(Self {
            name: folder_name(folder),
            pairs: read_pairs(&folder.join("pairs.csv"), &names)?,
            images,
            subjects,
        })
    }

    /// The first fold that each subject takes part in; `None` for those in no pair.
    pub(super) fn folds_of_subjects(&self) -> Vec<Option<u32>> {
        let mut folds = vec![None; self.subjects];
        for pair in &self.pairs {
            for image in pair.images {
                let fold = &mut folds[self.images[image].subject];
                *fold = Some(fold.map_or(pair.fold, |first: u32| first.min(pair.fold)));
            }
        }
        folds
    }
}

fn folder_name(folder: &Path) -> String {
    let absolute = folder.canonicalize();
    let name = absolute.as_deref().unwrap_or(folder).file_name();
    name.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// File names with their paths, in order of name.
fn list_images(folder: &Path) -> Result<BTreeMap<String, PathBuf>, EvalError> {
    let failed = |source| EvalError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut names = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let Some(name) = path.file_name() {
            names.insert(name.to_string_lossy().into_owned(), path);
        }
    }
    Ok(names)
}

/// `Some_Name` of `Some_Name_0001.jpg`.
fn person(name: &str) -> Option<&str> {
    let (stem, _) = name.rsplit_once('.')?;
    let (person, number) = stem.rsplit_once('_')?;
    let numbered = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (numbered && !person.is_empty()).then_some(person)
}

fn read_pairs(path: &Path, names: &BTreeMap<String, PathBuf>) -> Result<Vec<Pair>, EvalError> {
    let failed = |source| EvalError::Pairs {
        path: path.to_owned(),
        source,
    };
    let indices: BTreeMap<&str, usize> = names.keys().map(String::as_str).zip(0..).collect();
    let find = |name: String| match indices.get(name.as_str()) {
        Some(&index) => Ok(index),
        None => Err(EvalError::UnknownImage(name)),
    };
    let mut pairs = Vec::new();
    for row in csv::Reader::from_path(path)
        .map_err(failed)?
        .into_deserialize()
    {
        let row: PairRow = row.map_err(failed)?;
        pairs.push(Pair {
            fold: row.fold,
            same: row.same != 0,
            images: [find(row.image_a)?, find(row.image_b)?],
        });
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str], pairs: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("images")).unwrap();
        for file in files {
            fs::write(folder.path().join("images").join(file), b"").unwrap();
        }
        fs::write(folder.path().join("pairs.csv"), pairs).unwrap();
        folder
    }

    #[test]
    fn people_are_told_by_the_names_of_their_pictures() {
        let folder = folder(
            &["Al_Gore_0002.jpg", "Al_0001.jpg", "Al_Gore_0001.jpg"],
            "fold,same,image_a,image_b\n2,1,Al_Gore_0002.jpg,Al_Gore_0001.jpg\n1,0,Al_0001.jpg,Al_Gore_0001.jpg\n",
        );
        let dataset = Dataset::read(folder.path()).unwrap();
        assert_eq!(dataset.subjects, 2);
        let subjects: Vec<_> = dataset.images.iter().map(|image| image.subject).collect();
        assert_eq!(subjects, [0, 1, 1]);
        let first = Pair {
            fold: 2,
            same: true,
            images: [2, 1],
        };
        assert_eq!(dataset.pairs[0], first);
        assert_eq!(dataset.folds_of_subjects(), [Some(1), Some(1)]);
    }

    #[test]
    fn a_picture_without_a_number_or_a_pair_without_a_picture_is_an_error() {
        let unnumbered = folder(&["Al.jpg"], "fold,same,image_a,image_b\n");
        assert!(matches!(
            Dataset::read(unnumbered.path()),
            Err(EvalError::Name(_))
        ));
        let missing = folder(
            &["Al_0001.jpg"],
            "fold,same,image_a,image_b\n1,0,Al_0001.jpg,B_0001.jpg\n",
        );
        assert!(matches!(
            Dataset::read(missing.path()),
            Err(EvalError::UnknownImage(name)) if name == "B_0001.jpg"
        ));
    }
}
