//! What the server offers to authenticate with, and whether somebody changed that on the way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::NAMESPACE;
use super::hash::Hash;
use crate::xmpp::element::{Element, child, look};

/// The namespace of the list of channel bindings (XEP-0440).
const BINDINGS: &str = "urn:xmpp:sasl-cb:0";

/// The mechanisms and channel bindings of a server, as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    mechanisms: Vec<String>,
    /// `None` if the server has no such list.
    bindings: Option<Vec<String>>,
}

impl Offer {
    /// Reads the features of a stream.
    #[must_use]
    pub fn read(features: &str) -> Self {
        let offer = look(features, |features| {
            let mechanisms = child(features, NAMESPACE, "mechanisms");
            let bindings = child(features, BINDINGS, "sasl-channel-binding");
            Self {
                mechanisms: mechanisms
                    .map(|list| entries(list, "mechanism", |entry| entry.text()))
                    .unwrap_or_default(),
                bindings: bindings
                    .map(|list| entries(list, "channel-binding", |entry| entry.attribute("type"))),
            }
        });
        offer.unwrap_or_default()
    }

    /// Whether a mechanism is offered.
    #[must_use]
    pub fn has(&self, mechanism: &str) -> bool {
        self.mechanisms.iter().any(|name| name == mechanism)
    }

    /// Whether a server that has made this offer says so with `told`, the hash of XEP-0474 §5.1.
    pub(super) fn is(&self, told: &str, hash: Hash) -> bool {
        let matches = |item, list| STANDARD.encode(&*hash.digest(&self.text(item, list))) == told;
        // Version 0.3 of the specification wrote the lists with `,` and `|`. An entry that has those in it
        // could stand for several: it is no name, and no offer that has it is believed.
        self.has_only_names() && (matches(0x1e, 0x1f) || matches(b',', b'|'))
    }

    /// `S` of XEP-0474 §5.1.
    pub(super) fn text(&self, between_entries: u8, between_lists: u8) -> Vec<u8> {
        let sorted = |list: &[String]| {
            let mut list: Vec<_> = list.iter().map(String::as_bytes).collect();
            list.sort_unstable();
            list.join(&between_entries)
        };
        let mut text = sorted(&self.mechanisms);
        if let Some(bindings) = &self.bindings {
            text.push(between_lists);
            text.extend(sorted(bindings));
        }
        text
    }

    /// RFC 4422 §3.1, RFC 5056 §7.
    fn has_only_names(&self) -> bool {
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let bindings = self.bindings.iter().flatten();
        let mut names = self.mechanisms.iter().chain(bindings);
        names.all(|name| name.bytes().all(is_of_name))
    }
}

fn entries<'a>(
    list: Element<'a, '_>,
    name: &str,
    value: impl Fn(Element<'a, '_>) -> Option<&'a str>,
) -> Vec<String> {
    let entries = list.children().filter(|entry| {
        let tag = entry.tag_name();
        tag.name() == name && tag.namespace() == list.tag_name().namespace()
    });
    entries.filter_map(value).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(mechanisms: &[&str], bindings: Option<&[&str]>) -> Offer {
        let list = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
        Offer {
            mechanisms: list(mechanisms),
            bindings: bindings.map(list),
        }
    }

    #[test]
    fn an_offer_is_read_from_the_features() {
        let features = format!(
            "<stream:features><mechanisms xmlns='{NAMESPACE}'><mechanism>PLAIN</mechanism>\
             <other>SCRAM-SHA-1</other></mechanisms><sasl-channel-binding xmlns='{BINDINGS}'>\
             <channel-binding type='tls-exporter'/></sasl-channel-binding></stream:features>"
        );
        assert_eq!(
            Offer::read(&features),
            offer(&["PLAIN"], Some(&["tls-exporter"]))
        );
        assert_eq!(Offer::read("<stream:features/>"), Offer::default());
    }

    /// The hash of XEP-0474 §5.3, and the one of the same lists as its version 0.3 had it.
    #[test]
    fn the_hash_is_that_of_the_specification() {
        let (mechanisms, bindings) = (
            ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"],
            ["tls-server-end-point", "tls-exporter"],
        );
        let whole = offer(&mechanisms, Some(&bindings));
        for told in [
            "G6k/rBLDqgOhRRaCuuatSDFkJ08=",
            "dRc3RenuSY9ypgPpERowoaySQZY=",
        ] {
            assert!(whole.is(told, Hash::Sha1));
            assert!(!whole.is(told, Hash::Sha256));
            assert!(!offer(&mechanisms[1..], Some(&bindings)).is(told, Hash::Sha1));
            assert!(!offer(&mechanisms, Some(&bindings[1..])).is(told, Hash::Sha1));
            assert!(!offer(&mechanisms, None).is(told, Hash::Sha1));
            assert!(
                !offer(&[&mechanisms[..], &["PLAIN"]].concat(), Some(&bindings))
                    .is(told, Hash::Sha1)
            );
        }
        let joined = offer(&["SCRAM-SHA-1,SCRAM-SHA-1-PLUS"], Some(&bindings));
        assert!(!joined.is("dRc3RenuSY9ypgPpERowoaySQZY=", Hash::Sha1));
        let folded = offer(
            &["SCRAM-SHA-1,SCRAM-SHA-1-PLUS|tls-exporter,tls-server-end-point"],
            None,
        );
        assert!(!folded.is("dRc3RenuSY9ypgPpERowoaySQZY=", Hash::Sha1));
    }
}
