//! The tables of people, and who sees which of them.

pub(super) mod amendments;
pub(super) mod identity_numbers;
pub(super) mod nominees;
pub(super) mod retention;
pub(super) mod verify;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};

use super::model::{Affiliation, Match, NewPerson, Person, PersonDocument, PersonFilter, PersonId, PersonKind, PersonPatch, latest_title};
use crate::{
    access::{Action, Actor, Role, Scope, advised, shown_to, taught},
    clock::Instant,
    db::{CHUNK, Conn, MultiBackend, for_backend},
    error::Error,
    http::{Caller, ETag},
    intakes::IntakeId,
    journal::NewEntry,
    organizations::{OrganizationId, below, check_provider},
    schema::{affiliations, enrollments, organizations, people, session_cohorts},
    text::{Code, Name, Title, pattern},
};

diesel::define_sql_function! {
    /// Letters in lower case: of ASCII on SQLite, of all scripts on Postgres.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// Narrows people to those of some enrollments, all of them or only those in some intakes. A macro, because a boxed query of both
/// databases cannot be part of another one, so that the enrollments stay a plain query whose type nobody wants to write.
macro_rules! of_enrollments {
    ($people:expr, $only:expr, $enrollments:expr) => {
        match $only {
            None => $people.filter(people::id.eq_any($enrollments.select(enrollments::person_id))),
            Some(only) => {
                $people.filter(people::id.eq_any($enrollments.filter(enrollments::intake_id.eq_any(only)).select(enrollments::person_id)))
            }
        }
    };
}

const NOBODY: [PersonId; 0] = [];

/// The people that the provider of `scope` created or enrolled, or enrolled in some intakes; nobody in another scope than everything.
fn provided(scope: Scope, only: Option<Vec<IntakeId>>) -> people::BoxedQuery<'static, MultiBackend> {
    let all = people::table.into_boxed();
    let provider = match scope {
        Scope::Everything if only.is_none() => return all,
        Scope::Everything => return of_enrollments!(all, only, enrollments::table),
        Scope::Provider(provider) => provider,
        Scope::Sponsor(..) | Scope::Adviser(..) | Scope::Teacher(..) | Scope::Own(..) => return all.filter(people::id.eq_any(NOBODY)),
    };
    let taken = enrollments::table.filter(enrollments::intake_id.eq_any(crate::access::provided(provider)));
    match only {
        None => all.filter(people::provider_id.eq_any(below(provider)).or(people::id.eq_any(taken.select(enrollments::person_id)))),
        only => of_enrollments!(all, only, taken),
    }
}

/// The people of that kind in the actor's scope. A narrowed token sees the trainees of its intakes; instructors belong to none.
fn visible(actor: &Actor, kind: PersonKind) -> people::BoxedQuery<'static, MultiBackend> {
    match kind {
        PersonKind::Trainee => trainees(actor.scope(), actor.only_intakes()).filter(people::trainee),
        PersonKind::Instructor => match actor.scope() {
            scope @ (Scope::Everything | Scope::Provider(_) | Scope::Sponsor(..)) => provided(scope, None).filter(people::instructor),
            Scope::Adviser(person, _) | Scope::Teacher(person, _) | Scope::Own(person, _) => {
                people::table.into_boxed().filter(people::instructor).filter(people::id.eq(person))
            }
        },
    }
}

fn trainees(scope: Scope, only: Option<Vec<IntakeId>>) -> people::BoxedQuery<'static, MultiBackend> {
    let all = people::table.into_boxed();
    match scope {
        Scope::Everything | Scope::Provider(_) => provided(scope, only),
        Scope::Sponsor(partner, at) => {
            of_enrollments!(all, only, enrollments::table.filter(enrollments::unit_id.eq_any(shown_to(partner, at))))
        }
        Scope::Adviser(person, provider) => {
            let own = enrollments::table.filter(enrollments::cohort_id.assume_not_null().eq_any(advised(person, provider)));
            of_enrollments!(all, only, own)
        }
        Scope::Teacher(person, provider) => {
            let attending = session_cohorts::table.filter(session_cohorts::session_id.eq_any(taught(person, provider)));
            let attending = attending.select(session_cohorts::cohort_id);
            of_enrollments!(all, only, enrollments::table.filter(enrollments::cohort_id.assume_not_null().eq_any(attending)))
        }
        Scope::Own(person, _) if only.is_none() => all.filter(people::id.eq(person)),
        Scope::Own(person, _) => of_enrollments!(all, only, enrollments::table.filter(enrollments::person_id.eq(person))),
    }
}

/// The affiliations that the actor is shown of people it sees: a partner those at its own house and at what is disclosed to it, everybody
/// else all.
fn shown_affiliations(actor: &Actor) -> affiliations::BoxedQuery<'static, MultiBackend> {
    let all = affiliations::table.into_boxed();
    match actor.scope() {
        Scope::Sponsor(partner, at) => all.filter(affiliations::unit_id.eq_any(shown_to(partner, at))),
        Scope::Everything | Scope::Provider(_) | Scope::Adviser(..) | Scope::Teacher(..) | Scope::Own(..) => all,
    }
}

/// Those of them whose employee numbers the actor is shown: of whoever is restricted the provider's own house alone.
fn numbered_affiliations(actor: &Actor) -> affiliations::BoxedQuery<'static, MultiBackend> {
    match actor.role() {
        Role::Administrator | Role::Operator | Role::Coordinator | Role::Auditor => shown_affiliations(actor),
        Role::ClassAdviser | Role::Partner | Role::Instructor | Role::Trainee => {
            let unrestricted = people::table.filter(people::restricted_at.is_null()).select(people::id);
            shown_affiliations(actor).filter(affiliations::person_id.eq_any(unrestricted))
        }
    }
}

/// The people of that kind after `cursor`, by id.
pub fn list(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    kind: PersonKind,
    filter: &PersonFilter,
    (cursor, limit): (Option<PersonId>, i64),
) -> Result<Vec<PersonDocument>, Error> {
    actor.may(Action::ReadPeople)?;
    let mut query = visible(actor, kind).order(people::id).limit(limit).select(Person::as_select());
    if let Some(cursor) = cursor {
        query = query.filter(people::id.gt(cursor));
    }
    if let Some(part) = &filter.part_of_name {
        let pattern = pattern(part.as_str());
        query = query.filter(
            lower(people::name)
                .like(lower(pattern.clone()))
                .escape('\\')
                .or(lower(people::latin_name.assume_not_null()).like(lower(pattern)).escape('\\')),
        );
    }
    if let Some(number) = &filter.employee_number {
        let holders = affiliations::table
            .filter(affiliations::employee_number.eq(number.clone()))
            .filter(affiliations::until_date.is_null().or(affiliations::until_date.gt(now.utc().date_naive())));
        query = match actor.scope() {
            Scope::Sponsor(partner, at) => {
                let shown = holders.filter(affiliations::unit_id.eq_any(shown_to(partner, at)));
                query.filter(people::restricted_at.is_null()).filter(people::id.eq_any(shown.select(affiliations::person_id)))
            }
            // Who is not shown a number cannot ask whose it is either.
            Scope::Teacher(person, _) => {
                query.filter(people::id.eq_any(holders.filter(affiliations::person_id.eq(person)).select(affiliations::person_id)))
            }
            Scope::Adviser(..) => {
                query.filter(people::restricted_at.is_null()).filter(people::id.eq_any(holders.select(affiliations::person_id)))
            }
            Scope::Everything | Scope::Provider(_) | Scope::Own(..) => {
                query.filter(people::id.eq_any(holders.select(affiliations::person_id)))
            }
        };
    }
    let people = query.load(conn)?;
    with_affiliations(conn, actor, now, people)
}

/// One person of that kind.
pub fn find(conn: &mut Conn, actor: &Actor, now: Instant, kind: PersonKind, id: PersonId) -> Result<PersonDocument, Error> {
    let person = row(conn, actor, kind, id)?;
    actor.may(Action::ReadPeople)?;
    with_affiliations(conn, actor, now, vec![person])?.pop().ok_or(Error::NotFound)
}

/// The person as stored, if it is visible as one of that kind.
fn row(conn: &mut Conn, actor: &Actor, kind: PersonKind, id: PersonId) -> Result<Person, Error> {
    Ok(visible(actor, kind).filter(people::id.eq(id)).select(Person::as_select()).first(conn)?)
}

/// Adds the affiliations that have not ended, in one query, and leaves out what the actor is not shown.
fn with_affiliations(conn: &mut Conn, actor: &Actor, now: Instant, people: Vec<Person>) -> Result<Vec<PersonDocument>, Error> {
    let ids: Vec<PersonId> = people.iter().map(|person| person.id).collect();
    let today = now.utc().date_naive();
    // Of one person, as of most: a list of ids is a text of its own for each length, which no database keeps prepared.
    let shown = match ids.as_slice() {
        [id] => shown_affiliations(actor).filter(affiliations::person_id.eq(*id)),
        _ => shown_affiliations(actor).filter(affiliations::person_id.eq_any(ids)),
    };
    let lasting = shown.filter(affiliations::until_date.is_null().or(affiliations::until_date.gt(today)));
    let mut posts = posts(conn, lasting)?;
    let documents = people.into_iter().map(|person| {
        let affiliations = posts.remove(&person.id).unwrap_or_default();
        PersonDocument { person, affiliations }.shown_to(actor.role(), actor.person_id())
    });
    Ok(documents.collect())
}

/// These affiliations by person, each person's by id.
fn posts(
    conn: &mut Conn,
    affiliations: affiliations::BoxedQuery<'static, MultiBackend>,
) -> Result<HashMap<PersonId, Vec<Affiliation>>, Error> {
    let mut posts: HashMap<PersonId, Vec<Affiliation>> = HashMap::new();
    for row in affiliations.order(affiliations::id).select(Affiliation::as_select()).load(conn)? {
        posts.entry(row.person_id).or_default().push(row);
    }
    Ok(posts)
}

/// The employee numbers that the actor is shown of people it sees, by person and organization at the top; of several posts at one the
/// latest says.
pub fn employee_numbers(conn: &mut Conn, actor: &Actor, ids: &[PersonId]) -> Result<BTreeMap<(PersonId, OrganizationId), Code>, Error> {
    let mut numbers = BTreeMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(PersonId, OrganizationId, Code)> = numbered_affiliations(actor)
            .filter(affiliations::person_id.eq_any(chunk.to_vec()))
            .filter(affiliations::employee_number.is_not_null())
            .order((affiliations::until_date.is_null(), affiliations::until_date, affiliations::id))
            .select((affiliations::person_id, affiliations::organization_id, affiliations::employee_number.assume_not_null()))
            .load(conn)?;
        numbers.extend(rows.into_iter().map(|(person, organization, number)| ((person, organization), number)));
    }
    Ok(numbers)
}

/// Those of `ids` that the actor's provider created or enrolled: the only people it may change (DOMAIN 5). None in a scope that is
/// not a provider's.
pub fn is_editable_by(conn: &mut Conn, actor: &Actor, ids: &[PersonId]) -> Result<HashSet<PersonId>, Error> {
    let mut editable = HashSet::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let found: Vec<PersonId> =
            provided(actor.scope(), actor.only_intakes()).filter(people::id.eq_any(chunk.to_vec())).select(people::id).load(conn)?;
        editable.extend(found);
    }
    Ok(editable)
}

/// Refuses to change a person whom the actor sees, and does not by the intakes that its token is good for.
fn check_editable(conn: &mut Conn, actor: &Actor, id: PersonId) -> Result<(), Error> {
    if is_editable_by(conn, actor, &[id])?.contains(&id) {
        return Ok(());
    }
    Err(Error::Forbidden("this token is good for one intake or program, and this person is not enrolled in it".to_owned()))
}

/// Whether this is somebody whom the actor may nominate, or tie a user to: of a partner whom it sends, of a provider whom it created or enrolled.
pub fn is_known_to(conn: &mut Conn, actor: &Actor, id: PersonId) -> Result<bool, Error> {
    match actor.scope() {
        Scope::Sponsor(sponsor, _) => {
            let sent = enrollments::table.filter(enrollments::unit_id.eq_any(below(sponsor))).select(enrollments::person_id);
            let known = visible(actor, PersonKind::Trainee).filter(people::id.eq(id)).filter(people::id.eq_any(sent));
            Ok(known.count().get_result::<i64>(conn)? > 0)
        }
        _ => Ok(is_editable_by(conn, actor, &[id])?.contains(&id)),
    }
}

/// The visible instructors among `ids`, by id, with the title of their latest affiliation that has one (an open one counts as the
/// latest). Whoever is missing is not visible or no instructor; the caller makes that a 404.
pub fn instructors_of(conn: &mut Conn, actor: &Actor, ids: &[PersonId]) -> Result<Vec<(PersonId, Name, Option<Title>)>, Error> {
    let mut instructors = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let found: Vec<(PersonId, Name)> = visible(actor, PersonKind::Instructor)
            .filter(people::id.eq_any(chunk.to_vec()))
            .order(people::id)
            .select((people::id, people::name))
            .load(conn)?;
        let titled = affiliations::table.into_boxed().filter(affiliations::title.is_not_null());
        let mut posts = posts(conn, titled.filter(affiliations::person_id.eq_any(chunk.to_vec())))?;
        instructors.extend(found.into_iter().map(|(id, name)| {
            let posts = posts.remove(&id).unwrap_or_default();
            (id, name, latest_title(posts))
        }));
    }
    Ok(instructors)
}

/// Whom these pairs of an organization at the top and an employee number name, by affiliations without an end: every match, whoever
/// asks and whoever recorded it. The caller decides what of it may be shown ([`is_editable_by`]).
pub fn matches(conn: &mut Conn, pairs: &[(OrganizationId, Code)]) -> Result<Vec<Match>, Error> {
    let mut numbers: BTreeMap<OrganizationId, Vec<&Code>> = BTreeMap::new();
    for (organization, number) in pairs {
        numbers.entry(*organization).or_default().push(number);
    }
    let mut matches = Vec::new();
    for (organization, numbers) in numbers {
        for chunk in numbers.chunks(200) {
            let rows: Vec<(Affiliation, Person)> = affiliations::table
                .inner_join(people::table.on(people::id.eq(affiliations::person_id)))
                .filter(affiliations::organization_id.eq(organization))
                .filter(affiliations::employee_number.eq_any(chunk.to_vec()))
                .filter(affiliations::until_date.is_null())
                .order(affiliations::id)
                .select((Affiliation::as_select(), Person::as_select()))
                .load(conn)?;
            matches.extend(rows.into_iter().filter_map(|(post, person)| {
                let Affiliation { id, organization_id, unit_id, employee_number, title, .. } = post;
                Some(Match { organization_id, employee_number: employee_number?, affiliation_id: id, unit_id, title, person })
            }));
        }
    }
    Ok(matches)
}

/// Records one person at `new.provider_id`, or at the actor's own organization.
///
/// # Errors
/// 404 if the provider is not in the actor's scope; 409 `person_exists` if the employee number names a person whom the actor may
/// change, with the id, and `employee_number_taken` if it names somebody else; 422 for an unknown organization or impossible dates.
pub fn create(conn: &mut Conn, actor: &Actor, now: Instant, kind: PersonKind, new: NewPerson) -> Result<PersonDocument, Error> {
    let provider = new.provider_id.or(actor.organization_id());
    if let Some(provider) = provider {
        check_provider(conn, actor, provider)?;
    }
    actor.may_beyond_intakes(Action::WritePeople)?;
    let provider = provider
        .ok_or_else(|| Error::invalid("/provider_id", "provider_missing", "say which provider records the person; you act for none"))?;
    let documents = recorded(conn, now, provider, kind, vec![new])?;
    check_numbers(conn, actor, &documents)?;
    insert(conn, actor, provider, kind, &documents)?;
    let document = documents.into_iter().next().ok_or_else(|| Error::internal("nobody was recorded"))?;
    Ok(document.shown_to(actor.role(), actor.person_id()))
}

/// Records many people at once, with one journal entry each; the ids come in the order of `news`, whose `provider_id` is not looked at.
/// Whoever calls has looked for their numbers by [`matches()`]: to look again among rows of a moment ago, of which Postgres has no
/// statistics yet, took a quarter of a large import.
///
/// # Errors
/// As [`create`], but a number that is taken after all is always `employee_number_taken`.
pub fn register_many(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    provider: OrganizationId,
    kind: PersonKind,
    news: Vec<NewPerson>,
) -> Result<Vec<PersonId>, Error> {
    check_provider(conn, actor, provider)?;
    actor.may(Action::WritePeople)?;
    let documents = recorded(conn, now, provider, kind, news)?;
    insert(conn, actor, provider, kind, &documents)?;
    Ok(documents.into_iter().map(|document| document.person.id).collect())
}

fn recorded(
    conn: &mut Conn,
    now: Instant,
    provider: OrganizationId,
    kind: PersonKind,
    news: Vec<NewPerson>,
) -> Result<Vec<PersonDocument>, Error> {
    Error::unless_valid(news.iter().flat_map(NewPerson::faults).collect())?;
    let roots = roots(conn, &news)?;
    news.into_iter().map(|new| new.recorded(provider, kind, now, &roots)).collect()
}

fn insert(conn: &mut Conn, actor: &Actor, provider: OrganizationId, kind: PersonKind, documents: &[PersonDocument]) -> Result<(), Error> {
    let rows: Vec<&Person> = documents.iter().map(|document| &document.person).collect();
    for chunk in rows.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(people::table).values(chunk.to_vec()).execute(c))?;
    }
    let rows: Vec<&Affiliation> = documents.iter().flat_map(|document| &document.affiliations).collect();
    for chunk in rows.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(affiliations::table).values(chunk.to_vec()).execute(c)).map_err(busy)?;
    }
    let [created, _, _] = kind.actions();
    for document in documents {
        actor.record(NewEntry::of(created, "person", document.person.id).provider(provider).to(document));
    }
    Ok(())
}

/// The organization at the top of each one that `news` names.
fn roots(conn: &mut Conn, news: &[NewPerson]) -> Result<HashMap<OrganizationId, OrganizationId>, Error> {
    let named: BTreeSet<OrganizationId> = news.iter().filter_map(|new| Some(new.affiliation.as_ref()?.organization_id)).collect();
    let named: Vec<OrganizationId> = named.into_iter().collect();
    let mut roots = HashMap::with_capacity(named.len());
    for chunk in named.chunks(CHUNK) {
        let found: Vec<(OrganizationId, OrganizationId)> = organizations::table
            .filter(organizations::id.eq_any(chunk.to_vec()))
            .select((organizations::id, organizations::root_id))
            .load(conn)?;
        roots.extend(found);
    }
    Ok(roots)
}

/// An employee number names one person. Of a clash with somebody whom the actor may not change it learns no more than that.
fn check_numbers(conn: &mut Conn, actor: &Actor, documents: &[PersonDocument]) -> Result<(), Error> {
    let open = documents.iter().flat_map(|document| &document.affiliations).filter(|post| post.until_date.is_none());
    let pairs: Vec<_> = open.filter_map(|post| Some((post.organization_id, post.employee_number.clone()?))).collect();
    let clashes = matches(conn, &pairs)?;
    let Some(clash) = clashes.first() else {
        return Ok(());
    };
    let id = clash.person.id;
    if !is_editable_by(conn, actor, &[id])?.contains(&id) {
        return Err(taken());
    }
    Err(Error::conflict("person_exists", format!("the person {id} has the employee number {} there", clash.employee_number)))
}

fn taken() -> Error {
    Error::conflict("employee_number_taken", "this employee number is taken in that organization")
}

/// The only key that two affiliations can share is the employee number: somebody else was faster, or it stands twice in a file.
fn busy(error: DieselError) -> Error {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => taken(),
        error => error.into(),
    }
}

/// Applies a patch under `If-Match`.
pub fn update(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    caller: &Caller,
    (kind, id): (PersonKind, PersonId),
    patch: PersonPatch,
) -> Result<PersonDocument, Error> {
    let stored = row(conn, actor, kind, id)?;
    actor.may(Action::WritePeople)?;
    check_editable(conn, actor, id)?;
    let changed = patch.apply(&stored);
    caller.check_if_match(&ETag::version(stored.version), changed != stored)?;
    let person = if changed == stored {
        stored
    } else {
        let changed = replace(conn, &stored, changed)?;
        let [_, updated, _] = kind.actions();
        actor.record(NewEntry::of(updated, "person", id).provider(stored.provider_id).from(&stored).to(&changed));
        changed
    };
    with_affiliations(conn, actor, now, vec![person])?.pop().ok_or(Error::NotFound)
}

/// Writes `changed` over `stored`, one version further.
fn replace(conn: &mut Conn, stored: &Person, mut changed: Person) -> Result<Person, Error> {
    changed.version += 1;
    let updated = diesel::update(people::table.filter(people::id.eq(stored.id)).filter(people::version.eq(stored.version)))
        .set(&changed)
        .execute(conn)?;
    if updated == 0 {
        return Err(Error::Stale);
    }
    if changed.is_called_otherwise(stored) {
        // Reports show the name.
        crate::intakes::touch_people(conn, &[stored.id], None)?;
    }
    Ok(changed)
}

/// Removes people with their affiliations, for an import that is undone; one journal entry each, with what is lost.
///
/// # Errors
/// 404 if the actor may not change all of them; 409 `reference_broken` if something refers to one of them, such as an enrollment.
pub fn remove_many(conn: &mut Conn, actor: &Actor, ids: &[PersonId]) -> Result<(), Error> {
    let editable = is_editable_by(conn, actor, ids)?;
    if !ids.iter().all(|id| editable.contains(id)) {
        return Err(Error::NotFound);
    }
    actor.may(Action::WritePeople)?;
    for chunk in ids.chunks(CHUNK) {
        let people: Vec<Person> = people::table.filter(people::id.eq_any(chunk.to_vec())).select(Person::as_select()).load(conn)?;
        let mut posts = posts(conn, affiliations::table.into_boxed().filter(affiliations::person_id.eq_any(chunk.to_vec())))?;
        diesel::delete(people::table.filter(people::id.eq_any(chunk.to_vec()))).execute(conn)?;
        for person in people {
            let affiliations = posts.remove(&person.id).unwrap_or_default();
            let ([_, _, removed], id, provider) = (person.kind().actions(), person.id, person.provider_id);
            actor.record(NewEntry::of(removed, "person", id).provider(provider).from(&PersonDocument { person, affiliations }));
        }
    }
    Ok(())
}
