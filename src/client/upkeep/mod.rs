//! What this device sends by itself, without anybody asking.

mod owed;
