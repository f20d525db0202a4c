//! Who is told of actions, and of what is called.

use core::ffi::{c_char, c_void};
use core::sync::atomic::Ordering;

use super::boundary::{Caller, call, calling_back};
use super::client::omemo_client;
use super::error::omemo_error;
use super::memory::Text;
use super::status::omemo_status;

/// How much a line of the log matters.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum omemo_log_level {
    /// What was called, and what is to be done.
    OMEMO_LOG_DEBUG = 1,
    /// A call has failed.
    OMEMO_LOG_WARNING = 2,
}

/// Says who is to be told that there are actions: once, until all of them were taken; at once, if there are
/// some. NULL: nobody. It is called at the end of the call that has made the actions, on its thread, and must
/// not call the library: let it write to a pipe, or wake an event loop. One that was replaced may still be
/// running on another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_set_wakeup(
    client: *mut omemo_client,
    wakeup: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    user_data: *mut c_void,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let client = caller.handle(client)?;
        let wakeup = wakeup.map(|function| Wakeup {
            function,
            user_data,
        });
        *client.wakeup.lock_anyway() = wakeup;
        client.is_woken.store(false, Ordering::SeqCst);
        client.change("set_wakeup", |_| Ok(()))
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

/// Says who gets the lines of a log: what was called, how it ended, and what is to be done. No line has a key,
/// an address or text of a message in it. NULL: nobody. It is called on any thread, must not call the library,
/// and one that was replaced may still be running on another thread: `user_data` must be there until every call has
/// returned that was under way then, or when the last reference went. `line` ends with a zero byte, and is
/// there during the call only; `level` is an omemo_log_level.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_client_set_log(
    client: *mut omemo_client,
    log: Option<unsafe extern "C" fn(user_data: *mut c_void, level: u32, line: *const c_char)>,
    user_data: *mut c_void,
    error: *mut *mut omemo_error,
) -> omemo_status {
    let body = |caller: &Caller| {
        let client = caller.handle(client)?;
        let log = log.map(|function| Log {
            function,
            user_data,
        });
        *client.log.lock_anyway() = log;
        Ok(())
    };
    // SAFETY: the promises at the top of the header.
    unsafe { call(error, body) }
}

#[derive(Clone, Copy)]
pub(super) struct Wakeup {
    function: unsafe extern "C" fn(*mut c_void),
    user_data: *mut c_void,
}

// SAFETY: the header asks for a callback that may be called from any thread.
unsafe impl Send for Wakeup {}

#[derive(Clone, Copy)]
pub(super) struct Log {
    function: unsafe extern "C" fn(*mut c_void, u32, *const c_char),
    user_data: *mut c_void,
}

// SAFETY: as above.
unsafe impl Send for Log {}

impl omemo_client {
    pub(super) fn wake(&self) {
        let wakeup = *self.wakeup.lock_anyway();
        if let Some(wakeup) = wakeup {
            // SAFETY: the header asks for a function that may be called until it was replaced.
            calling_back(|| unsafe { (wakeup.function)(wakeup.user_data) });
        }
    }

    pub(super) fn log(&self, level: omemo_log_level, line: &str) {
        let log = *self.log.lock_anyway();
        if let Some(log) = log {
            let line = Text::new(line);
            // SAFETY: as above; the line lives until the call has ended.
            calling_back(|| unsafe { (log.function)(log.user_data, level as u32, line.as_ptr()) });
        }
    }
}
