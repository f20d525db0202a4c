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
    /// The connection failed.
    Stream(StreamError),
    /// The store cannot be opened.
    Store(StoreError),
    /// The account cannot be read or written.
    Account(AccountError),
    /// A message was refused.
    Message(EncryptRequestError),
    /// A file was refused.
    Transfer(TransferError),
    /// The room was not joined, or its members are not known yet.
    NotInRoom,
    /// The operating system returned no random bytes.
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
            Self::NotInRoom => {
                f.write_str("this room was not joined, or its members are not known yet")
            }
            Self::Random => f.write_str("the operating system returned no random bytes"),
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
