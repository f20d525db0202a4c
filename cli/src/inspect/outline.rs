//! XML as it is, with what is broken and what the library passes over.
//!
//! The library's readers take what is valid and drop the rest. To show the rest, this makes a list of
//! all elements, as far as the text is well-formed. Whether the library would read them is asked of the
//! library ([`Outline::source`]).

use core::ops::Range;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

/// More than a stanza with the longest bundles and lists has.
const MAX_ELEMENTS: usize = 20_000;
const MAX_DEPTH: usize = 64;
const MAX_ATTRIBUTES: usize = 64;

/// The elements of a text.
#[derive(Clone, Debug, Default)]
pub struct Outline<'x> {
    text: &'x str,
    elements: Vec<Element>,
    /// Where and why the text ends being XML, if it does.
    pub error: Option<String>,
}

/// An element.
#[derive(Clone, Debug, Default)]
pub struct Element {
    /// Its name without a prefix.
    pub name: String,
    /// Its namespace; empty if it has none.
    pub namespace: String,
    /// The text in it, without that of its children.
    pub content: String,
    /// Its name as it is written.
    literal_name: String,
    attributes: Vec<(String, String)>,
    /// Where it is in the text.
    span: Range<usize>,
    parent: Option<usize>,
    /// Behind the last one inside it.
    end: usize,
}

impl Element {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    fn declares(&self, prefix: &str) -> Option<&str> {
        let name = match prefix {
            "" => "xmlns".to_owned(),
            prefix => format!("xmlns:{prefix}"),
        };
        self.attribute(&name)
    }
}

impl<'x> Outline<'x> {
    /// Reads a text. What is in front of the root (comments, a declaration) is passed over.
    #[must_use]
    pub fn read(text: &'x str) -> Self {
        let mut outline = Self {
            text,
            ..Self::default()
        };
        let mut reader = Reader::from_str(text);
        let mut open = Vec::new();
        let broken = loop {
            let start = position(reader.buffer_position());
            let event = match reader.read_event() {
                Ok(Event::Eof) if open.is_empty() && !outline.elements.is_empty() => break None,
                Ok(event) => event,
                Err(error) => break Some((position(reader.error_position()), error.to_string())),
            };
            let span = start..position(reader.buffer_position());
            if let Err(error) = outline.step(&mut open, event, span) {
                break Some((start, error));
            }
        };
        outline.error =
            broken.map(|(at, error)| format!("the XML is broken at {}: {error}", place(text, at)));
        while !open.is_empty() {
            outline.close(&mut open, text.len());
        }
        outline
    }

    /// All elements with their places, in the order of the text.
    pub fn elements(&self) -> impl Iterator<Item = (usize, &Element)> {
        self.elements.iter().enumerate()
    }

    /// The outermost element.
    #[must_use]
    pub fn root(&self) -> Option<&Element> {
        self.elements.first()
    }

    /// The children of the element at a place, with theirs.
    pub fn children(&self, parent: usize) -> impl Iterator<Item = (usize, &Element)> {
        let end = self.elements.get(parent).map_or(0, |element| element.end);
        self.elements()
            .take(end)
            .skip(parent + 1)
            .filter(move |(_, element)| element.parent == Some(parent))
    }

    /// The children that are in the namespace of their parent: readers pass over all others.
    pub fn kin(&self, parent: usize) -> impl Iterator<Item = (usize, &Element)> {
        let namespace = self.elements.get(parent).map(|parent| &parent.namespace);
        self.children(parent)
            .filter(move |(_, element)| Some(&element.namespace) == namespace)
    }

    /// The elements around the one at a place, from the inside out.
    pub fn ancestors(&self, place: usize) -> impl Iterator<Item = &Element> {
        let parent = |element: &Element| self.elements.get(element.parent?);
        let first = self.elements.get(place).and_then(parent);
        core::iter::successors(first, move |element| parent(element))
    }

    /// The element at a place as it is written, with the namespaces that it inherits declared on it.
    #[must_use]
    pub fn source(&self, place: usize) -> String {
        let Some(element) = self.elements.get(place) else {
            return String::new();
        };
        let text = self.text.get(element.span.clone()).unwrap_or_default();
        let (name, rest) = text
            .split_at_checked(1 + element.literal_name.len())
            .unwrap_or((text, ""));
        let mut source = name.to_owned();
        let mut declared: Vec<&str> = declarations(element).map(|(name, _)| name).collect();
        for (name, namespace) in self.ancestors(place).flat_map(declarations) {
            if !declared.contains(&name) {
                declared.push(name);
                let namespace = quick_xml::escape::escape(namespace);
                source.push_str(&format!(" {name}=\"{namespace}\""));
            }
        }
        source + rest
    }

    fn step(
        &mut self,
        open: &mut Vec<usize>,
        event: Event<'_>,
        span: Range<usize>,
    ) -> Result<(), String> {
        match event {
            Event::Start(tag) => self.open(open, &tag, span.start)?,
            Event::Empty(tag) => {
                self.open(open, &tag, span.start)?;
                self.close(open, span.end);
            }
            Event::End(_) => self.close(open, span.end),
            Event::Text(piece) => self.add(open, &piece.xml10_content()),
            Event::CData(piece) => self.add(open, &piece.xml10_content()),
            Event::GeneralRef(name) => {
                let reference = format!("&{};", &*name);
                let text = unescape(&reference).map_err(|error| error.to_string())?;
                self.add(open, &text);
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::DocType(_) => return Err("XMPP has no document types".to_owned()),
            Event::Eof => return Err("the text ends inside an element".to_owned()),
        }
        Ok(())
    }

    fn open(
        &mut self,
        open: &mut Vec<usize>,
        tag: &BytesStart<'_>,
        start: usize,
    ) -> Result<(), String> {
        if self.elements.len() >= MAX_ELEMENTS || open.len() >= MAX_DEPTH {
            return Err(format!(
                "more than {MAX_ELEMENTS} elements, or {MAX_DEPTH} in each other"
            ));
        }
        if open.is_empty() && !self.elements.is_empty() {
            return Err("a second root".to_owned());
        }
        let literal_name = tag.name().as_ref().to_owned();
        let (prefix, name) = literal_name.split_once(':').unwrap_or(("", &literal_name));
        let mut element = Element {
            name: name.to_owned(),
            span: start..start,
            parent: open.last().copied(),
            ..Element::default()
        };
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            if element.attributes.len() >= MAX_ATTRIBUTES {
                return Err(format!("more than {MAX_ATTRIBUTES} attributes"));
            }
            let value = unescape(&attribute.value).map_err(|error| error.to_string())?;
            let key = attribute.key.as_ref().to_owned();
            element.attributes.push((key, value.into_owned()));
        }
        let place = self.elements.len();
        let prefix = prefix.to_owned();
        element.literal_name = literal_name;
        self.elements.push(element);
        let around = self
            .elements
            .get(place)
            .into_iter()
            .chain(self.ancestors(place));
        let namespace = around
            .filter_map(|element| element.declares(&prefix))
            .next();
        let namespace = namespace.unwrap_or_default().to_owned();
        if let Some(element) = self.elements.get_mut(place) {
            element.namespace = namespace;
        }
        open.push(place);
        Ok(())
    }

    fn close(&mut self, open: &mut Vec<usize>, end: usize) {
        let count = self.elements.len();
        if let Some(element) = open.pop().and_then(|place| self.elements.get_mut(place)) {
            element.span.end = end;
            element.end = count;
        }
    }

    fn add(&mut self, open: &[usize], text: &str) {
        if let Some(element) = open.last().and_then(|place| self.elements.get_mut(*place)) {
            element.content.push_str(text);
        }
    }
}

/// The namespace declarations of an element, by the names of their attributes.
fn declarations(element: &Element) -> impl Iterator<Item = (&str, &str)> {
    let attributes = element.attributes.iter();
    attributes
        .filter(|(name, _)| name == "xmlns" || name.starts_with("xmlns:"))
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Line and column of an offset.
fn place(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |line| line.chars().count())
        + 1;
    format!("line {line}, column {column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_with_their_namespaces_and_children() {
        let outline = Outline::read(
            "<?xml version='1.0'?><!-- c --><a xmlns='x' xmlns:p='y'><p:b q='1&amp;2'>t&lt;<c/>u</p:b><d/></a>",
        );
        assert_eq!(outline.error, None);
        let names: Vec<_> = outline
            .elements()
            .map(|(_, e)| (e.name.as_str(), e.namespace.as_str()))
            .collect();
        assert_eq!(names, [("a", "x"), ("b", "y"), ("c", "x"), ("d", "x")]);
        let b = &outline.elements[1];
        assert_eq!((b.attribute("q"), b.content.as_str()), (Some("1&2"), "t<u"));
        assert_eq!(
            outline.children(0).map(|(i, _)| i).collect::<Vec<_>>(),
            [1, 3]
        );
        assert_eq!(outline.kin(0).map(|(i, _)| i).collect::<Vec<_>>(), [3]);
        assert_eq!(outline.ancestors(2).count(), 2);
        assert_eq!(outline.source(2), "<c xmlns=\"x\" xmlns:p=\"y\"/>");
        assert_eq!(outline.source(3), "<d xmlns=\"x\" xmlns:p=\"y\"/>");
    }

    #[test]
    fn what_is_broken_is_located_and_the_rest_is_there() {
        for (text, elements, at) in [
            ("<a>\n <b>", 2, "line 2, column 5"),
            ("<a><b></a>", 2, "line 1, column 7"),
            ("<a>&nope;</a>", 1, "line 1, column 4"),
            ("<a/><b/>", 1, "line 1, column 5"),
            ("<a b='1' b='2'/>", 0, "line 1, column 1"),
            ("<!DOCTYPE a><a/>", 0, "line 1, column 1"),
            ("<", 0, "line 1"),
        ] {
            let outline = Outline::read(text);
            assert_eq!(outline.elements.len(), elements, "{text}");
            let error = outline.error.unwrap();
            assert!(error.contains(at), "{text}: {error}");
        }
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        assert_eq!(Outline::read(&deep).elements.len(), MAX_DEPTH);
    }
}
