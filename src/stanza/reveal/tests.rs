use super::super::{PlainMessage, Unprotected};
use super::*;
use crate::model::{DeviceId, Encrypted, RecipientKey, Version};

const MESSAGE: &str = "<message to='romeo@montague.example' id='m1' type='chat'>\
    <body>Art thou not Romeo?</body><origin-id xmlns='urn:xmpp:sid:0' id='m1'/>\
    <request xmlns='urn:xmpp:receipts'/>\
    <replace xmlns='urn:xmpp:message-correct:0' id='m0'/></message>";

fn element(version: Version) -> Encrypted<RecipientKey> {
    Encrypted {
        version,
        sender_device: DeviceId::new(7).unwrap(),
        keys: vec![],
        iv: (version == Version::Legacy).then(|| vec![0; 12]),
        payload: Some(vec![1, 2, 3]),
    }
}

fn elements(xml: &str) -> Content<'_> {
    Content {
        body: None,
        elements: Some(xml.into()),
        opt_out: None,
        sent_at: None,
    }
}

#[test]
fn what_comes_out_is_what_went_in() {
    let message = PlainMessage::read(MESSAGE).unwrap();
    let sent = message
        .seal(&[element(Version::Omemo2)], Unprotected::Drop)
        .unwrap();
    let shell = strip(&sent).unwrap();
    assert!(!shell.contains("encrypted"));
    let content = message.content();
    let clear = reveal(&shell, &elements(&content), &[]).unwrap().stanza;
    let again = PlainMessage::read(&clear).unwrap();
    assert_eq!(again.content(), content);
    assert_eq!(again.attribute("id").as_deref(), Some("m1"));
    assert!(clear.contains("origin-id") && clear.contains("hints"));

    let sent = message
        .seal(&[element(Version::Legacy)], Unprotected::Drop)
        .unwrap();
    let body = Content {
        elements: None,
        body: Some("Art thou not Romeo?".into()),
        ..elements("")
    };
    let clear = reveal(&strip(&sent).unwrap(), &body, &[]).unwrap().stanza;
    let again = PlainMessage::read(&clear).unwrap();
    assert_eq!(again.body(), message.body());
    assert!(clear.contains("receipts") && clear.contains("m0"));
    assert!(!clear.contains("This message is encrypted"));
}

#[test]
fn what_is_in_clear_beside_an_envelope_is_not_taken() {
    let shell = "<message from='a@b'><body>forged</body><subject>forged</subject>\
        <delay xmlns='urn:xmpp:delay' stamp='2026-11-22T23:00:00Z'/></message>";
    let content = "<body xmlns='jabber:client'>true</body>";
    let revealed = reveal(shell, &elements(content), &[]).unwrap();
    let clear = revealed.stanza;
    assert_eq!(
        revealed.unauthenticated,
        "<subject xmlns='jabber:client'>forged</subject>"
    );
    assert!(!clear.contains("forged"));
    assert!(clear.contains("urn:xmpp:delay") && clear.contains("true"));
}

fn legacy() -> Content<'static> {
    Content {
        elements: None,
        body: Some("true".into()),
        ..elements("")
    }
}

/// Beside a legacy text, and beside an envelope: whether it stays in the stanza.
const BESIDE: [(&str, bool, bool); 24] = [
    (
        "<delay xmlns='urn:xmpp:delay' stamp='2026-11-22T23:00:00Z'/>",
        true,
        true,
    ),
    (
        "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='a@b'/>",
        true,
        true,
    ),
    ("<origin-id xmlns='urn:xmpp:sid:0' id='1'/>", true, true),
    (
        "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='1'/>",
        true,
        true,
    ),
    (
        "<x xmlns='http://jabber.org/protocol/muc#user'><item/></x>",
        true,
        true,
    ),
    ("<no-copy xmlns='urn:xmpp:hints'/>", true, true),
    ("<error type='cancel'/>", true, true),
    ("<thread>1</thread>", true, false),
    ("<request xmlns='urn:xmpp:receipts'/>", true, false),
    ("<markable xmlns='urn:xmpp:chat-markers:0'/>", true, false),
    (
        "<active xmlns='http://jabber.org/protocol/chatstates'/>",
        true,
        false,
    ),
    (
        "<replace xmlns='urn:xmpp:message-correct:0' id='0'/>",
        true,
        false,
    ),
    (
        "<retract xmlns='urn:xmpp:message-retract:1' id='0'/>",
        true,
        false,
    ),
    (
        "<reply xmlns='urn:xmpp:reply:0' id='0' to='a@b'/>",
        true,
        false,
    ),
    (
        "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='4'/></fallback>",
        false,
        false,
    ),
    (
        "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>no</body></html>",
        false,
        false,
    ),
    (
        "<x xmlns='jabber:x:oob'><url>https://evil.example/</url></x>",
        false,
        false,
    ),
    (
        "<reference xmlns='urn:xmpp:reference:0' uri='https://evil.example/'/>",
        false,
        false,
    ),
    ("<file-sharing xmlns='urn:xmpp:sfs:0'/>", false, false),
    (
        "<reactions xmlns='urn:xmpp:reactions:0' id='0'/>",
        false,
        false,
    ),
    (
        "<apply-to xmlns='urn:xmpp:fasten:0' id='0'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>",
        false,
        false,
    ),
    (
        "<nick xmlns='http://jabber.org/protocol/nick'>Romeo</nick>",
        false,
        false,
    ),
    ("<x xmlns='jabber:x:conference' jid='a@b'/>", false, false),
    ("<anything xmlns='urn:x'/>", false, false),
];

#[test]
fn what_stands_beside_the_encrypted_part_is_kept_or_told_apart() {
    let envelope = elements("<body xmlns='jabber:client'>true</body>");
    for (beside, in_legacy, in_omemo2) in BESIDE {
        for (content, stays) in [(&legacy(), in_legacy), (&envelope, in_omemo2)] {
            let shell = format!("<message><body>no</body>{beside}<body xml:lang='de'/></message>");
            let revealed = reveal(&shell, content, &[]).unwrap();
            assert_eq!(revealed.stanza.contains(beside), stays, "{beside}");
            assert_eq!(revealed.stanza.matches("<body").count(), 1, "{beside}");
            let apart = if stays || beside.starts_with("<thread>") {
                ""
            } else {
                beside
            };
            let thread = "<thread xmlns='jabber:client'>1</thread>";
            assert!(
                [apart, thread].contains(&&*revealed.unauthenticated),
                "{beside}"
            );
            let is_marked = stays && beside.contains("id='0'");
            assert_eq!(revealed.unauthenticated_marks.len(), usize::from(is_marked));
        }
    }
}

#[test]
fn what_is_apart_stands_on_its_own() {
    let shell = "<message xmlns='jabber:client' xmlns:o='jabber:x:oob'><subject>a</subject>\
        <o:x><o:url>b</o:url></o:x></message>";
    let revealed = reveal(shell, &legacy(), &[]).unwrap();
    let xml = format!("<all>{}</all>", revealed.unauthenticated);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let names = document
        .root_element()
        .children()
        .map(|child| child.tag_name().namespace());
    let names: Vec<_> = names.collect();
    assert_eq!(names, [Some("jabber:client"), Some("jabber:x:oob")]);
}

#[test]
fn an_application_can_keep_more_of_legacy() {
    let link = "<x xmlns='jabber:x:oob'><url>a</url></x>";
    let shell = format!("<message>{link}<y xmlns='jabber:x:oob'/><x xmlns='urn:x'/></message>");
    let also = [ElementName::new("jabber:x:oob", "x")];
    let revealed = reveal(&shell, &legacy(), &also).unwrap();
    assert!(revealed.stanza.contains(link));
    assert_eq!(
        revealed.unauthenticated,
        "<y xmlns='jabber:x:oob'/><x xmlns='urn:x'/>"
    );
    // An envelope has what its sender wants to say.
    let revealed = reveal(&shell, &elements(""), &also).unwrap();
    assert_eq!(revealed.stanza, "<message></message>");
}

#[test]
fn marks_name_what_they_concern_and_are_counted() {
    use crate::stanza::MarkKind::{Replace, Reply, Retract};
    let shell = "<message><replace xmlns='urn:xmpp:message-correct:0' id='&lt;7'/>\
        <retract xmlns='urn:xmpp:message-retract:0'/><reply xmlns='urn:xmpp:reply:0' id='9'/></message>";
    let revealed = reveal(shell, &legacy(), &[]).unwrap();
    let marks: Vec<_> = revealed
        .unauthenticated_marks
        .iter()
        .map(|mark| (mark.kind, mark.id.as_deref()))
        .collect();
    assert_eq!(
        marks,
        [(Replace, Some("<7")), (Retract, None), (Reply, Some("9"))]
    );

    let one = "<replace xmlns='urn:xmpp:message-correct:0' id='7'/>";
    let shell = format!("<message>{}</message>", one.repeat(20));
    let revealed = reveal(&shell, &legacy(), &[]).unwrap();
    assert_eq!(revealed.unauthenticated_marks.len(), MAX_MARKS);
    assert_eq!(revealed.stanza.matches("<replace").count(), MAX_MARKS);
    assert_eq!(
        revealed.unauthenticated.matches("<replace").count(),
        20 - MAX_MARKS
    );
}

#[test]
fn debug_does_not_show_what_somebody_wrote() {
    let shell = "<message><x xmlns='se-cret'/></message>";
    let revealed = reveal(shell, &elements("<a xmlns='se-cret'/>"), &[]).unwrap();
    assert!(!format!("{revealed:?}").contains("se-cret"));
}

/// A prefix without its declaration would make the stanza one that nobody can parse.
#[test]
fn attributes_with_a_prefix() {
    let stripped = strip("<message xmlns:a='urn:a' a:b='c' xml:lang='en' id='1'/>").unwrap();
    assert_eq!(stripped, "<message xml:lang='en' id='1'></message>");
}
