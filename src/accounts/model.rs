//! Passwords and invitations, as typed, stored and told.

use std::{borrow::Cow, fmt, net::IpAddr};

use chrono::TimeDelta;
use diesel::Insertable;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::second_factor::FactorCode;
use crate::{
    access::{HeldRole, Role, RoleGrantId, Secret, Token, TokenId, TokenKind, UserId},
    clock::Instant,
    error::{FieldFault, coded},
    id::Id,
    intakes::IntakeId,
    organizations::OrganizationId,
    people::PersonId,
    programs::ProgramId,
    schema::invitations,
    text::{Code, Name},
};

pub type InvitationId = Id<Invitation>;

/// So many attempts may fail, or be under way, within [`WINDOW`] before the next has to wait: of one account, and of one address, behind
/// which there may be a whole campus.
pub(super) const PER_ACCOUNT: i64 = 10;
pub(super) const PER_ADDRESS: i64 = 100;
pub(super) const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// What somebody types as a password: 1 to 256 characters, taken as they are. Not printed by `Debug`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Password(#[serde(deserialize_with = "typed")] String);

impl Password {
    /// Length over composition, as NIST SP 800-63B asks: no rule on kinds of characters.
    const SHORTEST: usize = 12;
    const LONGEST: usize = 256;

    /// Of what is no password, and proven like one.
    pub(super) const fn of(text: String) -> Self {
        Self(text)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// What is common where zxcvbn's lists, which are English, know nothing: words of love and luck, in pinyin and in numbers that sound so.
    const COMMON: [&str; 14] = [
        "muster",
        "woaini",
        "aini",
        "wo",
        "520",
        "1314",
        "5201314",
        "1314520",
        "zhongguo",
        "beijing",
        "taobao",
        "iloveyou",
        "我爱你",
        "中国",
    ];

    /// Refuses what is soon guessed, by whoever knows these words of its owner: common passwords, names, keyboard rows, repetitions; and digits
    /// alone, which are dates, telephone numbers and identity numbers.
    pub(super) fn fault(&self, pointer: &str, words: &[String]) -> Option<FieldFault> {
        if self.0.chars().count() < Self::SHORTEST {
            let detail = format!("has to have {} characters or more; a sentence is easy to keep", Self::SHORTEST);
            return Some(FieldFault::new(pointer, "password_too_short", detail));
        }
        let words: Vec<&str> = words.iter().map(String::as_str).chain(Self::COMMON).collect();
        let is_number = self.0.chars().all(|c| c.is_numeric() || c.is_whitespace() || "-./".contains(c));
        if !is_number && zxcvbn::zxcvbn(&self.0, &words).score() >= zxcvbn::Score::Three {
            return None;
        }
        Some(FieldFault::new(pointer, "password_too_common", "is soon guessed; take a longer one, of words that do not belong together"))
    }
}

fn typed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.chars().count() {
        0 => Err(coded("text_empty", "must not be empty")),
        count if count > Password::LONGEST => {
            Err(coded("text_too_long", &format!("has {count} characters; at most {} are allowed", Password::LONGEST)))
        }
        _ => Ok(text),
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl utoipa::PartialSchema for Password {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Password)))
            .min_length(Some(1))
            .max_length(Some(Self::LONGEST))
            .into()
    }
}

impl ToSchema for Password {
    fn name() -> Cow<'static, str> {
        "Password".into()
    }
}

/// A secret with which a user sets a password, once; as stored.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = invitations, treat_none_as_default_value = false)]
pub struct Invitation {
    pub(super) id: InvitationId,
    pub(super) role_grant_id: RoleGrantId,
    pub(super) inviter_grant_id: Option<RoleGrantId>,
    pub(super) hash: Vec<u8>,
    pub(super) expires_at: Instant,
    pub(super) created_at: Instant,
    pub(super) accepted_at: Option<Instant>,
    pub(super) withdrawn_at: Option<Instant>,
}

/// An invitation that was just made; the secret is shown this once.
#[derive(Clone, Debug, Serialize)]
pub struct IssuedInvitation {
    pub id: InvitationId,
    pub secret: Secret,
    pub expires_at: Instant,
}

/// How long an invitation is good for, where nobody says.
pub(super) const GOOD_FOR_HOURS: u16 = 72;

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewInvitation {
    /// How long it is good for: 1 to 720 hours (default 72).
    #[serde(default)]
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 720)]
    expires_in_hours: Option<Hours>,
}

impl NewInvitation {
    pub(super) fn lifetime(&self) -> TimeDelta {
        Hours::lifetime(self.expires_in_hours.as_ref())
    }
}

/// 1 to 720.
#[derive(Clone, Debug)]
pub(super) struct Hours(u16);

impl Hours {
    /// As long as they are, or as is usual where nobody says.
    pub(super) fn lifetime(said: Option<&Self>) -> TimeDelta {
        TimeDelta::hours(said.map_or(GOOD_FOR_HOURS, |hours| hours.0).into())
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u16::deserialize(deserializer)? {
            hours @ 1..=720 => Ok(Self(hours)),
            hours => Err(coded("number_out_of_range", &format!("is {hours}; 1 to 720 are allowed"))),
        }
    }
}

/// An invitation, with its secret where it has just been made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct InvitationDocument {
    id: InvitationId,
    /// With which `POST /invitations/accept` sets the password. Told this once: null in the answer to the same request again.
    #[schema(value_type = Option<String>, example = "muster_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    secret: Option<Secret>,
    /// Where whoever has it is told whom it is for.
    link: Option<String>,
    expires_at: Instant,
}

impl InvitationDocument {
    pub(super) fn new(IssuedInvitation { id, secret, expires_at }: IssuedInvitation, link: String) -> Self {
        Self { id, secret: Some(secret), link: Some(link), expires_at }
    }

    pub(super) fn without_secret(&self) -> Self {
        Self { secret: None, link: None, ..self.clone() }
    }
}

/// Whom an invitation is for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Invited {
    /// What they will sign in with.
    #[schema(example = "王老师")]
    pub(super) name: Name,
    pub(super) role: Role,
    /// Where the role is held; null for an administrator.
    #[schema(example = "USTB")]
    pub(super) organization_code: Option<Code>,
    pub(super) expires_at: Instant,
}

/// What somebody tries to prove, and from where; as counted.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) account: [u8; 32],
    pub(super) address: [u8; 32],
}

impl Attempt {
    pub(super) fn of(account: [u8; 32], address: IpAddr) -> Self {
        Self { account, address: network(address) }
    }

    /// To know the password of whoever signs in with this name.
    pub(super) fn at(name: &Name, address: IpAddr) -> Self {
        Self::of(Self::account_of(name), address)
    }

    /// To have the second factor of a user, wherever from: it is guessed by whoever knows the password.
    pub(super) fn at_factor(user: UserId) -> Self {
        let account: [u8; 32] = Sha256::digest(user.as_bytes()).into();
        Self { account, address: account }
    }

    /// To have been invited.
    pub(super) fn with(secret: &Secret, address: IpAddr) -> Self {
        Self::of(secret.hash(), address)
    }

    /// Under what the attempts at an account are counted, whether there is one or not.
    pub(super) fn account_of(name: &Name) -> [u8; 32] {
        Sha256::digest(name.as_str()).into()
    }
}

/// Whoever has one address of version 6 has all of its network.
fn network(address: IpAddr) -> [u8; 32] {
    let network = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().into_iter().take(8).collect(),
    };
    Sha256::digest(network).into()
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptInvitation {
    /// As it was given.
    #[schema(value_type = String)]
    pub(super) secret: Secret,
    /// 12 characters or more, and none that is soon guessed.
    pub(super) password: Password,
}

/// Whose password it is now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    /// What to sign in with.
    #[schema(example = "王老师")]
    pub(super) name: Name,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSignIn {
    /// The user's.
    pub(super) name: Name,
    pub(super) password: Password,
    /// The role to act in, one of those that the answer lists; the oldest unless said.
    #[serde(default)]
    pub(super) role_grant_id: Option<RoleGrantId>,
    /// Where the user has a second factor: six digits of the authenticator, or a recovery code.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) second_factor: Option<FactorCode>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ActIn {
    /// One of the account's roles.
    pub(super) role_grant_id: RoleGrantId,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangePassword {
    /// The one that it is.
    pub(super) password: Password,
    /// The one that it is to be: 12 characters or more, and none that is soon guessed.
    pub(super) new_password: Password,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignOut {
    /// All sign-ins of the user, and not only this one.
    #[serde(default)]
    pub(super) everywhere: bool,
}

/// How many sign-ins have ended.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct SignedOut {
    pub(super) ended: usize,
}

/// Who acts, by what, and what else they could be.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Account {
    pub user_id: UserId,
    #[schema(example = "王老师")]
    pub name: Name,
    /// The person that the user is; null for what is no person.
    pub person_id: Option<PersonId>,
    /// The role in which the user acts.
    pub role: Role,
    pub role_grant_id: RoleGrantId,
    /// Where the role is held; null for an administrator.
    pub organization_id: Option<OrganizationId>,
    /// Whether by a sign-in or by the token of a program.
    pub by: TokenKind,
    /// Whether it may change nothing.
    pub read_only: bool,
    /// The one intake it is good for, if it is narrowed to one.
    pub intake_id: Option<IntakeId>,
    /// The one program whose intakes it is good for, if it is narrowed to one.
    pub program_id: Option<ProgramId>,
    /// At the latest: a sign-in also ends two hours after its last use.
    pub expires_at: Instant,
    /// Since when a second factor is asked for; null where none is.
    pub second_factor_at: Option<Instant>,
    /// By a sign-in: all roles that the user holds now, the oldest first. By a token only its own.
    pub roles: Vec<HeldRole>,
}

/// One sign-in of the own user.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct SignIn {
    pub(super) id: TokenId,
    /// What the browser or program said it is.
    #[schema(example = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/145.0")]
    pub(super) device: Name,
    pub(super) role_grant_id: RoleGrantId,
    pub(super) created_at: Instant,
    /// To five minutes; null if not yet.
    pub(super) last_used_at: Option<Instant>,
    /// At the latest: it also ends two hours after its last use.
    pub(super) expires_at: Instant,
    /// When it was ended before that.
    pub(super) ended_at: Option<Instant>,
    /// Whether it is the one by which this is asked.
    pub(super) is_current: bool,
}

impl SignIn {
    pub(super) fn new(token: Token, current: Option<TokenId>) -> Self {
        let Token { id, name, role_grant_id, created_at, last_used_at, expires_at, revoked_at, .. } = token;
        let is_current = Some(id) == current;
        Self { id, device: name, role_grant_id, created_at, last_used_at, expires_at, ended_at: revoked_at, is_current }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, words: &[&str]) -> Option<String> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        Password(text.to_owned()).fault("/password", &words).map(|fault| fault.code)
    }

    #[test]
    fn length_counts_and_not_composition() {
        assert_eq!(code("Tr0ub4dor&3", &[]).as_deref(), Some("password_too_short"));
        assert_eq!(code("correct horse battery staple", &[]), None);
        assert_eq!(code("钢铁是怎样炼成的一九四二年版", &[]), None);
        assert_eq!(code(&"冶金".repeat(5), &[]).as_deref(), Some("password_too_short"));
    }

    #[test]
    fn what_is_soon_guessed_is_refused() {
        for common in [
            "passwordpassword",
            "123456789012",
            "qwertyuiop[]",
            "aaaaaaaaaaaaaaaaaaaa",
            "Password1234",
            "woaini1314520",
            "woaini5201314",
            "19850101198501",
            "110101198501011234",
            "1985-01-01 1985",
            "我爱你我爱你我爱你我爱你",
        ] {
            assert_eq!(code(common, &[]).as_deref(), Some("password_too_common"), "{common}");
        }
        let own = "wanghongxing";
        assert_eq!(code(own, &["hongxing", "wang"]).as_deref(), Some("password_too_common"));
    }

    #[test]
    fn a_password_does_not_print_itself() {
        let password = Password("correct horse battery staple".to_owned());
        assert_eq!(format!("{password:?}"), "Password(…)");
    }

    #[test]
    fn neighbours_in_one_network_count_as_one_address() {
        let of = |address: &str| network(address.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::2:3"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
