use super::table::{Limits, Table};
use super::{TabularError, csv, text, xlsx};

/// The first bytes of a ZIP archive with at least one entry, and so of every XLSX workbook.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
/// The first bytes of a ZIP archive without entries.
const EMPTY_ZIP_MAGIC: &[u8] = b"PK\x05\x06";
/// The first bytes of an OLE compound file: XLS before 2007, or a workbook locked with a password.
const OLE_MAGIC: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
/// The first bytes of other formats that people send instead of a table.
const OTHER_MAGIC: [(&[u8], &str); 6] = [
    (b"%PDF-", "it is a PDF document"),
    (b"\x89PNG", "it is a picture"),
    (b"\xFF\xD8\xFF", "it is a picture"),
    (b"GIF8", "it is a picture"),
    (b"Rar!", "it is a RAR archive"),
    (b"7z\xBC\xAF\x27\x1C", "it is a 7z archive"),
];

/// Reads a table from the bytes of a CSV text or an XLSX workbook.
///
/// The content decides the format; the name of the file is not asked, since names lie. A text is UTF-8, UTF-16 or
/// GB 18030, separated by commas, semicolons or tabs. Of a workbook the first visible sheet is read.
///
/// # Errors
///
/// Anything that cannot be read without loss or beyond the limits, see [`TabularError`].
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Table, TabularError> {
    if bytes.is_empty() {
        return Err(TabularError::FileEmpty);
    }
    if bytes.len() > limits.file_bytes {
        return Err(TabularError::FileTooLarge { size: bytes.len(), limit: limits.file_bytes });
    }
    if bytes.starts_with(ZIP_MAGIC) {
        return xlsx::read(bytes, limits);
    }
    refuse_other_formats(bytes)?;
    csv::read(&text::decode(bytes)?, limits)
}

fn refuse_other_formats(bytes: &[u8]) -> Result<(), TabularError> {
    if bytes.starts_with(OLE_MAGIC) {
        return Err(TabularError::unreadable("it is an old Excel file (XLS) or is locked with a password"));
    }
    if bytes.starts_with(EMPTY_ZIP_MAGIC) {
        return Err(TabularError::unreadable("it is an empty archive"));
    }
    match OTHER_MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        Some((_, detail)) => Err(TabularError::unreadable(detail)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_the_format() {
        let limits = Limits::default();
        let code = |bytes: &[u8]| read(bytes, &limits).unwrap_err().code();
        assert_eq!(code(b""), "file_empty");
        assert_eq!(code(b"\n ,, \n"), "file_empty");
        assert_eq!(code(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1rest"), "workbook_unreadable");
        assert_eq!(code(b"%PDF-1.7"), "workbook_unreadable");
        assert_eq!(code(b"PK\x03\x04junk"), "workbook_unreadable");
        assert_eq!(code(b"PK\x05\x06junk"), "workbook_unreadable");
        assert_eq!(read(b"PKa,b\n", &limits).unwrap().header.cells, ["PKa", "b"]);
    }

    #[test]
    fn an_old_workbook_is_named_as_such() {
        let error = read(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\x00\x00", &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("Save it again as an Excel workbook (XLSX)"));
    }

    #[test]
    fn a_large_file_is_refused_unread() {
        let limits = Limits { file_bytes: 3, ..Limits::default() };
        assert_eq!(read(b"a,b\n", &limits).unwrap_err().code(), "file_too_large");
    }
}
