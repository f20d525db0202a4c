//! OMEMO.
pub mod crypto;
pub mod error;
pub mod model;
