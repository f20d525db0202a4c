//! OMEMO.
pub mod crypto;
pub mod error;
pub mod model;
pub mod protocol;
pub mod ratchet;
pub mod session;
pub mod x3dh;
