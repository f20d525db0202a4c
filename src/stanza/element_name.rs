//! What an element is called.

use core::fmt;

/// The name of an element and its namespace, as in Namespaces in XML 1.0 §2.1.
///
/// [`Display`](fmt::Display) writes `{namespace}name`, and [`Self::parse`] reads it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementName {
    /// The namespace. Elements of the stream itself, such as `<subject/>`, are in `jabber:client`.
    pub namespace: String,
    /// The name without a prefix.
    pub name: String,
}

impl ElementName {
    /// The longest namespace and the longest name that are kept, in bytes. Those in use have at most 70.
    pub const MAX_BYTES: usize = 256;

    /// Names an element. What is longer than [`Self::MAX_BYTES`] is cut off: many elements can share one long
    /// declaration, and each of these values has a copy.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        let cut = |text: &str| {
            let ends = (0..=text.len().min(Self::MAX_BYTES)).rev();
            let mut cuts = ends.filter_map(|end| text.get(..end));
            cuts.next().unwrap_or_default().to_owned()
        };
        Self {
            namespace: cut(namespace),
            name: cut(name),
        }
    }
}

impl ElementName {
    /// Reads `{namespace}name`; `None` if it is of another form, or a part is empty.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (namespace, name) = text.strip_prefix('{')?.split_once('}')?;
        let is_whole = !namespace.is_empty() && !name.is_empty();
        is_whole.then(|| Self::new(namespace, name))
    }
}

impl fmt::Display for ElementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_between_characters() {
        let name = ElementName::new(&"x".repeat(1000), &"\u{20ac}".repeat(100));
        assert_eq!(name.namespace.len(), 256);
        assert_eq!(name.name, "\u{20ac}".repeat(85));
        let short = ElementName::new("urn:xmpp:reply:0", "reply");
        assert_eq!(short.to_string(), "{urn:xmpp:reply:0}reply");
        assert_eq!(ElementName::parse("{urn:xmpp:reply:0}reply"), Some(short));
        for bad in ["", "reply", "{}reply", "{a}", "a}b", "{a"] {
            assert_eq!(ElementName::parse(bad), None, "{bad}");
        }
    }
}
