//! Workbooks damaged at random, with a fixed seed. `CASES=300000` tries longer.

use crate::support::{BOOK, BOOK_RELS, RELS, turn, zipped};
use muster::tabular::{Limits, read};

const STYLES: &str = r##"<styleSheet><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m"/></numFmts><fonts><font><b/><name val="宋体"/><color rgb="FF00FF00"/></font></fonts><fills><fill><patternFill patternType="solid"><fgColor theme="1" tint="0.5"/></patternFill></fill></fills><borders><border><left style="thin"><color indexed="64"/></left></border></borders><cellXfs><xf numFmtId="164" fontId="0" fillId="0" borderId="0"><alignment horizontal="left" wrapText="1" textRotation="90"/></xf></cellXfs></styleSheet>"##;
const STRINGS: &str = r#"<?xml version="1.0" encoding="UTF-8"?><sst count="2" uniqueCount="2"><si><t xml:space="preserve"> a_x000D_&amp;&#20013;</t></si><si><r><rPr><b/></rPr><t>b</t></r><rPh sb="0" eb="1"><t>c</t></rPh></si></sst>"#;
const SHEET: &str = r#"<worksheet><dimension ref="A1:C3"/><sheetData><row r="1" spans="1:3"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is><t>d</t></is></c></row><row r="3"><c r="A3" s="0"><v>45000.5</v></c><c r="B3" t="b"><v>1</v></c><c r="C3" t="e"><f>NA()</f><v>#N/A</v></c></row></sheetData></worksheet>"#;
const PIECES: [&str; 24] = [
    "<",
    ">",
    "/",
    "\"",
    "&",
    "&#x110000;",
    "&#0;",
    "_xD800_",
    "r=\"ZZZ9999999\"",
    "r=\"A0\"",
    "-1",
    "1e308",
    "nan",
    "99999999999999999999",
    "<c>",
    "</c>",
    "<v>",
    "</row>",
    "t=\"d\"",
    "<!--",
    "]]>",
    "<si>",
    "é",
    "\u{1F600}",
];

#[test]
fn damaged_workbooks_do_not_panic() {
    let _turn = turn();
    let mut state: u64 = 42;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    };
    #[expect(clippy::disallowed_methods, reason = "how many cases is asked of the shell")]
    let cases = std::env::var("CASES").map_or(500, |cases| cases.parse().unwrap());
    let (mut read_well, names) = (
        0,
        [
            ("_rels/.rels", RELS),
            ("xl/_rels/workbook.xml.rels", BOOK_RELS),
            ("xl/workbook.xml", BOOK),
            ("xl/styles.xml", STYLES),
            ("xl/sharedStrings.xml", STRINGS),
            ("xl/worksheets/sheet1.xml", SHEET),
        ],
    );
    for _ in 0..cases {
        let mut parts: Vec<(&str, String)> = names.iter().map(|(n, t)| (*n, (*t).to_owned())).collect();
        for _ in 0..1 + random(3) {
            let index = random(parts.len());
            let text = &mut parts[index].1;
            let at = text.floor_char_boundary(random(text.len() + 1));
            let end = text.ceil_char_boundary((at + random(8)).min(text.len()));
            match random(3) {
                0 => text.replace_range(at..end, ""),
                1 => text.insert_str(at, PIECES[random(PIECES.len())]),
                _ => text.replace_range(at..end, PIECES[random(PIECES.len())]),
            }
        }
        let parts: Vec<(&str, &str)> = parts.iter().map(|(n, t)| (*n, t.as_str())).collect();
        let mut file = zipped(&parts);
        if random(4) == 0 {
            let at = random(file.len());
            file[at] = random(256) as u8;
        }
        read_well += usize::from(read(&file, &Limits::default()).is_ok());
    }
    println!("{read_well} of {cases} damaged workbooks were still read");
    assert!(read_well > cases / 20);
}
