//! A roster as a sponsor sends it, only larger.

use rust_xlsxwriter::Workbook;

/// The code of the intake that it is for: one without trainees.
pub const INTAKE: &str = "ROSTER";
/// Rows, the header not counted.
pub const ROWS: u32 = 10_000;

/// An XLSX workbook of [`ROWS`] invented people, none of them known before.
pub fn workbook() -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, header) in (0..).zip(["姓名", "拼音", "工号", "单位", "专业", "班级", "手机"]) {
        sheet.write_string(0, column, header).unwrap();
    }
    for row in 1..=ROWS {
        let place = usize::try_from(row).unwrap();
        let discipline = ["MET", "MEC", "MAT", "AUT"][place % 4];
        let plant = ["JISCO-IRON", "JISCO-STEEL", "JISCO-ROLLING"][place % 3];
        let cells = [
            format!("{}{row}", ["张伟", "王芳", "李娜", "欧阳旭"][place % 4]),
            format!("Zhang Wei {row}"),
            format!("R{row:06}"),
            plant.to_owned(),
            discipline.to_owned(),
            discipline.to_owned(),
            format!("138{row:08}"),
        ];
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}
