//! Tables that people send and fetch: CSV texts and XLSX workbooks.
//!
//! [`read`] turns the bytes of a file into a [`Table`] of texts, [`map_columns`] finds the columns that an import
//! knows, [`write_csv`] and [`write_xlsx`] go the other way. What the texts mean is the business of the room that
//! asked. Nothing here knows a database, a clock or a request.
//!
//! Two rules hold throughout:
//!
//! - *Nothing is lost in silence.* A text in an unknown encoding, a number whose digits the spreadsheet dropped, a
//!   quote that is never closed and a row shifted by a stray comma are errors, because a wrong name or id in a
//!   register is worse than a file sent twice.
//! - *A file is hostile until shown otherwise.* A few kilobytes can unpack to gigabytes. Every size that a file
//!   declares is checked against what it holds, and memory and time are bounded by [`Limits`], not by the file.

mod columns;
mod csv;
mod error;
mod package;
mod read;
mod table;
mod text;
mod write;
mod xlsx;

pub use columns::{ColumnProblem, Field, Mapping, map_columns};
pub use error::{TabularError, column_name};
pub use read::read;
pub use table::{Limits, Row, Table};
pub use write::{write_csv, write_xlsx};
