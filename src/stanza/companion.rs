//! What stands beside `<encrypted/>` in a message (XEP-0384 §5.5; XEP-0334, XEP-0380, XEP-0420 §7).
//!
//! | in the stanza | EME | hint | body |
//! |---|---|---|---|
//! | legacy, with a payload | for it | `<store/>` | a fallback |
//! | OMEMO 2 with a payload, alone or beside legacy | for each | `<store/>` | none |
//! | no payload at all | none | `<store/>` | none |
//! | in an `<iq/>` | none | none | none |

use core::fmt;

use super::StanzaKind;
use super::writer::Writer;
use crate::model::{Encrypted, Version};

/// The text of a fallback body, for clients that do not read OMEMO.
pub const FALLBACK_BODY: &str = "This message is encrypted with OMEMO.";

/// An element beside `<encrypted/>`. [`Display`](fmt::Display) is its XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Companion {
    /// Says how the message is encrypted (XEP-0380).
    Encryption(Version),
    /// Asks servers to keep the message (XEP-0334 §4.4), as it has no body for whose sake they would.
    Store,
    /// A body in clear that says what this is: [`FALLBACK_BODY`].
    FallbackBody,
}

impl Companion {
    /// The companions of the `<encrypted/>` elements of one stanza.
    ///
    /// Legacy has a fallback body; XEP-0420 forbids one beside an envelope, so there is none as soon as
    /// OMEMO 2 is in the stanza. An empty message is nothing to show to anybody.
    ///
    /// ```
    /// use omemo::model::{DeviceId, Encrypted, RecipientKey, Version};
    /// use omemo::stanza::{Companion, StanzaKind};
    ///
    /// let empty = Encrypted::<RecipientKey> {
    ///     version: Version::Omemo2,
    ///     sender_device: DeviceId::new(27183).ok_or("not 0")?,
    ///     keys: vec![],
    ///     iv: None,
    ///     payload: None,
    /// };
    /// let companions = Companion::of(StanzaKind::Message, &[empty]);
    /// assert_eq!(companions, [Companion::Store]);
    /// assert_eq!(companions[0].to_string(), "<store xmlns='urn:xmpp:hints'/>");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of<K>(stanza: StanzaKind, elements: &[Encrypted<K>]) -> Vec<Self> {
        if stanza == StanzaKind::Iq || elements.is_empty() {
            return Vec::new();
        }
        let with_payload = elements.iter().filter(|element| element.payload.is_some());
        let mut companions: Vec<_> = with_payload
            .map(|element| Self::Encryption(element.version))
            .collect();
        let is_legacy = |element: &Encrypted<K>| element.version == Version::Legacy;
        let has_body = !companions.is_empty() && elements.iter().all(is_legacy);
        companions.push(Self::Store);
        if has_body {
            companions.push(Self::FallbackBody);
        }
        companions
    }
}

impl fmt::Display for Companion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::default();
        match self {
            // XEP-0380 §3.2 knows both, and makes the name optional; everybody sends it with legacy.
            Self::Encryption(version @ Version::Legacy) => writer.empty(
                "encryption",
                &[
                    ("xmlns", &ENCRYPTION),
                    ("name", &"OMEMO"),
                    ("namespace", &version.namespace()),
                ],
            ),
            Self::Encryption(version @ Version::Omemo2) => writer.empty(
                "encryption",
                &[("xmlns", &ENCRYPTION), ("namespace", &version.namespace())],
            ),
            Self::Store => writer.empty("store", &[("xmlns", &"urn:xmpp:hints")]),
            Self::FallbackBody => writer.text("body", &[], FALLBACK_BODY),
        }
        f.write_str(&writer.into_xml())
    }
}

const ENCRYPTION: &str = "urn:xmpp:eme:0";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceId;

    fn of(elements: &[(Version, bool)]) -> Vec<Companion> {
        let element = |(version, has_payload): &(Version, bool)| Encrypted::<()> {
            version: *version,
            sender_device: DeviceId::new(1).unwrap(),
            keys: vec![],
            iv: None,
            payload: has_payload.then(Vec::new),
        };
        let elements: Vec<_> = elements.iter().map(element).collect();
        assert_eq!(Companion::of(StanzaKind::Iq, &elements), []);
        Companion::of(StanzaKind::Message, &elements)
    }

    #[test]
    fn who_gets_what() {
        use Companion::{Encryption, FallbackBody, Store};
        use Version::{Legacy, Omemo2};

        assert_eq!(of(&[]), []);
        let full = [Encryption(Legacy), Store, FallbackBody];
        assert_eq!(of(&[(Legacy, true)]), full);
        assert_eq!(of(&[(Omemo2, true)]), [Encryption(Omemo2), Store]);
        let both = [Encryption(Legacy), Encryption(Omemo2), Store];
        assert_eq!(of(&[(Legacy, true), (Omemo2, true)]), both);
        for empty in [&[(Legacy, false)][..], &[(Omemo2, false)]] {
            assert_eq!(of(empty), [Store]);
        }
        let legacy_payload = [Encryption(Legacy), Store];
        assert_eq!(of(&[(Legacy, true), (Omemo2, false)]), legacy_payload);
    }

    #[test]
    fn their_xml() {
        for (companion, xml) in [
            (
                Companion::Encryption(Version::Legacy),
                "<encryption xmlns='urn:xmpp:eme:0' name='OMEMO' \
                 namespace='eu.siacs.conversations.axolotl'/>",
            ),
            (
                Companion::Encryption(Version::Omemo2),
                "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:omemo:2'/>",
            ),
            (Companion::Store, "<store xmlns='urn:xmpp:hints'/>"),
            (
                Companion::FallbackBody,
                "<body>This message is encrypted with OMEMO.</body>",
            ),
        ] {
            assert_eq!(companion.to_string(), xml);
        }
    }
}
