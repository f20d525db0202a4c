//! The nouns of OMEMO that are neither bytes nor XML: versions, addresses, ids, bundles, device lists.
//!
//! Values are valid when they exist; what reads them off the wire checks them once.

mod bundle;
mod device;
mod encrypted;
mod fingerprint;
mod hex;
mod ids;
mod jid;
mod key_encoding;
mod key_id;
mod list_extras;
mod per_version;
mod prepare;
mod timestamp;
mod uri;

pub use bundle::{Bundle, PreKeyEntry};
pub use device::{Device, DeviceList, Label};
pub use encrypted::{Encrypted, OwnKey, RecipientKey};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use ids::{DeviceId, PreKeyId, SignedPreKeyId};
pub use jid::{BareJid, JidError, MAX_JID_PART};
pub use key_id::KeyId;
pub use list_extras::ListExtras;
pub use per_version::PerVersion;
pub use timestamp::Timestamp;
pub use uri::{FingerprintUri, MAX_URI_KEYS, MAX_URI_LEN, TrustMessageUri, UriError};

/// A deployed version of OMEMO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// `eu.siacs.conversations.axolotl`: XEP-0384 0.3.0 and what clients made of it.
    Legacy,
    /// `urn:xmpp:omemo:2`: XEP-0384 0.8 to 0.9.1.
    Omemo2,
}

impl Version {
    /// Both, in the order in which they came into the world.
    pub const ALL: [Self; 2] = [Self::Legacy, Self::Omemo2];

    /// The one that is read by devices of which nothing better is known.
    pub const BASELINE: Self = Self::Legacy;

    /// The one to be preferred between devices that are known to read it.
    pub const NEWEST: Self = Self::Omemo2;

    /// The XML namespace that names this version.
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::Legacy => "eu.siacs.conversations.axolotl",
            Self::Omemo2 => "urn:xmpp:omemo:2",
        }
    }

    /// The number of this version in stored records. It never changes.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Legacy => 1,
            Self::Omemo2 => 2,
        }
    }

    /// The version of a number that [`Self::code`] gave.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.code() == code)
    }

    /// Whether devices have labels in it (XEP-0384 §5.3.1, since 0.9).
    #[must_use]
    pub const fn has_labels(self) -> bool {
        matches!(self, Self::Omemo2)
    }

    /// The version of a namespace; `None` for every other namespace, `urn:xmpp:omemo:1` included.
    #[must_use]
    pub fn from_namespace(namespace: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.namespace() == namespace)
    }
}
