use super::*;
use crate::stanza::Limit;

fn envelope(inside: &str) -> Result<Envelope<'static>, EnvelopeError> {
    let xml = format!("<envelope xmlns='urn:xmpp:sce:1'>{inside}</envelope>");
    Envelope::read(xml.leak().as_bytes())
}

#[test]
fn everything_in_any_order() {
    let envelope = envelope(
        "<time stamp='2026-11-22T23:00:00Z'/><mood xmlns='urn:example:x'>fine</mood>\
         <to jid='Room@muc.example.org'/><rpad>abc</rpad>\
         <content><body xmlns='jabber:client'>A &lt; B</body><b xmlns='c'/></content>\
         <from jid='juliet@example.com/balcony'/>",
    )
    .unwrap();
    assert_eq!(
        envelope.content,
        "<body xmlns='jabber:client'>A &lt; B</body><b xmlns='c'/>"
    );
    assert_eq!(envelope.body.as_deref(), Some("A < B"));
    assert_eq!(envelope.from, "juliet@example.com".parse().ok());
    assert_eq!(envelope.to, "room@muc.example.org".parse().ok());
    assert_eq!(envelope.time.as_deref(), Some("2026-11-22T23:00:00Z"));
    assert!(envelope.has_padding);
}

#[test]
fn only_a_body_of_the_client_namespace_is_one() {
    let inside = |content: &str| envelope(&format!("<content>{content}</content>")).unwrap();
    for content in [
        "",
        "<body>hi</body>",
        "<body xmlns=''>hi</body>",
        "<x xmlns='y'><body xmlns='jabber:client'>hi</body></x>",
    ] {
        assert_eq!(inside(content).body, None, "{content}");
    }
    assert_eq!(
        inside("<body>hi</body>").content,
        "<body xmlns=\"urn:xmpp:sce:1\">hi</body>"
    );
    let both = "<body xmlns='jabber:client'/><body xmlns='jabber:client'>hi</body>";
    assert_eq!(inside(both).body.as_deref(), Some(""));
}

#[test]
fn prefixes_survive() {
    let xml = "<e:envelope xmlns:e='urn:xmpp:sce:1' xmlns:c='jabber:client'>\
               <e:content><c:body>hi</c:body></e:content></e:envelope>";
    let envelope = Envelope::read(xml.as_bytes()).unwrap();
    assert_eq!(envelope.body.as_deref(), Some("hi"));
    assert_eq!(
        envelope.content,
        "<c:body xmlns=\"\" xmlns:e=\"urn:xmpp:sce:1\" xmlns:c=\"jabber:client\">hi</c:body>"
    );
}

#[test]
fn what_is_no_envelope() {
    let malformed = |inside: &str| match envelope(inside) {
        Err(EnvelopeError::Malformed(error)) => error,
        other => panic!("{other:?}"),
    };
    let content = "<content/>";
    for (inside, error) in [
        ("", StanzaError::missing("content")),
        ("<content xmlns='x'/>", StanzaError::missing("content")),
        ("<content/><content/>", StanzaError::repeated("content")),
        ("<content/><from/>", StanzaError::attribute("from")),
        ("<content/><from jid='@'/>", StanzaError::attribute("from")),
        ("<content/><time/>", StanzaError::attribute("time")),
        (
            "<content/><to jid='a'/><to jid='b'/>",
            StanzaError::repeated("to"),
        ),
        ("<content><a:b/></content>", XmlError::Namespace.into()),
        ("<content>&nbsp;</content>", XmlError::Entity.into()),
        ("<content><a><b></a></b></content>", XmlError::Syntax.into()),
    ] {
        assert_eq!(malformed(inside), error, "{inside}");
    }
    assert!(envelope(content).is_ok());
    for (bytes, error) in [
        (&b"hi"[..], XmlError::Syntax.into()),
        (b"\xff", XmlError::Encoding.into()),
        (
            b"<envelope xmlns='urn:xmpp:sce:0'/>",
            StanzaError::missing("envelope"),
        ),
        (
            b"<!DOCTYPE envelope><envelope/>",
            XmlError::DocumentType.into(),
        ),
    ] {
        assert_eq!(Envelope::read(bytes), Err(EnvelopeError::Malformed(error)));
    }
}

/// One long name that each of many children inherits would be copied for each of them.
#[test]
fn inherited_names_cannot_be_multiplied() {
    let inside = format!(
        "<content xmlns:a='{}'>{}</content>",
        "b".repeat(400_000),
        "<c xmlns='d'/>".repeat(40_000)
    );
    assert_eq!(
        envelope(&inside),
        Err(EnvelopeError::Malformed(Limit::Namespaces.into()))
    );
}

#[test]
fn affixes_are_compared_as_accounts() {
    let jid = |text: &str| text.parse::<BareJid>().unwrap();
    let (juliet, romeo) = (jid("juliet@example.com"), jid("romeo@example.org"));
    let room = jid("balcony@muc.example.org");
    let check = |affixes: &str, addressee| {
        let envelope = envelope(&format!("<content/>{affixes}")).unwrap();
        envelope.check(&juliet, addressee)
    };
    let from_juliet = "<from jid='Juliet@EXAMPLE.com/balcony'/>";
    assert_eq!(check("", Addressee::Account(&romeo)), Ok(()));
    assert_eq!(check(from_juliet, Addressee::Account(&romeo)), Ok(()));
    assert_eq!(
        check(
            "<from jid='romeo@example.org'/>",
            Addressee::Account(&romeo)
        ),
        Err(EnvelopeError::From)
    );
    assert_eq!(
        check(
            "<to jid='mercutio@example.org'/>",
            Addressee::Account(&romeo)
        ),
        Err(EnvelopeError::To)
    );
    assert_eq!(
        check(from_juliet, Addressee::Room(&room)),
        Err(EnvelopeError::To)
    );
    assert_eq!(
        check(
            "<to jid='balcony@muc.example.org'/>",
            Addressee::Room(&room)
        ),
        Ok(())
    );
    assert_eq!(
        check(
            "<to jid='balcony@muc.example.org'/>",
            Addressee::Account(&romeo)
        ),
        Err(EnvelopeError::To)
    );
}

#[test]
fn debug_shows_no_content() {
    let envelope =
        envelope("<content><body xmlns='jabber:client'>secret</body></content>").unwrap();
    assert!(!format!("{envelope:?}").contains("secret"));
}
