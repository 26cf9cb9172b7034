//! Organizations and their units.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    Directory, Reason, RowChange, RowPlan, Sheet, Verdict,
    columns::{CellFault, Cells, Entries, Entry, planned},
    identity::differing,
};
use crate::{
    error::Error,
    organizations::{Organization, OrganizationId, OrganizationKind, OrganizationPatch},
    tabular::{Field, Table},
    text::{Code, Name},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imports) enum Column {
    Code,
    Name,
    LatinName,
    Kind,
    Parent,
}

pub(in crate::imports) const COLUMNS: &[Field<Column>] = {
    use Column as C;
    &[
        Field { key: C::Code, name: "code", aliases: &["代码", "编码", "单位代码", "编号"], required: true },
        Field { key: C::Name, name: "name", aliases: &["名称", "单位名称", "单位"], required: true },
        Field { key: C::LatinName, name: "latin_name", aliases: &["英文名", "英文名称", "拼音", "english name"], required: false },
        Field { key: C::Kind, name: "kind", aliases: &["类型", "类别", "单位类型", "type"], required: true },
        Field { key: C::Parent, name: "parent", aliases: &["上级", "上级单位", "上级代码", "parent code"], required: false },
    ]
};

/// What Chinese files call the kinds.
const KINDS: &[(&str, OrganizationKind)] = {
    use OrganizationKind as K;
    &[
        ("大学", K::University),
        ("高校", K::University),
        ("企业", K::Enterprise),
        ("公司", K::Enterprise),
        ("政府", K::GovernmentBody),
        ("政府部门", K::GovernmentBody),
        ("学院", K::College),
        ("高职院校", K::College),
        ("协会", K::Association),
        ("教育集团", K::EducationGroup),
        ("部门", K::Unit),
        ("二级单位", K::Unit),
        ("下属单位", K::Unit),
    ]
};

/// One row, as it was read.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Row {
    code: Code,
    name: Name,
    latin_name: Option<Name>,
    kind: OrganizationKind,
    parent: Option<Code>,
}

/// What is written for a row. An organization is created after the one it belongs to.
#[derive(Clone, Debug)]
pub(in crate::imports) enum Change {
    Create { code: Code, name: Name, latin_name: Option<Name>, kind: OrganizationKind, parent: Option<Code> },
    Update { stored: Box<Organization>, patch: OrganizationPatch },
}

/// The names of an organization as an import found them, to be restored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::imports) struct OrganizationBefore {
    name: Name,
    latin_name: Option<Name>,
}

impl OrganizationBefore {
    pub(in crate::imports) fn of(stored: &Organization) -> Self {
        Self { name: stored.name.clone(), latin_name: stored.latin_name.clone() }
    }

    pub(in crate::imports) fn restoring(self) -> OrganizationPatch {
        OrganizationPatch { code: None, name: Some(self.name), latin_name: Some(self.latin_name) }
    }
}

pub(in crate::imports) fn read(table: &Table) -> Result<(Entries<Row>, Vec<String>), Error> {
    let sheet = Sheet::of(table, COLUMNS)?;
    Ok((sheet.rows(Column::Code, read_row), sheet.unknown()))
}

fn read_row(cells: &mut Cells<'_, Column>) -> Option<Row> {
    let code = cells.required(Column::Code);
    let name = cells.required(Column::Name);
    let latin_name = cells.optional(Column::LatinName);
    let kind = cells.read_required(Column::Kind, read_kind);
    let parent = cells.optional::<Code>(Column::Parent);
    match kind {
        Some(OrganizationKind::Unit) if parent.is_none() && cells.text(Column::Parent).is_none() => {
            cells.refuse(Column::Parent, CellFault::new("parent_missing", "a unit needs the organization it belongs to"));
        }
        Some(kind) if kind != OrganizationKind::Unit && parent.is_some() => {
            cells.refuse(Column::Parent, CellFault::new("parent_not_allowed", "only a unit belongs to another organization"));
        }
        _ => {}
    }
    Some(Row { code: code?, name: name?, latin_name, kind: kind?, parent })
}

fn read_kind(text: &str) -> Result<OrganizationKind, CellFault> {
    let plain = text.to_lowercase().replace([' ', '-'], "_");
    let known = KINDS.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind);
    known.or_else(|| plain.parse().ok()).ok_or_else(|| {
        let kinds: Vec<&str> = OrganizationKind::ALL.iter().map(|kind| kind.as_str()).collect();
        CellFault::new("unknown_value", format!("`{text}` is none of: {}", kinds.join(", ")))
    })
}

/// What becomes of each row.
pub(in crate::imports) fn plan(entries: Entries<Row>, directory: &Directory) -> Vec<RowPlan<Change>> {
    let founded = founded(&entries, directory);
    let mut seen: HashMap<Code, u32> = HashMap::new();
    planned(entries, |entry| {
        if let Some(first) = seen.get(&entry.value.code) {
            let reason = Reason::of("code", "duplicate_in_file", format!("row {first} has the same code"));
            return RowPlan::at_fault(entry.row, &entry.key, Verdict::DuplicateInFile, reason);
        }
        seen.insert(entry.value.code.clone(), entry.row);
        match directory.by_code(entry.value.code.as_str()) {
            Some(stored) => compare(&entry, stored, directory),
            None => create(entry, &founded),
        }
    })
}

fn create(entry: Entry<Row>, founded: &HashSet<Code>) -> RowPlan<Change> {
    let Entry { row, key, value: Row { code, name, latin_name, kind, parent } } = entry;
    if let Some(parent) = parent.as_ref().filter(|_| !founded.contains(&code)) {
        let detail = format!("`{parent}` is neither a known organization nor one that this file creates, or it lies below this very row");
        return RowPlan::at_fault(row, &key, Verdict::Invalid, Reason::of("parent", "unknown_organization", detail));
    }
    RowPlan::of(row, &key, Verdict::Create, Vec::new(), Some(Change::Create { code, name, latin_name, kind, parent }))
}

fn compare(entry: &Entry<Row>, stored: &Organization, directory: &Directory) -> RowPlan<Change> {
    let Entry { row, key, value } = entry;
    let parent = stored.parent_id.and_then(|parent| directory.by_id(parent)).map(|parent| &parent.code);
    if value.kind != stored.kind || value.parent.as_ref() != parent {
        let place = parent.map(|parent| format!(" of {parent}")).unwrap_or_default();
        let detail = format!("{} is a {}{place}; kind and place are fixed", stored.code, stored.kind);
        return RowPlan::at_fault(*row, key, Verdict::Invalid, Reason::of("kind", "organization_place_fixed", detail));
    }
    let mut what = Vec::new();
    let mut patch = OrganizationPatch::default();
    if value.name != stored.name {
        what.push(RowChange::new("name", Some(&stored.name), Some(&value.name)));
        patch.name = Some(value.name.clone());
    }
    if let Some(latin) = differing(value.latin_name.as_ref(), stored.latin_name.as_ref()) {
        what.push(RowChange::new("latin_name", stored.latin_name.as_ref(), Some(latin)));
        patch.latin_name = Some(Some(latin.clone()));
    }
    if what.is_empty() {
        return RowPlan::of(*row, key, Verdict::Unchanged, what, None);
    }
    RowPlan::of(*row, key, Verdict::Update, what, Some(Change::Update { stored: Box::new(stored.clone()), patch }))
}

/// The codes of the rows whose line of parents ends at an organization that is known or has none.
fn founded(entries: &Entries<Row>, directory: &Directory) -> HashSet<Code> {
    let mut below: HashMap<&Code, Vec<&Code>> = HashMap::new();
    let mut next: Vec<&Code> = Vec::new();
    for row in entries.iter().flatten().map(|entry| &entry.value) {
        match &row.parent {
            Some(parent) if directory.by_code(parent.as_str()).is_none() => below.entry(parent).or_default().push(&row.code),
            _ => next.push(&row.code),
        }
    }
    let mut founded = HashSet::new();
    while let Some(code) = next.pop() {
        if founded.insert(code.clone()) {
            next.extend(below.remove(code).unwrap_or_default());
        }
    }
    founded
}

/// The changes in an order in which every parent is there before its units; that of the file where it is such.
pub(in crate::imports) fn parents_first(changes: Vec<Change>, known: &HashMap<Code, OrganizationId>) -> Vec<Change> {
    let mut waiting: HashMap<Code, Vec<Change>> = HashMap::new();
    let mut there: HashSet<Code> = known.keys().cloned().collect();
    let mut ordered = Vec::with_capacity(changes.len());
    for change in changes {
        match &change {
            Change::Create { parent: Some(parent), .. } if !there.contains(parent) => {
                waiting.entry(parent.clone()).or_default().push(change);
                continue;
            }
            Change::Create { .. } | Change::Update { .. } => {}
        }
        let mut next = vec![change];
        while let Some(change) = next.pop() {
            if let Change::Create { code, .. } = &change {
                there.insert(code.clone());
                next.extend(waiting.remove(code).unwrap_or_default().into_iter().rev());
            }
            ordered.push(change);
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{imports::model::RowReport, tabular};

    fn plans(rows: &str) -> Vec<RowPlan<Change>> {
        let table = tabular::read(format!("代码,名称,类型,上级\n{rows}").as_bytes(), &tabular::Limits::default()).unwrap();
        plan(read(&table).unwrap().0, &Directory::of(Vec::new()))
    }

    fn order(plans: Vec<RowPlan<Change>>) -> Vec<String> {
        let changes = plans.into_iter().filter_map(|plan| plan.change).collect();
        let code = |change: Change| match change {
            Change::Create { code, .. } => code.to_string(),
            Change::Update { stored, .. } => stored.code.to_string(),
        };
        parents_first(changes, &HashMap::new()).into_iter().map(code).collect()
    }

    #[test]
    fn parents_come_first_and_else_the_order_is_the_files() {
        assert_eq!(order(plans("A,集团,企业,\nA1,厂,部门,A\nB,学校,大学,\nA2,厂,部门,A")), ["A", "A1", "B", "A2"]);
        assert_eq!(order(plans("A11,车间,unit,A1\nA2,厂,unit,A\nA1,厂,unit,A\nA,集团,企业,\nB,学校,大学,")), ["A", "A2", "A1", "A11", "B"]);
    }

    #[test]
    fn a_ring_and_what_hangs_on_it_belong_nowhere() {
        let reports: Vec<RowReport> =
            plans("A,环,unit,B\nB,环,unit,A\nC,下,unit,B\nD,学校,college,").into_iter().map(|plan| plan.report).collect();
        let verdicts: Vec<Verdict> = reports.iter().map(|report| report.verdict).collect();
        assert_eq!(verdicts, [Verdict::Invalid, Verdict::Invalid, Verdict::Invalid, Verdict::Create]);
        assert!(reports.iter().take(3).all(|report| report.reasons[0].code == "unknown_organization"));
    }
}
