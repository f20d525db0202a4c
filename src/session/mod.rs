//! A session with one device: X3DH, the ratchet and a version of OMEMO together.
//!
//! ```text
//! bundle       → Session::initiate ─┐
//! key exchange → Session::accept   ─┤
//! record       → Session::from_record ─→ encrypt → bytes for <key/>
//!                                        decrypt → Decrypted → commit
//! ```
//!
//! Receiving is in two acts, as in [`ratchet`](crate::ratchet): what [`Session::decrypt`] hands out is
//! the plaintext of a message that verified, and the session moves at [`Decrypted::commit`], after the
//! payload has verified as well. What an error leaves behind is what was there before.
//!
//! A session does not know who may have which one-time pre-key, who is trusted, or which of several
//! sessions a message belongs to. That is the account's.

mod accept;
mod decrypt;
mod encrypt;
mod initiate;
mod record;

pub use accept::{Accepted, ResponderKeys};
pub use decrypt::Decrypted;
pub use encrypt::EncryptedKey;
pub use record::RECORD_LEN;

use core::fmt;

use crate::crypto::{EphemeralPublicKey, IdentityKey, RatchetPublicKey};
use crate::model::Version;
use crate::protocol::{Parties, Protocol};
use crate::ratchet::{Ratchet, Receiving, Sending};

/// A chain whose messages reach this number unanswered needs a heartbeat (XEP-0384 §5.8: "When a client
/// receives the first message for a given ratchet key with a counter of 53 or higher, it MUST send a
/// heartbeat message").
pub const HEARTBEAT_COUNTER: u32 = 53;

/// A session of either version with one device.
///
/// `Debug` shows what is public; the keys are wiped when it is dropped.
#[derive(Clone)]
pub struct Session {
    protocol: &'static dyn Protocol,
    parties: Parties,
    /// `EK_A`: names the session, as long as key exchanges are repeated.
    base_key: EphemeralPublicKey,
    /// Until something was received, each message goes out inside the key exchange.
    unanswered: Option<Unanswered>,
    heartbeat_due: bool,
    /// Boxed, so that moving a session leaves no keys behind.
    ratchet: Box<Ratchet>,
}

/// What the initiator repeats in each key exchange, besides keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unanswered {
    pre_key_id: u32,
    signed_pre_key_id: u32,
    device_id: u32,
}

impl Session {
    /// The version that it speaks.
    #[must_use]
    pub fn version(&self) -> Version {
        self.protocol.version()
    }

    /// The identity key of the other device, as it came. It is authentic once a message has verified.
    #[must_use]
    pub const fn remote_identity(&self) -> &IdentityKey {
        &self.parties.remote
    }

    /// Whether this side started it.
    #[must_use]
    pub const fn is_initiator(&self) -> bool {
        self.parties.local_is_initiator
    }

    /// The initiator's ephemeral key. A key exchange with the same one, from the side that is not this
    /// one, is for this session, whatever pre-keys it names.
    #[must_use]
    pub const fn base_key(&self) -> &EphemeralPublicKey {
        &self.base_key
    }

    /// Whether nothing was received on it yet, so that messages go out as key exchanges.
    #[must_use]
    pub const fn is_unanswered(&self) -> bool {
        self.unanswered.is_some()
    }

    /// Whether an empty message should be sent now, so that the other side's ratchet moves on. It is
    /// said once for each of its ratchet keys, from the message with [`HEARTBEAT_COUNTER`] on, until
    /// something is sent.
    #[must_use]
    pub const fn heartbeat_due(&self) -> bool {
        self.heartbeat_due
    }

    /// Whether the ratchet key is that of the chain that is being received. Older ones are known by
    /// the [`SkippedKeys`](crate::ratchet::SkippedKeys) that are kept.
    #[must_use]
    pub fn is_receiving_from(&self, key: &RatchetPublicKey) -> bool {
        matches!(self.ratchet.receiving(), Receiving::Open { dh, .. } if dh == key)
    }

    /// Whether the ratchet key is that of the chain that is being sent on.
    #[must_use]
    pub fn is_sending_with(&self, key: &RatchetPublicKey) -> bool {
        matches!(self.ratchet.sending(), Sending::Open { dh, .. } if dh.public() == key)
    }

    /// The ratchet, to look at.
    #[must_use]
    pub fn ratchet(&self) -> &Ratchet {
        &self.ratchet
    }

    fn parts(
        protocol: &'static dyn Protocol,
        parties: Parties,
        base_key: EphemeralPublicKey,
        unanswered: Option<Unanswered>,
        ratchet: Ratchet,
    ) -> Self {
        Self {
            protocol,
            parties,
            base_key,
            unanswered,
            heartbeat_due: false,
            ratchet: Box::new(ratchet),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("version", &self.version())
            .field("remote_identity", self.remote_identity())
            .field("is_initiator", &self.is_initiator())
            .field("is_unanswered", &self.is_unanswered())
            .field("heartbeat_due", &self.heartbeat_due)
            .finish_non_exhaustive()
    }
}
