//! Whether a row and the register speak of the same person, and what the row would change.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Directory, Reason, RowChange, Verdict};
use crate::{
    organizations::OrganizationId,
    people::{AffiliationId, Amendment, Match, NewAffiliation, NewPerson, PersonId, PersonKind, PersonPatch, PostPatch},
    text::{Code, Email, Name, Phone, Title},
};

/// What a row says of a person. What it leaves out stays as it is.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Said {
    pub(in crate::imports) name: Name,
    pub(in crate::imports) latin_name: Option<Name>,
    pub(in crate::imports) employee_number: Code,
    /// The organization at the top, and the unit in it or itself again.
    pub(in crate::imports) organization: OrganizationId,
    pub(in crate::imports) unit: OrganizationId,
    pub(in crate::imports) title: Option<Title>,
    pub(in crate::imports) phone: Option<Phone>,
    pub(in crate::imports) email: Option<Email>,
}

impl Said {
    /// What people are matched by.
    pub(in crate::imports) fn key(&self) -> (OrganizationId, Code) {
        (self.organization, self.employee_number.clone())
    }

    pub(in crate::imports) fn new_person(&self, provider: OrganizationId) -> NewPerson {
        NewPerson {
            provider_id: Some(provider),
            name: self.name.clone(),
            latin_name: self.latin_name.clone(),
            phone: self.phone.clone(),
            email: self.email.clone(),
            affiliation: Some(NewAffiliation {
                organization_id: self.unit,
                kind: crate::people::AffiliationKind::Staff,
                employee_number: Some(self.employee_number.clone()),
                title: self.title.clone(),
                from_date: None,
                until_date: None,
            }),
        }
    }
}

/// Who has an employee number.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Known {
    pub(in crate::imports) found: Match,
    /// Whether the provider created or enrolled them, and so may see and change them.
    pub(in crate::imports) editable: bool,
}

/// The people behind the employee numbers of a file.
pub(in crate::imports) type Registered = HashMap<(OrganizationId, Code), Known>;

/// A person as an import found them, to be restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::imports) struct PersonBefore {
    pub(in crate::imports) name: Name,
    pub(in crate::imports) latin_name: Option<Name>,
    pub(in crate::imports) phone: Option<Phone>,
    pub(in crate::imports) email: Option<Email>,
    pub(in crate::imports) trainee: bool,
    pub(in crate::imports) instructor: bool,
    pub(in crate::imports) affiliation_id: AffiliationId,
    pub(in crate::imports) unit_id: OrganizationId,
    pub(in crate::imports) title: Option<Title>,
}

impl PersonBefore {
    pub(in crate::imports) fn of(found: &Match) -> Self {
        let person = found.person.clone();
        Self {
            name: person.name,
            latin_name: person.latin_name,
            phone: person.phone,
            email: person.email,
            trainee: person.trainee,
            instructor: person.instructor,
            affiliation_id: found.affiliation_id,
            unit_id: found.unit_id,
            title: found.title.clone(),
        }
    }

    /// What makes the person so again. Whoever has been enrolled or teaches since stays what that makes them.
    pub(in crate::imports) fn restoring(self, is_used: bool) -> Amendment {
        Amendment {
            patch: PersonPatch {
                name: Some(self.name),
                latin_name: Some(self.latin_name),
                phone: Some(self.phone),
                email: Some(self.email),
            },
            post: Some(PostPatch { affiliation_id: self.affiliation_id, unit_id: Some(self.unit_id), title: Some(self.title) }),
            trainee: Some(self.trainee).filter(|_| !is_used),
            instructor: Some(self.instructor).filter(|_| !is_used),
        }
    }
}

/// Whom a row speaks of.
#[derive(Clone, Debug)]
pub(in crate::imports) enum Recognized {
    /// Nobody has this number.
    New,
    /// This person, of whom the row would change something or nothing.
    Same { id: PersonId, what: Vec<RowChange>, amendment: Option<Box<Amended>> },
    /// Only a person can tell.
    Doubtful(Verdict, Reason),
}

/// A known person and what a row makes of them.
#[derive(Clone, Debug)]
pub(in crate::imports) struct Amended {
    pub(in crate::imports) found: Match,
    pub(in crate::imports) amendment: Amendment,
}

/// Whom `said` speaks of. Of a person whom the provider may not see it tells nothing but that the number is taken.
pub(in crate::imports) fn recognize(said: &Said, known: Option<&Known>, kind: PersonKind, directory: &Directory) -> Recognized {
    let Some(known) = known else {
        return Recognized::New;
    };
    if !known.editable {
        let reason = Reason::of("employee_number", "employee_number_taken", "this employee number is taken in that organization");
        return Recognized::Doubtful(Verdict::NeedsReview, reason);
    }
    let person = &known.found.person;
    if person.restricted_at.is_some() {
        let reason = Reason::of(
            "employee_number",
            "person_restricted",
            "whoever has this employee number is restricted, and is not changed or enrolled",
        );
        return Recognized::Doubtful(Verdict::NeedsReview, reason);
    }
    let alike = are_alike(&said.name, &person.name)
        || said.latin_name.as_ref().zip(person.latin_name.as_ref()).is_some_and(|(said, stored)| are_alike(said, stored));
    if !alike {
        let detail =
            format!("the register has {} under this employee number; if it was given anew, end the old affiliation first", person.name);
        return Recognized::Doubtful(Verdict::NeedsReview, Reason::of("name", "another_person", detail));
    }
    let (what, amendment) = differences(said, &known.found, kind, directory);
    let amendment = (!what.is_empty()).then(|| Box::new(Amended { found: known.found.clone(), amendment }));
    Recognized::Same { id: person.id, what, amendment }
}

/// What `said` would change of whom it was found to speak of.
fn differences(said: &Said, found: &Match, kind: PersonKind, directory: &Directory) -> (Vec<RowChange>, Amendment) {
    let person = &found.person;
    let mut what = Vec::new();
    let mut amendment = Amendment::default();
    if said.name != person.name {
        what.push(RowChange::new("name", Some(&person.name), Some(&said.name)));
        amendment.patch.name = Some(said.name.clone());
    }
    if let Some(new) = differing(said.latin_name.as_ref(), person.latin_name.as_ref()) {
        what.push(RowChange::new("latin_name", person.latin_name.as_ref(), Some(new)));
        amendment.patch.latin_name = Some(Some(new.clone()));
    }
    if let Some(new) = differing(said.phone.as_ref(), person.phone.as_ref()) {
        what.push(RowChange::new("phone", person.phone.as_ref(), Some(new)));
        amendment.patch.phone = Some(Some(new.clone()));
    }
    if let Some(new) = differing(said.email.as_ref(), person.email.as_ref()) {
        what.push(RowChange::new("email", person.email.as_ref().map(Email::as_str), Some(new.as_str())));
        amendment.patch.email = Some(Some(new.clone()));
    }
    // A row that names only the organization at the top does not take anybody out of their unit.
    let unit = Some(said.unit).filter(|unit| *unit != found.unit_id && *unit != said.organization);
    let title = differing(said.title.as_ref(), found.title.as_ref());
    if unit.is_some() || title.is_some() {
        let code = |id: OrganizationId| directory.by_id(id).map(|one| one.code.clone());
        what.extend(unit.map(|unit| RowChange::new("organization", code(found.unit_id), code(unit))));
        what.extend(title.map(|title| RowChange::new("title", found.title.as_ref(), Some(title))));
        amendment.post = Some(PostPatch { affiliation_id: found.affiliation_id, unit_id: unit, title: title.cloned().map(Some) });
    }
    match kind {
        PersonKind::Trainee if !person.trainee => {
            what.push(RowChange::new("trainee", Some(false), Some(true)));
            amendment.trainee = Some(true);
        }
        PersonKind::Instructor if !person.instructor => {
            what.push(RowChange::new("instructor", Some(false), Some(true)));
            amendment.instructor = Some(true);
        }
        PersonKind::Trainee | PersonKind::Instructor => {}
    }
    (what, amendment)
}

/// What a row says, if it says anything and the register says otherwise.
pub(super) fn differing<'a, T: PartialEq>(said: Option<&'a T>, stored: Option<&T>) -> Option<&'a T> {
    said.filter(|said| Some(*said) != stored)
}

/// Whether two names can be those of one person: they share a character of a script without spaces, or a word of another one.
/// A name that shares nothing is that of somebody to whom the number was given anew.
fn are_alike(one: &Name, other: &Name) -> bool {
    let (one, other) = (parts(one.as_str()), parts(other.as_str()));
    one.iter().any(|part| other.contains(part))
}

/// The words of a name; of scripts in which names are written without spaces, the characters.
fn parts(name: &str) -> HashSet<String> {
    let mut parts = HashSet::new();
    let mut word = String::new();
    for c in name.chars() {
        let is_ideograph =
            matches!(c, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFD}');
        if c.is_alphanumeric() && !is_ideograph {
            word.extend(c.to_lowercase());
            continue;
        }
        parts.insert(std::mem::take(&mut word));
        if is_ideograph {
            parts.insert(c.to_string());
        }
    }
    parts.insert(word);
    parts.remove("");
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(one: &str, other: &str) -> bool {
        are_alike(&one.parse().unwrap(), &other.parse().unwrap())
    }

    #[test]
    fn a_name_that_shares_nothing_is_somebody_elses() {
        assert!(alike("李延军", "李彦军"));
        assert!(alike("欧阳旭", "欧阳 旭"));
        assert!(alike("Li Yanjun", "LI, Yan-Jun"));
        assert!(alike("阿依古丽·买买提", "买买提"));
        assert!(!alike("黎彦军", "王芳"));
        assert!(!alike("Li Na", "Zhang Wei"));
        assert!(!alike("黎彦军", "Li Yanjun"));
    }
}
