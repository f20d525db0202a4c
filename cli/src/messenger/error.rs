//! What goes wrong with an account that is online.

use core::fmt;

use omemo::account::AccountError;
use omemo::client::EncryptRequestError;
use omemo::store::StoreError;

use super::TransferError;
use crate::xmpp::StreamError;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessengerError {
    /// The stream did not come about, or is gone.
    Stream(StreamError),
    /// The store cannot be opened.
    Store(StoreError),
    /// The account cannot be read or written.
    Account(AccountError),
    /// A message was not taken.
    Message(EncryptRequestError),
    /// A file was not taken.
    Transfer(TransferError),
    /// The room is not entered, or its members are not known yet.
    NotInRoom,
    /// The operating system has no randomness.
    Random,
}

impl fmt::Display for MessengerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Account(error) => error.fmt(f),
            Self::Message(error) => error.fmt(f),
            Self::Transfer(error) => error.fmt(f),
            Self::NotInRoom => f.write_str("the room is not entered: enter it first"),
            Self::Random => f.write_str("the system gives no randomness"),
        }
    }
}

impl core::error::Error for MessengerError {}

impl From<StreamError> for MessengerError {
    fn from(error: StreamError) -> Self {
        Self::Stream(error)
    }
}

impl From<StoreError> for MessengerError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<AccountError> for MessengerError {
    fn from(error: AccountError) -> Self {
        Self::Account(error)
    }
}

impl From<EncryptRequestError> for MessengerError {
    fn from(error: EncryptRequestError) -> Self {
        Self::Message(error)
    }
}

impl From<TransferError> for MessengerError {
    fn from(error: TransferError) -> Self {
        Self::Transfer(error)
    }
}
