//! What the database itself holds: statements past the rooms are refused on both databases.

mod away;
mod enrollments;
mod hours;
mod imports;
mod journal;
mod leave;
mod organizations;
mod passing;
mod plan;
mod programs;
mod replaced;
mod retention;
mod schedule;
mod steps;
mod tokens;
mod verify;
