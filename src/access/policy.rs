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
    ReadImports,
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
            | Self::ReadImports
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
///
/// A line names every role it means, so that a new role may do nothing until somebody says so.
pub fn allows(role: Role, action: Action) -> bool {
    use Action as A;
    use Role::{Administrator, Auditor, ClassAdviser, Coordinator, Instructor, Operator, Partner, Trainee};
    let roles: &[Role] = match action {
        A::ManageAccess | A::WriteOrganizations => &[Administrator],
        A::WritePeople | A::WritePrograms | A::WriteIntakes | A::Enroll | A::WriteSchedule | A::CloseRollCall | A::Import => &[Coordinator],
        A::HoldSession | A::CallRoll => &[Coordinator, ClassAdviser, Instructor],
        A::ReadOrganizations | A::ReadPeople | A::ReadPrograms | A::ReadIntakes | A::ReadEnrollments | A::ReadSessions => {
            &[Administrator, Coordinator, ClassAdviser, Instructor, Partner, Trainee, Auditor]
        }
        A::ReadRollCall => &[Administrator, Coordinator, ClassAdviser, Instructor, Auditor],
        A::ReadHours | A::ReadOwnProgress => &[Administrator, Coordinator, ClassAdviser, Partner, Trainee, Auditor],
        A::ReadIntakeProgress => &[Administrator, Coordinator, Partner, Auditor],
        A::ReadImports => &[Administrator, Coordinator, Auditor],
        A::ReadAudit => &[Administrator, Auditor],
    };
    // Whoever can write the database file can do everything; going through the rooms keeps the rules and the journal.
    role == Operator || roles.contains(&role)
}
