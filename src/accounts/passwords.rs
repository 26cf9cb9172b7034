//! How passwords are set, proven and changed: Argon2id, in threads of its own.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        mpsc::{self, Sender},
    },
    thread,
    time::Duration,
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
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

type Job = Box<dyn FnOnce() + Send>;

/// Hashes and proves passwords with the parameters that OWASP asks for (Argon2id, 19 MiB, two rounds, one lane), which the crate has as
/// its defaults: some 20 ms of a core. On threads of its own and no others, for each thread that ever did it keeps that memory.
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
                // The lock is held while one waits for the next job, and given back before it is done.
                while let Some(job) = waiting.lock().ok().and_then(|waiting| waiting.recv().ok()) {
                    job();
                }
            })?;
        }
        Ok(Self { jobs })
    }

    /// The hash of a password under a new salt, in the PHC format.
    async fn hash(&self, password: Password) -> Result<String, Error> {
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
        let (tell, told) = oneshot::channel();
        let job = move || {
            // Whoever has gone meanwhile costs nothing more.
            if !tell.is_closed() {
                drop(tell.send(work()));
            }
        };
        self.jobs.send(Box::new(job)).map_err(Error::internal)?;
        let told = tokio::time::timeout(PATIENCE, told).await;
        told.map_err(|_| Error::Unavailable(anyhow::anyhow!("too many passwords wait to be proven")))?.map_err(Error::internal)?
    }
}

fn hashed(password: &Password) -> Result<String, Error> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash: PasswordHash| hash.to_string()).map_err(Error::internal)
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
    let is_right = match hasher.proves(password, hash).await {
        Ok(is_right) => is_right,
        Err(error) => {
            // Nobody has looked at it.
            db.keep(move |conn, _| store::forgive(conn, attempt)).await?;
            return Err(error);
        }
    };
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
    let (name, words) = db.snapshot(move |conn, now| store::invited(conn, now, &shown)).await?;
    if let Some(fault) = password.fault("/password", &words) {
        db.keep(move |conn, _| store::forgive(conn, attempt)).await?;
        return Err(Error::Invalid(vec![fault]));
    }
    let hash = hasher.hash(password).await?;
    let accepted = db.write(Credentials::Invited(secret.clone()), move |conn, actor, now| {
        store::forgive(conn, attempt)?;
        store::accept(conn, actor, now, &secret, &hash)
    });
    // Used, withdrawn or of no use any more meanwhile.
    accepted.await.map_err(|error| if matches!(error, Error::Unauthenticated) { store::not_good() } else { error })?;
    Ok(name)
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
    let begun = begun.await;
    if let Err(Error::Invalid(_)) = begun {
        // The password was right, and only the role is not theirs.
        db.keep(move |conn, _| store::forgive(conn, attempt)).await?;
    }
    begun
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
    let Proven { proof, attempt } = proven.map_err(|error| match error {
        Error::WrongCredentials => Error::Invalid(vec![FieldFault::new("/password", "wrong_password", "is not the password")]),
        error => error,
    })?;
    // Only now, so that who may not try again costs nothing.
    let hash = match hasher.hash(new_password).await {
        Ok(hash) => hash,
        Err(error) => {
            db.keep(move |conn, _| store::forgive(conn, attempt)).await?;
            return Err(error);
        }
    };
    let device = visitor.device.clone();
    db.write(credentials, move |conn, actor, now| {
        let (.., grant) = actor.signed_in()?;
        store::forgive(conn, attempt)?;
        store::change_password(conn, actor, now, &proof.hash, &hash)?;
        let begun = access::rotate_sign_in(conn, actor, now, grant, device)?;
        Ok((store::account(conn, actor, now, begun.id)?, begun))
    })
    .await
}
