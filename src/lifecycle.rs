//! Life cycles: which step leads from which states to which, as data; pure.

use std::fmt::Display;

use crate::{error::Error, text::Note};

/// A legal step.
#[derive(Debug)]
pub struct Step<V: 'static, S: 'static> {
    pub verb: V,
    pub from: &'static [S],
    pub to: S,
    /// Whether it is taken with a reason only.
    pub needs_reason: bool,
}

/// The legal steps of all that is of one kind. What else a step asks for is said where it is taken.
#[derive(Debug)]
pub struct LifeCycle<V: 'static, S: 'static> {
    pub of: &'static str,
    pub steps: &'static [Step<V, S>],
}

impl<V: Copy + PartialEq + Display, S: Copy + PartialEq + Display> LifeCycle<V, S> {
    /// The state after a step from `state`; `called` is what refusals call the one that takes it.
    ///
    /// # Errors
    /// 409 `illegal_transition`; 422 `reason_missing`.
    pub fn after(&self, called: impl Display, state: S, verb: V, reason: Option<&Note>) -> Result<S, Error> {
        let legal = self.steps.iter().find(|step| step.verb == verb && step.from.contains(&state));
        let Some(step) = legal else {
            let from = self.steps.iter().filter(|step| step.verb == verb).flat_map(|step| step.from).map(S::to_string);
            let from = from.collect::<Vec<_>>().join(" or ");
            let detail = format!("{verb} is not possible while {called} is {state}, but while it is {from}");
            return Err(Error::conflict("illegal_transition", detail));
        };
        if step.needs_reason && reason.is_none() {
            return Err(Error::invalid("/reason", "reason_missing", format!("{verb} needs a reason")));
        }
        Ok(step.to)
    }

    /// The steps as a table for people.
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n| Step | From | To | Reason |\n|---|---|---|---|\n", self.of);
        for Step { verb, from, to, needs_reason } in self.steps {
            let from = from.iter().map(S::to_string).collect::<Vec<_>>().join(", ");
            let reason = if *needs_reason { "needed" } else { "" };
            text.push_str(&format!("| {verb} | {from} | {to} | {reason} |\n"));
        }
        text
    }
}
