//! What is stored so that the database alone does not tell it: sealed under the key of the settings, and found by a keyed hash.
//!
//! XChaCha20-Poly1305 under a random nonce, bound to what it is and to the row it stands in, so that nobody moves a sealed value into
//! another row; HMAC-SHA-256 to look values up, for a plain hash of an identity number is found by trying all of them. Both keys are derived
//! from the one in the settings by HKDF (RFC 5869), one for each use.

use std::fmt;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{error::Error, id::Id};

/// 32 random bytes, written as 64 hexadecimal digits (`openssl rand -hex 32`). Not printed by `Debug`, nor written anywhere.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct EncryptionKey([u8; 32]);

impl TryFrom<String> for EncryptionKey {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let mut key = [0_u8; 32];
        // What was written is not repeated: it may be most of a key.
        hex::decode_to_slice(text.trim(), &mut key)
            .map_err(|_| "encryption_key is not 64 hexadecimal digits, as `openssl rand -hex 32` makes them".to_owned())?;
        Ok(Self(key))
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(…)")
    }
}

impl Serialize for EncryptionKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("…")
    }
}

/// Seals, opens and hashes under one key.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
    lookup: [u8; 32],
    /// What sealed values begin with: they tell by which key they open, and nothing of it.
    mark: [u8; MARK],
}

const MARK: usize = 4;
const NONCE: usize = 24;

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", hex::encode(self.mark))
    }
}

/// What a value is and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The table and column.
    what: &'static str,
    row: [u8; 16],
}

impl Place {
    pub fn new<T>(what: &'static str, row: Id<T>) -> Self {
        Self { what, row: *row.as_bytes() }
    }

    fn bytes(self) -> Vec<u8> {
        [self.what.as_bytes(), &[0], &self.row].concat()
    }
}

impl Vault {
    /// # Errors
    /// Never, for keys of these lengths; the libraries say so by a `Result`.
    pub fn new(EncryptionKey(key): &EncryptionKey) -> Result<Self, Error> {
        let derive = Hkdf::<Sha256>::new(None, key);
        let (mut sealing, mut lookup, mut mark) = ([0_u8; 32], [0_u8; 32], [0_u8; MARK]);
        for (use_of, bytes) in [("muster seal", &mut sealing[..]), ("muster look up", &mut lookup[..]), ("muster mark", &mut mark[..])] {
            derive.expand(use_of.as_bytes(), bytes).map_err(Error::internal)?;
        }
        Ok(Self { cipher: XChaCha20Poly1305::new(&sealing.into()), lookup, mark })
    }

    /// `plain` sealed for one place: mark, nonce, and the ciphertext with its tag.
    pub fn seal(&self, place: Place, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0_u8; NONCE];
        getrandom::fill(&mut nonce).map_err(Error::internal)?;
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &place.bytes() }).map_err(Error::internal)?;
        Ok([&self.mark[..], &nonce, &sealed].concat())
    }

    /// What was sealed for that place.
    ///
    /// # Errors
    /// 409 `other_encryption_key` for what was sealed under another key; [`Error::Internal`] for what was sealed for another place, or changed.
    pub fn open(&self, place: Place, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let broken = || Error::internal(format!("a sealed value of {} does not open: it was changed, or moved here", place.what));
        let (mark, rest) = sealed.split_first_chunk::<MARK>().ok_or_else(broken)?;
        if *mark != self.mark {
            return Err(Error::conflict("other_encryption_key", "this was stored under another encryption key than the server has now"));
        }
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(broken)?;
        self.cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &place.bytes() }).map_err(|_| broken())
    }

    /// Under what a value is looked up, among others of its kind.
    pub fn hash(&self, what: &'static str, text: &str) -> Result<[u8; 32], Error> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.lookup).map_err(Error::internal)?;
        mac.update(what.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        Ok(mac.finalize().into_bytes().into())
    }
}

/// What whoever needs a key is told where there is none.
pub fn no_key() -> Error {
    Error::conflict(
        "no_encryption_key",
        "the server has no encryption key, so that nothing is stored that has to be encrypted; see MUSTER_ENCRYPTION_KEY",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(first: &str) -> Vault {
        Vault::new(&EncryptionKey::try_from(format!("{first}{}", "0".repeat(62))).unwrap()).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_own_place_under_its_own_key_alone() {
        let (vault, other) = (vault("01"), vault("02"));
        let place = Place::new("people", Id::<()>::generate());
        let sealed = vault.seal(place, b"11010519491231002X").unwrap();
        assert_eq!(vault.open(place, &sealed).unwrap(), b"11010519491231002X");
        assert!(!sealed.windows(4).any(|four| four == b"1101"));
        assert_ne!(sealed, vault.seal(place, b"11010519491231002X").unwrap(), "the nonce is a new one each time");

        assert_eq!(other.open(place, &sealed).unwrap_err().code(), "other_encryption_key");
        let elsewhere = [Place::new("people", Id::<()>::generate()), Place { what: "users", ..place }];
        assert!(elsewhere.into_iter().all(|place| vault.open(place, &sealed).is_err()));
        for at in [MARK, MARK + NONCE, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.open(place, &changed).is_err(), "{at}");
        }
        assert!((0..sealed.len()).all(|length| vault.open(place, &sealed[..length]).is_err()));
    }

    #[test]
    fn a_hash_is_of_one_kind_under_one_key() {
        let (own, other) = (vault("01"), vault("02"));
        let hash = own.hash("identity", "11010519491231002X").unwrap();
        assert_eq!(hash, own.hash("identity", "11010519491231002X").unwrap());
        assert_ne!(hash, own.hash("identity", "110105194912310020").unwrap());
        assert_ne!(hash, own.hash("passport", "11010519491231002X").unwrap());
        assert_ne!(hash, other.hash("identity", "11010519491231002X").unwrap());
    }

    #[test]
    fn a_key_is_64_digits_and_does_not_print_itself() {
        for wrong in ["", "00", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64)] {
            let fault = EncryptionKey::try_from(wrong.to_owned()).unwrap_err();
            assert!(wrong.is_empty() || wrong == "00" || !fault.contains(wrong), "{fault}");
        }
        let key = EncryptionKey::try_from("ab".repeat(32)).unwrap();
        assert_eq!((format!("{key:?}"), serde_json::to_string(&key).unwrap()), ("EncryptionKey(…)".to_owned(), "\"…\"".to_owned()));
        assert!(!format!("{:?}", Vault::new(&key).unwrap()).contains("abab"));
    }
}
