//! What `muster verify` recomputes of enrollments.

use std::collections::{BTreeMap, HashMap};

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Nullable, Text},
};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        model::{Enrollment, EnrollmentId, EnrollmentState, Period, Withdrawal},
        stays::{Lead, Stay, left_by},
    },
    ids_after, periods,
};
use crate::{
    clock::Instant,
    db::{
        Conn, fixed,
        types::{Ts, Uid},
    },
    error::Error,
    id::Id,
    intakes::{CohortId, IntakeId},
    journal,
    organizations::OrganizationId,
    people::PersonId,
    programs::DisciplineId,
    schema::{enrollment_periods, enrollment_steps, enrollments, intake_sponsors, intakes, journal_entries, journal_payloads},
    text::{Code, Name},
};

/// The entries of the journal that say all of an enrollment, as it stood from then on.
const WHOLE: [&str; 4] = ["enrollment.created", "enrollment.updated", "enrollment.changed_state", "enrollment.moved"];

/// An enrollment without its state, which its steps are held against.
#[derive(Serialize, Deserialize)]
struct Facts {
    trainee_id: PersonId,
    discipline_id: DisciplineId,
    sponsor_id: OrganizationId,
    unit_id: OrganizationId,
    cohort_id: Option<CohortId>,
    payer_id: Option<OrganizationId>,
    funding: Option<Name>,
    crew: Option<Code>,
    withdrawal: Option<Withdrawal>,
    replaces_id: Option<EnrollmentId>,
    transferred_from_id: Option<EnrollmentId>,
    priority: Option<i16>,
    position: Option<i32>,
    offer_expires_at: Option<Instant>,
    cohort_from_at: Option<Instant>,
}

/// Holds each enrollment against the journal's last word about it: whose it is, who sends and pays, and with whom they work.
pub fn verify(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let mut ids = ids_after(conn, None)?;
    while let Some(last) = ids.last().copied() {
        let page = enrollments::table.filter(enrollments::id.eq_any(ids)).order(enrollments::id);
        let page: Vec<Enrollment> = page.select(Enrollment::as_select()).load(conn)?;
        let page: Vec<(EnrollmentId, Enrollment)> = page.into_iter().map(|enrollment| (enrollment.id, enrollment)).collect();
        let unlike = journal::unlike::<Facts, _>(conn, &page, &WHOLE)?;
        findings.extend(unlike.into_iter().map(|(id, how)| format!("enrollments: enrollment {id} {how}")));
        ids = ids_after(conn, Some(last))?;
    }
    Ok(findings)
}

/// Recounts the seats of every intake and sponsor and says what differs.
pub fn verify_seats(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let seated: Vec<(IntakeId, OrganizationId, i64)> = enrollments::table
        .filter(enrollments::state.eq_any(EnrollmentState::SEATED))
        .group_by((enrollments::intake_id, enrollments::sponsor_id))
        .select((enrollments::intake_id, enrollments::sponsor_id, diesel::dsl::count_star()))
        .load(conn)?;
    let mut of_intake: HashMap<IntakeId, i64> = HashMap::new();
    let mut of_sponsor: HashMap<(IntakeId, OrganizationId), i64> = HashMap::new();
    for (intake, sponsor, count) in seated {
        *of_intake.entry(intake).or_default() += count;
        of_sponsor.insert((intake, sponsor), count);
    }
    let mut findings = Vec::new();
    let stored: Vec<(IntakeId, i32)> = intakes::table.select((intakes::id, intakes::seats_taken)).load(conn)?;
    for (intake, stored) in stored {
        let counted = of_intake.get(&intake).copied().unwrap_or(0);
        if i64::from(stored) != counted {
            findings.push(format!("seats: intake {intake} says {stored} taken, its enrollments say {counted}"));
        }
    }
    let sponsors: Vec<(IntakeId, OrganizationId, i32)> = intake_sponsors::table
        .select((intake_sponsors::intake_id, intake_sponsors::sponsor_id, intake_sponsors::seats_taken))
        .load(conn)?;
    for (intake, sponsor, stored) in sponsors {
        let counted = of_sponsor.remove(&(intake, sponsor)).unwrap_or(0);
        if i64::from(stored) != counted {
            findings.push(format!("seats: sponsor {sponsor} in intake {intake} says {stored} taken, its enrollments say {counted}"));
        }
    }
    findings.extend(
        of_sponsor.into_keys().map(|(intake, sponsor)| format!("seats: sponsor {sponsor} in intake {intake} is not counted at all")),
    );
    findings.extend(miscounted_units(conn)?);
    Ok(findings)
}

#[derive(QueryableByName)]
struct UnitCount {
    #[diesel(sql_type = Uid)]
    intake_id: IntakeId,
    #[diesel(sql_type = Uid)]
    unit_id: OrganizationId,
    #[diesel(sql_type = BigInt)]
    stored: i64,
    #[diesel(sql_type = BigInt)]
    counted: i64,
}

/// The quotas of units that count other seats than the enrollments of the unit and of those below it take.
fn miscounted_units(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let seated = EnrollmentState::SEATED.map(|state| format!("'{state}'")).join(", ");
    let counts: Vec<UnitCount> = sql_query(format!(
        "SELECT intake_id, unit_id, CAST(seats_taken AS bigint) AS stored, counted FROM (
            SELECT q.intake_id, q.unit_id, q.seats_taken, (SELECT CAST(count(*) AS bigint) FROM enrollments e
                JOIN organization_tree t ON t.descendant_id = e.unit_id AND t.ancestor_id = q.unit_id
                WHERE e.intake_id = q.intake_id AND e.state IN ({seated})) AS counted
            FROM unit_quotas q) AS counts
         WHERE seats_taken <> counted",
    ))
    .load(conn)?;
    let says = |UnitCount { intake_id, unit_id, stored, counted }: UnitCount| {
        format!("seats: unit {unit_id} in intake {intake_id} says {stored} taken, its enrollments say {counted}")
    };
    Ok(counts.into_iter().map(says).collect())
}

#[derive(QueryableByName)]
struct Led {
    #[diesel(sql_type = Uid)]
    id: EnrollmentId,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    step: Option<String>,
}

#[derive(QueryableByName)]
struct Apart {
    #[diesel(sql_type = Uid)]
    id: EnrollmentId,
}

/// Holds the periods of each enrollment against what its steps leave, and the last one against its cohort. The cohorts of the others are held
/// against the journal.
pub fn verify_periods(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let apart: Vec<Apart> = sql_query(
        "SELECT e.id FROM enrollments e JOIN enrollment_periods p ON p.enrollment_id = e.id
         WHERE p.until_at IS NULL AND p.cohort_id IS DISTINCT FROM e.cohort_id",
    )
    .load(conn)?;
    let mut findings: Vec<String> =
        apart.into_iter().map(|row| format!("periods: enrollment {} and a period of it name different cohorts", row.id)).collect();
    let mut ids = ids_after(conn, None)?;
    while let Some(last) = ids.last().copied() {
        findings.extend(otherwise_than_stepped(conn, &ids)?);
        ids = ids_after(conn, Some(last))?;
    }
    Ok(findings)
}

#[derive(QueryableByName)]
struct LeadRow {
    #[diesel(sql_type = Uid)]
    enrollment_id: EnrollmentId,
    #[diesel(sql_type = Text)]
    to_state: String,
    #[diesel(sql_type = Ts)]
    effective_at: Instant,
    #[diesel(sql_type = Ts)]
    recorded_at: Instant,
}

/// The enrollments whose periods are not what their steps leave.
fn otherwise_than_stepped(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<Vec<String>, Error> {
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(Vec::new()) };
    // The ids are a stretch of all of them.
    let leads: Vec<LeadRow> = fixed(&format!(
        "{STEPS} SELECT enrollment_id, to_state, effective_at, recorded_at FROM steps WHERE enrollment_id BETWEEN ? AND ?
         ORDER BY enrollment_id, seq IS NULL, seq, id",
    ))
    .bind::<Uid, _>(*first)
    .bind::<Uid, _>(*last)
    .load(conn)?;
    let mut steps: BTreeMap<EnrollmentId, Vec<Lead>> = BTreeMap::new();
    for LeadRow { enrollment_id, to_state: to, effective_at, recorded_at } in leads {
        steps.entry(enrollment_id).or_default().push(Lead { to, effective_at, recorded_at });
    }
    let mut periods = periods::of(conn, ids)?;
    let says = |(id, steps): (EnrollmentId, Vec<Lead>)| {
        let stood = periods.remove(&id).unwrap_or_default().into_iter().map(|Period { state, from_at, until_at, recorded_at, .. }| Stay {
            state: state.as_str().to_owned(),
            from_at,
            until_at,
            recorded_at,
        });
        let (stood, left): (Vec<Stay>, Vec<Stay>) = (stood.collect(), left_by(&steps));
        let at = (0..left.len().max(stood.len())).find(|at| left.get(*at) != stood.get(*at))?;
        let [leads, stands] = [left.get(at), stood.get(at)].map(|stay| stay.map_or_else(|| "nowhere else".to_owned(), Stay::to_string));
        Some(format!("periods: enrollment {id} stands {stands}; its steps lead to {leads}"))
    };
    Ok(steps.into_iter().filter_map(says).collect())
}

#[derive(QueryableByName)]
struct Link {
    #[diesel(sql_type = Uid)]
    enrollment_id: EnrollmentId,
    #[diesel(sql_type = Nullable<Text>)]
    from_state: Option<String>,
    #[diesel(sql_type = Text)]
    to_state: String,
    #[diesel(sql_type = Nullable<Text>)]
    previous: Option<String>,
}

/// The steps with what orders them: when they take effect does not, as whoever owes nothing yet may be enrolled from before that, and
/// neither will their keys nor `recorded_at` do, because both are a clock's, and processes have several. The number of the entry is the
/// database's; whatever has none comes last. Several steps of one transaction have the keys of one process.
const STEPS: &str = "WITH steps AS (SELECT s.*, (SELECT min(j.seq) FROM journal_entries j WHERE j.subject_id = s.enrollment_id
    AND j.recorded_at = s.recorded_at AND j.action IN ('enrollment.created', 'enrollment.changed_state', 'enrollment.moved')) AS seq
    FROM enrollment_steps s)";

/// Holds the steps of each enrollment against each other, against its state and against the journal: a step leads out of what the one before
/// led to, and the last one leads to the state.
pub fn verify_steps(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let links: Vec<Link> = sql_query(format!(
        "{STEPS} SELECT enrollment_id, from_state, to_state, previous FROM (
            SELECT enrollment_id, from_state, to_state,
                lag(to_state) OVER (PARTITION BY enrollment_id ORDER BY seq IS NULL, seq, id) AS previous
            FROM steps) AS chain
         WHERE from_state IS DISTINCT FROM previous",
    ))
    .load(conn)?;
    let or_nothing = |state: Option<String>| state.unwrap_or_else(|| "nothing".to_owned());
    let mut findings: Vec<String> = links
        .into_iter()
        .map(|row| {
            let (from, previous) = (or_nothing(row.from_state), or_nothing(row.previous));
            format!("steps: enrollment {} went from {from} to {}, but stood at {previous} before", row.enrollment_id, row.to_state)
        })
        .collect();
    let stands: Vec<Led> = sql_query(format!(
        "{STEPS} SELECT id, state, step FROM (
            SELECT e.id, e.state, (SELECT s.to_state FROM steps s WHERE s.enrollment_id = e.id
                ORDER BY s.seq IS NULL DESC, s.seq DESC, s.id DESC LIMIT 1) AS step
            FROM enrollments e) AS last
         WHERE step IS DISTINCT FROM state",
    ))
    .load(conn)?;
    let led = |row: Led| format!("steps: enrollment {} is {}, its last step led to {}", row.id, row.state, or_nothing(row.step));
    findings.extend(stands.into_iter().map(led));
    findings.extend(verify_journaled(conn)?);
    Ok(findings)
}

/// A step as the books and the journal both have it: whose, when it was recorded, from which state, to which and from when it counts.
type Told = (EnrollmentId, Instant, Option<String>, String, Instant);

/// What the payload of an entry about a step says.
#[derive(Deserialize)]
struct StepPayload {
    #[serde(default)]
    from: Option<Stood>,
    to: Stood,
}

#[derive(Deserialize)]
struct Stood {
    state: String,
    #[serde(default)]
    cohort_id: Option<CohortId>,
    #[serde(default)]
    effective_at: Option<Instant>,
}

/// Holds the steps of each enrollment against the journal, both ways. Two of one time have two entries, so that none stands for another.
fn verify_journaled(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let mut ids = ids_after(conn, None)?;
    while let Some(last) = ids.last().copied() {
        let entries = journaled(conn, &ids)?;
        findings.extend(in_other_cohorts(conn, &ids, &entries)?);
        findings.extend(differing(taken(conn, &ids)?, entries));
        ids = ids_after(conn, Some(last))?;
    }
    findings.extend(gone(conn)?);
    Ok(findings)
}

/// What only one of the two says. An entry that says nothing stands for one step that was recorded with it, whichever it is.
fn differing(steps: Vec<Told>, entries: Vec<Entry>) -> Vec<String> {
    let mut differ: BTreeMap<Told, i32> = BTreeMap::new();
    let mut silent: BTreeMap<(EnrollmentId, Instant), i32> = BTreeMap::new();
    for step in steps {
        *differ.entry(step).or_default() += 1;
    }
    for entry in entries {
        match entry {
            Ok((step, _)) => *differ.entry(step).or_default() -= 1,
            Err(recorded) => *silent.entry(recorded).or_default() += 1,
        }
    }
    let mut findings = Vec::new();
    for ((id, recorded_at, from, to, at), mut more) in differ {
        if let Some(entries) = silent.get_mut(&(id, recorded_at)) {
            let covered = more.clamp(0, *entries);
            more -= covered;
            *entries -= covered;
        }
        let says = match more {
            0 => continue,
            1.. => "the journal does not say so",
            _ => "no step does, though the journal says so",
        };
        findings.push(format!("steps: enrollment {id} goes from {} to {to} from {at} on: {says}", from.as_deref().unwrap_or("nothing")));
    }
    let stepless = silent.into_iter().filter(|(_, entries)| *entries > 0);
    findings.extend(stepless.map(|((id, at), _)| format!("steps: enrollment {id} has no step for the entry that the journal has of {at}")));
    findings
}

fn taken(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<Vec<Told>, Error> {
    Ok(enrollment_steps::table
        .filter(enrollment_steps::enrollment_id.eq_any(ids.to_vec()))
        .select((
            enrollment_steps::enrollment_id,
            enrollment_steps::recorded_at,
            enrollment_steps::from_state,
            enrollment_steps::to_state,
            enrollment_steps::effective_at,
        ))
        .load(conn)?)
}

/// The periods of another cohort than the entry about the step that began them says. A period without one is found with the steps.
fn in_other_cohorts(conn: &mut Conn, ids: &[EnrollmentId], entries: &[Entry]) -> Result<Vec<String>, Error> {
    let mut said: HashMap<(EnrollmentId, Instant, &str, Instant), Vec<Option<CohortId>>> = HashMap::new();
    for ((id, recorded_at, _, to, at), cohort) in entries.iter().flatten() {
        said.entry((*id, *recorded_at, to, *at)).or_default().push(*cohort);
    }
    let periods: Vec<Period> =
        enrollment_periods::table.filter(enrollment_periods::enrollment_id.eq_any(ids.to_vec())).select(Period::as_select()).load(conn)?;
    let differs = |period: &&Period| {
        let key = (period.enrollment_id, period.recorded_at, period.state.as_str(), period.from_at);
        said.get(&key).is_some_and(|cohorts| !cohorts.contains(&period.cohort_id))
    };
    let says = |period: &Period| {
        format!("periods: enrollment {} is from {} on in another cohort than the journal says", period.enrollment_id, period.from_at)
    };
    Ok(periods.iter().filter(differs).map(says).collect())
}

/// An entry about a step: what it says and in which cohort that was, or only whose it is and when it was recorded if its payload is gone,
/// as after an erasure, or unreadable, which is the business of the journal's check.
type Entry = Result<(Told, Option<CohortId>), (EnrollmentId, Instant)>;

fn journaled(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<Vec<Entry>, Error> {
    let subjects: Vec<Id<()>> = ids.iter().map(|id| Id::from_uuid(id.uuid())).collect();
    let entries: Vec<(Id<()>, Instant, Option<String>)> = journal_entries::table
        .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_entries::id)))
        .filter(journal_entries::subject_id.eq_any(subjects))
        .filter(journal_entries::action.eq_any(["enrollment.created", "enrollment.changed_state", "enrollment.moved"]))
        .select((journal_entries::subject_id, journal_entries::recorded_at, journal_payloads::body.nullable()))
        .load(conn)?;
    let read = |(subject, recorded_at, body): (Id<()>, Instant, Option<String>)| {
        let id = Id::from_uuid(subject.uuid());
        let told = |body: String| {
            let StepPayload { from, to } = serde_json::from_str(&body).ok()?;
            Some(((id, recorded_at, from.map(|from| from.state), to.state, to.effective_at?), to.cohort_id))
        };
        body.and_then(told).ok_or((id, recorded_at))
    };
    Ok(entries.into_iter().map(read).collect())
}

#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = Uid)]
    subject_id: EnrollmentId,
}

/// Enrollments that were made and are no more, though the journal does not say that they were removed.
fn gone(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let gone: Vec<Gone> = sql_query(
        "SELECT DISTINCT j.subject_id FROM journal_entries j WHERE j.action = 'enrollment.created'
            AND NOT EXISTS (SELECT 1 FROM enrollments e WHERE e.id = j.subject_id)
            AND NOT EXISTS (SELECT 1 FROM journal_entries r WHERE r.subject_id = j.subject_id AND r.action = 'enrollment.removed')",
    )
    .load(conn)?;
    Ok(gone.into_iter().map(|row| format!("steps: enrollment {} is gone, though the journal does not say so", row.subject_id)).collect())
}
