//! How passwords and codes are hashed: Argon2id, in threads of its own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        mpsc::{self, Sender},
    },
    thread,
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use tokio::sync::oneshot;

use super::Password;
use crate::error::Error;

/// How long a password waits for its turn before the answer is 503.
const PATIENCE: Duration = Duration::from_secs(5);

/// The memory that one hash takes, which a thread keeps: allocated for each hash anew, the C library's heap keeps ten times as much.
type Memory = Vec<Block>;

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// Hashes and proves passwords with the parameters that OWASP asks for (Argon2id, 19 MiB, two rounds, one lane), which the crate has as
/// its defaults: some 20 ms of a core. On threads of its own and no others, each of which keeps the memory.
#[derive(Clone, Debug)]
pub struct Hasher {
    jobs: Sender<Job>,
}

impl Hasher {
    /// With so many threads, which end when the last clone of it goes.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..threads {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new().name(format!("passwords-{number}")).spawn(move || {
                let mut memory = vec![Block::default(); Params::DEFAULT.block_count()];
                // The lock is held while one waits for the next job, and given back before it is done.
                while let Some(job) = waiting.lock().ok().and_then(|waiting| waiting.recv().ok()) {
                    // Whoever waits is told by the channel that closes; the thread goes on.
                    if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
                        tracing::error!("a password could not be proven: the thread panicked");
                    }
                }
            })?;
        }
        Ok(Self { jobs })
    }

    /// The hash of a password under a new salt, in the PHC format.
    pub(super) async fn hash(&self, password: Password) -> Result<String, Error> {
        self.run(move |memory| hashed(&password, memory)).await
    }

    /// Whether the password has this hash. Where there is none it takes as long to say so.
    pub(super) async fn proves(&self, password: Password, hash: Option<String>) -> Result<bool, Error> {
        self.run(move |memory| match hash {
            None => hashed(&password, memory).map(|_| false),
            Some(hash) => has_hash(&password, &hash, memory),
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Memory) -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
        let (tell, told) = oneshot::channel();
        let job = move |memory: &mut Memory| {
            // Whoever has gone meanwhile costs nothing more.
            if !tell.is_closed() {
                drop(tell.send(work(memory)));
            }
        };
        self.jobs.send(Box::new(job)).map_err(Error::internal)?;
        let told = tokio::time::timeout(PATIENCE, told).await;
        told.map_err(|_| Error::Unavailable(anyhow::anyhow!("too many passwords wait to be proven")))?.map_err(Error::internal)?
    }
}

fn hashed(password: &Password, memory: &mut Memory) -> Result<String, Error> {
    let salt = Salt::generate();
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&Params::DEFAULT).map_err(Error::internal)?,
        salt: Some(salt),
        hash: Some(output(password, &Params::DEFAULT, &salt, memory)?),
    };
    Ok(hash.to_string())
}

/// Whether that is the hash of the password, under the parameters and the salt that it names. Compared in constant time.
fn has_hash(password: &Password, stored: &str, memory: &mut Memory) -> Result<bool, Error> {
    let stored = PasswordHash::new(stored).map_err(Error::internal)?;
    let params = Params::try_from(&stored).map_err(Error::internal)?;
    let (Some(salt), Some(hash)) = (stored.salt, stored.hash) else {
        return Err(Error::internal("a stored hash without salt or output"));
    };
    Ok(output(password, &params, &salt, memory)? == hash)
}

fn output(password: &Password, params: &Params, salt: &Salt, memory: &mut Memory) -> Result<Output, Error> {
    // A hash of other parameters may take more.
    memory.resize(memory.len().max(params.block_count()), Block::default());
    let blocks = memory.get_mut(..params.block_count()).ok_or_else(|| Error::internal("no memory to hash in"))?;
    let mut bytes = [0_u8; Params::DEFAULT_OUTPUT_LEN];
    let context = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    context.hash_password_into_with_memory(password.as_bytes(), salt, &mut bytes, blocks).map_err(Error::internal)?;
    Output::new(&bytes).map_err(Error::internal)
}
