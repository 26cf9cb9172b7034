//! What an erasure takes out of imports: what they found and how the file was called. How many rows it had, and its hash, stay.

use diesel::prelude::*;

use super::super::model::ImportId;
use crate::{
    db::{CHUNK, Conn, for_backend},
    error::Error,
    id::Id,
    journal::EntryId,
    schema::{erased_imports, evidence, import_effects, imports},
    text::ERASED,
};

/// The imports that wrote one of these things, or remember one of these texts in what they found.
pub fn touching(conn: &mut Conn, things: &[Id<()>], patterns: &[String]) -> Result<Vec<ImportId>, Error> {
    let mut found = Vec::new();
    for chunk in things.chunks(CHUNK) {
        let wrote = import_effects::table.filter(import_effects::subject_id.eq_any(chunk.to_vec()));
        found.extend(wrote.select(import_effects::import_id).distinct().load::<ImportId>(conn)?);
        let of_them: Vec<Id<crate::enrollments::Enrollment>> = chunk.iter().map(|id| id.cast()).collect();
        let seen = evidence::table.filter(evidence::enrollment_id.eq_any(of_them));
        found.extend(seen.select(evidence::import_id).distinct().load::<ImportId>(conn)?);
    }
    for pattern in patterns {
        let remembering = import_effects::table.filter(import_effects::before_values.assume_not_null().like(pattern).escape('\\'));
        found.extend(remembering.select(import_effects::import_id).distinct().load::<ImportId>(conn)?);
        let called = imports::table.filter(imports::file_name.like(pattern).escape('\\'));
        found.extend(called.select(imports::id).load::<ImportId>(conn)?);
    }
    found.sort_unstable();
    found.dedup();
    // What an earlier erasure went through says nothing any more.
    let over: Vec<ImportId> = erased_imports::table.select(erased_imports::import_id).load(conn)?;
    found.retain(|id| !over.contains(id));
    Ok(found)
}

/// Takes out what these imports found and how their files were called, so that they cannot be taken back any more.
pub fn forget(conn: &mut Conn, erasure: EntryId, ids: &[ImportId]) -> Result<(), Error> {
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<_> = chunk.iter().map(|id| (erased_imports::import_id.eq(*id), erased_imports::erasure_id.eq(erasure))).collect();
        for_backend!(conn, |c| diesel::insert_into(erased_imports::table).values(rows).execute(c))?;
        let found = import_effects::table.filter(import_effects::import_id.eq_any(chunk.to_vec()));
        diesel::update(found.filter(import_effects::before_values.is_not_null()))
            .set(import_effects::before_values.eq(None::<String>))
            .execute(conn)?;
        diesel::update(imports::table.filter(imports::id.eq_any(chunk.to_vec()))).set(imports::file_name.eq(ERASED)).execute(conn)?;
    }
    Ok(())
}

/// Whether an erasure has gone through an import.
pub(in crate::imports) fn is_erased(conn: &mut Conn, id: ImportId) -> Result<bool, Error> {
    Ok(erased_imports::table.filter(erased_imports::import_id.eq(id)).count().get_result::<i64>(conn)? > 0)
}
