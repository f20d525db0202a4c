//! The C library: the doors of this crate with C's calling convention. `include/omemo.h` is made of it.
//!
//! This is the only place with unsafe code. All of it rests on what the header asks of callers: that
//! pointers are NULL or point to what their type says, for as long as the call lasts; that a handle is
//! not used after it was freed. `boundary` turns such pointers into references once, at the beginning
//! of a function, and keeps panics from crossing; what is behind it is as safe as the rest of the crate.
//!
//! | module | |
//! |---|---|
//! | [`status`], [`error`] | what a function answers |
//! | [`memory`] | what it hands out |
//! | [`store`], [`host_store`] | where an account is kept; a store of the caller's |
//! | [`options`] | what the application decides |
//! | [`client`], [`outgoing`], [`room`], [`catch_up`], [`own_devices`], [`callbacks`] | stanzas in |
//! | [`action`], [`report`], [`undecryptable`], [`mark`] | actions out |
//! | [`account`], [`trust`], [`device`], [`contact`], [`identity`] | questions, and what only the user decides |
//! | [`bundle`], [`device_list`], [`peer`], [`encrypt`], [`sent`], [`empty`] | an account without a client: sending |
//! | [`plain`], [`content`], [`items`], [`iq`], [`forwarded`] | XML in, XML out |
//! | [`file_key`], [`mod@file`], [`shared_file`] | encrypted files |
//! | [`jid`], [`fingerprint_uri`], [`trust_message`], [`survey`] | addresses; keys in QR codes; what there is of an account |
//! | [`stanza`], [`listed_key`], [`decrypt`], [`reading`], [`inbox`] | an account without a client: receiving |
//!
//! Numbers of enums go in as `u32` and are checked. Handles that are shared are reference counted, so
//! that one that is freed while a call is under way lives until that has ended.

#![allow(
    unsafe_code,
    reason = "C has no references; see above what makes it sound"
)]
#![allow(
    non_camel_case_types,
    clippy::enum_variant_names,
    reason = "the names are those of the header"
)]
#![allow(
    clippy::missing_safety_doc,
    reason = "what callers promise is the same for all functions, and stands at the top of the header"
)]
#![allow(
    missing_debug_implementations,
    reason = "nobody prints what only C sees, and some of it is secret"
)]

mod boundary;
mod lock;

// In the order of the header.
pub mod status;

pub mod error;

pub mod memory;

pub mod store;

pub mod host_store;

pub mod jid;

pub mod trust;

pub mod options;

pub mod account;

pub mod device;

pub mod contact;

pub mod identity;

pub mod client;

pub mod outgoing;

pub mod callbacks;

pub mod room;

pub mod catch_up;

pub mod own_devices;

pub mod action;

pub mod report;

pub mod left_out;

pub mod undecryptable;

pub mod mark;

pub mod bundle;

pub mod rollback;

pub mod device_list;

pub mod peer;

pub mod encrypt;

pub mod sent;

pub mod empty;

pub mod stanza;

pub mod listed_key;

pub mod decrypt;

pub mod reading;

pub mod inbox;

pub mod plain;

pub mod content;

pub mod items;

pub mod iq;

pub mod forwarded;

pub mod file_key;

pub mod file;

pub mod shared_file;

pub mod fingerprint_uri;

pub mod trust_message;

pub mod survey;

#[cfg(test)]
mod tests;

use core::ffi::c_char;

/// The version of this header: `omemo_version` says that of the library.
pub const OMEMO_VERSION_MAJOR: u32 = 0;
/// See OMEMO_VERSION_MAJOR.
pub const OMEMO_VERSION_MINOR: u32 = 2;
/// See OMEMO_VERSION_MAJOR.
pub const OMEMO_VERSION_PATCH: u32 = 0;

/// The version of the library, as "0.2.0". The text is there as long as the library is.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn omemo_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}
