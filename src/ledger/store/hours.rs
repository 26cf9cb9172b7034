//! What an enrollment has, and had.

use diesel::{
    dsl::{exists, sum},
    prelude::*,
};

use super::super::model::{Balance, EntryKind, HourEntry, HourEntryId, Ledger};
use crate::{
    access::{Action, Actor, Role},
    db::Conn,
    enrollments::{self, EnrollmentId},
    error::Error,
    schema::{hour_balances, hour_entries, journal_seals},
};

/// An enrollment's entries after `cursor`, oldest first, and its balance: as they are or, at a position of the journal, as they were.
pub(in crate::ledger) fn hours(
    conn: &mut Conn,
    actor: &Actor,
    enrollment: EnrollmentId,
    position: Option<i64>,
    (cursor, limit): (Option<HourEntryId>, i64),
) -> Result<Ledger, Error> {
    enrollments::find(conn, actor, enrollment)?;
    actor.may(Action::ReadHours)?;
    let balance = match position {
        Some(position) => balance_at(conn, enrollment, position)?,
        None => balance(conn, enrollment)?,
    };
    let mut query = hour_entries::table
        .filter(hour_entries::enrollment_id.eq(enrollment))
        .order(hour_entries::id)
        .limit(limit)
        .select(HourEntry::as_select())
        .into_boxed();
    if let Some(position) = position {
        let counted = journal_seals::table.filter(journal_seals::entry_id.eq(hour_entries::posting_id));
        query = query.filter(exists(counted.filter(journal_seals::position.le(position))));
    }
    if let Some(cursor) = cursor {
        query = query.filter(hour_entries::id.gt(cursor));
    }
    let entries: Vec<HourEntry> = query.load(conn)?;
    let entries = entries.into_iter().map(|entry| entry.shown_to(actor.role())).collect();
    let position = position.filter(|_| !matches!(actor.role(), Role::Partner | Role::Trainee));
    Ok(Ledger { position, balance, entries })
}

/// The sums of an enrollment's entries.
pub fn balance(conn: &mut Conn, enrollment: EnrollmentId) -> Result<Balance, Error> {
    let balance: Option<Balance> = hour_balances::table
        .find(enrollment)
        .select((
            hour_balances::attended,
            hour_balances::authorized_absence,
            hour_balances::unauthorized_absence,
            hour_balances::exempt,
            hour_balances::make_up,
            hour_balances::adjustment,
            hour_balances::carried_in,
        ))
        .first(conn)
        .optional()?;
    Ok(balance.unwrap_or_default())
}

/// What the balance was at a position of the journal: an act has the id of its entry there.
fn balance_at(conn: &mut Conn, enrollment: EnrollmentId, position: i64) -> Result<Balance, Error> {
    let sums: Vec<(EntryKind, Option<i64>)> = hour_entries::table
        .inner_join(journal_seals::table.on(journal_seals::entry_id.eq(hour_entries::posting_id)))
        .filter(hour_entries::enrollment_id.eq(enrollment))
        .filter(journal_seals::position.le(position))
        .group_by(hour_entries::kind)
        .select((hour_entries::kind, sum(hour_entries::minutes)))
        .load(conn)?;
    let mut balance = Balance::default();
    for (kind, minutes) in sums {
        *balance.minutes_mut(kind) = i32::try_from(minutes.unwrap_or(0)).map_err(Error::internal)?;
    }
    Ok(balance)
}
