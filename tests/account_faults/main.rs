//! C04 to C07: a store that fails at every single call in turn, for every operation of an account.
//!
//! After each failure the error is the store's, the state is the one before or the one after, and the
//! operation succeeds when it is done again. Then everybody writes to everybody, and all of it is read,
//! and no message key has encrypted two things.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

#[path = "../ledger/mod.rs"]
mod ledger;
mod messages;
mod opening;
mod trial;
mod upkeep;
#[path = "../world/mod.rs"]
mod world;
