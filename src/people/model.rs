//! What a person is, and who is shown what of one.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::{AsChangeset, Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::Role,
    clock::{Instant, is_kept},
    db::types::text_enum,
    error::{Error, FieldFault},
    http::{
        Patched,
        body::{given, nullable, some_day},
    },
    id::Id,
    organizations::OrganizationId,
    schema::{affiliations, people},
    text::{Code, Email, Name, Phone, Title},
};

pub type PersonId = Id<Person>;
pub type AffiliationId = Id<Affiliation>;

/// As what a person is looked at; one person may be both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonKind {
    Trainee,
    Instructor,
}

text_enum! {
    /// How a person belongs to an organization.
    pub enum AffiliationKind {
        Staff => "staff",
        Alumnus => "alumnus",
        ExternalExpert => "external_expert",
    }
}

/// A person as stored, without the affiliations.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, AsChangeset, Serialize, ToSchema)]
#[diesel(table_name = people, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Person {
    pub id: PersonId,
    /// The organization that recorded the person first.
    pub provider_id: OrganizationId,
    #[schema(example = "欧阳旭")]
    pub name: Name,
    #[schema(example = "Ouyang Xu")]
    pub latin_name: Option<Name>,
    /// Null where there is none, and for those who are not shown it.
    #[schema(example = "+86 937 000 0000")]
    pub phone: Option<Phone>,
    /// Null where there is none, and for those who are not shown it.
    pub email: Option<Email>,
    pub trainee: bool,
    pub instructor: bool,
    /// Counts the changes; the ETag names it.
    pub version: i32,
    pub created_at: Instant,
    /// Since when nothing of the person changes any more, until they are erased.
    #[serde(skip)]
    pub restricted_at: Option<Instant>,
}

/// A person whose data is kept for a while only.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Serialize)]
pub struct Retained {
    pub id: PersonId,
    pub provider_id: OrganizationId,
    pub name: Name,
    pub restricted_at: Instant,
    /// The first day, at the provider, on which they may be erased.
    pub retained_until: NaiveDate,
    pub erased_at: Option<Instant>,
}

/// A person's dated post at an organization.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, Serialize, ToSchema)]
#[diesel(table_name = affiliations, treat_none_as_default_value = false)]
pub struct Affiliation {
    pub id: AffiliationId,
    #[serde(skip)]
    pub person_id: PersonId,
    /// The organization at the top.
    pub organization_id: OrganizationId,
    /// The unit within it, or the organization itself.
    pub unit_id: OrganizationId,
    pub kind: AffiliationKind,
    /// Unique in the organization while the affiliation has no end. Instructors are not shown it, nor title and dates.
    #[schema(example = "0061234")]
    pub employee_number: Option<Code>,
    #[schema(example = "高级工程师")]
    pub title: Option<Title>,
    pub from_date: Option<NaiveDate>,
    /// The first day on which it no longer holds.
    pub until_date: Option<NaiveDate>,
}

/// A person with the affiliations that have not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonDocument {
    #[serde(flatten)]
    pub person: Person,
    pub affiliations: Vec<Affiliation>,
}

/// A person to be recorded.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// The provider that records the person: the caller's own organization unless said.
    #[serde(default)]
    pub provider_id: Option<OrganizationId>,
    #[schema(example = "欧阳旭")]
    pub name: Name,
    #[serde(default)]
    #[schema(example = "Ouyang Xu")]
    pub latin_name: Option<Name>,
    #[serde(default)]
    pub phone: Option<Phone>,
    #[serde(default)]
    pub email: Option<Email>,
    #[serde(default)]
    pub affiliation: Option<NewAffiliation>,
}

/// A post to be recorded with its person.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAffiliation {
    /// An organization or a unit of one.
    pub organization_id: OrganizationId,
    #[serde(default = "staff")]
    pub kind: AffiliationKind,
    #[serde(default)]
    #[schema(example = "0061234")]
    pub employee_number: Option<Code>,
    #[serde(default)]
    pub title: Option<Title>,
    #[serde(default, deserialize_with = "some_day")]
    pub from_date: Option<NaiveDate>,
    /// The first day on which it no longer holds.
    #[serde(default, deserialize_with = "some_day")]
    pub until_date: Option<NaiveDate>,
}

const fn staff() -> AffiliationKind {
    AffiliationKind::Staff
}

/// A merge patch (RFC 7396) of what is the person's own.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonPatch {
    #[serde(default, deserialize_with = "given")]
    pub name: Option<Name>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Name>)]
    pub latin_name: Patched<Name>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Phone>)]
    pub phone: Patched<Phone>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Email>)]
    pub email: Patched<Email>,
}

/// What an import makes of an affiliation: another unit of the same organization, another title.
#[derive(Clone, Debug)]
pub struct PostPatch {
    pub affiliation_id: AffiliationId,
    pub unit_id: Option<OrganizationId>,
    pub title: Patched<Title>,
}

/// What an import makes of a person and of one of their affiliations; the default alters nothing.
#[derive(Clone, Debug, Default)]
pub struct Amendment {
    pub patch: PersonPatch,
    pub post: Option<PostPatch>,
    pub trainee: Option<bool>,
    pub instructor: Option<bool>,
}

/// Which people to list.
#[derive(Clone, Debug, Default)]
pub struct PersonFilter {
    /// Part of the name or the latin name; ASCII letters match in either case.
    pub part_of_name: Option<Name>,
    pub employee_number: Option<Code>,
}

/// The person behind an organization's employee number.
#[derive(Clone, Debug)]
pub struct Match {
    pub organization_id: OrganizationId,
    pub employee_number: Code,
    pub affiliation_id: AffiliationId,
    pub unit_id: OrganizationId,
    pub title: Option<Title>,
    pub person: Person,
}

impl PersonKind {
    /// What the journal calls the recording, the changing and the removing of such a person.
    pub(super) const fn actions(self) -> [&'static str; 3] {
        match self {
            Self::Trainee => ["trainee.created", "trainee.updated", "trainee.removed"],
            Self::Instructor => ["instructor.created", "instructor.updated", "instructor.removed"],
        }
    }

    /// The collection in the API.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Trainee => "trainees",
            Self::Instructor => "instructors",
        }
    }
}

impl Person {
    /// What the journal files the person under: an instructor who is also a trainee is filed as a trainee.
    pub(super) const fn kind(&self) -> PersonKind {
        if self.trainee { PersonKind::Trainee } else { PersonKind::Instructor }
    }

    /// Whether what reports show of the person differs.
    pub(super) fn is_called_otherwise(&self, before: &Self) -> bool {
        (&self.name, &self.latin_name) != (&before.name, &before.latin_name)
    }
}

impl PersonDocument {
    /// The document as `role` is shown it: an instructor sees names and units, but nobody's phone, e-mail address, employee number or
    /// title, except the own (DOMAIN 2.11). A partner sees only those it sponsors, so it is shown theirs. Of whoever is restricted the provider's
    /// own house alone is shown them.
    #[must_use]
    pub fn shown_to(mut self, role: Role, viewer: Option<PersonId>) -> Self {
        let shown = match role {
            Role::Administrator | Role::Operator | Role::Coordinator | Role::Auditor => true,
            Role::ClassAdviser | Role::Partner => self.person.restricted_at.is_none(),
            Role::Instructor | Role::Trainee => viewer == Some(self.person.id),
        };
        if !shown {
            self.person.phone = None;
            self.person.email = None;
            for affiliation in &mut self.affiliations {
                let Affiliation { employee_number, title, from_date, until_date, .. } = affiliation;
                (*employee_number, *title, *from_date, *until_date) = (None, None, None, None);
            }
        }
        self
    }
}

impl PersonPatch {
    /// What `person` becomes; equal to it if the patch alters nothing.
    pub fn apply(self, person: &Person) -> Person {
        let mut changed = person.clone();
        changed.name = self.name.unwrap_or(changed.name);
        changed.latin_name = self.latin_name.unwrap_or(changed.latin_name);
        changed.phone = self.phone.unwrap_or(changed.phone);
        changed.email = self.email.unwrap_or(changed.email);
        changed
    }
}

impl Amendment {
    /// What `person` becomes; equal to it if the amendment alters nothing of the person's own.
    pub fn apply(self, person: &Person) -> Person {
        let mut changed = self.patch.apply(person);
        changed.trainee = self.trainee.unwrap_or(changed.trainee);
        changed.instructor = self.instructor.unwrap_or(changed.instructor);
        changed
    }
}

impl PostPatch {
    /// What `affiliation` becomes; equal to it if the patch alters nothing.
    pub fn apply(self, affiliation: &Affiliation) -> Affiliation {
        let mut changed = affiliation.clone();
        changed.unit_id = self.unit_id.unwrap_or(changed.unit_id);
        changed.title = self.title.unwrap_or(changed.title);
        changed
    }
}

impl NewPerson {
    /// What is wrong with the dates of the affiliation.
    pub fn faults(&self) -> Vec<FieldFault> {
        let Some(new) = &self.affiliation else {
            return Vec::new();
        };
        let mut faults = Vec::new();
        for (field, date) in [("from_date", new.from_date), ("until_date", new.until_date)] {
            if date.is_some_and(|date| !is_kept(&date)) {
                faults.push(FieldFault::new(format!("/affiliation/{field}"), "year_out_of_range", Instant::OUTSIDE_YEARS));
            }
        }
        if let (Some(from), Some(until)) = (new.from_date, new.until_date)
            && until <= from
        {
            faults.push(FieldFault::new("/affiliation/until_date", "end_before_start", "must be after from_date"));
        }
        faults
    }
}

impl NewPerson {
    /// The rows of the person at `provider`; `roots` knows the organization at the top of every one that exists.
    ///
    /// # Errors
    /// 422 if the affiliation's organization is not in `roots`.
    pub(super) fn recorded(
        self,
        provider: OrganizationId,
        kind: PersonKind,
        now: Instant,
        roots: &HashMap<OrganizationId, OrganizationId>,
    ) -> Result<PersonDocument, Error> {
        let id = Id::generate();
        let person = Person {
            id,
            provider_id: provider,
            name: self.name,
            latin_name: self.latin_name,
            phone: self.phone,
            email: self.email,
            trainee: kind == PersonKind::Trainee,
            instructor: kind == PersonKind::Instructor,
            version: 1,
            created_at: now,
            restricted_at: None,
        };
        let Some(new) = self.affiliation else {
            return Ok(PersonDocument { person, affiliations: Vec::new() });
        };
        let root = roots
            .get(&new.organization_id)
            .ok_or_else(|| Error::invalid("/affiliation/organization_id", "unknown_organization", "there is no such organization"))?;
        let affiliation = Affiliation {
            id: Id::generate(),
            person_id: id,
            organization_id: *root,
            unit_id: new.organization_id,
            kind: new.kind,
            employee_number: new.employee_number,
            title: new.title,
            from_date: new.from_date,
            until_date: new.until_date,
        };
        Ok(PersonDocument { person, affiliations: vec![affiliation] })
    }
}

/// The title of the affiliation that lasts longest; one without an end lasts longest of all.
pub(super) fn latest_title(posts: Vec<Affiliation>) -> Option<Title> {
    let ends = |post: &Affiliation| post.until_date.unwrap_or(NaiveDate::MAX);
    posts.into_iter().filter(|post| post.title.is_some()).max_by_key(ends)?.title
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> PersonDocument {
        let person = Person {
            id: Id::generate(),
            provider_id: Id::generate(),
            name: "欧阳旭".parse().unwrap(),
            latin_name: None,
            phone: Some("1".parse().unwrap()),
            email: Some("a@example.org".parse().unwrap()),
            trainee: true,
            instructor: false,
            version: 1,
            created_at: Instant::from_unix_micros(0).unwrap(),
            restricted_at: None,
        };
        let affiliation = Affiliation {
            id: Id::generate(),
            person_id: person.id,
            organization_id: Id::generate(),
            unit_id: Id::generate(),
            kind: AffiliationKind::Staff,
            employee_number: Some("0061234".parse().unwrap()),
            title: Some("高级工程师".parse().unwrap()),
            from_date: NaiveDate::from_ymd_opt(2015, 7, 1),
            until_date: None,
        };
        PersonDocument { person, affiliations: vec![affiliation] }
    }

    #[test]
    fn an_instructor_sees_name_and_unit_and_all_of_the_own() {
        let document = person();
        for role in Role::ALL {
            let shown = document.clone().shown_to(*role, None);
            let hidden = matches!(role, Role::Instructor | Role::Trainee);
            assert_eq!((shown.person.phone.is_none(), shown.person.email.is_none()), (hidden, hidden), "{role}");
            let (post, own) = (&shown.affiliations[0], &document.affiliations[0]);
            let found = [post.employee_number.is_none(), post.title.is_none(), post.from_date.is_none()];
            assert_eq!((found, post.unit_id), ([hidden; 3], own.unit_id), "{role}");
            assert_eq!(document.clone().shown_to(*role, Some(document.person.id)), document, "{role}");
        }
    }

    #[test]
    fn a_patch_leaves_clears_and_sets() {
        let stored = person().person;
        assert_eq!(PersonPatch::default().apply(&stored), stored);
        let patch: PersonPatch = serde_json::from_str(r#"{"phone": null, "latin_name": "Ouyang Xu"}"#).unwrap();
        let changed = patch.apply(&stored);
        assert_eq!((changed.phone, changed.email), (None, stored.email));
        assert_eq!(changed.latin_name.unwrap().as_str(), "Ouyang Xu");
    }

    #[test]
    fn an_affiliation_ends_after_it_begins_and_in_a_plausible_year() {
        let new = |from: &str, until: &str| -> Vec<String> {
            let json = serde_json::json!({ "name": "a", "affiliation": {
                "organization_id": Id::<()>::generate(), "from_date": from, "until_date": until } });
            let new: NewPerson = serde_json::from_value(json).unwrap();
            new.faults().into_iter().map(|fault| fault.code).collect()
        };
        assert!(new("2020-05-27", "2020-05-28").is_empty());
        assert_eq!(new("2020-05-27", "2020-05-27"), ["end_before_start"]);
        assert_eq!(new("0020-05-27", "2020-05-27"), ["year_out_of_range"]);
    }
}
