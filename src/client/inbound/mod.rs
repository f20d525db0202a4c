//! Stanzas that come: taken apart, attributed, read, and handed out.

mod attached;
mod deliver;
mod queries;
mod take;

pub(in crate::client) use deliver::PendingOptOut;
pub(in crate::client) use queries::Archive;
