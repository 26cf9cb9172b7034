use cpu_time::ThreadTime;
use muster::tabular::{Limits, Table, TabularError, read};
use peak_alloc::PeakAlloc;
use std::io::{Cursor, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Counts the bytes in use and the most there were. A grown allocation counts as moved: old and new at once.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

static TURN: Mutex<()> = Mutex::new(());

/// Waits until no other test runs, or one would count the memory and the time of another.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) const MIB: usize = 1 << 20;

pub(crate) fn measured(label: &str, make: impl FnOnce() -> Vec<u8>) -> Result<Table, TabularError> {
    let file = make();
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    // What the reading costs, whoever else uses the processor meanwhile.
    let start = ThreadTime::now();
    let result = read(&file, &Limits::default());
    let time = start.elapsed();
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    let outcome = match &result {
        Ok(table) => format!("{} rows", table.rows.len()),
        Err(error) => format!("{}: {error}", error.code()),
    };
    println!("{label:<34} | {:>9} B | {:>6.1} MiB | {:>4} ms | {outcome}", file.len(), peak as f64 / MIB as f64, time.as_millis());
    assert!(peak < 64 * MIB, "{label}: {peak} bytes");
    if result.is_err() {
        assert!(time < *LARGEST_READ, "{label}: {time:?} of {:?}", *LARGEST_READ);
    }
    result
}

/// What a refusal costs less than, on whatever machine: reading the largest table there may be, in this run.
static LARGEST_READ: LazyLock<Duration> = LazyLock::new(|| {
    let file = largest();
    let start = ThreadTime::now();
    assert!(read(&file, &Limits::default()).is_ok());
    start.elapsed()
});

/// As many cells as fit into a workbook.
pub(crate) fn largest() -> Vec<u8> {
    let row = |number| {
        let cells = "<c><v>1</v></c>".repeat(28);
        format!(r#"<row r="{number}">{cells}</row>"#)
    };
    sheet(&(1..=20_000).map(row).collect::<String>())
}

#[track_caller]
pub(crate) fn refused(label: &str, code: &str, make: impl FnOnce() -> Vec<u8>) {
    assert_eq!(measured(label, make).unwrap_err().code(), code, "{label}");
}

pub(crate) const RELS: &str =
    r#"<Relationships><Relationship Id="a" Type="x/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
pub(crate) const BOOK_RELS: &str =
    r#"<Relationships><Relationship Id="a" Type="x/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
pub(crate) const BOOK: &str = r#"<workbook><sheets><sheet name="S" sheetId="1" r:id="a"/></sheets></workbook>"#;

pub(crate) fn zipped(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A workbook of the usual parts, of which `parts` replaces or adds some.
pub(crate) fn book(parts: &[(&str, &str)]) -> Vec<u8> {
    let usual = [
        ("_rels/.rels", RELS),
        ("xl/_rels/workbook.xml.rels", BOOK_RELS),
        ("xl/workbook.xml", BOOK),
        ("xl/worksheets/sheet1.xml", "<worksheet><sheetData/></worksheet>"),
    ];
    let kept = usual.iter().filter(|(name, _)| parts.iter().all(|(other, _)| other != name));
    zipped(&kept.chain(parts).copied().collect::<Vec<_>>())
}

pub(crate) fn sheet(rows: &str) -> Vec<u8> {
    let text = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    book(&[("xl/worksheets/sheet1.xml", &text)])
}

pub(crate) fn shared(strings: &str, rows: &str) -> Vec<u8> {
    let text = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    book(&[("xl/sharedStrings.xml", strings), ("xl/worksheets/sheet1.xml", &text)])
}

pub(crate) const ROW: &str = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row>"#;
