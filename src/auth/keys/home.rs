//! The home's own key: what tokens are signed and checked with where nothing is configured.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use secrecy::SecretString;

use super::KeyError;

/// Bytes of the home's own key.
const HOME_SECRET_BYTES: usize = 48;

/// The home's own HS256 key, made at random the first time it is asked for.
///
/// # Errors
/// [`KeyError::Io`] where the file can be neither read nor made.
pub fn home_secret(home: &Path) -> Result<SecretString, KeyError> {
    let path = home.join("jwt-secret");
    let failed = |source| KeyError::Io {
        path: path.clone(),
        source,
    };
    match fs::read_to_string(&path) {
        Ok(secret) if secret.len() >= HOME_SECRET_BYTES => return Ok(secret.into()),
        Ok(_) => {
            return Err(KeyError::Refused {
                path,
                reason: "the file is too short to be the home's key",
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    fs::create_dir_all(home).map_err(failed)?;
    let mut bytes = [0_u8; HOME_SECRET_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    // Written beside and linked into place: whoever comes second reads the key of whoever came first.
    let draft = home.join(format!(".jwt-secret.{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft);
    written
        .and_then(|mut file| {
            file.write_all(secret.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .map_err(failed)?;
    let linked = fs::hard_link(&draft, &path);
    fs::remove_file(&draft).map_err(failed)?;
    match linked {
        Ok(()) => Ok(secret.into()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::read_to_string(&path).map(Into::into).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}
