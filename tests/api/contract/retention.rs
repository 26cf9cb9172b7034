//! What the document says of every text that is kept.

use std::{collections::BTreeMap, fs};

use super::source;

/// The rows of the table in `docs/DOMAIN.md`, section 7: the columns of each table, each once and in their order.
fn told() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(source::root().join("docs/DOMAIN.md")).unwrap();
    let section = text.split("\n## 7. ").nth(1).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |")).skip(1);
    let row = |(table, columns): (&str, &str)| {
        let mut columns: Vec<String> = columns.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect();
        columns.sort();
        (table.to_owned(), columns)
    };
    rows.map(row).collect()
}

#[test]
fn of_every_column_of_text_is_said_whether_an_erasure_takes_it() {
    let texts = |table: source::Table| {
        let columns = table.columns.into_iter().filter(|(_, kind, _)| kind == "Text").map(|(name, ..)| name);
        (table.name, columns.collect::<Vec<_>>())
    };
    let schema: BTreeMap<_, _> = source::schema().into_iter().map(texts).filter(|(_, columns)| !columns.is_empty()).collect();
    assert!(schema.len() > 40, "{schema:?}");
    assert_eq!(told(), schema, "docs/DOMAIN.md, section 7 (left), and src/schema.rs");
}
