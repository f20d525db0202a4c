//! Who sent a stanza, as far as its way here says: evidence, on which the account decides.

use core::fmt;
use std::collections::BTreeMap;

use super::outgoing::Bundles;
use crate::model::BareJid;

/// Who sent a stanza. Made once, by whoever knows how it came.
#[derive(Clone, Copy, Debug)]
pub enum Sender<'a> {
    /// This account: its server says so.
    Known(&'a BareJid),
    /// This account, as a room says that shows its occupants, of one who is there now.
    Occupant(&'a BareJid),
    /// One of several: a message of a room that came late, or under a name that nobody has now. The account
    /// weighs all of them before it names one, and may name none.
    OneOf(Candidates<'a>),
    /// Nobody can be named, not even as one of several.
    Nobody,
}

/// Those who may have sent a stanza, and what is known of the device that says it did.
///
/// A message on a session is from the owner of that session. A key exchange is from the owner of an identity,
/// and is taken for a candidate's only if
/// - a message under this identity was read from the candidate's device of this id before, and from no other
///   candidate's; or
/// - that device has shown this identity, in a bundle that was used before or is among `bundles`; no other
///   candidate's has; and of each other candidate it is known which identity the device shows, or that there is
///   no such device: bundles can be copied;
///
/// and if its content names that account ([`Incoming::author`](super::Incoming::author)), where the version has a place for that. Else the stanza is [`FailureReason::AmbiguousSender`](super::FailureReason), and
/// [`Account::bundles_to_tell`](super::Account::bundles_to_tell) says whose bundles would help.
#[derive(Clone, Copy)]
pub struct Candidates<'a> {
    /// The accounts.
    pub accounts: &'a [BareJid],
    /// Nobody else can have sent it. If that is not known, a key exchange is nobody's.
    pub are_all: bool,
    /// What came of asking for the bundles of their devices. A device whose bundle was asked for and is not
    /// there is in it, one that nobody could be asked about is not.
    pub bundles: &'a Bundles,
}

static NO_BUNDLES: Bundles = BTreeMap::new();

impl<'a> Sender<'a> {
    /// The account whose server, or whose room, says that it is the sender.
    pub(super) const fn known(&self) -> Option<&'a BareJid> {
        match self {
            Self::Known(jid) | Self::Occupant(jid) => Some(jid),
            Self::OneOf(_) | Self::Nobody => None,
        }
    }

    /// The sender is among these accounts, of which nothing else is known: one that is alone is known, and
    /// where there is none it is nobody.
    #[must_use]
    pub const fn among(accounts: &'a [BareJid]) -> Self {
        match accounts {
            [] => Self::Nobody,
            [account] => Self::Known(account),
            accounts => Self::OneOf(Candidates {
                accounts,
                are_all: true,
                bundles: &NO_BUNDLES,
            }),
        }
    }
}

impl fmt::Debug for Candidates<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidates")
            .field("accounts", &self.accounts)
            .field("bundles", &self.bundles.len())
            .finish_non_exhaustive()
    }
}
