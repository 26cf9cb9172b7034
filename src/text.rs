//! Texts that people type, parsed at the edge into types that cannot be wrong. Requests and imported files share them.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

use crate::db::types::stored_as_text;

/// Why a text was refused: a stable code and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFault {
    pub code: &'static str,
    pub detail: String,
}

impl fmt::Display for TextFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for TextFault {}

/// Names in one line, for whoever wrote one that is none of them; at most 20, so that the line can be read.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 20;
    let mut names = names.into_iter();
    let mut listed = names.by_ref().take(MOST).collect::<Vec<_>>().join(", ");
    match names.count() {
        0 if listed.is_empty() => listed.push_str("none"),
        0 => {}
        more => listed.push_str(&format!(" and {more} more")),
    }
    listed
}

/// How many there are of what takes an `s` in the plural: 1 session, 2 sessions. The verb of a sentence is to be right for both, or none.
pub fn counted<N: fmt::Display + PartialEq + From<u8>>(count: N, what: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The `LIKE` pattern (escape `\`) of everything that contains `part`.
pub(crate) fn pattern(part: &str) -> String {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for c in part.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// What stands where a text about somebody stood who has been erased. The triggers that let nothing else in its place know it too.
pub const ERASED: &str = "已删除";

/// Whether a character is not shown itself, or turns the order in which others are shown: with it, two names look alike that are not,
/// and a name looks like what it is not. Variation selectors are none of them: they choose the shape of a rare ideograph.
pub(crate) const fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E007F}')
}

/// The first character of `text` that is unseen, or joins or parts letters where it alters none. The joiners (U+200C, U+200D) and the
/// vowel separator of Mongolian are part of how Persian, Indic and Mongolian names are spelled, so they may stand between two letters of
/// such a script (Arabic to Sinhala, Myanmar, Khmer, Mongolian) and nowhere else, as in internationalized domain names (RFC 5892).
fn unseen(text: &str) -> Option<char> {
    let joins = |c: Option<char>| c.is_some_and(|c| matches!(c, '\u{600}'..='\u{DFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{18AF}'));
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_joiner = matches!(c, '\u{180E}' | '\u{200C}' | '\u{200D}');
        if is_unseen(c) || is_joiner && !(joins(before) && joins(rest.peek().copied()) && before != Some('\u{180E}')) {
            return Some(c);
        }
        before = Some(c);
    }
    None
}

/// Trims `text` and holds it to 1..=`most` characters without control characters (line breaks only where `lines`, all of them LF, for a
/// lone CR would begin a line in some formats and none in others) and without those that nobody sees.
fn checked(text: &str, most: usize, lines: bool) -> Result<String, TextFault> {
    let text = if lines && text.contains('\r') { Cow::from(text.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::from(text) };
    let text = text.trim();
    if text.is_empty() {
        return Err(TextFault { code: "text_empty", detail: "must not be empty".to_owned() });
    }
    let count = text.chars().count();
    if count > most {
        return Err(TextFault { code: "text_too_long", detail: format!("has {count} characters; at most {most} are allowed") });
    }
    if text.chars().any(|c| c.is_control() && !(lines && matches!(c, '\n' | '\t'))) {
        return Err(TextFault { code: "text_control_character", detail: "contains a control character".to_owned() });
    }
    if let Some(c) = unseen(text) {
        let detail = format!("contains U+{:04X}, which is not seen or turns the order of what is", u32::from(c));
        return Err(TextFault { code: "text_control_character", detail });
    }
    Ok(text.to_owned())
}

/// With full-width forms of ASCII (U+FF01 to U+FF5E, and the ideographic space) as ASCII: they look alike and mean the same.
fn narrowed(text: Cow<'_, str>) -> Cow<'_, str> {
    let narrow = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    };
    if text.chars().any(|c| narrow(c) != c) { text.chars().map(narrow).collect() } else { text }
}

macro_rules! text_type {
    ($(#[$meta:meta])* $name:ident, $most:literal, lines: $lines:literal $(, $prepare:path)?) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        #[serde(transparent)]
        pub struct $name(String);

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .min_length(Some(1))
                    .max_length(Some($most))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = TextFault;
            fn from_str(text: &str) -> Result<Self, TextFault> {
                let text = Cow::from(text);
                $(let text = $prepare(text);)?
                checked(&text, $most, $lines).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|fault: TextFault| crate::error::coded(fault.code, &fault.detail))
            }
        }

        stored_as_text!($name, |text: String| Ok($name(text)));
    };
}

text_type!(
    /// What a thing or a person is called, in any script: 1 to 200 characters on one line.
    Name, 200, lines: false
);
text_type!(
    /// A short key that people use: an organization's or module's code, an employee number. 1 to 64 characters. Full-width letters,
    /// digits and signs, as East Asian keyboards type them, are the same as the others.
    Code, 64, lines: false, narrowed
);
text_type!(
    /// A reason or remark: 1 to 2,000 characters, line breaks allowed.
    Note, 2000, lines: true
);
text_type!(
    /// Where a session meets: a room's name, a link or a meeting number. 1 to 500 characters.
    Place, 500, lines: false
);
text_type!(
    /// A telephone number as written. 1 to 40 characters.
    Phone, 40, lines: false
);
text_type!(
    /// A post's title (professor, lecturer, fitter). 1 to 100 characters.
    Title, 100, lines: false
);

/// An e-mail address: something, `@`, something, without blanks; 3 to 254 characters. Whether it exists, only a mail can tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
#[serde(transparent)]
#[schema(value_type = String, format = Email, min_length = 3, max_length = 254)]
pub struct Email(String);

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = TextFault;
    fn from_str(text: &str) -> Result<Self, TextFault> {
        let text = checked(text, 254, false)?;
        let parts = text.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
        if parts.is_none() || text.chars().any(char::is_whitespace) {
            return Err(TextFault { code: "email_malformed", detail: "is not an e-mail address".to_owned() });
        }
        Ok(Self(text))
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|fault: TextFault| crate::error::coded(fault.code, &fault.detail))
    }
}

stored_as_text!(Email, |text: String| Ok(Email(text)));

/// Where one joins a meeting: an `https` or `http` address without blanks and without a user or password, of at most 500 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
#[serde(transparent)]
#[schema(value_type = String, format = "uri", max_length = 500)]
pub struct Link(String);

impl Link {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Link {
    type Err = TextFault;
    fn from_str(text: &str) -> Result<Self, TextFault> {
        let text = checked(text, 500, false)?;
        let rest = text.strip_prefix("https://").or(text.strip_prefix("http://"));
        // What a browser would run or open from a disk is no link.
        let Some(rest) = rest.filter(|rest| !rest.starts_with('/') && !rest.is_empty() && !rest.chars().any(char::is_whitespace)) else {
            return Err(TextFault { code: "link_malformed", detail: "is not an address that begins with https:// or http://".to_owned() });
        };
        // Whoever sees the session would read the password, and feeds would carry it.
        if rest.split(['/', '?', '#', '\\']).next().is_some_and(|host| host.contains('@')) {
            return Err(TextFault { code: "link_malformed", detail: "must not name a user or a password before the host".to_owned() });
        }
        Ok(Self(text))
    }
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|fault: TextFault| crate::error::coded(fault.code, &fault.detail))
    }
}

stored_as_text!(Link, |text: String| Ok(Link(text)));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_an_address_of_the_web() {
        for right in ["https://meeting.example.org/5551234?pwd=x", "https://meeting.example.org/@room", "https://example.org?to=a@b"] {
            assert!(right.parse::<Link>().is_ok(), "{right}");
        }
        for wrong in [
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "file:///etc/passwd",
            "https://a b",
            "meeting 555 1234",
            "",
            "https://user:password@example.org/1",
            "https://user@example.org",
            "https://user@example.org?x",
        ] {
            assert!(wrong.parse::<Link>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_code_is_the_same_in_full_width() {
        let code = |text: &str| text.parse::<Code>().unwrap();
        assert_eq!(code("ＸＱ－０１"), code("XQ-01"));
        assert_eq!(code("\u{3000}１２３ "), code("123"));
        assert_eq!(code("冶金１").as_str(), "冶金1");
        // A name stays as it is written.
        assert_eq!("Ｗａｎｇ".parse::<Name>().unwrap().as_str(), "Ｗａｎｇ");
    }

    #[test]
    fn a_name_is_trimmed_counted_in_characters_and_free_of_control_characters() {
        assert_eq!(" 欧阳旭 ".parse::<Name>().unwrap().as_str(), "欧阳旭");
        assert!("界".repeat(200).parse::<Name>().is_ok());
        assert_eq!("界".repeat(201).parse::<Name>().unwrap_err().code, "text_too_long");
        assert_eq!("a\r\nb\rc".parse::<Note>().unwrap().as_str(), "a\nb\nc");
        assert_eq!("a\0b".parse::<Name>().unwrap_err().code, "text_control_character");
        assert_eq!("\u{3000}".parse::<Name>().unwrap_err().code, "text_empty");
        assert!("two\nlines".parse::<Name>().is_err());
        assert!("two\nlines".parse::<Note>().is_ok());
    }

    #[test]
    fn at_most_twenty_names_are_listed() {
        let names: Vec<String> = (1..=22).map(|number| number.to_string()).collect();
        let of = |count: usize| listed(names.iter().take(count).map(String::as_str));
        assert_eq!([of(0), of(1), of(2)], ["none", "1", "1, 2"]);
        assert!(of(20).ends_with("19, 20") && of(22).ends_with("19, 20 and 2 more"), "{}", of(22));
    }

    #[test]
    fn one_is_counted_without_an_s() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "closed session")), ["0 closed sessions", "1 closed session", "2 closed sessions"]);
    }

    #[test]
    fn a_text_is_what_it_looks_like() {
        let marks = ['\u{202A}', '\u{202E}', '\u{2066}', '\u{2069}', '\u{200B}', '\u{200E}', '\u{200F}', '\u{61C}', '\u{FEFF}'];
        for mark in marks {
            for text in [format!("张{mark}伟"), format!("{mark}gnp.exe"), format!("Li Na{mark}"), format!("علی{mark}رضا")] {
                assert_eq!(text.parse::<Name>().unwrap_err().code, "text_control_character", "{text:?}");
                assert!(text.parse::<Note>().is_err() && text.parse::<Code>().is_err(), "{text:?}");
            }
        }
        for mark in ["\u{AD}", "\u{2028}", "\u{2029}", "\u{2060}", "\u{2064}", "\u{3164}", "\u{FFA0}", "\u{115F}", "\u{FFF9}", "\u{E0041}"]
        {
            assert!(format!("a{mark}b").parse::<Name>().is_err(), "{mark:?}");
        }
        let fault = "张\u{202E}伟".parse::<Name>().unwrap_err();
        assert!(fault.detail.contains("U+202E"), "{fault}");
    }

    #[test]
    fn joiners_stand_where_a_script_is_spelled_with_them() {
        // Ali-Reza with its parting joiner, Lakshmi with its joining one, a Mongolian name; 葛 in a chosen shape, an Uyghur name.
        let spelled = ["علی\u{200C}رضا", "लक्ष्\u{200D}मी", "ᠠᠷᠢᠭᠤᠨ\u{180E}ᠠ", "葛\u{E0100}城", "阿依古丽·买买提", "ئايگۈل", "Zhāng Wěi"];
        for name in spelled {
            assert_eq!(name.parse::<Name>().unwrap().as_str(), name);
        }
        for name in [
            "张\u{200D}伟",
            "Li\u{200C}Na",
            "علی\u{200C}",
            "\u{200C}علی",
            "علی\u{200C}\u{200C}رضا",
            "علی\u{200C} رضا",
            "ᠠ\u{180E}\u{180E}ᠠ",
        ] {
            assert_eq!(name.parse::<Name>().unwrap_err().code, "text_control_character", "{name:?}");
        }
    }

    #[test]
    fn an_address_needs_two_sides() {
        assert!("a@example.org".parse::<Email>().is_ok());
        for wrong in ["a", "@b", "a@", "a@b@c", "a b@c"] {
            assert!(wrong.parse::<Email>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pattern_takes_wildcards_for_themselves() {
        assert_eq!(pattern("a_b%c\\"), "%a\\_b\\%c\\\\%");
    }
}
