//! People, whatever their roles: trainees and instructors, with their dated affiliations.
//!
//! A person belongs to the provider that recorded them first, and is changed only by a provider that created or enrolled them.

mod http;
mod identity;
mod model;
mod store;

pub use http::{ApiDoc, routes};
pub use model::{
    Affiliation, AffiliationId, AffiliationKind, Amendment, Match, NewAffiliation, NewPerson, Person, PersonDocument, PersonFilter,
    PersonId, PersonKind, PersonPatch, PostPatch, Retained,
};
pub use store::amendments::amend_many;
pub use store::nominees::nominee;
pub use store::retention::{find_retained, forget, hold, keep_until, retained, texts_of};
pub use store::verify::verify;
pub use store::{
    create, employee_numbers, find, instructors_of, is_editable_by, is_known_to, list, matches, register_many, remove_many, update,
};
