//! What the domain says, in the plainest way: who owed what by a list of periods, who was there second by second, every sum from scratch.
//!
//! It is written from sections 2 and 3 of DOMAIN.md, and knows nothing of the tables or of the code that it is held against.

use std::collections::{BTreeMap, BTreeSet};

/// Seconds since the first morning, at nine in Shanghai.
pub type Second = i64;
/// From a second to another one, half-open.
pub type Span = (Second, Second);
/// An enrollment, by its number.
pub type Member = usize;
/// A trainee, by their number.
pub type Person = usize;
/// A session, by its number.
pub type Number = usize;

/// Attended, authorized, unauthorized and exempt minutes.
pub type Sums = [i64; 4];

/// The opening of the intake, at midnight in Shanghai.
pub const OPENING: Second = -(5 * 24 + 9) * 3600;
/// Whatever takes effect now does so after all sessions.
pub const NOW: Second = 100 * 86_400;
/// The own modules of the two disciplines, and between them the common one.
pub const COMMON: usize = 1;

/// When an enrollment was in a state and a cohort.
#[derive(Clone, Debug)]
pub struct Period {
    pub cohort: usize,
    pub state: &'static str,
    pub from: Second,
    pub until: Option<Second>,
}

#[derive(Clone, Debug)]
pub struct Place {
    pub id: String,
    pub person: Person,
    /// Of two: metallurgy and mechanics.
    pub discipline: usize,
    pub periods: Vec<Period>,
    /// The day of the last move to another cohort.
    pub moved: Option<Second>,
    /// The enrollment that was transferred.
    pub origin: Option<Member>,
}

impl Place {
    pub fn last(&self) -> &Period {
        self.periods.last().unwrap()
    }

    pub fn state(&self) -> &'static str {
        self.last().state
    }

    /// The cohort in which they are taught at a second, if they are.
    fn taught_at(&self, at: Second) -> Option<usize> {
        let covers = |period: &&Period| period.from <= at && period.until.is_none_or(|until| at < until);
        self.periods.iter().filter(covers).find(|period| period.state == "enrolled").map(|period| period.cohort)
    }

    /// Whether something is still to come for them.
    pub fn stays(&self) -> bool {
        matches!(self.state(), "enrolled" | "suspended")
    }

    pub fn modules(&self) -> [usize; 2] {
        [self.discipline * 2, COMMON]
    }

    /// Ends the present period and begins the next, over whatever began later.
    pub fn step(&mut self, cohort: usize, state: &'static str, from: Second) {
        self.periods.retain(|period| period.from < from);
        self.periods.iter_mut().for_each(|period| period.until = Some(period.until.unwrap_or(from).min(from)));
        self.periods.push(Period { cohort, state, from, until: None });
    }
}

/// What a roll call says of somebody.
#[derive(Clone, Debug)]
pub struct Line {
    pub code: &'static str,
    /// Minutes present, where they were said.
    pub minutes: i64,
    /// From when to when they were there, where that was said instead.
    pub there: Option<Vec<Span>>,
    /// Whether nobody said anything else than the files did.
    pub by_evidence: bool,
    /// What the last closing found within leave.
    pub leave: i64,
}

impl Line {
    pub fn of(code: &'static str, minutes: i64) -> Self {
        Self { code, minutes, there: None, by_evidence: false, leave: 0 }
    }

    pub fn there(code: &'static str, there: Vec<Span>) -> Self {
        Self { there: Some(there), ..Self::of(code, 0) }
    }

    fn was_there(&self, at: Second) -> Option<bool> {
        self.there.as_ref().map(|there| there.iter().any(|(from, until)| *from <= at && at < *until))
    }
}

/// What somebody came to, to make up another session.
#[derive(Clone, Copy, Debug)]
pub struct Came {
    pub missed: Number,
    pub minutes: i64,
}

#[derive(Clone, Debug, Default)]
pub struct Session {
    pub id: String,
    pub module: usize,
    pub cohorts: Vec<usize>,
    pub is_recorded: bool,
    /// As planned, and as held once it is.
    pub span: Span,
    pub minutes: i64,
    pub is_held: bool,
    /// Of the roll call.
    pub state: &'static str,
    pub closings: i64,
    pub lines: BTreeMap<Member, Line>,
    /// What stands posted.
    pub posted: BTreeMap<Member, Sums>,
    /// Of whom a closing has ever posted something.
    pub named: BTreeSet<Member>,
    /// The missed session of each guest.
    pub guests: BTreeMap<Member, Number>,
    /// What guests came to by the last closing.
    pub came: BTreeMap<Member, Came>,
    /// What files say of who was in the meeting.
    pub evidence: Vec<File>,
}

impl Session {
    pub fn is_in_a_file(&self, member: Member) -> bool {
        self.evidence.iter().flat_map(|file| &file.joins).any(|(one, _)| *one == member)
    }

    /// Has somebody called by what all files say, unless a person said otherwise.
    pub fn call_by_evidence(&mut self, member: Member) {
        let joins = self.evidence.iter().flat_map(|file| &file.joins);
        let there: Vec<Span> = joins.filter(|(one, _)| *one == member).map(|(_, span)| *span).collect();
        let line = self.lines.get(&member);
        if line.is_some_and(|line| !line.by_evidence) {
            return;
        }
        let leave = line.map_or(0, |line| line.leave);
        self.lines.remove(&member);
        if !there.is_empty() {
            self.lines.insert(member, Line { by_evidence: true, leave, ..Line::there("late", there) });
        }
    }
}

/// Who was in the meeting, as one file says.
#[derive(Clone, Debug)]
pub struct File {
    pub import: String,
    pub joins: Vec<(Member, Span)>,
}

#[derive(Clone, Debug)]
pub struct Leave {
    pub id: String,
    pub people: BTreeSet<Person>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Adjustment {
    pub id: String,
    pub member: Member,
    pub module: usize,
    pub session: Option<Number>,
    pub minutes: i64,
}

#[derive(Clone, Debug, Default)]
pub struct World {
    /// Planned minutes of each module.
    pub plan: [i64; 3],
    /// Whether authorized absence stays in the denominator.
    pub authorized_counts: bool,
    /// The rate to reach.
    pub percent: i64,
    pub places: Vec<Place>,
    pub sessions: Vec<Session>,
    /// Leave that is granted.
    pub leave: Vec<Leave>,
    pub adjustments: Vec<Adjustment>,
    /// What is made up: of whom, of which session, in which.
    pub made_up: BTreeMap<(Member, Number, Number), i64>,
    /// How often something took effect now.
    pub clock: Second,
}

pub fn add(sums: Sums, more: Sums) -> Sums {
    std::array::from_fn(|index| sums[index] + more[index])
}

/// Rounded half up.
fn minutes_of(seconds: usize) -> i64 {
    i64::try_from((seconds + 30) / 60).unwrap()
}

/// Who is expected, and who is called in what.
impl World {
    pub fn now(&mut self) -> Second {
        self.clock += 1;
        NOW + self.clock
    }

    pub fn is_enrolled(&self, member: Member, session: Number) -> bool {
        self.places[member].taught_at(self.sessions[session].span.0).is_some()
    }

    pub fn owes(&self, member: Member, session: Number) -> bool {
        let of = &self.sessions[session];
        self.places[member].taught_at(of.span.0).is_some_and(|cohort| of.cohorts.contains(&cohort))
    }

    pub fn is_guest(&self, member: Member, session: Number) -> bool {
        let is_invited = self.sessions[session].guests.contains_key(&member);
        is_invited && !self.owes(member, session) && self.is_enrolled(member, session)
    }

    /// Whether somebody is in a session, as its guest or because it is owed, at a time at which another one is taught, too. What is
    /// recorded can be viewed at another time.
    pub fn is_in(&self, member: Member, session: Number, meanwhile: Number) -> bool {
        let (one, other) = (&self.sessions[session], &self.sessions[meanwhile]);
        let is_meanwhile = one.span.0 < other.span.1 && other.span.0 < one.span.1;
        let is_apart = session == meanwhile || one.is_recorded || other.is_recorded;
        is_meanwhile && !is_apart && (one.guests.contains_key(&member) || self.owes(member, session))
    }

    /// Who is called: whoever owes the session, and guests.
    pub fn class(&self, session: Number) -> Vec<Member> {
        (0..self.places.len()).filter(|member| self.owes(*member, session) || self.is_guest(*member, session)).collect()
    }

    /// The leave of somebody.
    fn away(&self, member: Member) -> Vec<Span> {
        let person = self.places[member].person;
        self.leave.iter().filter(|leave| leave.people.contains(&person)).map(|leave| leave.span).collect()
    }

    /// The minutes that somebody was there.
    pub fn present(&self, session: Number, line: &Line) -> i64 {
        let Session { span, minutes, .. } = self.sessions[session];
        match (&line.there, line.code) {
            (Some(_), _) => minutes_of((span.0..span.1).filter(|at| line.was_there(*at) == Some(true)).count()).min(minutes),
            (None, "present") => minutes,
            (None, "absent") => 0,
            (None, _) => line.minutes,
        }
    }

    /// What a line comes to in a session, and how much of it was missed within leave.
    pub fn comes_to(&self, session: Number, member: Member, line: &Line) -> (Sums, i64) {
        let Session { span, minutes: whole, is_recorded, .. } = self.sessions[session];
        let attended = self.present(session, line);
        let missed = whole - attended;
        match line.code {
            "excused" => return ([attended, missed, 0, 0], 0),
            "exempt" => return ([attended, 0, 0, missed], 0),
            _ if is_recorded => return ([attended, 0, missed, 0], 0),
            _ => {}
        }
        let was_missed = |at: Second| match line.was_there(at) {
            Some(there) => !there,
            None if line.code == "late" => at < span.0 + missed * 60,
            None if line.code == "left_early" => at >= span.1 - missed * 60,
            None => line.code == "absent",
        };
        let mut away = self.away(member);
        away.retain(|leave| leave.0 < span.1 && span.0 < leave.1);
        let is_away = |at: Second| away.iter().any(|leave| leave.0 <= at && at < leave.1);
        let within = if away.is_empty() { 0 } else { (span.0..span.1).filter(|at| is_away(*at) && was_missed(*at)).count() };
        let leave = minutes_of(within).min(missed);
        ([attended, leave, missed - leave, 0], leave)
    }

    /// The closed sessions on which periods or leave and what was posted disagree.
    pub fn unsettled(&self, member: Member) -> BTreeMap<Number, &'static str> {
        let kind = |session: &Number| {
            let of = &self.sessions[*session];
            let (owes, is_posted) = (self.owes(member, *session), of.posted.contains_key(&member));
            let is_lost = of.guests.contains_key(&member) && !self.is_enrolled(member, *session);
            match (owes, is_posted) {
                _ if of.closings == 0 => None,
                (true, false) => Some("unposted"),
                (false, true) => Some("not_owed"),
                _ if is_lost => Some("not_owed"),
                (true, true) if of.state == "closed" => {
                    let line = &of.lines[&member];
                    (self.comes_to(*session, member, line).1 != line.leave).then_some("leave")
                }
                _ => None,
            }
        };
        (0..self.sessions.len()).filter_map(|session| Some((session, kind(&session)?))).collect()
    }
}

/// What a closing posts.
impl World {
    /// Closes a roll call; none if a line does not fit.
    pub fn close(&mut self, number: Number) -> Option<()> {
        let class = self.class(number);
        let whole = self.sessions[number].minutes;
        let mut session = self.sessions[number].clone();
        session.lines.retain(|member, _| class.contains(member));
        session.guests.retain(|member, _| self.is_guest(*member, number));
        (session.posted, session.came) = (BTreeMap::new(), BTreeMap::new());
        for (member, line) in &mut session.lines {
            if self.present(number, line) > whole {
                return None;
            }
            if let Some(missed) = session.guests.get(member) {
                session.came.insert(*member, Came { missed: *missed, minutes: self.present(number, line) });
                line.leave = 0;
                continue;
            }
            let (sums, leave) = self.comes_to(number, *member, line);
            line.leave = leave;
            session.posted.insert(*member, sums);
            session.named.insert(*member);
        }
        session.closings += 1;
        session.state = "closed";
        self.sessions[number] = session;
        self.grant();
        Some(())
    }

    fn adjusted(&self, member: Member, of: impl Fn(&Adjustment) -> bool) -> i64 {
        self.adjustments.iter().filter(|one| one.member == member && of(one)).map(|one| one.minutes).sum()
    }

    pub fn posted_in_session(&self, member: Member, session: Number) -> Sums {
        self.sessions[session].posted.get(&member).copied().unwrap_or_default()
    }

    pub fn posted_in_module(&self, member: Member, module: usize) -> Sums {
        let posted = self.sessions.iter().filter(|session| session.module == module).filter_map(|session| session.posted.get(&member));
        posted.fold([0; 4], |sums, more| add(sums, *more))
    }

    /// In the order in which sessions were held, each miss is made up until nothing of it is left; what is reopened counts as it stood.
    pub fn grant(&mut self) {
        let before = std::mem::take(&mut self.made_up);
        let mut order: Vec<Number> = (0..self.sessions.len()).collect();
        order.sort_by_key(|session| self.sessions[*session].span.0);
        let missed = |[_, authorized, unauthorized, _]: Sums, adjusted: i64| authorized + unauthorized - adjusted.max(0);
        let (mut of_session, mut of_module) = (BTreeMap::new(), BTreeMap::new());
        for number in order {
            let session = &self.sessions[number];
            let came: Vec<(Member, Came)> = match session.state {
                "closed" => session.came.iter().map(|(member, came)| (*member, *came)).collect(),
                _ => {
                    let stood = before.iter().filter(|((_, _, made_up_in), _)| *made_up_in == number);
                    stood.map(|((member, missed, _), minutes)| (*member, Came { missed: *missed, minutes: *minutes })).collect()
                }
            };
            for (member, came) in came {
                let in_session = of_session.entry((member, came.missed)).or_insert_with(|| {
                    missed(self.posted_in_session(member, came.missed), self.adjusted(member, |one| one.session == Some(came.missed)))
                });
                let in_module = of_module.entry((member, session.module)).or_insert_with(|| {
                    missed(self.posted_in_module(member, session.module), self.adjusted(member, |one| one.module == session.module))
                });
                let minutes = came.minutes.min(*in_session).min(*in_module).max(0);
                (*in_session, *in_module) = (*in_session - minutes, *in_module - minutes);
                self.made_up.insert((member, came.missed, number), minutes);
            }
        }
    }

    fn made_up(&self, member: Member, of: impl Fn(Number) -> bool) -> i64 {
        self.made_up.iter().filter(|((own, missed, _), _)| *own == member && of(*missed)).map(|(_, minutes)| minutes).sum()
    }

    /// Made up or adjusted of a session.
    pub fn credited_in_session(&self, member: Member, session: Number) -> i64 {
        self.adjusted(member, |one| one.session == Some(session)) + self.made_up(member, |missed| missed == session)
    }

    /// Made up or adjusted of a module.
    pub fn credited_in_module(&self, member: Member, module: usize) -> i64 {
        self.adjusted(member, |one| one.module == module) + self.made_up(member, |missed| self.sessions[missed].module == module)
    }

    /// Whether of no session and no module more is credited than was missed, or more deducted than attended.
    pub fn is_covered(&self) -> bool {
        let fits = |[attended, authorized, unauthorized, _]: Sums, credited: i64| {
            credited <= authorized + unauthorized && attended + credited >= 0
        };
        (0..self.places.len()).all(|member| {
            let of_session = |session: Number| fits(self.posted_in_session(member, session), self.credited_in_session(member, session));
            let of_module = |module: usize| fits(self.posted_in_module(member, module), self.credited_in_module(member, module));
            (0..self.sessions.len()).all(of_session) && (0..3).all(of_module)
        })
    }
}

/// What a report says of an enrollment.
impl World {
    pub fn posted(&self, member: Member) -> Sums {
        (0..3).fold([0; 4], |sums, module| add(sums, self.posted_in_module(member, module)))
    }

    pub fn make_ups(&self, member: Member) -> i64 {
        self.made_up(member, |_| true)
    }

    pub fn adjustments(&self, member: Member) -> i64 {
        self.adjusted(member, |_| true)
    }

    /// Expected, present, authorized, unauthorized and exempt minutes.
    pub fn hours(&self, member: Member) -> [i64; 5] {
        let [attended, authorized, unauthorized, exempt] = self.posted(member);
        let present = attended + self.make_ups(member) + self.adjustments(member);
        [attended + authorized + unauthorized, present, authorized, unauthorized, exempt]
    }

    /// The denominator of a rate.
    pub fn counted(&self, member: Member) -> i64 {
        let [expected, present, authorized, ..] = self.hours(member);
        if self.authorized_counts { expected } else { (expected - authorized).max(present) }
    }

    /// The minutes of the plan that no closed roll call covers, unscheduled included.
    pub fn open(&self, member: Member) -> i64 {
        let place = &self.places[member];
        let cohort = place.last().cohort;
        let covers =
            |session: &&Session, module: usize| session.closings > 0 && session.module == module && session.cohorts.contains(&cohort);
        let open = |module: usize| {
            let covered: i64 = self.sessions.iter().filter(|session| covers(session, module)).map(|session| session.minutes).sum();
            (self.plan[module] - covered).max(0)
        };
        if place.stays() { place.modules().into_iter().map(open).sum() } else { 0 }
    }

    /// How they stand to the rate to reach, while something counts and something is to come.
    pub fn standing(&self, member: Member) -> Option<&'static str> {
        let (present, counted, open) = (self.hours(member)[1], self.counted(member), self.open(member));
        let reaches = |present: i64, counted: i64| present * 100 >= self.percent * counted;
        let standing = match (reaches(present, counted), reaches(present + open, counted + open)) {
            (true, _) => "on_track",
            (false, true) => "at_risk",
            (false, false) => "out_of_reach",
        };
        (counted > 0 && self.places[member].stays()).then_some(standing)
    }

    /// What came along from where they were before: of all that is taught here no more than was present nor than is planned.
    pub fn carried(&self, member: Member) -> i64 {
        self.places[member].modules().iter().map(|module| self.carried_in(member, *module)).sum()
    }

    /// Of a module that is taught here: from the last place before where it was taught too.
    fn carried_in(&self, member: Member, module: usize) -> i64 {
        let mut origin = self.places[member].origin;
        while let Some(before) = origin.filter(|before| !self.places[*before].modules().contains(&module)) {
            origin = self.places[before].origin;
        }
        let Some(origin) = origin else { return 0 };
        let present = self.posted_in_module(origin, module)[0] + self.credited_in_module(origin, module);
        (present + self.carried_in(origin, module)).min(self.plan[module])
    }

    /// Whether the report has a row of them: whoever has left only with hours, or with sessions that wait to be settled.
    pub fn is_shown(&self, member: Member) -> bool {
        let place = &self.places[member];
        let has_hours = self.hours(member).iter().any(|minutes| *minutes != 0) || self.carried(member) != 0;
        match place.state() {
            "approved" => false,
            _ if place.has_left() => has_hours || !self.unsettled(member).is_empty(),
            _ => true,
        }
    }
}

/// A quotient with four places, rounded down; none without a denominator.
pub fn ratio(part: i64, whole: i64) -> Option<String> {
    (whole > 0).then(|| format!("{}.{:04}", part / whole, part % whole * 10_000 / whole))
}
