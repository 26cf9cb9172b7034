use csv::{Terminator, WriterBuilder};
use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::TabularError;

/// Rows measured for the widths of the columns; the rest is seldom wider.
const MEASURED_ROWS: usize = 200;
const MIN_WIDTH: usize = 8;
const MAX_WIDTH: usize = 60;

/// Writes a table as CSV in UTF-8 with a byte-order mark, without which Excel takes it for another encoding.
///
/// A cell that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, one of their full-width
/// forms, a tab or a carriage return) gets an apostrophe in front, as OWASP advises against CSV injection; [`super::read`] takes it off again.
#[expect(clippy::expect_used, reason = "writing to memory cannot fail, and half a table must not pass for a whole one")]
pub fn write_csv(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = WriterBuilder::new().flexible(true).terminator(Terminator::CRLF).from_writer("\u{FEFF}".as_bytes().to_vec());
    let written = "memory takes every record";
    let names = header.iter().map(|&name| neutralized(name.to_owned()));
    writer.write_record(names.map(String::into_bytes)).expect(written);
    for row in rows {
        let cells = row.into_iter().map(neutralized);
        writer.write_record(cells.map(String::into_bytes)).expect(written);
    }
    writer.into_inner().expect(written)
}

fn neutralized(cell: String) -> String {
    if looks_like_formula(cell.trim_start_matches('\'')) { format!("'{cell}") } else { cell }
}

/// The text of a cell before `write_csv` put an apostrophe in front of it.
pub(super) fn restored(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if looks_like_formula(rest.trim_start_matches('\'')) => rest,
        _ => cell,
    }
}

fn looks_like_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}'])
}

/// Writes a table as an XLSX workbook of one sheet.
///
/// Every cell is a text, so an id keeps its leading zeros and nothing becomes a formula, a date or a rounded number.
/// The columns are in the text format too, for what is typed below. The header is bold and stays in view.
///
/// # Errors
///
/// `workbook_unwritable` if the name or the cells do not fit a workbook: 31 characters and none of `[]:*?/\` in the
/// name, 32,767 characters in a cell, 16,384 columns, 1,048,576 rows.
pub fn write_xlsx(sheet_name: &str, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>, TabularError> {
    workbook(sheet_name, header, rows).map_err(|error| TabularError::WorkbookUnwritable { detail: error.to_string() })
}

fn workbook(sheet_name: &str, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>, XlsxError> {
    let text = Format::new().set_num_format("@");
    let bold = Format::new().set_num_format("@").set_bold();
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name(sheet_name)?;
    sheet.set_freeze_panes(1, 0)?;
    let mut widths: Vec<usize> = Vec::new();
    for (column, name) in (0_u16..).zip(header) {
        sheet.write_string_with_format(0, column, *name, &bold)?;
        widths.push(width(name));
    }
    for (number, row) in (1_u32..).zip(rows) {
        if widths.len() < row.len() {
            widths.resize(row.len(), 0);
        }
        for ((column, cell), widest) in (0_u16..).zip(&row).zip(&mut widths) {
            sheet.write_string_with_format(number, column, cell, &text)?;
            if number as usize <= MEASURED_ROWS {
                *widest = width(cell).max(*widest);
            }
        }
    }
    for (column, width) in (0_u16..).zip(widths) {
        sheet.set_column_format(column, &text)?;
        // Two more leave room for the bold of the header and the edge of the cell.
        let width = (width + 2).clamp(MIN_WIDTH, MAX_WIDTH) as u32;
        sheet.set_column_width(column, f64::from(width))?;
    }
    workbook.save_to_buffer()
}

/// How wide the longest line of a cell is shown, in digits. East Asian characters are two digits wide.
fn width(text: &str) -> usize {
    let char_width = |char: char| match char {
        '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}' => 2,
        '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}' => 2,
        '\u{FFE0}'..='\u{FFE6}' | '\u{1F300}'..='\u{1FAFF}' | '\u{20000}'..='\u{3FFFD}' => 2,
        _ => 1,
    };
    let line_width = |line: &str| line.chars().map(char_width).sum();
    text.lines().map(line_width).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tabular::{Limits, Table, read};
    use proptest::prelude::*;

    fn owned(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|&cell| cell.to_owned()).collect()
    }

    fn reread(bytes: &[u8]) -> Table {
        read(bytes, &Limits::default()).unwrap()
    }

    fn rows(table: Table) -> Vec<Vec<String>> {
        table.rows.into_iter().map(|row| row.cells).collect()
    }

    #[test]
    fn csv_is_marked_quoted_and_harmless() {
        let rows = [owned(&["007", "张,三", "=1+1"]), owned(&["", "a\"b\nc", "-5"]), owned(&["＝1", "＋1", "＠a"])];
        let bytes = write_csv(&["id", "name", "@note"], rows.into_iter());
        let written = "\u{FEFF}id,name,'@note\r\n007,\"张,三\",'=1+1\r\n,\"a\"\"b\nc\",'-5\r\n'＝1,'＋1,'＠a\r\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), written);
    }

    #[test]
    fn workbooks_keep_texts_as_they_are() {
        let wide = ["  x", "_x0041_", "TRUE", "2024-01-05", "1e5", "'=x", "a\nb"];
        let cells = owned(&["00712", "=1+1", "110101199001011234", "张喆"]);
        let bytes = write_xlsx("名单", &["id"], [cells.clone(), owned(&wide)].into_iter()).unwrap();
        let table = reread(&bytes);
        assert_eq!(table.header.cells, ["id"]);
        let read = rows(table);
        assert_eq!(read[0], cells);
        assert_eq!(read[1][0], "x");
        assert_eq!(read[1][1..], wide[1..]);
    }

    #[test]
    fn what_does_not_fit_a_workbook_is_an_error() {
        let none = || std::iter::empty();
        let code = |result: Result<Vec<u8>, TabularError>| result.unwrap_err().code();
        assert_eq!(code(write_xlsx("a/b", &["id"], none())), "workbook_unwritable");
        assert_eq!(code(write_xlsx(&"x".repeat(32), &["id"], none())), "workbook_unwritable");
        let long = std::iter::once(vec!["x".repeat(40_000)]);
        assert_eq!(code(write_xlsx("a", &["id"], long)), "workbook_unwritable");
    }

    #[test]
    fn widths_count_wide_characters_twice() {
        assert_eq!(width("姓名ab"), 6);
        assert_eq!(width("a\n中文\nbc"), 4);
        assert_eq!(width(""), 0);
    }

    /// Cells as the reader leaves them: trimmed and without control characters.
    fn cell() -> impl Strategy<Value = String> {
        "[a-zA-Z0-9 ,;\"'=+@一-龥，。\n_-]{0,8}".prop_map(|text| text.trim().to_owned())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_written_is_read_back(
            written in proptest::collection::vec(proptest::collection::vec(cell(), 1..5), 0..6),
        ) {
            let header = ["a", "b", "c", "d", "e"];
            let expected: Vec<Vec<String>> = written
                .iter()
                .map(|row| {
                    let used = row.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
                    row[..used].to_vec()
                })
                .filter(|row| !row.is_empty())
                .collect();
            let csv = write_csv(&header, written.clone().into_iter());
            prop_assert_eq!(rows(reread(&csv)), expected.clone());
            let xlsx = write_xlsx("s", &header, written.into_iter()).unwrap();
            prop_assert_eq!(rows(reread(&xlsx)), expected);
        }

        #[test]
        fn no_bytes_stop_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, &Limits::default());
            let zipped: Vec<u8> = b"PK\x03\x04".iter().copied().chain(bytes).collect();
            let _ = read(&zipped, &Limits::default());
        }
    }
}
