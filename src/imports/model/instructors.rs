//! The instructors of a provider.

use std::collections::HashMap;

use super::{
    Directory, Reason, Registered, RowPlan, Sheet, Verdict,
    columns::{Cells, Entries, planned},
    identity::{Amended, Recognized, Said, recognize},
};
use crate::{
    error::Error,
    organizations::{Organization, OrganizationId},
    people::PersonKind,
    tabular::{Field, Table},
    text::Code,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imports) enum Column {
    Name,
    LatinName,
    EmployeeNumber,
    Organization,
    Title,
    Phone,
    Email,
}

pub(in crate::imports) const COLUMNS: &[Field<Column>] = {
    use Column as C;
    &[
        Field { key: C::Name, name: "name", aliases: &["姓名", "教师姓名", "full name", "instructor"], required: true },
        Field { key: C::LatinName, name: "latin_name", aliases: &["拼音", "姓名拼音", "英文名", "pinyin"], required: false },
        Field {
            key: C::EmployeeNumber,
            name: "employee_number",
            aliases: &["工号", "职工号", "教工号", "员工编号", "employee no", "employee id", "staff number"],
            required: true,
        },
        Field {
            key: C::Organization,
            name: "organization",
            aliases: &["单位", "所在单位", "学院", "部门", "unit", "department", "organisation"],
            required: false,
        },
        Field { key: C::Title, name: "title", aliases: &["职称", "职务", "post", "rank"], required: false },
        Field {
            key: C::Phone,
            name: "phone",
            aliases: &["手机", "手机号", "手机号码", "电话", "联系电话", "mobile", "telephone"],
            required: false,
        },
        Field { key: C::Email, name: "email", aliases: &["邮箱", "电子邮箱", "电子邮件", "e-mail", "mail"], required: false },
    ]
};

/// What is written for a row.
#[derive(Clone, Debug)]
pub(in crate::imports) enum Change {
    Record(Box<Said>),
    Amend(Box<Amended>),
}

/// Reads the cells of every row. A row that names no organization is about the provider's own people.
pub(in crate::imports) fn read(
    table: &Table,
    directory: &Directory,
    provider: &Organization,
) -> Result<(Entries<Said>, Vec<String>), Error> {
    let sheet = Sheet::of(table, COLUMNS)?;
    Ok((sheet.rows(Column::EmployeeNumber, |cells| read_row(cells, directory, provider)), sheet.unknown()))
}

fn read_row(cells: &mut Cells<'_, Column>, directory: &Directory, provider: &Organization) -> Option<Said> {
    let name = cells.required(Column::Name);
    let latin_name = cells.optional(Column::LatinName);
    let employee_number = cells.required(Column::EmployeeNumber);
    let named = cells.read(Column::Organization, |text| directory.named(text).map(|one| (one.id, one.root_id)));
    let (unit, organization) = named.unwrap_or((provider.id, provider.root_id));
    let title = cells.optional(Column::Title);
    let phone = cells.optional(Column::Phone);
    let email = cells.optional(Column::Email);
    Some(Said { name: name?, latin_name, employee_number: employee_number?, organization, unit, title, phone, email })
}

/// What becomes of each row.
pub(in crate::imports) fn plan(entries: Entries<Said>, directory: &Directory, registered: &Registered) -> Vec<RowPlan<Change>> {
    let mut seen: HashMap<(OrganizationId, Code), u32> = HashMap::new();
    let mut posts = HashMap::new();
    planned(entries, |entry| {
        let (row, key, said) = (entry.row, entry.key, entry.value);
        if let Some(first) = seen.get(&said.key()) {
            let detail = format!("row {first} has the same organization and employee number");
            let reason = Reason::of("employee_number", "duplicate_in_file", detail);
            return RowPlan::at_fault(row, &key, Verdict::DuplicateInFile, reason);
        }
        seen.insert(said.key(), row);
        let recognized = recognize(&said, registered.get(&said.key()), PersonKind::Instructor, directory);
        if let Recognized::Same { id, .. } = &recognized
            && let Some(first) = posts.insert(*id, row)
        {
            let reason = Reason::of("employee_number", "duplicate_in_file", format!("row {first} is the same person"));
            return RowPlan::at_fault(row, &key, Verdict::DuplicateInFile, reason);
        }
        match recognized {
            Recognized::New => RowPlan::of(row, &key, Verdict::Create, Vec::new(), Some(Change::Record(Box::new(said)))),
            Recognized::Doubtful(verdict, reason) => RowPlan::at_fault(row, &key, verdict, reason),
            Recognized::Same { what, amendment: Some(amended), .. } => {
                RowPlan::of(row, &key, Verdict::Update, what, Some(Change::Amend(amended)))
            }
            Recognized::Same { what, amendment: None, .. } => RowPlan::of(row, &key, Verdict::Unchanged, what, None),
        }
    })
}
