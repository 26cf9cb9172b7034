//! The days off of a calendar, and the worked days of its weekends.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::{
    Reason, Relisted, RowChange, RowPlan, Sheet, Verdict,
    columns::{CellFault, Cells, Entries, date, planned},
};
use crate::{
    calendars::{CalendarDay, DayKind},
    error::Error,
    tabular::{Field, Table},
    text::Name,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imports) enum Column {
    Date,
    Kind,
    Name,
}

pub(in crate::imports) const COLUMNS: &[Field<Column>] = {
    use Column as C;
    &[
        Field { key: C::Date, name: "date", aliases: &["日期", "day"], required: true },
        Field { key: C::Kind, name: "kind", aliases: &["类型", "安排", "放假安排", "type"], required: true },
        Field { key: C::Name, name: "name", aliases: &["名称", "节日", "假期", "holiday"], required: false },
    ]
};

/// What files call the kinds of days; nothing for a day like any other.
const KINDS: &[(&str, Option<DayKind>)] = {
    use DayKind as K;
    &[
        ("holiday", Some(K::Holiday)),
        ("放假", Some(K::Holiday)),
        ("休", Some(K::Holiday)),
        ("节假日", Some(K::Holiday)),
        ("working", Some(K::Working)),
        ("上班", Some(K::Working)),
        ("班", Some(K::Working)),
        ("补班", Some(K::Working)),
        ("normal", None),
        ("正常", None),
    ]
};

/// One row, as it was read.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Row {
    pub(in crate::imports) date: NaiveDate,
    kind: Option<DayKind>,
    name: Option<Name>,
}

/// Reads the cells of every row.
pub(in crate::imports) fn read(table: &Table) -> Result<(Entries<Row>, Vec<String>), Error> {
    let sheet = Sheet::of(table, COLUMNS)?;
    Ok((sheet.rows(Column::Date, read_row), sheet.unknown()))
}

fn read_row(cells: &mut Cells<'_, Column>) -> Option<Row> {
    let date = cells.read_required(Column::Date, date);
    let kind = cells.read_required(Column::Kind, read_kind);
    let name = cells.optional(Column::Name);
    Some(Row { date: date?, kind: kind?, name })
}

fn read_kind(text: &str) -> Result<Option<DayKind>, CellFault> {
    let found = KINDS.iter().find(|(name, _)| *name == text.to_lowercase());
    found
        .map(|(_, kind)| *kind)
        .ok_or_else(|| CellFault::new("unknown_value", format!("`{text}` is none of: holiday, working, normal, 放假, 上班, 正常")))
}

/// What becomes of each row.
pub(in crate::imports) fn plan(entries: Entries<Row>, stored: Vec<CalendarDay>) -> Vec<RowPlan<Relisted<NaiveDate, CalendarDay>>> {
    let stored: HashMap<NaiveDate, CalendarDay> = stored.into_iter().map(|day| (day.date, day)).collect();
    let mut seen: HashMap<NaiveDate, u32> = HashMap::new();
    planned(entries, |entry| {
        let (row, key, Row { date, kind, name }) = (entry.row, entry.key, entry.value);
        if let Some(first) = seen.insert(date, row) {
            let reason = Reason::of("date", "duplicate_in_file", format!("row {first} is about the same day"));
            return RowPlan::at_fault(row, &key, Verdict::DuplicateInFile, reason);
        }
        let before = stored.get(&date);
        let kept = before.filter(|day| Some(day.kind) == kind).and_then(|day| day.name.clone());
        let after = kind.map(|kind| CalendarDay { date, kind, name: name.or(kept) });
        if before == after.as_ref() {
            return RowPlan::of(row, &key, Verdict::Unchanged, Vec::new(), None);
        }
        let mut what = Vec::new();
        if before.map(|day| day.kind) != kind {
            what.push(RowChange::new("kind", before.map(|day| day.kind), kind));
        }
        let names = (before.and_then(|day| day.name.clone()), after.as_ref().and_then(|day| day.name.clone()));
        if names.0 != names.1 {
            what.push(RowChange::new("name", names.0, names.1));
        }
        let verdict = if before.is_none() { Verdict::Create } else { Verdict::Update };
        let what = if before.is_none() { Vec::new() } else { what };
        let removed = usize::from(after.is_none());
        let relisted = Relisted { keys: vec![date], before: before.cloned().into_iter().collect(), after: after.into_iter().collect() };
        RowPlan { removed, ..RowPlan::of(row, &key, verdict, what, Some(relisted)) }
    })
}
