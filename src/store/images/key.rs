//! How a picture is encrypted, and whose it is.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use secrecy::SecretString;
use uuid::Uuid;

use crate::domain::hex::hex;
use crate::domain::ids::{FaceId, SubjectId, TenantId, WatchlistId};
use crate::store::StoreError;
use crate::store::forms::derive;

/// Bytes of a key of AES-256.
const KEY_BYTES: usize = 32;

/// A secret from which the keys of all tenants' pictures come.
#[derive(Clone)]
pub struct ImageKey {
    secret: SecretString,
    id: String,
}

/// The secrets that pictures may be kept under.
#[derive(Debug, Clone, Default)]
pub struct ImageKeys {
    /// Of new pictures; without it none can be kept.
    pub current: Option<ImageKey>,
    /// What `current` has taken the place of.
    pub before: Option<ImageKey>,
}

/// Whose picture it is, besides the tenant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    pub(super) watchlist: WatchlistId,
    pub(super) subject: SubjectId,
    pub(super) face: FaceId,
}

/// A picture as the database has it.
pub(super) struct Sealed {
    pub(super) key_id: String,
    pub(super) nonce: Vec<u8>,
    pub(super) image: Vec<u8>,
}

impl ImageKey {
    /// A key of a secret.
    #[must_use]
    pub fn new(secret: SecretString) -> Self {
        let id = hex(&derive::<4>(&secret, &[b"likeness image key"]));
        Self { secret, id }
    }

    /// What tells it from others. It says nothing about the secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    fn cipher(&self, tenant: &TenantId) -> RandomizedNonceKey {
        let info = [
            b"likeness image encryption\0".as_slice(),
            tenant.as_str().as_bytes(),
        ];
        let key = derive::<KEY_BYTES>(&self.secret, &info);
        RandomizedNonceKey::new(&AES_256_GCM, &key).expect("a key of AES-256 has 32 bytes")
    }

    pub(super) fn seal(&self, tenant: &TenantId, owner: Owner, mut image: Vec<u8>) -> Sealed {
        let aad = Aad::from(owner.bytes(tenant));
        let nonce = self
            .cipher(tenant)
            .seal_in_place_append_tag(aad, &mut image)
            .expect("AES-GCM takes 64 GiB");
        Sealed {
            key_id: self.id.clone(),
            nonce: nonce.as_ref().to_vec(),
            image,
        }
    }

    fn open(&self, tenant: &TenantId, owner: Owner, sealed: Sealed) -> Result<Vec<u8>, StoreError> {
        let refused = || StoreError::Corrupt("an image does not open with its key".into());
        let nonce = Nonce::try_assume_unique_for_key(&sealed.nonce).map_err(|_| refused())?;
        let mut image = sealed.image;
        let aad = Aad::from(owner.bytes(tenant));
        let opened = self.cipher(tenant).open_in_place(nonce, aad, &mut image);
        let length = opened.map_err(|_| refused())?.len();
        image.truncate(length);
        Ok(image)
    }
}

impl fmt::Debug for ImageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl ImageKeys {
    pub(super) fn open(
        &self,
        tenant: &TenantId,
        owner: Owner,
        sealed: Sealed,
    ) -> Result<Vec<u8>, StoreError> {
        let mut known = self.current.iter().chain(&self.before);
        let key = known.find(|key| key.id == sealed.key_id);
        let key = key.ok_or_else(|| {
            StoreError::Corrupt("an image of a key that is not configured".into())
        })?;
        key.open(tenant, owner, sealed)
    }
}

impl Owner {
    /// Unambiguous: the name, whose length varies, comes last.
    fn bytes(self, tenant: &TenantId) -> Vec<u8> {
        let ids = [
            self.watchlist.as_uuid(),
            self.subject.as_uuid(),
            self.face.as_uuid(),
        ];
        let mut bytes = ids.map(Uuid::into_bytes).concat();
        bytes.extend(tenant.as_str().as_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str) -> ImageKey {
        ImageKey::new(secret.into())
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).unwrap()
    }

    fn owner() -> Owner {
        Owner {
            watchlist: WatchlistId::new(),
            subject: SubjectId::new(),
            face: FaceId::new(),
        }
    }

    const IMAGE: &[u8] = b"bytes of a picture";

    #[test]
    fn a_picture_comes_back_as_it_was_and_no_two_look_alike() {
        let (key, owner, acme) = (key("a"), owner(), tenant("acme"));
        let seal = || key.seal(&acme, owner, IMAGE.to_vec());
        let (one, other) = (seal(), seal());
        assert_ne!((&one.nonce, &one.image), (&other.nonce, &other.image));
        assert_eq!((one.nonce.len(), one.image.len()), (12, IMAGE.len() + 16));
        for sealed in [one, other] {
            assert!(!sealed.image.windows(4).any(|part| part == &IMAGE[..4]));
            assert_eq!(key.open(&acme, owner, sealed).unwrap(), IMAGE);
        }
    }

    #[test]
    fn what_was_altered_moved_or_is_of_another_key_does_not_open() {
        let (key, whose, acme) = (key("a"), owner(), tenant("acme"));
        let sealed = || key.seal(&acme, whose, IMAGE.to_vec());
        let refused = |opened: Result<_, StoreError>| matches!(opened, Err(StoreError::Corrupt(_)));
        for byte in 0..IMAGE.len() + 16 {
            let mut altered = sealed();
            altered.image[byte] ^= 1;
            assert!(refused(key.open(&acme, whose, altered)), "{byte}");
        }
        let mut altered = sealed();
        altered.nonce[11] ^= 1;
        assert!(refused(key.open(&acme, whose, altered)));
        let mut cut = sealed();
        cut.image.truncate(7);
        assert!(refused(key.open(&acme, whose, cut)));
        let fresh = owner();
        for moved in [
            Owner {
                watchlist: fresh.watchlist,
                ..whose
            },
            Owner {
                subject: fresh.subject,
                ..whose
            },
            Owner {
                face: fresh.face,
                ..whose
            },
        ] {
            assert!(refused(key.open(&acme, moved, sealed())));
        }
        assert!(refused(key.open(&tenant("globex"), whose, sealed())));
        assert!(refused(ImageKey::new("b".into()).open(
            &acme,
            whose,
            sealed()
        )));
    }

    #[test]
    fn both_keys_open_what_is_theirs_and_no_other_does() {
        let (owner, acme) = (owner(), tenant("acme"));
        let keys = ImageKeys {
            current: Some(key("new")),
            before: Some(key("old")),
        };
        for (secret, opens) in [("new", true), ("old", true), ("older", false)] {
            let sealed = key(secret).seal(&acme, owner, IMAGE.to_vec());
            assert_eq!(keys.open(&acme, owner, sealed).is_ok(), opens, "{secret}");
        }
    }

    #[test]
    fn a_key_does_not_show_its_secret() {
        let shown = format!("{:?}", key("a long secret"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
