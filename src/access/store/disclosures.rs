//! Disclosures: who makes, ends and sees them. What they open is in [`super::scopes`].

use std::collections::HashMap;

use diesel::prelude::*;

use super::{
    super::{
        Action, Actor, Scope,
        disclosures::{Disclosure, DisclosureDocument, DisclosureId, NewDisclosure},
    },
    users::hold_both,
};
use crate::{
    clock::Instant,
    db::{self, Conn, MultiBackend},
    error::Error,
    id::Id,
    journal::NewEntry,
    organizations::{OrganizationId, below},
    schema::{disclosures, organization_tree, organizations},
    text::{Code, Note},
};

/// The disclosures of which the actor is told: an administrator of all, a partner of those in which its own house is on either side.
fn visible(actor: &Actor) -> disclosures::BoxedQuery<'static, MultiBackend> {
    let all = disclosures::table.into_boxed();
    match actor.scope() {
        Scope::Everything => all,
        Scope::Sponsor(own, _) => {
            all.filter(disclosures::organization_id.eq_any(below(own)).or(disclosures::recipient_id.eq_any(below(own))))
        }
        Scope::Provider(_) | Scope::Adviser(..) | Scope::Teacher(..) | Scope::Own(..) => all.filter(disclosures::id.eq_any(NONE)),
    }
}

const NONE: [DisclosureId; 0] = [];

/// The disclosures after `cursor`, by id; those that have ended among them.
pub fn list_disclosures(
    conn: &mut Conn,
    actor: &Actor,
    cursor: Option<DisclosureId>,
    limit: i64,
) -> Result<Vec<DisclosureDocument>, Error> {
    actor.may(Action::ReadDisclosures)?;
    let mut query = visible(actor).order(disclosures::id).limit(limit).select(Disclosure::as_select());
    if let Some(cursor) = cursor {
        query = query.filter(disclosures::id.gt(cursor));
    }
    let rows = query.load(conn)?;
    documents(conn, rows)
}

/// One disclosure, if the actor is told of it.
pub fn find_disclosure(conn: &mut Conn, actor: &Actor, id: DisclosureId) -> Result<DisclosureDocument, Error> {
    let row = find(conn, actor, id)?;
    actor.may(Action::ReadDisclosures)?;
    documents(conn, vec![row])?.pop().ok_or(Error::NotFound)
}

fn find(conn: &mut Conn, actor: &Actor, id: DisclosureId) -> Result<Disclosure, Error> {
    Ok(visible(actor).filter(disclosures::id.eq(id)).select(Disclosure::as_select()).first(conn)?)
}

/// Disclosures with what both sides are called, whether or not these are otherwise the actor's to see.
fn documents(conn: &mut Conn, rows: Vec<Disclosure>) -> Result<Vec<DisclosureDocument>, Error> {
    let sides: Vec<OrganizationId> = rows.iter().flat_map(|row| [row.organization_id, row.recipient_id]).collect();
    let named = organizations::table.filter(organizations::id.eq_any(sides)).select((organizations::id, organizations::code));
    let codes: HashMap<OrganizationId, Code> = named.load(conn)?.into_iter().collect();
    let code = |id| codes.get(&id).cloned().ok_or_else(|| Error::internal("a disclosure without a side"));
    let document = |disclosure: Disclosure| {
        let (organization_code, recipient_code) = (code(disclosure.organization_id)?, code(disclosure.recipient_id)?);
        Ok(DisclosureDocument { disclosure, organization_code, recipient_code })
    };
    rows.into_iter().map(document).collect()
}

/// Shows the people of an organization and of all below it to the partners of another house. A partner who manages access does so for its
/// own house.
///
/// # Errors
/// 409 `disclosed_already` for the same two at a time at which they are shown; 422 for an organization that is not there or not the actor's,
/// one of the same house, and times that cannot be.
pub fn disclose(conn: &mut Conn, actor: &Actor, now: Instant, new: NewDisclosure) -> Result<DisclosureDocument, Error> {
    actor.may(Action::Disclose)?;
    let (from_at, until_at) = new.span(now)?;
    let sides = organizations::table.filter(organizations::id.eq_any(vec![new.organization_id, new.recipient_id]));
    let roots: HashMap<OrganizationId, OrganizationId> =
        sides.select((organizations::id, organizations::root_id)).load(conn)?.into_iter().collect();
    let root = |id, pointer| roots.get(&id).ok_or_else(|| unknown(pointer));
    let (own, anothers) = (root(new.organization_id, "/organization_id")?, root(new.recipient_id, "/recipient_id")?);
    if !is_own(conn, actor, new.organization_id)? {
        return Err(unknown("/organization_id"));
    }
    if own == anothers {
        let detail = "both are of one house, in which whoever has a role above sees what is below";
        return Err(Error::invalid("/recipient_id", "own_house", detail));
    }
    hold_maker(conn, actor, now)?;
    let row = Disclosure {
        id: Id::generate(),
        organization_id: new.organization_id,
        recipient_id: new.recipient_id,
        from_at,
        until_at,
        reason: new.reason,
        user_id: actor.user_id(),
        created_at: now,
    };
    diesel::insert_into(disclosures::table).values(&row).execute(conn)?;
    actor.record(entry("disclosure.made", &row).to(&row).because(Some(row.reason.as_str())));
    documents(conn, vec![row])?.pop().ok_or(Error::NotFound)
}

fn unknown(pointer: &'static str) -> Error {
    Error::invalid(pointer, "unknown_organization", "there is no such organization, or it is not yours to show")
}

/// Whether the actor may show the people of an organization: a partner those of its own house.
fn is_own(conn: &mut Conn, actor: &Actor, id: OrganizationId) -> Result<bool, Error> {
    match actor.scope() {
        Scope::Sponsor(own, _) => Ok(organization_tree::table.find((own, id)).count().get_result::<i64>(conn)? > 0),
        Scope::Everything => Ok(true),
        Scope::Provider(_) | Scope::Adviser(..) | Scope::Teacher(..) | Scope::Own(..) => Ok(false),
    }
}

/// Holds the account of whoever acts, whose role has to be good then as it was when they were resolved.
fn hold_maker(conn: &mut Conn, actor: &Actor, now: Instant) -> Result<(), Error> {
    actor.user_id().map_or(Ok(()), |user| hold_both(conn, actor, now, user))
}

/// An entry of the journal, filed at the house whose people are shown.
fn entry(action: &'static str, row: &Disclosure) -> NewEntry {
    NewEntry::of(action, "disclosure", row.id).provider(row.organization_id)
}

/// Ends a disclosure at once; one that has ended stays so.
///
/// # Errors
/// 404 for one of which the actor is not told; [`Error::Forbidden`] for those to whom it is made.
pub fn end_disclosure(conn: &mut Conn, actor: &Actor, now: Instant, id: DisclosureId, reason: &Note) -> Result<DisclosureDocument, Error> {
    let found = find(conn, actor, id)?;
    if !is_own(conn, actor, found.organization_id)? {
        let detail = "whose people are shown ends that, or an administrator; whoever they are shown to does not";
        return Err(actor.refuse(Action::Disclose, detail.to_owned()));
    }
    actor.may(Action::Disclose)?;
    hold_maker(conn, actor, now)?;
    db::lock(conn, "disclosure", id)?;
    // Read again: it may have been ended while this one waited, a moment after this one began.
    let before = find(conn, actor, id)?;
    if before.until_at != found.until_at || before.has_ended(now) {
        return documents(conn, vec![before])?.pop().ok_or(Error::NotFound);
    }
    // One that was still to begin never does.
    let after = Disclosure { until_at: Some(now.max(before.from_at)), ..before.clone() };
    diesel::update(disclosures::table.find(id)).set(disclosures::until_at.eq(after.until_at)).execute(conn)?;
    actor.record(entry("disclosure.ended", &after).from(&before).to(&after).because(Some(reason.as_str())));
    documents(conn, vec![after])?.pop().ok_or(Error::NotFound)
}
