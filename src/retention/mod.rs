//! People whose data is kept for a while only: restricted until a day, and erased from then on.
//!
//! What is restricted stays as it is, for reports, and nothing is begun with it any more. What is erased leaves rows, minutes and dates behind, and
//! no word about the person. Both are the operator's, from the command line. It reaches into every room, each of which takes out its own
//! words; `erasing`, a view, is what the triggers look at that hold everybody else back from them.

mod model;
mod store;

pub use model::{Erased, Standing};
pub use store::{due, erase, restrict, verify};
