//! The columns of a file and the cells below them.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime};

use super::{Reason, RowPlan, Verdict};
use crate::{
    clock::{Instant, is_kept},
    error::{Error, FieldFault},
    tabular::{ColumnProblem, Field, Mapping, Row, Table, column_name, map_columns},
    text::TextFault,
    zone::{EnteredTime, Unclear, Zone},
};

/// A table whose columns are known.
pub(in crate::imports) struct Sheet<'a, F: 'static> {
    table: &'a Table,
    fields: &'static [Field<F>],
    mapping: Mapping<F>,
}

impl<'a, F: Copy + Eq + 'static> Sheet<'a, F> {
    /// Finds the columns.
    ///
    /// # Errors
    /// 422 `columns_missing`, `columns_duplicate` or `columns_misspelled` with every column that is, before any cell is looked at.
    pub(in crate::imports) fn of(table: &'a Table, fields: &'static [Field<F>]) -> Result<Self, Error> {
        let mapping = map_columns(&table.header, fields).map_err(|problems| {
            let (code, detail) = if problems.iter().any(|problem| matches!(problem, ColumnProblem::Missing { .. })) {
                ("columns_missing", "the file lacks columns")
            } else if problems.iter().any(|problem| matches!(problem, ColumnProblem::Duplicate { .. })) {
                ("columns_duplicate", "the file has columns twice")
            } else {
                ("columns_misspelled", "the file has columns that are called nearly like known ones")
            };
            let faults = problems.iter().map(|problem| fault(problem, fields)).collect();
            Error::Rejected { code, detail: detail.to_owned(), faults, conflicts: Vec::new(), truncated: false }
        })?;
        Ok(Self { table, fields, mapping })
    }

    /// Reads each row with `read`; what it finds wrong makes the row invalid.
    pub(in crate::imports) fn rows<E>(&self, key: F, mut read: impl FnMut(&mut Cells<'_, F>) -> Option<E>) -> Entries<E> {
        let rows = self.table.rows.iter().map(|row| {
            let mut cells = Cells { sheet: self, row, reasons: Vec::new() };
            let entry = read(&mut cells);
            let key = cells.text(key).map(ToOwned::to_owned);
            match entry {
                Some(value) if cells.reasons.is_empty() => Ok(Entry { row: row.number, key: key.unwrap_or_default(), value }),
                _ => Err((row.number, key, cells.reasons)),
            }
        });
        rows.collect()
    }

    /// The headers that are not read.
    pub(in crate::imports) fn unknown(&self) -> Vec<String> {
        self.mapping.unknown().to_vec()
    }

    fn name(&self, field: F) -> &'static str {
        self.fields.iter().find(|one| one.key == field).map_or("", |one| one.name)
    }
}

/// A row whose cells were read.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Entry<E> {
    pub(in crate::imports) row: u32,
    /// What the row is about.
    pub(in crate::imports) key: String,
    pub(in crate::imports) value: E,
}

/// A row whose cells could not be read: where it stands, what it seems to be about, and why.
type Unreadable = (u32, Option<String>, Vec<Reason>);

/// Rows as [`Sheet::rows`] reads them.
pub(in crate::imports) type Entries<E> = Vec<Result<Entry<E>, Unreadable>>;

/// The plan of each row, in the order of the file: `plan` for those that could be read, invalid for the others.
pub(super) fn planned<E, C>(entries: Entries<E>, mut plan: impl FnMut(Entry<E>) -> RowPlan<C>) -> Vec<RowPlan<C>> {
    let rows = entries.into_iter().map(|entry| match entry {
        Ok(entry) => plan(entry),
        Err((row, key, reasons)) => RowPlan::idle(row, key, Verdict::Invalid, reasons),
    });
    rows.collect()
}

/// The cells of one row. Each look that finds something wrong remembers why and answers nothing.
pub(in crate::imports) struct Cells<'a, F: 'static> {
    sheet: &'a Sheet<'a, F>,
    row: &'a Row,
    reasons: Vec<Reason>,
}

impl<F: Copy + Eq + 'static> Cells<'_, F> {
    /// The text of a cell, unless it is empty.
    pub(in crate::imports) fn text(&self, field: F) -> Option<&str> {
        self.sheet.mapping.cell(self.row, field)
    }

    /// The value of a cell that may be empty, as `read` makes it of the text.
    pub(in crate::imports) fn read<T>(&mut self, field: F, read: impl FnOnce(&str) -> Result<T, CellFault>) -> Option<T> {
        match self.text(field).map(read)? {
            Ok(value) => Some(value),
            Err(fault) => {
                self.refuse(field, fault);
                None
            }
        }
    }

    /// The value of a cell that may be empty.
    pub(in crate::imports) fn optional<T: FromStr<Err = TextFault>>(&mut self, field: F) -> Option<T> {
        self.read(field, |text| text.parse().map_err(|fault: TextFault| CellFault::new(fault.code, fault.detail)))
    }

    /// As [`Cells::read`], for a cell that must not be empty.
    pub(in crate::imports) fn read_required<T>(&mut self, field: F, read: impl FnOnce(&str) -> Result<T, CellFault>) -> Option<T> {
        if self.text(field).is_none() {
            self.refuse(field, CellFault::new("cell_missing", "must not be empty"));
            return None;
        }
        self.read(field, read)
    }

    /// As [`Cells::optional`], for a cell that must not be empty.
    pub(in crate::imports) fn required<T: FromStr<Err = TextFault>>(&mut self, field: F) -> Option<T> {
        self.read_required(field, |text| text.parse().map_err(|fault: TextFault| CellFault::new(fault.code, fault.detail)))
    }

    pub(in crate::imports) fn refuse(&mut self, field: F, fault: CellFault) {
        self.reasons.push(Reason { choices: fault.choices, ..Reason::of(self.sheet.name(field), fault.code, fault.detail) });
    }
}

/// Why a cell was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::imports) struct CellFault {
    pub(in crate::imports) code: &'static str,
    pub(in crate::imports) detail: String,
    pub(in crate::imports) choices: Vec<String>,
}

impl CellFault {
    pub(in crate::imports) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), choices: Vec::new() }
    }
}

impl From<Unclear> for CellFault {
    fn from(unclear: Unclear) -> Self {
        Self { choices: unclear.choices(), ..Self::new(unclear.code(), unclear.to_string()) }
    }
}

fn fault<F>(problem: &ColumnProblem, fields: &[Field<F>]) -> FieldFault {
    let name = problem.name();
    let detail = match problem {
        ColumnProblem::Missing { .. } => {
            let aliases = fields.iter().find(|field| field.name == name).map_or(&[][..], |field| field.aliases);
            let accepted: Vec<&str> = std::iter::once(name).chain(aliases.iter().copied()).collect();
            format!("no column is headed by any of: {}", accepted.join(", "))
        }
        ColumnProblem::Duplicate { first, second, .. } => {
            format!("the columns {} and {} both hold it", column_name(*first), column_name(*second))
        }
        ColumnProblem::Misspelled { column, header, .. } => {
            let column = column_name(*column);
            format!("the column {column} is headed `{header}`: correct it if it is meant, or call it otherwise if it is not")
        }
    };
    FieldFault::new(format!("/columns/{name}"), problem.code(), detail)
}

/// The header row of a template, such as `姓名 (name)`, and `*` where a column must be there. Every one of them is accepted again.
pub(in crate::imports) fn template<F>(fields: &[Field<F>]) -> Vec<String> {
    let header = |field: &Field<F>| {
        let chinese = field.aliases.iter().find(|alias| !alias.is_ascii()).unwrap_or(&field.name);
        let mark = if field.required { "*" } else { "" };
        format!("{chinese}{mark} ({})", field.name)
    };
    fields.iter().map(header).collect()
}

/// The items of a cell that holds several, separated by `;`, `,`, `、`, `/` or a line break, in either width.
pub(super) fn items(text: &str) -> Vec<&str> {
    text.split([';', '；', ',', '，', '、', '/', '\n']).map(str::trim).filter(|item| !item.is_empty()).collect()
}

/// A date: 2020-05-27, 2020/5/27, 2020.5.27 or 2020年5月27日; a time of midnight behind it is what some spreadsheets add.
pub(super) fn date(text: &str) -> Result<NaiveDate, CellFault> {
    let day = text.strip_suffix(" 00:00").or_else(|| text.strip_suffix(" 00:00:00")).unwrap_or(text);
    let parts: Vec<&str> = day.split(['-', '/', '.', '年', '月', '日']).map(str::trim).filter(|part| !part.is_empty()).collect();
    let date = match parts.as_slice() {
        [year, month, day] if year.len() == 4 => {
            let number = |text: &str| text.parse::<u32>().ok();
            year.parse().ok().zip(number(month).zip(number(day))).and_then(|(year, (month, day))| NaiveDate::from_ymd_opt(year, month, day))
        }
        _ => None,
    };
    let wrong = || CellFault::new("date_malformed", format!("`{text}` is not a date such as 2020-05-27"));
    date.filter(is_kept).ok_or_else(wrong)
}

/// A time of day in whole minutes: 18:30, 8:05 or 18:30:00; full-width colons too.
pub(super) fn time(text: &str) -> Result<NaiveTime, CellFault> {
    let narrow = text.replace('：', ":");
    let mut parts = narrow.split(':').map(|part| part.trim().parse::<u32>().ok());
    let (hour, minute, second) = (parts.next().flatten(), parts.next().flatten(), parts.next().unwrap_or(Some(0)));
    let time = match (hour, minute, second, parts.next()) {
        (Some(hour), Some(minute), Some(0), None) => NaiveTime::from_hms_opt(hour, minute, 0),
        _ => None,
    };
    let wrong = || {
        CellFault::new("time_malformed", format!("`{text}` is neither a time such as 18:30 nor one in full such as 2020-05-27T18:30+08:00"))
    };
    time.ok_or_else(wrong)
}

/// A time of day on that date, or a time in full: of a day after it, or with the offset where the clocks show it twice. None without a
/// date that could be read.
pub(super) fn instant(text: &str, day: Option<NaiveDate>, zone: Zone) -> Result<Option<Instant>, CellFault> {
    let in_full = text.replacen(' ', "T", 1);
    // People leave the seconds out beside an offset too, which RFC 3339 does not.
    let without_seconds = || DateTime::parse_from_str(&in_full, "%Y-%m-%dT%H:%M%#z").ok()?.to_rfc3339().parse().ok();
    let entered = match in_full.parse().ok().or_else(without_seconds) {
        None => {
            let time = time(text)?;
            day.map(|day| EnteredTime::Local(day.and_time(time)))
        }
        in_full => in_full,
    };
    Ok(entered.map(|entered| entered.instant(zone)).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_read_as_people_write_them() {
        let day = NaiveDate::from_ymd_opt(2020, 5, 27).unwrap();
        for text in ["2020-05-27", "2020/5/27", "2020.5.27", "2020年5月27日", "2020-05-27 00:00"] {
            assert_eq!(date(text).unwrap(), day, "{text}");
        }
        for text in ["27.5.2020", "2020-02-30", "20-5-27", "1020-05-27", "tomorrow", "43978", "2020-05-27 08:00"] {
            assert_eq!(date(text).unwrap_err().code, "date_malformed", "{text}");
        }
        let half_past_six = NaiveTime::from_hms_opt(18, 30, 0).unwrap();
        for text in ["18:30", "18：30", "18:30:00"] {
            assert_eq!(time(text).unwrap(), half_past_six, "{text}");
        }
        for text in ["24:00", "18", "18:30:15", "6 pm", "18:30:00:00", ""] {
            assert_eq!(time(text).unwrap_err().code, "time_malformed", "{text}");
        }
    }

    #[test]
    fn a_time_in_full_may_leave_its_seconds_out() {
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        let at: Instant = "2027-10-31T01:30:00Z".parse::<DateTime<chrono::Utc>>().unwrap().into();
        for text in
            ["2027-10-31T02:30+01:00", "2027-10-31 02:30+01:00", "2027-10-31T02:30+0100", "2027-10-31T01:30Z", "2027-10-31T02:30:00+01:00"]
        {
            assert_eq!(instant(text, None, zone).unwrap(), Some(at), "{text}");
        }
        for text in ["2027-10-31T02:30+", "2027-10-31T2", "2027-10-31T02:30:15+01:00:", "02:30+01:00"] {
            assert_eq!(instant(text, None, zone).unwrap_err().code, "time_malformed", "{text}");
        }
    }

    #[test]
    fn several_items_are_separated_in_many_ways() {
        assert_eq!(items("A; B；C,D，E、F/G\nH;;"), ["A", "B", "C", "D", "E", "F", "G", "H"]);
        assert!(items(" ; ").is_empty());
    }
}
