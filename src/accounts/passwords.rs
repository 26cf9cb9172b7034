//! Argon2id, in blocking threads and so many at a time.

use std::{sync::Arc, time::Duration};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use super::model::{Attempt, Password};
use super::store;
use crate::{
    access::{Proof, RoleGrantId},
    db::Db,
    error::Error,
    id::Id,
};

/// How long a password waits for its turn before the answer is 503.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hashes and proves passwords with the parameters that OWASP asks for (Argon2id, 19 MiB, two rounds, one lane), which the crate has as
/// its defaults. Each takes that memory and a core for some 20 ms, so that no more run at once than there are threads that serve.
#[derive(Clone, Debug)]
pub struct Hasher {
    places: Arc<Semaphore>,
}

impl Hasher {
    pub fn new(at_once: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(at_once)) }
    }

    /// The hash of a password under a new salt, in the PHC format.
    pub(super) async fn hash(&self, password: Password) -> Result<String, Error> {
        self.run(move || hashed(&password)).await
    }

    /// Whether the password has this hash. Where there is none it takes as long to say so.
    async fn proves(&self, password: Password, hash: Option<String>) -> Result<bool, Error> {
        self.run(move || match hash {
            None => hashed(&password).map(|_| false),
            Some(hash) => {
                let hash = PasswordHash::new(&hash).map_err(Error::internal)?;
                Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
        let place = tokio::time::timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        let place =
            place.map_err(|_| Error::Unavailable(anyhow::anyhow!("too many passwords wait to be proven")))?.map_err(Error::internal)?;
        tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        })
        .await
        .map_err(Error::internal)?
    }
}

fn hashed(password: &Password) -> Result<String, Error> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash: PasswordHash| hash.to_string()).map_err(Error::internal)
}

/// An attempt that succeeded: to be forgiven by what it is good for.
pub(super) struct Proven {
    pub(super) proof: Proof,
    pub(super) attempt: Id<Attempt>,
}

/// Proves that whoever asks knows the password. Counted before it is looked at, so that many at once are not more than there may be.
///
/// # Errors
/// [`Error::TooMany`], also for the right password; [`Error::WrongCredentials`], as late for a user who is not there as for one who is.
pub(super) async fn prove(
    db: &Db,
    hasher: &Hasher,
    (attempt, password): (Attempt, Password),
    role_grant_id: Option<RoleGrantId>,
) -> Result<Proven, Error> {
    let (attempt, known) = db.keep(move |conn, now| store::count_attempt(conn, now, &attempt)).await?;
    let hash = known.as_ref().map(|(_, hash)| hash.clone());
    match (hasher.proves(password, hash).await?, known) {
        (true, Some((user_id, hash))) => Ok(Proven { proof: Proof { user_id, hash, role_grant_id }, attempt }),
        _ => Err(Error::WrongCredentials),
    }
}
