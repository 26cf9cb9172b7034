//! Sessions held, roll calls put, closed and reopened, files of who was in the meeting, guests, and hours adjusted.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Run, SESSIONS, clock, judge, pick,
    plain::{Adjustment, File, Line, Member, Number, Session, Span},
    signed,
};
use crate::support::{Random, seed};

/// As seconds of the day in the files of a meeting provider, in Shanghai.
fn local(at: i64) -> String {
    clock(at + 8 * 3600).replace('T', " ").replace('Z', "")
}

/// The same pieces, none of them within or next to another, as they are shown.
fn united(pieces: &[Span]) -> Vec<Span> {
    let mut pieces = pieces.to_vec();
    pieces.sort_unstable();
    let mut united: Vec<Span> = Vec::new();
    for (from, until) in pieces {
        match united.last_mut().filter(|last| from <= last.1) {
            Some(last) => last.1 = last.1.max(until),
            None => united.push((from, until)),
        }
    }
    united
}

impl Run {
    /// As planned, or begun and ended at other times, with breaks.
    pub(super) fn hold(&mut self, random: &mut Random, number: Number) -> String {
        let session = &mut self.world.sessions[number];
        let path = format!("/sessions/{}/hold", session.id);
        let (mut span, mut breaks, mut body) = (session.span, 0, json!({}));
        if random.below(2) == 0 && !session.is_recorded {
            span = (span.0 + 60 * (signed(random.below(16)) - 7), span.1 + 60 * (signed(random.below(16)) - 7));
            breaks = signed(random.below(6));
            body = json!({ "starts_at": clock(span.0), "ends_at": clock(span.1), "break_minutes": breaks, "difference_reason": "fog" });
        }
        let reply = self.course.coordinator.post(&path, body);
        if session.is_held {
            reply.expect(409).problem("illegal_transition");
            return format!("{number} is held already");
        }
        reply.expect(200);
        session.minutes = if session.is_recorded { session.minutes } else { (span.1 - span.0) / 60 - breaks };
        (session.span, session.is_held) = (span, true);
        format!("{number} held in {span:?} with {breaks} minutes of breaks")
    }

    /// Pieces of a session in which somebody was there, to the second, some of them beyond it.
    fn pieces(&self, random: &mut Random, number: Number) -> Vec<Span> {
        let (from, until) = self.world.sessions[number].span;
        let (from, until) = if random.below(2) == 0 { (from, until) } else { (from, from + 1500) };
        let mut cuts: Vec<i64> = (0..2 * (1 + random.below(3)))
            .map(|_| from - 300 + signed(random.below(usize::try_from(until - from + 600).unwrap())))
            .collect();
        cuts.sort_unstable();
        cuts.dedup();
        cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    }

    fn some_line(&self, random: &mut Random, number: Number, member: Member) -> Line {
        let session = &self.world.sessions[number];
        if let Some(line) = session.lines.get(&member).filter(|line| line.by_evidence && random.below(3) > 0) {
            return Line { code: if session.is_recorded { "left_early" } else { "late" }, ..line.clone() };
        }
        let codes = ["present", "late", "left_early", "absent", "absent", "excused", "exempt"];
        // A guest owes nothing that could be excused.
        let code = codes[random.below(if self.world.is_guest(member, number) { 5 } else { 7 })];
        let pieces = self.pieces(random, number);
        match code {
            "present" | "absent" => Line::of(code, 0),
            _ if random.below(3) == 0 && !pieces.is_empty() => Line::there(code, pieces),
            _ => Line::of(code, signed(random.below(usize::try_from(session.minutes).unwrap() + 1))),
        }
    }

    fn sent(&self, member: Member, line: &Line) -> Value {
        let segment = |(from, until): &Span| json!({ "starts_at": clock(*from), "ends_at": clock(*until) });
        let mut sent = json!({ "enrollment_id": self.world.places[member].id, "code": line.code });
        match &line.there {
            Some(there) => sent["segments"] = united(there).iter().map(segment).collect(),
            None if matches!(line.code, "present" | "absent") => {}
            None => sent["minutes"] = json!(line.minutes),
        }
        sent
    }

    /// Calls the class, now and then without somebody.
    pub(super) fn put(&mut self, random: &mut Random, number: Number) -> String {
        let whole = random.below(3) > 0;
        self.call(random, number, whole)
    }

    fn call(&mut self, random: &mut Random, number: Number, whole: bool) -> String {
        let class = self.world.class(number);
        let mut called: Vec<(Member, Line)> = Vec::new();
        for member in class.iter().copied() {
            if whole || random.below(5) > 0 {
                called.push((member, self.some_line(random, number, member)));
            }
        }
        let lines: Vec<Value> = called.iter().map(|(member, line)| self.sent(*member, line)).collect();
        let session = &mut self.world.sessions[number];
        let reply = seed::put_roll_call(&self.course, &session.id, &lines);
        let told = format!("put {number}: {}", called.iter().map(|(member, line)| format!("{member} {} ", line.code)).collect::<String>());
        if session.state == "closed" {
            reply.expect(409).problem("roll_call_closed");
            return format!("{told}: refused");
        }
        let is_left_out = |member: &Member| {
            session.lines.contains_key(member) && !called.iter().any(|(one, _)| one == member) && !session.is_in_a_file(*member)
        };
        if session.closings > 0 && class.iter().any(is_left_out) {
            reply.fault("/entries", "called_before");
            return format!("{told}: refused, for somebody is left out");
        }
        if session.state == "not_open" {
            session.state = "open";
        }
        assert_eq!(reply.expect(200).body["state"], session.state);
        let before = std::mem::replace(&mut session.lines, called.into_iter().collect());
        // Whom it leaves out is called by what files say of them.
        class.into_iter().for_each(|member| session.call_by_evidence(member));
        for (member, line) in &mut session.lines {
            line.leave = before.get(member).map_or(0, |line| line.leave);
        }
        told
    }

    pub(super) fn close(&mut self, number: Number) -> String {
        let session = &self.world.sessions[number];
        let explained = self.course.coordinator.get(&format!("/sessions/{}/roll-call/explain", session.id)).expect(200).body;
        let reply = seed::step_roll_call(&self.course, &session.id, "close", None);
        if session.state != "closed" {
            // What a closing is refused for is told before.
            let told = explained["obstacles"].as_array().unwrap().first().map(|obstacle| &obstacle["code"]);
            assert_eq!(told, (reply.status != 200).then(|| &reply.body["code"]), "{}", reply.text);
        }
        let refused = |code: &str| {
            reply.clone().expect(409).problem(code);
            format!("close {number}: {code}")
        };
        if matches!(session.state, "closed" | "not_open") {
            return refused("illegal_transition");
        }
        if !session.is_held {
            return refused("session_not_held");
        }
        if self.world.class(number).iter().any(|member| !session.lines.contains_key(member)) {
            return refused("roll_call_incomplete");
        }
        let mut world = self.world.clone();
        if world.close(number).is_none() {
            return refused("minutes_do_not_fit");
        }
        if !world.is_covered() {
            return refused("hours_out_of_bounds");
        }
        reply.expect(200);
        self.world = world;
        format!("close {number}")
    }

    pub(super) fn reopen(&mut self, number: Number) -> String {
        let session = &mut self.world.sessions[number];
        let reply = seed::step_roll_call(&self.course, &session.id, "reopen", Some("at random"));
        judge(&reply, session.state == "closed");
        if session.state != "closed" {
            return format!("reopen {number}: refused");
        }
        session.state = "reopened";
        format!("reopen {number}")
    }

    /// What it takes that a session is closed: held, called whole, closed.
    pub(super) fn call_and_close(&mut self, random: &mut Random, number: Number) -> String {
        let mut told = Vec::new();
        if !self.world.sessions[number].is_held {
            told.push(self.hold(random, number));
        }
        if random.below(2) == 0 {
            told.push(self.gather(random, number));
        }
        told.push(self.call(random, number, true));
        told.push(self.close(number));
        told.join("; ")
    }

    /// A coordinator settles a session that is listed: reopens its roll call, calls everybody and closes it again.
    pub(super) fn settle(&mut self, random: &mut Random) -> String {
        let all = (0..self.world.places.len()).flat_map(|member| self.world.unsettled(member).into_keys());
        let Some(number) = pick(random, &all.collect::<Vec<_>>()) else { return "all is settled".to_owned() };
        let mut told = Vec::new();
        if self.world.sessions[number].state == "closed" {
            told.push(self.reopen(number));
        }
        told.push(self.call(random, number, true));
        told.push(self.close(number));
        format!("settle: {}", told.join("; "))
    }

    /// A file of a meeting: some were in it, one of them perhaps with two devices at a time.
    pub(super) fn gather(&mut self, random: &mut Random, number: Number) -> String {
        let class = self.world.class(number);
        let mut joins: Vec<(Member, Span)> = Vec::new();
        for member in class {
            for _ in 0..random.below(3) {
                joins.extend(self.pieces(random, number).into_iter().map(|span| (member, span)));
            }
        }
        if joins.is_empty() {
            return format!("nobody was in the meeting of {number}");
        }
        let row = |(member, span): &(Member, Span)| {
            let number = self.world.places[*member].person + 1;
            format!("\n学员 {number:04},{number:04},{},{}", local(span.0), local(span.1))
        };
        let file = format!("用户昵称,工号,入会时间,退会时间{}", joins.iter().map(row).collect::<String>());
        let session = &mut self.world.sessions[number];
        let path = format!("/sessions/{}/evidence/import", session.id);
        let reply = self.course.coordinator.post_file(&path, "meeting.csv", file.as_bytes());
        let told = format!("evidence of {number}: {joins:?}");
        if session.state == "closed" {
            reply.expect(409).problem("roll_call_closed");
            return format!("{told}: refused");
        }
        let import = reply.expect(200).text_at("/import_id");
        if session.state == "not_open" {
            session.state = "open";
        }
        let named: BTreeSet<Member> = joins.iter().map(|(member, _)| *member).collect();
        session.evidence.push(File { import, joins });
        named.into_iter().for_each(|member| session.call_by_evidence(member));
        told
    }

    /// A file is taken back, and what it alone said with it.
    pub(super) fn take_back_file(&mut self, random: &mut Random, number: Number) -> String {
        let session = &mut self.world.sessions[number];
        if session.evidence.is_empty() {
            return format!("no file of {number} to take back");
        }
        let index = random.below(session.evidence.len());
        let path = format!("/imports/{}/undo", session.evidence[index].import);
        let reply = self.course.coordinator.post(&path, json!({ "reason": "at random" }));
        let mut after = session.clone();
        let file = after.evidence.remove(index);
        let named: BTreeSet<Member> = file.joins.into_iter().map(|(member, _)| member).collect();
        named.into_iter().for_each(|member| after.call_by_evidence(member));
        // Whom a closed roll call named stays called.
        let is_uncalled = session.closings > 0 && session.lines.keys().any(|member| !after.lines.contains_key(member));
        let is_legal = session.state != "closed" && !is_uncalled;
        judge(&reply, is_legal);
        if is_legal {
            *session = after;
        }
        format!("file {index} of {number} taken back: {is_legal}")
    }

    /// Whether somebody can come to a session for another one of its module, which they missed or are about to.
    fn may_come(&self, member: Member, number: Number, missed: Number) -> bool {
        let (world, of, other) = (&self.world, &self.world.sessions[number], &self.world.sessions[missed]);
        let [_, authorized, unauthorized, _] = world.posted_in_session(member, missed);
        let missed_nothing = other.state == "closed" && other.named.contains(&member) && authorized + unauthorized == 0;
        let is_elsewhere = (0..SESSIONS.len()).any(|one| one != missed && world.is_in(member, one, number));
        number != missed
            && of.module == other.module
            && of.state != "closed"
            && world.owes(member, missed)
            && !world.owes(member, number)
            && world.is_enrolled(member, number)
            && !missed_nothing
            && !of.guests.contains_key(&member)
            && !is_elsewhere
    }

    /// A guest is invited, and every other time the roll call is closed with them.
    pub(super) fn come_as_guest(&mut self, random: &mut Random) -> String {
        let (number, told) = self.invite(random);
        if random.below(2) == 0 { format!("{told}; {}", self.call_and_close(random, number)) } else { told }
    }

    /// Somebody who does not owe a session comes to it for another one of its module, or tries to.
    fn invite(&mut self, random: &mut Random) -> (Number, String) {
        let sessions = || 0..SESSIONS.len();
        let pairs = sessions().flat_map(|number| sessions().map(move |missed| (number, missed)));
        let all: Vec<(Member, Number, Number)> =
            pairs.flat_map(|(number, missed)| (0..self.world.places.len()).map(move |member| (member, number, missed))).collect();
        let legal: Vec<_> = all.iter().copied().filter(|(member, number, missed)| self.may_come(*member, *number, *missed)).collect();
        let is_legal = random.below(4) > 0 && !legal.is_empty();
        let (member, number, missed) = pick(random, if is_legal { &legal } else { &all }).unwrap();
        let body = json!({ "enrollment_id": self.world.places[member].id, "missed_session_id": self.world.sessions[missed].id });
        let path = format!("/sessions/{}/guests", self.world.sessions[number].id);
        let reply = self.course.coordinator.post(&path, body);
        let is_legal = self.may_come(member, number, missed);
        judge(&reply, is_legal);
        if is_legal {
            self.world.sessions[number].guests.insert(member, missed);
        }
        (number, format!("{member} comes to {number} for {missed}: {is_legal}"))
    }

    pub(super) fn dismiss(&mut self, random: &mut Random, number: Number) -> String {
        let Session { id, state, guests, .. } = &self.world.sessions[number];
        let Some(member) = pick(random, &guests.keys().copied().collect::<Vec<_>>()) else { return format!("{number} has no guest") };
        let path = format!("/sessions/{id}/guests/{}/dismiss", self.world.places[member].id);
        let reply = self.course.coordinator.post(&path, json!({ "reason": "at random" }));
        let is_legal = *state != "closed";
        judge(&reply, is_legal);
        if is_legal {
            let session = &mut self.world.sessions[number];
            session.guests.remove(&member);
            session.lines.remove(&member);
        }
        format!("{member} does not come to {number}: {is_legal}")
    }

    /// Whether so many minutes more of a session or a module are neither less than nothing nor more than was owed.
    fn fits(&self, one: &Adjustment, minutes: i64) -> bool {
        let fits = |[attended, authorized, unauthorized, _]: [i64; 4], credited: i64| {
            (0..=attended + authorized + unauthorized).contains(&(attended + credited + minutes))
        };
        let (world, member) = (&self.world, one.member);
        fits(world.posted_in_module(member, one.module), world.credited_in_module(member, one.module))
            && one.session.is_none_or(|session| fits(world.posted_in_session(member, session), world.credited_in_session(member, session)))
    }

    pub(super) fn adjust(&mut self, random: &mut Random) -> String {
        let mut member = random.below(self.world.places.len());
        let mut session = (random.below(2) == 0).then(|| random.below(SESSIONS.len()));
        let mut module = self.world.places[member].modules()[random.below(2)];
        // More often than not where something was missed.
        let missed = |session: Number| {
            let posted = self.world.sessions[session].posted.iter();
            posted.filter(|(_, sums)| sums[1] + sums[2] > 0).map(move |(member, _)| (*member, session)).collect::<Vec<_>>()
        };
        let mut missed: Vec<(Member, Number)> = (0..SESSIONS.len()).flat_map(missed).collect();
        if random.below(2) == 0 && !self.world.made_up.is_empty() {
            missed = self.world.made_up.keys().map(|(member, missed, _)| (*member, *missed)).collect();
        }
        if let Some((by, of)) = pick(random, &missed).filter(|_| random.below(3) > 0) {
            (member, module, session) = (by, self.world.sessions[of].module, session.map(|_| of));
        }
        module = session.map_or(module, |session| self.world.sessions[session].module);
        let minutes = [-30, -10, 1, 10, 20, 30][random.below(6)];
        let mut one = Adjustment { id: String::new(), member, module, session, minutes };
        let mut body = json!({ "minutes": minutes, "reason": "at random" });
        match session {
            Some(session) => body["session_id"] = json!(self.world.sessions[session].id),
            None => body["module_id"] = json!(self.modules[module]),
        }
        let reply = self.course.coordinator.post(&format!("/enrollments/{}/hours", self.world.places[member].id), body);
        let told = format!("adjust {member} by {minutes} in {session:?} of {module}");
        if session.is_some_and(|session| !self.world.sessions[session].named.contains(&member)) {
            reply.fault("/session_id", "not_posted");
            return format!("{told}: refused, for nothing was posted");
        }
        let is_legal = self.fits(&one, minutes);
        judge(&reply, is_legal);
        if is_legal {
            one.id = reply.id();
            self.world.adjustments.push(one);
            self.world.grant();
        }
        format!("{told}: {is_legal}")
    }

    pub(super) fn take_back(&mut self, random: &mut Random) -> String {
        if self.world.adjustments.is_empty() {
            return "nothing to take back".to_owned();
        }
        let index = random.below(self.world.adjustments.len());
        let one = self.world.adjustments[index].clone();
        let reply = self.course.coordinator.post(&format!("/hour-entries/{}/reverse", one.id), json!({ "reason": "at random" }));
        let is_legal = self.fits(&one, -one.minutes);
        judge(&reply, is_legal);
        if is_legal {
            self.world.adjustments.remove(index);
            self.world.grant();
        }
        format!("take back {one:?}: {is_legal}")
    }
}
