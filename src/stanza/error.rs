//! What can be wrong with a stanza, and with an envelope.
//!
//! Messages name elements by constants of ours. No text, address or key of a stanza is repeated.

use core::fmt;

use crate::error::{KeyError, RngError};

/// Why a stanza, a bundle or a device list could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StanzaError {
    /// The text is not well-formed, or is XML that XMPP forbids.
    Xml(XmlError),
    /// There is more of something than is read.
    Limit(Limit),
    /// The XML is not what its specification says.
    Malformed {
        /// The name of the element that is missing or has the defect.
        element: &'static str,
        /// What is wrong with it.
        defect: Defect,
    },
    /// A public key cannot be used.
    Key {
        /// The name of the element that has the key.
        element: &'static str,
        /// What is wrong with the key.
        error: KeyError,
    },
}

/// Why text is not the XML that XMPP allows (RFC 6120 §11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XmlError {
    /// Not well-formed, or not one element.
    Syntax,
    /// A character that XML cannot contain, or a byte order mark.
    Character,
    /// A prefix that is not declared, or a declaration that is not allowed.
    Namespace,
    /// A comment.
    Comment,
    /// A processing instruction or an XML declaration.
    Instruction,
    /// A document type declaration.
    DocumentType,
    /// A reference to an entity other than the five that XML predefines.
    Entity,
    /// Bytes that are not UTF-8.
    Encoding,
}

/// What there can be too much of. The numbers are the constants of the [module](super).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Bytes of text: [`MAX_BYTES`](super::MAX_BYTES).
    Bytes,
    /// Elements inside each other: [`MAX_DEPTH`](super::MAX_DEPTH).
    Depth,
    /// Attributes of one element: [`MAX_ATTRIBUTES`](super::MAX_ATTRIBUTES).
    Attributes,
    /// Namespace declarations in force at one place, [`MAX_NAMESPACES`](super::MAX_NAMESPACES), or
    /// inherited by elements that are handed out.
    Namespaces,
    /// Keys of one stanza: [`MAX_KEYS`](super::MAX_KEYS).
    Keys,
    /// Devices of a list: [`MAX_DEVICES`](super::MAX_DEVICES).
    Devices,
    /// Pre-keys of a bundle: [`MAX_PRE_KEYS`](super::MAX_PRE_KEYS).
    PreKeys,
    /// Items of a node: [`MAX_ITEMS`](super::MAX_ITEMS).
    Items,
    /// Shared files of one message: [`MAX_FILES`](super::MAX_FILES).
    Files,
    /// Sources of one file, or places of one source: [`MAX_SOURCES`](super::MAX_SOURCES).
    Sources,
    /// Hashes of one file: [`MAX_HASHES`](super::MAX_HASHES).
    Hashes,
}

/// What can be wrong with an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// It is not there: absent, or another one or one of a foreign namespace in its place.
    Missing,
    /// It is there twice, and no specification says which one counts.
    Repeated,
    /// It lacks an attribute, or has a value in it that is none.
    Attribute,
    /// Its text is not base64.
    Base64,
    /// Its bytes are too few or too many.
    Length,
}

/// Why an envelope of XEP-0420 was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvelopeError {
    /// It could not be read.
    Malformed(StanzaError),
    /// It names another sender than the stanza: somebody passes on what was meant for him.
    From,
    /// It names another recipient than the stanza, or none in a group chat.
    To,
}

/// Why no envelope was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteEnvelopeError {
    /// The content is not XML that a recipient would read.
    Content(StanzaError),
    /// There is text in the content outside its elements.
    Text,
    /// An element of the content does not say its namespace, or is in the envelope's.
    Namespace,
    /// The content has an element that servers process or make: it belongs beside the envelope.
    ForServers,
    /// The random number generator failed.
    Rng(RngError),
}

impl StanzaError {
    pub(super) const fn missing(element: &'static str) -> Self {
        Self::Malformed {
            element,
            defect: Defect::Missing,
        }
    }

    pub(super) const fn repeated(element: &'static str) -> Self {
        Self::Malformed {
            element,
            defect: Defect::Repeated,
        }
    }

    pub(super) const fn attribute(element: &'static str) -> Self {
        Self::Malformed {
            element,
            defect: Defect::Attribute,
        }
    }

    pub(super) const fn base64(element: &'static str) -> Self {
        Self::Malformed {
            element,
            defect: Defect::Base64,
        }
    }

    pub(super) const fn length(element: &'static str) -> Self {
        Self::Malformed {
            element,
            defect: Defect::Length,
        }
    }
}

impl fmt::Display for StanzaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xml(error) => error.fmt(f),
            Self::Limit(limit) => limit.fmt(f),
            Self::Malformed { element, defect } => write!(f, "<{element}/> {defect}"),
            Self::Key { element, error } => write!(f, "<{element}/>: {error}"),
        }
    }
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "the XML is not well-formed",
            Self::Character => "the XML contains a character that is not allowed",
            Self::Namespace => "the XML uses or declares a namespace prefix wrongly",
            Self::Comment => "the XML contains a comment",
            Self::Instruction => "the XML contains a processing instruction",
            Self::DocumentType => "the XML contains a document type declaration",
            Self::Entity => "the XML refers to an entity that is not predefined",
            Self::Encoding => "the XML is not UTF-8",
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "the XML is too long",
            Self::Depth => "the XML is too deep",
            Self::Attributes => "an element has too many attributes",
            Self::Namespaces => "too many namespaces are declared",
            Self::Keys => "the message has too many keys",
            Self::Devices => "the device list is too long",
            Self::PreKeys => "the bundle has too many pre-keys",
            Self::Items => "the node has too many items",
            Self::Files => "the message shares too many files",
            Self::Sources => "the file has too many sources",
            Self::Hashes => "the file has too many hashes",
        })
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "is missing",
            Self::Repeated => "is there more than once",
            Self::Attribute => "has a missing or invalid attribute",
            Self::Base64 => "is not base64",
            Self::Length => "has a wrong length",
        })
    }
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the envelope is malformed: {error}"),
            Self::From => f.write_str("the envelope names another sender"),
            Self::To => f.write_str("the envelope names another recipient"),
        }
    }
}

impl fmt::Display for WriteEnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(error) => write!(f, "the content cannot be used: {error}"),
            Self::Text => f.write_str("the content has text outside its elements"),
            Self::Namespace => f.write_str("an element of the content has no namespace of its own"),
            Self::ForServers => f.write_str("the content has an element that servers process"),
            Self::Rng(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StanzaError {}
impl core::error::Error for WriteEnvelopeError {}
impl core::error::Error for EnvelopeError {}

impl From<XmlError> for StanzaError {
    fn from(error: XmlError) -> Self {
        Self::Xml(error)
    }
}

impl From<Limit> for StanzaError {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

impl From<StanzaError> for EnvelopeError {
    fn from(error: StanzaError) -> Self {
        Self::Malformed(error)
    }
}

impl From<StanzaError> for WriteEnvelopeError {
    fn from(error: StanzaError) -> Self {
        Self::Content(error)
    }
}

impl From<RngError> for WriteEnvelopeError {
    fn from(error: RngError) -> Self {
        Self::Rng(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_where_and_what() {
        let error = StanzaError::missing("prekeys");
        assert_eq!(error.to_string(), "<prekeys/> is missing");
        let error = StanzaError::Key {
            element: "ik",
            error: KeyError::LowOrder,
        };
        assert_eq!(error.to_string(), "<ik/>: the key has small order");
        assert_eq!(
            EnvelopeError::from(StanzaError::from(Limit::Depth)).to_string(),
            "the envelope is malformed: the XML is too deep"
        );
    }
}
