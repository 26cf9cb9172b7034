//! What an erasure asks of the schedule, and takes out of it: names and titles, and no session.

use diesel::prelude::*;

use super::{
    super::{
        changes::{ScheduleChangeId, Standing},
        model::SessionState,
    },
    changes::read,
};
use crate::{
    db::Conn,
    error::Error,
    id::Id,
    intakes::IntakeId,
    people::PersonId,
    schema::{session_change_audience, session_changes, session_instructors, sessions},
    text::{Code, ERASED, Name, Title},
};

/// The intakes in which a person teaches or taught.
pub fn taught_in(conn: &mut Conn, person: PersonId) -> Result<Vec<IntakeId>, Error> {
    let own = sessions::table
        .inner_join(session_instructors::table.on(session_instructors::session_id.eq(sessions::id)))
        .filter(session_instructors::person_id.eq(person));
    Ok(own.select(sessions::intake_id).distinct().load(conn)?)
}

/// The sessions, by their codes, that a person is still to teach: published ones, and drafts, which would be published with them.
pub fn to_be_taught_by(conn: &mut Conn, person: PersonId) -> Result<Vec<Code>, Error> {
    let own = sessions::table
        .inner_join(session_instructors::table.on(session_instructors::session_id.eq(sessions::id)))
        .filter(session_instructors::person_id.eq(person))
        .filter(sessions::state.eq_any([SessionState::Draft, SessionState::Published]));
    Ok(own.order((sessions::starts_at, sessions::id)).select(sessions::code).load(conn)?)
}

/// Takes out what an instructor who is being erased was called: the titles of the sessions they held, and the names in what was told of those
/// that were moved or cancelled.
pub fn forget(conn: &mut Conn, person: PersonId) -> Result<(), Error> {
    let titled = session_instructors::table.filter(session_instructors::person_id.eq(person));
    diesel::update(titled.filter(session_instructors::title.is_not_null()))
        .set(session_instructors::title.eq(None::<Title>))
        .execute(conn)?;
    let told: Vec<ScheduleChangeId> = session_change_audience::table
        .filter(session_change_audience::kind.eq("instructor"))
        .filter(session_change_audience::resource_id.eq(person.cast::<()>()))
        .select(session_change_audience::change_id)
        .distinct()
        .load(conn)?;
    for change in told {
        let (before, after): (String, Option<String>) =
            session_changes::table.find(change).select((session_changes::before_values, session_changes::after_values)).first(conn)?;
        let after = after.map(|after| without(person.cast(), &after)).transpose()?;
        diesel::update(session_changes::table.find(change))
            .set((session_changes::before_values.eq(without(person.cast(), &before)?), session_changes::after_values.eq(after)))
            .execute(conn)?;
    }
    Ok(())
}

/// How a session stood, without what one of its instructors was called.
fn without(person: Id<()>, values: &str) -> Result<String, Error> {
    let mut standing: Standing = read(values)?;
    let nobody: Name = ERASED.parse().map_err(Error::internal)?;
    for one in standing.instructors.iter_mut().filter(|one| one.id == person) {
        (one.name, one.latin_name) = (nobody.clone(), None);
    }
    serde_json::to_string(&standing).map_err(Error::internal)
}
