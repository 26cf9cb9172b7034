//! Organizations and their units: universities, enterprises, associations; campuses and plants below them.

mod http;
mod model;
mod store;

pub use http::{ApiDoc, routes};
pub use model::{NewOrganization, Organization, OrganizationId, OrganizationKind, OrganizationPatch};
pub use store::{all, below, by_code, check_provider, create, create_many, find, list, of_ids, remove_many, roots, update_many, verify};
