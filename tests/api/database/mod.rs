//! What the database itself holds: statements past the rooms are refused on both databases.

mod journal;
mod organizations;
