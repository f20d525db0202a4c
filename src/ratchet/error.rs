//! Why the ratchet does not move.

use core::fmt;

use super::BudgetError;
use crate::error::{KeyError, RngError};

/// Why no message can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// A responder cannot send before it has received (§3.2).
    NothingReceived,
    /// 2^32 - 1 messages went out on one chain without an answer.
    ChainExhausted,
    /// The other side's ratchet key cannot be agreed with.
    Key(KeyError),
    /// The generator failed.
    Rng,
}

/// Why a message has no key here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveError {
    /// Its chain is known and its key is gone: it was used before, or given up.
    KeyUsed,
    /// Its ratchet key is new, and nothing of ours is unanswered that it could step on.
    UnknownRatchetKey,
    /// It is more than [`MAX_SKIP`](super::MAX_SKIP) messages ahead.
    TooFarAhead,
    /// The stanza's budget is spent.
    Budget,
    /// Its ratchet key cannot be agreed with.
    Key(KeyError),
}

impl From<RngError> for SendError {
    fn from(_: RngError) -> Self {
        Self::Rng
    }
}
impl From<KeyError> for SendError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}
impl From<KeyError> for ReceiveError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}
impl From<BudgetError> for ReceiveError {
    fn from(_: BudgetError) -> Self {
        Self::Budget
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingReceived => f.write_str("the responder has not received anything yet"),
            Self::ChainExhausted => {
                f.write_str("the sending chain is exhausted: start a new session")
            }
            Self::Key(error) => error.fmt(f),
            Self::Rng => RngError.fmt(f),
        }
    }
}
impl core::error::Error for SendError {}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyUsed => f.write_str("the message's key was used before, or given up"),
            Self::UnknownRatchetKey => {
                f.write_str("the message's ratchet key answers nothing of ours")
            }
            Self::TooFarAhead => f.write_str("the message is too far ahead of its chain"),
            Self::Budget => BudgetError.fmt(f),
            Self::Key(error) => error.fmt(f),
        }
    }
}
impl core::error::Error for ReceiveError {}
