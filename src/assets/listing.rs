//! The listing of a tree: one hash that vouches for hundreds of files.
//!
//! The listing lies in the tree as `FILES`. Its own hash is the one that `assets.toml` commits, so that the tree can be
//! checked without the package that it came from: cheaply by names and sizes, or fully by every file's hash.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::hash;

/// The listing's own name in its tree.
pub(super) const FILE_NAME: &str = "FILES";

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedFile {
    pub path: String,
    pub sha256: String,
    pub bytes: u64,
    pub mode: u32,
}

/// The files of a tree, in the order of their paths.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing(Vec<ListedFile>);

impl Listing {
    pub fn new(mut files: Vec<ListedFile>) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self(files)
    }

    /// The listing of an unpacked tree, where there is one and its hash is the expected one.
    pub fn load(tree: &Path, sha256: &str) -> Option<Self> {
        let text = fs::read_to_string(tree.join(FILE_NAME)).ok()?;
        (hash::of_bytes(text.as_bytes()) == sha256).then(|| Self::parse(&text))?
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for file in &self.0 {
            let ListedFile {
                sha256,
                bytes,
                mode,
                path,
            } = file;
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{sha256} {bytes} {mode:o} {path}");
        }
        text
    }

    pub fn files(&self) -> &[ListedFile] {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let line = |line: &str| {
            let mut words = line.splitn(4, ' ');
            Some(ListedFile {
                sha256: words.next()?.to_owned(),
                bytes: words.next()?.parse().ok()?,
                mode: u32::from_str_radix(words.next()?, 8).ok()?,
                path: words.next()?.to_owned(),
            })
        };
        text.lines().map(line).collect::<Option<_>>().map(Self)
    }
}

impl ListedFile {
    /// Whether the file is there with its size and its permission to be run; says what is wrong if not.
    pub fn check_quickly(&self, tree: &Path) -> Result<(), String> {
        let path = self.in_tree(tree);
        let found = fs::metadata(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        if found.len() != self.bytes {
            let (path, found) = (path.display(), found.len());
            return Err(format!(
                "{path} has {found} bytes instead of {}",
                self.bytes
            ));
        }
        if found.permissions().mode() & 0o100 != self.mode & 0o100 {
            return Err(format!("{} has lost its permissions", path.display()));
        }
        Ok(())
    }

    /// Whether the file is there, whole and unaltered; says what is wrong if not.
    pub fn check_fully(&self, tree: &Path) -> Result<(), String> {
        self.check_quickly(tree)?;
        let path = self.in_tree(tree);
        let found = hash::of_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        if found == self.sha256 {
            Ok(())
        } else {
            let (path, expected) = (path.display(), &self.sha256);
            Err(format!(
                "{path} has SHA-256 {found}, expected is {expected}"
            ))
        }
    }

    fn in_tree(&self, tree: &Path) -> PathBuf {
        tree.join(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree_of_one() -> (tempfile::TempDir, Listing) {
        let tree = tempfile::tempdir().unwrap();
        fs::write(tree.path().join("a file"), "abc").unwrap();
        let listing = Listing::new(vec![ListedFile {
            path: "a file".into(),
            sha256: hash::of_bytes(b"abc"),
            bytes: 3,
            mode: 0o644,
        }]);
        (tree, listing)
    }

    #[test]
    fn a_listing_reads_back_as_it_was_written() {
        let (tree, listing) = tree_of_one();
        fs::write(tree.path().join(FILE_NAME), listing.text()).unwrap();
        let expected = hash::of_bytes(listing.text().as_bytes());
        assert_eq!(Listing::load(tree.path(), &expected), Some(listing));
    }

    #[test]
    fn an_altered_listing_vouches_for_nothing() {
        let (tree, listing) = tree_of_one();
        let expected = hash::of_bytes(listing.text().as_bytes());
        fs::write(tree.path().join(FILE_NAME), listing.text() + "\n").unwrap();
        assert_eq!(Listing::load(tree.path(), &expected), None);
    }

    #[test]
    fn a_truncated_file_shows_by_its_size_and_an_altered_one_by_its_hash() {
        let (tree, listing) = tree_of_one();
        let [file] = listing.files() else {
            panic!("one file")
        };
        assert_eq!(file.check_fully(tree.path()), Ok(()));

        fs::write(tree.path().join("a file"), "abd").unwrap();
        assert_eq!(file.check_quickly(tree.path()), Ok(()));
        assert!(
            file.check_fully(tree.path())
                .unwrap_err()
                .contains("expected is")
        );

        fs::write(tree.path().join("a file"), "ab").unwrap();
        assert!(
            file.check_quickly(tree.path())
                .unwrap_err()
                .contains("2 bytes instead of 3")
        );

        fs::remove_file(tree.path().join("a file")).unwrap();
        assert!(file.check_quickly(tree.path()).is_err());
    }
}
