//! Addresses.

use core::ffi::c_char;

use super::boundary::{Caller, call};
use super::error::omemo_error;
use super::memory::new_string;
use super::status::omemo_status;

/// The account of an address, with or without a resource, prepared (RFC 6122) as all addresses are that the library
/// hands out: two spellings of one account are the same bytes then.
///
/// `bare` gets text that is yours to free with `omemo_string_free`. Errors: OMEMO_ERROR_JID. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_jid_bare(
    jid: *const c_char,
    bare: *mut *mut c_char,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let jid = caller.jid(jid)?;
        caller.place(bare)?.put(new_string(jid.as_str()));
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}
