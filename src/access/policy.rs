//! What each role may do, as one exhaustive match. What it may do it *to* is its scope's business.

use super::Role;

/// What can be done. An operation of the API is one of these on objects in the actor's scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See users, roles and tokens of others.
    ReadAccess,
    /// Make, invite and disable users, give and end roles, make and revoke tokens.
    ManageAccess,
    /// See whose people are shown to whom.
    ReadDisclosures,
    /// Show the people of a house to another one, and end that.
    Disclose,
    ReadOrganizations,
    WriteOrganizations,
    ReadPeople,
    WritePeople,
    /// See the last characters of identity numbers.
    ReadIdentityNumbers,
    /// See whole identity numbers, and look people up by them.
    OpenIdentityNumbers,
    ReadProfiles,
    WriteProfiles,
    ReadPrograms,
    WritePrograms,
    ReadIntakes,
    WriteIntakes,
    ReadEnrollments,
    Enroll,
    /// Name whom a sponsor would send.
    Nominate,
    /// End an enrollment; of a partner a nomination that nobody has decided on.
    Withdraw,
    /// Give a place to somebody else of the same unit.
    Replace,
    /// Accept or decline the offer of a seat.
    AnswerOffer,
    ReadSessions,
    WriteSchedule,
    ReadPlacements,
    ReadSeries,
    ReadWaivers,
    ReadRooms,
    WriteRooms,
    /// What became of published sessions, as far as it concerns somebody.
    ReadChanges,
    ReadFeeds,
    WriteFeeds,
    ReadCalendars,
    WriteCalendars,
    ReadLeave,
    AskLeave,
    EndorseLeave,
    /// Grant or refuse leave, and withdraw what was granted.
    DecideLeave,
    /// Confirm a session as taught.
    HoldSession,
    ReadRollCall,
    CallRoll,
    CloseRollCall,
    InviteGuests,
    ReadCorrections,
    /// Ask for a correction of a closed roll call.
    AskCorrection,
    ReadHours,
    /// Post hours by hand, or take that back.
    AdjustHours,
    ReadOwnProgress,
    ReadIntakeProgress,
    Import,
    ReadImports,
    ReadAudit,
    /// Restrict people, and erase them.
    Erase,
    /// See the own user, roles and sign-ins.
    ReadAccount,
    /// Sign in and out, change roles, set the own password.
    UseAccount,
}

impl Action {
    /// Whether the action leaves everything as it was; a read-only token may do nothing else.
    pub const fn is_read(self) -> bool {
        match self {
            Self::ReadOrganizations
            | Self::ReadPeople
            | Self::ReadIdentityNumbers
            | Self::ReadProfiles
            | Self::ReadPrograms
            | Self::ReadIntakes
            | Self::ReadEnrollments
            | Self::ReadSessions
            | Self::ReadPlacements
            | Self::ReadSeries
            | Self::ReadWaivers
            | Self::ReadRooms
            | Self::ReadChanges
            | Self::ReadFeeds
            | Self::ReadCalendars
            | Self::ReadLeave
            | Self::ReadRollCall
            | Self::ReadCorrections
            | Self::ReadHours
            | Self::ReadOwnProgress
            | Self::ReadIntakeProgress
            | Self::ReadImports
            | Self::ReadAudit
            | Self::ReadAccount
            | Self::ReadAccess
            | Self::ReadDisclosures => true,
            Self::ManageAccess
            | Self::Disclose
            | Self::WriteOrganizations
            | Self::WritePeople
            | Self::OpenIdentityNumbers
            | Self::WriteProfiles
            | Self::WritePrograms
            | Self::WriteIntakes
            | Self::Enroll
            | Self::Nominate
            | Self::Withdraw
            | Self::Replace
            | Self::AnswerOffer
            | Self::WriteSchedule
            | Self::WriteRooms
            | Self::WriteFeeds
            | Self::WriteCalendars
            | Self::AskLeave
            | Self::EndorseLeave
            | Self::DecideLeave
            | Self::HoldSession
            | Self::CallRoll
            | Self::CloseRollCall
            | Self::InviteGuests
            | Self::AskCorrection
            | Self::AdjustHours
            | Self::Import
            | Self::Erase
            | Self::UseAccount => false,
        }
    }

    /// Whether the journal hears of it when somebody tries it who may not: who may do what, what counts as hours, who somebody is by law, and the
    /// journal itself.
    pub const fn is_privileged(self) -> bool {
        matches!(
            self,
            Self::ReadAccess
                | Self::ManageAccess
                | Self::Disclose
                | Self::WriteOrganizations
                | Self::OpenIdentityNumbers
                | Self::CloseRollCall
                | Self::AdjustHours
                | Self::DecideLeave
                | Self::ReadAudit
                | Self::Erase
        )
    }

    /// What may not be done, in the words of whoever is refused: behind "an instructor may not".
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::ReadAccess => "see users and tokens",
            Self::ManageAccess => "manage users and tokens",
            Self::ReadDisclosures => "see disclosures",
            Self::Disclose => "show the people of one house to another, or end that",
            Self::ReadOrganizations => "see organizations",
            Self::WriteOrganizations => "create or change organizations",
            Self::ReadPeople => "see people",
            Self::WritePeople => "record or change people",
            Self::ReadIdentityNumbers => "see what is shown of identity numbers",
            Self::OpenIdentityNumbers => "open identity numbers",
            Self::ReadProfiles => "see when instructors are available",
            Self::WriteProfiles => "say when instructors are available",
            Self::ReadPrograms => "see programs",
            Self::WritePrograms => "create or change programs",
            Self::ReadIntakes => "see intakes",
            Self::WriteIntakes => "create or change intakes",
            Self::ReadEnrollments => "see enrollments",
            Self::Enroll => "enroll people or change their enrollments",
            Self::Nominate => "nominate people",
            Self::Withdraw => "withdraw an enrollment: a coordinator does, and until it is decided on the partner who nominated",
            Self::Replace => "give a place to somebody else",
            Self::AnswerOffer => "accept or decline an offer",
            Self::ReadSessions => "see sessions",
            Self::WriteSchedule => "change the schedule",
            Self::ReadPlacements => "see where a session would fit",
            Self::ReadSeries => "see how a series was made",
            Self::ReadWaivers => "see which sessions may overlap",
            Self::ReadRooms => "see rooms",
            Self::WriteRooms => "record or change rooms",
            Self::ReadChanges => "see the changes that concern a person",
            Self::ReadFeeds => "see calendar feeds",
            Self::WriteFeeds => "make or revoke calendar feeds",
            Self::ReadCalendars => "see calendars",
            Self::WriteCalendars => "begin or change calendars",
            Self::ReadLeave => "see leave",
            Self::AskLeave => "ask for leave",
            Self::EndorseLeave => "endorse leave",
            Self::DecideLeave => "decide on this leave",
            Self::HoldSession => "hold a session",
            Self::ReadRollCall => "see a roll call",
            Self::CallRoll => "call the roll",
            Self::CloseRollCall => "close or reopen a roll call",
            Self::InviteGuests => "invite guests to a session",
            Self::ReadCorrections => "see corrections that are asked for",
            Self::AskCorrection => "ask for a correction",
            Self::AdjustHours => "adjust hours",
            Self::ReadHours => "see an enrollment's hours",
            Self::ReadOwnProgress => "see an enrollment's progress",
            Self::ReadIntakeProgress => "see the progress of an intake",
            Self::Import => "import files or take imports back",
            Self::ReadImports => "see imports",
            Self::ReadAudit => "read the journal",
            Self::Erase => "restrict or erase people",
            Self::ReadAccount => "see their own account",
            Self::UseAccount => "change their own account",
        }
    }
}

/// Whether `role` may do `action` to what it sees (DOMAIN: who may do what).
///
/// A line names every role it means, so that a new role may do nothing until somebody says so.
pub fn allows(role: Role, action: Action) -> bool {
    use Action as A;
    use Role::{Administrator, Auditor, ClassAdviser, Coordinator, Instructor, Operator, Partner, Trainee};
    let roles: &[Role] = match action {
        A::WriteOrganizations => &[Administrator],
        // Partners who are given it with the role.
        A::ManageAccess => &[Administrator, Coordinator, Partner],
        A::ReadDisclosures | A::Disclose => &[Administrator, Partner],
        A::ReadAccess => &[Administrator, Coordinator, Partner, Auditor],
        A::WritePeople
        | A::OpenIdentityNumbers
        | A::WriteProfiles
        | A::WritePrograms
        | A::WriteIntakes
        | A::Enroll
        | A::WriteSchedule
        | A::WriteRooms
        | A::WriteCalendars
        | A::DecideLeave
        | A::CloseRollCall
        | A::InviteGuests
        | A::AdjustHours
        | A::Import => &[Coordinator],
        // Instructors and trainees of the own schedule.
        A::WriteFeeds => &[Coordinator, Instructor, Trainee],
        A::ReadChanges | A::ReadFeeds => &[Administrator, Coordinator, Instructor, Trainee, Auditor],
        A::AnswerOffer => &[Coordinator, Partner, Trainee],
        A::Nominate | A::Withdraw | A::Replace => &[Coordinator, Partner],
        A::AskCorrection => &[Coordinator, ClassAdviser, Instructor, Partner, Trainee],
        A::AskLeave => &[Coordinator, ClassAdviser, Partner, Trainee],
        A::EndorseLeave => &[Coordinator, ClassAdviser, Partner],
        A::HoldSession | A::CallRoll => &[Coordinator, ClassAdviser, Instructor],
        A::ReadOrganizations
        | A::ReadPeople
        | A::ReadPrograms
        | A::ReadIntakes
        | A::ReadEnrollments
        | A::ReadSessions
        | A::ReadLeave
        | A::ReadCorrections
        | A::ReadAccount
        | A::UseAccount => &[Administrator, Coordinator, ClassAdviser, Instructor, Partner, Trainee, Auditor],
        // Class advisers and instructors of the evidence that they brought themselves.
        A::ReadRollCall | A::ReadProfiles | A::ReadImports => &[Administrator, Coordinator, ClassAdviser, Instructor, Auditor],
        A::ReadHours | A::ReadOwnProgress => &[Administrator, Coordinator, ClassAdviser, Partner, Trainee, Auditor],
        A::ReadIntakeProgress | A::ReadIdentityNumbers => &[Administrator, Coordinator, Partner, Auditor],
        A::ReadPlacements | A::ReadSeries | A::ReadWaivers | A::ReadRooms | A::ReadCalendars => &[Administrator, Coordinator, Auditor],
        A::ReadAudit => &[Administrator, Auditor],
        // The operator's alone.
        A::Erase => &[],
    };
    // Whoever can write the database file can do everything; going through the rooms keeps the rules and the journal.
    role == Operator || roles.contains(&role)
}
