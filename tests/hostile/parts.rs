//! What the parts of a workbook may do: strings, styles, names and cells that multiply, and XML that is not meant.

use crate::support::{BOOK_RELS, MIB, ROW, book, largest, measured, refused, shared, sheet, turn};

#[test]
fn shared_strings() {
    let _turn = turn();
    for count in ["99999999999999999", "4000000000", "4294967296", "-1", "9e9"] {
        refused("strings that only are declared", "workbook_too_large", || shared(&format!(r#"<sst uniqueCount="{count}"></sst>"#), ROW));
    }
    refused("1,600,000 tiny strings", "workbook_too_large", || shared(&format!("<sst>{}</sst>", "<si><t/></si>".repeat(1_600_000)), ROW));
    let rows = |cells: usize| {
        let row = |number| {
            let cells: String = (0..cells).map(|_| r#"<c t="s"><v>0</v></c>"#).collect();
            format!(r#"<row r="{number}">{cells}</row>"#)
        };
        (1..=20_000).map(row).collect::<String>()
    };
    refused("one long string named 560,000 times", "workbook_too_large", || {
        let long = "\u{20000}".repeat(2_000);
        shared(&format!("<sst><si><t>{long}</t></si></sst>"), &rows(28))
    });
    let accepted = measured("as much text as fits (XLSX)", || {
        let long = "x".repeat(130);
        let other = format!("<si><t>{}</t></si>", "y".repeat(32)).repeat(299_999);
        let row = |number| {
            let cells = r#"<c t="s"><v>0</v></c>"#.repeat(9);
            format!(r#"<row r="{number}">{cells}</row>"#)
        };
        let rows = (1..=20_000).map(row).collect::<String>();
        shared(&format!("<sst><si><t>{long}</t></si>{other}</sst>"), &rows)
    });
    assert!(accepted.is_ok());
    refused("string of 20 MiB", "workbook_too_large", || shared(&format!("<sst><si><t>{}</t></si></sst>", "x".repeat(20 * MIB)), ROW));
    refused("string of many runs", "workbook_too_large", || {
        let runs = format!("<r><t>{}</t></r>", "x".repeat(1000)).repeat(20_000);
        shared(&format!("<sst><si>{runs}</si></sst>"), ROW)
    });
    refused("string of many references", "workbook_too_large", || {
        shared(&format!("<sst><si><t>{}</t></si></sst>", "&amp;".repeat(4_000_000)), ROW)
    });
}

#[test]
fn deep_and_declared_xml() {
    let _turn = turn();
    refused("deep elements", "workbook_unreadable", || sheet(&("<a>".repeat(3_000_000) + &"</a>".repeat(3_000_000))));
    refused("deep unclosed elements", "workbook_unreadable", || sheet(&"<a>".repeat(7_000_000)));
    let lol = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"#;
    refused("entities that multiply", "workbook_unreadable", || {
        let text = format!("{lol}<worksheet><sheetData>{ROW}</sheetData></worksheet>");
        book(&[("xl/worksheets/sheet1.xml", &text)])
    });
    refused("entity of a file", "workbook_unreadable", || {
        let text = r#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><sst><si><t>&a;</t></si></sst>"#;
        shared(text, r#"<row r="1"><c r="A1" t="s"><v>0</v></c></row>"#)
    });
    refused("unknown entity", "workbook_unreadable", || {
        shared("<sst><si><t>&lol;</t></si></sst>", r#"<row r="1"><c r="A1" t="s"><v>0</v></c></row>"#)
    });
    refused("unclosed tag of 20 MiB", "workbook_unreadable", || sheet(&format!("<c r=\"{}", "A".repeat(20 * MIB))));
    refused("tag of 20 MiB", "workbook_too_large", || sheet(&format!("<c r=\"{}\"/>", "A".repeat(20 * MIB))));
    refused("comment of 20 MiB", "workbook_too_large", || sheet(&format!("<!--{}-->", "<".repeat(20 * MIB))));
    refused("CDATA of 20 MiB", "workbook_too_large", || sheet(&format!("<![CDATA[{}]]>", "<".repeat(20 * MIB))));
    refused("UTF-16 part", "workbook_unreadable", || {
        let declared = r#"<?xml version="1.0" encoding="UTF-16"?><worksheet/>"#;
        book(&[("xl/worksheets/sheet1.xml", declared)])
    });
}

#[test]
fn styles_and_workbooks_that_multiply() {
    let _turn = turn();
    refused("4,000,000 styles", "workbook_too_large", || {
        let text = format!("<styleSheet><cellXfs>{}</cellXfs></styleSheet>", "<xf/>".repeat(4_000_000));
        book(&[("xl/styles.xml", &text)])
    });
    let style = |name_bytes: usize| {
        let name = "n".repeat(name_bytes);
        let xf = r#"<xf numFmtId="200" fontId="0"/>"#.repeat(2_500);
        format!(
            "<styleSheet><numFmts><numFmt numFmtId=\"200\" formatCode=\"{name}\"/></numFmts>\
             <fonts><font><name val=\"{name}\"/></font></fonts><cellXfs>{xf}</cellXfs></styleSheet>"
        )
    };
    refused("long font name in each style", "workbook_too_large", || book(&[("xl/styles.xml", &style(10_000))]));
    let accepted = measured("styles up to the limits", || {
        let rows = format!("<worksheet><sheetData>{ROW}</sheetData></worksheet>");
        book(&[("xl/styles.xml", &style(1_200)), ("xl/worksheets/sheet1.xml", &rows)])
    });
    assert!(accepted.is_ok());
    refused("1,000,000 sheets", "workbook_too_large", || {
        let sheets = r#"<sheet name="S" r:id="a"/>"#.repeat(900_000);
        book(&[("xl/workbook.xml", &format!("<workbook><sheets>{sheets}</sheets></workbook>"))])
    });
    refused("1,000,000 names", "workbook_too_large", || {
        let names = r#"<definedName name=""/>"#.repeat(1_000_000);
        book(&[("xl/workbook.xml", &format!("<workbook>{names}</workbook>"))])
    });
    refused("one name of many pieces", "workbook_too_large", || {
        let name = format!(r#"<definedName name="x">{}</definedName>"#, "x<b/>".repeat(1_190_000));
        book(&[("xl/workbook.xml", &format!("<workbook>{name}</workbook>"))])
    });
    refused("sheet outside XML", "workbook_unreadable", || {
        book(&[
            ("xl/_rels/workbook.xml.rels", &BOOK_RELS.replace("sheet1.xml", "sheet1.bin")),
            ("xl/worksheets/sheet1.bin", &format!("<worksheet>{}", " ".repeat(20 * MIB))),
        ])
    });
}

#[test]
fn many_cells() {
    let _turn = turn();
    refused("590,000 columns (XLSX)", "too_many_columns", || sheet(&format!("<row r=\"1\">{}</row>", "<c><v>1</v></c>".repeat(590_000))));
    refused("6,000,000 empty cells", "workbook_too_large", || sheet(&"<c/>".repeat(6_000_000)));
    refused("6,000,000 elements", "workbook_too_large", || sheet(&"<a/>".repeat(6_000_000)));
    refused("1,190,000 empty cells", "file_empty", || sheet(&"<c/>".repeat(1_190_000)));
    refused("one cell 590,000 times", "workbook_unreadable", || sheet(&r#"<c r="A1"><v>1</v></c>"#.repeat(590_000)));
    refused("many rows (XLSX)", "too_many_rows", || sheet(&"<row><c><v>1</v></c></row>".repeat(390_000)));
    refused("long cell (XLSX)", "cell_too_long", || sheet(&format!(r#"<c r="A1" t="str"><v>{}</v></c>"#, "x".repeat(250_000))));
    let accepted = measured("as many cells as fit (XLSX)", largest);
    assert_eq!(accepted.unwrap().rows.len(), 19_999);
}
