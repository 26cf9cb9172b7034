//! Users who sign in with a password.

use chrono::TimeDelta;
use muster::{
    access::{Actor, Credentials, Role},
    accounts, clock,
    db::Conn,
};
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

use super::{App, Client, Reply};

/// Of everybody who has one.
pub const PASSWORD: &str = "drei Öfen, und keiner raucht";

/// A user who was invited, by the secret of the invitation.
#[derive(Clone, Debug)]
pub struct Invited {
    pub name: String,
    pub user_id: String,
    pub role_grant_id: String,
    pub secret: String,
}

impl App {
    /// A new user with this role, invited as the command line does it.
    pub fn invited(&self, role: Role, organization: Option<&str>, person: Option<&str>) -> Invited {
        self.new_user(role, organization, person, |conn, actor, now, user, grant| {
            let invitation = accounts::invite(conn, actor, now, grant.id, TimeDelta::hours(1))?;
            Ok(Invited {
                name: user.name.to_string(),
                user_id: user.id.to_string(),
                role_grant_id: grant.id.to_string(),
                secret: invitation.secret.expose().to_owned(),
            })
        })
    }

    /// The secret of another invitation for the same user.
    pub fn invited_again(&self, user: &Invited) -> String {
        let grant = user.role_grant_id.parse().unwrap();
        let invite = move |conn: &mut Conn, actor: &Actor, now| accounts::invite(conn, actor, now, grant, TimeDelta::hours(1));
        self.db.write_blocking(Credentials::Operator, invite).unwrap().secret.expose().to_owned()
    }

    /// As [`App::invited`], who has set [`PASSWORD`].
    pub fn user(&self, role: Role, organization: Option<&str>, person: Option<&str>) -> Invited {
        let user = self.invited(role, organization, person);
        self.anonymous().post("/invitations/accept", json!({ "secret": user.secret, "password": PASSWORD })).expect(200);
        user
    }

    /// A coordinator with a password.
    pub fn coordinating_user(&self) -> Invited {
        self.user(Role::Coordinator, Some(&self.provider().id), None)
    }
}

impl Client {
    pub fn sign_in(&self, name: &str, password: &str) -> Reply {
        self.post("/sign-ins", json!({ "name": name, "password": password }))
    }

    /// The same client, which goes on with the cookie of an answer; it need not be signed in.
    #[track_caller]
    pub fn keeping(&self, reply: &Reply) -> Self {
        let (pair, _) = reply.header("set-cookie").split_once(';').unwrap_or_else(|| panic!("no cookie: {}", reply.text));
        self.without_header("cookie").with_header("cookie", pair)
    }

    /// As that user, by a sign-in of its own.
    #[track_caller]
    pub fn signed_in(&self, user: &Invited) -> Self {
        self.keeping(&self.sign_in(&user.name, PASSWORD).expect(201))
    }
}

/// Somebody's authenticator, and the codes for when it is lost.
pub struct Device {
    totp: Totp,
    pub recovery: Vec<String>,
}

impl Device {
    /// With the secret that was told.
    #[track_caller]
    pub fn of(begun: &Reply) -> Self {
        let secret = Secret::try_from_base32(begun.text_at("/secret")).unwrap();
        Self { totp: Builder::new().with_secret(secret).build().unwrap(), recovery: Vec::new() }
    }

    /// The code of the present half minute, or of one so many later or earlier.
    pub fn code(&self, later: i64) -> String {
        let seconds = clock::now().utc().timestamp() + 30 * later;
        self.totp.generate(seconds.try_into().unwrap()).to_string()
    }
}

impl Client {
    /// Begins to set a second factor: an authenticator that does not count yet.
    #[track_caller]
    pub fn begins_second_factor(&self) -> Device {
        Device::of(&self.post("/account/second-factor", json!({ "password": PASSWORD })).expect(200))
    }

    /// Sets a second factor by the code of the half minute before, so that the present one is good still.
    #[track_caller]
    pub fn sets_second_factor(&self) -> Device {
        let mut device = self.begins_second_factor();
        let confirmed = self.post("/account/second-factor/confirm", json!({ "code": device.code(-1) })).expect(200);
        assert_eq!(confirmed.header("cache-control"), "no-store");
        device.recovery =
            confirmed.body["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        device
    }
}
