//! The schedule of an intake: its sessions.

mod differences;

use std::collections::HashMap;

use self::differences::{differences, merged};
use super::{
    Options, Reason, RowChange, RowPlan, Sheet, Verdict,
    columns::{CellFault, Cells, Entries, Entry, date, instant, items, planned},
    directory::folded,
    roster::find_cohort,
};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Instant,
    error::Error,
    id::Id,
    intakes::{CohortId, CohortRow, Intake, SessionMode},
    people::PersonId,
    programs::{Module, ModuleId},
    rooms::{Room, RoomId},
    schedule::{Judged, Judgement, NewSession, Proposal, SessionId, SessionPatch, SessionRow, SessionState},
    tabular::{Field, Table},
    text::{Code, Note, Place, listed},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imports) enum Column {
    Code,
    Module,
    Cohorts,
    Instructors,
    Date,
    Start,
    End,
    Break,
    Length,
    Mode,
    Room,
    Place,
}

pub(in crate::imports) const COLUMNS: &[Field<Column>] = {
    use Column as C;
    &[
        Field { key: C::Code, name: "code", aliases: &["课次", "课次编号", "编号", "session", "session code"], required: true },
        Field { key: C::Module, name: "module", aliases: &["课程", "课程名称", "课程代码", "模块", "course"], required: true },
        Field {
            key: C::Cohorts, name: "cohorts", aliases: &["班级", "授课班级", "班次", "cohort", "class", "classes"], required: true
        },
        Field {
            key: C::Instructors,
            name: "instructors",
            aliases: &[
                "授课教师",
                "教师",
                "任课教师",
                "主讲教师",
                "工号",
                "教师工号",
                "教师编号",
                "授课教师工号",
                "授课教师编号",
                "instructor",
                "teacher",
                "teachers",
            ],
            required: false,
        },
        Field { key: C::Date, name: "date", aliases: &["日期", "上课日期", "day"], required: true },
        Field { key: C::Start, name: "start", aliases: &["开始", "开始时间", "上课时间", "start time", "from"], required: true },
        Field { key: C::End, name: "end", aliases: &["结束", "结束时间", "下课时间", "end time", "until"], required: true },
        Field {
            key: C::Break, name: "break", aliases: &["休息", "休息分钟", "课间休息", "break minutes", "breaks"], required: false
        },
        Field {
            key: C::Length, name: "length", aliases: &["时长", "录播时长", "时长分钟", "length minutes", "duration"], required: false
        },
        Field { key: C::Mode, name: "mode", aliases: &["方式", "授课方式", "教学方式", "上课方式"], required: false },
        Field {
            key: C::Room,
            name: "room",
            aliases: &["教室编号", "教室", "教室号", "上课教室", "房间", "房间编号", "会议室", "room code", "rooms"],
            required: false,
        },
        Field { key: C::Place, name: "place", aliases: &["地点", "上课地点", "会议号", "location"], required: false },
    ]
};

/// What files call the ways to meet, beside our own keys.
const MODES: &[(&str, SessionMode)] = {
    use SessionMode as M;
    &[
        ("线上直播", M::LiveOnline),
        ("直播", M::LiveOnline),
        ("线上", M::LiveOnline),
        ("面授", M::OnSite),
        ("线下", M::OnSite),
        ("现场", M::OnSite),
        ("混合", M::Mixed),
        ("线上线下混合", M::Mixed),
        ("录播", M::Recorded),
    ]
};

/// What the cells of a schedule can name, but for its instructors.
pub(in crate::imports) struct Frame {
    pub(in crate::imports) intake: Intake,
    pub(in crate::imports) modules: Vec<Module>,
    pub(in crate::imports) cohorts: Vec<CohortRow>,
    /// The provider's, by code.
    pub(in crate::imports) rooms: Vec<Room>,
}

/// One row, as it was read.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Row {
    code: Code,
    module: ModuleId,
    cohorts: Vec<CohortId>,
    /// Employee numbers at the provider; the first one leads.
    pub(in crate::imports) instructors: Vec<Code>,
    starts_at: Instant,
    ends_at: Instant,
    break_minutes: Option<i32>,
    /// Of a recorded session.
    length_minutes: Option<i32>,
    mode: Option<SessionMode>,
    room: Option<RoomId>,
    place: Option<Place>,
}

/// A session of the intake.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Stored {
    pub(in crate::imports) row: SessionRow,
    pub(in crate::imports) cohorts: Vec<CohortId>,
    /// The lead first, the others by id.
    pub(in crate::imports) instructors: Vec<PersonId>,
}

/// What stands in the register already.
#[derive(Clone, Debug, Default)]
pub(in crate::imports) struct Facts {
    pub(in crate::imports) sessions: HashMap<Code, Stored>,
    /// The provider's instructors by employee number.
    pub(in crate::imports) instructors: HashMap<Code, PersonId>,
}

/// What is written for a row.
#[derive(Clone, Debug)]
pub(in crate::imports) enum Change {
    Create(NewSession),
    Update {
        id: SessionId,
        /// Nothing if the session is only published.
        patch: Option<Box<SessionPatch>>,
        before: Box<SessionBefore>,
        /// As it will be.
        session: NewSession,
        /// Whether it is a draft that is to be published.
        publish: bool,
        is_published: bool,
    },
}

/// A session as an import found it, to be restored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::imports) struct SessionBefore {
    pub(in crate::imports) state: SessionState,
    module_id: ModuleId,
    mode: SessionMode,
    starts_at: Instant,
    ends_at: Instant,
    break_minutes: i32,
    length_minutes: Option<i32>,
    room_id: Option<RoomId>,
    place: Option<Place>,
    cohort_ids: Vec<CohortId>,
    instructor_ids: Vec<PersonId>,
}

impl SessionBefore {
    fn of(stored: &Stored) -> Self {
        Self {
            state: stored.row.state,
            module_id: stored.row.module_id,
            mode: stored.row.mode,
            starts_at: stored.row.starts_at,
            ends_at: stored.row.ends_at,
            break_minutes: stored.row.break_minutes,
            length_minutes: stored.row.length_minutes,
            room_id: stored.row.room_id,
            place: stored.row.place.clone(),
            cohort_ids: stored.cohorts.clone(),
            instructor_ids: stored.instructors.clone(),
        }
    }

    /// What makes the session so again, and why.
    pub(in crate::imports) fn restoring(self, reason: Option<Note>) -> SessionPatch {
        SessionPatch {
            code: None,
            module_id: Some(self.module_id),
            mode: Some(self.mode),
            starts_at: Some(self.starts_at.into()),
            ends_at: Some(self.ends_at.into()),
            break_minutes: Some(self.break_minutes),
            length_minutes: Some(self.length_minutes),
            room_id: Some(self.room_id),
            place: Some(self.place),
            cohort_ids: Some(self.cohort_ids),
            instructor_ids: Some(self.instructor_ids),
            reason,
        }
    }
}

impl Change {
    /// The session as this row wants it; `publish` says whether new ones are published.
    pub(in crate::imports) fn proposal(&self, row: u32, publish: bool) -> Proposal {
        let (id, session, is_published) = match self {
            Self::Create(session) => (Id::generate(), session, publish),
            Self::Update { id, session, is_published, .. } => (*id, session, *is_published),
        };
        Proposal { id, pointer: pointer(row), session: session.clone(), is_published }
    }
}

/// Reads the cells of every row.
pub(in crate::imports) fn read(table: &Table, frame: &Frame) -> Result<(Entries<Row>, Vec<String>), Error> {
    let sheet = Sheet::of(table, COLUMNS)?;
    Ok((sheet.rows(Column::Code, |cells| read_row(cells, frame)), sheet.unknown()))
}

fn read_row(cells: &mut Cells<'_, Column>, frame: &Frame) -> Option<Row> {
    let code = cells.required(Column::Code);
    let module = cells.read_required(Column::Module, |text| find_module(&frame.modules, text));
    let cohorts = cells.read_required(Column::Cohorts, |text| find_cohorts(&frame.cohorts, text));
    let instructors = cells.read(Column::Instructors, read_numbers).unwrap_or_default();
    let day = cells.read_required(Column::Date, date);
    let zone = frame.intake.time_zone;
    let starts_at = cells.read_required(Column::Start, |text| instant(text, day, zone)).flatten();
    let ends_at = cells.read_required(Column::End, |text| instant(text, day, zone)).flatten();
    if day.is_some_and(|day| starts_at.is_some_and(|at| zone.date(at) != day)) {
        cells.refuse(Column::Start, CellFault::new("date_differs", "must be on the date of the row"));
    }
    let break_minutes = cells.read(Column::Break, read_minutes);
    let length_minutes = cells.read(Column::Length, read_minutes);
    let mode = cells.read(Column::Mode, read_mode);
    let room = cells.read(Column::Room, |text| find_room(&frame.rooms, text));
    let place = cells.optional(Column::Place);
    Some(Row {
        code: code?,
        module: module?,
        cohorts: cohorts?,
        instructors,
        starts_at: starts_at?,
        ends_at: ends_at?,
        break_minutes,
        length_minutes,
        mode,
        room,
        place,
    })
}

fn find_module(modules: &[Module], text: &str) -> Result<ModuleId, CellFault> {
    if let Some(one) = modules.iter().find(|one| one.code.as_str() == text) {
        return Ok(one.id);
    }
    let wanted = folded(text);
    let called = |one: &&Module| {
        folded(one.name.as_str()) == wanted || one.latin_name.as_ref().is_some_and(|latin| folded(latin.as_str()) == wanted)
    };
    let mut found = modules.iter().filter(called);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.id),
        (Some(_), Some(_)) => Err(CellFault::new("module_ambiguous", format!("several modules are called `{text}`; write the code"))),
        (None, _) => {
            let known = listed(modules.iter().map(|one| one.code.as_str()));
            Err(CellFault::new("unknown_module", format!("`{text}` is no module of this intake's program version; it has {known}")))
        }
    }
}

fn find_room(rooms: &[Room], text: &str) -> Result<RoomId, CellFault> {
    let known = || listed(rooms.iter().map(|one| one.code.as_str()));
    let found = rooms.iter().find(|one| one.code.as_str() == text).map(|one| one.id);
    found.ok_or_else(|| {
        let detail = format!("no room of the provider has the code `{text}`; it has {}; words go to the column place (地点)", known());
        CellFault::new("unknown_room", detail)
    })
}

/// What is said of a place that is the code of a room: words keep no room free.
fn place_is_room(session: &NewSession, rooms: &[Room]) -> Option<Reason> {
    let place = session.place.as_ref().filter(|_| session.room_id.is_none())?.as_str();
    rooms.iter().any(|one| one.code.as_str() == place).then(|| {
        let detail = format!("warning: `{place}` is the code of a room; in the column room (教室编号) nobody else could be there");
        Reason::of("place", "place_is_room", detail)
    })
}

fn find_cohorts(cohorts: &[CohortRow], text: &str) -> Result<Vec<CohortId>, CellFault> {
    // A name may hold what separates names.
    if let Ok(one) = find_cohort(cohorts, text) {
        return Ok(vec![one.id]);
    }
    let mut found = items(text).into_iter().map(|item| find_cohort(cohorts, item).map(|one| one.id)).collect::<Result<Vec<_>, _>>()?;
    found.sort_unstable();
    found.dedup();
    if found.is_empty() { Err(CellFault::new("cell_missing", "must not be empty")) } else { Ok(found) }
}

fn read_numbers(text: &str) -> Result<Vec<Code>, CellFault> {
    let mut numbers: Vec<Code> = Vec::new();
    for item in items(text).into_iter().flat_map(str::split_whitespace) {
        let wrong = |fault: crate::text::TextFault| {
            CellFault::new(fault.code, format!("`{item}` is no employee number, and names are not read: {}", fault.detail))
        };
        let number = item.parse().map_err(wrong)?;
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    Ok(numbers)
}

fn read_minutes(text: &str) -> Result<i32, CellFault> {
    let digits = text.trim_end_matches("分钟").trim_end_matches("min").trim();
    let minutes = digits.parse().ok().filter(|minutes| (0..=1440).contains(minutes));
    minutes.ok_or_else(|| CellFault::new("minutes_malformed", format!("`{text}` is not a whole number of minutes")))
}

fn read_mode(text: &str) -> Result<SessionMode, CellFault> {
    let plain = text.to_lowercase().replace([' ', '-'], "_");
    MODES.iter().find(|(name, _)| *name == text).map(|(_, mode)| *mode).or_else(|| plain.parse().ok()).ok_or_else(|| {
        let known: Vec<&str> = SessionMode::ALL.iter().map(|mode| mode.as_str()).collect();
        CellFault::new("unknown_value", format!("`{text}` is none of: 线上直播, 面授, 混合, 录播, {}", known.join(", ")))
    })
}

/// What becomes of each row, before it is held against the other sessions (see [`refuse`]).
pub(in crate::imports) fn plan(entries: Entries<Row>, frame: &Frame, facts: &Facts, options: &Options) -> Vec<RowPlan<Change>> {
    let mut seen: HashMap<Code, u32> = HashMap::new();
    planned(entries, |entry| {
        let (row, key) = (entry.row, entry.key.clone());
        if let Some(first) = seen.get(&entry.value.code) {
            let reason = Reason::of("code", "duplicate_in_file", format!("row {first} has the same code"));
            return RowPlan::at_fault(row, &key, Verdict::DuplicateInFile, reason);
        }
        seen.insert(entry.value.code.clone(), row);
        let unknown: Vec<&str> =
            entry.value.instructors.iter().filter(|number| !facts.instructors.contains_key(number)).map(Code::as_str).collect();
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            let detail = format!("no instructor of the provider has the employee number {unknown}; the column holds numbers, not names");
            return RowPlan::at_fault(row, &key, Verdict::Invalid, Reason::of("instructors", "unknown_instructor", detail));
        }
        match facts.sessions.get(&entry.value.code) {
            None => {
                let session = new_session(entry.value, facts);
                let warning = place_is_room(&session, &frame.rooms);
                RowPlan::of(row, &key, Verdict::Create, Vec::new(), Some(Change::Create(session))).warned(warning)
            }
            Some(stored) => compare(&entry, stored, frame, facts, options),
        }
    })
}

fn instructors(numbers: &[Code], facts: &Facts) -> Vec<PersonId> {
    let mut ids: Vec<PersonId> = numbers.iter().filter_map(|number| facts.instructors.get(number)).copied().collect();
    if let Some((_, others)) = ids.split_first_mut() {
        others.sort_unstable();
    }
    ids
}

fn new_session(row: Row, facts: &Facts) -> NewSession {
    NewSession {
        instructor_ids: instructors(&row.instructors, facts),
        code: row.code,
        module_id: row.module,
        mode: row.mode,
        starts_at: row.starts_at.into(),
        ends_at: row.ends_at.into(),
        break_minutes: row.break_minutes.unwrap_or(0),
        length_minutes: row.length_minutes,
        room_id: row.room,
        place: row.place,
        cohort_ids: row.cohorts,
    }
}

/// What a row changes of a stored session; empty cells leave it as it is.
fn compare(entry: &Entry<Row>, stored: &Stored, frame: &Frame, facts: &Facts, options: &Options) -> RowPlan<Change> {
    let (patch, mut what) = differences(&entry.value, stored, frame, facts);
    let state = stored.row.state;
    let publishes = options.publish && state == SessionState::Draft;
    if what.is_empty() && !publishes {
        let warning = (state == SessionState::Cancelled).then(|| {
            Reason::new(None, "session_cancelled", "warning: is cancelled, and stays so; give a new session another code".to_owned())
        });
        return RowPlan::of(entry.row, &entry.key, Verdict::Unchanged, what, None).warned(warning);
    }
    let refuse = |column: Option<&str>, code, detail: String| {
        RowPlan::at_fault(entry.row, &entry.key, Verdict::Invalid, Reason::new(column, code, detail))
    };
    match state {
        SessionState::Held => return refuse(None, "session_held", format!("was held and stays as it is, but differs in {}", told(&what))),
        SessionState::Cancelled => return refuse(None, "session_cancelled", "is cancelled; give the new session another code".to_owned()),
        SessionState::Published if patch.module_id.is_some() => {
            return refuse(Some("module"), "session_published", "the module of a published session is fixed; cancel it first".to_owned());
        }
        SessionState::Published if options.reason.is_none() => {
            let detail = format!("is published, and whoever it concerns is told why it differs in {}; give a reason", told(&what));
            return refuse(None, "reason_missing", detail);
        }
        SessionState::Published | SessionState::Draft => {}
    }
    let session = merged(stored, &patch);
    let patch = SessionPatch { reason: options.reason.clone(), ..patch };
    let patch = (!what.is_empty()).then(|| Box::new(patch));
    if publishes {
        what.push(RowChange::new("state", Some(SessionState::Draft), Some(SessionState::Published)));
    }
    let is_published = publishes || state == SessionState::Published;
    let warning = place_is_room(&session, &frame.rooms);
    let change =
        Change::Update { id: stored.row.id, patch, before: Box::new(SessionBefore::of(stored)), session, publish: publishes, is_published };
    RowPlan::of(entry.row, &entry.key, Verdict::Update, what, Some(change)).warned(warning)
}

fn told(what: &[RowChange]) -> String {
    what.iter().map(|change| change.field.as_str()).collect::<Vec<_>>().join(", ")
}

/// The sessions of the rows that change nothing, with where the file says it.
pub(in crate::imports) fn unchanged(plans: &[RowPlan<Change>], facts: &Facts) -> HashMap<SessionId, String> {
    plans.iter().filter_map(|plan| Some((plan.unchanged(facts)?, pointer(plan.report.row)))).collect()
}

fn pointer(row: u32) -> String {
    format!("/rows/{row}")
}

impl RowPlan<Change> {
    /// The session that the row leaves as it is.
    fn unchanged(&self, facts: &Facts) -> Option<SessionId> {
        let code = self.report.key.as_ref().filter(|_| self.report.verdict == Verdict::Unchanged)?;
        Some(facts.sessions.get(&code.parse::<Code>().ok()?)?.row.id)
    }
}

/// Tells each row what is in its way, and refuses those that cannot stand; proposals were made of the rows that change something, in their
/// order.
pub(in crate::imports) fn tell(plans: &mut [RowPlan<Change>], judgement: Judgement, facts: &Facts) {
    let Judgement { proposals, mut unchanged, .. } = judgement;
    let mut proposals = proposals.into_iter();
    for plan in plans {
        if let Some(id) = plan.unchanged(facts) {
            plan.report.conflicts = unchanged.remove(&id).unwrap_or_default();
        } else if let Some(Judged { faults, conflicts }) = plan.change.as_ref().and_then(|_| proposals.next()) {
            for fault in faults {
                plan.refuse(Reason::new(column(&fault.pointer), &fault.code, fault.detail));
            }
            plan.report.conflicts = conflicts;
        }
    }
}

/// The column that a field of a session comes from.
fn column(pointer: &str) -> Option<&'static str> {
    let columns = [
        ("/code", "code"),
        ("/module_id", "module"),
        ("/cohort_ids", "cohorts"),
        ("/instructor_ids", "instructors"),
        ("/starts_at", "start"),
        ("/ends_at", "end"),
        ("/break_minutes", "break"),
        ("/length_minutes", "length"),
        ("/mode", "mode"),
        ("/room_id", "room"),
        ("/place", "place"),
    ];
    columns.iter().find(|(field, _)| *field == pointer).map(|(_, column)| *column)
}

#[cfg(test)]
mod tests;
