//! Encrypted messages, and other stanzas with `<encrypted/>` in them (XEP-0384 §5.5; 0.3.0 §4.5).
//!
//! One walk over the stanza serves two readings. [`Message::read`] is what a device does with each
//! message: it decodes the keys that are for it and no other, so that a message to a thousand devices
//! takes no more memory than one to two. [`Message::list`] is for people who look into a stanza.

use std::borrow::Cow;

use super::encrypted::Walk;
use super::key::{All, Choice, ForDevice, ListedKey};
use super::tag::Namespace;
use super::xml::{Reader, Scope};
use super::{Delay, MAX_DELAYS, MAX_ENCRYPTED, StanzaError};
use crate::model::{BareJid, DeviceId, Encrypted, JidError, OwnKey, PerVersion, Version};

/// A `<message/>` or `<iq/>` and what is encrypted in it; `K` is what was kept of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'x, K> {
    /// Which kind of stanza it is.
    pub stanza: StanzaKind,
    /// The `from` attribute: usually with a resource; in a room, the nickname.
    pub from: Option<Cow<'x, str>>,
    /// The `to` attribute.
    pub to: Option<Cow<'x, str>>,
    /// The `type` attribute. `error` is our own stanza coming back.
    pub kind: Option<Cow<'x, str>>,
    /// The `id` attribute. Whoever wrote the stanza chose it.
    pub id: Option<Cow<'x, str>>,
    /// The `<encrypted/>` elements in their order: as a rule at most one of each version. Anybody on the way can
    /// add some, so that the first one need not be the one that can be opened. At most
    /// [`MAX_ENCRYPTED`](super::MAX_ENCRYPTED) of each version are kept, the rest is passed over.
    pub encrypted: Vec<Encrypted<K>>,
    /// When it was sent, as others say who have kept it, in their order. At most the last
    /// [`MAX_DELAYS`](super::MAX_DELAYS).
    pub delays: Vec<Delay<'x>>,
}

/// The stanzas that can have encrypted content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StanzaKind {
    /// `<message/>`.
    Message,
    /// `<iq/>`, which XEP-0420 allows to encrypt as well.
    Iq,
}

impl<K> Message<'_, K> {
    /// The first `<encrypted/>` element of a version.
    #[must_use]
    pub fn of(&self, version: Version) -> Option<&Encrypted<K>> {
        self.encrypted
            .iter()
            .find(|encrypted| encrypted.version == version)
    }

    /// The account, or room, that `from` names.
    ///
    /// # Errors
    /// [`JidError`] if it is no address.
    pub fn sender(&self) -> Result<Option<BareJid>, JidError> {
        self.from.as_deref().map(BareJid::from_full).transpose()
    }

    /// The account, or room, that `to` names.
    ///
    /// # Errors
    /// [`JidError`] if it is no address.
    pub fn recipient(&self) -> Result<Option<BareJid>, JidError> {
        self.to.as_deref().map(BareJid::from_full).transpose()
    }
}

impl<'x> Message<'x, OwnKey> {
    /// Reads a stanza as one device of an account, and keeps the keys for that device.
    ///
    /// Legacy goes by the device id alone, which devices of other accounts may share; OMEMO 2 by the
    /// account as well. Keys that are not base64 are left out as long as one is, and after
    /// [`MAX_OWN_KEYS`](super::MAX_OWN_KEYS) the rest is.
    ///
    /// # Errors
    /// [`StanzaError`]. A stanza without `<encrypted/>`, or without a key for us, is no error; neither is an
    /// element that is malformed beside one that is not: it is left out.
    ///
    /// ```
    /// use omemo::model::{DeviceId, Version};
    /// use omemo::stanza::Message;
    ///
    /// let xml = "<message from='juliet@capulet.example/balcony' to='romeo@montague.example'>\
    ///   <encrypted xmlns='urn:xmpp:omemo:2'><header sid='27183'>\
    ///     <keys jid='nurse@capulet.example'><key rid='31415'>not for us</key></keys>\
    ///     <keys jid='romeo@montague.example'><key rid='31415' kex='true'>AAEC</key></keys>\
    ///   </header></encrypted></message>";
    /// let device = DeviceId::new(31415).ok_or("not 0")?;
    /// let message = Message::read(xml, &"romeo@montague.example".parse()?, device)?;
    ///
    /// let encrypted = message.of(Version::Omemo2).ok_or("there")?;
    /// assert_eq!(encrypted.keys[0].bytes, [0, 1, 2]);
    /// assert_eq!(encrypted.payload, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(xml: &'x str, account: &BareJid, device: DeviceId) -> Result<Self, StanzaError> {
        walk(xml, ForDevice { account, device })
    }
}

impl<'x> Message<'x, ListedKey<'x>> {
    /// Reads a stanza and lists the keys for all devices; those without a valid `rid` are left out.
    ///
    /// # Errors
    /// [`StanzaError`]. A stanza without `<encrypted/>` is no error.
    pub fn list(xml: &'x str) -> Result<Self, StanzaError> {
        walk(xml, All)
    }
}

/// The `from` attribute of a stanza, also of one that is malformed further on.
#[must_use]
pub fn said_sender(xml: &str) -> Option<Cow<'_, str>> {
    let mut reader = Reader::new(xml, Scope::Stream).ok()?;
    reader.root().ok()?.attribute("from")
}

fn walk<'x, C: Choice<'x>>(xml: &'x str, choice: C) -> Result<Message<'x, C::Key>, StanzaError> {
    let mut reader = Reader::new(xml, Scope::Stream)?;
    let root = reader.root()?;
    let stanza = match root.local() {
        "message" if root.namespace.is_of_stanzas() => StanzaKind::Message,
        "iq" if root.namespace.is_of_stanzas() => StanzaKind::Iq,
        _ => return Err(StanzaError::missing("message")),
    };
    let mut walk = Walk::new(reader, choice);
    let mut encrypted = Vec::new();
    let mut malformed = None;
    let mut delays = Vec::new();
    let mut counts = PerVersion::<usize>::default();
    let outside = walk.reader.depth();
    while let Some(tag) = walk.reader.child()? {
        match tag.namespace {
            Namespace::Omemo(version)
                if tag.local() == "encrypted" && *counts.get(version) < MAX_ENCRYPTED =>
            {
                *counts.get_mut(version) += 1;
                match walk.encrypted(version) {
                    Ok(element) => encrypted.push(element),
                    Err(error @ (StanzaError::Xml(_) | StanzaError::Limit(_))) => {
                        return Err(error);
                    }
                    // Whoever adds a bad element must not hide the good one behind it.
                    Err(error) => {
                        malformed.get_or_insert(error);
                        walk.reader.leave(outside)?;
                    }
                }
            }
            _ => {
                if let Some(delay) = Delay::read(&tag) {
                    if delays.len() == MAX_DELAYS {
                        delays.remove(0);
                    }
                    delays.push(delay);
                }
                walk.reader.skip()?;
            }
        }
    }
    walk.reader.finish()?;
    if let Some(error) = malformed.filter(|_| encrypted.is_empty()) {
        return Err(error);
    }
    Ok(Message {
        stanza,
        from: root.attribute("from"),
        to: root.attribute("to"),
        kind: root.attribute("type"),
        id: root.attribute("id"),
        encrypted,
        delays,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: u32) -> DeviceId {
        DeviceId::new(id).unwrap()
    }

    /// What Romeo's device 2 reads of a message with this inside.
    fn read(inside: &str) -> Result<Message<'static, OwnKey>, StanzaError> {
        let xml = format!(
            "<message from='juliet@a/b' to='romeo@c/d' type='chat' id='1'>{inside}</message>"
        );
        Message::read(xml.leak(), &"romeo@c".parse().unwrap(), device(2))
    }

    fn legacy(header: &str, payload: &str) -> String {
        format!(
            "<encrypted xmlns='eu.siacs.conversations.axolotl'>\
             <header sid='1'>{header}</header>{payload}</encrypted>"
        )
    }

    fn omemo2(header: &str, payload: &str) -> String {
        format!(
            "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'>{header}</header>{payload}</encrypted>"
        )
    }

    fn keys(message: &Message<'_, OwnKey>) -> Vec<(bool, Vec<u8>)> {
        let all = message
            .encrypted
            .iter()
            .flat_map(|encrypted| &encrypted.keys);
        all.map(|key| (key.key_exchange, key.bytes.clone()))
            .collect()
    }

    #[test]
    fn addresses() {
        let message = read("<body>hello</body>").unwrap();
        assert_eq!(message.stanza, StanzaKind::Message);
        assert_eq!(message.from.as_deref(), Some("juliet@a/b"));
        assert_eq!(message.sender(), Ok("juliet@a".parse().ok()));
        assert_eq!(message.recipient(), Ok("romeo@c".parse().ok()));
        assert_eq!(message.kind.as_deref(), Some("chat"));
        assert_eq!(message.id.as_deref(), Some("1"));
        assert!(message.encrypted.is_empty());

        let me = "romeo@c".parse().unwrap();
        let iq = Message::read("<iq xmlns='jabber:client' from='a@b@c'/>", &me, device(2)).unwrap();
        assert_eq!((iq.stanza, iq.recipient()), (StanzaKind::Iq, Ok(None)));
        assert_eq!(iq.sender(), Err(JidError::Domain));
        for other in ["<presence/>", "<message xmlns='urn:x'/>", "<x:message/>"] {
            assert_eq!(
                Message::read(other, &me, device(2)),
                Err(StanzaError::missing("message"))
            );
        }
    }

    #[test]
    fn the_sender_of_a_malformed_stanza() {
        let xml = "<message from='romeo@c/d'><encrypted xmlns='urn:xmpp:omemo:2'><";
        assert!(Message::list(xml).is_err());
        assert_eq!(said_sender(xml).as_deref(), Some("romeo@c/d"));
        assert_eq!(said_sender("<message/>"), None);
        assert_eq!(said_sender("<message"), None);
    }

    #[test]
    fn a_legacy_message_in_any_order() {
        let payload = "<payload>AAEC</payload>";
        for header in [
            "<key rid='2' prekey='1'>AQ==</key><key rid='3'>!</key><iv>AAEC</iv>",
            "<iv> AAEC </iv><key rid='x'>!</key><key rid='2' prekey='True'>AQ</key>",
        ] {
            for element in [
                legacy(header, payload),
                legacy(header, payload)
                    .replace(payload, "")
                    .replace("<header", "<payload>AAEC</payload><header"),
            ] {
                let message = read(&element).unwrap();
                let encrypted = message.of(Version::Legacy).unwrap();
                assert_eq!(encrypted.sender_device, device(1));
                assert_eq!(encrypted.iv, Some(vec![0, 1, 2]));
                assert_eq!(encrypted.payload, Some(vec![0, 1, 2]));
                assert_eq!(keys(&message), [(true, vec![1])]);
                assert_eq!(message.of(Version::Omemo2), None);
            }
        }
    }

    #[test]
    fn an_absent_payload_is_not_an_empty_one() {
        let header = "<key rid='2'>AQ==</key><iv/>";
        let payload = |text: &str| {
            read(&legacy(header, text)).unwrap().encrypted[0]
                .payload
                .clone()
        };
        assert_eq!(payload(""), None);
        assert_eq!(payload("<payload/>"), Some(Vec::new()));
        assert_eq!(payload("<payload> </payload>"), Some(Vec::new()));
        assert_eq!(payload("<payload xmlns='x'/>"), None);
    }

    #[test]
    fn legacy_tries_every_key_of_our_id_up_to_a_limit() {
        let key = |text: &str| format!("<key rid='2'>{text}</key>");
        let all = (0..20).map(|_| key("AQ==")).collect::<String>();
        let message = read(&legacy(&(all + "<iv/>"), "")).unwrap();
        assert_eq!(keys(&message).len(), super::super::MAX_OWN_KEYS);

        let mixed = [key("!"), key("AQ=="), key("!"), "<iv/>".into()].concat();
        assert_eq!(
            keys(&read(&legacy(&mixed, "")).unwrap()),
            [(false, vec![1])]
        );
        assert_eq!(
            read(&legacy(&(key("!") + "<iv/>"), "")),
            Err(StanzaError::base64("key"))
        );
    }

    #[test]
    fn omemo2_goes_by_account_and_device() {
        let message = read(&omemo2(
            "<keys jid='nurse@a'><key rid='2'>!</key></keys>\
             <keys><key rid='2'>!</key></keys><keys jid='romeo@c/d'><key rid='2'>!</key></keys>\
             <key rid='2'>!</key><iv>!</iv>\
             <keys jid='Romeo@C'><key rid='3'>!</key><key rid='2' kex='true'>AQ==</key></keys>\
             <keys jid='romeo@c'><key rid='2' prekey='true'>Ag==</key></keys>",
            "",
        ))
        .unwrap();
        assert_eq!(keys(&message), [(true, vec![1]), (false, vec![2])]);
        assert_eq!(message.encrypted[0].iv, None);
    }

    #[test]
    fn both_versions_and_several_of_one() {
        let (one, two) = (legacy("<iv/>", ""), omemo2("", ""));
        let versions = |inside: String| {
            let message = read(&inside).unwrap();
            let versions = message.encrypted.iter().map(|e| e.version);
            versions.collect::<Vec<_>>()
        };
        let (old, new) = (Version::Legacy, Version::Omemo2);
        assert_eq!(versions(format!("{two}<body/>{one}")), [new, old]);
        assert_eq!(versions(format!("{one}{two}{one}")), [old, new, old]);
        let many = format!("{}{two}", one.repeat(100));
        assert_eq!(versions(many), [old, old, old, old, new]);
    }

    #[test]
    fn several_of_one_version_are_kept_apart() {
        let of =
            |key: &str, payload: &str| legacy(&format!("<key rid='2'>{key}</key><iv/>"), payload);
        let message = read(&(of("AQ", "<payload>AQ</payload>") + &of("Ag", ""))).unwrap();
        assert_eq!(keys(&message), [(false, vec![1]), (false, vec![2])]);
        let payloads: Vec<_> = message
            .encrypted
            .iter()
            .map(|e| e.payload.clone())
            .collect();
        assert_eq!(payloads, [Some(vec![1]), None]);
        assert_eq!(message.of(Version::Legacy), message.encrypted.first());
    }

    #[test]
    fn a_malformed_element_does_not_hide_another() {
        let good = legacy("<key rid='2'>AQ</key><iv/>", "");
        let bad = [
            legacy("", "<payload>AQ</payload>"),
            legacy("<key rid='2'>!</key><iv/>", ""),
            legacy("<iv/><iv/>", "<payload/>"),
            legacy("<iv/>", "<payload><a><b/></a>?</payload>"),
            omemo2("", "<payload/><payload/>"),
            "<encrypted xmlns='urn:xmpp:omemo:2'><header><keys/></header></encrypted>".to_owned(),
        ];
        for bad in bad {
            let error = read(&bad).unwrap_err();
            for both in [good.clone() + &bad, bad.clone() + &good] {
                let message = read(&both).unwrap();
                assert_eq!(keys(&message), [(false, vec![1])], "{bad}");
            }
            assert_eq!(read(&bad.repeat(2)), Err(error));
            // So many are looked at; what is behind them is not.
            let hidden = bad.repeat(MAX_ENCRYPTED) + &good;
            assert_eq!(read(&hidden).is_err(), bad.contains("axolotl"), "{bad}");
        }
    }

    #[test]
    fn delays() {
        let delay = |from: &str, second: u32| {
            format!("<delay xmlns='urn:xmpp:delay' {from} stamp='1970-01-01T00:00:{second:02}Z'/>")
        };
        let of = |inside: &str| {
            let message = read(inside).unwrap();
            let delays = message.delays.into_iter();
            let known = delays.map(|it| (it.from.map(Cow::into_owned), it.stamp.as_millis()));
            known.collect::<Vec<_>>()
        };
        assert_eq!(of("<body/>"), []);
        let server = Some("montague.example".to_owned());
        assert_eq!(
            of(&(delay("from='montague.example'", 7) + "<body/>" + &delay("", 8))),
            [(server, 7000), (None, 8000)]
        );
        let other = "<delay xmlns='urn:x' stamp='1970-01-01T00:00:07Z'/>\
            <delay xmlns='urn:xmpp:delay'/><delay xmlns='urn:xmpp:delay' stamp='yesterday'/>\
            <x xmlns='urn:x'><delay xmlns='urn:xmpp:delay' stamp='1970-01-01T00:00:07Z'/></x>";
        assert_eq!(of(other), []);
        let many: String = (0..20).map(|second| delay("", second)).collect();
        let seconds: Vec<_> = of(&many)
            .into_iter()
            .map(|(_, stamp)| stamp / 1000)
            .collect();
        assert_eq!(seconds, [12, 13, 14, 15, 16, 17, 18, 19]);
    }

    /// The limit of a stanza's keys is one for all of its elements.
    #[test]
    fn keys_are_counted_over_all_elements() {
        let half = "<key rid='3'>AQ</key>".repeat(super::super::MAX_KEYS / 2 + 1);
        let one = legacy(&(half + "<iv/>"), "");
        assert!(read(&one).is_ok());
        assert_eq!(read(&one.repeat(2)), Err(super::super::Limit::Keys.into()));
    }

    #[test]
    fn what_is_malformed() {
        let encrypted = |inside: &str| {
            read(&format!(
                "<encrypted xmlns='eu.siacs.conversations.axolotl'>{inside}</encrypted>"
            ))
        };
        let missing = Err(StanzaError::missing("header"));
        assert_eq!(encrypted(""), missing);
        assert_eq!(encrypted("<header xmlns='x' sid='1'/>"), missing);
        for sid in [
            "",
            "sid=''",
            "sid='0'",
            "sid='-1'",
            "sid='4294967296'",
            "x:sid='1'",
        ] {
            assert_eq!(
                encrypted(&format!("<header {sid}><iv/></header>")),
                Err(StanzaError::attribute("header")),
                "{sid}"
            );
        }
        let header = "<header sid='1'><iv/></header>";
        assert!(encrypted(header).is_ok());
        assert!(encrypted("<header sid='1'/>").is_ok());
        assert_eq!(
            encrypted(&format!("{header}{header}")),
            Err(StanzaError::repeated("header"))
        );
        assert_eq!(
            encrypted("<header sid='1'/><payload/>"),
            Err(StanzaError::missing("iv"))
        );
        assert!(encrypted("<header sid='1'/>").is_ok());
        assert_eq!(
            encrypted("<header sid='1'><iv/><iv/></header>"),
            Err(StanzaError::repeated("iv"))
        );
        assert_eq!(
            encrypted("<header sid='1'><iv>?</iv></header>"),
            Err(StanzaError::base64("iv"))
        );
        assert_eq!(
            encrypted(&format!("{header}<payload/><payload/>")),
            Err(StanzaError::repeated("payload"))
        );
        assert_eq!(
            encrypted(&format!("{header}<payload>?</payload>")),
            Err(StanzaError::base64("payload"))
        );
    }

    #[test]
    fn an_encrypted_element_of_another_place_or_version_is_none() {
        for inside in [
            "<encrypted xmlns='urn:xmpp:omemo:1'/>",
            "<encrypted/>",
            "<x xmlns='urn:xmpp:forward:0'><encrypted xmlns='urn:xmpp:omemo:2'/></x>",
            "<encryption xmlns='urn:xmpp:omemo:2'/>",
        ] {
            assert!(read(inside).unwrap().encrypted.is_empty(), "{inside}");
        }
    }

    #[test]
    fn a_list_has_everybodys_keys_as_they_are_written() {
        let header = "<keys jid='nurse@a'><key rid='2'> ! </key><key rid='0'>AQ</key></keys>\
                      <keys jid='Romeo@c'><key rid='3' kex='1'>A<![CDATA[Q]]></key></keys>";
        let xml = format!(
            "<message>{}{}</message>",
            omemo2(header, ""),
            legacy("<key rid='4'>AQ</key><iv/>", "")
        );
        let list = Message::list(&xml).unwrap();
        let all: Vec<_> = list
            .encrypted
            .iter()
            .flat_map(|encrypted| &encrypted.keys)
            .map(|key| {
                let account = key.account.as_deref();
                (account, key.device.get(), key.key_exchange, &*key.text)
            })
            .collect();
        assert_eq!(
            all,
            [
                (Some("nurse@a"), 2, false, " ! "),
                (Some("Romeo@c"), 3, true, "AQ"),
                (None, 4, false, "AQ")
            ]
        );
    }
}
