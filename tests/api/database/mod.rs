//! What the database itself holds: statements past the rooms are refused on both databases.

mod away;
mod journal;
mod organizations;
