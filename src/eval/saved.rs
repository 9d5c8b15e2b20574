//! Scores that are kept, so that a report can be made again, to the last digit, without a model or a picture.
//!
//! The file is a line of JSON, which says what was measured and with what, and then the similarities of all pairs of pictures
//! with a template, as 32-bit floats with the lowest byte first: of the first picture with each that follows, of the second, …
//! It holds no template and no picture, but it tells who resembles whom: keep it like the dataset.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::EvalError;
use super::dataset::Dataset;
use super::enrolment::Record;
use super::scores::Scores;

/// Says what kind of file it is, and which version of it.
const FORMAT: &str = "likeness-scores-1";

/// A model that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelHash {
    /// Name of its file.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// What the models were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Models {
    /// Id of the embedder.
    pub embedder: String,
    /// Every file that a template rests on.
    pub files: Vec<ModelHash>,
}

/// A dataset that was worked on: all that a report is made from.
#[derive(Debug, PartialEq)]
pub(super) struct Evaluated {
    pub(super) models: Models,
    pub(super) dataset: Dataset,
    pub(super) record: Record,
    pub(super) scores: Scores,
}

/// The line of JSON: borrowed to be written, owned when it was read.
#[derive(Serialize, Deserialize)]
struct Header<'a> {
    format: Cow<'a, str>,
    models: Cow<'a, Models>,
    dataset: Cow<'a, Dataset>,
    record: Cow<'a, Record>,
    acquired: Cow<'a, [usize]>,
}

impl Evaluated {
    /// Writes everything to a file.
    ///
    /// # Errors
    /// [`EvalError::Write`].
    pub(super) fn save(&self, path: &Path) -> Result<(), EvalError> {
        self.write(path).map_err(|source| EvalError::Write {
            path: path.to_owned(),
            source,
        })
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        let header = Header {
            format: Cow::Borrowed(FORMAT),
            models: Cow::Borrowed(&self.models),
            dataset: Cow::Borrowed(&self.dataset),
            record: Cow::Borrowed(&self.record),
            acquired: Cow::Borrowed(self.scores.acquired()),
        };
        serde_json::to_writer(&mut file, &header)?;
        file.write_all(b"\n")?;
        for value in self.scores.values() {
            file.write_all(&value.to_le_bytes())?;
        }
        file.flush()
    }

    /// Reads what was saved.
    ///
    /// # Errors
    /// [`EvalError::Read`] where the file cannot be read, [`EvalError::Saved`] where it is not one of these.
    pub(super) fn read(path: &Path) -> Result<Self, EvalError> {
        let failed = |source| EvalError::Read {
            path: path.to_owned(),
            source,
        };
        let broken = |reason: String| EvalError::Saved {
            path: path.to_owned(),
            reason,
        };
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let (mut line, mut values) = (Vec::new(), Vec::new());
        file.read_until(b'\n', &mut line).map_err(failed)?;
        file.read_to_end(&mut values).map_err(failed)?;
        let header: Header<'_> =
            serde_json::from_slice(&line).map_err(|error| broken(error.to_string()))?;
        if header.format != FORMAT {
            return Err(broken(format!(
                "its format is {}, not {FORMAT}",
                header.format
            )));
        }
        let (values, rest) = values.as_chunks();
        let values = values.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let whole = rest.is_empty() && header.dataset.is_consistent(header.record.qualities.len());
        let scores = Scores::kept(
            &header.dataset,
            header.acquired.into_owned(),
            values.collect(),
        );
        let scores = scores.filter(|_| whole);
        Ok(Self {
            scores: scores.ok_or_else(|| broken("it is cut off or was changed".to_owned()))?,
            models: header.models.into_owned(),
            dataset: header.dataset.into_owned(),
            record: header.record.into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::super::scores::tests::four;
    use super::*;
    use crate::vision::StageTimings;

    fn evaluated() -> Evaluated {
        let (dataset, scores) = four();
        let record = Record {
            qualities: vec![Some(0.1), Some(0.3), None, Some(80.7), Some(1.0)],
            dataset_sha256: "ab".to_owned(),
            faces: 4,
            timings: StageTimings {
                decode: Duration::new(3, 141_592_653),
                ..StageTimings::default()
            },
        };
        let models = Models {
            embedder: "e".to_owned(),
            files: vec![ModelHash {
                file: "e.onnx".to_owned(),
                sha256: "cd".to_owned(),
            }],
        };
        Evaluated {
            models,
            dataset,
            record,
            scores,
        }
    }

    #[test]
    fn what_was_saved_comes_back_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores");
        let before = evaluated();
        before.save(&path).unwrap();
        assert_eq!(Evaluated::read(&path).unwrap(), before);
    }

    #[test]
    fn a_file_that_is_cut_off_or_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores");
        evaluated().save(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        let replaced = |from: &str, to: &str| {
            let line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
            let header = str::from_utf8(&bytes[..line]).unwrap().replace(from, to);
            [header.as_bytes(), &bytes[line..]].concat()
        };
        let wrong = [
            Vec::new(),
            bytes[..bytes.len() - 1].to_vec(),
            bytes[..bytes.len() - 4].to_vec(),
            [&bytes[..], &[0; 4]].concat(),
            replaced(FORMAT, "likeness-scores-0"),
            replaced("\"subject\":1", "\"subject\":2"),
            replaced("\"subjects\":2", "\"subjects\":3"),
            replaced("[0.1,", "[0.1,0.2,"),
            replaced("[0,1,3,4]", "[0,1,3,9]"),
            replaced(
                "\"pairs\":[]",
                "\"pairs\":[{\"fold\":1,\"same\":true,\"images\":[0,9]}]",
            ),
        ];
        for (index, wrong) in wrong.into_iter().enumerate() {
            fs::write(&path, wrong).unwrap();
            let read = Evaluated::read(&path);
            assert!(matches!(read, Err(EvalError::Saved { .. })), "{index}");
        }
    }
}
