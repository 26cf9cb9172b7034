//! Joins and leaves of a meeting, as its provider exports them; of a recording, when it was viewed.

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDateTime;

use super::{
    Reason, RowChange, RowPlan, Sheet, Verdict,
    columns::{CellFault, Cells, Entries, planned},
};
use crate::{
    attendance::{Attendee, Found, Gathering, Join},
    clock::{Instant, is_kept},
    enrollments::EnrollmentId,
    error::Error,
    tabular::{Field, Table},
    text::listed,
    zone::{EnteredTime, Zone},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imports) enum Column {
    Name,
    EmployeeNumber,
    Email,
    JoinedAt,
    LeftAt,
}

pub(in crate::imports) const COLUMNS: &[Field<Column>] = {
    use Column as C;
    const NAMES: &[&str] = &["姓名", "用户昵称", "昵称", "参会者", "成员", "full name", "user name", "name (original name)", "participant"];
    const JOINED: &[&str] = &["加入时间", "入会时间", "进入时间", "开始观看时间", "join time", "joined", "first join"];
    const LEFT: &[&str] = &["离开时间", "退会时间", "退出时间", "结束观看时间", "leave time", "left", "last leave"];
    &[
        Field { key: C::Name, name: "name", aliases: NAMES, required: false },
        Field { key: C::EmployeeNumber, name: "employee_number", aliases: &["工号", "员工编号", "employee id"], required: false },
        Field { key: C::Email, name: "email", aliases: &["邮箱", "电子邮箱", "user email", "email address"], required: false },
        Field { key: C::JoinedAt, name: "joined_at", aliases: JOINED, required: true },
        Field { key: C::LeftAt, name: "left_at", aliases: LEFT, required: true },
    ]
};

/// One row, as it was read.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Row {
    name: Option<String>,
    employee_number: Option<String>,
    email: Option<String>,
    joined_at: Instant,
    left_at: Instant,
}

/// Reads the cells of every row; times without an offset are local to `zone`.
pub(in crate::imports) fn read(table: &Table, zone: Zone) -> Result<(Entries<Row>, Vec<String>), Error> {
    let sheet = Sheet::of(table, COLUMNS)?;
    Ok((sheet.rows(Column::Name, |cells| read_row(cells, zone)), sheet.unknown()))
}

fn read_row(cells: &mut Cells<'_, Column>, zone: Zone) -> Option<Row> {
    let [name, employee_number, email] =
        [Column::Name, Column::EmployeeNumber, Column::Email].map(|column| cells.text(column).map(ToOwned::to_owned));
    if name.is_none() && employee_number.is_none() && email.is_none() {
        cells.refuse(Column::Name, CellFault::new("cell_missing", "say the name, the employee number or the e-mail address"));
    }
    let joined_at = cells.read_required(Column::JoinedAt, |text| second(text, zone));
    let left_at = cells.read_required(Column::LeftAt, |text| second(text, zone));
    if joined_at.zip(left_at).is_some_and(|(joined, left)| left < joined) {
        cells.refuse(Column::LeftAt, CellFault::new("before_start", "must not be before the time of joining"));
    }
    Some(Row { name, employee_number, email, joined_at: joined_at?, left_at: left_at? })
}

/// A time in whole seconds as meeting providers write it: 2020-06-01 09:00:12, 2020/6/1 9:00, 06/01/2020 09:00:12 AM, or in full with the
/// offset. A fraction of a second is left out.
fn second(text: &str, zone: Zone) -> Result<Instant, CellFault> {
    const LOCAL: [&str; 7] = [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y/%m/%d %H:%M:%S",
        "%Y/%m/%d %H:%M",
        "%Y年%m月%d日 %H:%M:%S",
        "%m/%d/%Y %I:%M:%S %p",
        "%m/%d/%Y, %I:%M:%S %p",
    ];
    let wrong = || CellFault::new("time_malformed", format!("`{text}` is not a time such as 2020-06-01 09:00:12"));
    let local = LOCAL.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    // Of a year that no zone reckons with, nothing more is asked.
    if local.is_some_and(|local| !is_kept(&local)) {
        return Err(wrong());
    }
    let local = local.map(EnteredTime::Local);
    let entered = local.or_else(|| text.replacen(' ', "T", 1).parse().ok());
    let at = entered.ok_or_else(wrong)?.instant(zone)?;
    Some(at).filter(|at| is_kept(&at.utc())).and_then(Instant::whole_second).ok_or_else(wrong)
}

/// What becomes of each row. What it makes of somebody's roll call is told in the first row about them. What another file says already is
/// unchanged, and written all the same, for that file may be taken back; unless all of it is `repeated`, said by this very file before.
pub(in crate::imports) fn plan(entries: Entries<Row>, gathering: &Gathering, repeated: &HashSet<Join>) -> Vec<RowPlan<Join>> {
    let known: HashSet<Join> = gathering.attendees.iter().flat_map(|one| one.joins.iter().copied()).collect();
    let mut said: HashSet<Join> = HashSet::new();
    let mut plans = planned(entries, |entry| {
        let Row { joined_at, left_at, .. } = entry.value;
        let key = if entry.key.is_empty() { entry.value.called() } else { &entry.key };
        let attendee = match named(&entry.value, gathering) {
            Named::Attendee(attendee) => attendee,
            Named::Instructor => {
                let reason = Reason::of("name", "teaches", "teaches the session, and is not called in it");
                return RowPlan::of(entry.row, key, Verdict::Unchanged, Vec::new(), None).warned(Some(reason));
            }
            Named::Unclear(reason) => return RowPlan::at_fault(entry.row, key, Verdict::NeedsReview, reason),
        };
        let join = Join { enrollment_id: attendee.enrollment_id, joined_at, left_at };
        // Whoever left in the second of joining was there for none; providers export such rows.
        if joined_at == left_at || !said.insert(join) {
            return RowPlan::of(entry.row, key, Verdict::Unchanged, Vec::new(), None);
        }
        if known.contains(&join) {
            return RowPlan::of(entry.row, key, Verdict::Unchanged, Vec::new(), Some(join));
        }
        let outside = || Reason::of("joined_at", "outside_session", "lies outside the session, and counts nothing");
        let warning = (gathering.within(join) == 0).then(outside);
        RowPlan::of(entry.row, key, Verdict::Create, Vec::new(), Some(join)).warned(warning)
    });
    tell(&mut plans, gathering);
    if plans.iter().filter_map(|plan| plan.change).all(|join| repeated.contains(&join)) {
        plans.iter_mut().for_each(|plan| plan.change = None);
    }
    plans
}

/// Says in the rows what they make of the roll call.
fn tell(plans: &mut [RowPlan<Join>], gathering: &Gathering) {
    let mut of: BTreeMap<EnrollmentId, (Vec<Join>, Vec<&mut RowPlan<Join>>)> = BTreeMap::new();
    for plan in plans {
        if let Some(join) = plan.change.filter(|_| plan.report.verdict == Verdict::Create) {
            let (joins, rows) = of.entry(join.enrollment_id).or_default();
            joins.push(join);
            rows.push(plan);
        }
    }
    for attendee in &gathering.attendees {
        let Some((joins, mut rows)) = of.remove(&attendee.enrollment_id) else { continue };
        match (gathering.found(attendee, &joins), rows.as_mut_slice()) {
            (Found::Called { before, minutes }, [first, ..]) => {
                first.report.what.push(RowChange::new("minutes", before, Some(minutes)));
            }
            (Found::Kept { minutes }, [first, ..]) => {
                let detail = format!("was called otherwise, and stays so; the evidence comes to {minutes} minutes");
                first.report.reasons.push(Reason::new(None, "called_otherwise", detail));
            }
            (Found::TooMany, rows) => {
                for row in rows {
                    row.refuse(Reason::of("name", "too_many", "joined and left more often than a roll call keeps"));
                }
            }
            (_, []) => {}
        }
    }
}

impl Row {
    fn called(&self) -> &str {
        self.employee_number.as_deref().or(self.email.as_deref()).unwrap_or_default()
    }
}

/// Whom a row is about.
enum Named<'a> {
    Attendee(&'a Attendee),
    Instructor,
    Unclear(Reason),
}

/// By the employee number if there is one, else by the e-mail address, else by the name.
fn named<'a>(row: &Row, gathering: &'a Gathering) -> Named<'a> {
    let who = |is: &dyn Fn(&Attendee) -> bool| gathering.attendees.iter().filter(|one| is(one)).collect::<Vec<&Attendee>>();
    let stranger = |column: &str, text: &str| {
        let detail = format!("nobody who is called in the session is `{text}`; correct it, or leave the row out");
        Named::Unclear(Reason::of(column, "not_expected", detail))
    };
    if let Some(number) = &row.employee_number {
        let number = number.trim();
        return match who(&|one| one.employee_numbers.iter().any(|own| own.as_str() == number)).as_slice() {
            [only] => Named::Attendee(only),
            [] => stranger("employee_number", number),
            several => ambiguous("employee_number", several),
        };
    }
    if let Some(email) = &row.email
        && let [only] = who(&|one| one.email.as_ref().is_some_and(|own| own.as_str().eq_ignore_ascii_case(email.trim()))).as_slice()
    {
        return Named::Attendee(only);
    }
    let Some(name) = &row.name else {
        return stranger("email", row.called());
    };
    let is_called = |own: &str| folded(own) == folded(name);
    match who(&|one| is_called(one.name.as_str()) || one.latin_name.as_ref().is_some_and(|own| is_called(own.as_str()))).as_slice() {
        [only] => Named::Attendee(only),
        [] if gathering.instructors.iter().any(|own| is_called(own.as_str())) => Named::Instructor,
        [] => stranger("name", name),
        several => ambiguous("name", several),
    }
}

fn ambiguous<'a>(column: &str, several: &[&Attendee]) -> Named<'a> {
    let units = listed(several.iter().map(|one| one.unit.as_str()));
    let detail = format!("several who are called in the session are called so ({units}); write the employee number beside it");
    Named::Unclear(Reason::of(column, "ambiguous", detail))
}

/// A name as people type it into a meeting: without spaces, letters small, and without what they add in brackets.
fn folded(name: &str) -> String {
    let bare = name.split(['(', '（']).next().unwrap_or(name);
    bare.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_meeting_providers_write_them() {
        let zone: Zone = "Asia/Shanghai".parse().unwrap();
        let at = second("2020-06-01T09:00:12+08:00", zone).unwrap();
        for text in [
            "2020-06-01 09:00:12",
            "2020-06-01 09:00:12.734",
            "2020/6/1 9:00:12",
            "2020年6月1日 09:00:12",
            "06/01/2020 09:00:12 AM",
            "6/1/2020, 9:00:12 AM",
            "2020-06-01T01:00:12Z",
        ] {
            assert_eq!(second(text, zone).unwrap(), at, "{text}");
        }
        assert_eq!(second("2020/6/1 9:00", zone).unwrap(), second("2020-06-01 09:00:00", zone).unwrap());
        for text in ["09:00:12", "01.06.2020 09:00", "13/01/2020 09:00:12 AM", "1020-06-01 09:00:12", "soon"] {
            assert_eq!(second(text, zone).unwrap_err().code, "time_malformed", "{text}");
        }
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        assert_eq!(second("2020-10-25 02:30:00", berlin).unwrap_err().code, "local_time_ambiguous");
    }

    #[test]
    fn a_name_is_the_same_however_it_is_typed() {
        for typed in ["Zhang Wei", "zhangwei", "ZHANG WEI (炼铁厂)", "Zhang Wei（手机）"] {
            assert_eq!(folded(typed), "zhangwei");
        }
        assert_ne!(folded("张伟"), folded("张炜"));
    }
}
