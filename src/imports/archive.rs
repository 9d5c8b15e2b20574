//! ZIP archives of pictures. Whoever made one may mean harm: nothing of it is taken on trust, and nothing is ever
//! written to a place that it names. A picture that cannot be taken is a refused row; only what is no ZIP at all, or has
//! a directory made to hurt, is refused whole.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use zip::read::{ArchiveOffset, Config, ZipFileEntry};
use zip::{CompressionMethod, ZipArchive};

use super::directory::{
    MAX_DIRECTORY_BYTES, MAX_ENTRIES, Metered, claimed_entries, repeated_names,
};
use super::fields::{Described, shown_file, usable_external_id};
use super::manifest::{self, Line};
use super::ndjson::content;
use super::{ImportError, ImportLimits};
use crate::domain::job::{RowCode, RowFault};
use crate::store::NewJobRow;

/// Largest manifest. It is held in memory while the archive is read.
const MAX_MANIFEST_BYTES: u64 = 64 * 1024 * 1024;
/// The names under which an archive may hold its own manifest.
const MANIFESTS: [&str; 2] = ["manifest.csv", "manifest.ndjson"];
/// Pictures are compressed already: what unpacks to more than this many times its size is none.
const MAX_RATIO: u64 = 100;
/// Up to this size the ratio does not matter.
const RATIO_MATTERS_FROM: u64 = 256 * 1024;
/// Longest name of an entry, in bytes.
const MAX_NAME_BYTES: usize = 1024;

type Emit<'a> = dyn FnMut(NewJobRow) -> Result<(), ImportError> + 'a;

/// Hands a row to `emit` for each line of the manifest, or without one for each file.
pub(super) fn read_rows(
    archive: File,
    manifest: Option<File>,
    limits: &ImportLimits,
    emit: &mut Emit<'_>,
) -> Result<(), ImportError> {
    let mut archive = Archive::open(archive, limits)?;
    let manifest = match manifest {
        Some(file) => Some(read_bounded(file)?),
        None => archive.own_manifest()?,
    };
    match manifest {
        Some(manifest) => archive.rows_of_manifest(&manifest, emit),
        None => archive.rows_of_files(emit),
    }
}

fn read_bounded(reader: impl std::io::Read) -> Result<Vec<u8>, ImportError> {
    let mut bytes = Vec::new();
    reader
        .take(MAX_MANIFEST_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_MANIFEST_BYTES {
        let most = format!("a manifest has at most {MAX_MANIFEST_BYTES} bytes");
        return Err(ImportError::TooLarge(most));
    }
    Ok(bytes)
}

struct Archive<'a> {
    zip: ZipArchive<BufReader<Metered<File>>>,
    repeated: HashSet<Vec<u8>>,
    limits: &'a ImportLimits,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl<'a> Archive<'a> {
    fn open(mut file: File, limits: &'a ImportLimits) -> Result<Self, ImportError> {
        let invalid =
            |error: &dyn std::fmt::Display| ImportError::InvalidArchive(error.to_string());
        if claimed_entries(&mut file)? > MAX_ENTRIES {
            let most = format!("an archive has at most {MAX_ENTRIES} entries");
            return Err(ImportError::TooLarge(most));
        }
        let (metered, budget) = Metered::new(file.try_clone()?, MAX_DIRECTORY_BYTES);
        // Without a search for where a directory might be: the offsets are taken as they are written.
        let config = Config {
            archive_offset: ArchiveOffset::Known(0),
        };
        let mut zip = ZipArchive::with_config(config, BufReader::new(metered))
            .map_err(|error| invalid(&error))?;
        budget.set(u64::MAX);
        if zip
            .has_overlapping_entries()
            .map_err(|error| invalid(&error))?
        {
            return Err(invalid(&"its entries overlap"));
        }
        let repeated = if zip.has_duplicate_names() {
            // The two handles share one position, and every reading of an entry begins by seeking.
            repeated_names(&mut BufReader::new(file), zip.central_directory_start())?
        } else {
            HashSet::new()
        };
        Ok(Self {
            zip,
            repeated,
            limits,
            left: limits.max_bytes,
        })
    }

    fn own_manifest(&mut self) -> Result<Option<Vec<u8>>, ImportError> {
        let named = |name| self.zip.index_for_name(name);
        let Some(index) = MANIFESTS.into_iter().find_map(named) else {
            return Ok(None);
        };
        let unreadable = |_| ImportError::InvalidManifest("it cannot be unpacked".to_owned());
        let entry = self.zip.by_index(index).map_err(unreadable)?;
        match read_bounded(entry) {
            Err(ImportError::Spool(_)) => Err(unreadable(zip::result::ZipError::FileNotFound)),
            read => read.map(Some),
        }
    }

    fn rows_of_manifest(
        &mut self,
        manifest: &[u8],
        emit: &mut Emit<'_>,
    ) -> Result<(), ImportError> {
        let consent = self.limits.consent;
        for (number, line) in (1..).zip(manifest::lines(manifest)?) {
            let Line {
                number: line,
                file,
                person,
            } = line;
            let name = file.as_deref().map(|file| file.trim_start_matches("./"));
            let mut external_id = None;
            let content = person.and_then(|person| {
                let name = name.unwrap_or_default();
                let person = named_after(name, person);
                external_id = usable_external_id(person.external_id.as_deref());
                let person = person.check(consent)?;
                Ok(content(&person, self.picture_named(name)?))
            });
            emit(NewJobRow {
                number,
                line: Some(line),
                file: file.as_deref().map(shown_file),
                external_id,
                content,
            })?;
        }
        Ok(())
    }

    fn rows_of_files(&mut self, emit: &mut Emit<'_>) -> Result<(), ImportError> {
        let (mut number, consent) = (0, self.limits.consent);
        for index in 0..self.zip.len() {
            let unreadable =
                |error: zip::result::ZipError| ImportError::InvalidArchive(error.to_string());
            let entry = self.zip.by_index_data(index).map_err(unreadable)?;
            let shown = String::from_utf8_lossy(entry.name_raw()).into_owned();
            if entry.is_dir() || is_litter(&shown) {
                continue;
            }
            number += 1;
            let person = named_after(&shown, Described::default());
            let external_id = usable_external_id(person.external_id.as_deref());
            let content = self.picture_at(index).and_then(|image| {
                let person = person.check(consent)?;
                Ok(content(&person, image))
            });
            emit(NewJobRow {
                number,
                line: None,
                file: Some(shown_file(&shown)),
                external_id,
                content,
            })?;
        }
        Ok(())
    }

    fn picture_named(&mut self, name: &str) -> Result<Vec<u8>, RowFault> {
        if !is_plain_path(name) {
            return Err(unsafe_path());
        }
        let index = self
            .zip
            .index_for_name(name)
            .ok_or_else(|| RowFault::new(RowCode::MissingFile, "the archive holds no such file"))?;
        self.picture_at(index)
    }

    fn picture_at(&mut self, index: usize) -> Result<Vec<u8>, RowFault> {
        let broken = || RowFault::new(RowCode::BrokenFile, "the entry cannot be unpacked");
        let entry = self.zip.by_index_data(index).map_err(|_| broken())?;
        self.inspect(&entry)?;
        let (declared, packed) = (entry.size(), entry.compressed_size());
        let max_bytes = self.limits.max_image_bytes as u64;
        if self.left < declared {
            return Err(too_much());
        }
        let entry = self.zip.by_index(index).map_err(|_| broken())?;
        let mut image = Vec::new();
        // One byte more than allowed is enough to know, whatever the entry says of its size.
        let read = entry.take(max_bytes + 1).read_to_end(&mut image);
        let size = image.len() as u64;
        self.left = self.left.saturating_sub(size);
        if size > max_bytes {
            return Err(too_large(max_bytes));
        }
        if is_suspicious(size, packed) {
            return Err(suspicious());
        }
        if read.is_err() || size != declared {
            return Err(broken());
        }
        Ok(image)
    }

    /// Refuses an entry by what the directory says of it, before a byte of it is unpacked.
    fn inspect(&self, entry: &ZipFileEntry<'_>) -> Result<(), RowFault> {
        let plain = std::str::from_utf8(entry.name_raw()).is_ok_and(is_plain_path);
        if !plain {
            return Err(unsafe_path());
        }
        if self.repeated.contains(entry.name_raw()) {
            let message = "the archive holds several entries of this name";
            return Err(RowFault::new(RowCode::RepeatedFile, message));
        }
        // The upper bits of a Unix mode: zero where the archive's maker knew none.
        let kind = entry.unix_mode().unwrap_or(0) & 0o170_000;
        if entry.is_symlink() || entry.is_dir() || !matches!(kind, 0 | 0o100_000) {
            return Err(RowFault::new(
                RowCode::NotAFile,
                "the entry is not a plain file",
            ));
        }
        if entry.encrypted() {
            return Err(RowFault::new(
                RowCode::EncryptedFile,
                "the entry is encrypted",
            ));
        }
        if !matches!(
            entry.compression(),
            CompressionMethod::Stored | CompressionMethod::Deflated
        ) {
            let message = "the entry is packed by a method that is not read";
            return Err(RowFault::new(RowCode::BrokenFile, message));
        }
        if entry.size() > self.limits.max_image_bytes as u64 {
            return Err(too_large(self.limits.max_image_bytes as u64));
        }
        if is_suspicious(entry.size(), entry.compressed_size()) {
            return Err(suspicious());
        }
        Ok(())
    }
}

/// Whom a file shows where nobody says so: its folder, or without one its name without the ending.
fn named_after(file: &str, person: Described) -> Described {
    if person.external_id.is_some() {
        return person;
    }
    let name = |part: Option<&std::ffi::OsStr>| {
        let text = part?.to_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let path = Path::new(file);
    let folder = name(path.parent().and_then(Path::file_name));
    Described {
        external_id: folder.or_else(|| name(path.file_stem())),
        ..person
    }
}

/// What file managers leave behind, and the manifest of an archive whose manifest was sent beside it.
fn is_litter(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    name.starts_with("__MACOSX/")
        || (file.starts_with('.') && file != "..")
        || ["thumbs.db", "desktop.ini"].contains(&file.to_ascii_lowercase().as_str())
        || MANIFESTS.contains(&name)
}

/// Whether a name is a plain relative path: nothing is written to it, and what is not plain was made by somebody who
/// hoped that it would be.
fn is_plain_path(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    name.len() <= MAX_NAME_BYTES
        && !name.contains(|c: char| c == '\\' || c.is_control())
        && !matches!(name.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic())
        && name.split('/').all(plain)
}

fn is_suspicious(unpacked: u64, packed: u64) -> bool {
    unpacked > RATIO_MATTERS_FROM && unpacked / MAX_RATIO > packed
}

fn unsafe_path() -> RowFault {
    RowFault::new(RowCode::UnsafePath, "the name is not a plain relative path")
}

fn too_large(max_bytes: u64) -> RowFault {
    let message = format!("the picture has more than {max_bytes} bytes");
    RowFault::new(RowCode::ImageTooLarge, message)
}

fn too_much() -> RowFault {
    RowFault::new(
        RowCode::PayloadTooLarge,
        "the pictures before this one are all that one import may hold",
    )
}

fn suspicious() -> RowFault {
    let message = format!("the entry unpacks to more than {MAX_RATIO} times its size");
    RowFault::new(RowCode::SuspiciousCompression, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_paths_are_taken() {
        for good in ["a.jpg", "a/b.jpg", "ä ö/..b.jpg", "a..b/c"] {
            assert!(is_plain_path(good), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../a",
            "a/../b",
            "a/./b",
            "a//b",
            "a\\b",
            "C:x",
            "c:/x",
            "a\0",
            "a\n",
            "a/",
        ] {
            assert!(!is_plain_path(bad), "{bad:?}");
        }
        assert!(!is_plain_path(&"x".repeat(MAX_NAME_BYTES + 1)));
    }

    #[test]
    fn a_file_is_named_after_its_folder_or_itself() {
        for (file, id) in [
            ("jane/1.jpg", "jane"),
            ("people/jane/1.jpg", "jane"),
            ("jane.doe.jpg", "jane.doe"),
        ] {
            let person = named_after(file, Described::default());
            assert_eq!(person.external_id.as_deref(), Some(id), "{file}");
        }
        let named = Described {
            external_id: Some("x".to_owned()),
            ..Described::default()
        };
        assert_eq!(
            named_after("jane/1.jpg", named).external_id.as_deref(),
            Some("x")
        );
    }

    #[test]
    fn litter_is_passed_over() {
        for name in [
            "__MACOSX/a/._b.jpg",
            ".DS_Store",
            "a/.hidden",
            "a/Thumbs.db",
            "manifest.csv",
        ] {
            assert!(is_litter(name), "{name}");
        }
        for name in ["a.jpg", "a/manifest.csv", ".."] {
            assert!(!is_litter(name), "{name}");
        }
    }
}
