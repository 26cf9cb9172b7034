//! Who acts in a transaction, and what it recorded there.

use std::cell::{Cell, RefCell};

use super::{Action, Proof, Reach, Role, RoleGrantId, Scope, Secret, TokenId, UserId, allows};
use crate::{clock::Instant, error::Error, intakes::IntakeId, journal, organizations::OrganizationId, people::PersonId};

/// What a request shows to prove who sends it.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// The token of a program.
    Bearer(Secret),
    /// The sign-in that a browser holds.
    Cookie(Secret),
    /// A password, to begin a sign-in with.
    Proven(Proof),
    /// A one-time code, to begin a sign-in with.
    Coded(Proof),
    /// An invitation, to set a password with.
    Invited(Secret),
    /// The command line on the machine that holds the database.
    Operator,
}

/// Who acts: made by [`super::resolve`] inside the transaction that uses it, so it cannot outlive a right.
#[derive(Debug)]
pub struct Actor {
    pub(super) token_id: Option<TokenId>,
    pub(super) is_signed_in: bool,
    pub(super) user_id: Option<UserId>,
    pub(super) role_grant_id: Option<RoleGrantId>,
    pub(super) person_id: Option<PersonId>,
    pub(super) role: Role,
    pub(super) organization_id: Option<OrganizationId>,
    pub(super) scope: Scope,
    pub(super) read_only: bool,
    pub(super) manages_access: bool,
    pub(super) role_until: Option<Instant>,
    pub(super) only_intakes: Option<Vec<IntakeId>>,
    pub(super) stale_use: bool,
    pub(super) replay: Cell<bool>,
    pub(super) refused: Cell<Option<Action>>,
    pub(super) entries: RefCell<Vec<journal::NewEntry>>,
}

/// What may not be done, in words.
#[derive(serde::Serialize)]
struct Refused {
    action: &'static str,
}

impl Actor {
    pub fn role(&self) -> Role {
        self.role
    }

    pub fn token_id(&self) -> Option<TokenId> {
        self.token_id
    }

    pub fn user_id(&self) -> Option<UserId> {
        self.user_id
    }

    /// User, sign-in and role of somebody who has signed in.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for whoever acts by the token of a program, or by none.
    pub fn signed_in(&self) -> Result<(UserId, TokenId, RoleGrantId), Error> {
        match (self.user_id, self.token_id, self.role_grant_id) {
            (Some(user), Some(token), Some(grant)) if self.is_signed_in => Ok((user, token, grant)),
            _ => Err(Error::Forbidden("this is for whoever has signed in with a password, and no token's".to_owned())),
        }
    }

    /// The grant of the role in which the actor acts; none for the operator.
    pub fn role_grant_id(&self) -> Option<RoleGrantId> {
        self.role_grant_id
    }

    /// When the role ends in which the actor acts, if it was given for a time.
    pub fn role_until(&self) -> Option<Instant> {
        self.role_until
    }

    pub fn person_id(&self) -> Option<PersonId> {
        self.person_id
    }

    /// The organization at which the role is held; none for administrators and the operator.
    pub fn organization_id(&self) -> Option<OrganizationId> {
        self.organization_id
    }

    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The intakes that a narrowed token is good for.
    pub fn only_intakes(&self) -> Option<Vec<IntakeId>> {
        self.only_intakes.clone()
    }

    /// Whose users, roles and tokens the actor is shown, and manages if it may.
    pub fn reach(&self) -> Reach {
        Reach::of(self.role, self.organization_id)
    }

    /// Whether the actor may do `action` at all. For what depends on it; the gate is [`Actor::may`].
    pub fn allows(&self, action: Action) -> bool {
        allows(self.role, action) && (action.is_read() || !self.read_only)
    }

    /// The gate of every operation: called after the object was found in the actor's scope and before anything is written.
    ///
    /// In a replay it answers [`Error::Replayed`] where it would have let the work begin: the request is authorized again by the
    /// same lines as the first time, and then gets the stored answer.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the action is not the role's.
    pub fn may(&self, action: Action) -> Result<(), Error> {
        if !allows(self.role, action) {
            let role = self.role.as_str().replace('_', " ");
            let article = if role.starts_with(['a', 'i', 'o']) { "an" } else { "a" };
            return Err(self.refuse(action, format!("{article} {role} may not {}", action.in_words())));
        }
        if matches!(action, Action::ReadAccess | Action::ManageAccess | Action::ReadDisclosures | Action::Disclose) {
            self.check_manages(action)?;
        }
        if self.read_only && !action.is_read() {
            return Err(self.refuse(action, "this token is read-only".to_owned()));
        }
        if self.replay.get() && !action.is_read() {
            return Err(Error::Replayed);
        }
        Ok(())
    }

    /// What of users, roles, tokens and disclosures does not follow from the role alone. Nobody makes by a token what would outlive it.
    fn check_manages(&self, action: Action) -> Result<(), Error> {
        if self.only_intakes.is_some() || (self.role == Role::Partner && !self.manages_access) {
            return Err(self.refuse(action, format!("this role or token may not {}", action.in_words())));
        }
        if self.token_id.is_some() && !self.is_signed_in && !action.is_read() {
            return Err(self.refuse(action, format!("only whoever has signed in may {}, and no token", action.in_words())));
        }
        Ok(())
    }

    /// [`Actor::may`] for what belongs to no intake, such as an organization, a person or another intake: a narrowed token may not.
    ///
    /// # Errors
    /// [`Error::Forbidden`], also if the token is good for some intakes alone.
    pub fn may_beyond_intakes(&self, action: Action) -> Result<(), Error> {
        if self.only_intakes.is_some() {
            return Err(Error::Forbidden(format!(
                "this token is good for one intake or program and may not {} where that serves others too",
                action.in_words()
            )));
        }
        self.may(action)
    }

    /// The error of an action that is not the actor's, which the journal hears of if it is privileged.
    pub(super) fn refuse(&self, action: Action, detail: String) -> Error {
        if action.is_privileged() {
            self.refused.set(Some(action));
        }
        Error::Forbidden(detail)
    }

    /// What the journal has of a privileged action that was refused: in a transaction of its own, for the one that was refused leaves nothing.
    pub fn refusal(&self, now: Instant) -> Option<journal::Entry> {
        let (action, user) = (self.refused.get()?, self.user_id?);
        let entry = journal::NewEntry::of("action.refused", "user", user).held_at(self.organization_id);
        Some(journal::Entry::by(self, now, entry.to(&Refused { action: action.in_words() })))
    }

    /// From now on [`Actor::may`] stops at the gate.
    pub fn begin_replay(&self) {
        self.replay.set(true);
    }

    /// Remembers what the actor did; written as the transaction's last statement.
    pub fn record(&self, entry: journal::NewEntry) {
        self.entries.borrow_mut().push(entry);
    }

    /// The recorded entries, attributed and ready to append.
    pub fn take_entries(&self, now: Instant) -> Vec<journal::Entry> {
        self.entries.take().into_iter().map(|new| journal::Entry::by(self, now, new)).collect()
    }

    /// The token, if its time of last use is due to be noted.
    pub fn stale_use(&self) -> Option<TokenId> {
        self.token_id.filter(|_| self.stale_use)
    }
}
