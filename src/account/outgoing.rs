//! What goes into [`Account::encrypt`](super::Account::encrypt), and what comes out.

use core::fmt;
use std::collections::BTreeMap;

use super::AccountError;
use super::lookup::LookupError;
use super::names::Peer;
use super::report::{Refusal, Report};
use crate::error::PayloadError;
use crate::model::{BareJid, Bundle, Encrypted, PerVersion, RecipientKey};

/// What is to be sent.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// The accounts that are to read it; in a room, all that may. The account itself need not be among
    /// them: its other devices always are.
    pub recipients: &'a [BareJid],
    /// What each version's element is to contain: for legacy the body, for OMEMO 2 an envelope (XEP-0420).
    /// A version without a payload is not used.
    pub payloads: PerVersion<Option<&'a [u8]>>,
    /// The bundles that were fetched for it: see [`Account::missing`](super::Account::missing).
    pub bundles: &'a Bundles,
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("recipients", &self.recipients)
            .field("bundles", &self.bundles)
            .finish_non_exhaustive()
    }
}

/// What came of asking for bundles.
pub type Bundles = BTreeMap<Peer, FetchedBundle>;

/// What came of asking for a bundle.
#[derive(Clone, Debug)]
pub enum FetchedBundle {
    /// This.
    Bundle(Box<Bundle>),
    /// There is none.
    Absent,
    /// There is something that is no bundle.
    Broken,
    /// Nobody could say whether there is one.
    Unreachable(LookupError),
}

/// An encrypted message: stored as sent before it is handed out.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The `<encrypted/>` elements, one for each version that is used.
    pub elements: Vec<Encrypted<RecipientKey>>,
    /// Every device of every recipient, and every other one of the account's own.
    pub report: Report,
}

/// Why nothing was encrypted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EncryptError {
    /// The message may not go out like this. Keys that were seen for the first time are stored, so that
    /// the user can decide about them, and which devices have shown them; nothing else is, and not even
    /// that if a session turned out to be at its end.
    Refused(Box<Refusal>),
    /// The payload cannot be encrypted.
    Payload(PayloadError),
    /// Nothing was done.
    Account(AccountError),
}

impl fmt::Display for EncryptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Payload(error) => error.fmt(f),
            Self::Account(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for EncryptError {}

impl<E: Into<AccountError>> From<E> for EncryptError {
    fn from(error: E) -> Self {
        Self::Account(error.into())
    }
}
