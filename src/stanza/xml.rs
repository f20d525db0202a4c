//! The guarded reader: every XML text of a stranger comes in through here.
//!
//! quick-xml splits the text into tokens and keeps track of namespaces; this reader adds what
//! RFC 6120 §11 forbids (comments, processing instructions, document types, entities), what
//! well-formedness needs beyond tokens, and the limits of the [module](super). It walks forward once,
//! with work linear in the text, and no deeper into the stack for a deeper text.

use std::borrow::Cow;

use quick_xml::errors::Error;
use quick_xml::events::Event as Token;
use quick_xml::name::{NamespaceError, QName, ResolveResult};
use quick_xml::reader::NsReader;

use super::element_name::ElementName;
use super::grammar::{WHITE_SPACE, is_character, resolve};
use super::tag::{Namespace, Tag};
use super::{Limit, MAX_BYTES, MAX_DEPTH, MAX_NAMESPACES, StanzaError, XmlError, base64};

/// Where a text stood before it came to us.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Inside a stream, or cut out of a stanza: namespaces may have been declared outside.
    Stream,
    /// On its own: what is not declared in it is not declared.
    Document,
    /// The same, but several elements with text between them: the content of an envelope.
    Content,
}

/// A forward walk over one element and what is in it.
pub(super) struct Reader<'x> {
    source: &'x str,
    tokens: NsReader<&'x [u8]>,
    scope: Scope,
    depth: usize,
    /// The last tag closed itself: its end is to be reported next.
    closes: bool,
    /// The root has been there.
    rooted: bool,
    /// How many bytes of inherited declarations were copied.
    carried: usize,
}

/// What a step of the walk comes upon.
enum Event<'x> {
    Start(Tag<'x>),
    End,
    Text(Cow<'x, str>),
    Character(char),
}

impl<'x> Reader<'x> {
    /// Looks at the length and the characters, and at nothing else yet.
    pub(super) fn new(source: &'x str, scope: Scope) -> Result<Self, StanzaError> {
        if source.len() > MAX_BYTES {
            return Err(Limit::Bytes.into());
        }
        if source.starts_with('\u{feff}') || !source.chars().all(is_character) {
            return Err(XmlError::Character.into());
        }
        let mut tokens = NsReader::from_str(source);
        tokens
            .resolver_mut()
            .set_max_namespace_bindings(MAX_NAMESPACES);
        Ok(Self {
            source,
            tokens,
            scope,
            depth: 0,
            closes: false,
            rooted: false,
            carried: 0,
        })
    }

    /// Opens the root.
    pub(super) fn root(&mut self) -> Result<Tag<'x>, StanzaError> {
        match self.step()? {
            Some(Event::Start(tag)) => Ok(tag),
            _ => Err(XmlError::Syntax.into()),
        }
    }

    /// Opens the next of the elements of content; `None` at its end.
    pub(super) fn sibling(&mut self) -> Result<Option<Tag<'x>>, StanzaError> {
        match self.step()? {
            Some(Event::Start(tag)) => Ok(Some(tag)),
            Some(_) => Err(XmlError::Syntax.into()),
            None => Ok(None),
        }
    }

    /// Opens the next child of the open element; `None` closes the element. Text is passed over.
    ///
    /// Each child has to be closed before the next one: by this method, [`Self::text`] or
    /// [`Self::skip`].
    pub(super) fn child(&mut self) -> Result<Option<Tag<'x>>, StanzaError> {
        loop {
            match self.inside()? {
                Event::Start(tag) => return Ok(Some(tag)),
                Event::End => return Ok(None),
                Event::Text(_) | Event::Character(_) => {}
            }
        }
    }

    /// What the element is called that was opened last.
    pub(super) fn name_of(&self, tag: &Tag<'x>) -> ElementName {
        let namespace = match self.tokens.resolver().resolve_element(QName(tag.name())).0 {
            ResolveResult::Bound(namespace) => namespace.0,
            // The stream's own, as far as is known.
            ResolveResult::Unbound => "jabber:client",
            ResolveResult::Unknown(_) => "",
        };
        ElementName::new(namespace, tag.local())
    }

    /// Closes the open element and returns its text, without that of its children.
    pub(super) fn text(&mut self) -> Result<Cow<'x, str>, StanzaError> {
        let mut text = Cow::Borrowed("");
        loop {
            match self.inside()? {
                Event::Start(_) => self.skip()?,
                Event::End => return Ok(text),
                Event::Text(piece) if text.is_empty() => text = piece,
                Event::Text(piece) => text.to_mut().push_str(&piece),
                Event::Character(c) => text.to_mut().push(c),
            }
        }
    }

    /// Closes the open element and returns its text with that of all elements in it, whose tags are shown to
    /// `see`.
    pub(super) fn whole_text(
        &mut self,
        mut see: impl FnMut(&Self, Tag<'x>),
    ) -> Result<String, StanzaError> {
        let outside = self.depth.saturating_sub(1);
        let mut text = String::new();
        while self.depth > outside {
            match self.inside()? {
                Event::Start(tag) => see(self, tag),
                Event::Text(piece) => text.push_str(&piece),
                Event::Character(c) => text.push(c),
                Event::End => {}
            }
        }
        Ok(text)
    }

    /// Closes the open element and returns the bytes that its text is the base64 of.
    pub(super) fn base64(&mut self, element: &'static str) -> Result<Vec<u8>, StanzaError> {
        base64::decode(&self.text()?).ok_or(StanzaError::base64(element))
    }

    /// Closes the open element, whatever is in it.
    pub(super) fn skip(&mut self) -> Result<(), StanzaError> {
        self.leave(self.depth.saturating_sub(1))
    }

    /// How many elements are open.
    pub(super) const fn depth(&self) -> usize {
        self.depth
    }

    /// Closes open elements, whatever is in them, until so many are open.
    pub(super) fn leave(&mut self, depth: usize) -> Result<(), StanzaError> {
        while self.depth > depth {
            self.inside()?;
        }
        Ok(())
    }

    /// Closes the open element and returns its content as it is written, except that each child
    /// carries the declarations that it inherited: what this returns means the same anywhere.
    ///
    /// A child that is not `wanted` is left out; `visit` is shown each other one and must close it.
    pub(super) fn content(
        &mut self,
        wanted: impl Fn(&Tag<'x>) -> bool,
        mut visit: impl FnMut(&mut Self, Tag<'x>) -> Result<(), StanzaError>,
    ) -> Result<Cow<'x, str>, StanzaError> {
        let mut carried = String::new();
        let mut copied = self.position();
        loop {
            let before = self.position();
            match self.inside()? {
                Event::Start(tag) if wanted(&tag) => {
                    self.carry(&tag, &mut carried, &mut copied)?;
                    visit(self, tag)?;
                }
                Event::Start(tag) => {
                    carried.push_str(self.slice(copied, tag.start)?);
                    self.skip()?;
                    copied = self.position();
                }
                Event::End => return self.join(carried, copied, before),
                Event::Text(_) | Event::Character(_) => {}
            }
        }
    }

    /// Closes the open element and returns it as it is written, with the declarations that it
    /// inherited.
    pub(super) fn element(&mut self, tag: &Tag<'x>) -> Result<Cow<'x, str>, StanzaError> {
        let (mut carried, mut copied) = (String::new(), tag.start);
        self.carry(tag, &mut carried, &mut copied)?;
        self.skip()?;
        self.join(carried, copied, self.position())
    }

    /// Closes the open element, whose name has no prefix, and returns it as an element of a stream: its default
    /// namespace, and that of what is in it, is replaced by the stream's.
    pub(super) fn stream_element(&mut self, tag: &Tag<'x>) -> Result<String, StanzaError> {
        let most = MAX_CARRIED.saturating_sub(self.carried);
        let inherited = tag
            .inherited(self.tokens.resolver(), self.scope, most)
            .ok_or(Limit::Namespaces)?;
        self.carried += inherited.len();
        let mut element = tag.in_stream(&inherited)?;
        let (inside, is_empty) = (self.position(), self.closes);
        self.skip()?;
        match is_empty {
            true => element.extend(["</", tag.name(), ">"]),
            false => element.push_str(self.slice(inside, self.position())?),
        }
        Ok(element)
    }

    /// After the root was closed: there is nothing more.
    pub(super) fn finish(&mut self) -> Result<(), StanzaError> {
        match self.step()? {
            None => Ok(()),
            Some(_) => Err(XmlError::Syntax.into()),
        }
    }

    /// A step inside an element, where the text cannot end.
    fn inside(&mut self) -> Result<Event<'x>, StanzaError> {
        self.step()?.ok_or(XmlError::Syntax.into())
    }

    /// One step; `None` at the end of the text. Outside the root there is white space only, or in
    /// content any text; it is passed over.
    fn step(&mut self) -> Result<Option<Event<'x>>, StanzaError> {
        loop {
            if self.closes {
                self.closes = false;
                return self.close();
            }
            let start = self.position();
            let event = match self.tokens.read_event().map_err(tokenizer_error)? {
                Token::Start(_) => return self.open(start, false),
                Token::Empty(_) => return self.open(start, true),
                Token::End(_) => return self.close(),
                Token::Eof if self.depth == 0 => return Ok(None),
                Token::Eof => return Err(XmlError::Syntax.into()),
                Token::Text(text) if text.contains("]]>") => return Err(XmlError::Syntax.into()),
                Token::Text(text) => Event::Text(text.xml10_content()),
                Token::CData(text) => Event::Text(text.xml10_content()),
                Token::GeneralRef(name) => Event::Character(resolve(&name)?),
                Token::Comment(_) => return Err(XmlError::Comment.into()),
                Token::Decl(_) | Token::PI(_) => return Err(XmlError::Instruction.into()),
                Token::DocType(_) => return Err(XmlError::DocumentType.into()),
            };
            if self.depth > 0 {
                return Ok(Some(event));
            }
            let outside = self.slice(start, self.position())?;
            let is_blank = outside.trim_matches(WHITE_SPACE).is_empty();
            if !is_blank && self.scope != Scope::Content {
                return Err(XmlError::Syntax.into());
            }
        }
    }

    fn open(&mut self, start: usize, closes: bool) -> Result<Option<Event<'x>>, StanzaError> {
        if self.depth == 0 && self.rooted && self.scope != Scope::Content {
            return Err(XmlError::Syntax.into());
        }
        if self.depth >= MAX_DEPTH {
            return Err(Limit::Depth.into());
        }
        let literal = self.slice(start, self.position())?;
        let mut tag = Tag::parse(literal, start, closes)?;
        tag.check_attributes(|prefix| self.expand_attribute(prefix))?;
        tag.namespace = self.expand_element(tag.name())?;
        self.depth += 1;
        self.rooted = true;
        self.closes = closes;
        Ok(Some(Event::Start(tag)))
    }

    fn close(&mut self) -> Result<Option<Event<'x>>, StanzaError> {
        // The tokenizer compares the names of start and end; a lone end is an error of its own.
        self.depth = self.depth.checked_sub(1).ok_or(XmlError::Syntax)?;
        Ok(Some(Event::End))
    }

    fn expand_element(&self, name: &str) -> Result<Namespace, StanzaError> {
        match self.tokens.resolver().resolve_element(QName(name)).0 {
            ResolveResult::Bound(namespace) => Ok(Namespace::from_name(namespace.0)),
            ResolveResult::Unbound => Ok(Namespace::None),
            ResolveResult::Unknown(_) => self.undeclared().map(|()| Namespace::Other),
        }
    }

    /// The namespace of an attribute with a prefix; `None` if it was declared outside.
    fn expand_attribute(&self, name: &str) -> Result<Option<&str>, StanzaError> {
        match self.tokens.resolver().resolve_attribute(QName(name)).0 {
            ResolveResult::Bound(namespace) => Ok(Some(namespace.0)),
            _ => self.undeclared().map(|()| None),
        }
    }

    fn undeclared(&self) -> Result<(), StanzaError> {
        match self.scope {
            Scope::Stream => Ok(()),
            Scope::Document | Scope::Content => Err(XmlError::Namespace.into()),
        }
    }

    /// Copies what was not copied yet up to the end of the tag's name, and adds what it inherits.
    fn carry(
        &mut self,
        tag: &Tag<'x>,
        carried: &mut String,
        copied: &mut usize,
    ) -> Result<(), StanzaError> {
        let most = MAX_CARRIED.saturating_sub(self.carried);
        let inherited = tag
            .inherited(self.tokens.resolver(), self.scope, most)
            .ok_or(Limit::Namespaces)?;
        if inherited.is_empty() {
            return Ok(());
        }
        self.carried += inherited.len();
        carried.push_str(self.slice(*copied, tag.name_end())?);
        carried.push_str(&inherited);
        *copied = tag.name_end();
        Ok(())
    }

    fn join(
        &self,
        mut carried: String,
        copied: usize,
        end: usize,
    ) -> Result<Cow<'x, str>, StanzaError> {
        let rest = self.slice(copied, end)?;
        if carried.is_empty() {
            return Ok(Cow::Borrowed(rest));
        }
        carried.push_str(rest);
        Ok(Cow::Owned(carried))
    }

    fn position(&self) -> usize {
        // The text is in memory: its positions fit. Were one cut off, no slice would be found.
        usize::try_from(self.tokens.buffer_position()).unwrap_or(usize::MAX)
    }

    fn slice(&self, start: usize, end: usize) -> Result<&'x str, StanzaError> {
        self.source.get(start..end).ok_or(XmlError::Syntax.into())
    }
}

/// The most bytes of inherited declarations that are copied: a long name that each of many elements
/// inherits must not be multiplied. Elements of XMPP declare their own as a rule.
const MAX_CARRIED: usize = 64 * 1024;

fn tokenizer_error(error: Error) -> StanzaError {
    match error {
        Error::Namespace(NamespaceError::TooManyBindings(_)) => Limit::Namespaces.into(),
        Error::Namespace(NamespaceError::TooDeeplyNested(_)) => Limit::Depth.into(),
        Error::Namespace(_) => XmlError::Namespace.into(),
        _ => XmlError::Syntax.into(),
    }
}

#[cfg(test)]
mod tests;
