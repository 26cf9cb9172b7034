//! Texts that people type, parsed at the edge into types that cannot be wrong. Requests and imported files share them.

use std::{fmt, str::FromStr};

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

/// Trims `text` and holds it to 1..=`most` characters without control characters (line breaks only where `lines`).
fn checked(text: &str, most: usize, lines: bool) -> Result<String, TextFault> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TextFault { code: "text_empty", detail: "must not be empty".to_owned() });
    }
    let count = text.chars().count();
    if count > most {
        return Err(TextFault { code: "text_too_long", detail: format!("has {count} characters; at most {most} are allowed") });
    }
    if text.chars().any(|c| c.is_control() && !(lines && matches!(c, '\n' | '\r' | '\t'))) {
        return Err(TextFault { code: "text_control_character", detail: "contains a control character".to_owned() });
    }
    Ok(text.to_owned())
}

macro_rules! text_type {
    ($(#[$meta:meta])* $name:ident, $most:literal, lines: $lines:literal) => {
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
            fn name() -> std::borrow::Cow<'static, str> {
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
                checked(text, $most, $lines).map(Self)
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
    /// A short key that people use: an organization's or module's code, an employee number. 1 to 64 characters.
    Code, 64, lines: false
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_counted_in_characters_and_free_of_control_characters() {
        assert_eq!(" 欧阳旭 ".parse::<Name>().unwrap().as_str(), "欧阳旭");
        assert!("界".repeat(200).parse::<Name>().is_ok());
        assert_eq!("界".repeat(201).parse::<Name>().unwrap_err().code, "text_too_long");
        assert_eq!("a\0b".parse::<Name>().unwrap_err().code, "text_control_character");
        assert_eq!("\u{3000}".parse::<Name>().unwrap_err().code, "text_empty");
        assert!("two\nlines".parse::<Name>().is_err());
        assert!("two\nlines".parse::<Note>().is_ok());
    }

    #[test]
    fn an_address_needs_two_sides() {
        assert!("a@example.org".parse::<Email>().is_ok());
        for wrong in ["a", "@b", "a@", "a@b@c", "a b@c"] {
            assert!(wrong.parse::<Email>().is_err(), "{wrong}");
        }
    }
}
