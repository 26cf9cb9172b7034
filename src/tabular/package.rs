//! What a workbook must be before calamine may see it.
//!
//! calamine 0.38 opens a file in trust: it reserves as many shared strings as the file says there are, keeps every
//! style with its own copy of the font's name and the format's code, reads a tag or a text of any length into memory,
//! and overflows on the reference of a cell with more than six letters. None of that can be configured, so the parts
//! are walked here first, with the same ZIP and XML readers.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::{Cursor, Read};
use zip::ZipArchive;

use super::TabularError;
use super::table::Limits;

/// Parts in a workbook. Excel writes about ten and one for each sheet, picture and note.
const MAX_PARTS: usize = 2_000;
/// Elements in all parts, two for each cell and two for each different text. Bounds the time that calamine takes.
const MAX_ELEMENTS: u32 = 1_200_000;
/// Elements inside each other; Excel writes up to thirty, in drawings.
const MAX_DEPTH: usize = 100;
/// Bytes between two tags; Excel allows 32,767 characters in a cell, and at most four bytes make one.
const MAX_TEXT_BYTES: u64 = 256 << 10;
/// Bytes of a tag with its attributes.
const MAX_TAG_BYTES: u64 = 16 << 10;
/// Bytes within one shared string, inline string, value or defined name, whose pieces are joined in memory.
const MAX_JOINED_BYTES: u64 = 1 << 20;
/// Different texts in a workbook, each of them a string in memory.
const MAX_SHARED_STRINGS: u32 = 300_000;
/// What calamine may keep of the styles: each with its own copy of the name of a font and the code of a format.
const MAX_STYLE_BYTES: u64 = 8 << 20;
/// A style without its copies, in an array that doubles as it grows.
const STYLE_BYTES: u64 = 512;
const MAX_SHEETS: u32 = 256;
const MAX_DEFINED_NAMES: u32 = 10_000;
const MAX_RELATIONSHIPS: u32 = 10_000;

/// Walks all parts of a workbook and refuses what would cost more memory or time than its size justifies.
pub(super) fn inspect(bytes: &[u8], limits: &Limits) -> Result<(), TabularError> {
    refuse_many_parts(bytes)?;
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(TabularError::unreadable)?;
    if archive.has_duplicate_names() {
        return Err(TabularError::unreadable("two of its parts have one name"));
    }
    let mut remaining = limits.unpacked_bytes;
    let mut inspection = Inspection::default();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(TabularError::unreadable)?;
        let name = entry.name().map_err(TabularError::unreadable)?.to_ascii_lowercase();
        let declared = entry.size();
        let part = unpack(entry, declared, remaining, limits)?;
        remaining = remaining.saturating_sub(part.len() as u64);
        // calamine opens no part under another name, see `refuse_hidden_part`.
        if name.ends_with(".xml") || name.ends_with(".rels") {
            inspection.part(&part)?;
        }
    }
    Ok(())
}

/// Refuses an archive with very many entries before its directory is read, which takes about a kilobyte for each.
/// Every entry of the directory begins with this signature, whatever the number at its end says.
fn refuse_many_parts(bytes: &[u8]) -> Result<(), TabularError> {
    let parts = bytes.windows(4).filter(|window| *window == b"PK\x01\x02").take(MAX_PARTS + 1).count();
    if parts > MAX_PARTS {
        return Err(TabularError::too_large(format!("it has more than {MAX_PARTS} parts")));
    }
    Ok(())
}

/// Unpacks an entry that has exactly the size it declares and that the limit still allows.
fn unpack(entry: impl Read, declared: u64, remaining: u64, limits: &Limits) -> Result<Vec<u8>, TabularError> {
    if declared > remaining {
        let limit = limits.unpacked_bytes;
        return Err(TabularError::too_large(format!("its parts have more than {limit} bytes")));
    }
    let capacity = usize::try_from(declared).map_err(TabularError::too_large)?;
    // The exact capacity spares the doubling of the buffer; the one more byte would betray a larger part.
    let mut part = Vec::with_capacity(capacity.saturating_add(1));
    entry.take(declared.saturating_add(1)).read_to_end(&mut part).map_err(TabularError::unreadable)?;
    if part.len() != capacity {
        return Err(TabularError::unreadable("one of its parts has another size than it declares"));
    }
    Ok(part)
}

/// What has been counted so far, over all parts: no part is trusted to be what its name says.
#[derive(Default)]
struct Inspection {
    elements: u32,
    shared_strings: u32,
    /// Fonts, fills, borders, number formats and cell formats.
    styles: u64,
    /// The longest tags with the name of a font and with the code of a format.
    longest_font: u64,
    longest_format: u64,
    sheets: u32,
    defined_names: u32,
    relationships: u32,
}

/// Where the reader is in a part.
#[derive(Default)]
struct Place {
    depth: usize,
    /// The depth and the position at which the outermost joined element began.
    joined: Option<(usize, u64)>,
}

impl Inspection {
    fn part(&mut self, part: &[u8]) -> Result<(), TabularError> {
        // UTF-16 is allowed but written by nobody; in UTF-8 both readers see the same text for sure.
        let text = std::str::from_utf8(part).map_err(TabularError::unreadable)?;
        if text.contains('\0') {
            return Err(TabularError::unreadable("one of its parts holds a NUL"));
        }
        let mut reader = Reader::from_str(text);
        let mut place = Place::default();
        loop {
            let start = reader.buffer_position();
            let event = reader.read_event().map_err(TabularError::unreadable)?;
            let end = reader.buffer_position();
            let max_bytes = match &event {
                Event::Start(_) | Event::Empty(_) => MAX_TAG_BYTES,
                _ => MAX_TEXT_BYTES,
            };
            if end.saturating_sub(start) > max_bytes {
                return Err(TabularError::too_large("it holds an overlong text"));
            }
            match event {
                Event::Start(tag) => {
                    self.element(&tag)?;
                    place.enter(&tag, start)?;
                }
                Event::Empty(tag) => self.element(&tag)?,
                Event::End(_) => place.leave(),
                Event::Decl(declaration) => refuse_encoding(declaration.encoder())?,
                Event::DocType(_) => {
                    return Err(TabularError::unreadable("it declares a document type"));
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
            if place.joined.is_some() {
                place.check_joined(end)?;
            }
        }
    }

    fn element(&mut self, tag: &BytesStart<'_>) -> Result<(), TabularError> {
        count(&mut self.elements, MAX_ELEMENTS, "elements")?;
        // The elements of which there are many come first.
        match tag.local_name().as_ref() {
            "c" | "row" => refuse_reference(tag),
            "v" | "t" | "is" | "f" => Ok(()),
            "dimension" => refuse_range(tag),
            "sst" => refuse_unique_count(tag),
            "si" => count(&mut self.shared_strings, MAX_SHARED_STRINGS, "texts"),
            "xf" | "font" | "fill" | "border" | "numFmt" | "name" => self.style(tag),
            "sheet" => count(&mut self.sheets, MAX_SHEETS, "sheets"),
            "definedName" => count(&mut self.defined_names, MAX_DEFINED_NAMES, "names"),
            "Relationship" => {
                count(&mut self.relationships, MAX_RELATIONSHIPS, "relationships")?;
                refuse_hidden_part(tag)
            }
            _ => Ok(()),
        }
    }
}

impl Inspection {
    fn style(&mut self, tag: &BytesStart<'_>) -> Result<(), TabularError> {
        let bytes = tag.len() as u64;
        match tag.local_name().as_ref() {
            "name" => self.longest_font = self.longest_font.max(bytes),
            "numFmt" => self.longest_format = self.longest_format.max(bytes),
            _ => {}
        }
        self.styles += 1;
        let each = STYLE_BYTES + self.longest_font + self.longest_format;
        if self.styles.saturating_mul(each) > MAX_STYLE_BYTES {
            return Err(TabularError::too_large("it has too many styles"));
        }
        Ok(())
    }
}

impl Place {
    fn enter(&mut self, tag: &BytesStart<'_>, start: u64) -> Result<(), TabularError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(TabularError::unreadable("its elements are nested too deep"));
        }
        let joins = matches!(tag.local_name().as_ref(), "si" | "is" | "v" | "definedName");
        if joins && self.joined.is_none() {
            self.joined = Some((self.depth, start));
        }
        Ok(())
    }

    fn leave(&mut self) {
        if self.joined.is_some_and(|(depth, _)| depth == self.depth) {
            self.joined = None;
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn check_joined(&self, end: u64) -> Result<(), TabularError> {
        match self.joined {
            Some((_, start)) if end.saturating_sub(start) > MAX_JOINED_BYTES => Err(TabularError::too_large("it holds an overlong text")),
            _ => Ok(()),
        }
    }
}

fn count(counter: &mut u32, limit: u32, what: &str) -> Result<(), TabularError> {
    *counter += 1;
    if *counter > limit {
        return Err(TabularError::too_large(format!("it has more than {limit} {what}")));
    }
    Ok(())
}

/// Refuses the reference of a cell or row on which calamine's arithmetic would overflow. The last cell of a sheet is
/// XFD1048576; what is no reference at all, calamine refuses.
fn refuse_reference(tag: &BytesStart<'_>) -> Result<(), TabularError> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(TabularError::unreadable)?;
        let reference = attribute.value.as_bytes();
        let fits = attribute.key.as_ref() != "r"
            || match reference {
                [b'0'..=b'9', ..] => reference.len() <= 7,
                [_, _, _, fourth, ..] => !fourth.is_ascii_alphabetic() && reference.len() <= 10,
                _ => true,
            };
        if !fits {
            return Err(TabularError::unreadable("a cell has no valid reference"));
        }
    }
    Ok(())
}

/// Refuses the range of a sheet that runs upwards or beyond the last cell: calamine subtracts its corners.
fn refuse_range(tag: &BytesStart<'_>) -> Result<(), TabularError> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(TabularError::unreadable)?;
        if attribute.key.as_ref() != "ref" {
            continue;
        }
        let mut previous = (0, 0);
        for reference in attribute.value.split(':') {
            previous = corner(reference)
                .filter(|corner| corner.0 >= previous.0 && corner.1 >= previous.1)
                .ok_or_else(|| TabularError::unreadable("its sheet has no valid range"))?;
        }
    }
    Ok(())
}

/// The column and the row of a corner such as B12, both from 1.
fn corner(reference: &str) -> Option<(u32, u32)> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, digits) = reference.split_at_checked(letters)?;
    if letters > 3 || digits.len() > 7 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let column = name.bytes().fold(0, |column, byte| column * 26 + u32::from(byte.to_ascii_uppercase() - b'A') + 1);
    Some((column, digits.parse().ok()?))
}

/// Refuses a table of shared strings that declares more of them than it may hold, since calamine reserves them all.
fn refuse_unique_count(tag: &BytesStart<'_>) -> Result<(), TabularError> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(TabularError::unreadable)?;
        if attribute.key.as_ref() != "uniqueCount" {
            continue;
        }
        let declared: Option<u32> = attribute.value.parse().ok();
        if declared.is_none_or(|declared| declared > MAX_SHARED_STRINGS) {
            return Err(TabularError::too_large(format!("it declares more than {MAX_SHARED_STRINGS} texts")));
        }
    }
    Ok(())
}

/// Refuses a workbook whose main part or sheet has another extension than the parts inspected here, as in XLSB.
fn refuse_hidden_part(tag: &BytesStart<'_>) -> Result<(), TabularError> {
    let (mut opened, mut target_is_xml) = (false, false);
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(TabularError::unreadable)?;
        match attribute.key.as_ref() {
            "Type" => {
                let kind = attribute.value.rsplit('/').next().unwrap_or_default();
                opened = matches!(kind, "officeDocument" | "worksheet");
            }
            "Target" => target_is_xml = attribute.value.to_ascii_lowercase().ends_with(".xml"),
            _ => {}
        }
    }
    if opened && !target_is_xml {
        return Err(TabularError::unreadable("its sheets are not in XML"));
    }
    Ok(())
}

fn refuse_encoding(declared: Option<&'static encoding_rs::Encoding>) -> Result<(), TabularError> {
    match declared {
        Some(encoding) if encoding != encoding_rs::UTF_8 => Err(TabularError::unreadable("its parts are not in UTF-8")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Result<(), TabularError> {
        Inspection::default().part(text.as_bytes())
    }

    fn code(text: &str) -> &'static str {
        part(text).unwrap_err().code()
    }

    #[test]
    fn references_end_at_the_last_cell() {
        for reference in ["A1", "XFD1048576", "ab12", "7"] {
            assert!(part(&format!(r#"<c r="{reference}"/>"#)).is_ok(), "{reference}");
        }
        for reference in ["AAAA1", "A12345678901", "12345678", "XFDXFDXFD"] {
            assert_eq!(code(&format!(r#"<c r="{reference}"/>"#)), "workbook_unreadable", "{reference}");
        }
    }

    #[test]
    fn ranges_run_downwards() {
        for range in ["A1", "A1:A1", "A1:XFD1048576", "Z9:AA9"] {
            assert!(part(&format!(r#"<dimension ref="{range}"/>"#)).is_ok(), "{range}");
        }
        for range in ["B1:A1", "A2:A1", "", "A1:", "1A", "A1:ABCD2", "A1:A12345678"] {
            assert_eq!(code(&format!(r#"<dimension ref="{range}"/>"#)), "workbook_unreadable", "{range}");
        }
        assert_eq!(corner("AB12"), Some((28, 12)));
    }

    #[test]
    fn joined_texts_are_bounded_over_all_their_pieces() {
        let pieces = "<t>xxxxxxxx</t>".repeat(100_000);
        assert_eq!(code(&format!("<si>{pieces}</si>")), "workbook_too_large");
        // An inner element of the same name ends nothing.
        assert_eq!(code(&format!("<v><v/><v></v>{pieces}</v>")), "workbook_too_large");
        assert!(part(&format!("<r>{pieces}</r>")).is_ok());
    }

    #[test]
    fn the_longer_the_names_the_fewer_the_styles() {
        let styles = |name: usize, count: usize| {
            let font = format!(r#"<font><name val="{}"/></font>"#, "n".repeat(name));
            part(&format!("<styleSheet>{font}{}</styleSheet>", "<xf/>".repeat(count)))
        };
        assert!(styles(20, 10_000).is_ok());
        assert!(styles(5_000, 1_000).is_ok());
        assert_eq!(styles(5_000, 10_000).unwrap_err().code(), "workbook_too_large");
    }

    #[test]
    fn parts_are_plain_xml_in_utf_8() {
        assert!(part("<?xml version=\"1.0\" encoding=\"utf-8\"?><a/>").is_ok());
        assert!(part("\u{FEFF}<a/>").is_ok());
        for text in
            ["<?xml version=\"1.0\" encoding=\"gbk\"?><a/>", "<!DOCTYPE a><a/>", "<a>\0</a>", "<a></b>", "<sst uniqueCount=5></sst>"]
        {
            assert_eq!(code(text), "workbook_unreadable", "{text:?}");
        }
        assert!(Inspection::default().part(b"<a>\xFF</a>").is_err());
    }
}
