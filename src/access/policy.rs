//! What each role may do, as one exhaustive match. What it may do it *to* is its scope's business.

use std::fmt;

use super::Role;

/// What can be done. An operation of the API is one of these on objects in the actor's scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Users, role grants and tokens.
    ManageAccess,
    ReadOrganizations,
    WriteOrganizations,
    ReadPeople,
    WritePeople,
    ReadPrograms,
    WritePrograms,
    ReadIntakes,
    WriteIntakes,
    ReadEnrollments,
    Enroll,
    ReadSessions,
    WriteSchedule,
    /// Confirm a session as taught.
    HoldSession,
    ReadRollCall,
    CallRoll,
    CloseRollCall,
    ReadHours,
    ReadOwnProgress,
    ReadIntakeProgress,
    Import,
    ReadAudit,
}

impl Action {
    /// Whether the action leaves everything as it was; a read-only token may do nothing else.
    pub const fn is_read(self) -> bool {
        match self {
            Self::ReadOrganizations
            | Self::ReadPeople
            | Self::ReadPrograms
            | Self::ReadIntakes
            | Self::ReadEnrollments
            | Self::ReadSessions
            | Self::ReadRollCall
            | Self::ReadHours
            | Self::ReadOwnProgress
            | Self::ReadIntakeProgress
            | Self::ReadAudit => true,
            Self::ManageAccess
            | Self::WriteOrganizations
            | Self::WritePeople
            | Self::WritePrograms
            | Self::WriteIntakes
            | Self::Enroll
            | Self::WriteSchedule
            | Self::HoldSession
            | Self::CallRoll
            | Self::CloseRollCall
            | Self::Import => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Whether `role` may do `action` to what it sees (DOMAIN: who may do what).
#[expect(clippy::too_many_lines, reason = "the policy is one exhaustive match on purpose")]
pub const fn allows(role: Role, action: Action) -> bool {
    use Action as A;
    match role {
        // Whoever can write the database file can do everything; going through the rooms keeps the rules and the journal.
        Role::Operator => true,
        Role::Administrator => match action {
            A::ManageAccess | A::WriteOrganizations => true,
            A::WritePeople
            | A::WritePrograms
            | A::WriteIntakes
            | A::Enroll
            | A::WriteSchedule
            | A::HoldSession
            | A::CallRoll
            | A::CloseRollCall
            | A::Import => false,
            A::ReadOrganizations
            | A::ReadPeople
            | A::ReadPrograms
            | A::ReadIntakes
            | A::ReadEnrollments
            | A::ReadSessions
            | A::ReadRollCall
            | A::ReadHours
            | A::ReadOwnProgress
            | A::ReadIntakeProgress
            | A::ReadAudit => true,
        },
        Role::Coordinator => match action {
            A::ManageAccess | A::WriteOrganizations | A::ReadAudit => false,
            A::ReadOrganizations
            | A::ReadPeople
            | A::WritePeople
            | A::ReadPrograms
            | A::WritePrograms
            | A::ReadIntakes
            | A::WriteIntakes
            | A::ReadEnrollments
            | A::Enroll
            | A::ReadSessions
            | A::WriteSchedule
            | A::HoldSession
            | A::ReadRollCall
            | A::CallRoll
            | A::CloseRollCall
            | A::ReadHours
            | A::ReadOwnProgress
            | A::ReadIntakeProgress
            | A::Import => true,
        },
        Role::ClassAdviser => match action {
            A::ReadOrganizations
            | A::ReadPeople
            | A::ReadPrograms
            | A::ReadIntakes
            | A::ReadEnrollments
            | A::ReadSessions
            | A::HoldSession
            | A::ReadRollCall
            | A::CallRoll
            | A::ReadHours
            | A::ReadOwnProgress => true,
            A::ManageAccess
            | A::WriteOrganizations
            | A::WritePeople
            | A::WritePrograms
            | A::WriteIntakes
            | A::Enroll
            | A::WriteSchedule
            | A::CloseRollCall
            | A::ReadIntakeProgress
            | A::Import
            | A::ReadAudit => false,
        },
        Role::Instructor => match action {
            A::ReadOrganizations
            | A::ReadPeople
            | A::ReadPrograms
            | A::ReadIntakes
            | A::ReadEnrollments
            | A::ReadSessions
            | A::HoldSession
            | A::ReadRollCall
            | A::CallRoll => true,
            A::ManageAccess
            | A::WriteOrganizations
            | A::WritePeople
            | A::WritePrograms
            | A::WriteIntakes
            | A::Enroll
            | A::WriteSchedule
            | A::CloseRollCall
            | A::ReadHours
            | A::ReadOwnProgress
            | A::ReadIntakeProgress
            | A::Import
            | A::ReadAudit => false,
        },
        Role::Partner => match action {
            A::ReadOrganizations
            | A::ReadPeople
            | A::ReadPrograms
            | A::ReadIntakes
            | A::ReadEnrollments
            | A::ReadSessions
            | A::ReadHours
            | A::ReadOwnProgress
            | A::ReadIntakeProgress => true,
            A::ManageAccess
            | A::WriteOrganizations
            | A::WritePeople
            | A::WritePrograms
            | A::WriteIntakes
            | A::Enroll
            | A::WriteSchedule
            | A::HoldSession
            | A::ReadRollCall
            | A::CallRoll
            | A::CloseRollCall
            | A::Import
            | A::ReadAudit => false,
        },
        Role::Trainee => match action {
            A::ReadOrganizations
            | A::ReadPeople
            | A::ReadPrograms
            | A::ReadIntakes
            | A::ReadEnrollments
            | A::ReadSessions
            | A::ReadHours
            | A::ReadOwnProgress => true,
            A::ManageAccess
            | A::WriteOrganizations
            | A::WritePeople
            | A::WritePrograms
            | A::WriteIntakes
            | A::Enroll
            | A::WriteSchedule
            | A::HoldSession
            | A::ReadRollCall
            | A::CallRoll
            | A::CloseRollCall
            | A::ReadIntakeProgress
            | A::Import
            | A::ReadAudit => false,
        },
        // As the coordinator, read only, and the journal.
        Role::Auditor => action.is_read(),
    }
}
