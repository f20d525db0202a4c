use super::*;

fn device(id: u32) -> DeviceId {
    DeviceId::new(id).unwrap()
}

/// What Romeo's device 2 reads of a message with this inside.
fn read(inside: &str) -> Result<Message<'static, OwnKey>, StanzaError> {
    let xml =
        format!("<message from='juliet@a/b' to='romeo@c/d' type='chat' id='1'>{inside}</message>");
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
    let of = |key: &str, payload: &str| legacy(&format!("<key rid='2'>{key}</key><iv/>"), payload);
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
