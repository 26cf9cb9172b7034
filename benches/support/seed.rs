//! Courses as large as the reference course (`examples/jisco`): 4 cohorts of 61 trainees, 32 instructors, 268 sessions of which 28
//! of each cohort are closed. Every course has people of its own, for nobody can be in two places; all run the same program version at
//! the same provider, which is where a query that looks at too much would show.
//!
//! Beside them one spare course of 61 trainees with as many held sessions as there are roll calls to be closed, so that closing does
//! not change what the report of the measured course has to read.

use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use muster::{
    access::{self, Actor, Credentials, NewRoleGrant, NewToken, NewUser, Role, Secret},
    attendance::{self, AttendanceCode, NewAttendance, NewRollCall},
    clock::Instant,
    db::{Conn, Db},
    enrollments::{self, EnrollmentId, EnrollmentState, NewEnrollment},
    error::Error,
    http::Change,
    intakes::{self, CohortId, IntakeId, NewCohort, NewIntake, SessionMode},
    organizations::{self, NewOrganization, OrganizationId, OrganizationKind},
    people::{self, AffiliationKind, NewAffiliation, NewPerson, PersonId, PersonKind},
    programs::{self, ModuleId, ModuleKind, NewDiscipline, NewModule, NewProgram, NewProgramVersion, VersionDocument},
    schedule::{self, NewHold, NewSession, SessionId, SessionRow},
};

use super::{drafts, drafts::Batch, roster};

/// Trainees of a cohort.
pub const CLASS: usize = 61;
/// Sessions of a cohort, and how many of them are closed.
const SLOTS: i64 = 88;
const CLOSED: i64 = 28;
/// The days of a course.
const DAYS: (&str, &str) = ("2020-05-27", "2020-10-30");
/// The days of the courses that hold any number of sessions.
pub(super) const LONG_DAYS: (&str, &str) = ("2000-01-01", "2019-12-31");
/// Minutes of a session.
const MINUTES: i32 = 90;
/// Minutes of the spare course's only module.
const SPARE_MINUTES: i32 = 600_000;
/// More sessions than that do not fit into [`SPARE_MINUTES`].
const MOST_SPARE: usize = 3_300;

/// A session whose roll can be put, and who is expected in it.
#[derive(Clone, Debug)]
pub struct Class {
    pub session: SessionId,
    pub enrollments: Vec<EnrollmentId>,
}

/// What is measured in a seeded database.
#[derive(Clone, Debug)]
pub struct Seeded {
    pub coordinator: Secret,
    /// The first course.
    pub intake: IntakeId,
    pub trainee: PersonId,
    /// Eight classes of it, published and not closed.
    pub classes: Vec<Class>,
    /// Held sessions of the spare course whose roll calls are put and can be closed.
    pub closings: Vec<SessionId>,
    pub spare: Spare,
    /// Drafts to be published, a request each.
    pub batches: Vec<Batch>,
    /// An intake with cohorts and without trainees, for [`roster`].
    pub vacant: IntakeId,
}

/// The spare course.
#[derive(Clone, Copy, Debug)]
pub struct Spare {
    intake: IntakeId,
    cohort: CohortId,
    module: ModuleId,
}

pub(super) struct House {
    pub(super) provider: OrganizationId,
    plants: Vec<OrganizationId>,
    version: VersionDocument,
}

struct Course {
    intake: IntakeId,
    trainees: Vec<PersonId>,
    sessions: Vec<SessionRow>,
}

fn write<T: Send + 'static>(db: &Db, job: impl FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error> + Send + 'static) -> T {
    db.write_blocking(Credentials::Operator, job).unwrap()
}

pub(super) fn text<T: std::str::FromStr<Err: std::fmt::Debug>>(text: impl AsRef<str>) -> T {
    text.as_ref().parse().unwrap()
}

/// Fills an empty database with so many courses and prepares so many closings and publications. `told` hears how many courses there are.
pub fn seed(db: &Db, courses: usize, (closings, publications): (usize, usize), mut told: impl FnMut(usize)) -> Seeded {
    assert!(closings <= MOST_SPARE, "at most {MOST_SPARE} closings can be prepared");
    let (house, coordinator) = write(db, |conn, actor, now| {
        let house = house(conn, actor, now)?;
        let coordinator = coordinator(conn, actor, now, house.provider)?;
        Ok((house, coordinator))
    });
    let house = Arc::new(house);
    let mut first = None;
    for number in 0..courses {
        let shared = Arc::clone(&house);
        let course = write(db, move |conn, actor, now| course(conn, actor, now, &shared, number));
        // Each in a transaction of its own, as in life: Postgres reuses the space of a balance only after a commit.
        for (place, session) in course.sessions.iter().filter(|session| session.starts_at < start(CLOSED)).enumerate() {
            let id = session.id;
            write(db, move |conn, actor, now| {
                called(conn, actor, now, id, place)?;
                attendance::close(conn, actor, now, id, &Change::default())
            });
        }
        first.get_or_insert(course);
        told(number + 1);
    }
    let Course { intake, trainees, sessions } = first.unwrap();
    let open: Vec<SessionId> = sessions
        .iter()
        .filter(|session| session.starts_at >= start(CLOSED) && session.code.as_str().ends_with("-MET"))
        .map(|session| session.id)
        .collect();
    let classes = write(db, move |conn, actor, _| {
        let class = |session: SessionId| {
            let roll_call = attendance::read(conn, actor, session)?;
            Ok(Class { session, enrollments: roll_call.entries.iter().map(|entry| entry.enrollment_id).collect() })
        };
        open.into_iter().take(8).map(class).collect::<Result<Vec<Class>, Error>>()
    });
    let (spare, vacant, batches) = write(db, move |conn, actor, now| {
        let vacant = running(conn, actor, now, &house.version, roster::INTAKE, DAYS)?;
        cohorts(conn, actor, now, (&house, &house.version), vacant, None)?;
        Ok((spare(conn, actor, now, &house)?, vacant, drafts::prepare(conn, actor, now, &house, publications)?))
    });
    let mut prepared = Vec::with_capacity(closings);
    while prepared.len() < closings {
        let numbers = prepared.len()..closings.min(prepared.len() + 200);
        prepared.extend(write(db, move |conn, actor, now| prepare(conn, actor, now, spare, numbers)));
    }
    Seeded { coordinator, intake, trainee: trainees[0], classes, closings: prepared, spare, batches, vacant }
}

fn house(conn: &mut Conn, actor: &Actor, now: Instant) -> Result<House, Error> {
    let mut organization = |code: &str, kind, parent_id| {
        let new = NewOrganization { code: text(code), name: text(code), latin_name: None, kind, parent_id };
        organizations::create(conn, actor, now, new).map(|organization| organization.id)
    };
    let provider = organization("USTB", OrganizationKind::University, None)?;
    organization("USTB-METALLURGY", OrganizationKind::Unit, Some(provider))?;
    let sponsor = organization("JISCO", OrganizationKind::Enterprise, None)?;
    let plants = ["JISCO-IRON", "JISCO-STEEL", "JISCO-ROLLING"];
    let plants: Result<_, Error> = plants.iter().map(|code| organization(code, OrganizationKind::Unit, Some(sponsor))).collect();
    let file: serde_json::Value = serde_json::from_str(include_str!("../../examples/jisco/program.json")).unwrap();
    let content = serde_json::from_value(file["version"].clone()).unwrap();
    Ok(House { provider, plants: plants?, version: version(conn, actor, now, provider, "HONGXING", content)? })
}

/// A program with one confirmed version.
pub(super) fn version(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    provider: OrganizationId,
    code: &str,
    content: NewProgramVersion,
) -> Result<VersionDocument, Error> {
    let program = NewProgram { provider_id: Some(provider), code: text(code), name: text(code), latin_name: None };
    let program = programs::create(conn, actor, now, program)?;
    let version = programs::create_version(conn, actor, now, program.id, content)?;
    programs::confirm(conn, actor, version.row.id, &Change::default())
}

fn coordinator(conn: &mut Conn, actor: &Actor, now: Instant, provider: OrganizationId) -> Result<Secret, Error> {
    let user = access::create_user(conn, actor, now, NewUser { name: text("coordinator"), person_id: None })?;
    let grant = access::grant_role(conn, actor, now, user.id, NewRoleGrant::lasting(Role::Coordinator, Some(provider)))?;
    let expires_at = now.plus(TimeDelta::days(1));
    let new = NewToken { role_grant_id: grant.id, name: text("bench"), read_only: false, intake_id: None, program_id: None, expires_at };
    Ok(access::issue_token(conn, actor, now, new)?.token)
}

/// An intake that runs.
pub(super) fn running(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    version: &VersionDocument,
    code: &str,
    (opens_on, closes_on): (&str, &str),
) -> Result<IntakeId, Error> {
    let new = NewIntake {
        program_version_id: version.row.id,
        code: text(code),
        name: text(code),
        phase: None,
        time_zone: text("Asia/Shanghai"),
        opens_on: text(opens_on),
        closes_on: text(closes_on),
        mode: SessionMode::LiveOnline,
        capacity: Some(20_000),
        waitlist: false,
        offer_days: None,
        roll_call_due_hours: None,
        close_after_hours: None,
        correction_days: NewIntake::CORRECTION_DAYS,
        predecessor_id: None,
        opening_approval_required: false,
        holiday_calendar_id: None,
    };
    let intake = intakes::create(conn, actor, now, new)?.id;
    for step in ["open-enrollment", "start"] {
        intakes::transition(conn, actor, now, intake, text(step), &Change::default())?;
    }
    Ok(intake)
}

pub(super) fn record(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    house: &House,
    (kind, code): (PersonKind, &str),
    places: &[OrganizationId],
    count: usize,
) -> Result<Vec<PersonId>, Error> {
    let news = (0..count).map(|index| NewPerson {
        provider_id: None,
        name: text(format!("{}{}", ["张伟", "王芳", "李娜", "欧阳旭"][index % 4], index)),
        latin_name: Some(text(format!("Zhang Wei {code} {index}"))),
        phone: Some(text(format!("+86 937 {index:07}"))),
        email: None,
        affiliation: Some(NewAffiliation {
            organization_id: places[index % places.len()],
            kind: AffiliationKind::Staff,
            employee_number: Some(text(format!("{code}-{index:04}"))),
            title: Some(text("工程师")),
            from_date: None,
            until_date: None,
        }),
    });
    people::register_many(conn, actor, now, house.provider, kind, news.collect())
}

/// The cohorts of an intake, one for each discipline; with the code of a course, each with a class of trainees of its own.
pub(super) fn cohorts(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    (house, version): (&House, &VersionDocument),
    intake: IntakeId,
    code: Option<&str>,
) -> Result<(Vec<CohortId>, Vec<PersonId>), Error> {
    let mut cohorts = Vec::new();
    let mut trainees = Vec::new();
    for discipline in &version.disciplines {
        let own =
            NewCohort { discipline_id: discipline.id, code: discipline.code.clone(), name: discipline.name.clone(), adviser_id: None };
        let cohort = intakes::create_cohort(conn, actor, now, intake, own)?.id;
        cohorts.push(cohort);
        let Some(code) = code else {
            continue;
        };
        let code = format!("{code}-{}", discipline.code);
        let class = record(conn, actor, now, house, (PersonKind::Trainee, &code), &house.plants, CLASS)?;
        let enrolled = class.iter().enumerate().map(|(index, trainee)| NewEnrollment {
            trainee_id: *trainee,
            discipline_id: discipline.id,
            cohort_id: Some(cohort),
            unit_id: house.plants[index % house.plants.len()],
            payer_id: None,
            funding: None,
            crew: None,
            state: EnrollmentState::Enrolled,
            from: None,
        });
        enrollments::enroll(conn, actor, now, intake, enrolled.collect())?;
        trainees.extend(class);
    }
    Ok((cohorts, trainees))
}

fn course(conn: &mut Conn, actor: &Actor, now: Instant, house: &House, number: usize) -> Result<Course, Error> {
    let code = format!("PHASE-{number}");
    let intake = running(conn, actor, now, &house.version, &code, DAYS)?;
    let (cohorts, trainees) = cohorts(conn, actor, now, (house, &house.version), intake, Some(&code))?;
    let instructors = record(conn, actor, now, house, (PersonKind::Instructor, &code), &[house.provider], 32)?;
    let news = timetable(&house.version, &cohorts, &instructors);
    let sessions = schedule::create_many(conn, actor, now, intake, news, true)?;
    Ok(Course { intake, trainees, sessions })
}

/// 28 sessions common to all cohorts and 60 of each; every third one is a common one.
fn timetable(version: &VersionDocument, cohorts: &[CohortId], instructors: &[PersonId]) -> Vec<NewSession> {
    let mut common = hours(version, None);
    let mut own: Vec<_> =
        version.disciplines.iter().map(|discipline| (discipline, hours(version, Some(discipline.code.as_str())))).collect();
    let mut sessions = Vec::new();
    for slot in 0..SLOTS {
        let place = usize::try_from(slot).unwrap();
        let session = |code: &str, module_id, cohort_ids: &[CohortId], instructor: usize| NewSession {
            code: text(format!("{slot:02}-{code}")),
            module_id,
            mode: None,
            starts_at: start(slot).into(),
            ends_at: start(slot).plus(TimeDelta::minutes(MINUTES.into())).into(),
            break_minutes: 0,
            length_minutes: None,
            room_id: None,
            place: Some(text("Room 301")),
            cohort_ids: cohort_ids.to_vec(),
            instructor_ids: vec![instructors[instructor]],
        };
        match if slot % 3 == 2 { common.next() } else { None } {
            Some(module) => sessions.push(session("ALL", module, cohorts, place % 32)),
            None => {
                for (index, (discipline, modules)) in own.iter_mut().enumerate() {
                    let module = modules.next().unwrap();
                    sessions.push(session(discipline.code.as_str(), module, &[cohorts[index]], index * 8 + place % 8));
                }
            }
        }
    }
    sessions
}

/// The modules of a discipline, or the common ones, each as often as it has sessions.
fn hours(version: &VersionDocument, discipline: Option<&str>) -> std::vec::IntoIter<ModuleId> {
    let own = version.modules.iter().filter(|module| module.discipline.as_ref().map(|code| code.as_str()) == discipline);
    own.flat_map(|module| (0..module.planned_minutes / MINUTES).map(|_| module.id)).collect::<Vec<_>>().into_iter()
}

/// When a slot of the timetable begins: 19:00 and 20:30 in Shanghai, every third day.
fn start(slot: i64) -> Instant {
    let day = NaiveDate::from_ymd_opt(2020, 5, 27).unwrap() + TimeDelta::days(3 * (slot / 2));
    Instant::from(day.and_hms_opt(11, 0, 0).unwrap().and_utc()).plus(TimeDelta::minutes(i64::from(MINUTES) * (slot % 2)))
}

/// Confirms a session as held and puts its roll call.
fn called(conn: &mut Conn, actor: &Actor, now: Instant, session: SessionId, place: usize) -> Result<(), Error> {
    schedule::hold(conn, actor, now, session, NewHold::default())?;
    let enrollments = attendance::read(conn, actor, session)?.entries.into_iter().map(|entry| entry.enrollment_id).collect();
    attendance::put(conn, actor, now, None, session, &roll(&Class { session, enrollments }, 16, place))?;
    Ok(())
}

/// A roll call of a class in which one in `rarity` is not simply present; which ones depends on `turn`.
pub fn roll(class: &Class, rarity: usize, turn: usize) -> NewRollCall {
    use AttendanceCode as C;
    let found = |line: usize| match (line + turn) % (3 * rarity) {
        0 => (C::Late, Some(MINUTES - 30)),
        one if one == rarity => (C::Absent, None),
        one if one == 2 * rarity => (C::Excused, Some(MINUTES / 2)),
        _ => (C::Present, None),
    };
    let line = |(line, enrollment): (usize, &EnrollmentId)| {
        let (code, minutes) = found(line);
        NewAttendance { enrollment_id: *enrollment, code, minutes, mode: None, note: None, segments: None }
    };
    NewRollCall { entries: class.enrollments.iter().enumerate().map(line).collect() }
}

/// A version whose disciplines have one module each, long enough for any number of sessions.
pub(super) fn long(disciplines: &[&str]) -> NewProgramVersion {
    let module = |code: &&str| NewModule {
        code: text(format!("{code}-01")),
        discipline: Some(text(code)),
        name: text(format!("{code}-01")),
        latin_name: None,
        kind: ModuleKind::Theory,
        planned_minutes: SPARE_MINUTES,
    };
    NewProgramVersion {
        total_minutes: SPARE_MINUTES * i32::try_from(disciplines.len()).unwrap(),
        minutes_per_hour: 45,
        authorized_absence_counts: true,
        minimum_attendance_percent: None,
        disciplines: disciplines.iter().map(|code| NewDiscipline { code: text(code), name: text(code), latin_name: None }).collect(),
        modules: disciplines.iter().map(module).collect(),
    }
}

/// The spare course: one class and a module that is long enough for any number of sessions.
fn spare(conn: &mut Conn, actor: &Actor, now: Instant, house: &House) -> Result<Spare, Error> {
    let version = version(conn, actor, now, house.provider, "SPARE", long(&["ONE"]))?;
    let intake = running(conn, actor, now, &version, "SPARE", LONG_DAYS)?;
    let (cohorts, _) = cohorts(conn, actor, now, (house, &version), intake, Some("SPARE"))?;
    Ok(Spare { intake, cohort: cohorts[0], module: version.modules[0].id })
}

/// Sessions of the spare course, one a day, held and with their roll calls put; `numbers` are not to be used twice.
pub fn prepare(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    spare: Spare,
    numbers: std::ops::Range<usize>,
) -> Result<Vec<SessionId>, Error> {
    let news = numbers.clone().map(|number| {
        let day = NaiveDate::from_ymd_opt(2000, 1, 2).unwrap() + TimeDelta::days(i64::try_from(number).unwrap());
        let starts_at = Instant::from(day.and_hms_opt(11, 0, 0).unwrap().and_utc());
        NewSession {
            code: text(format!("SPARE-{number}")),
            module_id: spare.module,
            mode: None,
            starts_at: starts_at.into(),
            ends_at: starts_at.plus(TimeDelta::minutes(MINUTES.into())).into(),
            break_minutes: 0,
            length_minutes: None,
            room_id: None,
            place: None,
            cohort_ids: vec![spare.cohort],
            instructor_ids: Vec::new(),
        }
    });
    let sessions = schedule::create_many(conn, actor, now, spare.intake, news.collect(), true)?;
    for (place, session) in numbers.zip(&sessions) {
        called(conn, actor, now, session.id, place)?;
    }
    Ok(sessions.into_iter().map(|session| session.id).collect())
}
