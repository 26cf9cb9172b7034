//! Muster: training programs that one organization teaches for another, with hours that can be trusted.
//!
//! # The rooms
//!
//! A feature is a folder with the same files: `mod.rs` is its face, `model.rs` its rows, values and rules (pure), `store.rs` all of its
//! SQL, `http.rs` its routes and handlers, which decide nothing. A table is written by one room; others may join it in reads.
//!
//! | Room | What it is for |
//! |---|---|
//! | [`organizations`] | universities, enterprises and their units; the tree that every scope filter reads |
//! | [`people`] | trainees and instructors, and their dated affiliations |
//! | [`instructors`] | the disciplines, available hours and caps of those who teach; the schedule warns beyond them |
//! | [`programs`] | programs and their versions: disciplines and modules, immutable once confirmed |
//! | [`rooms`] | rooms and online places of a provider; each holds one session at a time |
//! | [`calendars`] | holidays of a provider and shifts of a sponsor's crews; the schedule warns of both |
//! | [`intakes`] | one dated run of a version; its cohorts, seat quotas and amendments |
//! | [`enrollments`] | a trainee's place in an intake: states, dated periods, seats; who is expected of a session |
//! | [`schedule`] | sessions, what they occupy (claims), conflicts, waivers, how they were held; who is told of a change |
//! | [`feeds`] | schedules that calendar programs subscribe to, at secret addresses that can be revoked |
//! | [`leave`] | leave that is asked for, endorsed and granted; what is missed within it is authorized |
//! | [`attendance`] | roll calls: put, submit, close, reopen; corrections that are asked for |
//! | [`ledger`] | immutable hour entries, and the balances that are their sums |
//! | [`reports`] | the progress of an intake and of an enrollment |
//! | [`imports`] | rosters, schedules and the rest from XLSX, CSV and JSON; dry run, commit, undo |
//! | [`retention`] | who is kept for a while only, and what an erasure leaves |
//! | [`journal`] | who changed what, hash-chained; the audit |
//! | [`accounts`] | how people come to have a password, sign in with it, and out |
//! | [`access`] | who asks: tokens, roles, scopes and the one policy |
//!
//! Beside them: [`db`] (connections, transactions, migrations, types), [`http`] (what every handler shares), [`tabular`] (spreadsheets,
//! read and written under caps), [`cli`] (one file a command), [`app`] (the server, and the one list of routes), [`error`], [`clock`], [`zone`],
//! [`week`], [`id`], [`text`], [`vault`] (what is stored encrypted), [`config`], [`schema`].
//!
//! # The invariants, and what holds each
//!
//! What the database can hold, it holds, against direct SQL too. What it cannot, a type or one function does.
//!
//! | Invariant | Database | Types and code |
//! |---|---|---|
//! | Nobody takes a seat where capacity or a quota, of the sponsor or a unit, is used up | triggers `enrollments_seat_…` and `unit_quotas_seat_…`, counters beside each | `muster verify` recounts |
//! | A seat that becomes free goes to the first who waits and can take it | a place on the waitlist is one person's and never changes | [`enrollments::settle_seats`], by whoever counts seats, under the intake's lock |
//! | A place passes whole, and only before something is counted of it | trigger `enrollments_replace_exactly` | a session that is closed refuses it |
//! | An enrollment takes the steps of its life cycle and no others | trigger `enrollments_take_legal_steps` | [`lifecycle::LifeCycle::after`], on every way |
//! | One open enrollment per person and intake; one attendance per session and enrollment | unique index, primary key | |
//! | Nobody is in two places | `claims`, made and given back by triggers; an overlap needs a waiver of that pair | `schedule` says what is in the way; `muster verify` derives them anew |
//! | Nobody is present in two sessions of an intake at one time | | refused with what closes a roll call; `muster verify` compares all closed ones |
//! | What somebody called, no file changes | a line says which of both it is | `attendance::evidence::line`; `muster verify` holds lines by evidence to it |
//! | Whole minutes, UTC instants, no floats | checks: end − start = minutes + breaks | [`clock::Instant`], integers |
//! | No more is scheduled than planned, amendments included | | refused with what publishes, moves or amends; `muster verify` recounts, without what was taught longer than planned |
//! | A completed intake has no session unheld and no roll call open | | refused with what completes it, publishes in it or reopens |
//! | No data is not zero | | rates are `Option` in `reports` |
//! | Owed is what was taught while enrolled; what a period reaches back over is listed | periods of an enrollment do not overlap | [`enrollments::expected_of`], the one place; `muster verify` |
//! | A closed roll call posted what its attendances come to | each close counts: `roll_calls_steps` | the closing transaction; `muster verify` holds the count, and where each roll call stands, against the journal |
//! | What is closed, held, confirmed or posted stays | triggers against update and delete; a reversal mirrors its entry | a correction reverses and posts anew |
//! | Every balance is the sum of its entries; 0 ≤ present ≤ expected | checks on the balances; who has hours stays whose they are | moved in the posting transaction; `muster verify` recounts |
//! | A guest makes up what they attended, and no more than they missed | checks on the balances | posted anew by each closing that concerns it; `muster verify` derives it anew |
//! | What is carried into an enrollment is no more than was present where it comes from, and follows it | trigger `hour_entries_carry_exactly` | corrected in the posting transaction; `muster verify` derives it anew |
//! | What is missed within granted leave is authorized, and nothing else; a closing that leave has overtaken is listed | what was asked for stays as it was, and every step is kept | counted by the closing, held to a look at each second; `muster verify` derives it anew |
//! | The past is not decided again | an intake keeps its version | holding a session pins its times and its instructors' titles |
//! | Cancelling leaves what was held | triggers on the legal steps | [`schedule::cancel_unheld`] |
//! | A list or look-up shows what the actor may see, and 404 for the rest | `organization_tree`, filled by a trigger; `muster verify` derives it anew | `visible(actor)` in each store; the access matrix test |
//! | Another house's people are shown while it discloses them, and then read only | triggers `disclosures_…`: another house, once at a time, ended and never deleted | [`access::shown_to`] to read; `check_own` in `enrollments` and `intakes` before a write |
//! | What an import wrote is known for good, and taken back once | triggers on `imports` and `import_effects` | the journal keeps a hash of it, to which `muster verify` holds it |
//! | A password is proven and never kept; so many guesses and no more | the hash in its format; an invitation is good once | counted before it is looked at; an unknown name costs as much |
//! | The database alone tells nobody's identity number; who opens one is in the journal | sealed, with a keyed hash; one person's in a house | [`vault`], whose key is in the settings |
//! | A second factor counts once it was shown; no code of it, nor a recovery or one-time code, is good twice | triggers on `second_factors`, `recovery_codes` and `sign_in_codes` | taken in the transaction that begins the sign-in |
//! | A sign-in is a browser's own, and another site does not act through it | a token of its own kind | [`http::refuse_cross_site`]; the cookie's attributes |
//! | Nothing is written before the policy was asked | | [`access::Actor::may`]; a replayed request stops exactly there |
//! | Each change is in the journal, gapless and unchanged, filed where its auditors look | triggers on entries and seals | the last statement of [`db::Db::write`]; `muster verify` walks the chain, and looks for what was held or cancelled without an entry |
//! | Whoever a published change concerns is told of it and why, once and for good | triggers on `session_changes`, each of which has a reason | written by the one function that moves, those that cancel and the one that hears of a room; `muster verify` holds it against the journal |
//! | A feed shows nothing of a draft, and nothing at all once it is revoked or its maker's role has ended | a revoked feed stays so | looked up again at each reading |
//! | A request sent twice does its work once | primary key of the stored answers | [`http::once`]; an equal PUT or PATCH writes nothing |
//! | Of whoever is restricted nothing changes, and nothing is begun with them | triggers `…_unrestricted`, `people_restricted_stay` | contacts are shown to the house alone, by [`people::PersonDocument::shown_to`] |
//! | An erasure leaves no word about a person and every sum, and nothing else takes a payload away | triggers that let through what `erasing` shows | each room's `forget`; `muster verify` holds what is missing against the erasures |
//! | An acknowledged write survives a crash | WAL with `synchronous=FULL`; Postgres with `fsync` | asserted on every connection |
//!
//! `ARCHITECTURE.md` follows one request through all of this.

pub mod access;
pub mod accounts;
pub mod app;
pub mod attendance;
pub mod calendars;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod enrollments;
pub mod error;
pub mod feeds;
pub mod http;
pub mod id;
pub mod imports;
pub mod instructors;
pub mod intakes;
pub mod journal;
pub mod leave;
pub mod ledger;
pub mod lifecycle;
mod locale;
pub mod organizations;
pub mod people;
pub mod programs;
pub mod reports;
pub mod retention;
pub mod rooms;
pub mod schedule;
pub mod schema;
pub mod tabular;
pub mod text;
pub mod vault;
pub mod week;
pub mod zone;
