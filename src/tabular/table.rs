use super::TabularError;
use crate::text::is_unseen;

/// What a file holds: a header and the rows below it, all as text.
///
/// Blank rows are left out, also those above the header; [`Row::number`] tells where a row stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub header: Row,
    pub rows: Vec<Row>,
}

/// One row that is not blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The number that a spreadsheet shows beside the row, from 1.
    pub number: u32,
    /// The trimmed text of the cells up to the last one that is not empty.
    pub cells: Vec<String>,
}

/// The bounds within which a file is read. They bound memory and time, so that a hostile file is refused instead
/// of stopping the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file as sent.
    pub file_bytes: usize,
    /// Bytes of all parts of a workbook after decompression, and of all text taken from it.
    pub unpacked_bytes: u64,
    /// Rows below the header that are not blank.
    pub rows: u32,
    /// Columns up to the last one with text.
    pub columns: u32,
    /// Unicode scalar values in a cell.
    pub cell_chars: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: 8 << 20, unpacked_bytes: 24 << 20, rows: 20_000, columns: 64, cell_chars: 2_000 }
    }
}

/// Collects rows into a [`Table`] under the limits. Both formats come through here, so a cell obeys the same rules
/// whichever file it was in.
pub(super) struct TableBuilder<'a> {
    limits: &'a Limits,
    header: Option<Row>,
    rows: Vec<Row>,
    text_bytes: u64,
}

impl<'a> TableBuilder<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, header: None, rows: Vec::new(), text_bytes: 0 }
    }

    /// The text of a cell as the table keeps it.
    ///
    /// All text is counted because a workbook can name one long shared string from a million cells.
    pub(super) fn cell(&mut self, text: &str, row: u32, column: usize) -> Result<String, TabularError> {
        let text = text.trim_matches(is_padding);
        let limit = self.limits.cell_chars;
        if text.len() > limit && text.chars().count() > limit {
            return Err(TabularError::CellTooLong { row, column, limit });
        }
        if text.chars().any(is_forbidden) {
            return Err(TabularError::ControlCharacter { row, column });
        }
        self.text_bytes += text.len() as u64;
        if self.text_bytes > self.limits.unpacked_bytes {
            let limit = self.limits.unpacked_bytes;
            return Err(TabularError::too_large(format!("its cells hold more than {limit} bytes of text")));
        }
        Ok(text.to_owned())
    }

    /// Takes the next row; its cells come from [`TableBuilder::cell`].
    pub(super) fn push(&mut self, number: u32, mut cells: Vec<String>) -> Result<(), TabularError> {
        let used = cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
        if used == 0 {
            return Ok(());
        }
        cells.truncate(used);
        let row = Row { number, cells };
        if self.header.is_none() {
            self.header = Some(row);
        } else if self.rows.len() < self.limits.rows as usize {
            self.rows.push(row);
        } else {
            let limit = self.limits.rows;
            return Err(TabularError::TooManyRows { row: number, limit });
        }
        Ok(())
    }

    /// How many columns the header names; nothing before there is a header.
    pub(super) fn width(&self) -> Option<usize> {
        self.header.as_ref().map(|header| header.cells.len())
    }

    pub(super) fn finish(self) -> Result<Table, TabularError> {
        let header = self.header.ok_or(TabularError::FileEmpty)?;
        Ok(Table { header, rows: self.rows })
    }
}

/// Whether a character around a cell's text carries no meaning. The ideographic space (U+3000) is white space in
/// Unicode; the byte-order mark is not, but is left between files that were pasted together, and address books put marks of
/// direction around a number that is copied from them.
fn is_padding(char: char) -> bool {
    char.is_whitespace() || is_unseen(char)
}

/// Whether a character has no place in a cell. Line breaks and tabs do, since people type them.
fn is_forbidden(char: char) -> bool {
    char.is_control() && !matches!(char, '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_trimmed_of_wide_spaces_and_marks() {
        let limits = Limits::default();
        let mut builder = TableBuilder::new(&limits);
        let cell = builder.cell("\u{FEFF}\u{3000} 张 三\u{A0}\n", 1, 0).unwrap();
        assert_eq!(cell, "张 三");
        assert_eq!(builder.cell("\u{202D}13800000001\u{202C}", 1, 0).unwrap(), "13800000001");
        assert_eq!(builder.cell("a\nb\tc", 1, 0).unwrap(), "a\nb\tc");
    }

    #[test]
    fn control_characters_are_refused() {
        let limits = Limits::default();
        for text in ["a\0b", "\u{1}x", "a\u{7F}b", "a\u{85}b"] {
            let error = TableBuilder::new(&limits).cell(text, 3, 1).unwrap_err();
            assert_eq!(error, TabularError::ControlCharacter { row: 3, column: 1 });
        }
    }

    #[test]
    fn the_length_of_a_cell_is_in_characters() {
        let limits = Limits { cell_chars: 3, ..Limits::default() };
        let mut builder = TableBuilder::new(&limits);
        assert_eq!(builder.cell(" 培训班 ", 1, 0).unwrap(), "培训班");
        let error = builder.cell("培训班次", 2, 4).unwrap_err();
        assert_eq!(error.code(), "cell_too_long");
    }

    #[test]
    fn all_text_together_is_bounded() {
        let limits = Limits { unpacked_bytes: 8, ..Limits::default() };
        let mut builder = TableBuilder::new(&limits);
        builder.cell("12345678", 1, 0).unwrap();
        let error = builder.cell("9", 1, 1).unwrap_err();
        assert_eq!(error.code(), "workbook_too_large");
    }
}
