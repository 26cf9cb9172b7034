//! What is proven besides a password: a code of an authenticator (TOTP, RFC 6238), or one of the codes for whoever has lost it; pure.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};
use totp_rs::{Builder, Totp};
use utoipa::ToSchema;

use super::Password;
use crate::{
    clock::Instant,
    error::{Error, coded},
    text::{Name, TextFault},
};

/// What an authenticator calls the installation.
const ISSUER: &str = "Muster";
/// Random bytes of a secret, as RFC 4226 recommends.
pub(super) const SECRET: usize = 20;
/// So many recovery codes are given, of so many random bits each: they are hashed under a key, and guessed ten in a quarter of an hour.
pub(super) const RECOVERY_CODES: usize = 10;
const RECOVERY_LENGTH: usize = 10;
/// Digits and letters that are not mistaken for each other (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What somebody types to prove the second factor; spaces and hyphens are left out. Not printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum FactorCode {
    /// Six digits of an authenticator.
    Totp(String),
    /// A recovery code.
    Recovery(String),
}

impl FromStr for FactorCode {
    type Err = TextFault;
    fn from_str(text: &str) -> Result<Self, TextFault> {
        let typed = without_gaps(text);
        if typed.len() == 6 && typed.chars().all(|c| c.is_ascii_digit()) {
            return Ok(Self::Totp(typed));
        }
        let detail = "has to be the six digits of an authenticator, or a recovery code".to_owned();
        read_letters(&typed, RECOVERY_LENGTH).map(Self::Recovery).ok_or(TextFault { code: "code_malformed", detail })
    }
}

/// What was typed without spaces and hyphens, which part it in groups.
fn without_gaps(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect()
}

/// What was typed in letters and digits that are not mistaken for each other, whichever of two that look alike it was.
pub(super) fn read_letters(typed: &str, length: usize) -> Option<String> {
    let read = |c: char| match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        c => c,
    };
    let read: String = without_gaps(typed).chars().map(read).collect();
    (read.len() == length && read.bytes().all(|c| ALPHABET.contains(&c))).then_some(read)
}

/// So many random letters and digits, in groups of five.
pub(super) fn random_letters(length: usize) -> Result<String, Error> {
    let mut bytes = vec![0_u8; length];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    // 256 is eight times 32, so that each letter is as likely.
    let letters = bytes.iter().map(|byte| ALPHABET.get(usize::from(byte % 32)).copied().map_or(' ', char::from));
    let mut text = String::with_capacity(length + length / 5);
    for (at, letter) in letters.enumerate() {
        if at > 0 && at % 5 == 0 {
            text.push('-');
        }
        text.push(letter);
    }
    Ok(text)
}

/// A new recovery code, as it is told and as [`FactorCode::Recovery`] has it.
pub(super) fn recovery_code() -> Result<(String, String), Error> {
    let told = random_letters(RECOVERY_LENGTH)?;
    let read = without_gaps(&told);
    Ok((told, read))
}

fn totp(name: &Name, secret: &[u8]) -> Result<Totp, Error> {
    // A colon parts issuer and account where authenticators read them.
    let account = name.as_str().replace(':', " ");
    let secret: [u8; SECRET] = secret.try_into().map_err(Error::internal)?;
    Builder::new().with_secret(secret).with_account_name(account).with_issuer(Some(ISSUER)).build().map_err(Error::internal)
}

/// The step of 30 seconds for which it is the code, of the present one and those beside it, if it is later than the `last` that was used.
pub(super) fn step_of(code: &str, secret: &[u8], name: &Name, last: i64, now: Instant) -> Result<Option<i64>, Error> {
    let seconds = u64::try_from(now.utc().timestamp()).map_err(Error::internal)?;
    let step = totp(name, secret)?.check(code, seconds).and_then(|step| i64::try_from(step).ok());
    Ok(step.filter(|step| *step > last))
}

impl fmt::Debug for FactorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FactorCode(…)")
    }
}

impl<'de> Deserialize<'de> for FactorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|fault: TextFault| coded(fault.code, &fault.detail))
    }
}

/// That it is the owner who sets a second factor.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BeginSecondFactor {
    /// The own password.
    pub(super) password: Password,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfirmSecondFactor {
    /// Six digits of the authenticator.
    #[schema(value_type = String, example = "492039")]
    pub(super) code: FactorCode,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveSecondFactor {
    /// The own password.
    pub(super) password: Password,
    /// Six digits of the authenticator, or a recovery code.
    #[schema(value_type = String, example = "492039")]
    pub(super) second_factor: FactorCode,
}

/// A secret for an authenticator, told this once.
#[derive(Serialize, ToSchema)]
pub(super) struct SecondFactor {
    /// To be typed, where the address cannot be read.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    pub(super) secret: String,
    /// To be shown as a QR code.
    #[schema(example = "otpauth://totp/Muster:%E7%8E%8B?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Muster")]
    pub(super) address: String,
}

impl SecondFactor {
    pub(super) fn new(name: &Name, secret: &[u8]) -> Result<Self, Error> {
        let totp = totp(name, secret)?;
        Ok(Self { secret: totp.secret().to_base32(), address: totp.to_url().map_err(Error::internal)? })
    }
}

/// Codes for whoever loses the authenticator, told this once.
#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryCodes {
    /// Each is good once.
    #[schema(example = json!(["7k3mq-9x2dp"]))]
    pub(super) recovery_codes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B.
    const SECRET_OF_RFC: &[u8] = b"12345678901234567890";

    fn step(code: &str, last: i64, seconds: i64) -> Option<i64> {
        let now = Instant::from_unix_micros(seconds * 1_000_000).unwrap();
        step_of(code, SECRET_OF_RFC, &"a".parse().unwrap(), last, now).unwrap()
    }

    #[test]
    fn a_code_is_good_in_its_half_minute_and_those_beside_it_and_once() {
        // The last six digits of the examples of RFC 6238, appendix B.
        for (seconds, code) in [(1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            let own = seconds / 30;
            assert_eq!(step(code, 0, seconds), Some(own), "{code}");
            assert_eq!(step(code, 0, seconds + 30), Some(own));
            assert_eq!(step(code, 0, seconds - 30), Some(own));
            assert_eq!([step(code, 0, seconds + 60), step(code, 0, seconds - 60)], [None, None]);
            assert_eq!([step(code, own, seconds), step(code, own - 1, seconds)], [None, Some(own)]);
        }
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let read = |text: &str| text.parse::<FactorCode>().ok();
        assert_eq!(read(" 081 804 "), Some(FactorCode::Totp("081804".to_owned())));
        assert_eq!(read("7K3MQ-9X2DP"), Some(FactorCode::Recovery("7k3mq9x2dp".to_owned())));
        assert_eq!(read("oil00-00000"), Some(FactorCode::Recovery("0110000000".to_owned())));
        for wrong in ["", "12345", "1234567", "٠٨١٨٠٤", "7k3mq-9x2d", "7k3mq-9x2du"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{:?}", read("081804").unwrap()), "FactorCode(…)");
    }

    #[test]
    fn a_recovery_code_is_random_and_can_be_read() {
        let codes: std::collections::BTreeMap<String, String> = (0..100).map(|_| recovery_code().unwrap()).collect();
        assert_eq!(codes.len(), 100);
        for (told, read) in codes {
            assert_eq!((told.len(), told.parse()), (11, Ok(FactorCode::Recovery(read))));
        }
    }

    #[test]
    fn an_address_names_the_account_whatever_it_is_called() {
        let told = SecondFactor::new(&"王:老师".parse().unwrap(), SECRET_OF_RFC).unwrap();
        assert_eq!(told.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(told.address.starts_with("otpauth://totp/Muster:%E7%8E%8B") && told.address.contains(&told.secret), "{}", told.address);
        assert_eq!(told.address.matches(':').count(), 2);
    }
}
