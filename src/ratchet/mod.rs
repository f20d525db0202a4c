//! The Double Ratchet, by the paper's names (§2, §3; the algorithms of §5.2).
//!
//! ```text
//! KDF_RK(rk, dh) = HKDF(salt = rk, ikm = dh, info, 64)          -> rk', ck
//! KDF_CK(ck)     = HMAC(ck, 0x02), HMAC(ck, 0x01)               -> ck', mk
//! keys(mk)       = HKDF(salt = 0^32, ikm = mk, info, 80)        -> encryption, authentication, IV
//! ```
//!
//! What we do differently:
//!
//! * A new ratchet key is drawn at the first send after a receive (§3, "deferring new ratchet key
//!   generation"). Receiving needs no randomness, and a private key lives from the send that
//!   announces it to the receipt that answers it.
//! * Receiving is in two acts: [`Ratchet::receive`] computes, [`Pending::commit`] makes it the state.
//!   Between the two the caller verifies the message. Dropping a [`Pending`] changes nothing.
//! * Skipped message keys live outside, behind [`SkippedKeys`]: the state stays small however many
//!   there are, and a store reads the one that a message needs.
//! * Work is limited by a [`Budget`] that is spent before it is done.
//!
//! Nothing here knows a wire format, a version of OMEMO or a clock.

mod budget;
mod chain_key;
mod error;
mod message_key;
mod pending;
mod root_key;
mod skipped;
mod state;

pub use budget::{Budget, BudgetError};
pub use chain_key::ChainKey;
pub use error::{ReceiveError, SendError};
pub use message_key::{MessageKey, MessageKeys};
pub use pending::Pending;
pub use root_key::RootKey;
pub use skipped::{Lookup, SkippedChanges, SkippedKey, SkippedKeys, SkippedKeysInMemory, given_up};
pub use state::{Ratchet, Receiving, Sending};

use crate::crypto::RatchetPublicKey;

/// `MAX_SKIP` (§3.2): the largest jump in one message, and the number of keys kept for a session. An
/// archive of that many messages may be read newest first without a loss.
pub const MAX_SKIP: u32 = 10_000;

/// A skipped key is given up when more receiving chains than these have been opened since its own (§8.3:
/// skipped keys should not be kept for ever).
pub const MAX_CHAIN_AGE: u32 = 50;

/// What a message tells about its place (§3.3, `HEADER(dh_pair, pn, n)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The sender's ratchet key.
    pub dh: RatchetPublicKey,
    /// The number of messages in the sender's previous chain.
    pub pn: u32,
    /// The message's number in its chain.
    pub n: u32,
}
