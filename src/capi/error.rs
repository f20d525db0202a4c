//! What is known of a call that failed.

use core::ffi::c_char;
use core::fmt;

use super::boundary::accessor;
use super::memory::Text;
use super::status::omemo_remedy::{self, *};
use super::status::omemo_status::{self, *};
use crate::account::{AccountError, LabelError};
use crate::client::EncryptRequestError;
use crate::error::RngError;
use crate::model::JidError;
use crate::stanza::{StanzaError, WriteEnvelopeError};
use crate::store::{Remedy, StoreError};

/// What is known of a call that failed. It has no key, no address and no text of a message in it, so it
/// may be logged.
///
/// A function that fails makes one if its last argument is not NULL; it is yours to free. One that
/// succeeds leaves that argument as it is. Threads: one at a time.
pub struct omemo_error {
    status: omemo_status,
    remedy: omemo_remedy,
    stage: &'static core::ffi::CStr,
    message: Text,
}

/// The status that the function has returned, too. OMEMO_OK if `error` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_error_status(error: *const omemo_error) -> omemo_status {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(error, OMEMO_OK, |error| error.status) }
}

/// What makes sense now: an omemo_remedy. OMEMO_REMEDY_FIX if `error` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_error_remedy(error: *const omemo_error) -> omemo_remedy {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(error, OMEMO_REMEDY_FIX, |error| error.remedy) }
}

/// Where it failed: "argument", "library", "random", "store", "account" or "stanza". There as long as
/// the library is; NULL if `error` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_error_stage(error: *const omemo_error) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(error, core::ptr::null(), |error| error.stage.as_ptr()) }
}

/// What happened, in English. There as long as `error` is; NULL if that is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_error_message(error: *const omemo_error) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(error, core::ptr::null(), |error| error.message.as_ptr()) }
}

/// Frees an error; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_error_free(error: *mut omemo_error) {
    // SAFETY: the promises at the top of the header.
    unsafe { super::boundary::free(error) }
}

/// Why a call fails, before C sees it.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: omemo_status,
    remedy: omemo_remedy,
    stage: &'static core::ffi::CStr,
    message: String,
}

impl Failure {
    fn new(
        status: omemo_status,
        remedy: omemo_remedy,
        stage: &'static core::ffi::CStr,
        message: impl fmt::Display,
    ) -> Self {
        Self {
            status,
            remedy,
            stage,
            message: message.to_string(),
        }
    }

    /// The caller has made a mistake.
    pub(super) fn argument(status: omemo_status, message: &str) -> Self {
        Self::new(status, OMEMO_REMEDY_FIX, c"argument", message)
    }

    pub(super) fn null() -> Self {
        Self::argument(OMEMO_ERROR_NULL, "an argument is NULL that must not be")
    }

    pub(super) fn value() -> Self {
        Self::argument(
            OMEMO_ERROR_VALUE,
            "a number is none of its enum, or out of its range",
        )
    }

    pub(super) fn fingerprint() -> Self {
        Self::argument(OMEMO_ERROR_FINGERPRINT, "the text is no fingerprint")
    }

    pub(super) fn reentered() -> Self {
        let message = "a callback has called the library";
        Self::new(OMEMO_ERROR_REENTERED, OMEMO_REMEDY_FIX, c"library", message)
    }

    pub(super) fn internal() -> Self {
        let message = "a mistake in the library: nothing was stored, the handle is used up";
        Self::new(
            OMEMO_ERROR_INTERNAL,
            OMEMO_REMEDY_REOPEN,
            c"library",
            message,
        )
    }

    pub(super) fn used_up() -> Self {
        let message = "the handle is used up: open another";
        Self::new(
            OMEMO_ERROR_USED_UP,
            OMEMO_REMEDY_REOPEN,
            c"library",
            message,
        )
    }

    #[cfg_attr(feature = "sqlite", expect(dead_code, reason = "nothing is left out"))]
    pub(super) fn unsupported() -> Self {
        let message = "the library was built without it";
        Self::new(
            OMEMO_ERROR_UNSUPPORTED,
            OMEMO_REMEDY_TELL,
            c"library",
            message,
        )
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

impl From<Failure> for omemo_error {
    fn from(failure: Failure) -> Self {
        Self {
            status: failure.status,
            remedy: failure.remedy,
            stage: failure.stage,
            message: Text::new(&failure.message),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let remedy = match error.remedy() {
            Remedy::Retry => OMEMO_REMEDY_RETRY,
            Remedy::Mend => OMEMO_REMEDY_MEND,
            Remedy::Reopen => OMEMO_REMEDY_REOPEN,
            Remedy::Tell => OMEMO_REMEDY_TELL,
        };
        Self::new(omemo_status::of_store(error), remedy, c"store", error)
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        let status = omemo_status::of_account(error);
        match error {
            AccountError::Store(error) => error.into(),
            AccountError::Rng(error) => error.into(),
            AccountError::Gone => Self::new(status, OMEMO_REMEDY_REOPEN, c"account", error),
            _ => Self::new(status, OMEMO_REMEDY_TELL, c"account", error),
        }
    }
}

impl From<RngError> for Failure {
    fn from(error: RngError) -> Self {
        Self::new(OMEMO_ERROR_RANDOM, OMEMO_REMEDY_RETRY, c"random", error)
    }
}

impl From<JidError> for Failure {
    fn from(error: JidError) -> Self {
        Self::argument(OMEMO_ERROR_JID, &error.to_string())
    }
}

impl From<LabelError> for Failure {
    fn from(error: LabelError) -> Self {
        match error {
            LabelError::Account(error) => error.into(),
            LabelError::Text(error) => Self::new(
                OMEMO_ERROR_ACCOUNT_LABEL,
                OMEMO_REMEDY_TELL,
                c"account",
                error,
            ),
        }
    }
}

impl From<StanzaError> for Failure {
    fn from(error: StanzaError) -> Self {
        Self::new(OMEMO_ERROR_STANZA, OMEMO_REMEDY_FIX, c"stanza", error)
    }
}

impl From<EncryptRequestError> for Failure {
    fn from(error: EncryptRequestError) -> Self {
        let status = match error {
            EncryptRequestError::Account(error) => return error.into(),
            EncryptRequestError::Stanza(error) => return error.into(),
            EncryptRequestError::Envelope(WriteEnvelopeError::Rng(error)) => return error.into(),
            EncryptRequestError::Envelope(_) => OMEMO_ERROR_STANZA_ENVELOPE,
            EncryptRequestError::Address(_) => OMEMO_ERROR_STANZA_ADDRESS,
            EncryptRequestError::NothingToEncrypt => OMEMO_ERROR_STANZA_EMPTY,
        };
        Self::new(status, OMEMO_REMEDY_FIX, c"stanza", error)
    }
}
