//! What the ledger would refuse a closing for, found without posting anything.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::{
    super::{
        foresight::{Foreseen, Uncovered, uncovered},
        make_ups::corrected,
        model::{HourEntry, HourEntryId, Posting, Tally, corrections},
    },
    make_ups::{concerned, earned_in},
    standing_of,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{CHUNK, Conn},
    enrollments::{self, EnrollmentId},
    error::Error,
    id::Id,
    programs::ModuleId,
    schedule::{self, SessionId},
    schema::{enrollments as enrollment_rows, hour_entries, modules, people, sessions},
    text::{Code, Name},
};

/// Where more would be present than is owed, or less than nothing, if a closing posted `tallies` of a session and what its guests came to,
/// in minutes: what [`super::post_closing`] would refuse the first of, in its words, as far as the actor sees these hours.
pub fn foresee(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    (session_id, module_id): (SessionId, ModuleId),
    tallies: &[Tally],
    came: &BTreeMap<EnrollmentId, i32>,
) -> Result<Foreseen, Error> {
    actor.may(Action::ReadRollCall)?;
    let posting = Posting { id: Id::generate(), module_id, reason: None, user_id: None, recorded_at: now };
    let before = standing_of(conn, session_id)?;
    let (reversed, posted) = corrections(&before, tallies);
    let altered: BTreeSet<EnrollmentId> =
        reversed.iter().map(|entry| entry.enrollment_id).chain(posted.iter().map(|tally| tally.enrollment_id)).collect();
    let reversed: BTreeSet<HourEntryId> = reversed.into_iter().map(|entry| entry.id).collect();
    let mut all = altered.clone();
    all.extend(concerned(conn, session_id)?);
    let mut found = Vec::new();
    for chunk in all.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        let of_module =
            hour_entries::table.filter(hour_entries::enrollment_id.eq_any(chunk.to_vec())).filter(hour_entries::module_id.eq(module_id));
        let mut entries: Vec<HourEntry> = of_module.select(HourEntry::as_select()).load(conn)?;
        let mut earned = earned_in(conn, &entries, chunk, module_id, Some(session_id))?;
        for one in earned.iter_mut().filter(|one| one.made_up_in_id == session_id) {
            one.minutes = came.get(&one.enrollment_id).copied().unwrap_or(0);
        }
        entries.retain(|entry| !reversed.contains(&entry.id));
        for tally in posted.iter().filter(|tally| chunk.contains(&tally.enrollment_id)) {
            entries
                .extend(tally.entries.iter().map(|(kind, minutes)| posting.entry(tally.enrollment_id, Some(session_id), *kind, *minutes)));
        }
        let made_up = corrected(&entries, &earned);
        let mut sessions: BTreeSet<(EnrollmentId, SessionId)> =
            altered.iter().filter(|id| chunk.contains(id)).map(|id| (*id, session_id)).collect();
        sessions.extend(made_up.iter().map(|change| (change.enrollment_id, change.pair.0)));
        found.extend(uncovered(&entries, &made_up, &sessions));
    }
    told_of(conn, actor, (session_id, module_id), found)
}

/// The sums are of other sessions, too, and not for whoever only calls the roll.
fn told_of(
    conn: &mut Conn,
    actor: &Actor,
    (session_id, module_id): (SessionId, ModuleId),
    found: Vec<Uncovered>,
) -> Result<Foreseen, Error> {
    if found.is_empty() || !actor.allows(Action::ReadHours) {
        return Ok(Foreseen { told: Vec::new(), others: !found.is_empty() });
    }
    let of: Vec<EnrollmentId> = found.iter().map(|one| one.enrollment_id).collect();
    let of = enrollments::seen_of(conn, actor, &of)?;
    let mut sessions = schedule::seen_of(conn, actor, found.iter().filter_map(|one| one.session_id).collect())?;
    sessions.insert(session_id);
    let is_told = |one: &Uncovered| of.contains(&one.enrollment_id) && one.session_id.is_none_or(|id| sessions.contains(&id));
    let (told, others): (Vec<Uncovered>, Vec<Uncovered>) = found.into_iter().partition(is_told);
    let details = in_words(conn, module_id, &told, true)?;
    Ok(Foreseen { told: told.into_iter().zip(details).collect(), others: !others.is_empty() })
}

/// What would be of sessions, and of this module, in words, with the names of the trainees or without.
pub(super) fn in_words(conn: &mut Conn, module_id: ModuleId, found: &[Uncovered], is_named: bool) -> Result<Vec<String>, Error> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let mut names: BTreeMap<EnrollmentId, Name> = BTreeMap::new();
    let mut codes: BTreeMap<SessionId, Code> = BTreeMap::new();
    for chunk in found.chunks(CHUNK) {
        if is_named {
            let of_person = enrollment_rows::table.inner_join(people::table.on(people::id.eq(enrollment_rows::person_id)));
            let ids: Vec<EnrollmentId> = chunk.iter().map(|one| one.enrollment_id).collect();
            let of_person = of_person.filter(enrollment_rows::id.eq_any(ids));
            names.extend(of_person.select((enrollment_rows::id, people::name)).load::<(_, _)>(conn)?);
        }
        let ids: Vec<SessionId> = chunk.iter().filter_map(|one| one.session_id).collect();
        codes.extend(sessions::table.filter(sessions::id.eq_any(ids)).select((sessions::id, sessions::code)).load::<(_, _)>(conn)?);
    }
    let module: Code = modules::table.find(module_id).select(modules::code).first(conn)?;
    let worded = |one: &Uncovered| {
        let whose = match names.get(&one.enrollment_id) {
            Some(name) => format!("{name} (enrollment {})", one.enrollment_id),
            None => format!("enrollment {}", one.enrollment_id),
        };
        let session = one.session_id.and_then(|id| codes.get(&id));
        let what = session.map_or_else(|| format!("module {module}"), |code| format!("session {code}"));
        one.detail(&whose, &what)
    };
    Ok(found.iter().map(worded).collect())
}
