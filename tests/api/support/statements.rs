//! How many statements a request costs.

use std::sync::{
    Mutex, Once,
    atomic::{AtomicBool, Ordering},
};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

static LISTENING: AtomicBool = AtomicBool::new(false);
static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on new connections are listened to. `spawn_app` calls it before the first one is opened.
pub fn install() {
    static ONCE: Once = Once::new();
    fn listener() -> Option<Box<dyn Instrumentation>> {
        // What a new connection sets before its first transaction is no request's.
        let mut settled = false;
        Some(Box::new(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                let statement = query.to_string();
                settled |= statement.starts_with("BEGIN");
                if settled && LISTENING.load(Ordering::Relaxed) {
                    HEARD.lock().unwrap().push(statement);
                }
            }
        }))
    }
    ONCE.call_once(|| set_default_instrumentation(listener).unwrap());
}

/// What `work` returns, and the statements that this process' servers ran meanwhile, `BEGIN` and `COMMIT` among them.
///
/// Exact under nextest, where each test is a process.
pub fn record<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
    HEARD.lock().unwrap().clear();
    LISTENING.store(true, Ordering::SeqCst);
    let result = work();
    LISTENING.store(false, Ordering::SeqCst);
    (result, std::mem::take(&mut HEARD.lock().unwrap()))
}

/// Like [`record`], only how many.
pub fn count<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let (result, statements) = record(work);
    (result, statements.len())
}
