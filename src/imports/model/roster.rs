//! The roster of an intake: who takes part.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::{
    Directory, Reason, Registered, RowPlan, Sheet, Verdict,
    columns::{CellFault, Cells, Entries, Entry, date, planned},
    directory::folded,
    identity::{Amended, Recognized, Said, recognize},
};
use crate::{
    clock::Instant,
    enrollments::{Enrollment, EnrollmentId},
    error::Error,
    intakes::{CohortId, CohortRow, Intake},
    organizations::OrganizationId,
    people::{PersonId, PersonKind},
    programs::{Discipline, DisciplineId},
    tabular::{Field, Table},
    text::{Code, listed},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imports) enum Column {
    Name,
    LatinName,
    EmployeeNumber,
    Organization,
    Discipline,
    Cohort,
    Phone,
    Email,
    Crew,
    From,
}

pub(in crate::imports) const COLUMNS: &[Field<Column>] = {
    use Column as C;
    &[
        Field { key: C::Name, name: "name", aliases: &["姓名", "学员姓名", "full name", "trainee"], required: true },
        Field { key: C::LatinName, name: "latin_name", aliases: &["拼音", "姓名拼音", "英文名", "pinyin"], required: false },
        Field {
            key: C::EmployeeNumber,
            name: "employee_number",
            aliases: &["工号", "职工号", "员工号", "员工编号", "employee no", "employee id", "staff number"],
            required: true,
        },
        Field {
            key: C::Organization,
            name: "organization",
            aliases: &["单位", "所在单位", "工作单位", "部门", "二级单位", "unit", "plant", "organisation", "company"],
            required: true,
        },
        Field {
            key: C::Discipline, name: "discipline", aliases: &["专业", "培训专业", "报名专业", "specialty", "major"], required: true
        },
        Field { key: C::Cohort, name: "cohort", aliases: &["班级", "班次", "class"], required: false },
        Field {
            key: C::Phone,
            name: "phone",
            aliases: &["手机", "手机号", "手机号码", "电话", "联系电话", "mobile", "telephone"],
            required: false,
        },
        Field { key: C::Email, name: "email", aliases: &["邮箱", "电子邮箱", "电子邮件", "e-mail", "mail"], required: false },
        Field { key: C::Crew, name: "crew", aliases: &["倒班", "班组", "轮班", "shift", "shift crew"], required: false },
        Field { key: C::From, name: "from", aliases: &["开始", "开始日期", "入学日期", "start", "start date"], required: false },
    ]
};

/// What the cells of a roster can name.
pub(in crate::imports) struct Frame {
    pub(in crate::imports) intake: Intake,
    pub(in crate::imports) directory: Directory,
    pub(in crate::imports) disciplines: Vec<Discipline>,
    pub(in crate::imports) cohorts: Vec<CohortRow>,
}

/// One row, as it was read.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Row {
    pub(in crate::imports) said: Said,
    discipline: DisciplineId,
    cohort: Option<CohortId>,
    /// Whether the row itself names the cohort.
    names_cohort: bool,
    crew: Option<Code>,
    pub(in crate::imports) from: Option<Instant>,
}

/// Seats that are left: in the intake, and of the quotas by sponsor or unit. Nothing is no limit.
#[derive(Clone, Debug, Default)]
pub(in crate::imports) struct Seats {
    pub(in crate::imports) capacity: Option<i64>,
    pub(in crate::imports) quotas: HashMap<OrganizationId, i64>,
}

/// What stands in the register already.
#[derive(Clone, Debug, Default)]
pub(in crate::imports) struct Facts {
    pub(in crate::imports) registered: Registered,
    /// The open enrollments in this intake.
    pub(in crate::imports) open: HashMap<PersonId, Enrollment>,
    /// Since when these have counted as enrolled; looked up only where a row says since when.
    pub(in crate::imports) since: HashMap<EnrollmentId, Instant>,
    pub(in crate::imports) seats: Seats,
}

/// What is written for a row.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Change {
    pub(in crate::imports) person: Whom,
    /// What is changed of a known person.
    pub(in crate::imports) amended: Option<Box<Amended>>,
    pub(in crate::imports) enrollment: Option<Place>,
}

/// Whom a row is about.
#[derive(Clone, Debug)]
pub(in crate::imports) enum Whom {
    New(Box<Said>),
    Known(PersonId),
}

/// The place in the intake that a row asks for.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Place {
    pub(in crate::imports) discipline: DisciplineId,
    pub(in crate::imports) cohort: Option<CohortId>,
    pub(in crate::imports) unit: OrganizationId,
    pub(in crate::imports) crew: Option<Code>,
    pub(in crate::imports) from: Option<Instant>,
}

/// Reads the cells of every row.
pub(in crate::imports) fn read(table: &Table, frame: &Frame) -> Result<(Entries<Row>, Vec<String>), Error> {
    let sheet = Sheet::of(table, COLUMNS)?;
    Ok((sheet.rows(Column::EmployeeNumber, |cells| read_row(cells, frame)), sheet.unknown()))
}

fn read_row(cells: &mut Cells<'_, Column>, frame: &Frame) -> Option<Row> {
    let name = cells.required(Column::Name);
    let latin_name = cells.optional(Column::LatinName);
    let employee_number = cells.required(Column::EmployeeNumber);
    let unit = cells.read_required(Column::Organization, |text| frame.directory.named(text).map(|one| (one.id, one.root_id)));
    let discipline = cells.read_required(Column::Discipline, |text| find_discipline(&frame.disciplines, text));
    let cohort = cells.read(Column::Cohort, |text| find_cohort(&frame.cohorts, text).map(|cohort| (cohort.id, cohort.discipline_id)));
    let phone = cells.optional(Column::Phone);
    let email = cells.optional(Column::Email);
    let crew = cells.optional(Column::Crew);
    let from = cells.read(Column::From, |text| read_from(&frame.intake, text));
    let (unit, organization) = unit?;
    let discipline = discipline?;
    if cohort.is_some_and(|(_, of)| of != discipline) {
        cells.refuse(Column::Cohort, CellFault::new("cohort_of_another_discipline", "the cohort belongs to another discipline"));
    }
    let said = Said { name: name?, latin_name, employee_number: employee_number?, organization, unit, title: None, phone, email };
    let names_cohort = cohort.is_some();
    let cohort = cohort.map(|(id, _)| id).or_else(|| only_cohort(&frame.cohorts, discipline));
    Some(Row { said, discipline, cohort, names_cohort, crew, from })
}

fn find_discipline(disciplines: &[Discipline], text: &str) -> Result<DisciplineId, CellFault> {
    if let Some(one) = disciplines.iter().find(|one| one.code.as_str() == text) {
        return Ok(one.id);
    }
    let wanted = folded(text);
    let called = |one: &&Discipline| {
        folded(one.name.as_str()) == wanted || one.latin_name.as_ref().is_some_and(|latin| folded(latin.as_str()) == wanted)
    };
    let mut found = disciplines.iter().filter(called);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.id),
        (Some(_), Some(_)) => {
            Err(CellFault::new("discipline_ambiguous", format!("several disciplines are called `{text}`; write the code")))
        }
        (None, _) => {
            let known = listed(disciplines.iter().map(|one| one.code.as_str()));
            Err(CellFault::new("unknown_discipline", format!("`{text}` is no discipline of this intake; it has {known}")))
        }
    }
}

/// The cohort that a cell names, by code or else by name.
pub(super) fn find_cohort<'a>(cohorts: &'a [CohortRow], text: &str) -> Result<&'a CohortRow, CellFault> {
    if let Some(one) = cohorts.iter().find(|one| one.code.as_str() == text) {
        return Ok(one);
    }
    let wanted = folded(text);
    let mut found = cohorts.iter().filter(|one| folded(one.name.as_str()) == wanted);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(CellFault::new("cohort_ambiguous", format!("several cohorts are called `{text}`; write the code"))),
        (None, _) => {
            let known = listed(cohorts.iter().map(|one| one.code.as_str()));
            Err(CellFault::new("unknown_cohort", format!("`{text}` is no cohort of this intake; it has {known}")))
        }
    }
}

fn only_cohort(cohorts: &[CohortRow], discipline: DisciplineId) -> Option<CohortId> {
    let mut own = cohorts.iter().filter(|cohort| cohort.discipline_id == discipline);
    match (own.next(), own.next()) {
        (Some(one), None) => Some(one.id),
        _ => None,
    }
}

fn read_from(intake: &Intake, text: &str) -> Result<Instant, CellFault> {
    let day: NaiveDate = date(text)?;
    if (intake.opens_on..=intake.closes_on).contains(&day) {
        return Ok(intake.time_zone.day_start(day));
    }
    let detail = format!("the intake runs from {} to {}", intake.opens_on, intake.closes_on);
    Err(CellFault::new("outside_intake", detail))
}

/// What becomes of each row.
pub(in crate::imports) fn plan(entries: Entries<Row>, frame: &Frame, facts: &Facts) -> Vec<RowPlan<Change>> {
    let mut seen: HashMap<(OrganizationId, Code), u32> = HashMap::new();
    let mut places = HashMap::new();
    let mut seats = facts.seats.clone();
    planned(entries, |entry| {
        if let Some(first) = seen.get(&entry.value.said.key()) {
            let detail = format!("row {first} has the same organization and employee number");
            let reason = Reason::of("employee_number", "duplicate_in_file", detail);
            return RowPlan::at_fault(entry.row, &entry.key, Verdict::DuplicateInFile, reason);
        }
        seen.insert(entry.value.said.key(), entry.row);
        let known = facts.registered.get(&entry.value.said.key());
        match recognize(&entry.value.said, known, PersonKind::Trainee, &frame.directory) {
            Recognized::Doubtful(verdict, reason) => RowPlan::at_fault(entry.row, &entry.key, verdict, reason),
            Recognized::New => enroll(entry, frame, None, &mut seats),
            Recognized::Same { id, what, amendment } => {
                if let Some(first) = places.insert(id, entry.row) {
                    let reason = Reason::of("employee_number", "duplicate_in_file", format!("row {first} is the same person"));
                    return RowPlan::at_fault(entry.row, &entry.key, Verdict::DuplicateInFile, reason);
                }
                match facts.open.get(&id) {
                    Some(open) => keep(&entry, (open, facts.since.get(&open.id).copied()), frame, what, amendment, id),
                    None => enroll(entry, frame, Some((id, what, amendment)), &mut seats),
                }
            }
        }
    })
}

type Found = (PersonId, Vec<super::RowChange>, Option<Box<Amended>>);

/// A place in the intake for whom the row is about, if it says which and there is a seat.
fn enroll(entry: Entry<Row>, frame: &Frame, found: Option<Found>, seats: &mut Seats) -> RowPlan<Change> {
    let Entry { row, key, value } = entry;
    if value.cohort.is_none() && frame.cohorts.iter().any(|one| one.discipline_id == value.discipline) {
        let reason = Reason::of("cohort", "cohort_missing", "the discipline has several cohorts; say which");
        return RowPlan::at_fault(row, &key, Verdict::Invalid, reason);
    }
    let above = frame.directory.above(value.said.unit);
    if let Some(reason) = seats.refusal(&above) {
        return RowPlan::at_fault(row, &key, Verdict::Invalid, reason);
    }
    seats.take(&above);
    let place = Place { discipline: value.discipline, cohort: value.cohort, unit: value.said.unit, crew: value.crew, from: value.from };
    let (person, what, amended) = match found {
        None => (Whom::New(Box::new(value.said)), Vec::new(), None),
        Some((id, what, amended)) => (Whom::Known(id), what, amended),
    };
    RowPlan::of(row, &key, Verdict::Create, what, Some(Change { person, amended, enrollment: Some(place) }))
}

/// Somebody who has a place: an import corrects the person, but moves nobody.
fn keep(
    entry: &Entry<Row>,
    (open, since): (&Enrollment, Option<Instant>),
    frame: &Frame,
    what: Vec<super::RowChange>,
    amended: Option<Box<Amended>>,
    id: PersonId,
) -> RowPlan<Change> {
    let Row { said, discipline, cohort, names_cohort, crew, from } = &entry.value;
    let differs =
        |column, code, detail: String| RowPlan::at_fault(entry.row, &entry.key, Verdict::NeedsReview, Reason::of(column, code, detail));
    if open.discipline_id != *discipline {
        let own = frame.disciplines.iter().find(|one| one.id == open.discipline_id).map_or("", |one| one.name.as_str());
        return differs("discipline", "discipline_differs", format!("is enrolled in {own} already; an import moves nobody"));
    }
    if *names_cohort && open.cohort_id != *cohort {
        let own = frame.cohorts.iter().find(|one| Some(one.id) == open.cohort_id).map_or("no cohort", |one| one.code.as_str());
        return differs("cohort", "cohort_differs", format!("is enrolled in {own} already; an import moves nobody"));
    }
    if open.sponsor_id != said.organization {
        return differs("organization", "sponsor_differs", "is enrolled for another sponsor already; an import moves nobody".to_owned());
    }
    if crew.is_some() && open.crew != *crew {
        let own = open.crew.as_ref().map_or("no crew", Code::as_str);
        return differs("crew", "crew_differs", format!("is enrolled with {own} already; change the enrollment"));
    }
    let day = |at| frame.intake.time_zone.date(at);
    if let Some(asked) = from.map(day).filter(|asked| since.map(day) != Some(*asked)) {
        let own = since.map_or_else(|| "is not enrolled yet".to_owned(), |at| format!("is enrolled from {} on", day(at)));
        return differs("from", "from_differs", format!("{own}; an import does not change that to {asked}"));
    }
    if amended.is_none() {
        return RowPlan::of(entry.row, &entry.key, Verdict::AlreadyEnrolled, what, None);
    }
    RowPlan::of(entry.row, &entry.key, Verdict::Update, what, Some(Change { person: Whom::Known(id), amended, enrollment: None }))
}

impl Seats {
    /// Why nobody more of a unit gets a seat; `above` is the unit and all above it.
    fn refusal(&self, above: &[OrganizationId]) -> Option<Reason> {
        if self.capacity.is_some_and(|left| left < 1) {
            return Some(Reason::new(None, "capacity_full", "the intake has no free seat for this row"));
        }
        let used_up = above.iter().rfind(|one| self.quotas.get(one).is_some_and(|left| *left < 1))?;
        if above.last() == Some(used_up) {
            return Some(Reason::new(None, "quota_full", "the sponsor's seat quota is used up before this row"));
        }
        Some(Reason::new(None, "unit_quota_full", "the seat quota of the unit, or of one above it, is used up before this row"))
    }

    fn take(&mut self, above: &[OrganizationId]) {
        if let Some(left) = &mut self.capacity {
            *left -= 1;
        }
        for one in above {
            if let Some(left) = self.quotas.get_mut(one) {
                *left -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
