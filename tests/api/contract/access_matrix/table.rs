//! What `access_matrix.md` says, and which operations the API document has.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use super::{super::source, stage::ROLES};

/// The table, by operation and role.
pub struct Table {
    /// The operations in their order, one for each row.
    pub operations: Vec<String>,
    statuses: BTreeMap<(String, String), String>,
    rows: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Table {
    pub fn read() -> Self {
        let text = fs::read_to_string(source::root().join("tests/api/contract/access_matrix.md")).unwrap();
        let mut table = Self { operations: Vec::new(), statuses: BTreeMap::new(), rows: BTreeMap::new() };
        let mut columns: Vec<&str> = Vec::new();
        for line in text.lines().filter(|line| line.starts_with('|') && !line.starts_with("|-")) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            if cells[0] == "operation" {
                columns = cells;
                assert!(columns[1..].iter().all(|role| ROLES.contains(role)), "{columns:?}");
                continue;
            }
            assert_eq!(cells.len(), columns.len(), "{line}");
            let operation = cells[0].to_owned();
            let first = columns[1] == "anonymous";
            if first {
                assert!(!table.operations.contains(&operation), "{operation} has two rows");
                table.operations.push(operation.clone());
            }
            for (role, cell) in columns.iter().zip(&cells).skip(1) {
                let key = (operation.clone(), (*role).to_owned());
                if first {
                    table.statuses.insert(key, (*cell).to_owned());
                } else if !cell.is_empty() {
                    table.rows.insert(key, names(cell));
                }
            }
        }
        table
    }

    /// The statuses of a cell: on an own object, on another's, on a missing one; or the one status there is.
    pub fn statuses(&self, operation: &str, role: &str) -> Vec<u16> {
        let key = (operation.to_owned(), role.to_owned());
        let cell = self.statuses.get(&key).unwrap_or_else(|| panic!("the table has no row {operation}"));
        cell.split('/').map(|status| status.parse().unwrap_or_else(|_| panic!("{operation} of {role} is `{cell}`"))).collect()
    }

    /// The rows of a list on the own object, by name.
    pub fn rows(&self, operation: &str, role: &str) -> Option<&BTreeSet<String>> {
        self.rows.get(&(operation.to_owned(), role.to_owned()))
    }

    /// The operations that have rows, and their roles.
    pub fn lists(&self) -> impl Iterator<Item = &(String, String)> {
        self.rows.keys()
    }
}

fn names(cell: &str) -> BTreeSet<String> {
    let own = || cell.split_whitespace().filter(|name| !["-", "+B"].contains(name));
    let of_both = cell.ends_with("+B");
    let others = own().filter(|name| of_both && *name != "none").map(|name| format!("B.{name}"));
    own().map(ToOwned::to_owned).chain(others).collect()
}

/// An operation of the API document.
#[derive(Clone, Debug)]
pub struct Operation {
    /// In upper case.
    pub method: String,
    pub path: String,
    /// Of a transition, as the path says them.
    pub verbs: Vec<String>,
}

/// Every operation of the API document by its id.
pub fn operations() -> BTreeMap<String, Operation> {
    let document = serde_json::to_value(muster::app::document()).unwrap();
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let transition = parameters.filter(|parameter| parameter["name"] == "transition");
            let verbs = transition.flat_map(|parameter| verbs(&document, &parameter["schema"])).collect();
            let id = operation["operationId"].as_str().unwrap().to_owned();
            operations.insert(id, Operation { method: method.to_uppercase(), path: path.clone(), verbs });
        }
    }
    operations
}

fn verbs(document: &Value, schema: &Value) -> Vec<String> {
    let pointer = schema["$ref"].as_str().unwrap().trim_start_matches('#');
    let verbs = document.pointer(pointer).unwrap()["enum"].as_array().unwrap();
    verbs.iter().map(|verb| verb.as_str().unwrap().to_owned()).collect()
}

/// The rows that the table has to have: one for each operation, and of a transition one for each verb.
pub fn expected_rows() -> BTreeSet<String> {
    let rows = |(id, operation): (String, Operation)| {
        if operation.verbs.is_empty() { vec![id] } else { operation.verbs.iter().map(|verb| format!("{id}:{verb}")).collect() }
    };
    operations().into_iter().flat_map(rows).collect()
}
