//! What an archive may do: corners, bombs, lies about sizes and endless directories.

use crate::support::{MIB, ROW, book, measured, refused, shared, sheet, turn};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[test]
fn the_plain_book_is_read() {
    let _turn = turn();
    assert_eq!(measured("plain", || sheet(ROW)).unwrap().header.cells, ["id"]);
}

#[test]
fn far_corners() {
    let _turn = turn();
    refused("A1 and XFD1048576", "too_many_columns", || {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write_string(0, 0, "a").unwrap();
        sheet.write_string(1_048_575, 16_383, "b").unwrap();
        workbook.save_to_buffer().unwrap()
    });
    for reference in ["AAAAAAAAAAAA1", "A99999999999", "XFDXFDXFD1", "A1:B2:"] {
        refused("overflowing cell", "workbook_unreadable", || sheet(&format!(r#"<row r="1"><c r="{reference}"><v>1</v></c></row>"#)));
    }
    refused("overflowing row", "workbook_unreadable", || sheet(r#"<row r="4294967295"><c><v>1</v></c></row><row><c><v>1</v></c></row>"#));
    refused("reversed dimension", "workbook_unreadable", || {
        let text = r#"<worksheet><dimension ref="B2:A1"/><sheetData/></worksheet>"#;
        book(&[("xl/worksheets/sheet1.xml", text)])
    });
}

#[test]
fn bombs() {
    let _turn = turn();
    let spaces = " ".repeat(64 * MIB);
    let zeros = || "0".repeat(400 * MIB);
    refused("bomb in the sheet", "workbook_too_large", || sheet(&spaces));
    refused("bomb in the strings", "workbook_too_large", || shared(&format!("<sst>{spaces}</sst>"), ROW));
    refused("bomb in a picture", "workbook_too_large", || book(&[("xl/media/image1.png", &zeros())]));
    refused("bomb in many parts", "workbook_too_large", || {
        let names: Vec<String> = (0..500).map(|n| format!("xl/worksheets/s{n}.xml")).collect();
        let part = " ".repeat(MIB / 4);
        let parts: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), part.as_str())).collect();
        book(&parts)
    });
    let inner = book(&[("xl/media/image1.png", &zeros())]);
    let accepted = measured("bomb in a nested archive", || {
        let mut writer = ZipWriter::new_append(Cursor::new(sheet(ROW))).unwrap();
        writer.start_file("xl/embeddings/book.xlsx", SimpleFileOptions::default()).unwrap();
        writer.write_all(&inner).unwrap();
        writer.finish().unwrap().into_inner()
    });
    assert_eq!(accepted.unwrap().header.cells, ["id"]);
}

/// Replaces the size that the last directory entry named `name` declares, in the directory and before the part.
fn with_declared_size(mut file: Vec<u8>, name: &str, size: u32) -> Vec<u8> {
    for (signature, size_at, name_at) in [(&b"PK\x01\x02"[..], 24, 46), (&b"PK\x03\x04"[..], 22, 30)] {
        let found = (0..file.len()).find(|&at| {
            file[at..].starts_with(signature) && file.get(at + name_at..).is_some_and(|rest| rest.starts_with(name.as_bytes()))
        });
        let at = found.unwrap() + size_at;
        file[at..at + 4].copy_from_slice(&size.to_le_bytes());
    }
    file
}

#[test]
fn lying_sizes() {
    let _turn = turn();
    let bomb = || sheet(&" ".repeat(200 * MIB));
    let name = "xl/worksheets/sheet1.xml";
    for size in [0, 100, 20 << 20] {
        refused("bomb that declares less", "workbook_unreadable", || with_declared_size(bomb(), name, size));
    }
    refused("part that declares 4 GiB", "workbook_too_large", || with_declared_size(sheet(ROW), name, u32::MAX - 1));
    refused("part that declares 20 MiB", "workbook_unreadable", || with_declared_size(sheet(ROW), name, 20 << 20));
}

#[test]
fn many_parts() {
    let _turn = turn();
    refused("80,000 parts", "workbook_too_large", || {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for number in 0..80_000 {
            writer.start_file(number.to_string(), options).unwrap();
        }
        let file = writer.finish().unwrap().into_inner();
        assert!(file.len() < 8 << 20);
        file
    });
    refused("directory of nothing", "workbook_too_large", || {
        let mut file = b"PK\x03\x04".to_vec();
        file.extend(b"PK\x01\x02".repeat(2 * MIB - 100));
        file
    });
    refused("many ends of directories", "workbook_unreadable", || {
        let mut file = b"PK\x03\x04".to_vec();
        while file.len() < (8 << 20) - 100 {
            file.extend(b"PK\x05\x06\0\0\0\0\xFF\xFF\xFF\xFF\0\0\0\0\x04\0\0\0\0\0");
        }
        file
    });
    refused("two parts of one name", "workbook_unreadable", || {
        let file = book(&[("xl/worksheets/sheet2.xml", "<a/>")]);
        let text: Vec<u8> = file;
        replaced(text, b"sheet2.xml", b"sheet1.xml")
    });
}

fn replaced(mut file: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    for at in 0..file.len() {
        if file[at..].starts_with(from) {
            file[at..at + from.len()].copy_from_slice(to);
        }
    }
    file
}
