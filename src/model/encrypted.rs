//! An `<encrypted/>` element without its XML (XEP-0384 §5.5.1; 0.3.0 §4.5).

use super::{BareJid, DeviceId, Version};

/// What one `<encrypted/>` element says; `K` is what was kept of its keys: [`OwnKey`] where a device
/// reads, [`RecipientKey`] where it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted<K> {
    /// The version in whose namespace it is.
    pub version: Version,
    /// `sid`: the device that says it sent this.
    pub sender_device: DeviceId,
    /// The keys, in order.
    pub keys: Vec<K>,
    /// The nonce of a legacy payload; of any length where it is read, of 12 bytes where it is written. It is
    /// written in empty messages as well, and may be absent from those that are read. OMEMO 2 has none.
    pub iv: Option<Vec<u8>>,
    /// The encrypted content. `None` is an empty message: it carries keys only. A payload of no bytes
    /// is a message with an empty text.
    pub payload: Option<Vec<u8>>,
}

/// A key for the device that reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnKey {
    /// What the sender says: that this is a key exchange (`prekey`, `kex`). Nobody authenticates it.
    pub key_exchange: bool,
    /// The bytes for the session.
    pub bytes: Vec<u8>,
}

/// A key for a device of a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientKey {
    /// The account whose device it is for. Legacy does not write it.
    pub account: BareJid,
    /// `rid`: the device that it is for.
    pub device: DeviceId,
    /// Whether it is a key exchange: the attribute `prekey` or `kex`.
    pub key_exchange: bool,
    /// The bytes, before base64.
    pub bytes: Vec<u8>,
}
