//! What a text may do.

use crate::support::{MIB, measured, refused, turn};

#[test]
fn texts() {
    let _turn = turn();
    let full = 8 * MIB;
    refused("8 MiB of commas", "too_many_columns", || vec![b','; full]);
    refused("1,000,000 columns (CSV)", "too_many_columns", || "a,".repeat(1_000_000).into_bytes());
    refused("8 MiB of line ends", "file_empty", || vec![b'\n'; full]);
    refused("8 MiB of quotes", "cell_too_long", || vec![b'"'; full]);
    refused("8 MiB of spaces", "cell_too_long", || vec![b' '; full]);
    refused("8 MiB of NUL", "workbook_unreadable", || vec![0; full]);
    refused("8 MiB of UTF-16 commas", "too_many_columns", || b",\0".repeat(full / 2));
    refused("8 MiB of GB 18030", "cell_too_long", || b"\xD6\xD0".repeat(full / 2));
    refused("8 MiB of 0x81 0x20", "unknown_encoding", || b"\x81\x20".repeat(full / 2));
    refused("8 MiB of GB 18030, broken at the end", "unknown_encoding", || {
        let mut file = b"\xD6\xD0\n".repeat(full / 3);
        file.push(0xFF);
        file
    });
    refused("quote never closed", "cell_too_long", || {
        let mut file = b"a,b\n1,\"".to_vec();
        file.resize(full, b'x');
        file
    });
    refused("quote never closed, short", "csv_malformed", || b"a,b\n1,\"xx\n".to_vec());
    refused("many rows (CSV)", "too_many_rows", || b"a\n".repeat(full / 2));
    let accepted = measured("as many cells as fit (CSV)", || format!("{}\n", ["1"; 64].join(",")).repeat(20_001).into_bytes());
    assert_eq!(accepted.unwrap().rows.len(), 20_000);
    let accepted = measured("as much text as fits (UTF-16)", || {
        let line = format!("{}\n", ["中中"; 64].join(","));
        let text = format!("{}\n{}", ["a"; 64].join(","), line.repeat(20_000));
        let units = text.encode_utf16().take(4 * MIB - 1);
        [0xFEFF].into_iter().chain(units).flat_map(u16::to_le_bytes).collect()
    });
    assert!(accepted.is_ok());
}
