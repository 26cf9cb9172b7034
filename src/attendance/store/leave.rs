//! Closed lines that leave has overtaken: granted or withdrawn after they were posted.

use diesel::{dsl::exists, prelude::*};

use super::super::{
    absence::covered,
    model::{Attendance, RollCallState, Times},
};
use crate::{
    db::{CHUNK, Conn},
    enrollments::EnrollmentId,
    error::Error,
    intakes::SessionMode,
    leave::granted_to,
    schedule::{SessionId, SessionRow},
    schema::{attendances, guests, roll_calls, sessions},
};

/// The closed sessions in which leave covers another part of what these enrollments missed than it did when they were closed. A roll call that
/// has been reopened counts leave when it is closed again.
pub fn unlike_leave(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<Vec<(EnrollmentId, SessionId)>, Error> {
    let granted = granted_to(conn, ids)?;
    let away: Vec<EnrollmentId> = granted.keys().copied().collect();
    let mut unlike = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let owed = diesel::dsl::not(exists(
            guests::table
                .filter(guests::session_id.eq(attendances::session_id))
                .filter(guests::enrollment_id.eq(attendances::enrollment_id)),
        ));
        let lines: Vec<(Attendance, SessionRow)> = attendances::table
            .inner_join(roll_calls::table.on(roll_calls::session_id.eq(attendances::session_id)))
            .inner_join(sessions::table.on(sessions::id.eq(attendances::session_id)))
            .filter(attendances::enrollment_id.eq_any(chunk.to_vec()))
            .filter(roll_calls::state.eq(RollCallState::Closed))
            .filter(sessions::mode.ne(SessionMode::Recorded))
            .filter(attendances::leave_minutes.is_not_null().or(attendances::enrollment_id.eq_any(away.clone())))
            .filter(owed)
            .select((Attendance::as_select(), SessionRow::as_select()))
            .load(conn)?;
        let differs = |(line, session): &(Attendance, SessionRow)| {
            let leave = granted.get(&line.enrollment_id).map_or(&[][..], Vec::as_slice);
            covered(Times::of(session), line, leave) != line.leave_minutes.unwrap_or(0)
        };
        unlike.extend(lines.iter().filter(|line| differs(line)).map(|(line, session)| (line.enrollment_id, session.id)));
    }
    Ok(unlike)
}
