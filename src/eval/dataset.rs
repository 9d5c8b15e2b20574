//! A folder of pictures of known people.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::EvalError;

/// One comparison of the verification protocol.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Pair {
    pub(super) fold: u32,
    same: u8,
    pub(super) image_a: String,
    pub(super) image_b: String,
}

impl Pair {
    /// Whether both pictures show one person.
    pub(super) fn is_mated(&self) -> bool {
        self.same != 0
    }
}

/// One picture of the dataset.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    /// Its file's name without the ending.
    pub(super) name: String,
    /// Index of the person it shows.
    pub(super) subject: usize,
    path: PathBuf,
}

impl Picture {
    pub(super) fn read(&self) -> Result<Vec<u8>, EvalError> {
        fs::read(&self.path).map_err(|source| EvalError::Io {
            path: self.path.clone(),
            source,
        })
    }
}

/// Pictures by name, and the protocol's pairs.
pub(super) struct Dataset {
    pub(super) name: String,
    pub(super) pictures: Vec<Picture>,
    pub(super) pairs: Vec<Pair>,
}

impl Dataset {
    pub(super) fn open(folder: &Path) -> Result<Self, EvalError> {
        let name = folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let pictures = list(&folder.join("images"))?;
        let pairs = read_pairs(&folder.join("pairs.csv"))?;
        Ok(Self {
            name: name.unwrap_or_else(|| "dataset".to_owned()),
            pictures,
            pairs,
        })
    }

    /// SHA-256 over every picture in order of name.
    pub(super) fn sha256(&self) -> Result<String, EvalError> {
        let mut hash = Sha256::new();
        for picture in &self.pictures {
            hash.update(picture.read()?);
        }
        Ok(hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect())
    }
}

fn list(folder: &Path) -> Result<Vec<Picture>, EvalError> {
    let failed = |source| EvalError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    let mut subjects = BTreeMap::new();
    let pictures = paths.into_iter().filter_map(|path| {
        let name = path.file_stem()?.to_str()?.to_owned();
        let (subject, _) = name.rsplit_once('_')?;
        let next = subjects.len();
        let subject = *subjects.entry(subject.to_owned()).or_insert(next);
        Some(Picture {
            name,
            subject,
            path,
        })
    });
    Ok(pictures.collect())
}

fn read_pairs(path: &Path) -> Result<Vec<Pair>, EvalError> {
    let failed = |error: csv::Error| EvalError::Pairs {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let mut reader = csv::Reader::from_path(path).map_err(failed)?;
    let pairs = reader.deserialize().map(|row: Result<Pair, _>| {
        let mut pair = row.map_err(failed)?;
        for image in [&mut pair.image_a, &mut pair.image_b] {
            if let Some(stem) = Path::new(image.as_str())
                .file_stem()
                .and_then(|stem| stem.to_str())
            {
                *image = stem.to_owned();
            }
        }
        Ok(pair)
    });
    pairs.collect()
}
