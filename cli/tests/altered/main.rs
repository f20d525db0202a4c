//! A replay that cannot fail proves nothing: here each file is altered a little, and must fail where it
//! was altered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod alteration;
mod bundle;
mod capture;
mod exit_code;
mod fixture;
mod session;
mod stand_alone;
mod stanza;
mod worked;
mod wycheproof;
