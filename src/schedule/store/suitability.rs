//! Whether it is said where proposed sessions take place, and whether that suits them: told only.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::{
    super::candidates::{Candidate, Candidates},
    super::conflicts::{Conflict, ConflictKind, Subject},
    super::expected::{Enrolled, Invited},
    super::plan::Plan,
    expected::placed,
};
use crate::{
    db::{CHUNK, Conn},
    error::Error,
    intakes::SessionMode,
    rooms::{RoomId, RoomKind},
    schema::rooms as room_rows,
    text::Name,
};

/// Sessions that say neither room nor place, and those that do not suit their rooms: where people come, but the room is an online place;
/// where one takes part online, but nothing says where one joins; and for more trainees than it holds, by whoever is enrolled in their
/// cohorts then, and guests.
pub(super) fn unsuited(conn: &mut Conn, candidates: &Candidates, invited: &Invited) -> Result<Vec<(usize, Conflict)>, Error> {
    let rooms = rooms_of(conn, candidates.all.iter().filter_map(|one| one.plan.room_id).collect())?;
    let room_of = |one: &Candidate| one.plan.room_id.and_then(|id| rooms.get(&id));
    let inside: Vec<(usize, &Candidate, &RoomOf)> =
        candidates.all.iter().enumerate().filter_map(|(index, one)| Some((index, one, room_of(one)?))).collect();
    let bounded = || inside.iter().filter(|(_, _, room)| room.capacity.is_some()).map(|(_, one, _)| one);
    let placed = placed(conn, bounded().flat_map(|one| one.plan.cohort_ids.iter().copied()).collect())?;
    let expected_in = |one: &Candidate| {
        let is_in = |placed: &&Enrolled| placed.owes(&one.plan.cohort_ids, one.plan.starts_at);
        placed.iter().filter(is_in).count() + invited.guests(one).count()
    };
    let mut conflicts: Vec<(usize, Conflict)> = candidates.all.iter().enumerate().filter_map(nowhere).collect();
    for (index, one, room) in inside {
        let Plan { code, mode, place, .. } = &one.plan;
        let people_come = matches!(mode, SessionMode::OnSite | SessionMode::Mixed);
        let mut warn = |kind, detail| {
            conflicts.push((index, one.warning(kind, vec![room.subject.clone()], detail)));
        };
        match room.kind {
            // Where else they meet, or join, a place says in words.
            RoomKind::Online if people_come && place.is_none() => {
                let detail = format!("people come to session {code}, and {} is an online place; say where they meet", room.subject.name);
                warn(ConflictKind::RoomKind, detail);
            }
            RoomKind::OnSite if matches!(mode, SessionMode::LiveOnline | SessionMode::Mixed) && place.is_none() => {
                let online = if *mode == SessionMode::Mixed { "mixed" } else { "live online" };
                let detail =
                    format!("session {code} is {online}, and {} is no online place; say in `place` where one joins", room.subject.name);
                warn(ConflictKind::RoomKind, detail);
            }
            RoomKind::Online | RoomKind::OnSite => {}
        }
        // The trainees of a session that is taught online from a hall are not in it.
        if let Some(capacity) = room.capacity.filter(|_| people_come || room.kind == RoomKind::Online) {
            let expected = expected_in(one);
            if expected > capacity {
                let detail = format!("session {code} is for {expected} trainees; the room {} holds {capacity}", room.subject.name);
                warn(ConflictKind::RoomCapacity, detail);
            }
        }
    }
    Ok(conflicts)
}

/// What is recorded one takes part in wherever one is.
fn nowhere((index, one): (usize, &Candidate)) -> Option<(usize, Conflict)> {
    let Plan { code, mode, room_id: None, place: None, .. } = &one.plan else {
        return None;
    };
    let wanted = match mode {
        SessionMode::Recorded => return None,
        SessionMode::OnSite => "where one goes",
        SessionMode::LiveOnline => "where one joins",
        SessionMode::Mixed => "where one goes or joins",
    };
    Some((index, one.warning(ConflictKind::NoPlace, Vec::new(), format!("session {code} has neither room nor place; say {wanted}"))))
}

struct RoomOf {
    subject: Subject,
    kind: RoomKind,
    capacity: Option<usize>,
}

fn rooms_of(conn: &mut Conn, ids: BTreeSet<RoomId>) -> Result<HashMap<RoomId, RoomOf>, Error> {
    let ids: Vec<RoomId> = ids.into_iter().collect();
    let mut rooms = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(RoomId, Name, RoomKind, Option<i32>)> = room_rows::table
            .filter(room_rows::id.eq_any(chunk.to_vec()))
            .select((room_rows::id, room_rows::name, room_rows::kind, room_rows::capacity))
            .load(conn)?;
        rooms.extend(rows.into_iter().map(|(id, name, kind, capacity)| {
            let capacity = capacity.and_then(|capacity| usize::try_from(capacity).ok());
            (id, RoomOf { subject: Subject::of(id, name), kind, capacity })
        }));
    }
    Ok(rooms)
}
