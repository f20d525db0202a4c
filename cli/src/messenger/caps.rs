//! What this client can do, as servers want to know it before they tell of device lists (XEP-0030,
//! XEP-0115).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use crate::xmpp::element::escape;

/// The namespace of questions for features.
pub(super) const DISCO: &str = "http://jabber.org/protocol/disco#info";
const CAPS: &str = "http://jabber.org/protocol/caps";
const NODE: &str = "urn:x-omemo-cli";
const CATEGORY: &str = "client";
const KIND: &str = "console";
const NAME: &str = "omemo";

/// The features of this client.
#[derive(Clone, Debug)]
pub(super) struct Caps {
    features: Vec<String>,
}

impl Caps {
    /// Those that OMEMO needs, and those of this program.
    pub(super) fn new(of_omemo: Vec<String>) -> Self {
        let mut features = of_omemo;
        features.extend([DISCO, CAPS, "urn:xmpp:ping", "urn:xmpp:eme:0"].map(str::to_owned));
        features.sort();
        Self { features }
    }

    /// The element for presences.
    pub(super) fn announcement(&self) -> String {
        let version = self.version();
        format!("<c xmlns='{CAPS}' hash='sha-1' node='{NODE}' ver='{version}'/>")
    }

    /// The answer to the question for features, at the node that was asked for; `None` if it is not ours.
    pub(super) fn answer(&self, node: Option<&str>) -> Option<String> {
        let is_ours = node.is_none_or(|node| node == format!("{NODE}#{}", self.version()));
        if !is_ours {
            return None;
        }
        let mut xml = format!("<query xmlns='{DISCO}'");
        if let Some(node) = node {
            xml.push_str(&format!(" node='{}'", escape(node)));
        }
        xml.push_str(&format!(
            "><identity category='{CATEGORY}' type='{KIND}' name='{NAME}'/>"
        ));
        for feature in &self.features {
            xml.push_str(&format!("<feature var='{}'/>", escape(feature)));
        }
        xml.push_str("</query>");
        Some(xml)
    }

    /// XEP-0115 §5.1.
    fn version(&self) -> String {
        let mut text = format!("{CATEGORY}/{KIND}//{NAME}<");
        for feature in &self.features {
            text.push_str(feature);
            text.push('<');
        }
        STANDARD.encode(Sha1::digest(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_for_our_node_and_for_none_are_answered() {
        let caps = Caps::new(vec!["urn:xmpp:omemo:2:devices+notify".to_owned()]);
        let node = format!("{NODE}#{}", caps.version());
        assert!(caps.announcement().contains(&caps.version()));
        for node in [None, Some(node.as_str())] {
            assert!(
                caps.answer(node)
                    .unwrap()
                    .contains("omemo:2:devices+notify")
            );
        }
        assert_eq!(caps.answer(Some("somebody else's")), None);
    }
}
