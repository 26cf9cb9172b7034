use super::Row;
use super::error::column_name;
use thiserror::Error;

/// One thing that a column of an import can hold.
#[derive(Debug, Clone, Copy)]
pub struct Field<F: 'static> {
    pub key: F,
    /// The name that templates and exports carry, in English.
    pub name: &'static str,
    /// Other names under which people send it, in English and Chinese.
    pub aliases: &'static [&'static str],
    /// Whether a file without this column is refused.
    pub required: bool,
}

/// Why a header does not fit. The columns are named as a spreadsheet shows them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ColumnProblem {
    #[error("The column \"{name}\" is missing.")]
    Missing { name: &'static str },
    #[error("The columns {} and {} both hold \"{name}\".", column_name(*first), column_name(*second))]
    Duplicate { name: &'static str, first: usize, second: usize },
    #[error("The column {} is headed \"{header}\", which is like \"{name}\": correct it, or call it otherwise.", column_name(*column))]
    Misspelled { name: &'static str, column: usize, header: String },
}

impl ColumnProblem {
    /// The stable name of the problem, in snake case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "column_missing",
            Self::Duplicate { .. } => "column_duplicate",
            Self::Misspelled { .. } => "column_misspelled",
        }
    }

    /// The field that it is about.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing { name } | Self::Duplicate { name, .. } | Self::Misspelled { name, .. } => name,
        }
    }
}

/// Which column holds which field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping<F> {
    columns: Vec<(F, usize)>,
    unknown: Vec<String>,
}

/// Finds the column of each field by the names in the header.
///
/// # Errors
///
/// All fields that are required and missing or that occur twice, in the order of the fields, and then the headers that are
/// misspelled ones of a field without a column, before any cell is looked at: who fixes a file wants to fix it once.
pub fn map_columns<F: Copy + Eq + 'static>(header: &Row, fields: &[Field<F>]) -> Result<Mapping<F>, Vec<ColumnProblem>> {
    let names: Vec<String> = header.cells.iter().map(|cell| normalized(cell)).collect();
    let mut problems = Vec::new();
    let mut columns = Vec::new();
    let mut without = Vec::new();
    for field in fields {
        let accepted: Vec<String> = std::iter::once(&field.name).chain(field.aliases).map(|name| normalized(name)).collect();
        let mut found = (0..names.len()).filter(|column| names.get(*column).is_some_and(|name| accepted.contains(name)));
        match (found.next(), found.next()) {
            (Some(first), Some(second)) => problems.push(ColumnProblem::Duplicate { name: field.name, first, second }),
            (Some(column), None) => columns.push((field.key, column)),
            (None, _) => {
                if field.required {
                    problems.push(ColumnProblem::Missing { name: field.name });
                }
                without.push((field, accepted));
            }
        }
    }
    let is_mapped = |column: &usize| columns.iter().any(|(_, mapped)| mapped == column);
    let headed = header.cells.iter().enumerate().zip(&names).filter(|((column, cell), _)| !cell.is_empty() && !is_mapped(column));
    let mut unknown = Vec::new();
    for ((column, cell), name) in headed {
        match without.iter().find(|(_, accepted)| accepted.iter().any(|known| is_like(name, known))) {
            Some((field, _)) => problems.push(ColumnProblem::Misspelled { name: field.name, column, header: cell.clone() }),
            None => unknown.push(cell.clone()),
        }
    }
    if problems.is_empty() { Ok(Mapping { columns, unknown }) } else { Err(problems) }
}

/// Whether a header may be meant for a known one. English names are alike by their letters: one wrong, from 9 letters on two; in a short
/// one a wrong letter makes another word (`cost` is not `post`), so that only their order may be. A Chinese name is like a longer one that
/// holds it: `考核方式` may be no mode of a session, but who is asked once renames a column, and what is passed over nobody misses in time.
fn is_like(header: &str, known: &str) -> bool {
    if !known.is_ascii() {
        return header.contains(known);
    }
    let header: Vec<char> = header.chars().collect();
    let known: Vec<char> = known.chars().collect();
    match header.len().min(known.len()) {
        0..=2 => false,
        3..=4 => is_within(1, &header, &known) && sorted(&header) == sorted(&known),
        5..=8 => is_within(1, &header, &known),
        _ => is_within(2, &header, &known),
    }
}

fn sorted(letters: &[char]) -> Vec<char> {
    let mut sorted = letters.to_vec();
    sorted.sort_unstable();
    sorted
}

/// Whether so many letters added, left out, replaced or exchanged with their neighbor make one text of the other.
fn is_within(edits: usize, left: &[char], right: &[char]) -> bool {
    match (left, right) {
        (rest, []) | ([], rest) => rest.len() <= edits,
        ([a, left @ ..], [b, right @ ..]) if a == b => is_within(edits, left, right),
        _ if edits == 0 => false,
        ([a, b, left @ ..], [c, d, right @ ..]) if a == d && b == c && is_within(edits - 1, left, right) => true,
        ([_, left_rest @ ..], [_, right_rest @ ..]) => {
            is_within(edits - 1, left_rest, right_rest) || is_within(edits - 1, left_rest, right) || is_within(edits - 1, left, right_rest)
        }
    }
}

impl<F: Copy + Eq + 'static> Mapping<F> {
    /// The text of a field in a row; nothing if the cell is empty or the file has no such column.
    pub fn cell<'a>(&self, row: &'a Row, field: F) -> Option<&'a str> {
        let cell = row.cells.get(self.column(field)?)?;
        Some(cell.as_str()).filter(|cell| !cell.is_empty())
    }

    /// The place of a field among the columns, from 0; nothing if the file has no such column.
    pub fn column(&self, field: F) -> Option<usize> {
        let found = self.columns.iter().find(|(key, _)| *key == field);
        found.map(|(_, column)| *column)
    }

    /// The columns that hold no known field. They are not an error, but worth telling.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }
}

/// A column's name as it is compared: without case, width, white space, `_`, `-`, `*` and what follows in
/// parentheses, so that `Student ID*` is `student_id` and `姓名（必填）` is `姓名`.
fn normalized(name: &str) -> String {
    let narrow: String = name.chars().map(narrow).collect();
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|char| !char.is_whitespace() && !matches!(char, '_' | '-' | '*' | '\u{FEFF}'))
            .flat_map(char::to_lowercase)
            .collect()
    };
    let before = plain(narrow.split('(').next().unwrap_or_default());
    if before.is_empty() { plain(&narrow) } else { before }
}

/// The half-width form of a full-width character of ASCII. Compatibility forms beyond these do not occur in names
/// of columns, so the tables of Unicode normalization are not asked.
fn narrow(char: char) -> char {
    match char {
        '\u{3000}' => ' ',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(char) - 0xFEE0).unwrap_or(char),
        _ => char,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Key {
        Id,
        Name,
        Phone,
    }

    const FIELDS: [Field<Key>; 3] = [
        Field { key: Key::Id, name: "Student ID", aliases: &["学号", "no"], required: true },
        Field { key: Key::Name, name: "Name", aliases: &["姓名", "full name"], required: true },
        Field { key: Key::Phone, name: "Phone", aliases: &["电话", "手机"], required: false },
    ];

    fn row(cells: &[&str]) -> Row {
        Row { number: 1, cells: cells.iter().map(|&cell| cell.to_owned()).collect() }
    }

    #[test]
    fn names_are_compared_without_dress() {
        for (left, right) in [
            ("Student ID*", "student_id"),
            ("ＳＴＵＤＥＮＴ－ＩＤ", "student id"),
            ("姓名（必填）", "姓名"),
            ("* 姓　名 (required)", "姓名"),
            ("\u{FEFF}Name", "NAME"),
            ("(notes)", "( Notes )"),
        ] {
            assert_eq!(normalized(left), normalized(right), "{left} {right}");
        }
        assert_ne!(normalized("(a)"), normalized("(b)"));
    }

    #[test]
    fn cells_are_found_by_field() {
        let header = row(&["备注", "FULL_NAME", "", "学号*"]);
        let mapping = map_columns(&header, &FIELDS).unwrap();
        let first = row(&["x", "张三", "", "007"]);
        assert_eq!(mapping.cell(&first, Key::Id), Some("007"));
        assert_eq!(mapping.cell(&first, Key::Name), Some("张三"));
        assert_eq!(mapping.cell(&first, Key::Phone), None);
        assert_eq!(mapping.cell(&row(&["x", ""]), Key::Name), None);
        assert_eq!(mapping.cell(&row(&["x"]), Key::Id), None);
        assert_eq!(mapping.column(Key::Id), Some(3));
        assert_eq!(mapping.column(Key::Phone), None);
        assert_eq!(mapping.unknown(), ["备注"]);
    }

    fn one(name: &'static str, aliases: &'static [&'static str]) -> [Field<Key>; 1] {
        [Field { key: Key::Id, name, aliases, required: false }]
    }

    #[test]
    fn a_header_that_is_like_a_known_one_is_a_problem() {
        let fields = one("place", &["mode", "module", "employee_number", "from", "地点"]);
        for near in [
            "plcae",
            "Palce*",
            "places",
            "plave",
            "modul",
            "empolyee_number",
            "employe number",
            "empolyee_nubmer",
            "form",
            "备用地点（可选）",
        ] {
            let problems = map_columns(&row(&["x", near]), &fields).unwrap_err();
            assert_eq!(problems, [ColumnProblem::Misspelled { name: "place", column: 1, header: near.to_owned() }], "{near}");
        }
        // What has a column of its own is not meant by another.
        assert_eq!(map_columns(&row(&["place", "places", "上课地点"]), &fields).unwrap().unknown(), ["places", "上课地点"]);
    }

    #[test]
    fn an_ordinary_name_of_another_column_is_no_problem() {
        for (known, far) in [
            (&["rank"], "bank"),
            (&["post"], "cost"),
            (&["room"], "zoom"),
            (&["mobile"], "module"),
            (&["mode"], "note"),
            (&["mode"], "modes"),
            (&["place"], "phase"),
            (&["no"], "on"),
            (&["地点"], "备注"),
            (&["地点"], "地"),
        ] {
            let mapping = map_columns(&row(&[far]), &one("field", known)).unwrap();
            assert_eq!(mapping.unknown(), [far]);
        }
    }

    #[test]
    fn all_problems_come_at_once() {
        let problems = map_columns(&row(&["电话", "手机", "班级"]), &FIELDS).unwrap_err();
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["The column \"Student ID\" is missing.", "The column \"Name\" is missing.", "The columns A and B both hold \"Phone\".",]
        );
        let codes: Vec<&str> = problems.iter().map(ColumnProblem::code).collect();
        assert_eq!(codes, ["column_missing", "column_missing", "column_duplicate"]);
    }
}
