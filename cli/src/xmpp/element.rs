//! Looking into a stanza.

use roxmltree::{Document, Node, ParsingOptions};

/// A stanza that was read. [`look`] lends it out, as an XML tree borrows its text.
pub type Element<'a, 'x> = Node<'a, 'x>;

/// What stands around an element of a stream, so that its prefixes mean something.
const HEAD: &str = "<s xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

/// More nodes than in the largest stanza of use.
const MAX_NODES: u32 = 1 << 18;

/// Reads an element of a stream and lends it to `look`; `None` if it is not well-formed.
pub fn look<T>(xml: &str, look: impl FnOnce(Element<'_, '_>) -> T) -> Option<T> {
    let text = format!("{HEAD}{xml}</s>");
    let options = ParsingOptions {
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(&text, options).ok()?;
    let element = document.root_element().first_element_child()?;
    Some(look(element))
}

/// The first child of that name.
#[must_use]
pub fn child<'a, 'x>(of: Element<'a, 'x>, namespace: &str, name: &str) -> Option<Element<'a, 'x>> {
    of.children()
        .find(|child| child.has_tag_name((namespace, name)))
}

/// Why a stanza of type `error` is one (RFC 6120 §8.3.3); `None` if it does not say.
#[must_use]
pub fn condition(stanza: Element<'_, '_>) -> Option<String> {
    let error = child(stanza, "jabber:client", "error")?;
    let condition = error.first_element_child()?;
    Some(condition.tag_name().name().to_owned())
}

/// Text and values, made fit to stand in XML.
#[must_use]
pub fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_the_stream_are_known() {
        let name = look("<stream:features><a/></stream:features>", |element| {
            let namespace = element.tag_name().namespace().unwrap_or_default();
            assert!(child(element, "jabber:client", "a").is_some());
            format!("{namespace} {}", element.tag_name().name())
        });
        assert_eq!(
            name.as_deref(),
            Some("http://etherx.jabber.org/streams features")
        );
        assert_eq!(look("<a>", |_| ()), None);
        assert_eq!(escape("<'&\">"), "&lt;&apos;&amp;&quot;&gt;");
    }
}
