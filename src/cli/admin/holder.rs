//! Who is to hold a role, as several commands of `muster admin` ask for it.

use super::organization::named;
use crate::{
    access::{self, Actor, NewRoleGrant, NewUser, Role, RoleGrant, User},
    clock::Instant,
    db::Conn,
    error::Error,
    organizations::Organization,
    people::PersonId,
    text::Name,
};

#[derive(Debug, clap::Args)]
pub(super) struct Holder {
    /// administrator, coordinator, class_adviser, instructor, partner, trainee or auditor
    #[arg(long, required = true)]
    pub(super) role: Role,
    /// Where the role is held; needed for every role but the administrator
    #[arg(long, value_name = "CODE-or-ID")]
    pub(super) organization: Option<String>,
    /// Who holds the role; created if there is none of that name [default: the role and the organization]
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<Name>,
    /// Who a new user is; needed for instructors, class advisers and trainees
    #[arg(long, value_name = "ID")]
    pub(super) person: Option<PersonId>,
}

/// A user with a role, and where it is held.
pub(super) struct Held {
    pub(super) user: User,
    pub(super) grant: RoleGrant,
    pub(super) organization: Option<Organization>,
}

impl Held {
    /// The role and its place in words: `coordinator at USTB`.
    pub(super) fn in_words(&self) -> String {
        let place = self.organization.as_ref().map(|organization| format!(" at {}", organization.code)).unwrap_or_default();
        format!("{}{place}", self.grant.role)
    }
}

impl Holder {
    /// The user with the role, both of which are made if they are not there.
    pub(super) fn find_or_create(self, conn: &mut Conn, actor: &Actor, now: Instant) -> Result<Held, Error> {
        let Self { role, organization, user, person } = self;
        let organization = organization.map(|text| named(conn, actor, &text)).transpose()?;
        let organization_id = organization.as_ref().map(|organization| organization.id);
        let name = match user {
            Some(name) => name,
            None => default_name(role, organization.as_ref(), person)?,
        };
        let user = match access::user_by_name(conn, actor, now, &name)? {
            Some(user) if person.is_some() && person != user.person_id => {
                return Err(Error::invalid("/person", "user_taken", format!("the user `{name}` is somebody else; say --user")));
            }
            Some(user) => user,
            None => access::create_user(conn, actor, now, NewUser { name, person_id: person })?,
        };
        if role.is_a_persons() && user.person_id.is_none() {
            let detail = format!("the role {role} is a person's: say whose with --person and an id");
            return Err(Error::invalid("/person", "person_missing", detail));
        }
        // One at a time, so that the role is not granted twice.
        access::hold_account(conn, user.id)?;
        let grant = match access::current_grant(conn, actor, now, user.id, role, organization_id)? {
            Some(grant) => grant,
            None => access::grant_role(conn, actor, now, user.id, NewRoleGrant::lasting(role, organization_id))?,
        };
        Ok(Held { user, grant, organization })
    }
}

/// `coordinator@USTB`; with a person `instructor@USTB 0193…`, because a post is held by many.
fn default_name(role: Role, organization: Option<&Organization>, person: Option<PersonId>) -> Result<Name, Error> {
    let place = organization.map(|organization| format!("@{}", organization.code)).unwrap_or_default();
    let person = person.map(|person| format!(" {person}")).unwrap_or_default();
    format!("{role}{place}{person}").parse().map_err(Error::internal)
}
