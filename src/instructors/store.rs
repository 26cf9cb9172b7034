//! The tables of instructors' profiles.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::model::{Exception, Hours, NewProfile, Profile, ProfileRow};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, CHUNK, Conn, for_backend},
    error::Error,
    http::{Caller, ETag},
    journal::NewEntry,
    organizations::{self, OrganizationId},
    people::{self, PersonId, PersonKind},
    programs,
    schema::{instructor_disciplines, instructor_exceptions, instructor_hours, instructor_profiles},
    text::{Code, listed},
};

/// The profile of an instructor whom the actor sees.
///
/// # Errors
/// 404 also while nothing is recorded.
pub fn find(conn: &mut Conn, actor: &Actor, now: Instant, id: PersonId) -> Result<Profile, Error> {
    people::find(conn, actor, now, PersonKind::Instructor, id)?;
    actor.may(Action::ReadProfiles)?;
    profiles_of(conn, BTreeSet::from([id]))?.remove(&id).ok_or(Error::NotFound)
}

/// Records a profile in place of what was known, under `If-Match` unless it is the first.
///
/// # Errors
/// 404 for nobody whom the actor sees as an instructor; 422, also `unknown_discipline` for one that no program of the house has.
pub fn put(conn: &mut Conn, actor: &Actor, now: Instant, caller: &Caller, id: PersonId, new: NewProfile) -> Result<Profile, Error> {
    let provider = people::find(conn, actor, now, PersonKind::Instructor, id)?.person.provider_id;
    actor.may_beyond_intakes(Action::WriteProfiles)?;
    // Before it is read, so that two changes see each other.
    db::lock(conn, "instructor_profile", id)?;
    let stored = profiles_of(conn, BTreeSet::from([id]))?.remove(&id);
    let version = stored.as_ref().map_or(1, |stored| stored.version);
    let mut profile = new.of(id, version)?;
    refuse_unknown(conn, actor, provider, &profile, stored.as_ref())?;
    if let Some(stored) = &stored {
        caller.check_if_match(&ETag::version(stored.version), profile != *stored)?;
        if profile == *stored {
            return Ok(profile);
        }
        profile.version += 1;
        // Its parts go with it.
        diesel::delete(instructor_profiles::table.filter(instructor_profiles::person_id.eq(id))).execute(conn)?;
    }
    insert(conn, &profile)?;
    actor.record(NewEntry::of("instructor_profile.set", "person", id).provider(provider).from(&stored).to(&profile));
    Ok(profile)
}

/// Removes what was known of the time of somebody who is erased; its parts go with it.
pub fn forget(conn: &mut Conn, id: PersonId) -> Result<(), Error> {
    diesel::delete(instructor_profiles::table.filter(instructor_profiles::person_id.eq(id))).execute(conn)?;
    Ok(())
}

/// Refuses disciplines that no program of the whole house has, of whichever of its units: such a code is mistyped, and would make a warning
/// of every session. What is known already stays, whatever becomes of the programs.
fn refuse_unknown(
    conn: &mut Conn,
    actor: &Actor,
    provider: OrganizationId,
    profile: &Profile,
    stored: Option<&Profile>,
) -> Result<(), Error> {
    let is_new = |code: &&Code| stored.is_none_or(|stored| !stored.disciplines.contains(code));
    let new: Vec<Code> = profile.disciplines.iter().filter(is_new).cloned().collect();
    if new.is_empty() {
        return Ok(());
    }
    let house = organizations::find(conn, actor, provider)?.root_id;
    let known = programs::discipline_codes(conn, house, Some(new.clone()))?;
    let Some(unknown) = new.into_iter().find(|code| !known.contains(code)) else {
        return Ok(());
    };
    let all = programs::discipline_codes(conn, house, None)?;
    let all = listed(all.iter().map(Code::as_str));
    let detail = format!("no program of the instructor's house has a discipline {unknown}; there are: {all}");
    Err(Error::invalid("/disciplines", "unknown_discipline", detail))
}

fn insert(conn: &mut Conn, profile: &Profile) -> Result<(), Error> {
    let Profile { person_id, time_zone, daily_minutes, weekly_minutes, disciplines, hours, exceptions, version } = profile;
    let (person_id, time_zone, daily_minutes, weekly_minutes, version) =
        (*person_id, *time_zone, *daily_minutes, *weekly_minutes, *version);
    let row = ProfileRow { person_id, time_zone, daily_minutes, weekly_minutes, version };
    diesel::insert_into(instructor_profiles::table).values(&row).execute(conn)?;
    let of = instructor_disciplines::person_id.eq(person_id);
    let rows: Vec<_> = disciplines.iter().map(|code| (of, instructor_disciplines::discipline.eq(code))).collect();
    if !rows.is_empty() {
        for_backend!(conn, |c| diesel::insert_into(instructor_disciplines::table).values(rows).execute(c))?;
    }
    let rows: Vec<_> = hours.iter().map(|one| (instructor_hours::person_id.eq(person_id), *one)).collect();
    if !rows.is_empty() {
        for_backend!(conn, |c| diesel::insert_into(instructor_hours::table).values(rows).execute(c))?;
    }
    let of = instructor_exceptions::person_id.eq(person_id);
    let rows: Vec<_> = (0_i32..).zip(exceptions).map(|(place, one)| (of, instructor_exceptions::position.eq(place), one)).collect();
    if !rows.is_empty() {
        for_backend!(conn, |c| diesel::insert_into(instructor_exceptions::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// The profiles of these people, as far as something is recorded: in one query if nothing is, and in four for a chunk of people.
pub fn profiles_of(conn: &mut Conn, people: BTreeSet<PersonId>) -> Result<HashMap<PersonId, Profile>, Error> {
    let people: Vec<PersonId> = people.into_iter().collect();
    let mut profiles = HashMap::new();
    for chunk in people.chunks(CHUNK) {
        let rows: Vec<ProfileRow> = instructor_profiles::table
            .filter(instructor_profiles::person_id.eq_any(chunk.to_vec()))
            .select(ProfileRow::as_select())
            .load(conn)?;
        if rows.is_empty() {
            continue;
        }
        let ids: Vec<PersonId> = rows.iter().map(|row| row.person_id).collect();
        let mut disciplines = by_person::<Code>(
            instructor_disciplines::table
                .filter(instructor_disciplines::person_id.eq_any(ids.clone()))
                .order((instructor_disciplines::person_id, instructor_disciplines::discipline))
                .select((instructor_disciplines::person_id, instructor_disciplines::discipline))
                .load(conn)?,
        );
        let mut hours = by_person::<Hours>(
            instructor_hours::table
                .filter(instructor_hours::person_id.eq_any(ids.clone()))
                .order((instructor_hours::person_id, instructor_hours::weekday, instructor_hours::from_minute))
                .select((instructor_hours::person_id, Hours::as_select()))
                .load(conn)?,
        );
        let mut exceptions = by_person::<Exception>(
            instructor_exceptions::table
                .filter(instructor_exceptions::person_id.eq_any(ids))
                .order((instructor_exceptions::person_id, instructor_exceptions::position))
                .select((instructor_exceptions::person_id, Exception::as_select()))
                .load(conn)?,
        );
        profiles.extend(rows.into_iter().map(|ProfileRow { person_id, time_zone, daily_minutes, weekly_minutes, version }| {
            let disciplines = disciplines.remove(&person_id).unwrap_or_default();
            let (hours, exceptions) = (hours.remove(&person_id).unwrap_or_default(), exceptions.remove(&person_id).unwrap_or_default());
            (person_id, Profile { person_id, time_zone, daily_minutes, weekly_minutes, disciplines, hours, exceptions, version })
        }));
    }
    Ok(profiles)
}

fn by_person<T>(rows: Vec<(PersonId, T)>) -> HashMap<PersonId, Vec<T>> {
    let mut parts: HashMap<PersonId, Vec<T>> = HashMap::new();
    for (person, part) in rows {
        parts.entry(person).or_default().push(part);
    }
    parts
}
