//! What both benches measure on: a database of its own, and courses in it as large as the reference course.

pub mod database;
pub mod drafts;
pub mod roster;
pub mod seed;
