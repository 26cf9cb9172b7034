//! The table of feeds: who may make which, and what each shows.

pub(super) mod retention;
pub(super) mod verify;

use std::collections::HashMap;

use chrono::TimeDelta;
use diesel::{dsl::exists, prelude::*};

use super::model::{Calendar, Event, Feed, FeedId, FeedKind, FeedRow, NewFeed, Subject};
use crate::{
    access::{Action, Actor, Role, RoleGrant, Scope, Secret, provided},
    clock::Instant,
    db::{Conn, MultiBackend},
    enrollments::{EnrollmentState, enrolled_at},
    error::Error,
    id::Id,
    intakes::{self, IntakeId},
    journal::NewEntry,
    organizations::{OrganizationId, below},
    people::{self, PersonKind},
    rooms,
    schedule::{SessionId, SessionRow, begins_at, is_announced},
    schema::{
        cohorts, enrollment_periods, enrollments, feeds, guests, intakes as intake_rows, modules, people as person_rows, role_grants,
        rooms as room_rows, session_cohorts, session_instructors, sessions, users,
    },
    text::{Link, Name},
    zone::Zone,
};

const NONE: [FeedId; 0] = [];

/// The feeds in the actor's scope: the provider's, with those of the people whom it recorded or gave a role; and of oneself.
fn visible(actor: &Actor) -> feeds::BoxedQuery<'static, MultiBackend> {
    let all = feeds::table.into_boxed();
    let query = match actor.scope() {
        Scope::Everything => all,
        Scope::Provider(provider) => {
            let house = || below(provider);
            all.filter(feeds::provider_id.eq_any(house()).or(feeds::organization_id.eq_any(house())))
        }
        Scope::Teacher(person, provider) => all
            .filter(feeds::kind.eq(FeedKind::Instructor))
            .filter(feeds::person_id.eq(person))
            .filter(feeds::organization_id.eq_any(below(provider))),
        Scope::Own(person, provider) => all
            .filter(feeds::kind.eq(FeedKind::Trainee))
            .filter(feeds::person_id.eq(person))
            .filter(feeds::organization_id.eq_any(below(provider))),
        Scope::Sponsor(..) | Scope::Adviser(..) => all.filter(feeds::id.eq_any(NONE)),
    };
    match actor.only_intakes() {
        Some(only) => {
            let own = cohorts::table.filter(cohorts::intake_id.eq_any(only.clone())).select(cohorts::id.nullable());
            query.filter(feeds::intake_id.assume_not_null().eq_any(only).or(feeds::cohort_id.eq_any(own)))
        }
        None => query,
    }
}

/// Joins what feeds are of to them. A macro, as a boxed query that is joined has a type that nobody wants to write.
macro_rules! named {
    ($query:expr) => {
        $query
            .left_join(person_rows::table.on(person_rows::id.nullable().eq(feeds::person_id)))
            .left_join(cohorts::table.on(cohorts::id.nullable().eq(feeds::cohort_id)))
            .left_join(room_rows::table.on(room_rows::id.nullable().eq(feeds::room_id)))
            .left_join(intake_rows::table.on(intake_rows::id.nullable().eq(feeds::intake_id)))
            .left_join(users::table.on(users::id.nullable().eq(feeds::user_id)))
            .select((
                FeedRow::as_select(),
                users::name.nullable(),
                person_rows::name.nullable(),
                cohorts::name.nullable(),
                room_rows::name.nullable(),
                intake_rows::name.nullable(),
            ))
    };
}

type NamedRow = (FeedRow, Option<Name>, Option<Name>, Option<Name>, Option<Name>, Option<Name>);

impl From<NamedRow> for Feed {
    fn from((row, maker, person, cohort, room, intake): NamedRow) -> Self {
        Self::of(row, maker, person.or(cohort).or(room).or(intake))
    }
}

/// The feeds after `cursor`, by id.
pub(super) fn list(conn: &mut Conn, actor: &Actor, cursor: Option<FeedId>, limit: i64) -> Result<Vec<Feed>, Error> {
    actor.may(Action::ReadFeeds)?;
    let mut query = visible(actor).order(feeds::id).limit(limit);
    if let Some(cursor) = cursor {
        query = query.filter(feeds::id.gt(cursor));
    }
    let rows: Vec<NamedRow> = named!(query).load(conn)?;
    Ok(rows.into_iter().map(Feed::from).collect())
}

/// The feeds that are still read and that the user made to whom a role was granted.
pub fn of_maker(conn: &mut Conn, actor: &Actor, grant: Id<RoleGrant>) -> Result<Vec<Feed>, Error> {
    actor.may(Action::ReadFeeds)?;
    let maker = role_grants::table.filter(role_grants::id.eq(grant)).select(role_grants::user_id.nullable());
    let made = visible(actor).filter(feeds::revoked_at.is_null()).filter(feeds::user_id.eq_any(maker));
    let rows: Vec<NamedRow> = named!(made.order(feeds::id)).load(conn)?;
    Ok(rows.into_iter().map(Feed::from).collect())
}

/// Makes a feed. Its secret is in the answer and nowhere else.
///
/// # Errors
/// 404 for a subject that the actor does not see; 403 for one that is neither the coordinator's nor oneself; 409 `not_enrolled` for somebody
/// of another provider whose last enrollment here has ended: nobody could read it.
pub(super) fn create(conn: &mut Conn, actor: &Actor, now: Instant, new: &NewFeed) -> Result<(Feed, Secret), Error> {
    let subject = new.subject();
    let (provider_id, intake) = place(conn, actor, now, subject)?;
    actor.may_beyond_intakes(Action::WriteFeeds)?;
    let is_own = |person| actor.person_id() == Some(person);
    let may = match (actor.role(), subject) {
        (Role::Instructor, Subject::Instructor(person)) | (Role::Trainee, Subject::Trainee(person)) => is_own(person),
        (role, _) => !matches!(role, Role::Instructor | Role::Trainee),
    };
    if !may {
        return Err(Error::Forbidden("an instructor or a trainee makes feeds of the own schedule alone".to_owned()));
    }
    let organization_id = actor.organization_id().ok_or_else(|| Error::internal("a feed of nobody's"))?;
    let secret = Secret::generate()?;
    let mut row = FeedRow {
        id: Id::generate(),
        provider_id: provider_id.unwrap_or(organization_id),
        organization_id,
        kind: new.kind,
        person_id: None,
        cohort_id: None,
        room_id: None,
        intake_id: None,
        prefix: secret.prefix(),
        secret_hash: secret.hash().to_vec(),
        role: actor.role(),
        user_id: actor.user_id(),
        created_at: now,
        last_used_at: None,
        revoked_at: None,
    };
    match subject {
        Subject::Instructor(id) | Subject::Trainee(id) => row.person_id = Some(id),
        Subject::Cohort(id) => row.cohort_id = Some(id),
        Subject::Room(id) => row.room_id = Some(id),
        Subject::Intake(id) => row.intake_id = Some(id),
    }
    if !may_be_read(conn, now, &row)? {
        return Err(Error::conflict("not_enrolled", "the last enrollment here of this person has ended, and so has every feed of it"));
    }
    diesel::insert_into(feeds::table).values(&row).execute(conn)?;
    let feed = Feed::from(named!(feeds::table.filter(feeds::id.eq(row.id))).first::<NamedRow>(conn)?);
    actor.record(filed("feed.created", &feed, intake).to(&feed));
    Ok((feed, secret))
}

/// The provider and the intake that a subject belongs to, if the actor sees it. A person may belong to several providers, so that a
/// feed of one is of the provider for which the actor acts; and an instructor's own one, whose role may be at the sponsor, of who recorded them.
fn place(conn: &mut Conn, actor: &Actor, now: Instant, subject: Subject) -> Result<(Option<OrganizationId>, Option<IntakeId>), Error> {
    let of_intake = |conn: &mut Conn, id| intakes::find(conn, actor, id).map(|intake| (Some(intake.provider_id), Some(id)));
    let of_person = |conn: &mut Conn, kind, id| {
        let found = people::find(conn, actor, now, kind, id)?;
        Ok(((actor.role() == Role::Instructor).then_some(found.person.provider_id), None))
    };
    match subject {
        Subject::Instructor(id) => of_person(conn, PersonKind::Instructor, id),
        Subject::Trainee(id) => of_person(conn, PersonKind::Trainee, id),
        Subject::Room(id) => rooms::find(conn, actor, id).map(|room| (Some(room.provider_id), None)),
        Subject::Intake(id) => of_intake(conn, id),
        Subject::Cohort(id) => {
            let intake = cohorts::table.find(id).select(cohorts::intake_id).first(conn)?;
            let is_seen = intakes::list_cohorts(conn, actor, intake)?.iter().any(|cohort| cohort.id == id);
            if is_seen { of_intake(conn, intake) } else { Err(Error::NotFound) }
        }
    }
}

fn filed(action: &'static str, feed: &Feed, intake: Option<IntakeId>) -> NewEntry {
    let entry = NewEntry::of(action, "feed", feed.id).provider(feed.provider_id);
    match intake {
        Some(intake) => entry.intake(intake),
        None => entry,
    }
}

/// Ends a feed at once; what has ended stays so.
pub(super) fn revoke(conn: &mut Conn, actor: &Actor, now: Instant, id: FeedId, reason: Option<&str>) -> Result<Feed, Error> {
    let stored: NamedRow = named!(visible(actor).filter(feeds::id.eq(id))).first(conn)?;
    actor.may_beyond_intakes(Action::WriteFeeds)?;
    let revoked = diesel::update(feeds::table.filter(feeds::id.eq(id)).filter(feeds::revoked_at.is_null()))
        .set(feeds::revoked_at.eq(now))
        .execute(conn)?;
    let intake = match (stored.0.intake_id, stored.0.cohort_id) {
        (None, Some(cohort)) => Some(cohorts::table.find(cohort).select(cohorts::intake_id).first(conn)?),
        (intake, _) => intake,
    };
    let before = Feed::from(stored);
    if revoked == 0 {
        return Ok(before);
    }
    let feed = Feed { revoked_at: Some(now), ..before.clone() };
    actor.record(filed("feed.revoked", &feed, intake).from(&before).to(&feed).because(reason));
    Ok(feed)
}

/// The calendar at a secret address, and its feed if the time of last use is due to be noted.
///
/// # Errors
/// 404 for whatever is not an address that is good now; which of the reasons it is, nobody is told.
pub(super) fn calendar(conn: &mut Conn, now: Instant, file_name: &str) -> Result<(Calendar, Option<FeedId>), Error> {
    let secret = Secret::from(file_name.strip_suffix(".ics").ok_or(Error::NotFound)?);
    let feed: FeedRow = feeds::table
        .filter(feeds::secret_hash.eq(secret.hash().to_vec()))
        .filter(feeds::revoked_at.is_null())
        .select(FeedRow::as_select())
        .first(conn)?;
    let subject = feed.subject().ok_or(Error::NotFound)?;
    if !may_be_read(conn, now, &feed)? {
        return Err(Error::NotFound);
    }
    // People meet at several providers, and a unit's room is used by others of the house. Who made the feed sees the sessions of some of
    // them.
    let within = (feed.person_id.is_some() || feed.room_id.is_some()).then_some(feed.organization_id);
    let calendar = Calendar { name: name(conn, subject)?, events: events(conn, within, subject)? };
    let is_stale = feed.last_used_at.is_none_or(|used| used.plus(TimeDelta::minutes(5)) <= now);
    Ok((calendar, is_stale.then_some(feed.id)))
}

/// Notes that a feed was read just now.
pub(super) fn note_use(conn: &mut Conn, id: FeedId, now: Instant) -> Result<(), Error> {
    diesel::update(feeds::table.filter(feeds::id.eq(id))).set(feeds::last_used_at.eq(now)).execute(conn)?;
    Ok(())
}

/// Whether a feed may be read to this day.
fn may_be_read(conn: &mut Conn, now: Instant, feed: &FeedRow) -> Result<bool, Error> {
    if feed.role == Role::Coordinator { still_concerns(conn, feed) } else { still_holds(conn, now, feed) }
}

/// Whether who made a feed of the own schedule has that role to this day.
fn still_holds(conn: &mut Conn, now: Instant, feed: &FeedRow) -> Result<bool, Error> {
    let holders = users::table
        .inner_join(role_grants::table.on(role_grants::user_id.eq(users::id)))
        .filter(users::id.nullable().eq(feed.user_id))
        .filter(users::disabled_at.is_null())
        .filter(role_grants::role.eq(feed.role))
        .filter(role_grants::organization_id.eq(feed.organization_id))
        .filter(role_grants::from_at.le(now))
        .filter(role_grants::until_at.is_null().or(role_grants::until_at.gt(now)));
    Ok(diesel::select(exists(holders)).get_result(conn)?)
}

/// Whether the person of a feed that a coordinator made is one whom the coordinator's provider recorded, or who has an enrollment there
/// that is open to this day (DOMAIN 2.2).
fn still_concerns(conn: &mut Conn, feed: &FeedRow) -> Result<bool, Error> {
    let Some(person) = feed.person_id else {
        return Ok(true);
    };
    let enrolled = enrollments::table
        .filter(enrollments::intake_id.eq_any(provided(feed.organization_id)))
        .filter(enrollments::state.ne_all(EnrollmentState::ENDED));
    let known =
        person_rows::provider_id.eq_any(below(feed.organization_id)).or(person_rows::id.eq_any(enrolled.select(enrollments::person_id)));
    Ok(diesel::select(exists(person_rows::table.filter(person_rows::id.eq(person)).filter(known))).get_result(conn)?)
}

/// What a subject is called, and its calendar by whatever program.
fn name(conn: &mut Conn, subject: Subject) -> Result<Name, Error> {
    Ok(match subject {
        Subject::Instructor(id) | Subject::Trainee(id) => person_rows::table.find(id).select(person_rows::name).first(conn)?,
        Subject::Room(id) => room_rows::table.find(id).select(room_rows::name).first(conn)?,
        Subject::Intake(id) => intake_rows::table.find(id).select(intake_rows::name).first(conn)?,
        Subject::Cohort(id) => cohorts::table.find(id).select(cohorts::name).first(conn)?,
    })
}

// The tables once more: a query that has one in it cannot have it in a part of itself.
diesel::alias! {
    const MEMBERS: Alias<Members> = session_cohorts as members;
    const TEACHERS: Alias<Teachers> = session_instructors as teachers;
    const OWN: Alias<Own> = enrollments as own;
}

/// Narrows a query over sessions and their intakes to what a feed shows: what was announced, with what of it was cancelled since. A
/// macro, as the queries differ in type.
macro_rules! shown {
    ($query:expr, $within:expr, $subject:expr) => {{
        let announced = $query.filter(is_announced()).into_boxed::<MultiBackend>();
        let announced = match $within {
            Some(house) => announced.filter(intake_rows::provider_id.eq_any(below(house))),
            None => announced,
        };
        match $subject {
            Subject::Intake(id) => announced.filter(sessions::intake_id.eq(id)),
            Subject::Room(id) => announced.filter(sessions::room_id.eq(id)),
            Subject::Cohort(id) => {
                let held = MEMBERS.filter(MEMBERS.field(session_cohorts::cohort_id).eq(id));
                announced.filter(sessions::id.eq_any(held.select(MEMBERS.field(session_cohorts::session_id))))
            }
            Subject::Instructor(id) => {
                let taught = TEACHERS.filter(TEACHERS.field(session_instructors::person_id).eq(id));
                announced.filter(sessions::id.eq_any(taught.select(TEACHERS.field(session_instructors::session_id))))
            }
            Subject::Trainee(id) => {
                // Whoever is placed in a cohort of the session when it begins (DOMAIN 2.6), or makes up another one there.
                let placed = MEMBERS
                    .inner_join(
                        enrollment_periods::table
                            .on(enrollment_periods::cohort_id.eq(MEMBERS.field(session_cohorts::cohort_id).nullable())),
                    )
                    .inner_join(enrollments::table.on(enrollments::id.eq(enrollment_periods::enrollment_id)))
                    .filter(MEMBERS.field(session_cohorts::session_id).eq(sessions::id))
                    .filter(enrollments::person_id.eq(id))
                    .filter(enrolled_at(begins_at()));
                let own = OWN.filter(OWN.field(enrollments::person_id).eq(id)).select(OWN.field(enrollments::intake_id));
                let invited = guests::table
                    .inner_join(enrollment_periods::table.on(enrollment_periods::enrollment_id.eq(guests::enrollment_id)))
                    .inner_join(enrollments::table.on(enrollments::id.eq(guests::enrollment_id)))
                    .filter(guests::session_id.eq(sessions::id))
                    .filter(enrollments::person_id.eq(id))
                    .filter(enrolled_at(begins_at()));
                announced.filter(sessions::intake_id.eq_any(own)).filter(exists(placed).or(exists(invited)))
            }
        }
    }};
}

type SessionFacts = (SessionRow, Name, Name, Zone, Option<Name>, Option<Link>);

/// The sessions of a feed by start: three statements, however many there are.
fn events(conn: &mut Conn, within: Option<OrganizationId>, subject: Subject) -> Result<Vec<Event>, Error> {
    let of_session = sessions::table
        .inner_join(intake_rows::table.on(intake_rows::id.eq(sessions::intake_id)))
        .inner_join(modules::table.on(modules::id.eq(sessions::module_id)))
        .left_join(room_rows::table.on(room_rows::id.nullable().eq(sessions::room_id)))
        .order((sessions::starts_at, sessions::id))
        .select((
            SessionRow::as_select(),
            modules::name,
            intake_rows::name,
            intake_rows::time_zone,
            room_rows::name.nullable(),
            room_rows::link.nullable(),
        ));
    let rows: Vec<SessionFacts> = shown!(of_session, within, subject).load(conn)?;
    let of_cohort = session_cohorts::table
        .inner_join(sessions::table.on(sessions::id.eq(session_cohorts::session_id)))
        .inner_join(intake_rows::table.on(intake_rows::id.eq(sessions::intake_id)))
        .inner_join(cohorts::table.on(cohorts::id.eq(session_cohorts::cohort_id)))
        .order((sessions::id, cohorts::code))
        .select((sessions::id, cohorts::name));
    let mut names_of_cohorts = by_session(shown!(of_cohort, within, subject).load(conn)?);
    let of_instructor = session_instructors::table
        .inner_join(sessions::table.on(sessions::id.eq(session_instructors::session_id)))
        .inner_join(intake_rows::table.on(intake_rows::id.eq(sessions::intake_id)))
        .inner_join(person_rows::table.on(person_rows::id.eq(session_instructors::person_id)))
        .order((sessions::id, session_instructors::lead.desc(), person_rows::id))
        .select((sessions::id, person_rows::name));
    let mut names_of_instructors = by_session(shown!(of_instructor, within, subject).load(conn)?);
    let event = |(row, module, intake, zone, room, link): SessionFacts| Event {
        id: row.id,
        starts_at: row.begins_at(),
        ends_at: row.finishes_at(),
        code: row.code,
        module,
        intake,
        zone,
        mode: row.mode,
        minutes: row.held_minutes.unwrap_or(row.minutes),
        cancelled: row.cancel_reason,
        cohorts: names_of_cohorts.remove(&row.id).unwrap_or_default(),
        instructors: names_of_instructors.remove(&row.id).unwrap_or_default(),
        room,
        place: row.place,
        link,
        sequence: row.sequence,
        created_at: row.created_at,
        changed_at: row.changed_at,
    };
    Ok(rows.into_iter().map(event).collect())
}

fn by_session(rows: Vec<(SessionId, Name)>) -> HashMap<SessionId, Vec<Name>> {
    let mut names: HashMap<SessionId, Vec<Name>> = HashMap::new();
    for (session, name) in rows {
        names.entry(session).or_default().push(name);
    }
    names
}
