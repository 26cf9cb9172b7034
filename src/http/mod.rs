//! What every handler shares: who calls, the query, the body, the answer, pages, ETags, idempotency, problem documents, the API document.

mod accept;
mod answer;
pub mod body;
mod browser;
mod caller;
mod etag;
mod idempotency;
pub mod openapi;
pub mod page;
pub mod path;
pub mod problem;
mod query;
mod resource;
mod span;
mod upload;

pub use answer::{Answer, Download, Unchanged};
pub use body::{Body, Change, ExplainedChange, Many, Patched};
pub use browser::{Visitor, refuse_cross_site, security_headers};
pub use caller::{Caller, Conditions, Origin};
pub use etag::ETag;
pub use idempotency::{forget as forget_answers, once, sweep};
pub use page::{Page, PageQuery};
pub use problem::{Changing, Proving, Reading, Unguarded, Writing};
pub use query::Query;
pub use resource::at;
pub use span::RequestSpan;
pub use upload::{Sent, Upload, UploadForm};
