//! Stanzas that come: taken apart, attributed, read, and handed out.

mod archives;
mod attached;
mod deliver;
mod evictions;
mod take;

pub(in crate::client) use archives::Archives;
pub use archives::QueryId;
pub(in crate::client) use deliver::PendingOptOut;
pub(in crate::client) use evictions::Evictions;
