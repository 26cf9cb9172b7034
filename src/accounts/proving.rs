//! How somebody proves who they are: by a password or a one-time code, with a second factor where there is one.

use std::sync::Arc;

use super::{
    Account, Hasher, Password,
    model::{AcceptInvitation, Attempt, ChangePassword, Hours, NewSignIn},
    second_factor::{BeginSecondFactor, ConfirmSecondFactor, FactorCode, RecoveryCodes, RemoveSecondFactor, SecondFactor},
    sign_in_code::{Employee, NewSignInCode, SignInByCode, SignInCode, new_code},
    store::{self, second_factors, sign_in_codes},
};
use crate::{
    access::{self, Actor, BegunSignIn, Credentials, Proof, RoleGrantId, UserId},
    clock::Instant,
    db::{Conn, Db},
    error::Error,
    http::{Answer, Body, Caller, Visitor, once},
    id::Id,
    text::Name,
    vault::Vault,
};

/// Takes attempts back unless it failed because of what was tried: nobody is kept out because the server could not look.
async fn settled<T>(db: &Db, attempts: Vec<Id<Attempt>>, outcome: Result<T, Error>) -> Result<T, Error> {
    let error = match outcome {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if !is_refusal(&error) && error.code() != store::NOT_GOOD {
        db.keep(move |conn, _| store::forgive(conn, &attempts)).await?;
    }
    Err(error)
}

/// [`settled`], of somebody who is known; the journal has it that something was not proven.
async fn concluded<T>(db: &Db, user: UserId, attempts: Vec<Id<Attempt>>, outcome: Result<T, Error>) -> Result<T, Error> {
    let attempt = attempts.first().copied().ok_or_else(|| Error::internal("an attempt that was not counted"))?;
    match settled(db, attempts, outcome).await {
        Ok(value) => Ok(value),
        Err(error) => Err(journaled(db, attempt, Some(user), error).await?),
    }
}

/// Whether what was to be proven was not.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::WrongCredentials) || error.code() == second_factors::WRONG
}

/// The same error; the journal has it first, if it is that something was not proven.
async fn journaled(db: &Db, attempt: Id<Attempt>, user: Option<UserId>, error: Error) -> Result<Error, Error> {
    if is_refusal(&error) {
        db.write(Credentials::Operator, move |conn, actor, _| store::record_refusal(conn, actor, attempt, user)).await?;
    }
    Ok(error)
}

/// Whose password or code was proven, by an attempt that is to be forgiven with what it is good for.
struct Proven {
    user_id: UserId,
    hash: String,
    attempt: Id<Attempt>,
}

impl Proven {
    fn proof(&self, role_grant_id: Option<RoleGrantId>) -> Proof {
        Proof { user_id: self.user_id, hash: self.hash.clone(), role_grant_id }
    }
}

/// Proves that whoever asks knows the password, or the code. Counted before it is looked at, so that many at once are not more than there may be.
///
/// # Errors
/// [`Error::TooMany`], also for the right password; [`Error::WrongCredentials`], as late for a user who is not there as for one who is.
async fn prove<F>(db: &Db, hasher: &Hasher, attempt: Attempt, password: Password, find: F) -> Result<Proven, Error>
where
    F: FnOnce(&mut Conn, Instant) -> Result<Vec<(UserId, String)>, Error> + Send + 'static,
{
    let (attempt, known) = db.keep(move |conn, now| Ok((store::count_attempt(conn, now, &attempt)?, find(conn, now)?))).await?;
    let first = known.first().map(|(user, _)| *user);
    if known.is_empty() {
        settled(db, vec![attempt], hasher.proves(password.clone(), None).await).await?;
    }
    for (user_id, hash) in known {
        if settled(db, vec![attempt], hasher.proves(password.clone(), Some(hash.clone())).await).await? {
            return Ok(Proven { user_id, hash, attempt });
        }
    }
    Err(journaled(db, attempt, first, Error::WrongCredentials).await?)
}

/// [`prove`], of the password of whoever signs in with that name.
async fn prove_password(db: &Db, hasher: &Hasher, visitor: &Visitor, name: Name, password: Password) -> Result<Proven, Error> {
    prove(db, hasher, Attempt::at(&name, visitor.address), password, move |conn, _| Ok(Vec::from_iter(store::known(conn, &name)?))).await
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
            store::forgive(conn, &[attempt])
        });
        // Used, withdrawn or of no use any more meanwhile.
        accepted.await.map_err(|error| if matches!(error, Error::Unauthenticated) { store::not_good() } else { error })?;
        Ok(name)
    };
    settled(db, vec![attempt], accepted.await).await
}

/// Counts a guess at a second factor, whichever way its owner came, and wherever it is made from.
async fn count_guess(db: &Db, user: UserId) -> Result<Id<Attempt>, Error> {
    db.keep(move |conn, now| store::count_attempt(conn, now, &Attempt::at_factor(user))).await
}

/// Begins a sign-in of whoever knows the password, and proves the second factor where there is one.
pub(super) async fn sign_in(
    db: &Db,
    hasher: &Hasher,
    vault: Arc<Option<Vault>>,
    visitor: &Visitor,
    new: NewSignIn,
) -> Result<(Account, BegunSignIn), Error> {
    let NewSignIn { name, password, role_grant_id, second_factor } = new;
    let proven = prove_password(db, hasher, visitor, name, password).await?;
    let credentials = Credentials::Proven(proven.proof(role_grant_id));
    begin(db, visitor, &proven, credentials, (vault, second_factor), |_, _, _| Ok(())).await
}

/// Begins a sign-in of whoever was given a code, which is good no more.
pub(super) async fn sign_in_by_code(
    db: &Db,
    hasher: &Hasher,
    vault: Arc<Option<Vault>>,
    visitor: &Visitor,
    new: SignInByCode,
) -> Result<(Account, BegunSignIn), Error> {
    let SignInByCode { organization_code, employee_number, code, second_factor } = new;
    let employee = Employee { organization_code, employee_number };
    let attempt = employee.attempt(visitor.address);
    let proven = prove(db, hasher, attempt, code.0, move |conn, now| sign_in_codes::known(conn, now, &employee)).await?;
    let (credentials, hash) = (Credentials::Coded(proven.proof(None)), proven.hash.clone());
    let use_up = move |conn: &mut Conn, actor: &Actor, now| sign_in_codes::use_up(conn, actor, now, &hash);
    begin(db, visitor, &proven, credentials, (vault, second_factor), use_up).await
}

/// Begins a sign-in of whoever was proven and proves the second factor, too, if what they were proven by can be used up; one that the browser
/// held before ends.
async fn begin<F>(
    db: &Db,
    visitor: &Visitor,
    proven: &Proven,
    credentials: Credentials,
    (vault, second_factor): (Arc<Option<Vault>>, Option<FactorCode>),
    use_up: F,
) -> Result<(Account, BegunSignIn), Error>
where
    F: FnOnce(&mut Conn, &Actor, Instant) -> Result<(), Error> + Send + 'static,
{
    let mut attempts = vec![proven.attempt];
    if second_factor.is_some() {
        attempts.push(settled(db, attempts.clone(), count_guess(db, proven.user_id).await).await?);
    }
    let (forgiven, held, device) = (attempts.clone(), visitor.held.clone(), visitor.device.clone());
    let begun = db.write(credentials, move |conn, actor, now| {
        use_up(conn, actor, now)?;
        second_factors::pass(conn, actor, now, vault.as_ref().as_ref(), second_factor.as_ref())?;
        store::forgive(conn, &forgiven)?;
        if let Some(held) = held {
            access::end_sign_in_of(conn, actor, now, &held)?;
        }
        let begun = access::begin_sign_in(conn, actor, now, device)?;
        Ok((store::account(conn, actor, now, begun.id)?, begun))
    });
    concluded(db, proven.user_id, attempts, begun.await).await
}

/// Gives a trainee a code to sign in with, in the place of the one before.
pub(super) async fn give_code(db: &Db, hasher: &Hasher, caller: &Caller, user: UserId, body: Body<NewSignInCode>) -> Result<Answer, Error> {
    let request_hash = body.hash;
    let lifetime = Hours::lifetime(body.value()?.expires_in_hours.as_ref());
    // Only for whoever may give it is anything hashed.
    db.read_whole(caller.credentials.clone(), move |conn, actor, now| sign_in_codes::holder(conn, actor, now, user).map(drop)).await?;
    let (code, hashed) = new_code()?;
    let hash = hasher.hash(hashed).await?;
    once(db, caller, request_hash, move |conn, actor, now| {
        let expires_at = now.plus(lifetime);
        let Employee { organization_code, employee_number } = sign_in_codes::give(conn, actor, (now, expires_at), user, &hash)?;
        let told = SignInCode { organization_code, employee_number, code: Some(code), expires_at };
        Answer::created(format!("/api/v1/users/{user}"), &told)?.kept_as(&SignInCode { code: None, ..told.clone() })
    })
    .await
}

/// Proves that whoever is signed in knows the own password.
///
/// # Errors
/// As [`prove`], but 422 `wrong_password` for another one: the sign-in goes on.
async fn prove_own(db: &Db, hasher: &Hasher, visitor: &Visitor, name: Name, password: Password) -> Result<Proven, Error> {
    prove_password(db, hasher, visitor, name, password).await.map_err(wrong_password)
}

fn wrong_password(error: Error) -> Error {
    match error {
        Error::WrongCredentials => Error::invalid("/password", "wrong_password", "is not the password"),
        error => error,
    }
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
    let Proven { hash: proven, attempt, .. } = prove_own(db, hasher, visitor, name, password).await?;
    // Only now, so that who may not try again costs nothing.
    let hash = settled(db, vec![attempt], hasher.hash(new_password).await).await?;
    let device = visitor.device.clone();
    let changed = db.write(credentials, move |conn, actor, now| {
        let (.., grant) = actor.signed_in()?;
        store::change_password(conn, actor, now, &proven, &hash)?;
        // Behind the account, which whoever accepts an invitation holds when they forgive all attempts at it.
        store::forgive(conn, &[attempt])?;
        let begun = access::rotate_sign_in(conn, actor, now, grant, device)?;
        Ok((store::account(conn, actor, now, begun.id)?, begun))
    });
    settled(db, vec![attempt], changed.await).await.map_err(wrong_password)
}

/// A secret for the own authenticator, for whoever knows the own password.
pub(super) async fn begin_second_factor(
    db: &Db,
    hasher: &Hasher,
    vault: Arc<Option<Vault>>,
    (credentials, visitor): (Credentials, &Visitor),
    begin: BeginSecondFactor,
) -> Result<SecondFactor, Error> {
    let (name, _) = db.read(credentials.clone(), |conn, actor, _| store::own_words(conn, actor)).await?;
    let Proven { attempt, .. } = prove_own(db, hasher, visitor, name, begin.password).await?;
    let begun = db.write(credentials, move |conn, actor, now| {
        let begun = second_factors::begin(conn, actor, now, vault.as_ref().as_ref())?;
        store::forgive(conn, &[attempt])?;
        Ok(begun)
    });
    settled(db, vec![attempt], begun.await).await
}

/// Lets the own second factor count, of which a code is shown.
pub(super) async fn confirm_second_factor(
    db: &Db,
    vault: Arc<Option<Vault>>,
    credentials: Credentials,
    confirm: ConfirmSecondFactor,
) -> Result<RecoveryCodes, Error> {
    let user = db.read(credentials.clone(), |_, actor, _| actor.signed_in().map(|(user, ..)| user)).await?;
    let guess = count_guess(db, user).await?;
    let confirmed = db.write(credentials, move |conn, actor, now| {
        let codes = second_factors::confirm(conn, actor, now, vault.as_ref().as_ref(), &confirm.code)?;
        store::forgive(conn, &[guess])?;
        Ok(codes)
    });
    concluded(db, user, vec![guess], confirmed.await).await.map_err(|error| wrong_factor("/code", error))
}

/// Removes the own second factor, for whoever knows the own password and proves the factor once more.
pub(super) async fn remove_second_factor(
    db: &Db,
    hasher: &Hasher,
    vault: Arc<Option<Vault>>,
    (credentials, visitor): (Credentials, &Visitor),
    remove: RemoveSecondFactor,
) -> Result<Account, Error> {
    let (name, _) = db.read(credentials.clone(), |conn, actor, _| store::own_words(conn, actor)).await?;
    let Proven { attempt, user_id, .. } = prove_own(db, hasher, visitor, name, remove.password).await?;
    let attempts = vec![attempt, settled(db, vec![attempt], count_guess(db, user_id).await).await?];
    let forgiven = attempts.clone();
    let removed = db.write(credentials, move |conn, actor, now| {
        access::hold_account(conn, user_id)?;
        second_factors::pass(conn, actor, now, vault.as_ref().as_ref(), Some(&remove.second_factor))?;
        second_factors::remove_own(conn, actor)?;
        store::forgive(conn, &forgiven)?;
        let (_, sign_in, _) = actor.signed_in()?;
        store::account(conn, actor, now, sign_in)
    });
    concluded(db, user_id, attempts, removed.await).await.map_err(|error| wrong_factor("/second_factor", error))
}

/// A wrong code of somebody who is signed in, and stays so.
fn wrong_factor(pointer: &str, error: Error) -> Error {
    if is_refusal(&error) { Error::invalid(pointer, second_factors::WRONG, error.to_string()) } else { error }
}
