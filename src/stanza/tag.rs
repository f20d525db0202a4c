//! Start tags: names, namespaces, attributes (XML 1.0 §3.1, Namespaces in XML 1.0 §6).

use std::borrow::Cow;

use quick_xml::name::{NamespaceResolver, PrefixDeclaration};

use super::grammar::{Attributes, attribute_value, split_name};
use super::xml::Scope;
use super::{ArchiveVersion, Limit, MAX_ATTRIBUTES, StanzaError, XmlError};
use crate::model::Version;

pub(super) const FILE_SHARING: &str = "urn:xmpp:sfs:0";
pub(super) const ENCRYPTED_SOURCE: &str = "urn:xmpp:esfs:0";
pub(super) const FILE_METADATA: &str = "urn:xmpp:file:metadata:0";
pub(super) const HASHES: &str = "urn:xmpp:hashes:2";
pub(super) const URL_DATA: &str = "http://jabber.org/protocol/url-data";

/// The namespaces that the readers know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namespace {
    /// No namespace, or that of the stream around the text.
    None,
    /// The content of a client's stream (RFC 6120 §4.8.2).
    Client,
    /// The content of a component's stream (XEP-0114).
    Component,
    /// One of the versions of OMEMO.
    Omemo(Version),
    /// Envelopes (XEP-0420).
    Envelope,
    /// Requests to nodes and their results (XEP-0060).
    PubSub,
    /// Notifications of nodes (XEP-0060).
    PubSubEvent,
    /// Message processing hints (XEP-0334).
    Hints,
    /// Ids that servers give to stanzas, and those that senders do (XEP-0359).
    StanzaIds,
    /// Further addresses (XEP-0033).
    Addresses,
    /// How a message is encrypted (XEP-0380).
    Encryption,
    /// What servers and rooms add, or need to see: delays (XEP-0203), occupants (XEP-0045, XEP-0421).
    Routing,
    /// Copies of messages for other clients of an account (XEP-0280).
    Carbons,
    /// A message inside another (XEP-0297).
    Forward,
    /// Results of an archive (XEP-0313).
    Archive(ArchiveVersion),
    /// Signs between clients without words of the user: receipts (XEP-0184), markers (XEP-0333), chat
    /// states (XEP-0085), which message is corrected or retracted (XEP-0308, XEP-0424).
    Signal,
    /// Which message is answered (XEP-0461).
    Reply,
    /// Shared files (XEP-0447).
    FileSharing,
    /// Encrypted sources of shared files (XEP-0448).
    EncryptedSource,
    /// What is said about a file (XEP-0446).
    FileMetadata,
    /// Hashes (XEP-0300).
    Hashes,
    /// URLs (XEP-0103).
    UrlData,
    /// Another one.
    Other,
}

impl Namespace {
    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "jabber:client" => Self::Client,
            "jabber:component:accept" => Self::Component,
            "urn:xmpp:sce:1" => Self::Envelope,
            "http://jabber.org/protocol/pubsub" => Self::PubSub,
            "http://jabber.org/protocol/pubsub#event" => Self::PubSubEvent,
            "urn:xmpp:hints" => Self::Hints,
            "urn:xmpp:sid:0" => Self::StanzaIds,
            "http://jabber.org/protocol/address" => Self::Addresses,
            "urn:xmpp:eme:0" => Self::Encryption,
            "urn:xmpp:delay"
            | "jabber:x:delay"
            | "http://jabber.org/protocol/muc#user"
            | "urn:xmpp:occupant-id:0"
            | "urn:xmpp:mix:core:1" => Self::Routing,
            "urn:xmpp:carbons:2" => Self::Carbons,
            "urn:xmpp:forward:0" => Self::Forward,
            "urn:xmpp:mam:0" => Self::Archive(ArchiveVersion::Mam0),
            "urn:xmpp:mam:1" => Self::Archive(ArchiveVersion::Mam1),
            "urn:xmpp:mam:2" => Self::Archive(ArchiveVersion::Mam2),
            "urn:xmpp:receipts"
            | "urn:xmpp:chat-markers:0"
            | "http://jabber.org/protocol/chatstates"
            | "urn:xmpp:message-correct:0"
            | "urn:xmpp:message-retract:0"
            | "urn:xmpp:message-retract:1" => Self::Signal,
            "urn:xmpp:reply:0" => Self::Reply,
            FILE_SHARING => Self::FileSharing,
            ENCRYPTED_SOURCE => Self::EncryptedSource,
            FILE_METADATA => Self::FileMetadata,
            HASHES => Self::Hashes,
            URL_DATA => Self::UrlData,
            name => Version::from_namespace(name).map_or(Self::Other, Self::Omemo),
        }
    }

    /// Whether a stanza can be in it, the stream's declaration being inherited or repeated.
    pub(super) const fn is_of_stanzas(self) -> bool {
        matches!(self, Self::None | Self::Client | Self::Component)
    }
}

/// A start tag, or one that closes itself.
#[derive(Clone, Copy)]
pub(super) struct Tag<'x> {
    pub(super) namespace: Namespace,
    /// Where its `<` is in the text.
    pub(super) start: usize,
    name: &'x str,
    local: &'x str,
    attributes: &'x str,
}

impl<'x> Tag<'x> {
    /// Takes a tag apart; its namespace is for the reader to fill in.
    pub(super) fn parse(literal: &'x str, start: usize, closes: bool) -> Result<Self, XmlError> {
        let end = if closes { "/>" } else { ">" };
        let text = literal
            .strip_prefix('<')
            .and_then(|text| text.strip_suffix(end))
            .ok_or(XmlError::Syntax)?;
        let length = text.find([' ', '\t', '\r', '\n']).unwrap_or(text.len());
        let (name, attributes) = text.split_at_checked(length).ok_or(XmlError::Syntax)?;
        let (prefix, local) = split_name(name).ok_or(XmlError::Syntax)?;
        if prefix == Some("xmlns") {
            return Err(XmlError::Namespace);
        }
        Ok(Self {
            namespace: Namespace::None,
            start,
            name,
            local,
            attributes,
        })
    }

    /// Checks that there are not too many attributes, that each is well-formed and none is there
    /// twice. `expand` finds the namespace of an attribute with a prefix.
    pub(super) fn check_attributes<'r>(
        &self,
        expand: impl Fn(&'x str) -> Result<Option<&'r str>, StanzaError>,
    ) -> Result<(), StanzaError> {
        let mut names = [Name::default(); MAX_ATTRIBUTES];
        for (index, attribute) in Attributes::new(self.attributes).enumerate() {
            let (name, literal) = attribute?;
            let (prefix, local) = split_name(name).ok_or(XmlError::Syntax)?;
            attribute_value(literal)?;
            let expanded = match (prefix, local) {
                (None, "xmlns") | (Some("xmlns"), _) => check_declaration(prefix, literal)?,
                (None, _) => None,
                (Some(_), _) => expand(name)?,
            };
            let new = Name {
                literal: name,
                expanded: expanded.map(|namespace| (namespace, local)),
            };
            let slot = names.get_mut(index).ok_or(Limit::Attributes)?;
            *slot = new;
            for old in names.iter().take(index) {
                if old.literal == new.literal {
                    return Err(XmlError::Syntax.into());
                }
                if old.expanded.is_some() && old.expanded == new.expanded {
                    return Err(XmlError::Namespace.into());
                }
            }
        }
        Ok(())
    }

    /// The name as it is written, with its prefix.
    pub(super) const fn name(&self) -> &'x str {
        self.name
    }

    /// The name without its prefix.
    pub(super) const fn local(&self) -> &'x str {
        self.local
    }

    pub(super) fn is(&self, namespace: Namespace, local: &str) -> bool {
        self.namespace == namespace && self.local == local
    }

    /// Whether the element is one that servers process or make, and an envelope must not contain
    /// (XEP-0420 §9): who decrypts could not tell it from one of the server's.
    pub(super) fn is_for_servers(&self) -> bool {
        match self.namespace {
            Namespace::Hints
            | Namespace::Addresses
            | Namespace::Encryption
            | Namespace::Routing
            | Namespace::Carbons => true,
            Namespace::StanzaIds => self.local == "stanza-id",
            namespace => namespace.is_of_stanzas() && self.local == "error",
        }
    }

    /// The attributes as they are written, without declarations of namespaces; those with a prefix that
    /// would need one are left out too. No attribute of a stanza has any but `xml`.
    pub(super) fn literals(&self) -> impl Iterator<Item = (&'x str, &'x str)> {
        let stands_alone = |name: &str| match name.split_once(':') {
            Some((prefix, _)) => prefix == "xml",
            None => name != "xmlns",
        };
        Attributes::new(self.attributes)
            .flatten()
            .filter(move |(name, _)| stands_alone(name))
    }

    /// The values of all attributes.
    pub(super) fn attributes(&self) -> impl Iterator<Item = Cow<'x, str>> {
        Attributes::new(self.attributes)
            .flatten()
            .filter_map(|(_, literal)| attribute_value(literal).ok())
    }

    /// The names of the attributes, without declarations of namespaces.
    pub(super) fn names(&self) -> impl Iterator<Item = &'x str> {
        let attributes = Attributes::new(self.attributes).flatten();
        let names = attributes.map(|(name, _)| name);
        names.filter(|name| *name != "xmlns" && !name.starts_with("xmlns:"))
    }

    /// The value of an attribute without a namespace.
    pub(super) fn attribute(&self, name: &str) -> Option<Cow<'x, str>> {
        Attributes::new(self.attributes)
            .flatten()
            .find(|(found, _)| *found == name)
            .and_then(|(_, literal)| attribute_value(literal).ok())
    }

    /// The position behind the name.
    pub(super) const fn name_end(&self) -> usize {
        self.start + 1 + self.name.len()
    }

    /// The tag as if the stream's namespace were its default one. `inherited` are declarations as
    /// [`Self::inherited`] returns them.
    pub(super) fn in_stream(&self, inherited: &str) -> Result<String, StanzaError> {
        let mut tag = ["<", self.name, " xmlns=\"jabber:client\""].concat();
        // No value has a double quote in it: this cannot be a part of another declaration.
        let (before, after) = match inherited.find(" xmlns=\"") {
            Some(at) => {
                let (before, default) = inherited.split_at_checked(at).ok_or(XmlError::Syntax)?;
                let mut pieces = default.splitn(3, '"').skip(2);
                (before, pieces.next().unwrap_or_default())
            }
            None => (inherited, ""),
        };
        tag.push_str(before);
        tag.push_str(after);
        for attribute in Attributes::new(self.attributes) {
            let (name, literal) = attribute?;
            if name != "xmlns" {
                let quote = if literal.contains('\'') { "\"" } else { "'" };
                for piece in [" ", name, "=", quote, literal, quote] {
                    tag.push_str(piece);
                }
            }
        }
        tag.push('>');
        Ok(tag)
    }

    /// The namespace declarations that are in force here and not made here, as attributes; `None` if
    /// they are longer than `most`.
    pub(super) fn inherited(
        &self,
        resolver: &NamespaceResolver,
        scope: Scope,
        most: usize,
    ) -> Option<String> {
        let makes = |name: &str| {
            Attributes::new(self.attributes)
                .flatten()
                .any(|(found, _)| found == name)
        };
        let mut inherited = String::new();
        let mut has_default = makes("xmlns");
        for (declaration, namespace) in resolver.bindings() {
            let name = match declaration {
                PrefixDeclaration::Default => Cow::Borrowed("xmlns"),
                PrefixDeclaration::Named(prefix) => Cow::Owned(format!("xmlns:{prefix}")),
            };
            if makes(&name) {
                continue;
            }
            has_default |= declaration == PrefixDeclaration::Default;
            if inherited.len() + namespace.0.len() > most {
                return None;
            }
            // No name of a namespace has a double quote in it.
            for piece in [" ", &name, "=\"", namespace.0, "\""] {
                inherited.push_str(piece);
            }
        }
        if !has_default && scope == Scope::Document {
            // In no namespace: inside a stanza it would be taken for the stream's.
            inherited.insert_str(0, " xmlns=\"\"");
        }
        (inherited.len() <= most).then_some(inherited)
    }
}

/// The name of an attribute, for finding it twice.
#[derive(Clone, Copy, Default)]
struct Name<'a, 'r> {
    literal: &'a str,
    expanded: Option<(&'r str, &'a str)>,
}

/// Namespaces in XML 1.0 §2.2, §3 and §5: names are URIs, two of them are reserved (what the tokenizer
/// checks for prefixes only), and a prefix is not undeclared.
///
/// As names are compared as they are written, there are no references in them: a parser that resolves
/// them would see another name. And some parsers join names with a character that no URI has.
fn check_declaration<T>(prefix: Option<&str>, literal: &str) -> Result<Option<T>, XmlError> {
    let is_wrong = match prefix {
        Some(_) => literal.is_empty(),
        None => RESERVED.contains(&literal),
    };
    if is_wrong || !literal.bytes().all(is_of_uris) {
        return Err(XmlError::Namespace);
    }
    Ok(None)
}

/// RFC 3986 §2, but for the `&`, which would start a reference.
fn is_of_uris(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$'()*+,;=%".contains(&byte)
}

const RESERVED: [&str; 2] = [
    "http://www.w3.org/XML/1998/namespace",
    "http://www.w3.org/2000/xmlns/",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let tag = Tag::parse("<o:key rid = '1' o:rid='2'\nx=\"&amp;\" />", 5, true).unwrap();
        assert_eq!((tag.name(), tag.local()), ("o:key", "key"));
        assert_eq!(tag.name_end(), 11);
        assert_eq!(tag.attribute("rid").as_deref(), Some("1"));
        assert_eq!(tag.attribute("x").as_deref(), Some("&"));
        assert_eq!(tag.attribute("id"), None);
    }

    #[test]
    fn attributes_are_counted() {
        let tag = |count: usize| {
            let all: String = (0..count).map(|i| format!(" a{i}='1'")).collect();
            let literal = format!("<a{all}>");
            let tag = Tag::parse(&literal, 0, false).unwrap();
            tag.check_attributes(|_| Ok(None))
        };
        assert_eq!(tag(MAX_ATTRIBUTES), Ok(()));
        assert_eq!(tag(MAX_ATTRIBUTES + 1), Err(Limit::Attributes.into()));
    }
}
