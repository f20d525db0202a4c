//! Names of reasons, for programs: they stay as they are. The sentences beside them may change.

use omemo::account::{Absence, FailureReason, Gap, LookupError, Refusal};
use omemo::client::{RefusalReason, UndecryptableReason};
use omemo::model::BareJid;

/// Why a device gets nothing of a message.
pub(super) const fn gap(gap: Gap) -> &'static str {
    match gap {
        Gap::Undecided(_) => "undecided",
        Gap::Distrusted(_) => "distrusted",
        Gap::NoSession => "no-session",
        Gap::NoBundle => "no-bundle",
        Gap::Unreachable(_) => "unreachable",
        Gap::BrokenBundle => "broken-bundle",
        Gap::UnusableBundle(_) => "unusable-bundle",
        Gap::IdentityChanged => "identity-changed",
        Gap::Silent => "silent",
        Gap::Downgraded => "downgraded",
        Gap::NoCommonVersion => "no-common-version",
        Gap::NotListed => "not-listed",
        Gap::Session(_) => "session",
        Gap::TooManyDevices => "too-many-devices",
        Gap::LargeId => "large-id",
        Gap::OptedOut => "opted-out",
        _ => "other",
    }
}

/// Why a device list could not be looked up.
pub(super) const fn lookup(error: LookupError) -> &'static str {
    match error {
        LookupError::NoAnswer => "no-answer",
        LookupError::ServerTimeout => "server-timeout",
        LookupError::ServerNotFound => "server-not-found",
        LookupError::ServerError => "server-error",
        LookupError::Refused => "refused",
        LookupError::Unreadable => "unreadable",
        LookupError::Postponed => "postponed",
        _ => "other",
    }
}

/// Why a member of a room gets nothing of a message.
pub(super) const fn absence(why: Absence) -> &'static str {
    match why {
        Absence::OptedOut => "opted-out",
        Absence::NoDevices => "no-devices",
        Absence::NoReader => "no-reader",
        Absence::Joined => "joined-later",
        Absence::Unreachable(_) => "unreachable",
        _ => "other",
    }
}

/// Why a message does not go out.
pub(super) fn refusal(reason: &RefusalReason) -> &'static str {
    match reason {
        RefusalReason::Recipients(refusal) => match **refusal {
            Refusal::OptedOut(_) => "opted-out",
            Refusal::NoDevices(..) => "no-devices",
            Refusal::NobodyReached(..) => "nobody-reached",
            Refusal::Gaps(_) => "gaps",
            Refusal::NoOtherDevice => "no-other-device",
            Refusal::NobodyInRoom(_) => "nobody-in-room",
            Refusal::TooLarge(_) => "too-large",
            _ => "recipients",
        },
        RefusalReason::Payload(_) => "payload",
        RefusalReason::Stanza(_) => "stanza",
        RefusalReason::Envelope(_) => "envelope",
        _ => "other",
    }
}

/// Whom a refusal is about.
pub(super) const fn about(refusal: &Refusal) -> Option<&BareJid> {
    match refusal {
        Refusal::OptedOut(jid) | Refusal::NoDevices(jid, _) | Refusal::NobodyReached(jid, _) => {
            Some(jid)
        }
        _ => None,
    }
}

/// Why a message could not be read.
pub(super) const fn unreadable(reason: &UndecryptableReason) -> &'static str {
    match reason {
        UndecryptableReason::NotForThisDevice => "not-for-this-device",
        UndecryptableReason::Failure(failure) => failed(failure.reason),
        UndecryptableReason::Stanza(_) => "stanza",
        UndecryptableReason::Content(_) => "content",
        UndecryptableReason::NoSender => "no-sender",
        _ => "other",
    }
}

const fn failed(reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::Key(_) => "key",
        FailureReason::Payload(_) => "payload",
        FailureReason::CounterReused => "counter-reused",
        FailureReason::KeyGone => "key-gone",
        FailureReason::NoSession => "no-session",
        FailureReason::UnknownPreKey => "unknown-pre-key",
        FailureReason::UnknownSignedPreKey => "unknown-signed-pre-key",
        FailureReason::Replayed => "replayed",
        FailureReason::IdentityChanged => "identity-changed",
        FailureReason::AmbiguousSender => "ambiguous-sender",
        FailureReason::TooManyDevices => "too-many-devices",
        _ => "other",
    }
}
