//! The table of identity numbers. No reader of the database is shown it, so that what is read here goes without the wall and is held to
//! whom the actor sees.

use diesel::prelude::*;

use super::{check_editable, is_editable_by, visible};
use crate::{
    access::{Action, Actor, Scope},
    clock::Instant,
    db::{self, Conn},
    error::Error,
    journal::NewEntry,
    organizations::OrganizationId,
    people::{
        Person, PersonId, PersonKind,
        identity::{FoundPeople, IdentityNumber, MaskedNumber, OpenedNumber},
    },
    schema::{identity_numbers, organizations, people},
    text::Note,
    vault::{self, Place, Vault},
};

/// What is sealed and hashed.
const WHAT: &str = "identity_numbers";

/// An identity number in the journal: as it is shown to everybody.
#[derive(serde::Serialize)]
struct Recorded {
    masked: String,
}

/// The person, if the actor sees them in any capacity.
fn seen(conn: &mut Conn, actor: &Actor, id: PersonId) -> Result<Person, Error> {
    for kind in [PersonKind::Trainee, PersonKind::Instructor] {
        let person = visible(actor, kind).filter(people::id.eq(id)).select(Person::as_select()).first(conn).optional()?;
        if let Some(person) = person {
            return Ok(person);
        }
    }
    Err(Error::NotFound)
}

/// Where the actor acts who records or opens the number of somebody whom its house created or enrolled: the journal has it there.
fn own(conn: &mut Conn, actor: &Actor, action: Action, id: PersonId) -> Result<OrganizationId, Error> {
    let person = seen(conn, actor, id)?;
    actor.may(action)?;
    check_editable(conn, actor, id)?;
    Ok(actor.organization_id().unwrap_or(person.provider_id))
}

/// What is shown of a person's identity number.
pub(in crate::people) fn masked(conn: &mut Conn, actor: &Actor, id: PersonId) -> Result<MaskedNumber, Error> {
    seen(conn, actor, id)?;
    actor.may(Action::ReadIdentityNumbers)?;
    stored_mask(conn, actor, id)
}

/// As the actor's house recorded it; whoever has no house is shown what was recorded last.
fn stored_mask(conn: &mut Conn, actor: &Actor, id: PersonId) -> Result<MaskedNumber, Error> {
    let mut stored = identity_numbers::table.into_boxed().filter(identity_numbers::person_id.eq(id));
    if let Scope::Provider(provider) = actor.scope() {
        stored = stored.filter(identity_numbers::house_id.eq(house(conn, provider)?));
    }
    let stored = stored.order((identity_numbers::recorded_at.desc(), identity_numbers::house_id));
    let stored = stored.select((identity_numbers::masked, identity_numbers::recorded_at)).first::<(String, Instant)>(conn).optional()?;
    let (masked, recorded_at) = stored.unzip();
    Ok(MaskedNumber { person_id: id, masked, recorded_at })
}

/// The organization at the top.
fn house(conn: &mut Conn, organization: OrganizationId) -> Result<OrganizationId, Error> {
    Ok(organizations::table.find(organization).select(organizations::root_id).first(conn)?)
}

/// Records a person's identity number in the place of the one that is, or takes it away.
///
/// # Errors
/// 404 for whom the actor does not see; 409 `identity_number_taken` for one that is another's in the same house, and `no_encryption_key`; 422
/// without a reason where something is recorded.
pub(in crate::people) fn record(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    vault: Option<&Vault>,
    (id, number): (PersonId, Option<IdentityNumber>),
    reason: Option<&Note>,
) -> Result<MaskedNumber, Error> {
    let place = own(conn, actor, Action::WritePeople, id)?;
    let house = house(conn, place)?;
    db::lock(conn, "identity_number", id)?;
    let own = identity_numbers::table.find((id, house));
    let before: Option<(Vec<u8>, String)> = own.select((identity_numbers::hash, identity_numbers::masked)).first(conn).optional()?;
    let new = match number {
        None => None,
        Some(number) => {
            let vault = vault.ok_or_else(vault::no_key)?;
            let hash = vault.hash(WHAT, number.as_str())?;
            Some((vault.seal(Place::new(WHAT, id), number.as_str().as_bytes())?, hash.to_vec(), number.masked()))
        }
    };
    if before.as_ref().map(|(hash, _)| hash) == new.as_ref().map(|(_, hash, _)| hash) {
        return stored_mask(conn, actor, id);
    }
    let mut entry = NewEntry::of("identity_number.recorded", "person", id).provider(place).because(reason.map(Note::as_str));
    if let Some((_, masked)) = before {
        if reason.is_none() {
            return Err(Error::invalid("/reason", "missing_field", "say why what is recorded is replaced or taken away"));
        }
        diesel::delete(own).execute(conn)?;
        entry = entry.from(&Recorded { masked });
    }
    if let Some((sealed, hash, masked)) = new {
        refuse_taken(conn, house, &hash)?;
        let row = (
            identity_numbers::person_id.eq(id),
            identity_numbers::house_id.eq(house),
            identity_numbers::sealed.eq(sealed),
            identity_numbers::hash.eq(hash),
            identity_numbers::masked.eq(&masked),
            identity_numbers::recorded_at.eq(now),
        );
        diesel::insert_into(identity_numbers::table).values(row).execute(conn)?;
        entry = entry.to(&Recorded { masked });
    }
    actor.record(entry);
    stored_mask(conn, actor, id)
}

/// A number names one person of a house, which is told whose it is.
fn refuse_taken(conn: &mut Conn, house: OrganizationId, hash: &[u8]) -> Result<(), Error> {
    // Two who record the same number for two people: one goes first, and the other one is told.
    db::lock(conn, "identity_number_of", hex::encode(hash))?;
    let held = identity_numbers::table.filter(identity_numbers::house_id.eq(house)).filter(identity_numbers::hash.eq(hash.to_vec()));
    match held.select(identity_numbers::person_id).first::<PersonId>(conn).optional()? {
        None => Ok(()),
        Some(holder) => {
            Err(Error::conflict("identity_number_taken", format!("this is the identity number of the person {holder} already")))
        }
    }
}

/// A person's identity number as it was recorded; the journal has who opened it, and why.
///
/// # Errors
/// 404 for whom the actor does not see; 409 `no_identity_number`, `no_encryption_key` and `other_encryption_key`.
pub(in crate::people) fn open(
    conn: &mut Conn,
    actor: &Actor,
    vault: Option<&Vault>,
    id: PersonId,
    reason: &Note,
) -> Result<OpenedNumber, Error> {
    let place = own(conn, actor, Action::OpenIdentityNumbers, id)?;
    let recorded = identity_numbers::table.find((id, house(conn, place)?));
    let sealed: Option<Vec<u8>> = recorded.select(identity_numbers::sealed).first(conn).optional()?;
    let sealed = sealed.ok_or_else(|| Error::conflict("no_identity_number", "no identity number of this person is recorded"))?;
    let opened = vault.ok_or_else(vault::no_key)?.open(Place::new(WHAT, id), &sealed)?;
    let opened = OpenedNumber { person_id: id, identity_number: String::from_utf8(opened).map_err(Error::internal)? };
    actor.record(NewEntry::of("identity_number.opened", "person", id).provider(place).because(Some(reason.as_str())));
    Ok(opened)
}

/// Whose identity number it is in the actor's house: one person's, if any's. The journal has whom it was asked of.
///
/// # Errors
/// 409 `no_encryption_key`.
pub(in crate::people) fn find_by(
    conn: &mut Conn,
    actor: &Actor,
    vault: Option<&Vault>,
    number: &IdentityNumber,
) -> Result<FoundPeople, Error> {
    actor.may_beyond_intakes(Action::OpenIdentityNumbers)?;
    let hash = vault.ok_or_else(vault::no_key)?.hash(WHAT, number.as_str())?;
    let mut holders = identity_numbers::table.into_boxed().filter(identity_numbers::hash.eq(hash.to_vec()));
    if let Some(place) = actor.organization_id() {
        holders = holders.filter(identity_numbers::house_id.eq(house(conn, place)?));
    }
    let holders: Vec<PersonId> = holders.order(identity_numbers::person_id).select(identity_numbers::person_id).load(conn)?;
    let known = is_editable_by(conn, actor, &holders)?;
    let person_ids: Vec<PersonId> = holders.into_iter().filter(|id| known.contains(id)).collect();
    for id in &person_ids {
        actor.record(NewEntry::of("identity_number.found", "person", *id).held_at(actor.organization_id()));
    }
    Ok(FoundPeople { person_ids })
}
