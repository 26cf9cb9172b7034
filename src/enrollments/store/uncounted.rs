//! What nobody is decided over: sessions that are not counted yet, here or where hours can follow from.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{dsl::sum, prelude::*, sql_query, sql_types::Nullable};

use super::{
    super::model::{Enrollment, EnrollmentId},
    CHUNK,
    periods::enrolled_at,
};
use crate::{
    access::Actor,
    attendance::{CorrectionState, RollCallState},
    clock::Instant,
    db::{Conn, types::Uid},
    error::Error,
    id::Id,
    intakes::{IntakeId, IntakeState},
    programs::ModuleId,
    schedule::{self, SessionId},
    schema::{
        correction_requests, enrollment_periods, enrollments, guests, hour_entries, intakes, roll_calls, session_cohorts, sessions,
        unsettled_sessions,
    },
    text::{Code, counted, listed},
};

/// Refuses to decide an enrollment while closed sessions wait to be settled for it, or a held one is not counted; so too where hours of its
/// modules can follow from, for what becomes of them there comes along.
///
/// # Errors
/// 409 `sessions_unsettled`, `roll_calls_open`, with the codes of the sessions.
pub(super) fn refuse_uncounted(conn: &mut Conn, actor: &Actor, enrollment: &Enrollment) -> Result<(), Error> {
    let counting = Counting::of(conn, "id", enrollment.id.cast())?;
    refuse(conn, actor, enrollment.intake_id, &counting)
}

/// Refuses to end an intake while that is so of one of its enrollments, or a correction waits there: afterwards nothing would follow it.
///
/// # Errors
/// As [`refuse_uncounted`]; `corrections_waiting`.
pub fn refuse_uncounted_in(conn: &mut Conn, actor: &Actor, intake: IntakeId) -> Result<(), Error> {
    let counting = Counting::of(conn, "intake_id", intake.cast())?;
    refuse(conn, actor, intake, &counting)?;
    let mut waiting = BTreeSet::new();
    for chunk in counting.enrollments().chunks(CHUNK) {
        let asked: Vec<(EnrollmentId, Waiting)> = correction_requests::table
            .inner_join(sessions::table.on(sessions::id.eq(correction_requests::session_id)))
            .inner_join(intakes::table.on(intakes::id.eq(sessions::intake_id)))
            .filter(correction_requests::enrollment_id.eq_any(chunk.to_vec()))
            .filter(correction_requests::state.eq(CorrectionState::Asked))
            .select((correction_requests::enrollment_id, Waiting::as_select()))
            .load(conn)?;
        waiting.extend(counting.those(asked));
    }
    if waiting.is_empty() {
        return Ok(());
    }
    let sessions = named(conn, actor, intake, waiting)?;
    Err(Error::conflict("corrections_waiting", format!("corrections wait that count here; accept or refuse them first: {sessions}")))
}

/// Whose sessions count: all of these enrollments, and where hours of a module can follow to them from, those of that module.
struct Counting {
    own: BTreeSet<EnrollmentId>,
    elsewhere: BTreeSet<(EnrollmentId, ModuleId)>,
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Uid)]
    id: EnrollmentId,
    #[diesel(sql_type = Nullable<Uid>)]
    module_id: Option<ModuleId>,
}

impl Counting {
    /// The enrollments with this key. What is completed keeps the hours that came along, so that nothing before it counts.
    fn of(conn: &mut Conn, column: &'static str, key: Id<()>) -> Result<Self, Error> {
        let places: Vec<Place> = sql_query(format!(
            "WITH RECURSIVE places (id, module_id) AS (SELECT id, CAST(NULL AS uuid) FROM enrollments WHERE {column} = $1
                UNION SELECT c.from_enrollment_id, c.from_module_id FROM places p
                    JOIN carried_modules c ON c.enrollment_id = p.id AND (p.module_id IS NULL OR c.module_id = p.module_id)
                    JOIN enrollments e ON e.id = p.id JOIN intakes i ON i.id = e.intake_id WHERE i.state <> 'completed')
             SELECT id, module_id FROM places"
        ))
        .bind::<Uid, _>(key)
        .load(conn)?;
        let own = places.iter().filter(|place| place.module_id.is_none()).map(|place| place.id).collect();
        Ok(Self { own, elsewhere: places.iter().filter_map(|place| Some((place.id, place.module_id?))).collect() })
    }

    fn enrollments(&self) -> Vec<EnrollmentId> {
        let all: BTreeSet<EnrollmentId> = self.own.iter().copied().chain(self.elsewhere.iter().map(|(id, _)| *id)).collect();
        all.into_iter().collect()
    }

    fn those(&self, found: Vec<(EnrollmentId, Waiting)>) -> impl Iterator<Item = Waiting> {
        let counts = |(id, session): &(EnrollmentId, Waiting)| self.own.contains(id) || self.elsewhere.contains(&(*id, session.module_id));
        found.into_iter().filter(counts).map(|(_, session)| session)
    }
}

/// A session that waits; the earliest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Waiting {
    starts_at: Instant,
    id: SessionId,
    code: Code,
    module_id: ModuleId,
    intake_id: IntakeId,
    #[diesel(select_expression = intakes::code)]
    intake_code: Code,
}

fn refuse(conn: &mut Conn, actor: &Actor, intake: IntakeId, counting: &Counting) -> Result<(), Error> {
    let (mut unsettled, mut open) = (BTreeSet::new(), BTreeSet::new());
    for chunk in counting.enrollments().chunks(CHUNK) {
        let closed: Vec<(EnrollmentId, Waiting)> = unsettled_sessions::table
            .inner_join(sessions::table.on(sessions::id.eq(unsettled_sessions::session_id)))
            .inner_join(intakes::table.on(intakes::id.eq(sessions::intake_id)))
            .filter(unsettled_sessions::enrollment_id.eq_any(chunk.to_vec()))
            .select((unsettled_sessions::enrollment_id, Waiting::as_select()))
            .load(conn)?;
        unsettled.extend(counting.those(closed));
        open.extend(counting.those(unclosed(conn, chunk)?));
    }
    if !unsettled.is_empty() {
        let (count, sessions) = (counted(unsettled.len(), "closed session"), named(conn, actor, intake, unsettled)?);
        let detail = format!("{count} not settled; reopen, put and close the roll call there first: {sessions}");
        return Err(Error::conflict("sessions_unsettled", detail));
    }
    if !open.is_empty() {
        let sessions = named(conn, actor, intake, open)?;
        let detail = format!("a roll call that counts here is not closed, or has been reopened; close it first: {sessions}");
        return Err(Error::conflict("roll_calls_open", detail));
    }
    Ok(())
}

/// Sessions by their codes, those of other intakes than `own` with the intake's; of those that the actor does not see how many they are.
fn named(conn: &mut Conn, actor: &Actor, own: IntakeId, waiting: BTreeSet<Waiting>) -> Result<String, Error> {
    let mut seen = BTreeSet::new();
    for chunk in waiting.iter().map(|session| session.id).collect::<Vec<_>>().chunks(CHUNK) {
        seen.extend(schedule::seen_of(conn, actor, chunk.to_vec())?);
    }
    let (told, others): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|session| seen.contains(&session.id));
    let name = |Waiting { code, intake_id, intake_code, .. }| {
        if intake_id == own { code.to_string() } else { format!("{code} of {intake_code}") }
    };
    let told: Vec<String> = told.into_iter().map(name).collect();
    let told = (!told.is_empty()).then(|| listed(told.iter().map(String::as_str)));
    let others = (!others.is_empty()).then(|| format!("{} elsewhere", counted(others.len(), "session")));
    Ok(told.into_iter().chain(others).collect::<Vec<_>>().join(", and "))
}

/// The held sessions whose roll call is not closed, with whoever owes them, was invited to them, or has something standing that they made up
/// there. In a cancelled intake what was neither closed before nor submitted, so that it closes by itself, need not be.
fn unclosed(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<Vec<(EnrollmentId, Waiting)>, Error> {
    // The few that are open first, so that what follows does not go through the whole schedule.
    let open: BTreeMap<SessionId, Waiting> = sessions::table
        .inner_join(intakes::table.on(intakes::id.eq(sessions::intake_id)))
        .left_join(roll_calls::table.on(roll_calls::session_id.eq(sessions::id)))
        .filter(sessions::intake_id.eq_any(enrollments::table.filter(enrollments::id.eq_any(ids.to_vec())).select(enrollments::intake_id)))
        .filter(sessions::held_starts_at.is_not_null())
        .filter(roll_calls::state.nullable().is_null().or(roll_calls::state.ne(RollCallState::Closed)))
        .filter(intakes::state.ne(IntakeState::Cancelled).or(roll_calls::closings.gt(0)).or(roll_calls::state.eq(RollCallState::Submitted)))
        .select((sessions::id, Waiting::as_select()))
        .load(conn)?
        .into_iter()
        .collect();
    let mut keys: BTreeSet<(EnrollmentId, SessionId)> = BTreeSet::new();
    for chunk in open.keys().copied().collect::<Vec<_>>().chunks(CHUNK) {
        let enrolled = || {
            let then = enrolled_at(sessions::held_starts_at.assume_not_null());
            enrollment_periods::enrollment_id.eq_any(ids.to_vec()).and(then)
        };
        let owed = enrollment_periods::table
            .inner_join(session_cohorts::table.on(session_cohorts::cohort_id.nullable().eq(enrollment_periods::cohort_id)))
            .inner_join(sessions::table.on(sessions::id.eq(session_cohorts::session_id)))
            .filter(sessions::id.eq_any(chunk.to_vec()))
            .filter(enrolled());
        keys.extend(owed.select((enrollment_periods::enrollment_id, sessions::id)).load::<(_, _)>(conn)?);
        let invited = enrollment_periods::table
            .inner_join(guests::table.on(guests::enrollment_id.eq(enrollment_periods::enrollment_id)))
            .inner_join(sessions::table.on(sessions::id.eq(guests::session_id)))
            .filter(sessions::id.eq_any(chunk.to_vec()))
            .filter(enrolled());
        keys.extend(invited.select((enrollment_periods::enrollment_id, sessions::id)).load::<(_, _)>(conn)?);
        let made_up = hour_entries::table
            .filter(hour_entries::enrollment_id.eq_any(ids.to_vec()))
            .filter(hour_entries::made_up_in_id.eq_any(chunk.iter().copied().map(Some).collect::<Vec<_>>()))
            .group_by((hour_entries::enrollment_id, hour_entries::made_up_in_id))
            .having(sum(hour_entries::minutes).ne(0));
        keys.extend(made_up.select((hour_entries::enrollment_id, hour_entries::made_up_in_id.assume_not_null())).load::<(_, _)>(conn)?);
    }
    Ok(keys.into_iter().filter_map(|(enrollment, session)| Some((enrollment, open.get(&session)?.clone()))).collect())
}
