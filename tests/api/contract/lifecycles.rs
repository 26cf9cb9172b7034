use std::fs;

use super::source;
use crate::support::variable;

#[test]
fn the_life_cycles_are_printed_from_the_code() {
    let (printed, path) = (muster::app::life_cycles(), source::root().join("docs/LIFECYCLES.md"));
    if variable("UPDATE_DOCS").is_some() {
        fs::write(&path, &printed).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, printed, "renew it with `UPDATE_DOCS=1 cargo nextest run life_cycles` and look at the difference");
}
