//! The organizations that a cell can name.

use std::collections::HashMap;

use super::columns::CellFault;
use crate::organizations::{Organization, OrganizationId};

/// All organizations that the actor sees, by code, by name and by Latin name.
pub(in crate::imports) struct Directory {
    all: Vec<Organization>,
    by_code: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
    by_id: HashMap<OrganizationId, usize>,
}

impl Directory {
    pub(in crate::imports) fn of(all: Vec<Organization>) -> Self {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, one) in all.iter().enumerate() {
            by_name.entry(folded(one.name.as_str())).or_default().push(index);
            if let Some(latin) =
                one.latin_name.as_ref().map(|name| folded(name.as_str())).filter(|latin| *latin != folded(one.name.as_str()))
            {
                by_name.entry(latin).or_default().push(index);
            }
        }
        let by_code = all.iter().enumerate().map(|(index, one)| (one.code.as_str().to_owned(), index)).collect();
        let by_id = all.iter().enumerate().map(|(index, one)| (one.id, index)).collect();
        Self { all, by_code, by_name, by_id }
    }

    pub(in crate::imports) fn by_id(&self, id: OrganizationId) -> Option<&Organization> {
        self.all.get(*self.by_id.get(&id)?)
    }

    /// An organization and those above it.
    pub(in crate::imports) fn above(&self, id: OrganizationId) -> Vec<OrganizationId> {
        std::iter::successors(self.by_id(id), |one| self.by_id(one.parent_id?)).map(|one| one.id).collect()
    }

    pub(in crate::imports) fn by_code(&self, code: &str) -> Option<&Organization> {
        self.all.get(*self.by_code.get(code)?)
    }

    /// The organization or unit that a cell names: by its code, else by its name if no other is called so.
    pub(in crate::imports) fn named(&self, text: &str) -> Result<&Organization, CellFault> {
        if let Some(one) = self.by_code(text) {
            return Ok(one);
        }
        let found = self.by_name.get(&folded(text)).map_or(&[][..], Vec::as_slice);
        match found {
            [one] => self.all.get(*one).ok_or_else(|| unknown(text)),
            [] => Err(unknown(text)),
            several => {
                let codes: Vec<&str> = several.iter().filter_map(|index| self.all.get(*index)).map(|one| one.code.as_str()).collect();
                let detail = format!("several organizations are called `{text}`; write the code: {}", codes.join(", "));
                Err(CellFault::new("organization_ambiguous", detail))
            }
        }
    }
}

fn unknown(text: &str) -> CellFault {
    CellFault::new("unknown_organization", format!("no organization has the code or the name `{text}`"))
}

/// A name as names are compared: without case and blanks.
pub(super) fn folded(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}
