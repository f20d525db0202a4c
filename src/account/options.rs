//! What the application decides for an account.

use core::time::Duration;

use super::{Incarnation, TrustPolicy};
use crate::model::Version;

/// The choices of an application. They are of a handle, not of the store: nothing of them is kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// What is thought of keys of contacts that are seen for the first time.
    pub trust: TrustPolicy,
    /// What is thought of keys of new devices of the account itself. Whoever controls the server can
    /// add one, so by default somebody is asked ([`TrustPolicy::Manual`]).
    pub trust_own: TrustPolicy,
    /// Which version is written to a device that has announced both.
    pub versions: VersionPolicy,
    /// Whether a message may leave out devices.
    pub gaps: GapPolicy,
    /// A device that read OMEMO 2 and is now announced for an older version only is written to (and
    /// reported), or left out.
    pub downgrades: DowngradePolicy,
    /// A device that has not answered so many messages is left out, and reported. `None`: never.
    pub silent_after: Option<u32>,
    /// Where decrypted messages wait until they are acknowledged; `None` switches it off, and what is
    /// lost between decryption and the application's own store is lost.
    pub inbox: Option<InboxLimits>,
    /// How old a signed pre-key becomes before it is replaced (XEP-0384 §5.2 asks for a week to a month).
    pub signed_pre_key_lifetime: Duration,
    /// Whether payloads are read whose tag is outside the ratchet, as very old clients wrote them. Every
    /// other recipient of such a message can have changed it.
    pub accept_tag_outside: bool,
    /// The [`Incarnation`]s that were kept outside of backups, if the application keeps them.
    pub incarnations: Option<Vec<Incarnation>>,
}

impl Options {
    /// The recommended choices. How keys come to be trusted is for the application to say.
    #[must_use]
    pub const fn new(trust: TrustPolicy) -> Self {
        Self {
            trust,
            trust_own: TrustPolicy::Manual,
            versions: VersionPolicy::ByEvidence,
            gaps: GapPolicy::Report,
            downgrades: DowngradePolicy::Report,
            silent_after: Some(1000),
            inbox: Some(InboxLimits::DEFAULT),
            signed_pre_key_lifetime: Duration::from_secs(7 * 24 * 60 * 60),
            accept_tag_outside: false,
            incarnations: None,
        }
    }
}

/// Which version is written to a device that has announced both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VersionPolicy {
    /// The newest for devices that are known to read it (they have written it, or the application said
    /// so), else the one that everybody reads: there are clients that announce what they cannot read.
    #[default]
    ByEvidence,
    /// The newest that is announced.
    Newest,
    /// This one; devices that have not announced it are left out.
    Only(Version),
}

/// Whether a message may leave out devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GapPolicy {
    /// It may, and the report says which and why. A recipient of whom no device gets it is a refusal.
    #[default]
    Report,
    /// It may not: any device that is left out is a refusal.
    Refuse,
}

/// What becomes of a device that is announced for an older version than the one it has spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DowngradePolicy {
    /// It is written to in the older version, and the report says so.
    #[default]
    Report,
    /// It is left out, and the report says so.
    Skip,
}

/// How much waits for acknowledgement. Beyond it the oldest go, and are counted ([`Account::evicted`](super::Account::evicted)):
/// never the newest, however large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxLimits {
    /// The number of messages.
    pub messages: u32,
    /// The sum of their texts and of what came with them ([`Incoming::attached`](super::Incoming::attached)),
    /// in bytes. What a single message has of both is to be less than a record of the store
    /// ([`MAX_VALUE`](crate::store::MAX_VALUE), 16 MiB).
    pub bytes: u64,
    /// How long a message waits.
    pub age: Duration,
}

impl InboxLimits {
    /// 1,000 messages, 16 MiB, 30 days.
    pub const DEFAULT: Self = Self {
        messages: 1000,
        bytes: 16 << 20,
        age: Duration::from_secs(30 * 24 * 60 * 60),
    };
}

impl Default for InboxLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
