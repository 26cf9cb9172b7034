//! The tables of imports and of what they wrote, and the look at what rests on it.

pub(super) mod retention;
pub(super) mod verify;

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::model::{Counts, Effect, Import, ImportId, ImportKind, ImportState, roster::Seats};
use crate::{
    access::{Action, Actor, Scope, advised, taught},
    attendance::Join,
    clock::Instant,
    db::{CHUNK, Conn, MultiBackend, for_backend},
    enrollments::EnrollmentId,
    error::Error,
    id::Id,
    intakes::{self, Intake, IntakeId},
    journal::NewEntry,
    organizations::{OrganizationId, below},
    people::{Person, PersonId},
    schedule::SessionId,
    schema::{
        attendances, cohorts, enrollments, evidence, feeds, guests, hour_entries, import_effects, imports, instructor_profiles,
        intakes as intake_rows, leave_enrollments, organizations, people, session_cohorts, session_instructors, users,
    },
    text::Name,
};

/// The imports in the actor's scope: a provider's own; those of organizations are the administrator's. Whoever calls the roll of own
/// sessions sees the evidence that they brought for these themselves.
fn visible(actor: &Actor) -> imports::BoxedQuery<'static, MultiBackend> {
    let all = imports::table.into_boxed();
    let query = match actor.scope() {
        Scope::Everything => all,
        Scope::Provider(provider) => all.filter(
            imports::provider_id
                .eq_any(organizations::table.filter(organizations::id.eq_any(below(provider))).select(organizations::id.nullable())),
        ),
        Scope::Adviser(person, provider) => {
            let own = session_cohorts::table.filter(session_cohorts::cohort_id.eq_any(advised(person, provider)));
            let own = imports::session_id.assume_not_null().eq_any(own.select(session_cohorts::session_id));
            all.filter(imports::user_id.eq(actor.user_id())).filter(own)
        }
        Scope::Teacher(person, provider) => {
            let own = imports::session_id.assume_not_null().eq_any(taught(person, provider));
            all.filter(imports::user_id.eq(actor.user_id())).filter(own)
        }
        Scope::Sponsor(..) | Scope::Own(..) => all.filter(imports::id.eq_any(NONE)),
    };
    match actor.only_intakes() {
        Some(only) => query.filter(imports::intake_id.assume_not_null().eq_any(only)),
        None => query,
    }
}

const NONE: [ImportId; 0] = [];

/// The import, if the actor sees it.
pub fn find(conn: &mut Conn, actor: &Actor, id: ImportId) -> Result<Import, Error> {
    let import = visible(actor).filter(imports::id.eq(id)).select(Import::as_select()).first(conn)?;
    actor.may(Action::ReadImports)?;
    Ok(import)
}

/// The imports after `cursor`, oldest first: of one intake and of one kind, where these are given.
pub fn list(
    conn: &mut Conn,
    actor: &Actor,
    (intake, kind): (Option<IntakeId>, Option<ImportKind>),
    cursor: Option<ImportId>,
    limit: i64,
) -> Result<Vec<Import>, Error> {
    actor.may(Action::ReadImports)?;
    let mut query = visible(actor).order(imports::id).limit(limit).select(Import::as_select());
    if let Some(intake) = intake {
        query = query.filter(imports::intake_id.eq(intake));
    }
    if let Some(kind) = kind {
        query = query.filter(imports::kind.eq(kind));
    }
    if let Some(cursor) = cursor {
        query = query.filter(imports::id.gt(cursor));
    }
    Ok(query.load(conn)?)
}

/// Remembers an import that is about to write.
pub(super) fn begin(conn: &mut Conn, import: &Import) -> Result<(), Error> {
    diesel::insert_into(imports::table).values(import).execute(conn)?;
    Ok(())
}

/// What imports of one and the same file, by its hash, say of a session and have not been taken back.
pub(super) fn said_by(conn: &mut Conn, session: SessionId, sha256: &[u8]) -> Result<HashSet<Join>, Error> {
    let said = evidence::table.inner_join(imports::table.on(imports::id.eq(evidence::import_id))).filter(evidence::session_id.eq(session));
    let of_file = said.filter(imports::file_sha256.eq(sha256.to_vec()));
    let joins: Vec<Join> = of_file.select((evidence::enrollment_id, evidence::joined_at, evidence::left_at)).load(conn)?;
    Ok(joins.into_iter().collect())
}

/// Remembers what an import wrote.
pub(super) fn record(conn: &mut Conn, actor: &Actor, import: &Import, counts: Counts, effects: Vec<Effect>) -> Result<(), Error> {
    let written = |Effect { kind, id, created, version, before }: Effect| Stored {
        kind: kind.to_owned(),
        id,
        created,
        version,
        before: before.map(|before| before.to_string()),
    };
    let written: Vec<Stored> = effects.into_iter().map(written).collect();
    let entry = entry("import.committed", import);
    actor.record(entry.to(&json!({ "import": import, "counts": counts, "effects_sha256": fingerprint(&written) })));
    let rows = (0_i32..).zip(written).map(|(position, Stored { kind, id, created, version, before })| {
        (
            import_effects::import_id.eq(import.id),
            import_effects::position.eq(position),
            import_effects::subject_kind.eq(kind),
            import_effects::subject_id.eq(id),
            import_effects::created.eq(created),
            import_effects::version.eq(version),
            import_effects::before_values.eq(before),
        )
    });
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
        for_backend!(conn, |c| diesel::insert_into(import_effects::table).values(chunk).execute(c))?;
    }
    Ok(())
}

/// A hash over all that an import wrote, in its order: by it the journal knows each of them, and keeps none.
fn fingerprint(written: &[Stored]) -> String {
    let mut hash = Sha256::new();
    for Stored { kind, id, created, version, before } in written {
        // Nothing before is not the same as an empty text.
        let before = before.as_ref().map_or_else(|| "-".to_owned(), |before| format!("{} {before}", before.len()));
        hash.update(format!("{kind} {id} {created} {version} {before}\n"));
    }
    hex::encode(hash.finalize())
}

fn entry(action: &'static str, import: &Import) -> NewEntry {
    let mut entry = NewEntry::of(action, "import", import.id);
    if let Some(provider) = import.provider_id {
        entry = entry.provider(provider);
    }
    match import.intake_id {
        Some(intake) => entry.intake(intake),
        None => entry,
    }
}

/// What an import wrote, in its order.
pub(super) fn effects(conn: &mut Conn, id: ImportId) -> Result<Vec<Stored>, Error> {
    let effects = import_effects::table.filter(import_effects::import_id.eq(id)).order(import_effects::position);
    Ok(effects.select(Stored::as_select()).load(conn)?)
}

/// One thing that an import wrote, as remembered.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = import_effects)]
pub(super) struct Stored {
    #[diesel(column_name = subject_kind)]
    pub(super) kind: String,
    #[diesel(column_name = subject_id)]
    pub(super) id: Id<()>,
    pub(super) created: bool,
    pub(super) version: i32,
    #[diesel(column_name = before_values)]
    before: Option<String>,
}

impl Stored {
    /// The values that the import found.
    pub(super) fn before<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        let before = self.before.as_deref().ok_or_else(|| Error::internal("an update without the values before it"))?;
        serde_json::from_str(before).map_err(Error::internal)
    }
}

/// Says that what this import changed is as it found it: whatever stood for an import before stands again. A change raises a version by
/// one and its restoration by another, so that what others remember of these things is two versions later now, and as far apart as ever
/// from what was changed by hand between them.
pub(super) fn restored(conn: &mut Conn, import: &Import, kind: &str, ids: &[Id<()>]) -> Result<(), Error> {
    for chunk in ids.chunks(CHUNK) {
        let of_others = import_effects::table.filter(import_effects::import_id.ne(import.id)).filter(import_effects::subject_kind.eq(kind));
        diesel::update(of_others.filter(import_effects::subject_id.eq_any(chunk.to_vec())))
            .set(import_effects::version.eq(import_effects::version + 2))
            .execute(conn)?;
    }
    Ok(())
}

/// Says that what an import wrote is gone, and which things stand again as it found them.
pub(super) fn mark_undone(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    import: &Import,
    (restored, reason): (&[Id<()>], Option<&str>),
) -> Result<Import, Error> {
    let undone = Import { state: ImportState::Undone, undone_at: Some(now), ..import.clone() };
    diesel::update(imports::table.filter(imports::id.eq(import.id)))
        .set((imports::state.eq(undone.state), imports::undone_at.eq(undone.undone_at)))
        .execute(conn)?;
    let entry = entry("import.undone", import).from(&json!({ "import": import }));
    actor.record(entry.to(&json!({ "import": undone, "restored": restored })).because(reason));
    Ok(undone)
}

/// The seats that an intake and its quotas have left.
pub(super) fn seats(conn: &mut Conn, actor: &Actor, intake: &Intake) -> Result<Seats, Error> {
    let taken: i32 = intake_rows::table.find(intake.id).select(intake_rows::seats_taken).first(conn)?;
    let left = |seats: i32, taken: i32| i64::from(seats) - i64::from(taken);
    let quotas = intakes::quotas_of(conn, actor, intake.id)?;
    Ok(Seats {
        capacity: intake.capacity.map(|capacity| left(capacity, taken)),
        quotas: quotas.iter().filter_map(|quota| Some((quota.holder(), left(quota.seats?, quota.seats_taken)))).collect(),
    })
}

/// These enrollments with their versions and whose they are.
pub(super) fn enrolled(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<HashMap<EnrollmentId, (i32, Name)>, Error> {
    let mut found = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(EnrollmentId, i32, Name)> = enrollments::table
            .inner_join(people::table.on(people::id.eq(enrollments::person_id)))
            .filter(enrollments::id.eq_any(chunk.to_vec()))
            .select((enrollments::id, enrollments::version, people::name))
            .load(conn)?;
        found.extend(rows.into_iter().map(|(id, version, name)| (id, (version, name))));
    }
    Ok(found)
}

/// Those of these enrollments for which a roll was called or hours were posted, that are guests, that evidence names or for which leave was
/// asked.
pub(super) fn with_hours(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<HashSet<EnrollmentId>, Error> {
    let mut found: HashSet<EnrollmentId> = HashSet::new();
    for chunk in ids.chunks(CHUNK) {
        let called = attendances::table.filter(attendances::enrollment_id.eq_any(chunk.to_vec())).select(attendances::enrollment_id);
        found.extend(called.distinct().load::<EnrollmentId>(conn)?);
        let posted = hour_entries::table.filter(hour_entries::enrollment_id.eq_any(chunk.to_vec())).select(hour_entries::enrollment_id);
        found.extend(posted.distinct().load::<EnrollmentId>(conn)?);
        let invited = guests::table.filter(guests::enrollment_id.eq_any(chunk.to_vec())).select(guests::enrollment_id);
        found.extend(invited.distinct().load::<EnrollmentId>(conn)?);
        let gathered = evidence::table.filter(evidence::enrollment_id.eq_any(chunk.to_vec())).select(evidence::enrollment_id);
        found.extend(gathered.distinct().load::<EnrollmentId>(conn)?);
        let away = leave_enrollments::table.filter(leave_enrollments::enrollment_id.eq_any(chunk.to_vec()));
        found.extend(away.select(leave_enrollments::enrollment_id).distinct().load::<EnrollmentId>(conn)?);
    }
    Ok(found)
}

/// These people, as far as they are there.
pub(super) fn people(conn: &mut Conn, ids: &[PersonId]) -> Result<HashMap<PersonId, Person>, Error> {
    let mut found = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<Person> = people::table.filter(people::id.eq_any(chunk.to_vec())).select(Person::as_select()).load(conn)?;
        found.extend(rows.into_iter().map(|person| (person.id, person)));
    }
    Ok(found)
}

/// Those of these people who are enrolled (but for `except`), teach, look after a cohort or hold an account.
pub(super) fn used(conn: &mut Conn, ids: &[PersonId], except: &HashSet<EnrollmentId>) -> Result<HashSet<PersonId>, Error> {
    let mut found = HashSet::new();
    for chunk in ids.chunks(CHUNK) {
        let enrolled: Vec<(PersonId, EnrollmentId)> = enrollments::table
            .filter(enrollments::person_id.eq_any(chunk.to_vec()))
            .select((enrollments::person_id, enrollments::id))
            .load(conn)?;
        found.extend(enrolled.into_iter().filter(|(_, enrollment)| !except.contains(enrollment)).map(|(person, _)| person));
        let taught = session_instructors::table.filter(session_instructors::person_id.eq_any(chunk.to_vec()));
        found.extend(taught.select(session_instructors::person_id).distinct().load::<PersonId>(conn)?);
        let some = || chunk.iter().copied().map(Some).collect::<Vec<_>>();
        let advised = cohorts::table.filter(cohorts::adviser_id.eq_any(some())).select(cohorts::adviser_id);
        found.extend(advised.load::<Option<PersonId>>(conn)?.into_iter().flatten());
        let accounts = users::table.filter(users::person_id.eq_any(some())).select(users::person_id);
        found.extend(accounts.load::<Option<PersonId>>(conn)?.into_iter().flatten());
        let subscribed = feeds::table.filter(feeds::person_id.eq_any(some())).select(feeds::person_id);
        found.extend(subscribed.load::<Option<PersonId>>(conn)?.into_iter().flatten());
        let known = instructor_profiles::table.filter(instructor_profiles::person_id.eq_any(chunk.to_vec()));
        found.extend(known.select(instructor_profiles::person_id).load::<PersonId>(conn)?);
    }
    Ok(found)
}

/// These organizations with their versions.
pub(super) fn organization_versions(conn: &mut Conn, ids: &[OrganizationId]) -> Result<HashMap<OrganizationId, i32>, Error> {
    let mut found = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(OrganizationId, i32)> = organizations::table
            .filter(organizations::id.eq_any(chunk.to_vec()))
            .select((organizations::id, organizations::version))
            .load(conn)?;
        found.extend(rows);
    }
    Ok(found)
}
