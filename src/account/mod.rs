//! One device of one account: everything but XML and traffic.
//!
//! ```text
//! device lists → Account::set_device_list      missing  → what to fetch before a message
//! bundles      → Account::encrypt              encrypt  → elements, and a report about every device
//! stanzas      → Account::decrypt              decrypt  → what became of it
//!                                              bundles_due, answers_due, repairs_due → what to send
//! ```
//!
//! An account keeps everything in a [`Store`] and nothing in memory but its own identity: several
//! handles, threads and processes may use one store. Each operation is one transaction. What it returns
//! is stored before it is returned: no key is ever used for two messages, and no message that was
//! decrypted is lost ([`Account::inbox`]).
//!
//! Nobody is written to whose key was not decided about ([`Trust`]), and no device is left out in silence
//! ([`Report`]). What comes and cannot be read is an outcome, not an error ([`Received`]).
//!
//! Time and randomness are arguments.
//!
//! ```
//! use std::sync::Arc;
//!
//! use getrandom::SysRng;
//! use omemo::account::{Account, Opening, Options, TrustPolicy};
//! use omemo::model::{PerVersion, Timestamp};
//! use omemo::store::MemoryStore;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Arc::new(MemoryStore::new());
//! let options = Options::new(TrustPolicy::BlindUntilVerified);
//! let now = Timestamp::from_millis(1_700_000_000_000);
//! let juliet = "juliet@capulet.example".parse()?;
//! let account = Account::open(store, juliet, options, now, &mut SysRng)?;
//! assert_eq!(account.opening(), Opening::Created);
//!
//! // A new device: its bundles are due, and then its place on the device lists.
//! for version in account.bundles_due()? {
//!     let own = account.bundle(version)?;
//!     assert_eq!(own.bundle.pre_keys.len(), 100);
//!     // … publish own.bundle …
//!     account.bundle_published(version, own.revision)?;
//!     let list = account.own_device_list(version)?;
//!     assert!(list.devices.iter().any(|device| device.id == account.device()));
//!     // … publish the list …
//!     account.device_list_published(version, now)?;
//! }
//!
//! // What has to be fetched before a message reaches everybody: her list and Romeo's, in both versions.
//! let both = PerVersion::from_fn(|_| true);
//! let missing = account.missing(&["romeo@montague.example".parse()?], both)?;
//! assert_eq!(missing.device_lists.len(), 4);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/account.rs` goes on from there: a message, its report, reading and acknowledging it.

mod accept;
mod acquaintance;
mod answers;
mod blocked;
mod catch_up;
mod changed_identity;
mod consumers;
mod contacts;
mod decrypt;
mod device_limit;
mod devices;
mod element;
mod empty;
mod encrypt;
mod error;
mod eviction;
mod failures;
mod forget;
mod identities;
mod inbox;
mod incarnation;
mod judge;
mod key_element;
mod lookup;
mod made;
mod maintain;
mod message_keys;
mod names;
mod open;
mod open_message;
mod options;
mod outgoing;
mod own;
mod owners;
mod plan;
mod pre_keys;
mod publication;
mod published;
mod readers;
mod received;
mod recipients;
mod records;
mod remove;
mod repair;
mod report;
mod rollback;
mod sender;
mod sessions;
mod settle;
mod signed_pre_keys;
mod skipped_limits;
mod survey;
mod terms;
mod transaction;
mod transfer;
mod trust;
mod waiting;
mod weigh;

use core::fmt;
use std::sync::Arc;

pub use acquaintance::UndecidedKey;
pub use answers::DueAnswer;
pub use catch_up::{CatchUpId, Order};
pub use changed_identity::ChangedIdentity;
pub use consumers::APPLICATION;
pub use contacts::ConversationState;
pub use devices::{DeviceInfo, DeviceVersion, ListChange, Listing};
pub use empty::EmptyError;
pub use error::AccountError;
pub use incarnation::Incarnation;
pub use lookup::{FailedLookup, LookupError};
pub use names::Peer;
pub use open::Opening;
pub use options::{DowngradePolicy, GapPolicy, InboxLimits, Options, VersionPolicy};
pub use outgoing::{Bundles, EncryptError, FetchedBundle, Outgoing, Sent};
pub use publication::{LabelError, OwnBundle};
pub use published::PublishedBundle;
pub use received::{
    Arrival, Author, Empty, Failure, FailureReason, Incoming, Message, MessageId, Received,
};
pub use recipients::Missing;
pub use report::{Absence, DeviceReport, Fate, Gap, LeftOut, ListReport, Refusal, Report};
pub use rollback::Rollback;
pub use sender::{Candidates, Sender};
pub use survey::{
    BundleState, CatchUp, ConsumerSurvey, PeerSurvey, SessionState, SessionSurvey, Survey,
    VersionSurvey,
};
pub use terms::{Audience, RoomPolicy, Space, Terms};
pub use trust::{KnownKey, NewKey, Trust, TrustPolicy};

use self::names::Names;
use self::own::Own;
use self::transaction::Transaction;
use crate::crypto::IdentityKey;
use crate::model::{BareJid, DeviceId, Fingerprint, Timestamp};
use crate::store::Store;

/// One device of one account. May be used from several threads; a clone is another handle of it.
#[derive(Clone)]
pub struct Account {
    store: Arc<dyn Store>,
    names: Names,
    options: Options,
    own: Own,
    opening: Opening,
}

impl Account {
    /// The account's address.
    #[must_use]
    pub const fn jid(&self) -> &BareJid {
        self.names.own()
    }

    /// This device's id, the same in both versions.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.own.device
    }

    /// This device's fingerprint, the same in both versions.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::from(&IdentityKey::Curve25519(*self.own.identity.curve25519()))
    }

    /// When the account was made.
    #[must_use]
    pub const fn created(&self) -> Timestamp {
        self.own.created
    }

    /// How it was opened.
    #[must_use]
    pub const fn opening(&self) -> Opening {
        self.opening
    }

    /// The choices of the application.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Runs an operation and stores what it changes.
    fn run<T, E: From<AccountError>>(
        &self,
        mut operation: impl FnMut(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        transaction::run(&*self.store, self.names.scope(), |tx| {
            self.check_own(tx)?;
            operation(tx)
        })
    }

    /// Runs an operation that changes nothing.
    fn read<T>(
        &self,
        operation: impl Fn(&Transaction<'_>) -> Result<T, AccountError>,
    ) -> Result<T, AccountError> {
        self.run(|tx| operation(tx))
    }

    /// Whether the store still has the account that was opened.
    fn check_own(&self, tx: &Transaction<'_>) -> Result<(), AccountError> {
        let record = tx.get(&self.names.identity())?;
        let is_ours = record.is_some_and(|record| self.own.is_record(&record));
        if is_ours {
            Ok(())
        } else {
            Err(AccountError::Gone)
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("jid", self.jid())
            .field("device", &self.device())
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}
