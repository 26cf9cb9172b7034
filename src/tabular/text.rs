use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{EUC_JP, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

use super::TabularError;

/// How much of a text is shown to the detector of encodings; more does not change its mind.
const SAMPLE_BYTES: usize = 256 << 10;

/// Decodes a text file without loss: not one byte is replaced or guessed at.
///
/// UTF-8 goes first, since text in another encoding is hardly ever valid UTF-8. What is left is GB 18030 only if the
/// detector agrees: most texts in Big5, Shift_JIS or windows-1252 can also be decoded as GB 18030, into nonsense.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, TabularError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decode_as(encoding, bytes.get(mark..).unwrap_or_default());
    }
    // A NUL is valid UTF-8 but not text; in UTF-16 the delimiters and line ends are full of them.
    if bytes.contains(&0) {
        let encoding = utf16_without_mark(bytes).ok_or_else(|| TabularError::unreadable("it is neither a text nor an XLSX workbook"))?;
        return decode_as(encoding, bytes);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) => decode_legacy(bytes, error.valid_up_to()),
    }
}

fn decode_legacy(bytes: &[u8], position: usize) -> Result<Cow<'_, str>, TabularError> {
    // The sample must hold the first byte that is not ASCII, which may come late.
    let start = position.saturating_sub(SAMPLE_BYTES / 2);
    let sample = bytes.get(start..bytes.len().min(start + SAMPLE_BYTES)).unwrap_or(bytes);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, start + sample.len() == bytes.len());
    let guess = detector.guess(None, Utf8Detection::Deny);
    if guess == GBK {
        return decode_as(GB18030, bytes);
    }
    // A short list of names may be too little for the detector. Told that Chinese is likelier it says so of nearly
    // everything, so its second guess must be borne out by the text.
    let guess_for_china = detector.guess(Some(b"cn"), Utf8Detection::Deny);
    let other_cjk = [EUC_JP, EUC_KR, SHIFT_JIS].contains(&guess);
    if guess_for_china == GBK && !other_cjk && mostly_gb2312(bytes) {
        let text = decode_as(GB18030, bytes)?;
        // Big5 taken for GB 18030 is full of private characters, which have no place in a real text.
        if !text.contains(|char| matches!(char, '\u{E000}'..='\u{F8FF}')) {
            return Ok(text);
        }
    }
    Err(TabularError::UnknownEncoding { detail: format!("it looks like {}", guess.name()) })
}

/// Whether two thirds of the pairs of bytes are ideographs and punctuation of GB 2312, the core of GB 18030, as in
/// every Chinese text. Accented letters of western texts pair up with the letter that follows, which is outside.
fn mostly_gb2312(bytes: &[u8]) -> bool {
    let (mut pairs, mut core) = (0_usize, 0_usize);
    let mut rest = bytes.iter();
    while let Some(lead) = rest.find(|byte| !byte.is_ascii()) {
        pairs += 1;
        match (lead, rest.next()) {
            (0xA1..=0xA3 | 0xB0..=0xF7, Some(0xA1..=0xFE)) => core += 1,
            // A character of four bytes has a second half.
            (_, Some(b'0'..=b'9')) => drop(rest.nth(1)),
            _ => {}
        }
    }
    core * 3 >= pairs * 2
}

fn decode_as<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Result<Cow<'a, str>, TabularError> {
    let unknown = || TabularError::UnknownEncoding { detail: format!("it begins like {} but breaks its rules", encoding.name()) };
    if encoding == UTF_8 {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| unknown());
    }
    encoding.decode_without_bom_handling_and_without_replacement(bytes).ok_or_else(unknown)
}

/// Which UTF-16 a text without a byte-order mark is in, judged by the half of the commas, line ends and digits
/// that is NUL. Ideographs such as 一 (U+4E00) have a NUL in the other half, so the majority counts.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let (mut high_first, mut low_first) = (0_usize, 0_usize);
    let sample = bytes.get(..SAMPLE_BYTES).unwrap_or(bytes);
    for pair in sample.chunks_exact(2) {
        match pair {
            [0, 0] => return None,
            [0, _] => high_first += 1,
            [_, 0] => low_first += 1,
            _ => {}
        }
    }
    match high_first.cmp(&low_first) {
        std::cmp::Ordering::Less => Some(UTF_16LE),
        std::cmp::Ordering::Greater => Some(UTF_16BE),
        std::cmp::Ordering::Equal => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROSTER: &str = "学号,姓名,班级\r\n001,张喆,一班\r\n002,李玥,二班\r\n";

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        let pair = |unit: u16| match little {
            true => unit.to_le_bytes(),
            false => unit.to_be_bytes(),
        };
        text.encode_utf16().flat_map(pair).collect()
    }

    #[test]
    fn unicode_is_read_with_and_without_its_mark() {
        let marked = format!("\u{FEFF}{ROSTER}");
        let files = [
            ROSTER.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            utf16(&marked, true),
            utf16(&marked, false),
            utf16(ROSTER, true),
            utf16(ROSTER, false),
        ];
        for file in files {
            assert_eq!(decode(&file).unwrap(), ROSTER);
        }
    }

    #[test]
    fn gb_18030_is_read() {
        for text in [
            ROSTER,
            "姓名\n张三\n",
            "姓名,电话\n王珺,13800138000\n",
            "name,姓\na,李\n",
            "name,class\nLi,李\n",
            "姓名,性别\n祎旻,女\n",
            "姓名,班级,备注\n欧阳娜娜,护理一班,请假\n",
            "姓名\n张𠮷\n",
        ] {
            let (file, _, lost) = GB18030.encode(text);
            assert!(!lost);
            assert_eq!(decode(&file).unwrap(), text, "{text}");
        }
    }

    #[test]
    fn gb_18030_is_found_late_in_a_file() {
        let text = format!("{}姓名,班级\n张三,一班\n", "name,class\n".repeat(60_000));
        let (file, _, _) = GB18030.encode(&text);
        assert_eq!(decode(&file).unwrap(), text);
    }

    #[test]
    fn malformed_text_is_refused_and_never_repaired() {
        let mut broken = GB18030.encode(ROSTER).0.into_owned();
        broken.push(0xFF);
        let mut half = utf16(ROSTER, true);
        half.splice(..0, [0xFF, 0xFE]);
        half.pop();
        let lone = utf16("a,b\n", true).into_iter().chain([0x00, 0xD8]).collect();
        let files = [broken, half, lone, b"\xEF\xBB\xBFa\xFF".to_vec(), b"caf\xE9,th\xE9\n".to_vec()];
        for file in files {
            assert_eq!(decode(&file).unwrap_err().code(), "unknown_encoding", "{file:?}");
        }
    }

    #[test]
    fn other_legacy_encodings_are_named_and_refused() {
        use encoding_rs::{BIG5, WINDOWS_1252};
        for (encoding, text) in [
            (BIG5, "姓名,電話,課程\n陳大文,二三四五,測試與訓練課程\n"),
            (BIG5, "姓名\n陳大文\n"),
            (BIG5, "姓名,班級\n林志明,一班\n黃淑芬,二班\n"),
            (SHIFT_JIS, "氏名,番号\n山田太郎,1\n"),
            (EUC_JP, "名前,クラス\nすずき,あ\n"),
            (EUC_KR, "이름,번호\n김철수,1\n"),
            (WINDOWS_1252, "Name,Straße\nMüller,Köln\n"),
            (WINDOWS_1252, "nom,prénom\nLefèvre,Zoé\n"),
        ] {
            let (file, _, lost) = encoding.encode(text);
            assert!(!lost);
            let error = decode(&file).unwrap_err().to_string();
            assert!(error.contains(encoding.name()), "{text}: {error}");
        }
    }

    #[test]
    fn binary_files_are_not_text() {
        for file in [&b"\x00\x00\x01\x00"[..], b"a\0b\0\0", b"\x7FELF\x02\x01\x01\0\0\0"] {
            assert_eq!(decode(file).unwrap_err().code(), "workbook_unreadable");
        }
    }
}
