//! What became of each device of a message, and why a message did not go out.

use core::fmt;
use std::collections::BTreeSet;

use super::lookup::LookupError;
use super::{AccountError, Trust};
use crate::error::{EncryptError, InitiateError};
use crate::model::{BareJid, DeviceId, Encrypted, Fingerprint, RecipientKey, Version};

/// Every device of every recipient and every other one of the account's own: no device is left out in
/// silence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The devices.
    pub devices: Vec<DeviceReport>,
    /// The members of a room who get nothing, and why; empty outside of rooms.
    pub left_out: Vec<LeftOut>,
    /// Device lists that could not be looked up, those of the account itself among them. There may be
    /// devices that are not in this report, and devices in it that have left their list.
    pub lists: Vec<ListReport>,
}

/// A member of a room who gets nothing of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Who.
    pub jid: BareJid,
    /// Why.
    pub why: Absence,
}

/// Why a member of a room gets nothing of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Absence {
    /// One side has ended encryption with this account (XEP-0384 §5.9).
    OptedOut,
    /// The account has no device that is announced.
    NoDevices,
    /// The message is encrypted for none of the devices: the report has a reason for each.
    NoReader,
    /// The account joined the room after the user had decided who reads the message.
    Joined,
    /// Nobody could say which devices the account has.
    Unreachable(LookupError),
}

/// A device list that could not be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListReport {
    /// Whose it is.
    pub jid: BareJid,
    /// The version for which it announces devices.
    pub version: Version,
    /// Why it could not be looked up.
    pub error: LookupError,
    /// An older one is known, and was used.
    pub is_known: bool,
}

/// What became of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceReport {
    /// Whose device it is.
    pub jid: BareJid,
    /// Its id.
    pub device: DeviceId,
    /// What became of it.
    pub fate: Fate,
    /// It has spoken a newer version than the one that it is announced for now: somebody may have taken
    /// that away.
    pub is_downgraded: bool,
}

/// What became of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The message is encrypted for it.
    Encrypted {
        /// In this version.
        version: Version,
        /// With a key exchange: it has not answered yet.
        key_exchange: bool,
    },
    /// The message is not encrypted for it.
    Skipped(Gap),
}

/// Why a message is not encrypted for a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// Nobody has decided about its key: ask the user.
    Undecided(Fingerprint),
    /// The user does not trust its key.
    Distrusted(Fingerprint),
    /// There is no session, and no bundle was asked for ([`Account::missing`](super::Account::missing)).
    NoSession,
    /// It has published no bundle.
    NoBundle,
    /// Its bundle could not be looked up: try again later.
    Unreachable(LookupError),
    /// What it has published is no bundle of that version.
    BrokenBundle,
    /// Its bundle cannot be used.
    UnusableBundle(InitiateError),
    /// Its bundle has another identity key than the one that the device has shown before. If the user
    /// says that it is right: [`Account::forget_device`](super::Account::forget_device).
    IdentityChanged,
    /// It has not answered for too long.
    Silent,
    /// It is announced for an older version than it has spoken.
    Downgraded,
    /// It is announced for no version that has a payload and may be used.
    NoCommonVersion,
    /// It is on no device list.
    NotListed,
    /// Its session cannot encrypt: reset it.
    Session(EncryptError),
    /// The stanza would become larger than servers take, and this device is one of those that matter least
    /// ([`Space`](super::Space)).
    TooManyDevices,
    /// Its id is above 2³¹ − 1, and the message has readers that would drop the whole stanza because of it.
    LargeId,
    /// One side has ended encryption with its account; the message goes to a room.
    OptedOut,
    /// It shows the identity key of this device, or the id and the identity key of a device of another
    /// account that the message is for: its account has copied a bundle.
    CopiedKey,
}

/// Why a message did not go out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// One side has ended encryption with this account: ask the user, then
    /// [`Account::opt_in`](super::Account::opt_in), or send plaintext.
    OptedOut(BareJid),
    /// This recipient has no device that is announced.
    NoDevices(BareJid, Report),
    /// Nobody could say which devices this recipient has: try again. A message that is given again is
    /// a reason to ask at once.
    Unreachable(BareJid, LookupError, Report),
    /// This recipient would get nothing: the report says why.
    NobodyReached(BareJid, Report),
    /// Some devices would get nothing, and the policy does not allow it.
    Gaps(Report),
    /// It is a note to oneself, and the account has no other device.
    NoOtherDevice,
    /// No member of the room but the account itself would get anything.
    NobodyInRoom(Report),
    /// The stanza would be larger than servers take, whomever it is encrypted for.
    TooLarge(Report),
}

impl Report {
    /// The devices that it is encrypted for.
    pub fn encrypted(&self) -> impl Iterator<Item = &DeviceReport> {
        self.devices
            .iter()
            .filter(|device| matches!(device.fate, Fate::Encrypted { .. }))
    }

    /// The devices that were left out, and why.
    pub fn skipped(&self) -> impl Iterator<Item = (&DeviceReport, Gap)> {
        self.devices.iter().filter_map(|device| match device.fate {
            Fate::Skipped(gap) => Some((device, gap)),
            Fate::Encrypted { .. } => None,
        })
    }

    /// The keys that somebody has to decide about.
    pub fn undecided(&self) -> impl Iterator<Item = (&DeviceReport, Fingerprint)> {
        self.skipped().filter_map(|(device, gap)| match gap {
            Gap::Undecided(key) => Some((device, key)),
            _ => None,
        })
    }

    /// Whether any device of the account gets it.
    #[must_use]
    pub fn reaches(&self, jid: &BareJid) -> bool {
        self.encrypted().any(|device| device.jid == *jid)
    }

    /// The accounts of which a device gets it.
    pub(super) fn reached(&self) -> BTreeSet<&BareJid> {
        self.encrypted().map(|device| &device.jid).collect()
    }

    /// `place` is the device's in [`Self::devices`].
    pub(super) fn set(&mut self, place: usize, fate: Fate) {
        if let Some(device) = self.devices.get_mut(place) {
            device.fate = fate;
        }
    }

    /// The last look before a message leaves: exactly the devices of the report have a key in it.
    pub(super) fn check(&self, elements: &[Encrypted<RecipientKey>]) -> Result<(), AccountError> {
        let expected: BTreeSet<_> = self
            .encrypted()
            .map(|device| (&device.jid, device.device))
            .collect();
        let keys = elements.iter().flat_map(|element| &element.keys);
        let encoded: BTreeSet<_> = keys.map(|key| (&key.account, key.device)).collect();
        if expected == encoded {
            Ok(())
        } else {
            Err(AccountError::Record)
        }
    }
}

impl Refusal {
    /// What would have become of each device, where that is the reason.
    #[must_use]
    pub const fn report(&self) -> Option<&Report> {
        match self {
            Self::OptedOut(_) | Self::NoOtherDevice => None,
            Self::NoDevices(_, report)
            | Self::Unreachable(_, _, report)
            | Self::NobodyReached(_, report)
            | Self::Gaps(report)
            | Self::NobodyInRoom(report)
            | Self::TooLarge(report) => Some(report),
        }
    }
}

impl Gap {
    /// Whether, and why, nothing is encrypted for such a key.
    pub(super) const fn of_trust(trust: Trust, key: Fingerprint) -> Option<Self> {
        match trust {
            Trust::Blind | Trust::Verified => None,
            Trust::Undecided => Some(Self::Undecided(key)),
            Trust::Distrusted => Some(Self::Distrusted(key)),
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undecided(_) => f.write_str("nobody has decided whether to trust its key"),
            Self::Distrusted(_) => f.write_str("its key is not trusted"),
            Self::NoSession => {
                f.write_str("there is no session with it, and no bundle was fetched")
            }
            Self::NoBundle => f.write_str("it has published no bundle"),
            Self::Unreachable(error) => write!(f, "its bundle could not be looked up: {error}"),
            Self::BrokenBundle => f.write_str("what it has published is no bundle"),
            Self::UnusableBundle(error) => error.fmt(f),
            Self::IdentityChanged => f.write_str("it shows another identity key than before"),
            Self::Silent => f.write_str("it has not answered for too long"),
            Self::Downgraded => {
                f.write_str("it is announced for an older version than it has spoken")
            }
            Self::NoCommonVersion => {
                f.write_str("it is announced for no version that is used here")
            }
            Self::NotListed => f.write_str("it is on no device list"),
            Self::Session(error) => error.fmt(f),
            Self::TooManyDevices => f.write_str("the message would become too large with it"),
            Self::LargeId => f.write_str("other devices cannot read a message with its id in it"),
            Self::OptedOut => f.write_str("encryption was ended with its account"),
            Self::CopiedKey => f.write_str("it shows the key of somebody else's device"),
        }
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OptedOut => "encryption was ended with this member",
            Self::NoDevices => "this member has announced no device",
            Self::NoReader => "this member has no device that the message is encrypted for",
            Self::Joined => "this member joined after it was decided who reads the message",
            Self::Unreachable(_) => "nobody could say which devices this member has",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OptedOut(_) => {
                "encryption was ended in this conversation: opt in, or ask the user"
            }
            Self::NoDevices(..) => "a recipient has announced no device",
            Self::Unreachable(..) => {
                "nobody could say which devices a recipient has: try again later"
            }
            Self::NobodyReached(..) => "a recipient would get nothing: see the report",
            Self::Gaps(_) => "devices would be left out: see the report",
            Self::NoOtherDevice => "the account has no other device to send a note to",
            Self::NobodyInRoom(_) => {
                "no other member of the room would get anything: see the report"
            }
            Self::TooLarge(_) => "the message is larger than servers take",
        })
    }
}

impl core::error::Error for Refusal {}
