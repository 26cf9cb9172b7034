//! What a row of a schedule changes of a session that is there.

use super::{Facts, Frame, Row, RowChange, Stored, instructors};
use crate::{
    intakes::{CohortId, SessionMode},
    people::PersonId,
    programs::ModuleId,
    rooms::RoomId,
    schedule::{NewSession, SessionPatch},
    text::counted,
};

/// The patch that the row amounts to, and the same for people to read.
pub(super) fn differences(said: &Row, stored: &Stored, frame: &Frame, facts: &Facts) -> (SessionPatch, Vec<RowChange>) {
    let (mut patch, mut what) = (SessionPatch::default(), Vec::new());
    let (row, zone) = (&stored.row, frame.intake.time_zone);
    if said.module != row.module_id {
        patch.module_id = Some(said.module);
        let code = |id: ModuleId| frame.modules.iter().find(|one| one.id == id).map(|one| &one.code);
        what.push(RowChange::new("module", code(row.module_id), code(said.module)));
    }
    if said.starts_at != row.starts_at {
        patch.starts_at = Some(said.starts_at.into());
        what.push(RowChange::new("start", Some(zone.told(row.starts_at)), Some(zone.told(said.starts_at))));
    }
    if said.ends_at != row.ends_at {
        patch.ends_at = Some(said.ends_at.into());
        what.push(RowChange::new("end", Some(zone.told(row.ends_at)), Some(zone.told(said.ends_at))));
    }
    if let Some(minutes) = said.break_minutes.filter(|minutes| *minutes != row.break_minutes) {
        patch.break_minutes = Some(minutes);
        what.push(RowChange::new("break", Some(row.break_minutes), Some(minutes)));
    }
    if let Some(mode) = said.mode.filter(|mode| *mode != row.mode) {
        patch.mode = Some(mode);
        what.push(RowChange::new("mode", Some(row.mode), Some(mode)));
    }
    // Only what is recorded has a length, and it has no room: what becomes so or no longer is loses the other.
    let is_recorded = said.mode.unwrap_or(row.mode) == SessionMode::Recorded;
    let length = said.length_minutes.or(row.length_minutes.filter(|_| is_recorded));
    if length != row.length_minutes {
        patch.length_minutes = Some(length);
        what.push(RowChange::new("length", row.length_minutes, length));
    }
    let room = said.room.or(row.room_id.filter(|_| !is_recorded));
    if room != row.room_id {
        patch.room_id = Some(room);
        let code = |id: RoomId| frame.rooms.iter().find(|one| one.id == id).map(|one| &one.code);
        what.push(RowChange::new("room", row.room_id.and_then(code), room.and_then(code)));
    }
    if said.place.is_some() && said.place != row.place {
        patch.place = Some(said.place.clone());
        what.push(RowChange::new("place", row.place.as_ref(), said.place.as_ref()));
    }
    let mut cohorts = stored.cohorts.clone();
    cohorts.sort_unstable();
    if said.cohorts != cohorts {
        what.push(RowChange::new("cohorts", Some(cohort_codes(&cohorts, frame)), Some(cohort_codes(&said.cohorts, frame))));
        patch.cohort_ids = Some(said.cohorts.clone());
    }
    let taught_by = instructors(&said.instructors, facts);
    if !taught_by.is_empty() && taught_by != stored.instructors {
        let count = |ids: &[PersonId]| counted(ids.len(), "instructor");
        let (from, to) = (numbers(&stored.instructors, facts), numbers(&taught_by, facts));
        what.push(RowChange::new("instructors", Some(from.unwrap_or_else(|| count(&stored.instructors))), to));
        patch.instructor_ids = Some(taught_by);
    }
    (patch, what)
}

fn cohort_codes(ids: &[CohortId], frame: &Frame) -> String {
    let codes = ids.iter().filter_map(|id| frame.cohorts.iter().find(|one| one.id == *id)).map(|one| one.code.as_str());
    codes.collect::<Vec<_>>().join("; ")
}

/// The employee numbers, if the file knows them all.
fn numbers(ids: &[PersonId], facts: &Facts) -> Option<String> {
    let number = |id: &PersonId| facts.instructors.iter().find(|(_, known)| *known == id).map(|(number, _)| number.as_str());
    Some(ids.iter().map(number).collect::<Option<Vec<_>>>()?.join("; "))
}

/// The session as it will be.
pub(super) fn merged(stored: &Stored, patch: &SessionPatch) -> NewSession {
    let row = &stored.row;
    NewSession {
        code: row.code.clone(),
        module_id: patch.module_id.unwrap_or(row.module_id),
        mode: Some(patch.mode.unwrap_or(row.mode)),
        starts_at: patch.starts_at.unwrap_or(row.starts_at.into()),
        ends_at: patch.ends_at.unwrap_or(row.ends_at.into()),
        break_minutes: patch.break_minutes.unwrap_or(row.break_minutes),
        length_minutes: patch.length_minutes.unwrap_or(row.length_minutes),
        room_id: patch.room_id.unwrap_or(row.room_id),
        place: patch.place.clone().unwrap_or_else(|| row.place.clone()),
        cohort_ids: patch.cohort_ids.clone().unwrap_or_else(|| stored.cohorts.clone()),
        instructor_ids: patch.instructor_ids.clone().unwrap_or_else(|| stored.instructors.clone()),
    }
}
