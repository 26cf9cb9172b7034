//! The shifts of a sponsor's crews.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;

use super::{
    Reason, Relisted, RowChange, RowPlan, Sheet, Verdict,
    columns::{CellFault, Cells, Entries, date, instant, planned, time},
};
use crate::{
    calendars::CrewShift,
    clock::Instant,
    error::Error,
    tabular::{Field, Table},
    text::{Code, Name},
    zone::Zone,
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

/// What a shift is found again by.
pub(in crate::imports) type Key = (Code, Instant);

/// One row, as it was read: a shift, or a day on which the crew begins none.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Row {
    pub(in crate::imports) crew: Code,
    /// Where the calendar is.
    pub(in crate::imports) date: NaiveDate,
    shift: Option<CrewShift>,
}

impl Row {
    fn start(&self) -> Option<Instant> {
        self.shift.as_ref().map(|shift| shift.starts_at)
    }
}

/// Reads the cells of every row.
pub(in crate::imports) fn read(table: &Table, zone: Zone) -> Result<(Entries<Row>, Vec<String>), Error> {
    let sheet = Sheet::of(table, COLUMNS)?;
    Ok((sheet.rows(Column::Crew, |cells| read_row(cells, zone)), sheet.unknown()))
}

fn read_row(cells: &mut Cells<'_, Column>, zone: Zone) -> Option<Row> {
    let crew = cells.required::<Code>(Column::Crew);
    let day = cells.read_required(Column::Date, date);
    let name = cells.optional::<Name>(Column::Shift);
    let rests = name.as_ref().is_some_and(|name| RESTS.contains(&name.as_str().to_lowercase().as_str()));
    if rests && cells.text(Column::Start).is_none() && cells.text(Column::End).is_none() {
        return Some(Row { crew: crew?, date: day?, shift: None });
    }
    let starts_at = cells.read_required(Column::Start, |text| instant(text, day, zone)).flatten();
    let ends_at = cells.read_required(Column::End, |text| instant(text, last_day(text, starts_at, zone).or(day), zone)).flatten();
    let (crew, date, starts_at, ends_at) = (crew?, day?, starts_at?, ends_at?);
    if zone.date(starts_at) != date {
        cells.refuse(Column::Start, CellFault::new("date_differs", "must be on the date of the row"));
    }
    match starts_at.minutes_until(ends_at) {
        ..=0 => cells.refuse(Column::End, CellFault::new("end_before_start", "must be after the start")),
        1..=1440 => {}
        _ => cells.refuse(Column::End, CellFault::new("too_long", "a shift lasts at most 24 hours")),
    }
    Some(Row { date, shift: Some(CrewShift { crew: crew.clone(), starts_at, ends_at, name }), crew })
}

/// The day on which a shift ends that is to end at a time of day: the one on which it begins, or the next if it is not after the start.
fn last_day(end: &str, starts_at: Option<Instant>, zone: Zone) -> Option<NaiveDate> {
    let (start, end) = (zone.local(starts_at?), time(end).ok()?);
    if end > start.time() { Some(start.date()) } else { start.date().succ_opt() }
}

/// The rows of each crew, by the day and the start that they are about; of several about the same the first.
struct Rota {
    crews: HashMap<Code, BTreeMap<(NaiveDate, Option<Instant>), u32>>,
    /// Whether every row could be read. If not, a shift that no row is about may be what a row was about.
    is_whole: bool,
}

impl Rota {
    fn of(entries: &Entries<Row>) -> Self {
        let mut crews: HashMap<Code, BTreeMap<_, u32>> = HashMap::new();
        for entry in entries.iter().flatten() {
            let row = &entry.value;
            crews.entry(row.crew.clone()).or_default().entry((row.date, row.start())).or_insert(entry.row);
        }
        Self { crews, is_whole: entries.iter().all(Result::is_ok) }
    }

    /// An earlier row with the same start, or that says rest where this one says work or the other way round.
    fn contradicts(&self, number: u32, row: &Row) -> Option<u32> {
        let start = row.start();
        let of_day = self.crews.get(&row.crew)?.range((row.date, None)..).take_while(|((date, _), _)| *date == row.date);
        of_day
            .filter(|((_, other), earlier)| **earlier < number && (*other == start || other.is_none() || start.is_none()))
            .map(|(_, earlier)| *earlier)
            .min()
    }

    /// The stored shifts by the row that speaks of them: the one with the same start, or else another of the day; and on the days between
    /// the first and the last of a crew, of which no row speaks, the row before.
    fn replaced(&self, zone: Zone, stored: Vec<CrewShift>) -> HashMap<u32, Vec<CrewShift>> {
        let starts: HashSet<Key> = stored.iter().map(|shift| (shift.crew.clone(), shift.starts_at)).collect();
        let mut replaced: HashMap<u32, Vec<CrewShift>> = HashMap::new();
        for shift in stored {
            let Some(rows) = self.crews.get(&shift.crew) else { continue };
            let day = zone.date(shift.starts_at);
            let is_moved = |start: &Option<Instant>| start.is_none_or(|start| !starts.contains(&(shift.crew.clone(), start)));
            let moved = || {
                let of_day = rows.range((day, None)..).take_while(|((date, _), _)| *date == day);
                of_day.filter(|((_, start), row)| is_moved(start) && !replaced.contains_key(row)).map(|(_, row)| row).next()
            };
            let before = || {
                let ((date, _), row) = rows.range(..(day.succ_opt()?, None)).next_back()?;
                let is_between = self.is_whole && rows.range((day, None)..).next().is_some();
                (*date == day || is_between).then_some(row)
            };
            if let Some(row) = rows.get(&(day, Some(shift.starts_at))).or_else(moved).or_else(before).copied() {
                replaced.entry(row).or_default().push(shift);
            }
        }
        replaced
    }
}

/// What becomes of each row. `stored` are the shifts that begin on the days of the file, by start.
pub(in crate::imports) fn plan(entries: Entries<Row>, zone: Zone, stored: Vec<CrewShift>) -> Vec<RowPlan<Relisted<Key, CrewShift>>> {
    let rota = Rota::of(&entries);
    let mut replaced = rota.replaced(zone, stored);
    planned(entries, |entry| {
        if let Some(first) = rota.contradicts(entry.row, &entry.value) {
            let reason = Reason::of("crew", "duplicate_in_file", format!("row {first} is about the same crew and time"));
            return RowPlan::at_fault(entry.row, &entry.key, Verdict::DuplicateInFile, reason);
        }
        planned_row(entry.row, &entry.key, (replaced.remove(&entry.row).unwrap_or_default(), zone), entry.value)
    })
}

/// What a row changes: the shift that it corrects or adds, and those that it takes out.
fn planned_row(row: u32, key: &str, (before, zone): (Vec<CrewShift>, Zone), read: Row) -> RowPlan<Relisted<Key, CrewShift>> {
    let mut removed = before.clone();
    let start = read.start();
    let same = removed.iter().position(|stored| Some(stored.starts_at) == start);
    let corrected = same.or_else(|| removed.iter().position(|stored| start.is_some() && zone.date(stored.starts_at) == read.date));
    let old = corrected.map(|place| removed.remove(place));
    let kept = old.as_ref().and_then(|old| old.name.clone());
    let new = read.shift.map(|shift| CrewShift { name: shift.name.clone().or(kept), ..shift });
    if old == new && removed.is_empty() {
        return RowPlan::of(row, key, Verdict::Unchanged, Vec::new(), None);
    }
    let verdict = if before.is_empty() { Verdict::Create } else { Verdict::Update };
    let told = |shift: &CrewShift| told(shift, zone);
    let mut what = Vec::new();
    if verdict == Verdict::Update {
        if old != new {
            what.push(RowChange::new("shift", old.as_ref().map(told), new.as_ref().map(told)));
        }
        what.extend(removed.iter().map(|shift| RowChange::new("shift", Some(told(shift)), None::<String>)));
    }
    let after: Vec<CrewShift> = new.into_iter().collect();
    let keys = before.iter().chain(&after).map(|shift| (shift.crew.clone(), shift.starts_at)).collect();
    RowPlan { removed: removed.len(), ..RowPlan::of(row, key, verdict, what, Some(Relisted { keys, before, after })) }
}

fn told(shift: &CrewShift, zone: Zone) -> String {
    let name = shift.name.iter().map(|name| format!(" {name}")).collect::<String>();
    format!("{} to {}{name}", zone.told(shift.starts_at), zone.told(shift.ends_at))
}
