//! What the ledger would refuse a closing for, found without posting anything.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::{
    super::{
        foresight::{Uncovered, uncovered},
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
    enrollments::EnrollmentId,
    error::Error,
    id::Id,
    programs::ModuleId,
    schedule::SessionId,
    schema::{enrollments, hour_entries, modules, people, sessions},
    text::{Code, Name},
};

/// Where more would be present than is owed, or less than nothing, if a closing posted `tallies` of a session and what its guests came to,
/// in minutes: what [`super::post_closing`] would refuse the first of.
pub fn foresee(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    (session_id, module_id): (SessionId, ModuleId),
    tallies: &[Tally],
    came: &BTreeMap<EnrollmentId, i32>,
) -> Result<Vec<Uncovered>, Error> {
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
    Ok(found)
}

/// What would be of sessions, and of this module, in words, with the names of the trainees or without.
pub fn in_words(conn: &mut Conn, module_id: ModuleId, found: &[Uncovered], is_named: bool) -> Result<Vec<String>, Error> {
    let mut names: BTreeMap<EnrollmentId, Name> = BTreeMap::new();
    let mut codes: BTreeMap<SessionId, Code> = BTreeMap::new();
    for chunk in found.chunks(CHUNK) {
        if is_named {
            let of_person = enrollments::table.inner_join(people::table.on(people::id.eq(enrollments::person_id)));
            let ids: Vec<EnrollmentId> = chunk.iter().map(|one| one.enrollment_id).collect();
            names.extend(of_person.filter(enrollments::id.eq_any(ids)).select((enrollments::id, people::name)).load::<(_, _)>(conn)?);
        }
        let ids: Vec<SessionId> = chunk.iter().filter_map(|one| one.session_id).collect();
        codes.extend(sessions::table.filter(sessions::id.eq_any(ids)).select((sessions::id, sessions::code)).load::<(_, _)>(conn)?);
    }
    let module: Code = modules::table.find(module_id).select(modules::code).first(conn)?;
    let worded = |one: &Uncovered| {
        let whose = format!("enrollment {}", one.enrollment_id);
        let whose = names.get(&one.enrollment_id).map_or_else(|| whose.clone(), |name| format!("{name} ({whose})"));
        let session = one.session_id.and_then(|id| codes.get(&id));
        let what = session.map_or_else(|| format!("module {module}"), |code| format!("session {code}"));
        one.detail(&whose, &what)
    };
    Ok(found.iter().map(worded).collect())
}
