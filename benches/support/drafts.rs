//! Drafts that wait to be published, 134 in one request: 34 evenings of a cohort, as the reference course has them (less two).

use chrono::{NaiveDate, TimeDelta};
use muster::{
    access::Actor,
    clock::Instant,
    db::Conn,
    error::Error,
    intakes::{CohortId, IntakeId},
    people::PersonKind,
    schedule::{self, NewSession, SessionId},
};

use super::seed::{House, LONG_DAYS, cohorts, long, record, running, text, version};

/// Sessions of a batch.
pub const SESSIONS: usize = 134;
const DISCIPLINES: [&str; 4] = ["ONE", "TWO", "THREE", "FOUR"];
/// Batches that lie in the same weeks, each at another time of the day.
const ABREAST: i64 = 4;
/// Days of a batch: every third evening.
const SPAN: i64 = 34 * 3;

/// What one request publishes.
#[derive(Clone, Debug)]
pub struct Batch {
    pub intake: IntakeId,
    pub sessions: Vec<SessionId>,
}

/// So many courses, each of four classes and with a batch of drafts; they share 32 instructors. A batch beside others of its own course
/// would be held against all of them.
pub(super) fn prepare(conn: &mut Conn, actor: &Actor, now: Instant, house: &House, batches: usize) -> Result<Vec<Batch>, Error> {
    let version = version(conn, actor, now, house.provider, "DRAFTS", long(&DISCIPLINES))?;
    let instructors = record(conn, actor, now, house, (PersonKind::Instructor, "DRAFTS"), &[house.provider], 32)?;
    let session = |batch: usize, cohorts: &[CohortId], number: usize| {
        let (slot, cohort) = (number / 4, number % 4);
        let starts_at = start(i64::try_from(batch).unwrap(), i64::try_from(slot).unwrap());
        NewSession {
            code: text(format!("{batch}-{number}")),
            module_id: version.modules[cohort].id,
            mode: None,
            starts_at: starts_at.into(),
            ends_at: starts_at.plus(TimeDelta::minutes(90)).into(),
            length_minutes: None,
            break_minutes: 0,
            room_id: None,
            place: Some(text("Room 301")),
            cohort_ids: vec![cohorts[cohort]],
            instructor_ids: vec![instructors[cohort * 8 + slot % 8]],
        }
    };
    let batch = |batch: usize| {
        let code = format!("DRAFTS-{batch}");
        let intake = running(conn, actor, now, &version, &code, LONG_DAYS)?;
        let (cohorts, _) = cohorts(conn, actor, now, (house, &version), intake, Some(&code))?;
        let news = (0..SESSIONS).map(|number| session(batch, &cohorts, number)).collect();
        let rows = schedule::create_many(conn, actor, now, intake, news, false)?;
        Ok(Batch { intake, sessions: rows.into_iter().map(|row| row.id).collect() })
    };
    (0..batches).map(batch).collect()
}

fn start(batch: i64, slot: i64) -> Instant {
    let day = NaiveDate::from_ymd_opt(2000, 1, 2).unwrap() + TimeDelta::days(batch / ABREAST * SPAN + 3 * slot);
    Instant::from(day.and_hms_opt(0, 0, 0).unwrap().and_utc()).plus(TimeDelta::hours(2 * (batch % ABREAST)))
}
