//! Stanzas: XML text to the [model](crate::model), and the model to XML text. Pure functions.
//!
//! | what | is read by | is written by | specified in |
//! |---|---|---|---|
//! | an encrypted message | [`Message::read`], [`Message::list`] | [`write_encrypted`] | XEP-0384 §5.5 (0.3.0: §4.5) |
//! | how large it becomes | | [`key_size`], [`account_size`], [`element_size`] | RFC 6120 §13.12 |
//! | what stands beside it | | [`Companion::of`] | XEP-0334, XEP-0380, XEP-0420 |
//! | a message in clear | [`PlainMessage::read`] | [`PlainMessage::seal`], [`reveal`] | XEP-0420 §9 |
//! | what a payload says | [`Content::read`] | [`PlainMessage::payloads`] | |
//! | a carbon, a result of an archive | [`Forwarded::read`] | | XEP-0280, XEP-0313 |
//! | what a node holds | [`Items::read`] | | XEP-0060 §6.5, §7.1, XEP-0163 |
//! | an answer to a request | [`IqAnswer::read`] | | RFC 6120 §8 |
//! | a request to a node | [`Items::read`], where it publishes | [`Request`] | XEP-0060 §6.5, §7, §8 |
//! | a bundle | [`read_bundle`] | [`write_bundle`] | XEP-0384 §5.3.2 (0.3.0: §4.4) |
//! | a device list | [`read_device_list`] | [`write_device_list`] | XEP-0384 §5.3.1 (0.3.0: §4.2) |
//! | what others wrote into it | [`read_list_extras`] | [`write_list_with_extras`] | |
//! | what an OMEMO 2 payload decrypts to | [`Envelope::read`] | [`write_envelope`] | XEP-0420 |
//! | encrypted files | [`FileSharing::list`] | [`FileSharing::to_xml`] | XEP-0446, XEP-0447, XEP-0448 |
//! | a wish for no encryption | [`Envelope::opt_out`] | [`OptOut::to_xml`] | XEP-0384 §5.7 |
//!
//! What is written is what every deployed client reads: ids, attributes and base64 in their plainest
//! spelling, every namespace on its own element, nothing that a client is known to stumble over.
//!
//! What is read is a whole stanza as it came out of the stream, with or without the stream's namespace
//! on its root. Where clients differ the readers take what deployed clients send: unknown elements and
//! attributes are passed over, base64 may be wrapped, one bad device or pre-key does not cost the
//! others. What is not well-formed, or is forbidden in XMPP, is refused by all of them alike
//! ([`XmlError`]), and so is what passes a limit ([`Limit`]): before any work if the text is too long,
//! else as soon as it does. Time is linear in the text; the memory is a small multiple of it.
//!
//! Nothing read here is authentic: neither addresses nor ids, and of keys only the form was checked.

mod affixes;
mod answer;
mod base64;
mod bundle;
mod companion;
mod content;
mod delay;
mod device_list;
mod element_name;
mod encrypted;
mod envelope;
mod error;
mod file_reader;
mod file_sharing;
mod forwarded;
mod grammar;
mod key;
mod list_extras;
mod mark;
mod message;
mod node;
mod opt_out;
mod place;
mod plain;
mod pubsub;
mod request;
mod reveal;
mod room_marks;
mod secrets;
mod size;
mod stamp;
mod tag;
mod writer;
mod xml;

pub use affixes::{Affixes, MAX_RANDOM_PADDING, MIN_ENVELOPE, write_envelope};
pub use answer::IqAnswer;
pub use bundle::{read_bundle, write_bundle};
pub use companion::{Companion, FALLBACK_BODY};
pub use content::{Content, ContentError, Payloads, author};
pub use delay::Delay;
pub use device_list::{read_device_list, write_device_list, write_list_with_extras};
pub use element_name::ElementName;
pub use encrypted::write_encrypted;
pub use envelope::{Addressee, Envelope};
pub use error::{Defect, EnvelopeError, Limit, StanzaError, WriteEnvelopeError, XmlError};
pub use file_sharing::{Disposition, EncryptedSource, FileMetadata, FileSharing, ListedHash};
pub use forwarded::{ArchiveVersion, ForwardReason, Forwarded};
pub use key::ListedKey;
pub use list_extras::read_list_extras;
pub use mark::{Mark, MarkKind};
pub use message::{Message, StanzaKind, said_sender};
pub use node::Node;
pub use opt_out::OptOut;
pub use plain::{PlainMessage, Unprotected};
pub use pubsub::{Item, Items, Source};
pub use request::{MaxItems, Request, RequestKind};
pub use reveal::{Revealed, reveal, root_alone, strip};
pub use room_marks::RoomMarks;
pub use size::{account_size, element_size, key_size};

/// The longest text that is read: 1 MiB. RFC 6120 §13.12 lets servers limit stanzas, and the usual
/// limits are at or below this (256 KiB from a client in Prosody and ejabberd, 1 MiB in Openfire).
pub const MAX_BYTES: usize = 1 << 20;

/// The most elements inside each other. A key of a message has four above it, one of a bundle in a node
/// six; a forwarded message in an archive's result adds three.
pub const MAX_DEPTH: usize = 16;

/// The most attributes of one element; those of OMEMO have at most three.
pub const MAX_ATTRIBUTES: usize = 32;

/// The most namespace declarations in force at one place. Each step looks through all of them.
pub const MAX_NAMESPACES: usize = 32;

/// The most `<encrypted/>` elements of one version that are kept of a stanza. Honest ones have one.
pub const MAX_ENCRYPTED: usize = 4;

/// The most delays of one stanza that are kept: the last ones, which the last servers have added.
pub const MAX_DELAYS: usize = 8;

/// The most `<key/>` elements of one stanza: a room of hundreds of members with several devices.
pub const MAX_KEYS: usize = 4096;

/// The most keys for one of our own devices that are kept. A legacy `rid` comes without an address, so
/// devices of several accounts can share one (XEP-0384 0.3.0 §4.5); each is tried.
pub const MAX_OWN_KEYS: usize = 8;

/// The most bytes of a key for one of our own devices, and of a nonce: no message of the ratchet has more.
pub const MAX_KEY_BYTES: usize = 8192;

/// The most devices of a list. Lists with dozens of forgotten devices exist.
pub const MAX_DEVICES: usize = 1000;

/// The most pre-keys of a bundle. XEP-0384 §5.3.2 recommends 100.
pub const MAX_PRE_KEYS: usize = 1000;

/// The most items of a node. Nodes with hundreds exist, of clients that publish without an item id.
pub const MAX_ITEMS: usize = 1000;

/// The most files that one message shares.
pub const MAX_FILES: usize = 100;

/// The most encrypted sources of one file, and the most URLs of one of them.
pub const MAX_SOURCES: usize = 16;

/// The most hashes of one file.
pub const MAX_HASHES: usize = 16;

/// The number in an attribute of the type `xs:unsignedInt`.
fn parse_id(text: &str) -> Option<u32> {
    let digits = text.trim_matches(grammar::WHITE_SPACE);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// Fills a slot that can be filled once.
fn once<T>(slot: &mut Option<T>, value: T, element: &'static str) -> Result<(), StanzaError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(StanzaError::repeated(element)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_numbers_of_32_bits() {
        assert_eq!(parse_id("0"), Some(0));
        assert_eq!(parse_id(" 007\n"), Some(7));
        assert_eq!(parse_id("4294967295"), Some(u32::MAX));
        for bad in [
            "",
            " ",
            "-1",
            "+1",
            "4294967296",
            "1.0",
            "0x1",
            "1 2",
            "\u{661}",
        ] {
            assert_eq!(parse_id(bad), None, "{bad}");
        }
    }
}
