//! Stanzas that come: taken apart, attributed, read, and handed out.

mod archives;
mod attached;
mod delays;
mod deliver;
mod evictions;
mod evidence;
mod held;
mod take;
mod unnamed;

pub(in crate::client) use archives::Archives;
pub use archives::QueryId;
pub(in crate::client) use deliver::PendingOptOut;
pub(in crate::client) use evictions::Evictions;
pub(in crate::client) use unnamed::Unnamed;
