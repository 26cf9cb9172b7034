use thiserror::Error;

/// Why a table could not be read or written.
///
/// The messages are complete sentences for the person who sent the file, and name the place as a spreadsheet
/// shows it ("row 7, column C"). Programs compare [`TabularError::code`], which never changes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TabularError {
    #[error("The file holds no rows.")]
    FileEmpty,
    #[error("The file has {size} bytes; at most {limit} are accepted.")]
    FileTooLarge { size: usize, limit: usize },
    #[error("The text is in no encoding that can be read without loss ({detail}). Save it as \"CSV UTF-8\" or as XLSX.")]
    UnknownEncoding { detail: String },
    #[error("The CSV text is malformed in row {row}: {detail}.")]
    CsvMalformed { row: u32, detail: String },
    #[error("The workbook cannot be read: {detail}. Save it again as an Excel workbook (XLSX).")]
    WorkbookUnreadable { detail: String },
    #[error("The workbook is too large: {detail}.")]
    WorkbookTooLarge { detail: String },
    #[error("The table has more than {limit} rows; row {row} is one too many.")]
    TooManyRows { row: u32, limit: u32 },
    #[error("Row {row} reaches beyond column {}: at most {limit} columns are accepted.", column_name((*limit as usize).saturating_sub(1)))]
    TooManyColumns { row: u32, limit: u32 },
    #[error("The cell in {} is longer than {limit} characters.", place(*row, *column))]
    CellTooLong { row: u32, column: usize, limit: usize },
    #[error("The cell in {} holds a control character.", place(*row, *column))]
    ControlCharacter { row: u32, column: usize },
    #[error(
        "The cell in {} holds a number of more than 15 digits, of which spreadsheets keep only 15: format the column as text and type the number again.",
        place(*row, *column)
    )]
    NumberTooLong { row: u32, column: usize },
    #[error("The workbook cannot be written: {detail}.")]
    WorkbookUnwritable { detail: String },
}

impl TabularError {
    /// The stable name of the error, in snake case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::FileEmpty => "file_empty",
            Self::FileTooLarge { .. } => "file_too_large",
            Self::UnknownEncoding { .. } => "unknown_encoding",
            Self::CsvMalformed { .. } => "csv_malformed",
            Self::WorkbookUnreadable { .. } => "workbook_unreadable",
            Self::WorkbookTooLarge { .. } => "workbook_too_large",
            Self::TooManyRows { .. } => "too_many_rows",
            Self::TooManyColumns { .. } => "too_many_columns",
            Self::CellTooLong { .. } => "cell_too_long",
            Self::ControlCharacter { .. } => "control_character",
            Self::NumberTooLong { .. } => "number_too_long",
            Self::WorkbookUnwritable { .. } => "workbook_unwritable",
        }
    }

    pub(super) fn unreadable(detail: impl ToString) -> Self {
        Self::WorkbookUnreadable { detail: detail.to_string() }
    }

    pub(super) fn too_large(detail: impl ToString) -> Self {
        Self::WorkbookTooLarge { detail: detail.to_string() }
    }
}

fn place(row: u32, column: usize) -> String {
    format!("row {row}, column {}", column_name(column))
}

/// The letters above a column in a spreadsheet: 0 is A, 25 is Z, 26 is AA.
pub fn column_name(column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column.saturating_add(1);
    while rest > 0 {
        rest -= 1;
        // The remainder is below 26, so the conversion never falls back.
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_the_names_of_a_spreadsheet() {
        let names = [0, 25, 26, 51, 52, 701, 702, 16_383].map(column_name);
        assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD"]);
    }

    #[test]
    fn messages_name_the_place() {
        let error = TabularError::CellTooLong { row: 7, column: 2, limit: 2000 };
        assert_eq!(error.to_string(), "The cell in row 7, column C is longer than 2000 characters.");
        let error = TabularError::TooManyColumns { row: 1, limit: 64 };
        assert_eq!(error.to_string(), "Row 1 reaches beyond column BL: at most 64 columns are accepted.");
    }
}
