//! One-time codes for whoever has neither e-mail nor a password; pure.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{
    Password,
    model::{Attempt, Hours},
    second_factor::{FactorCode, random_letters, read_letters},
};
use crate::{
    clock::Instant,
    error::{Error, coded},
    text::Code,
};

/// That whose [`Id`](crate::id::Id) a stored code has.
#[derive(Debug)]
pub(super) struct Coded;

/// Letters and digits of a code, each of five random bits: guessed ten in a quarter of an hour, each guess an Argon2id.
const LENGTH: usize = 10;

/// By what a trainee is known who has no user name: whose employee, and by which number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Employee {
    pub(super) organization_code: Code,
    pub(super) employee_number: Code,
}

impl Employee {
    /// To have been given a code for this number.
    pub(super) fn attempt(&self, address: IpAddr) -> Attempt {
        // No user's name has a line break in it.
        let account = format!("{}\n{}", self.organization_code, self.employee_number);
        Attempt::of(Sha256::digest(account).into(), address)
    }
}

/// A new code, as it is told, and as it is hashed.
pub(super) fn new_code() -> Result<(String, Password), Error> {
    let told = random_letters(LENGTH)?;
    let typed = TypedCode::read(&told).ok_or_else(|| Error::internal("a code that cannot be read"))?;
    Ok((told, typed.0))
}

/// What somebody types as a code. Not printed by `Debug`.
#[derive(Clone)]
pub(super) struct TypedCode(pub(super) Password);

impl TypedCode {
    fn read(text: &str) -> Option<Self> {
        read_letters(text, LENGTH).map(|code| Self(Password::of(code)))
    }
}

impl fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedCode(…)")
    }
}

impl<'de> Deserialize<'de> for TypedCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| coded("code_malformed", "is no code; a code has ten letters and digits"))
    }
}

/// How long a code is to be good for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSignInCode {
    /// How long it is good for: 1 to 720 hours (default 72).
    #[serde(default)]
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 720)]
    pub(super) expires_in_hours: Option<Hours>,
}

/// A code that was just given, with what it is typed beside.
#[derive(Clone, Serialize, ToSchema)]
pub(super) struct SignInCode {
    #[schema(example = "JISCO")]
    pub(super) organization_code: Code,
    #[schema(example = "0061234")]
    pub(super) employee_number: Code,
    /// Told this once: null in the answer to the same request again.
    #[schema(example = "7k3mq-9x2dp")]
    pub(super) code: Option<String>,
    pub(super) expires_at: Instant,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInByCode {
    /// Whose employee.
    #[schema(example = "JISCO")]
    pub(super) organization_code: Code,
    #[schema(example = "0061234")]
    pub(super) employee_number: Code,
    /// As it was given.
    #[schema(value_type = String, example = "7k3mq-9x2dp")]
    pub(super) code: TypedCode,
    /// Where the user has a second factor: six digits of the authenticator, or a recovery code.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) second_factor: Option<FactorCode>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it_and_does_not_print_itself() {
        let (told, hashed) = new_code().unwrap();
        let read = |text: String| TypedCode::read(&text).map(|code| code.0);
        assert_eq!(read(told.to_uppercase()), Some(hashed.clone()));
        assert_eq!(read(format!(" {} ", told.replace('-', " "))), Some(hashed));
        assert_eq!(read(told[1..].to_owned()), None);
        assert_eq!(format!("{:?}", TypedCode::read(&told).unwrap()), "TypedCode(…)");
    }

    #[test]
    fn an_employee_is_counted_apart_from_a_user_of_the_same_name() {
        let employee = |organization: &str, number: &str| Employee {
            organization_code: organization.parse().unwrap(),
            employee_number: number.parse().unwrap(),
        };
        let at = |employee: Employee| employee.attempt("192.0.2.1".parse().unwrap()).account;
        assert_ne!(at(employee("A", "B1")), at(employee("A", "B2")));
        assert_ne!(at(employee("AB", "1")), at(employee("A", "B1")));
    }
}
