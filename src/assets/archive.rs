//! Reading packages: wheels are zip files, npm's packages compressed tar files.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Component, Path};

use flate2::read::GzDecoder;

use super::AssetError;

/// A regular file of a package.
pub(super) struct Member<'a> {
    /// Its name, relative and without a way out of the folder that it is unpacked to.
    pub name: &'a str,
    pub mode: u32,
    pub content: &'a mut dyn Read,
}

/// Calls `visit` with every regular file of the package.
///
/// # Errors
/// Those of `visit`, and [`AssetError::Archive`] for a package that does not read, or that has a file with a name that
/// climbs out of the folder.
pub(super) fn visit_files(
    package: &Path,
    visit: &mut dyn FnMut(Member<'_>) -> Result<(), AssetError>,
) -> Result<(), AssetError> {
    let file = File::open(package).map_err(AssetError::io("open", package))?;
    let unreadable = |error: &dyn std::error::Error| AssetError::Archive {
        package: package.to_owned(),
        reason: error.to_string(),
    };
    let checked = |name: &str| {
        if stays_inside(name) {
            Ok(())
        } else {
            Err(AssetError::Archive {
                package: package.to_owned(),
                reason: format!("the name {name:?} in it climbs out of the folder"),
            })
        }
    };
    if package
        .extension()
        .is_some_and(|extension| extension == "whl")
    {
        let mut zip = zip::ZipArchive::new(BufReader::new(file)).map_err(|e| unreadable(&e))?;
        for index in 0..zip.len() {
            let mut entry = zip.by_index(index).map_err(|e| unreadable(&e))?;
            let name = entry.name().map_err(|e| unreadable(&e))?.into_owned();
            checked(&name)?;
            if entry.is_file() {
                let mode = entry.unix_mode().unwrap_or(0o644) & 0o777;
                visit(Member {
                    name: &name,
                    mode,
                    content: &mut entry,
                })?;
            }
        }
    } else {
        let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
        for entry in tar.entries().map_err(|e| unreadable(&e))? {
            let mut entry = entry.map_err(|e| unreadable(&e))?;
            let path = entry.path().map_err(|e| unreadable(&e))?;
            let name = path.to_string_lossy().into_owned();
            checked(&name)?;
            if entry.header().entry_type().is_file() {
                let mode = entry.header().mode().map_err(|e| unreadable(&e))? & 0o777;
                visit(Member {
                    name: &name,
                    mode,
                    content: &mut entry,
                })?;
            }
        }
    }
    Ok(())
}

fn stays_inside(name: &str) -> bool {
    let ordinary = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    !name.is_empty() && !name.contains('\\') && Path::new(name).components().all(ordinary)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn wheel(names: &[&str]) -> tempfile::TempPath {
        let file = tempfile::Builder::new().suffix(".whl").tempfile().unwrap();
        let mut zip = zip::ZipWriter::new(file.reopen().unwrap());
        for name in names {
            let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
            zip.start_file(*name, options).unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        file.into_temp_path()
    }

    fn npm_package(name: &str) -> tempfile::TempPath {
        let file = tempfile::Builder::new().suffix(".tgz").tempfile().unwrap();
        let gzip = flate2::write::GzEncoder::new(file.reopen().unwrap(), Default::default());
        let mut tar = tar::Builder::new(gzip);
        let mut header = tar::Header::new_gnu();
        // Set as bytes: the builder itself refuses names that climb.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(name.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, name.as_bytes()).unwrap();
        tar.into_inner().unwrap().finish().unwrap();
        file.into_temp_path()
    }

    fn visited(package: &Path) -> Result<Vec<(String, u32, String)>, AssetError> {
        let mut files = Vec::new();
        visit_files(package, &mut |member| {
            let mut content = String::new();
            member.content.read_to_string(&mut content).unwrap();
            files.push((member.name.to_owned(), member.mode, content));
            Ok(())
        })?;
        Ok(files)
    }

    #[test]
    fn both_kinds_of_package_give_names_modes_and_contents() {
        let from_wheel = visited(&wheel(&["bin/server"])).unwrap();
        assert_eq!(
            from_wheel,
            [("bin/server".into(), 0o755, "bin/server".into())]
        );
        let from_npm = visited(&npm_package("package/model")).unwrap();
        assert_eq!(
            from_npm,
            [("package/model".into(), 0o644, "package/model".into())]
        );
    }

    #[test]
    fn a_name_that_climbs_out_is_refused() {
        for name in ["../evil", "a/../../evil", "/etc/evil", "a\\..\\evil"] {
            for package in [wheel(&["fine", name]), npm_package(name)] {
                let refused = visited(&package).unwrap_err().to_string();
                assert!(refused.contains("climbs out"), "{name}: {refused}");
            }
        }
    }

    #[test]
    fn a_package_that_is_none_is_refused() {
        for suffix in [".whl", ".tgz"] {
            let file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
            fs_write(file.path());
            let refused = visited(file.path()).unwrap_err();
            assert!(matches!(refused, AssetError::Archive { .. }), "{refused}");
        }
    }

    fn fs_write(path: &Path) {
        std::fs::write(path, "not a package").unwrap();
    }
}
