use calamine::{DataRef, ExcelDateTime, ExcelDateTimeType, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use std::borrow::Cow;
use std::io::Cursor;

use super::table::{Limits, Table, TableBuilder};
use super::{TabularError, package};

/// The serial number of the day after the last one that a spreadsheet knows, 9999-12-31.
const END_OF_DAYS: f64 = 2_958_466.0;
/// The least number with sixteen digits, of which spreadsheets keep fifteen.
const SIXTEEN_DIGITS: f64 = 1e15;
const SECONDS_PER_DAY: f64 = 86_400.0;

/// Reads the first visible sheet of a workbook.
///
/// Its cells are taken one by one: calamine's `worksheet_range` allocates the whole rectangle between the first cell
/// and the last, which two cells can make 512 GiB.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Table, TabularError> {
    package::inspect(bytes, limits)?;
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let sheet = first_visible_sheet(&workbook)?;
    let is_1904 = workbook.has_1904_epoch();
    let mut cells = workbook.worksheet_cells_reader(&sheet).map_err(unreadable)?;
    let mut rows = Rows { builder: TableBuilder::new(limits), columns: limits.columns, number: 0, cells: Vec::new() };
    while let Some(cell) = cells.next_cell().map_err(unreadable)? {
        let (row, column) = cell.get_position();
        // Rows above a million have no place in a spreadsheet, but their numbers have in a `u32`.
        rows.cell(row.saturating_add(1), column, cell.get_value(), is_1904)?;
    }
    rows.finish()
}

fn first_visible_sheet<R: std::io::Read + std::io::Seek>(workbook: &Xlsx<R>) -> Result<String, TabularError> {
    let sheets = workbook.sheets_metadata();
    let sheet = sheets
        .iter()
        .find(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet)
        .ok_or_else(|| TabularError::unreadable("it has no visible sheet"))?;
    // A sheet is opened by its name, so a hidden one of the same name could take its place.
    if sheets.iter().filter(|other| other.name == sheet.name).count() > 1 {
        return Err(TabularError::unreadable("two of its sheets have one name"));
    }
    Ok(sheet.name.clone())
}

/// The error of calamine, cut short since it may quote the file at length.
fn unreadable(error: XlsxError) -> TabularError {
    TabularError::unreadable(error.to_string().chars().take(200).collect::<String>())
}

/// Gathers the cells of a sheet into rows.
struct Rows<'a> {
    builder: TableBuilder<'a>,
    columns: u32,
    /// The number of the row that is being gathered; 0 before the first one.
    number: u32,
    cells: Vec<String>,
}

impl Rows<'_> {
    fn cell(&mut self, number: u32, column: u32, value: &DataRef<'_>, is_1904: bool) -> Result<(), TabularError> {
        // Cells that are only painted may stand anywhere, often to the right end of a sheet.
        if matches!(value, DataRef::Empty) {
            return Ok(());
        }
        let index = column as usize;
        let text = match text(value, is_1904) {
            Some(text) => self.builder.cell(&text, number, index)?,
            None => {
                return Err(TabularError::NumberTooLong { row: number, column: index });
            }
        };
        if text.is_empty() {
            return Ok(());
        }
        if column >= self.columns {
            return Err(TabularError::TooManyColumns { row: number, limit: self.columns });
        }
        if number < self.number || (number == self.number && index < self.cells.len()) {
            return Err(TabularError::unreadable("its cells are out of order"));
        }
        if number > self.number {
            self.end_row()?;
            self.number = number;
        }
        self.cells.resize(index, String::new());
        self.cells.push(text);
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), TabularError> {
        let mut cells = std::mem::take(&mut self.cells);
        cells.shrink_to_fit();
        self.builder.push(self.number, cells)
    }

    fn finish(mut self) -> Result<Table, TabularError> {
        self.end_row()?;
        self.builder.finish()
    }
}

/// The text of a value, as a person would have typed it; nothing for a number that lost digits.
fn text<'a>(value: &'a DataRef<'_>, is_1904: bool) -> Option<Cow<'a, str>> {
    Some(match value {
        DataRef::Empty => Cow::Borrowed(""),
        DataRef::String(text) => Cow::Borrowed(text),
        DataRef::SharedString(text) => Cow::Borrowed(text),
        DataRef::Bool(true) => Cow::Borrowed("TRUE"),
        DataRef::Bool(false) => Cow::Borrowed("FALSE"),
        DataRef::Int(number) => Cow::Owned(number.to_string()),
        DataRef::Float(number) => Cow::Owned(number_text(*number)?),
        DataRef::DateTime(moment) => Cow::Owned(moment_text(moment, is_1904)?),
        DataRef::DateTimeIso(text) => iso_text(text),
        DataRef::DurationIso(text) => Cow::Borrowed(text),
        DataRef::Error(error) => Cow::Owned(error.to_string()),
    })
}

/// A number with the fifteen digits that spreadsheets show: 0.1 + 0.2 is 0.3, and an integer has no decimal point.
fn number_text(number: f64) -> Option<String> {
    if number.abs() >= SIXTEEN_DIGITS {
        return None;
    }
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    // Adding zero turns a negative zero into zero.
    Some((rounded + 0.0).to_string())
}

/// A date, a time of day or both, or a duration, by the serial number in days that spreadsheets keep.
///
/// The seconds are dropped after rounding, as a spreadsheet drops them when it shows hours and minutes. Serial
/// numbers below 1 are times of day; a date at midnight is a date.
fn moment_text(moment: &ExcelDateTime, is_1904: bool) -> Option<String> {
    let serial = moment.as_f64();
    let seconds = (serial * SECONDS_PER_DAY).round();
    let days = (seconds / SECONDS_PER_DAY).floor();
    if !(0.0..END_OF_DAYS).contains(&serial) || days >= END_OF_DAYS {
        return number_text(serial);
    }
    // The bounds above make the conversions exact.
    let minutes = ((seconds - days * SECONDS_PER_DAY) / 60.0).floor() as u32;
    if moment.is_duration() {
        let hours = days as u32 * 24 + minutes / 60;
        return Some(format!("{hours:02}:{:02}", minutes % 60));
    }
    let time = format!("{:02}:{:02}", minutes / 60, minutes % 60);
    if days < 1.0 {
        return Some(time);
    }
    let date = ExcelDateTime::new(days, ExcelDateTimeType::DateTime, is_1904);
    let (year, month, day, ..) = date.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    Some(if minutes == 0 { date } else { format!("{date} {time}") })
}

/// A date or time that is in ISO 8601 already, in the form that `moment_text` gives.
fn iso_text(text: &str) -> Cow<'_, str> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time.get(..5).unwrap_or(time)),
        None => return Cow::Borrowed(text),
    };
    match (date, time) {
        ("", time) => Cow::Borrowed(time),
        (date, "00:00") => Cow::Borrowed(date),
        (date, time) => Cow::Owned(format!("{date} {time}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_xlsxwriter::{ExcelDateTime as Moment, Format, Formula, Workbook};

    fn first_row(bytes: &[u8]) -> Vec<String> {
        let table = read(bytes, &Limits::default()).unwrap();
        table.rows.into_iter().next().unwrap().cells
    }

    fn code(bytes: &[u8]) -> &'static str {
        read(bytes, &Limits::default()).unwrap_err().code()
    }

    /// A workbook whose second row holds what `fill` writes there.
    fn book(fill: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write_string(0, 0, "header").unwrap();
        fill(sheet);
        workbook.save_to_buffer().unwrap()
    }

    #[test]
    fn numbers_come_as_they_were_typed() {
        for (number, text) in [
            (13_800_138_000.0, "13800138000"),
            (7.0, "7"),
            (-0.0, "0"),
            (0.1 + 0.2, "0.3"),
            (1234.5, "1234.5"),
            (1e-7, "0.0000001"),
            (999_999_999_999_999.0, "999999999999999"),
        ] {
            assert_eq!(number_text(number).unwrap(), text);
        }
        let file = book(|sheet| {
            sheet.write_number(1, 0, 110_101_199_001_011_234.0).unwrap();
        });
        assert_eq!(code(&file), "number_too_long");
    }

    #[test]
    fn dates_and_times_come_in_iso_form() {
        let file = book(|sheet| {
            let moment = |text| Moment::parse_from_str(text).unwrap();
            let cells = [
                ("2024-03-05", "yyyy-mm-dd"),
                ("2024-03-05 09:30", "yyyy/m/d h:mm"),
                ("09:30", "h:mm AM/PM"),
                ("2024-12-31 23:59:59", "yyyy\"年\"m\"月\"d\"日\""),
                ("14:05:30", "[h]:mm"),
            ];
            for (column, (text, format)) in (0..).zip(cells) {
                let format = Format::new().set_num_format(format);
                sheet.write_datetime_with_format(1, column, moment(text), &format).unwrap();
            }
            let day = Format::new().set_num_format_index(31);
            sheet.write_number_with_format(1, 5, 45_356.0, &day).unwrap();
        });
        assert_eq!(first_row(&file), ["2024-03-05", "2024-03-05 09:30", "09:30", "2024-12-31 23:59", "14:05", "2024-03-05"]);
    }

    #[test]
    fn moments_are_rounded_to_the_second_and_bounded() {
        let text = |serial, kind, is_1904| moment_text(&ExcelDateTime::new(serial, kind, is_1904), is_1904);
        let date = ExcelDateTimeType::DateTime;
        for minute in 0..1440 {
            let expected = format!("{:02}:{:02}", minute / 60, minute % 60);
            let serial = f64::from(minute) / 1440.0;
            assert_eq!(text(serial, date, false).unwrap(), expected);
            if minute > 0 {
                let dated = format!("2024-03-05 {expected}");
                assert_eq!(text(45_356.0 + serial, date, false).unwrap(), dated);
            }
        }
        assert_eq!(text(45_355.999_999_9, date, false).unwrap(), "2024-03-05");
        assert_eq!(text(43_894.0, date, true).unwrap(), "2024-03-05");
        assert_eq!(text(1.0625, ExcelDateTimeType::TimeDelta, false).unwrap(), "25:30");
        assert_eq!(text(-1.5, date, false).unwrap(), "-1.5");
        assert_eq!(text(3e6, date, false).unwrap(), "3000000");
        assert_eq!(text(f64::NAN, date, false).unwrap(), "NaN");
        assert_eq!(text(f64::INFINITY, date, false), None);
    }

    #[test]
    fn iso_cells_are_shortened() {
        for (iso, text) in [
            ("2024-03-05T09:30:00.000", "2024-03-05 09:30"),
            ("2024-03-05T00:00:00", "2024-03-05"),
            ("2024-03-05", "2024-03-05"),
            ("T09:30:00", "09:30"),
            ("T张三李四", "张三李四"),
        ] {
            assert_eq!(iso_text(iso), text);
        }
    }

    #[test]
    fn booleans_formulas_and_errors_come_as_shown() {
        let file = book(|sheet| {
            sheet.write_boolean(1, 0, true).unwrap();
            let sum = Formula::new("1+2").set_result("3");
            sheet.write_formula(1, 1, sum).unwrap();
            let name = Formula::new("\"a\"&\"b\"").set_result("ab");
            sheet.write_formula(1, 2, name).unwrap();
            sheet.write_formula(1, 3, Formula::new("NA()").set_result("#N/A")).unwrap();
            sheet.write_boolean(1, 4, false).unwrap();
        });
        assert_eq!(first_row(&file), ["TRUE", "3", "ab", "#N/A", "FALSE"]);
    }

    #[test]
    fn rows_keep_their_numbers_and_gaps() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write_string(2, 1, "b").unwrap();
        sheet.write_string(9, 0, " x\u{3000}").unwrap();
        sheet.write_string(9, 3, "y").unwrap();
        sheet.write_string(10, 2, " ").unwrap();
        // Painted cells without text reach to the ends of the sheet and are no column.
        sheet.write_blank(11, 16_383, &Format::new().set_bold()).unwrap();
        sheet.write_string(1_048_575, 0, "z").unwrap();
        let table = read(&workbook.save_to_buffer().unwrap(), &Limits::default()).unwrap();
        assert_eq!((table.header.number, table.header.cells.len()), (3, 2));
        assert_eq!(table.rows.len(), 2);
        assert_eq!(table.rows[0].number, 10);
        assert_eq!(table.rows[0].cells, ["x", "", "", "y"]);
        assert_eq!(table.rows[1].number, 1_048_576);
    }

    #[test]
    fn the_first_visible_sheet_is_read() {
        let mut workbook = Workbook::new();
        workbook.add_worksheet().set_hidden(true).write_string(0, 0, "hidden").unwrap();
        let sheet = workbook.add_worksheet();
        sheet.write_string(0, 0, "seen").unwrap();
        sheet.set_active(true);
        workbook.add_worksheet().write_string(0, 0, "later").unwrap();
        let table = read(&workbook.save_to_buffer().unwrap(), &Limits::default()).unwrap();
        assert_eq!(table.header.cells, ["seen"]);
    }

    #[test]
    fn limits_hold_to_the_row_and_column() {
        let limits = Limits { rows: 2, columns: 3, ..Limits::default() };
        let code = |rows: u32, columns: u16| {
            let file = book(|sheet| {
                sheet.write_number(rows, columns - 1, 1).unwrap();
                for row in 1..=rows {
                    sheet.write_number(row, 0, 1).unwrap();
                }
            });
            read(&file, &limits).map_or_else(|error| error.code(), |_| "ok")
        };
        assert_eq!(code(2, 3), "ok");
        assert_eq!(code(3, 3), "too_many_rows");
        assert_eq!(code(2, 4), "too_many_columns");
    }

    #[test]
    fn an_empty_workbook_has_no_rows() {
        let mut workbook = Workbook::new();
        workbook.add_worksheet();
        assert_eq!(code(&workbook.save_to_buffer().unwrap()), "file_empty");
    }
}
