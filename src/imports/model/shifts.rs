//! The shifts of a sponsor's crews.

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

use super::{
    Reason, RowChange, RowPlan, Sheet, Verdict,
    columns::{CellFault, Cells, Entries, date, planned, time},
};
use crate::{
    calendars::{Calendar, CrewShift},
    clock::Instant,
    error::Error,
    tabular::{Field, Table},
    text::{Code, Name},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imports) enum Column {
    Crew,
    Date,
    Start,
    End,
    Shift,
}

pub(in crate::imports) const COLUMNS: &[Field<Column>] = {
    use Column as C;
    &[
        Field { key: C::Crew, name: "crew", aliases: &["班组", "班次组", "轮班", "team"], required: true },
        Field { key: C::Date, name: "date", aliases: &["日期", "day"], required: true },
        Field {
            key: C::Start, name: "start", aliases: &["开始", "开始时间", "上班时间", "start time", "starts", "from"], required: true
        },
        Field {
            key: C::End, name: "end", aliases: &["结束", "结束时间", "下班时间", "end time", "ends", "until"], required: true
        },
        Field { key: C::Shift, name: "shift", aliases: &["班次", "班别", "shift name"], required: false },
    ]
};

/// What files call a crew's free day in the place of a shift.
const RESTS: &[&str] = &["休", "休息", "轮休", "rest", "off"];

/// One row, as it was read: a shift, or a day on which the crew begins none.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Row {
    crew: Code,
    /// Where the calendar is.
    pub(in crate::imports) date: NaiveDate,
    shift: Option<CrewShift>,
}

/// The shifts of a crew at some starts, before or after a file was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::imports) struct Listed {
    pub(in crate::imports) keys: Vec<(Code, Instant)>,
    pub(in crate::imports) shifts: Vec<CrewShift>,
}

/// What is written for a row.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Change {
    pub(in crate::imports) before: Listed,
    pub(in crate::imports) after: Listed,
}

/// Reads the cells of every row.
pub(in crate::imports) fn read(table: &Table, calendar: &Calendar) -> Result<(Entries<Row>, Vec<String>), Error> {
    let sheet = Sheet::of(table, COLUMNS)?;
    Ok((sheet.rows(Column::Crew, |cells| read_row(cells, calendar)), sheet.unknown()))
}

fn read_row(cells: &mut Cells<'_, Column>, calendar: &Calendar) -> Option<Row> {
    let crew = cells.required::<Code>(Column::Crew);
    let day = cells.read_required(Column::Date, date);
    let name = cells.optional::<Name>(Column::Shift);
    let rests = name.as_ref().is_some_and(|name| RESTS.contains(&name.as_str().to_lowercase().as_str()));
    if rests && cells.text(Column::Start).is_none() && cells.text(Column::End).is_none() {
        return Some(Row { crew: crew?, date: day?, shift: None });
    }
    let (start, end) = (cells.read_required(Column::Start, time), cells.read_required(Column::End, time));
    let (crew, day, start, end) = (crew?, day?, start?, end?);
    let (starts_at, ends_at) = span(cells, calendar, day, (start, end))?;
    Some(Row { date: day, shift: Some(CrewShift { crew: crew.clone(), starts_at, ends_at, name }), crew })
}

/// When a shift is; one that does not end after it began ends on the day after.
fn span(
    cells: &mut Cells<'_, Column>,
    calendar: &Calendar,
    day: NaiveDate,
    (start, end): (NaiveTime, NaiveTime),
) -> Option<(Instant, Instant)> {
    let last = if end > start { day } else { day.checked_add_days(Days::new(1))? };
    let mut at = |column, local| {
        let instant = calendar.time_zone.instant(local);
        instant.map_err(|unclear| cells.refuse(column, unclear.into())).ok()
    };
    let (starts_at, ends_at) = (at(Column::Start, day.and_time(start))?, at(Column::End, last.and_time(end))?);
    if starts_at.minutes_until(ends_at) > 24 * 60 {
        cells.refuse(Column::End, CellFault::new("too_long", "a shift lasts at most 24 hours"));
        return None;
    }
    Some((starts_at, ends_at))
}

/// What becomes of each row. `stored` are the shifts that begin on the days of the file.
pub(in crate::imports) fn plan(entries: Entries<Row>, calendar: &Calendar, stored: Vec<CrewShift>) -> Vec<RowPlan<Change>> {
    let mut by_day: HashMap<(Code, NaiveDate), BTreeMap<Instant, CrewShift>> = HashMap::new();
    for shift in stored {
        let day = calendar.time_zone.date(shift.starts_at);
        by_day.entry((shift.crew.clone(), day)).or_default().insert(shift.starts_at, shift);
    }
    let mut seen: HashMap<(Code, NaiveDate, Option<Instant>), u32> = HashMap::new();
    planned(entries, |entry| {
        let (row, key, Row { crew, date, shift }) = (entry.row, entry.key, entry.value);
        let start = shift.as_ref().map(|shift| shift.starts_at);
        let same = seen.get(&(crew.clone(), date, start)).or_else(|| seen.get(&(crew.clone(), date, None)));
        if let Some(first) = same {
            let reason = Reason::of("crew", "duplicate_in_file", format!("row {first} is about the same crew and time"));
            return RowPlan::at_fault(row, &key, Verdict::DuplicateInFile, reason);
        }
        seen.insert((crew.clone(), date, start), row);
        let on_day = by_day.get(&(crew, date));
        let before: Vec<CrewShift> = match start {
            Some(start) => on_day.and_then(|shifts| shifts.get(&start)).cloned().into_iter().collect(),
            None => on_day.into_iter().flat_map(BTreeMap::values).cloned().collect(),
        };
        planned_row(row, &key, before, shift)
    })
}

fn planned_row(row: u32, key: &str, before: Vec<CrewShift>, shift: Option<CrewShift>) -> RowPlan<Change> {
    let kept = before.first().and_then(|stored| stored.name.clone());
    let after: Vec<CrewShift> = shift.into_iter().map(|shift| CrewShift { name: shift.name.clone().or(kept.clone()), ..shift }).collect();
    if before == after {
        return RowPlan::of(row, key, Verdict::Unchanged, Vec::new(), None);
    }
    let keys: Vec<(Code, Instant)> = before.iter().chain(&after).map(|shift| (shift.crew.clone(), shift.starts_at)).collect();
    let told = |shifts: &[CrewShift]| {
        let one = |shift: &CrewShift| {
            format!("{} to {}{}", shift.starts_at, shift.ends_at, shift.name.iter().map(|name| format!(" {name}")).collect::<String>())
        };
        (!shifts.is_empty()).then(|| shifts.iter().map(one).collect::<Vec<_>>().join(", "))
    };
    let (verdict, what) = if before.is_empty() {
        (Verdict::Create, Vec::new())
    } else {
        (Verdict::Update, vec![RowChange::new("shift", told(&before), told(&after))])
    };
    let change = Change { before: Listed { keys: keys.clone(), shifts: before }, after: Listed { keys, shifts: after } };
    RowPlan::of(row, key, verdict, what, Some(change))
}
