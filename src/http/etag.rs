//! Entity tags (RFC 9110 section 8.8.3).

use std::fmt;

use sha2::{Digest, Sha256};

/// An entity tag, with its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of a resource at `version`; the version counts its changes.
    pub fn version(version: i32) -> Self {
        Self(format!("\"v{version}\""))
    }

    /// The weak tag of what is determined by `parts` (versions, scope, query, media type; or all facts that are told). Weak, because of a
    /// report the instant in the body differs from one answer to the next while nothing else does.
    pub fn weak(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let hash = hex::encode(hash.finalize());
        Self(format!("W/\"{}\"", hash.get(..32).unwrap_or(&hash)))
    }

    /// The tag of a resource at a version, shown as `body`: a body holds what the version does not count (a name, a count of seats, what
    /// a role is not shown), so the tag that spares an answer names both. `If-Match` looks at the version alone.
    pub(super) fn shown_as(&self, body: &str) -> Self {
        let hash = hex::encode(Sha256::digest(body));
        Self(format!("{}-{}\"", self.0.trim_end_matches('"'), hash.get(..16).unwrap_or(&hash)))
    }

    /// Without what [`ETag::shown_as`] added.
    fn of_version(&self) -> &str {
        self.0.split('-').next().unwrap_or_default().trim_end_matches('"')
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tags of an `If-Match` or `If-None-Match` header; weak ones are taken as strong, for proxies weaken what they compress.
pub(super) fn list(header: &str) -> Vec<ETag> {
    header.split(',').map(|tag| ETag(tag.trim().to_owned())).collect()
}

/// Whether there is `*` and no tag beside it, which whatever exists meets.
pub(super) fn names_any(known: &[ETag]) -> bool {
    matches!(known, [one] if one.0 == "*")
}

/// Whether one of the tags of an `If-Match` header names the version of `current`.
pub(super) fn names_version(known: &[ETag], current: &ETag) -> bool {
    names_any(known) || known.iter().any(|tag| tag.of_version().trim_start_matches("W/") == current.of_version())
}

pub(super) fn matches(known: &[ETag], current: &ETag) -> bool {
    let opaque = |tag: &ETag| tag.0.trim_start_matches("W/").to_owned();
    names_any(known) || known.iter().any(|tag| opaque(tag) == opaque(current))
}
