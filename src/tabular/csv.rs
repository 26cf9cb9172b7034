use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::TabularError;
use super::table::{Limits, Table, TableBuilder};
use super::write::restored;

/// Reads a delimited text.
///
/// `csv-core` is driven directly, with buffers of a fixed size: the reader of the `csv` crate grows its buffers
/// until a record ends, and a text of nothing but commas makes that eight bytes for each.
pub(super) fn read(text: &str, limits: &Limits) -> Result<Table, TabularError> {
    let mut builder = TableBuilder::new(limits);
    let mut records = Records::new(text, limits);
    while let Some((number, cells)) = records.next(&mut builder)? {
        refuse_shifted(number, &cells, builder.width())?;
        builder.push(number, cells)?;
    }
    builder.finish()
}

/// How much of a text is searched for its header line.
const HEADER_BYTES: usize = 64 << 10;

/// The character that separates the cells, judged by the header line. A full-width comma is part of a text.
fn delimiter(text: &str) -> u8 {
    let start = text.floor_char_boundary(HEADER_BYTES);
    let header = text
        .get(..start)
        .unwrap_or_default()
        .split(['\n', '\r'])
        .find(|line| line.contains(|char: char| !char.is_whitespace() && !",;\"".contains(char)))
        .unwrap_or_default();
    let mut quoted = false;
    let (mut commas, mut semicolons, mut tabs) = (0, 0, 0);
    for byte in header.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => commas += 1,
            b';' if !quoted => semicolons += 1,
            b'\t' if !quoted => tabs += 1,
            _ => {}
        }
    }
    if tabs > commas && tabs >= semicolons {
        b'\t'
    } else if semicolons > commas {
        b';'
    } else {
        b','
    }
}

/// Refuses a row with more cells than the header: a comma in a cell without quotes has moved its other cells to
/// the right, under names that are not theirs.
fn refuse_shifted(number: u32, cells: &[String], width: Option<usize>) -> Result<(), TabularError> {
    let Some(width) = width else { return Ok(()) };
    let used = cells.iter().rposition(|cell| !cell.is_empty());
    if used.is_some_and(|last| last >= width) {
        return Err(TabularError::CsvMalformed {
            row: number,
            detail: format!("it has more cells than the {width} of the header; a cell that contains the delimiter needs quotes"),
        });
    }
    Ok(())
}

/// The records of a text and their row numbers.
struct Records<'a> {
    reader: Reader,
    rest: &'a [u8],
    /// The number of the row last read.
    number: u32,
    /// Whether the last record ended in a carriage return, so that a line feed next belongs to it.
    after_return: bool,
    cell_chars: usize,
    output: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> Records<'a> {
    fn new(text: &'a str, limits: &Limits) -> Self {
        let columns = limits.columns as usize;
        // A character takes at most four bytes, so a record that does not fit has a cell that is too long.
        let longest = columns.saturating_mul(limits.cell_chars.saturating_mul(4));
        Self {
            reader: ReaderBuilder::new().delimiter(delimiter(text)).build(),
            rest: text.as_bytes(),
            number: 0,
            after_return: false,
            cell_chars: limits.cell_chars,
            output: vec![0; longest.min(text.len()).saturating_add(1)],
            // The reader asks for room after the last cell as well.
            ends: vec![0; columns.saturating_add(1)],
        }
    }

    fn next(&mut self, builder: &mut TableBuilder<'_>) -> Result<Option<(u32, Vec<String>)>, TabularError> {
        self.skip_blank_lines();
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        let (result, read, _, mut count) = self.reader.read_record(self.rest, &mut self.output, &mut self.ends);
        let consumed = self.rest.get(..read).unwrap_or_default();
        self.after_return = consumed.ends_with(b"\r");
        self.rest = self.rest.get(read..).unwrap_or_default();
        match result {
            ReadRecordResult::Record => {}
            ReadRecordResult::InputEmpty => count = self.end_of_text(count)?,
            ReadRecordResult::OutputEndsFull => return Err(self.too_many_columns()),
            ReadRecordResult::OutputFull => {
                return Err(TabularError::CellTooLong { row: self.number, column: count, limit: self.cell_chars });
            }
            ReadRecordResult::End => return Ok(None),
        }
        if count >= self.ends.len() {
            return Err(self.too_many_columns());
        }
        Ok(Some((self.number, self.cells(count, builder)?)))
    }

    /// Counts the blank lines that the reader would pass over in silence.
    fn skip_blank_lines(&mut self) {
        if self.after_return
            && let Some(rest) = self.rest.strip_prefix(b"\n")
        {
            self.rest = rest;
        }
        self.after_return = false;
        loop {
            self.rest = match self.rest {
                [b'\r', b'\n', rest @ ..] | [b'\r' | b'\n', rest @ ..] => rest,
                _ => return,
            };
            self.number = self.number.saturating_add(1);
        }
    }

    /// Ends a last record that has no line end, and returns how many cells it has. A quote that is still open
    /// swallows the line end given here, which is how it is found.
    fn end_of_text(&mut self, count: usize) -> Result<usize, TabularError> {
        let ends = self.ends.get_mut(count..).unwrap_or_default();
        match self.reader.read_record(b"\n", &mut [0; 8], ends) {
            (ReadRecordResult::Record, _, _, more) => Ok(count + more),
            (ReadRecordResult::OutputEndsFull, ..) => Err(self.too_many_columns()),
            _ => Err(TabularError::CsvMalformed { row: self.number, detail: "a quote is opened and never closed".to_owned() }),
        }
    }

    fn cells(&self, count: usize, builder: &mut TableBuilder<'_>) -> Result<Vec<String>, TabularError> {
        let mut cells = Vec::with_capacity(count);
        let mut start = 0;
        for (column, &end) in self.ends.iter().take(count).enumerate() {
            let bytes = self.output.get(start..end).unwrap_or_default();
            // Delimiters, quotes and line ends are ASCII, so what lies between them is whole characters.
            let text = std::str::from_utf8(bytes)
                .map_err(|_| TabularError::CsvMalformed { row: self.number, detail: "a character is cut in two".to_owned() })?;
            cells.push(builder.cell(restored(text), self.number, column)?);
            start = end;
        }
        Ok(cells)
    }

    fn too_many_columns(&self) -> TabularError {
        TabularError::TooManyColumns { row: self.number, limit: u32::try_from(self.ends.len().saturating_sub(1)).unwrap_or(u32::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        read(text, &Limits::default()).unwrap()
    }

    fn code(text: &str) -> &'static str {
        read(text, &Limits::default()).unwrap_err().code()
    }

    fn numbered(table: &Table) -> Vec<(u32, Vec<&str>)> {
        let row = |row: &'_ super::super::Row| row.number;
        table.rows.iter().map(|each| (row(each), each.cells.iter().map(String::as_str).collect())).collect()
    }

    #[test]
    fn cells_quotes_and_line_ends() {
        let expected = vec![(2, vec!["001", "张,三"]), (3, vec!["002", "a \"b\""])];
        for end in ["\n", "\r\n", "\r"] {
            for last in ["", end] {
                let lines = ["\"id\", name", "001,\"张,三\"", "002,\"a \"\"b\"\"\""];
                let text = format!("{}{last}", lines.join(end));
                let table = table(&text);
                assert_eq!(table.header.cells, ["id", "name"]);
                assert_eq!(numbered(&table), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn rows_are_numbered_as_a_spreadsheet_shows_them() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "\n,,\na,b\n\n\n1,\"x\n\ny\"\n , \n2,y\n\n".replace('\n', end);
            let table = table(&text);
            assert_eq!(table.header.number, 3, "{text:?}");
            let lines = format!("x{end}{end}y");
            assert_eq!(numbered(&table), [(6, vec!["1", lines.as_str()]), (8, vec!["2", "y"])], "{text:?}");
        }
    }

    #[test]
    fn the_delimiter_is_found_in_the_header() {
        for text in [
            "a;b,c;d\n1;2;3",
            "\n;;\n\"x,y,z\";b;c\n1;2;3",
            "a\tb\tc,d\n1\t2\t3",
            "a,b;c,d\n1,2,3",
            "姓名，学号,b,c\n1,2,3",
            "\u{3000}\n,,\na,b,c\n1,2,3",
        ] {
            assert_eq!(numbered(&table(text)).pop().unwrap().1, ["1", "2", "3"]);
        }
        assert_eq!(table("姓名，学号\n1").header.cells, ["姓名，学号"]);
    }

    #[test]
    fn an_open_quote_is_malformed() {
        for text in ["a,b\n1,\"2\n3,4\n", "a,\"", "a,b\n\"", "a,b\n1,\"\"\"\n"] {
            assert_eq!(code(text), "csv_malformed", "{text:?}");
        }
        let error = read("a,b\n\n1,\"2\n3,4\n", &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("row 3"), "{error}");
        assert_eq!(numbered(&table("a\n\"\"\nb")), [(3, vec!["b"])]);
        assert_eq!(numbered(&table("a,b\n5\" pipe,c")), [(2, vec!["5\" pipe", "c"])]);
    }

    #[test]
    fn a_row_that_is_too_wide_for_its_header_is_malformed() {
        assert_eq!(code("a,b\n1,2,3\n"), "csv_malformed");
        assert_eq!(numbered(&table("a,b\n1,2,,\n")), [(2, vec!["1", "2"])]);
        assert_eq!(numbered(&table("a,b\n1\n")), [(2, vec!["1"])]);
    }

    #[test]
    fn limits_hold_to_the_row_column_and_character() {
        let limits = Limits { rows: 2, columns: 3, cell_chars: 2, ..Limits::default() };
        let code = |text: &str| read(text, &limits).map_or_else(|error| error.code(), |_| "ok");
        assert_eq!(code("a,b,c\n1,2,3\n\n\n4,5,6\n"), "ok");
        assert_eq!(code("a,b,c\n1,2,3"), "ok");
        assert_eq!(code("a\n1\n2\n3\n"), "too_many_rows");
        assert_eq!(code("a,b,c,d\n"), "too_many_columns");
        assert_eq!(code("a,b,c,d"), "too_many_columns");
        assert_eq!(code("a,b,c,"), "too_many_columns");
        assert_eq!(code("张三,b\n"), "ok");
        assert_eq!(code("张三丰,b\n"), "cell_too_long");
        assert_eq!(code(&"x".repeat(100)), "cell_too_long");
        assert_eq!(code("a,b\n1,\u{1}\n"), "control_character");
    }
}
