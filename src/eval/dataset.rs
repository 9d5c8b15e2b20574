//! The layout of a dataset on disk: `images/Some_Name_0001.jpg`, `pairs.csv`, and maybe `subjects.csv`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::EvalError;

/// Share of the folds whose people a table is made from when it is checked against the others.
const FITTED_FOLDS: f64 = 0.6;

/// A dataset's pictures and its protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Dataset {
    /// Its folder's name.
    pub(super) name: String,
    /// Where its pictures are, while they are needed.
    #[serde(skip)]
    folder: PathBuf,
    /// By file name, so that every run sees the same order.
    pub(super) images: Vec<DatasetImage>,
    /// The verification protocol's pairs.
    pub(super) pairs: Vec<Pair>,
    /// Different people among the pictures.
    pub(super) subjects: usize,
    /// The group that each of them belongs to, where that is known.
    pub(super) groups: Vec<Option<String>>,
}

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DatasetImage {
    pub(super) name: String,
    /// Index of the person that its name says it shows.
    pub(super) subject: usize,
}

/// One comparison of the protocol, by indices of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

#[derive(Deserialize)]
struct SubjectRow {
    subject: String,
    group: String,
}

impl Dataset {
    /// Lists the pictures and reads the pairs; no picture is opened yet.
    pub(super) fn read(folder: &Path) -> Result<Self, EvalError> {
        let names = list_images(&folder.join("images"))?;
        let mut subjects = BTreeMap::new();
        let mut images = Vec::with_capacity(names.len());
        for name in &names {
            let person = person(name).ok_or_else(|| EvalError::Name(name.into()))?;
            let next = subjects.len();
            let subject = *subjects.entry(person).or_insert(next);
            images.push(DatasetImage {
                name: name.clone(),
                subject,
            });
        }
        Ok(Self {
            name: folder_name(folder),
            folder: folder.to_owned(),
            pairs: read_pairs(&folder.join("pairs.csv"), &names)?,
            groups: read_groups(&folder.join("subjects.csv"), &subjects)?,
            subjects: subjects.len(),
            images,
        })
    }

    /// Whether everything that one part says of another is there, with as many records of pictures.
    pub(super) fn is_consistent(&self, records: usize) -> bool {
        let images = self.images.len();
        let pairs = self.pairs.iter().flat_map(|pair| pair.images);
        records == images
            && self.groups.len() == self.subjects
            && pairs.max().is_none_or(|last| last < images)
            && self
                .images
                .iter()
                .all(|image| image.subject < self.subjects)
    }

    /// Where a picture is.
    pub(super) fn path(&self, image: usize) -> PathBuf {
        self.folder.join("images").join(&self.images[image].name)
    }

    /// The names of all groups, in order.
    pub(super) fn group_names(&self) -> BTreeSet<&str> {
        self.groups.iter().flatten().map(String::as_str).collect()
    }

    /// The pictures of each subject, by their places.
    pub(super) fn images_of_subjects(&self) -> Vec<Vec<usize>> {
        let mut images = vec![Vec::new(); self.subjects];
        for (index, image) in self.images.iter().enumerate() {
            images[image.subject].push(index);
        }
        images
    }

    /// The first fold that each subject takes part in; `None` for those in no pair.
    fn folds_of_subjects(&self) -> Vec<Option<u32>> {
        let mut folds = vec![None; self.subjects];
        for pair in &self.pairs {
            for image in pair.images {
                let fold = &mut folds[self.images[image].subject];
                *fold = Some(fold.map_or(pair.fold, |first: u32| first.min(pair.fold)));
            }
        }
        folds
    }

    /// Of each subject, whether tables and weights are made from them: they are in the first folds.
    pub(super) fn in_first_folds(&self) -> Vec<bool> {
        let folds = self.folds_of_subjects();
        let last = folds.iter().flatten().max().copied().unwrap_or_default();
        let first = |fold: u32| f64::from(fold) <= f64::from(last) * FITTED_FOLDS;
        folds
            .into_iter()
            .map(|fold| fold.is_some_and(first))
            .collect()
    }
}

fn folder_name(folder: &Path) -> String {
    let absolute = folder.canonicalize();
    let name = absolute.as_deref().unwrap_or(folder).file_name();
    name.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// File names in order.
fn list_images(folder: &Path) -> Result<BTreeSet<String>, EvalError> {
    let failed = |source| EvalError::Read {
        path: folder.to_owned(),
        source,
    };
    let name = |entry: io::Result<fs::DirEntry>| {
        let name = entry.map_err(failed)?.file_name();
        Ok(name.to_string_lossy().into_owned())
    };
    fs::read_dir(folder).map_err(failed)?.map(name).collect()
}

/// `Some_Name` of `Some_Name_0001.jpg`.
fn person(name: &str) -> Option<&str> {
    let (stem, _) = name.rsplit_once('.')?;
    let (person, number) = stem.rsplit_once('_')?;
    let numbered = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (numbered && !person.is_empty()).then_some(person)
}

fn read_pairs(path: &Path, names: &BTreeSet<String>) -> Result<Vec<Pair>, EvalError> {
    let failed = |source| EvalError::Table {
        path: path.to_owned(),
        source,
    };
    let indices: BTreeMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
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

/// The group of each subject; who is not in the file, which need not be there, has none.
fn read_groups(
    path: &Path,
    subjects: &BTreeMap<&str, usize>,
) -> Result<Vec<Option<String>>, EvalError> {
    let mut groups = vec![None; subjects.len()];
    if !path.exists() {
        return Ok(groups);
    }
    let failed = |source| EvalError::Table {
        path: path.to_owned(),
        source,
    };
    for row in csv::Reader::from_path(path)
        .map_err(failed)?
        .into_deserialize()
    {
        let SubjectRow { subject, group } = row.map_err(failed)?;
        // The file may tell of more people than there are pictures of.
        if let Some(&subject) = subjects.get(subject.as_str()) {
            groups[subject] = Some(group).filter(|group| !group.is_empty());
        }
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Dataset {
        /// One picture for each of these people, and no protocol.
        pub(in crate::eval) fn of_people(people: &[usize]) -> Self {
            let image = |(index, &subject): (usize, &usize)| DatasetImage {
                name: format!("Person_{subject}_{index:04}.jpg"),
                subject,
            };
            let subjects = people.iter().max().map_or(0, |last| last + 1);
            Self {
                name: "people".to_owned(),
                folder: PathBuf::new(),
                images: people.iter().enumerate().map(image).collect(),
                pairs: Vec::new(),
                subjects,
                groups: vec![None; subjects],
            }
        }
    }

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
    fn groups_are_read_where_they_are_told() {
        let folder = folder(
            &["Al_0001.jpg", "Bo_0001.jpg", "Cy_0001.jpg"],
            "fold,same,image_a,image_b\n",
        );
        let read = || Dataset::read(folder.path());
        assert_eq!(read().unwrap().groups, [None, None, None]);
        let table = folder.path().join("subjects.csv");
        fs::write(&table, "subject,group\nCy,b\nAl,a\nSomebody Else,c\nBo,\n").unwrap();
        let dataset = read().unwrap();
        assert_eq!(
            dataset.groups,
            [Some("a".to_owned()), None, Some("b".to_owned())]
        );
        assert!(dataset.group_names().into_iter().eq(["a", "b"]));
        fs::write(&table, "name,group\nAl,a\n").unwrap();
        assert!(matches!(read(), Err(EvalError::Table { .. })));
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
