//! How the numbers of a progress row come about: the rule in words, the amounts, and the entries that they are the sums of; pure.

use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Plan, PlannedModule, ProgressRow};
use crate::{
    clock::Instant,
    db::types::text_enum,
    ledger::{Amount, EntryKind, HourEntry},
    programs::ModuleId,
    text::{Code, Name},
};

text_enum! {
    /// A number of a progress row.
    pub enum Number {
        Plan => "plan_minutes",
        Expected => "expected_minutes",
        Present => "present_minutes",
        AuthorizedAbsence => "authorized_absence_minutes",
        UnauthorizedAbsence => "unauthorized_absence_minutes",
        Exempt => "exempt_minutes",
        CarriedIn => "carried_in_minutes",
        Rate => "rate",
        BestReachable => "best_reachable",
        Standing => "standing",
        UnsettledSessions => "unsettled_sessions",
    }
}

/// How one number comes about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct NumberExplanation {
    pub number: Number,
    /// As in the row; null where it is.
    #[schema(example = "0.9583")]
    pub value: Option<String>,
    /// In words.
    #[schema(example = "present / expected, rounded down")]
    pub rule: String,
    pub amounts: Vec<Amount>,
    /// The kinds of entries that it is the sum of; empty of what is made of other numbers.
    pub kinds: Vec<EntryKind>,
}

/// A module of the plan, and how much of it is still to come, in minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct ModuleExplanation {
    pub id: ModuleId,
    #[schema(example = "MET-01")]
    pub code: Code,
    pub name: Name,
    /// The version's and the amendments'.
    #[schema(example = 1080)]
    pub plan_minutes: i64,
    /// What closed roll calls of the cohort cover.
    pub closed_minutes: i64,
    /// The rest; nothing where more was taught than planned, and of whoever is neither enrolled nor suspended.
    pub open_minutes: i64,
}

/// How the progress of an enrollment comes about.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ProgressExplanation {
    pub as_of: Instant,
    pub row: ProgressRow,
    pub numbers: Vec<NumberExplanation>,
    pub modules: Vec<ModuleExplanation>,
    /// The entries that stand, oldest first: each names its session, or the module, and who posted it.
    pub entries: Vec<HourEntry>,
}

impl ProgressExplanation {
    pub(super) fn new(as_of: Instant, row: ProgressRow, plan: &Plan, entries: Vec<HourEntry>) -> Self {
        let modules: Vec<ModuleExplanation> = plan.owed_by(row.discipline_id).map(|module| of_module(module, &row, plan)).collect();
        let numbers = Number::ALL.iter().map(|number| explained(*number, &row, plan, &entries)).collect();
        Self { as_of, row, numbers, modules, entries }
    }
}

fn of_module(module: &PlannedModule, row: &ProgressRow, plan: &Plan) -> ModuleExplanation {
    let closed_minutes = plan.closed_of(row.cohort_id, module.id);
    ModuleExplanation {
        id: module.id,
        code: module.code.clone(),
        name: module.name.clone(),
        plan_minutes: module.minutes,
        closed_minutes,
        open_minutes: if row.stays() { (module.minutes - closed_minutes).max(0) } else { 0 },
    }
}

fn explained(number: Number, row: &ProgressRow, plan: &Plan, entries: &[HourEntry]) -> NumberExplanation {
    use EntryKind as K;
    let kinds: &[EntryKind] = match number {
        Number::Expected => &[K::Attended, K::AuthorizedAbsence, K::UnauthorizedAbsence],
        Number::Present => &[K::Attended, K::MakeUp, K::Adjustment],
        Number::AuthorizedAbsence => &[K::AuthorizedAbsence],
        Number::UnauthorizedAbsence => &[K::UnauthorizedAbsence],
        Number::Exempt => &[K::Exempt],
        Number::CarriedIn => &[K::CarriedIn],
        Number::Plan | Number::Rate | Number::BestReachable | Number::Standing | Number::UnsettledSessions => &[],
    };
    let sum = |kind: &EntryKind| entries.iter().filter(|entry| entry.kind == *kind).map(|entry| i64::from(entry.minutes)).sum::<i64>();
    let (present, counted, open) = (row.present_minutes, row.counted_minutes, row.open_minutes);
    let ratio = || vec![Amount::new("present", present), Amount::new("counted as expected", counted)];
    let amounts = match number {
        Number::Plan => plan.owed_by(row.discipline_id).map(|module| Amount::new(module.code.as_str(), module.minutes)).collect(),
        Number::Rate => ratio(),
        Number::BestReachable => ratio().into_iter().chain([Amount::new("still to come", open)]).collect(),
        Number::Standing => {
            let least = |name: &str, of: i64| {
                // Rounded up: no fraction of a minute less is enough.
                plan.attendance.minimum_percent.map(|percent| Amount::new(name, (of * i64::from(percent) + 99) / 100))
            };
            let (now, in_the_end) = (least("least present by now", counted), least("least present in the end", counted + open));
            ratio().into_iter().chain([Amount::new("still to come", open)]).chain(now).chain(in_the_end).collect()
        }
        _ => kinds.iter().map(|kind| Amount::new(kind.as_str(), sum(kind))).collect(),
    };
    let minutes = |minutes: i64| Some(minutes.to_string());
    let value = match number {
        Number::Plan => minutes(row.plan_minutes),
        Number::Expected => minutes(row.expected_minutes),
        Number::Present => minutes(present),
        Number::AuthorizedAbsence => minutes(row.authorized_absence_minutes),
        Number::UnauthorizedAbsence => minutes(row.unauthorized_absence_minutes),
        Number::Exempt => minutes(row.exempt_minutes),
        Number::CarriedIn => minutes(row.carried_in_minutes),
        Number::Rate => row.rate.clone(),
        Number::BestReachable => row.best_reachable.clone(),
        Number::Standing => row.standing.map(|standing| standing.to_string()),
        Number::UnsettledSessions => Some(row.unsettled_sessions.to_string()),
    };
    NumberExplanation { number, value, rule: rule(number, plan), amounts, kinds: kinds.to_vec() }
}

/// DOMAIN section 3, in words.
fn rule(number: Number, plan: &Plan) -> String {
    let counted = if plan.attendance.authorized_absence_counts {
        "counted is what is expected"
    } else {
        "counted is what is expected without authorized absences, and no less than present"
    };
    match number {
        Number::Plan => "the modules of the own discipline and the common ones, as amended".to_owned(),
        Number::Expected => "what is owed in closed sessions: attended, authorized and unauthorized absence".to_owned(),
        Number::Present => "attended, made up and adjusted".to_owned(),
        Number::AuthorizedAbsence => "missed in closed sessions, and excused or within granted leave".to_owned(),
        Number::UnauthorizedAbsence => "missed in closed sessions otherwise".to_owned(),
        Number::Exempt => "not owed in closed sessions".to_owned(),
        Number::CarriedIn => "present where the trainee was transferred from; in no other number of this intake".to_owned(),
        Number::Rate => format!("present / counted, rounded down to four places; null while nothing counts; {counted}"),
        Number::BestReachable => {
            format!(
                "(present + still to come) / (counted + still to come), rounded down; still to come is what no closed roll call covers; {counted}"
            )
        }
        Number::UnsettledSessions => {
            "closed sessions on which the periods or leave and what was posted disagree; what was posted of them, if anything, counts \
             in the other numbers until they are closed anew; the enrollment lists them"
                .to_owned()
        }
        Number::Standing => match plan.attendance.minimum_percent {
            None => "the program version sets no minimum of attendance".to_owned(),
            Some(percent) => format!(
                "on_track while present * 100 >= {percent} * counted, at_risk while that can still be reached by being present in all that is \
                 to come, out_of_reach otherwise; null while nothing counts, and of whoever is neither enrolled nor suspended; {counted}"
            ),
        },
    }
}
