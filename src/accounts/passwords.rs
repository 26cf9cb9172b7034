//! How passwords are set, proven and changed: Argon2id, in threads of its own.

use std::{
    net::IpAddr,
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

use super::{
    Account,
    model::{AcceptInvitation, Attempt, ChangePassword, NewSignIn, Password},
    store,
};
use crate::{
    access::{self, BegunSignIn, Credentials, Proof, RoleGrantId},
    db::Db,
    error::{Error, FieldFault},
    http::Visitor,
    id::Id,
    text::Name,
};

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
    async fn hash(&self, password: Password) -> Result<String, Error> {
        self.run(move |memory| hashed(&password, memory)).await
    }

    /// Whether the password has this hash. Where there is none it takes as long to say so.
    async fn proves(&self, password: Password, hash: Option<String>) -> Result<bool, Error> {
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

/// Takes an attempt back unless it failed because of what was tried: nobody is kept out because the server could not look.
async fn settled<T>(db: &Db, attempt: Id<Attempt>, outcome: Result<T, Error>) -> Result<T, Error> {
    let error = match outcome {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if !matches!(error, Error::WrongCredentials) && error.code() != store::NOT_GOOD {
        db.keep(move |conn, _| store::forgive(conn, attempt)).await?;
    }
    Err(error)
}

/// A password that was proven, by an attempt that is to be forgiven with what it is good for.
struct Proven {
    proof: Proof,
    attempt: Id<Attempt>,
}

/// Proves that whoever asks knows the password. Counted before it is looked at, so that many at once are not more than there may be.
///
/// # Errors
/// [`Error::TooMany`], also for the right password; [`Error::WrongCredentials`], as late for a user who is not there as for one who is.
async fn prove(
    db: &Db,
    hasher: &Hasher,
    (name, address): (Name, IpAddr),
    password: Password,
    role: Option<RoleGrantId>,
) -> Result<Proven, Error> {
    let attempt = Attempt::at(&name, address);
    let (attempt, known) = db.keep(move |conn, now| Ok((store::count_attempt(conn, now, &attempt)?, store::known(conn, &name)?))).await?;
    let hash = known.as_ref().map(|(_, hash)| hash.clone());
    let is_right = settled(db, attempt, hasher.proves(password, hash).await).await?;
    match known {
        Some((user_id, hash)) if is_right => Ok(Proven { proof: Proof { user_id, hash, role_grant_id: role }, attempt }),
        _ => Err(Error::WrongCredentials),
    }
}

/// Sets the password of whoever was invited, and says what they sign in with. Counted as an attempt, but for a password that is not taken.
pub(super) async fn accept(db: &Db, hasher: &Hasher, visitor: &Visitor, accepted: AcceptInvitation) -> Result<Name, Error> {
    let AcceptInvitation { secret, password } = accepted;
    let (attempt, shown) = (Attempt::with(&secret, visitor.address), secret.clone());
    let attempt = db.keep(move |conn, now| store::count_attempt(conn, now, &attempt)).await?;
    let accepted = async {
        let (name, words) = db.snapshot(move |conn, now| store::invited(conn, now, &shown)).await?;
        Error::unless_valid(password.fault("/password", &words).into_iter().collect())?;
        let hash = hasher.hash(password).await?;
        let accepted = db.write(Credentials::Invited(secret.clone()), move |conn, actor, now| {
            store::accept(conn, actor, now, &secret, &hash)?;
            store::forgive(conn, attempt)
        });
        // Used, withdrawn or of no use any more meanwhile.
        accepted.await.map_err(|error| if matches!(error, Error::Unauthenticated) { store::not_good() } else { error })?;
        Ok(name)
    };
    settled(db, attempt, accepted.await).await
}

/// Begins a sign-in of whoever knows the password; one that the browser held before ends.
pub(super) async fn sign_in(db: &Db, hasher: &Hasher, visitor: &Visitor, new: NewSignIn) -> Result<(Account, BegunSignIn), Error> {
    let NewSignIn { name, password, role_grant_id } = new;
    let Proven { proof, attempt } = prove(db, hasher, (name, visitor.address), password, role_grant_id).await?;
    let (held, device) = (visitor.held.clone(), visitor.device.clone());
    let begun = db.write(Credentials::Proven(proof), move |conn, actor, now| {
        store::forgive(conn, attempt)?;
        if let Some(held) = held {
            access::end_sign_in_of(conn, actor, now, &held)?;
        }
        let begun = access::begin_sign_in(conn, actor, now, device)?;
        Ok((store::account(conn, actor, now, begun.id)?, begun))
    });
    settled(db, attempt, begun.await).await
}

/// Puts another password in the place of the one that is proven, and goes on with a new sign-in.
pub(super) async fn change(
    db: &Db,
    hasher: &Hasher,
    credentials: Credentials,
    visitor: &Visitor,
    change: ChangePassword,
) -> Result<(Account, BegunSignIn), Error> {
    let ChangePassword { password, new_password } = change;
    let (name, words) = db.read(credentials.clone(), |conn, actor, _| store::own_words(conn, actor)).await?;
    if password == new_password {
        return Err(Error::invalid("/new_password", "password_unchanged", "is the one that it is"));
    }
    Error::unless_valid(new_password.fault("/new_password", &words).into_iter().collect())?;
    let proven = prove(db, hasher, (name, visitor.address), password, None).await;
    let wrong = |error| match error {
        Error::WrongCredentials => Error::Invalid(vec![FieldFault::new("/password", "wrong_password", "is not the password")]),
        error => error,
    };
    let Proven { proof, attempt } = proven.map_err(wrong)?;
    // Only now, so that who may not try again costs nothing.
    let hash = settled(db, attempt, hasher.hash(new_password).await).await?;
    let device = visitor.device.clone();
    let changed = db.write(credentials, move |conn, actor, now| {
        let (.., grant) = actor.signed_in()?;
        store::change_password(conn, actor, now, &proof.hash, &hash)?;
        // Behind the account, which whoever accepts an invitation holds when they forgive all attempts at it.
        store::forgive(conn, attempt)?;
        let begun = access::rotate_sign_in(conn, actor, now, grant, device)?;
        Ok((store::account(conn, actor, now, begun.id)?, begun))
    });
    settled(db, attempt, changed.await).await.map_err(wrong)
}
