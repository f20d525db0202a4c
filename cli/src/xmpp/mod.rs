//! A client's stream to its server: found, encrypted, authenticated, and cut into stanzas.
//!
//! The library beside this program takes stanzas as the text that came, and what it has returned from is
//! stored. So the stream hands out each stanza as it stood on the wire, and nothing in between reads it,
//! rewrites it or says to the server that it has arrived.
//!
//! | module | what is in it |
//! |---|---|
//! | [`server`] | where the server is (RFC 6120 §3.2, XEP-0368) |
//! | [`tls`] | whom to believe |
//! | [`splitter`] | bytes to stanzas (RFC 6120 §4, §11) |
//! | [`sasl`] | who we are (RFC 6120 §6) |
//! | [`stream`] | all of it, one after the other |
//! | [`element`] | looking into a stanza |

pub mod element;
pub mod sasl;
pub mod server;
pub mod splitter;
pub mod stream;
pub mod tls;

pub use element::Element;
pub use server::Server;
pub use stream::{Login, Stream, StreamError};
