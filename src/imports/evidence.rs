//! Who was in the meeting of a session, from the file of the meeting's provider.

use super::{
    model::{
        Effect, File, ImportKind, Options, Report,
        evidence::{plan, read},
    },
    pipeline::{Subject, settle},
    store,
};
use crate::{
    access::Actor,
    attendance::{self, Join},
    clock::Instant,
    db::Conn,
    error::Error,
    schedule::SessionId,
};

/// Whether the actor may import evidence for a session.
pub fn may_import_evidence(conn: &mut Conn, actor: &Actor, session: SessionId) -> Result<(), Error> {
    attendance::may_gather(conn, actor, session).map(drop)
}

/// Adds the joins of a file to the evidence of a session, and calls the roll by what all evidence comes to: the union of the joins, in
/// seconds, clipped to the session, rounded half up to minutes once (DOMAIN section 3). Two instances of one meeting are one, whether in
/// one file or in two; what each file says is kept by itself, also where another one says it too, so that undoing one of them leaves what
/// the others say. The same file once more says nothing new. Who was called otherwise stays so, and who is in no file is not called.
///
/// # Errors
/// 404; 409 if the roll cannot be called now; 422 `columns_missing` and its like. Rows that are at fault are no error, but in the report.
pub fn import_evidence(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    session: SessionId,
    file: &File,
    options: &Options,
) -> Result<Report, Error> {
    let gathering = attendance::gather(conn, actor, now, session, !options.dry_run)?;
    let (entries, unknown) = read(&file.content, gathering.zone)?;
    let repeated = store::said_by(conn, session, &file.sha256)?;
    let plans = plan(entries, &gathering, &repeated);
    let subject = Subject {
        kind: ImportKind::Evidence,
        provider: Some(gathering.provider_id),
        intake: Some(gathering.intake_id),
        session: Some(session),
    };
    settle(conn, actor, now, subject, (file, options), (plans, unknown), |conn, import, joins: Vec<Join>| {
        let version = attendance::add_evidence(conn, actor, now, session, (import, &joins))?;
        options.tell("written", joins.len(), joins.len());
        Ok(vec![Effect::added_to("roll_call", session, version)])
    })
}
