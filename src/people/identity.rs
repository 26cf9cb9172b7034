//! Identity numbers: what one is, and what is shown of it; pure.

use std::{borrow::Cow, fmt, str::FromStr};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PersonId;
use crate::{
    clock::Instant,
    error::coded,
    text::{Note, TextFault},
};

/// The number of a resident identity card, or of another document that says who somebody is: 5 to 20 letters and digits, in capitals and
/// without spaces. Not printed by `Debug`.
///
/// One of 18 digits, or of 17 and an X, is a citizen's (GB 11643-1999): with the day of birth and a check digit (ISO 7064, MOD 11-2), so that
/// a slip of the pen is found.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct IdentityNumber(String);

impl IdentityNumber {
    const SHORTEST: usize = 5;
    const LONGEST: usize = 20;

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// What people recognize it by: the last four characters, or two of a short one.
    pub(super) fn masked(&self) -> String {
        let shown = if self.0.len() < 12 { 2 } else { 4 };
        let hidden = self.0.len() - shown;
        self.0.chars().enumerate().map(|(at, c)| if at < hidden { '*' } else { c }).collect()
    }
}

impl FromStr for IdentityNumber {
    type Err = TextFault;
    fn from_str(text: &str) -> Result<Self, TextFault> {
        let number: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
        let fault = |code, detail: &str| Err(TextFault { code, detail: detail.to_owned() });
        if !(Self::SHORTEST..=Self::LONGEST).contains(&number.len()) || !number.chars().all(|c| c.is_ascii_alphanumeric()) {
            return fault("identity_number_malformed", "has to be 5 to 20 letters and digits, as they stand in the document");
        }
        if is_citizens(&number) && check_digit(&number) != number.chars().last() {
            return fault("identity_number_mistyped", "has another last character than the digits before it come to");
        }
        if is_citizens(&number) && number.get(6..14).is_none_or(|day| NaiveDate::parse_from_str(day, "%Y%m%d").is_err()) {
            return fault("identity_number_mistyped", "has no day of birth where it stands");
        }
        Ok(Self(number))
    }
}

fn is_citizens(number: &str) -> bool {
    let (digits, last) = number.split_at(number.len() - 1);
    digits.len() == 17 && digits.chars().all(|c| c.is_ascii_digit()) && last.chars().all(|c| c.is_ascii_digit() || c == 'X')
}

/// What the first 17 digits come to: each by the power of two for its place, modulo 11; an X is a ten.
fn check_digit(number: &str) -> Option<char> {
    let sum = number.chars().take(17).filter_map(|c| c.to_digit(10)).fold(0, |sum, digit| (sum + digit) * 2 % 11);
    match (12 - sum) % 11 {
        10 => Some('X'),
        digit => char::from_digit(digit, 10),
    }
}

impl fmt::Debug for IdentityNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityNumber(…)")
    }
}

impl<'de> Deserialize<'de> for IdentityNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|fault: TextFault| coded(fault.code, &fault.detail))
    }
}

impl utoipa::PartialSchema for IdentityNumber {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .min_length(Some(Self::SHORTEST))
            .max_length(Some(Self::LONGEST))
            .into()
    }
}

impl ToSchema for IdentityNumber {
    fn name() -> Cow<'static, str> {
        "IdentityNumber".into()
    }
}

/// An identity number to be recorded, or none.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewIdentityNumber {
    /// As it stands in the document. Null takes away what is recorded.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true, example = "11010519491231002X")]
    pub(super) identity_number: Option<IdentityNumber>,
    /// Why what is recorded is replaced or taken away; it has to be said then.
    #[serde(default)]
    pub(super) reason: Option<Note>,
}

/// Why an identity number is opened.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    pub(super) reason: Note,
}

/// Whose identity number to look for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sought {
    #[schema(example = "11010519491231002X")]
    pub(super) identity_number: IdentityNumber,
}

/// What is shown of an identity number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct MaskedNumber {
    pub(super) person_id: PersonId,
    /// The last characters; null where none is recorded.
    #[schema(example = "**************002X")]
    pub(super) masked: Option<String>,
    pub(super) recorded_at: Option<Instant>,
}

/// An identity number as it was recorded.
#[derive(Serialize, ToSchema)]
pub(super) struct OpenedNumber {
    pub(super) person_id: PersonId,
    #[schema(example = "11010519491231002X")]
    pub(super) identity_number: String,
}

/// Whose identity number it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FoundPeople {
    pub(super) person_ids: Vec<PersonId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<&'static str> {
        text.parse::<IdentityNumber>().err().map(|fault| fault.code)
    }

    #[test]
    fn a_citizens_number_has_its_check_digit_and_a_day() {
        // The two examples of the standard.
        for right in ["11010519491231002X", "440524188001010014", " 110105 19491231 002x "] {
            assert_eq!(code(right), None, "{right}");
        }
        assert_eq!(code("110105194912310020"), Some("identity_number_mistyped"));
        assert_eq!(code("11010519491232002X"), Some("identity_number_mistyped"));
        let of_no_day = "11010519490230002";
        let of_no_day = format!("{of_no_day}{}", check_digit(of_no_day).unwrap());
        assert_eq!(code(&of_no_day), Some("identity_number_mistyped"));
        // One digit that is wrong, and two neighbours that changed places.
        let right = "11010519491231002X";
        for at in 0..17 {
            let mut wrong: Vec<char> = right.chars().collect();
            wrong[at] = char::from_digit((wrong[at].to_digit(10).unwrap() + 1) % 10, 10).unwrap();
            assert!(code(&wrong.iter().collect::<String>()).is_some(), "{at}");
            let mut swapped: Vec<char> = right.chars().collect();
            swapped.swap(at, (at + 1) % 17);
            assert!(swapped == right.chars().collect::<Vec<_>>() || code(&swapped.iter().collect::<String>()).is_some(), "{at}");
        }
    }

    #[test]
    fn other_documents_have_letters_and_digits() {
        for right in ["E12345678", "H0123456702", "12345"] {
            assert_eq!(code(right), None, "{right}");
        }
        for wrong in ["", "1234", "123456789012345678901", "E1234-5678", "身份证一二三"] {
            assert_eq!(code(wrong), Some("identity_number_malformed"), "{wrong}");
        }
    }

    #[test]
    fn the_last_characters_are_shown_and_nothing_else() {
        let masked = |text: &str| text.parse::<IdentityNumber>().unwrap().masked();
        assert_eq!(masked("11010519491231002x"), "**************002X");
        assert_eq!(masked("E12345678"), "*******78");
        assert_eq!(masked("12345"), "***45");
        assert_eq!(format!("{:?}", "E12345678".parse::<IdentityNumber>().unwrap()), "IdentityNumber(…)");
    }
}
