use super::{MEASURES, path, taught};
use crate::support::spawn_app;

#[test]
fn the_csv_says_what_the_json_says() {
    let app = spawn_app();
    let taught = taught(&app);
    let path = path(&taught.course);
    for client in [taught.course.coordinator.clone(), app.partner(&taught.other.id)] {
        let json = client.get(&path).expect(200).body;
        let csv = client.with_header("accept", "text/csv").get(&path).expect(200);
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(csv.header("content-disposition"), format!("attachment; filename=\"progress-{}.csv\"", taught.course.intake));
        let text = csv.text.strip_prefix('\u{feff}').expect("a byte order mark, for spreadsheets");
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().unwrap().iter().map(ToOwned::to_owned).collect();
        let records: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let (last, rows) = records.split_last().unwrap();
        let expected = json["rows"].as_array().unwrap();
        assert_eq!(rows.len(), expected.len());
        for (record, row) in rows.iter().zip(expected) {
            assert_eq!(header.len(), row.as_object().unwrap().len(), "each field of a row is a column");
            for (field, cell) in header.iter().zip(record) {
                let value = &row[field];
                let said =
                    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, ToOwned::to_owned);
                assert_eq!(cell, said, "{field}");
            }
        }
        assert_eq!(&last[0], "total");
        for measure in MEASURES {
            let field = format!("{measure}_minutes");
            let column = header.iter().position(|name| *name == field).unwrap();
            assert_eq!(&last[column], json["totals"][&field].to_string(), "{field}");
        }
    }
}
