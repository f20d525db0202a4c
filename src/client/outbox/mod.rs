//! Messages that go out: held until what they need is there, then encrypted.

mod queue;

pub use queue::EncryptRequestError;
pub(in crate::client) use queue::Outbox;
