//! What the server tells, held against the model.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    Run,
    plain::{Member, Number, ratio},
};

/// Minutes of these fields.
fn minutes<const N: usize>(of: &Value, fields: [&str; N]) -> [i64; N] {
    fields.map(|field| of[format!("{field}_minutes")].as_i64().unwrap_or_else(|| panic!("no {field} in {of}")))
}

const HOURS: [&str; 5] = ["expected", "present", "authorized_absence", "unauthorized_absence", "exempt"];

impl Run {
    /// The report of the intake: a row of each enrollment, and the sums.
    #[track_caller]
    pub(super) fn compare_report(&self) {
        let world = &self.world;
        let report = self.course.coordinator.get(&format!("/intakes/{}/progress", self.course.intake)).expect(200).body;
        let shown: Vec<Member> = (0..world.places.len()).filter(|member| world.is_shown(*member)).collect();
        let rows: BTreeMap<&str, &Value> =
            report["rows"].as_array().unwrap().iter().map(|row| (row["enrollment_id"].as_str().unwrap(), row)).collect();
        let expected: BTreeSet<&str> = shown.iter().map(|member| world.places[*member].id.as_str()).collect();
        assert_eq!(rows.keys().copied().collect::<BTreeSet<_>>(), expected, "the rows");
        for member in &shown {
            self.compare_row(*member, rows[world.places[*member].id.as_str()]);
        }
        let sum = |of: &dyn Fn(Member) -> i64| shown.iter().map(|member| of(*member)).sum::<i64>();
        let sums: [i64; 5] = std::array::from_fn(|index| sum(&|member| world.hours(member)[index]));
        let totals = &report["totals"];
        assert_eq!(minutes(totals, HOURS), sums, "{totals}");
        let heads: BTreeSet<usize> = shown.iter().map(|member| world.places[*member].person).collect();
        let owed = |member: Member| i64::from(world.sessions.iter().any(|session| session.posted.contains_key(&member)));
        let completed = |member: Member| if world.places[member].state() == "completed" { owed(member) } else { 0 };
        let unsettled = |member: Member| i64::try_from(world.unsettled(member).len()).unwrap();
        let (counted, open) = (sum(&|member| world.counted(member)), sum(&|member| world.open(member)));
        let standing = |of: &str| shown.iter().filter(|member| world.standing(**member) == Some(of)).count();
        assert_eq!([&totals["at_risk"], &totals["out_of_reach"]], [&json!(standing("at_risk")), &json!(standing("out_of_reach"))]);
        let told = ["heads", "enrollments", "completed", "unsettled_sessions"].map(|field| totals[field].clone());
        assert_eq!(told, [json!(heads.len()), json!(sum(&owed)), json!(sum(&completed)), json!(sum(&unsettled))], "{totals}");
        let told = ["rate", "best_reachable", "completion"].map(|field| totals[field].clone());
        let ratios = [ratio(sums[1], counted), ratio(sums[1] + open, counted + open), ratio(sum(&completed), sum(&owed))];
        assert_eq!(told, ratios.map(|ratio| json!(ratio)), "{totals}");
        self.compare_delivered(&report);
    }

    /// Each session once, whatever cohorts it was for.
    #[track_caller]
    fn compare_delivered(&self, report: &Value) {
        let sessions = &self.world.sessions;
        let held: i64 = sessions.iter().filter(|session| session.is_held).map(|session| session.minutes).sum();
        let scheduled: i64 = sessions.iter().map(|session| session.minutes).sum();
        assert_eq!(minutes(report, ["planned", "scheduled", "held"]), [self.world.plan.iter().sum(), scheduled, held]);
        let open = sessions.iter().filter(|session| session.is_held && session.state != "closed").count();
        assert_eq!(report["open_sessions"], open);
    }

    #[track_caller]
    fn compare_row(&self, member: Member, row: &Value) {
        let world = &self.world;
        let place = &world.places[member];
        assert_eq!((&row["state"], &row["cohort_id"]), (&json!(place.state()), &json!(self.cohorts[place.last().cohort])), "{row}");
        let hours = world.hours(member);
        assert_eq!(minutes(row, HOURS), hours, "enrollment {member} {place:?}");
        assert!(0 <= hours[1] && hours[1] <= hours[0], "{row}");
        assert_eq!(row["carried_in_minutes"], world.carried(member), "enrollment {member} {place:?}");
        let (present, counted, open) = (hours[1], world.counted(member), world.open(member));
        let ratios = [ratio(present, counted), ratio(present + open, counted + open)];
        assert_eq!([&row["rate"], &row["best_reachable"]], [&json!(ratios[0]), &json!(ratios[1])], "enrollment {member} {place:?}");
        assert_eq!(row["standing"], json!(world.standing(member)), "enrollment {member} {place:?}");
        assert_eq!(row["unsettled_sessions"], world.unsettled(member).len(), "enrollment {member} {place:?}");
    }

    /// Each roll call, each ledger and each list of what is unsettled.
    #[track_caller]
    pub(super) fn compare(&self) {
        for number in 0..self.world.sessions.len() {
            self.compare_roll_call(number);
        }
        let path = format!("/intakes/{}/enrollments?limit=500", self.course.intake);
        let listed = self.course.coordinator.get(&path).expect(200);
        for (member, place) in self.world.places.iter().enumerate() {
            let told = listed.items().iter().find(|one| one["id"] == place.id.as_str()).unwrap();
            assert_eq!(told["state"], place.state());
            self.compare_unsettled(member, told);
            self.compare_ledger(member);
        }
    }

    /// Who is called, and what a closed one found.
    #[track_caller]
    fn compare_roll_call(&self, number: Number) {
        let session = &self.world.sessions[number];
        let told = self.course.coordinator.get(&format!("/sessions/{}/roll-call", session.id)).expect(200).body;
        assert_eq!((&told["state"], &told["closings"]), (&json!(session.state), &json!(session.closings)), "session {number}");
        assert_eq!(told["minutes"], session.minutes, "session {number}");
        let entries = told["entries"].as_array().unwrap();
        let class = self.world.class(number);
        let ids: BTreeSet<&str> = class.iter().map(|member| self.world.places[*member].id.as_str()).collect();
        assert_eq!(entries.iter().map(|entry| entry["enrollment_id"].as_str().unwrap()).collect::<BTreeSet<_>>(), ids, "session {number}");
        for member in class {
            let entry = entries.iter().find(|entry| entry["enrollment_id"] == self.world.places[member].id.as_str()).unwrap();
            let told = format!("session {number}, enrollment {member}: {entry}");
            let Some(line) = session.lines.get(&member) else {
                assert_eq!(entry["code"], Value::Null, "{told}");
                continue;
            };
            assert_ne!(entry["code"], Value::Null, "{told}");
            let makes_up = session.guests.get(&member).filter(|_| self.world.is_guest(member, number));
            assert_eq!(entry["makes_up"]["id"], json!(makes_up.map(|missed| &self.world.sessions[*missed].id)), "{told}");
            assert_eq!(entry["leave_minutes"].as_i64().unwrap_or(0), line.leave, "{told}");
            if session.state == "closed" && line.there.is_some() {
                assert_eq!(entry["minutes"], self.world.present(number, line), "{told}");
            }
        }
    }

    /// What stands of each session, and the balance.
    #[track_caller]
    fn compare_ledger(&self, member: Member) {
        let world = &self.world;
        let hours = self.course.coordinator.get(&format!("/enrollments/{}/hours?limit=500", world.places[member].id)).expect(200);
        let kinds = ["attended", "authorized_absence", "unauthorized_absence", "exempt", "make_up", "adjustment", "carried_in"];
        for (number, session) in world.sessions.iter().enumerate() {
            let of_session = || hours.items().iter().filter(|entry| entry["session_id"] == session.id.as_str());
            let sum = |kind: &str| of_session().filter(|entry| entry["kind"] == kind).map(|entry| entry["minutes"].as_i64().unwrap()).sum();
            let [attended, authorized, unauthorized, exempt] = world.posted_in_session(member, number);
            let credited: i64 = sum("make_up") + sum("adjustment");
            assert_eq!(
                [sum(kinds[0]), sum(kinds[1]), sum(kinds[2]), sum(kinds[3]), credited],
                [attended, authorized, unauthorized, exempt, world.credited_in_session(member, number)],
                "session {number}, enrollment {member}"
            );
        }
        let [attended, authorized, unauthorized, exempt] = world.posted(member);
        let carried = world.carried(member);
        let sums = [attended, authorized, unauthorized, exempt, world.make_ups(member), world.adjustments(member), carried];
        assert_eq!(minutes(&hours.body["balance"], kinds), sums, "enrollment {member}");
    }
}
