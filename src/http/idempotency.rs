//! `Idempotency-Key`: the same request sent twice does its work once.

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use diesel::prelude::*;

use super::{Answer, Caller};
use crate::{
    access::{Actor, TokenId},
    clock::Instant,
    db::{self, Conn, Db},
    error::Error,
    schema::idempotency_keys,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_keys, treat_none_as_default_value = false)]
struct StoredAnswer {
    token_id: TokenId,
    operation: String,
    key: String,
    request_hash: Vec<u8>,
    status: i32,
    etag: Option<String>,
    location: Option<String>,
    body: String,
    created_at: Instant,
}

/// Runs a POST in one write transaction; with an `Idempotency-Key`, at most once for that key.
///
/// A second request with the key waits for the first to end, is authorized again by the same code and gets the first answer. Only
/// answers of success are stored, in the transaction of the work itself.
///
/// # Errors
/// [`Error::Invalid`] if the key was used with another body.
pub async fn once<F>(db: &Db, caller: &Caller, request_hash: [u8; 32], work: F) -> Result<Answer, Error>
where
    F: FnOnce(&mut Conn, &Actor, Instant) -> Result<Answer, Error> + Send + 'static,
{
    let (operation, key) = (caller.operation.clone(), caller.idempotency_key.clone());
    db.write(caller.credentials.clone(), move |conn, actor, now| match (key, actor.token_id()) {
        (Some(key), Some(token)) => run(conn, actor, now, (token, operation, key), &request_hash, work),
        _ => work(conn, actor, now),
    })
    .await
}

/// Forgets the answers that are older than 24 hours.
pub fn sweep(conn: &mut Conn, now: Instant) -> Result<(), Error> {
    let old = now.plus(TimeDelta::hours(-24));
    diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.lt(old))).execute(conn)?;
    Ok(())
}

/// Forgets the answers in which something like one of these patterns stands, and says how many they were. A request that is sent again is
/// done again then, as far as it still can be.
pub fn forget(conn: &mut Conn, patterns: &[String]) -> Result<usize, Error> {
    let mut forgotten = 0;
    for pattern in patterns {
        let named = idempotency_keys::body.like(pattern).escape('\\');
        let named = named.or(idempotency_keys::key.like(pattern).escape('\\'));
        let named = named.or(idempotency_keys::operation.like(pattern).escape('\\'));
        let named = named.or(idempotency_keys::location.assume_not_null().like(pattern).escape('\\'));
        forgotten += diesel::delete(idempotency_keys::table.filter(named)).execute(conn)?;
    }
    Ok(forgotten)
}

fn run<F>(conn: &mut Conn, actor: &Actor, now: Instant, slot: (TokenId, String, String), hash: &[u8; 32], work: F) -> Result<Answer, Error>
where
    F: FnOnce(&mut Conn, &Actor, Instant) -> Result<Answer, Error>,
{
    let (token, operation, key) = slot;
    // A duplicate in flight waits here until the first has committed.
    db::lock(conn, "idempotency", format_args!("{token}:{operation}:{key}"))?;
    let stored: Option<StoredAnswer> =
        idempotency_keys::table.find((token, &operation, &key)).select(StoredAnswer::as_select()).first(conn).optional()?;
    if let Some(stored) = stored {
        return replay(conn, actor, now, stored, hash, work);
    }
    let answer = work(conn, actor, now)?;
    let stored = StoredAnswer {
        token_id: token,
        operation,
        key,
        request_hash: hash.to_vec(),
        status: answer.status.as_u16().into(),
        etag: answer.etag.clone(),
        location: answer.location.clone(),
        body: answer.kept.as_ref().unwrap_or(&answer.body).clone(),
        created_at: now,
    };
    diesel::insert_into(idempotency_keys::table).values(&stored).execute(conn)?;
    Ok(answer)
}

fn replay<F>(conn: &mut Conn, actor: &Actor, now: Instant, stored: StoredAnswer, hash: &[u8; 32], work: F) -> Result<Answer, Error>
where
    F: FnOnce(&mut Conn, &Actor, Instant) -> Result<Answer, Error>,
{
    if stored.request_hash != hash {
        return Err(Error::invalid("", "idempotency_key_reused", "this Idempotency-Key was used with another body"));
    }
    actor.begin_replay();
    match work(conn, actor, now) {
        Err(Error::Replayed) => {}
        Err(error) => return Err(error),
        Ok(_) => return Err(Error::internal("an operation wrote without asking the policy")),
    }
    let status = u16::try_from(stored.status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or_else(|| Error::internal("a stored status is none"))?;
    let mut answer = Answer::of(status, stored.body);
    answer.etag = stored.etag;
    answer.location = stored.location;
    answer.replayed = true;
    Ok(answer)
}
