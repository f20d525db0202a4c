//! What is known of a call that failed.

use core::ffi::c_char;
use core::{fmt, ptr};

use super::boundary::accessor;
use super::memory::{Text, Texts};
use super::report::{self, omemo_device_report, omemo_refusal};
use super::status::omemo_remedy::{self, *};
use super::status::omemo_status::{self, *};
use crate::account::{
    AccountError, DeviceReport, EmptyError, EncryptError, Fate, Gap, LabelError, Peer, Refusal,
};
use crate::client::EncryptRequestError;
use crate::error::RngError;
use crate::files::{AesgcmUriError, DecryptFileError, EncryptFileError, FileKeyError};
use crate::model::{JidError, UriError};
use crate::stanza::{ContentError, StanzaError, WriteEnvelopeError};
use crate::store::{Remedy, StoreError};

/// What is known of a call that failed. Its message has no key, no address and no text of anybody in it, so
/// it may be logged; whom it concerns is asked for apart.
///
/// A function that fails makes one if its last argument is not NULL; it is yours to free. One that
/// succeeds leaves that argument as it is. Threads: one at a time.
pub struct omemo_error {
    status: omemo_status,
    remedy: omemo_remedy,
    stage: &'static core::ffi::CStr,
    message: Text,
    refusal: Option<omemo_refusal>,
    devices: Vec<omemo_device_report>,
    _texts: Texts,
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

/// Where it failed: "argument", "library", "random", "store", "account", "stanza", "encryption" or "file".
/// There as long as the library is; NULL if `error` is NULL.
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

/// Why a message may not go out, for OMEMO_ERROR_REFUSED. There as long as `error` is; else NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_error_refusal(error: *const omemo_error) -> *const omemo_refusal {
    let get = |error: &omemo_error| error.refusal.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(error, ptr::null(), get) }
}

/// How many devices it concerns: those of the report, for OMEMO_ERROR_REFUSED; one, for OMEMO_ERROR_GAP.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_error_device_count(error: *const omemo_error) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(error, 0, |error| error.devices.len()) }
}

/// A device that it concerns, and why; NULL if there are not so many. There as long as `error` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_error_device(
    error: *const omemo_error,
    index: usize,
) -> *const omemo_device_report {
    let get = |error: &omemo_error| error.devices.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the promises at the top of the header.
    unsafe { accessor(error, ptr::null(), get) }
}

/// Frees an error; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_error_free(error: *mut omemo_error) {
    // SAFETY: the promises at the top of the header.
    unsafe { super::boundary::free(error) }
}

/// Why a call fails, before C sees it. What makes one is cold, so that it is not in each function.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: omemo_status,
    remedy: omemo_remedy,
    stage: &'static core::ffi::CStr,
    message: String,
    about: Option<About>,
}

/// Whom a failure concerns.
#[derive(Debug)]
enum About {
    Refusal(Box<Refusal>),
    Device(Box<DeviceReport>),
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
            about: None,
        }
    }

    /// XML of the caller's own that is not right; that of others is `From<StanzaError>`.
    #[cold]
    pub(super) fn given(error: StanzaError) -> Self {
        Self::new(OMEMO_ERROR_STANZA, OMEMO_REMEDY_FIX, c"stanza", error)
    }

    /// The caller has made a mistake.
    #[cold]
    pub(super) fn argument(status: omemo_status, message: &str) -> Self {
        Self::new(status, OMEMO_REMEDY_FIX, c"argument", message)
    }

    #[cold]
    pub(super) fn null() -> Self {
        Self::argument(OMEMO_ERROR_NULL, "an argument is NULL that must not be")
    }

    #[cold]
    pub(super) fn value() -> Self {
        Self::argument(
            OMEMO_ERROR_VALUE,
            "a number is none of its enum, or out of its range",
        )
    }

    #[cold]
    pub(super) fn fingerprint() -> Self {
        Self::argument(OMEMO_ERROR_FINGERPRINT, "the text is no fingerprint")
    }

    /// The object is not one that does this, or not any more.
    #[cold]
    pub(super) fn state(message: &str) -> Self {
        Self::argument(OMEMO_ERROR_STATE, message)
    }

    /// A version cannot say anything of a message.
    #[cold]
    pub(super) fn empty_stanza() -> Self {
        let message = "there is nothing in the message that the version could encrypt";
        Self::new(
            OMEMO_ERROR_STANZA_EMPTY,
            OMEMO_REMEDY_FIX,
            c"stanza",
            message,
        )
    }

    #[cold]
    pub(super) fn file_too_long() -> Self {
        let message = "the file is too long for its cipher";
        Self::new(
            OMEMO_ERROR_FILE_TOO_LONG,
            OMEMO_REMEDY_TELL,
            c"file",
            message,
        )
    }

    /// No empty message is made for a device.
    #[cold]
    pub(super) fn empty(error: EmptyError, peer: &Peer) -> Self {
        match error {
            EmptyError::Account(error) => error.into(),
            EmptyError::Gap(gap) => Self {
                about: Some(About::Device(Box::new(DeviceReport {
                    jid: peer.jid.clone(),
                    device: peer.device,
                    fate: Fate::Skipped(gap),
                    is_downgraded: gap == Gap::Downgraded,
                }))),
                ..Self::new(OMEMO_ERROR_GAP, OMEMO_REMEDY_TELL, c"encryption", gap)
            },
            EmptyError::NotAccepted => Self::new(
                OMEMO_ERROR_NOT_ACCEPTED,
                OMEMO_REMEDY_TELL,
                c"encryption",
                error,
            ),
        }
    }

    pub(super) fn reentered() -> Self {
        let message = "a callback has called the library";
        Self::new(OMEMO_ERROR_REENTERED, OMEMO_REMEDY_FIX, c"library", message)
    }

    #[cold]
    pub(super) fn internal() -> Self {
        let message = "a mistake in the library: open the handle again";
        Self::new(
            OMEMO_ERROR_INTERNAL,
            OMEMO_REMEDY_REOPEN,
            c"library",
            message,
        )
    }

    #[cold]
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
        let mut texts = Texts::default();
        let (refusal, devices) = match &failure.about {
            None => (None, Vec::new()),
            Some(About::Refusal(refusal)) => {
                let (known, report) = report::refused(refusal, &mut texts);
                let devices = report.map(|report| report::devices(report, &mut texts));
                (Some(known), devices.unwrap_or_default())
            }
            Some(About::Device(device)) => (None, vec![report::describe(device, &mut texts)]),
        };
        Self {
            status: failure.status,
            remedy: failure.remedy,
            stage: failure.stage,
            message: Text::new(&failure.message),
            refusal,
            devices,
            _texts: texts,
        }
    }
}

impl From<EncryptError> for Failure {
    #[cold]
    fn from(error: EncryptError) -> Self {
        match error {
            EncryptError::Account(error) => error.into(),
            EncryptError::Refused(refusal) => Self {
                status: OMEMO_ERROR_REFUSED,
                remedy: OMEMO_REMEDY_TELL,
                stage: c"encryption",
                message: refusal.to_string(),
                about: Some(About::Refusal(refusal)),
            },
            EncryptError::Payload(error) => {
                Self::new(OMEMO_ERROR_PAYLOAD, OMEMO_REMEDY_FIX, c"encryption", error)
            }
        }
    }
}

impl From<WriteEnvelopeError> for Failure {
    #[cold]
    fn from(error: WriteEnvelopeError) -> Self {
        match error {
            WriteEnvelopeError::Rng(error) => error.into(),
            error => Self::new(
                OMEMO_ERROR_STANZA_ENVELOPE,
                OMEMO_REMEDY_FIX,
                c"stanza",
                error,
            ),
        }
    }
}

impl From<ContentError> for Failure {
    #[cold]
    fn from(error: ContentError) -> Self {
        Self::new(
            OMEMO_ERROR_STANZA_CONTENT,
            OMEMO_REMEDY_TELL,
            c"stanza",
            error,
        )
    }
}

impl From<StoreError> for Failure {
    #[cold]
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
    #[cold]
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
    #[cold]
    fn from(error: RngError) -> Self {
        Self::new(OMEMO_ERROR_RANDOM, OMEMO_REMEDY_RETRY, c"random", error)
    }
}

impl From<JidError> for Failure {
    #[cold]
    fn from(error: JidError) -> Self {
        Self::argument(OMEMO_ERROR_JID, &error.to_string())
    }
}

impl From<LabelError> for Failure {
    #[cold]
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
    #[cold]
    fn from(error: StanzaError) -> Self {
        Self::new(OMEMO_ERROR_STANZA, OMEMO_REMEDY_TELL, c"stanza", error)
    }
}

impl From<EncryptRequestError> for Failure {
    #[cold]
    fn from(error: EncryptRequestError) -> Self {
        let status = match error {
            EncryptRequestError::Account(error) => return error.into(),
            EncryptRequestError::Stanza(error) => return Self::given(error),
            EncryptRequestError::Envelope(error) => return error.into(),
            EncryptRequestError::Address(_)
            | EncryptRequestError::NoRecipients
            | EncryptRequestError::UnknownRoom => OMEMO_ERROR_STANZA_ADDRESS,
            EncryptRequestError::NothingToEncrypt => OMEMO_ERROR_STANZA_EMPTY,
        };
        Self::new(status, OMEMO_REMEDY_FIX, c"stanza", error)
    }
}

impl From<UriError> for Failure {
    #[cold]
    fn from(error: UriError) -> Self {
        Self::new(OMEMO_ERROR_URI, OMEMO_REMEDY_TELL, c"uri", error)
    }
}

impl From<FileKeyError> for Failure {
    #[cold]
    fn from(error: FileKeyError) -> Self {
        Self::new(OMEMO_ERROR_FILE_KEY, OMEMO_REMEDY_TELL, c"file", error)
    }
}

impl From<AesgcmUriError> for Failure {
    #[cold]
    fn from(error: AesgcmUriError) -> Self {
        Self::new(OMEMO_ERROR_FILE_URI, OMEMO_REMEDY_TELL, c"file", error)
    }
}

impl From<EncryptFileError> for Failure {
    #[cold]
    fn from(error: EncryptFileError) -> Self {
        match error {
            EncryptFileError::TooLong => Self::file_too_long(),
            EncryptFileError::Rng(error) => error.into(),
            error @ EncryptFileError::Sink(_) => {
                Self::new(OMEMO_ERROR_FILE_SINK, OMEMO_REMEDY_MEND, c"file", error)
            }
        }
    }
}

impl From<DecryptFileError> for Failure {
    #[cold]
    fn from(error: DecryptFileError) -> Self {
        let (status, remedy) = match error {
            DecryptFileError::TooLong => return Self::file_too_long(),
            DecryptFileError::NoHash => (OMEMO_ERROR_FILE_NO_HASH, OMEMO_REMEDY_TELL),
            DecryptFileError::Authentication => {
                (OMEMO_ERROR_FILE_AUTHENTICATION, OMEMO_REMEDY_TELL)
            }
            DecryptFileError::Sink(_) => (OMEMO_ERROR_FILE_SINK, OMEMO_REMEDY_MEND),
        };
        Self::new(status, remedy, c"file", error)
    }
}
