//! Whom a sponsor sends, and whom the provider may not know yet.

use diesel::prelude::*;

use super::{
    super::model::{Match, NewPerson, PersonId, PersonKind},
    insert, is_editable_by, matches, recorded, taken,
};
use crate::{
    access::{Action, Actor, Scope},
    clock::Instant,
    db::Conn,
    error::Error,
    organizations::{OrganizationId, below},
    schema::organization_tree,
};

/// The person whom a nomination describes: whoever has that employee number and that name, or somebody new, recorded at `provider`.
///
/// # Errors
/// 409 `employee_number_taken` if the number is that of somebody with another name, or whom the actor may not nominate; 422 for impossible
/// dates.
pub fn nominee(conn: &mut Conn, actor: &Actor, now: Instant, provider: OrganizationId, new: NewPerson) -> Result<PersonId, Error> {
    actor.may(Action::Nominate)?;
    let name = new.name.clone();
    let documents = recorded(conn, now, provider, PersonKind::Trainee, vec![new])?;
    let post = documents.iter().flat_map(|document| &document.affiliations).next();
    let pair = post.and_then(|post| Some((post.organization_id, post.employee_number.clone()?)));
    if let Some(known) = matches(conn, pair.as_slice())?.first() {
        return if known.person.name == name && is_own(conn, actor, known)? { Ok(known.person.id) } else { Err(taken()) };
    }
    insert(conn, actor, provider, PersonKind::Trainee, &documents)?;
    documents.first().map(|document| document.person.id).ok_or_else(|| Error::internal("nobody was recorded"))
}

/// Whether the actor may send whoever has an employee number: a partner somebody whose unit is its own or below.
fn is_own(conn: &mut Conn, actor: &Actor, known: &Match) -> Result<bool, Error> {
    let Scope::Sponsor(own, _) = actor.scope() else {
        return Ok(is_editable_by(conn, actor, &[known.person.id])?.contains(&known.person.id));
    };
    let within: i64 = below(own).filter(organization_tree::descendant_id.eq(known.unit_id)).count().get_result(conn)?;
    Ok(within > 0 && known.person.trainee)
}
