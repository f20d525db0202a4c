//! Envelopes: written as the profile of OMEMO demands, read again, and nothing smuggled in or out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

use std::collections::BTreeSet;

use omemo::error::RngError;
use omemo::model::{BareJid, Timestamp};
use omemo::stanza::{
    Addressee, Affixes, Envelope, EnvelopeError, Limit, MAX_BYTES, MAX_RANDOM_PADDING,
    MIN_ENVELOPE, OptOut, StanzaError, WriteEnvelopeError, XmlError, write_envelope,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_core::{TryCryptoRng, TryRng};

const BODY: &str = "<body xmlns='jabber:client'>Wherefore art thou?</body>";

fn juliet() -> BareJid {
    "juliet@capulet.example".parse().unwrap()
}

fn romeo() -> BareJid {
    "romeo@montague.example".parse().unwrap()
}

/// From Juliet to Romeo.
fn written(content: &str, rng: &mut StdRng) -> Result<String, WriteEnvelopeError> {
    let (from, to) = (&juliet(), &romeo());
    let time = Some(Timestamp::from_millis(1_795_388_400_000));
    let affixes = Affixes { from, to, time };
    write_envelope(content, &affixes, rng).map(|xml| xml.to_string())
}

fn refused(content: &str) -> WriteEnvelopeError {
    written(content, &mut StdRng::seed_from_u64(1)).unwrap_err()
}

#[test]
fn an_envelope_byte_for_byte() {
    let xml = written(BODY, &mut StdRng::seed_from_u64(1)).unwrap();
    let (start, rest) = xml.split_once("<rpad>").unwrap();
    let (padding, end) = rest.split_once("</rpad>").unwrap();
    assert_eq!(
        start,
        format!("<envelope xmlns='urn:xmpp:sce:1'><content>{BODY}</content>")
    );
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    assert!(padding.chars().all(is_plain), "{padding}");
    assert_eq!(
        end,
        "<from xmlns='urn:xmpp:sce:1' jid='juliet@capulet.example'/>\
         <to xmlns='urn:xmpp:sce:1' jid='romeo@montague.example'/>\
         <time stamp='2026-11-22T23:00:00Z'/></envelope>"
    );
}

#[test]
fn what_is_written_is_read_again() {
    let mut rng = StdRng::seed_from_u64(2);
    for content in [
        "",
        BODY,
        "<body xmlns='jabber:client'/><x xmlns='jabber:x:oob'><url>https://a.example</url></x>\n",
        "<c:body xmlns:c='jabber:client' xml:lang='en'>a<![CDATA[<&]]>&#x1F600;</c:body>",
    ] {
        let xml = written(content, &mut rng).unwrap();
        let envelope = Envelope::read(xml.as_bytes()).unwrap();
        assert_eq!(envelope.from, Some(juliet()));
        assert_eq!(envelope.to, Some(romeo()));
        let time = Timestamp::from_millis(1_795_388_400_000);
        assert_eq!(envelope.sent_at(), Some(time));
        assert!(envelope.has_padding);
        for addressee in [Addressee::Account(&romeo()), Addressee::Room(&romeo())] {
            assert_eq!(envelope.check(&juliet(), addressee), Ok(()));
            let as_romeo = envelope.check(&romeo(), addressee);
            assert_eq!(as_romeo, Err(EnvelopeError::From));
        }
        let elsewhere = Addressee::Account(&juliet());
        let other = envelope.check(&juliet(), elsewhere);
        assert_eq!(other, Err(EnvelopeError::To));
        if !content.contains("xmlns:c") {
            assert_eq!(envelope.content, content);
        }
        assert_eq!(envelope.body.is_some(), !content.is_empty());
    }
}

#[test]
fn time_is_there_only_if_asked_for() {
    let (from, to) = (&juliet(), &romeo());
    let affixes = Affixes {
        from,
        to,
        time: None,
    };
    let xml = write_envelope(BODY, &affixes, &mut StdRng::seed_from_u64(3)).unwrap();
    assert!(xml.ends_with("<to xmlns='urn:xmpp:sce:1' jid='romeo@montague.example'/></envelope>"));
    assert_eq!(Envelope::read(xml.as_bytes()).unwrap().sent_at(), None);
}

/// Two steps: to the minimum, and then 0 to 200 characters, all of them.
#[test]
fn padding_hides_the_length() {
    let mut rng = StdRng::seed_from_u64(4);
    let lengths = |content: &str, rng: &mut StdRng| -> BTreeSet<usize> {
        (0..3000)
            .map(|_| written(content, rng).unwrap().len())
            .collect()
    };
    let short: BTreeSet<_> = (MIN_ENVELOPE..=MIN_ENVELOPE + MAX_RANDOM_PADDING).collect();
    assert_eq!(lengths("", &mut rng), short);
    assert_eq!(lengths(BODY, &mut rng), short);

    let long = BODY.replace("art", &"art".repeat(200));
    let lengths = lengths(&long, &mut rng);
    assert_eq!(lengths.len(), MAX_RANDOM_PADDING + 1);
    let (first, last) = (*lengths.first().unwrap(), *lengths.last().unwrap());
    assert_eq!(last - first, MAX_RANDOM_PADDING);
    assert!(first > long.len());

    let (one, two) = (written(BODY, &mut rng), written(BODY, &mut rng));
    assert_ne!(one, two);
}

#[test]
fn content_that_a_recipient_would_not_read_is_refused() {
    let content = |error: XmlError| WriteEnvelopeError::Content(error.into());
    for (xml, error) in [
        ("<body xmlns='jabber:client'>", XmlError::Syntax),
        ("<a xmlns='b'/></content>", XmlError::Syntax),
        (
            "<a xmlns='b'/></content><from jid='a@b'/><content>",
            XmlError::Syntax,
        ),
        ("</content></envelope><envelope><content>", XmlError::Syntax),
        ("<!-- -->", XmlError::Comment),
        ("<a xmlns='b'>&lol;</a>", XmlError::Entity),
        ("<b:a/>", XmlError::Namespace),
        ("<a xmlns='b'>\0</a>", XmlError::Character),
        ("<?a?>", XmlError::Instruction),
    ] {
        assert_eq!(refused(xml), content(error), "{xml}");
    }
    for text in ["hello", "a<b xmlns='c'/>", "<b xmlns='c'/>&#32;a", "\u{a0}"] {
        assert_eq!(refused(text), WriteEnvelopeError::Text, "{text}");
    }
    let long = format!("<a xmlns='b'>{}</a>", "c".repeat(MAX_BYTES));
    let limit = StanzaError::Limit(Limit::Bytes);
    assert_eq!(refused(&long), WriteEnvelopeError::Content(limit));
}

#[test]
fn elements_without_a_namespace_of_their_own_are_refused() {
    for xml in [
        "<body>hello</body>",
        "<body xmlns=''>hello</body>",
        "<body xmlns='urn:xmpp:sce:1'>hello</body>",
        "<a xmlns='b'/><body/>",
    ] {
        assert_eq!(refused(xml), WriteEnvelopeError::Namespace, "{xml}");
    }
}

const FOR_SERVERS: [&str; 13] = [
    "<store xmlns='urn:xmpp:hints'/>",
    "<no-copy xmlns='urn:xmpp:hints'/>",
    "<stanza-id xmlns='urn:xmpp:sid:0' by='a@b' id='1'/>",
    "<addresses xmlns='http://jabber.org/protocol/address'><address/></addresses>",
    "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:omemo:2'/>",
    "<h:no-store xmlns:h='urn:xmpp:hints'><x/></h:no-store>",
    "<delay xmlns='urn:xmpp:delay' from='juliet@capulet.example' stamp='1999-01-01T00:00:00Z'/>",
    "<x xmlns='jabber:x:delay' stamp='19990101T00:00:00'/>",
    "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='somebody-else'/>",
    "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='nurse@capulet.example'/></x>",
    "<mix xmlns='urn:xmpp:mix:core:1'><nick>somebody else</nick></mix>",
    "<private xmlns='urn:xmpp:carbons:2'/>",
    "<error xmlns='jabber:client'/>",
];

#[test]
fn what_servers_process_neither_goes_in_nor_comes_out() {
    for element in FOR_SERVERS {
        assert_eq!(refused(element), WriteEnvelopeError::ForServers);
        let after = format!("{BODY}{element}");
        assert_eq!(refused(&after), WriteEnvelopeError::ForServers);

        let xml = format!(
            "<envelope xmlns='urn:xmpp:sce:1'><content>{element}{BODY}{element}{element}\
             </content></envelope>"
        );
        let envelope = Envelope::read(xml.as_bytes()).unwrap();
        assert_eq!(envelope.content, BODY);
        assert!(envelope.body.is_some());
    }
    // Not for servers: what the sender calls the stanza, and what is inside another element.
    let others = "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>\
                  <a xmlns='b'><store xmlns='urn:xmpp:hints'/></a>";
    let xml = written(others, &mut StdRng::seed_from_u64(5)).unwrap();
    let envelope = Envelope::read(xml.as_bytes()).unwrap();
    assert_eq!(envelope.content, others);
}

#[test]
fn opting_out() {
    let mut rng = StdRng::seed_from_u64(6);
    for reason in [None, Some(""), Some("my <law> & \"order\"\r\n]]>")] {
        let opt_out = OptOut {
            reason: reason.map(Into::into),
        };
        let xml = written(&opt_out.to_xml().unwrap(), &mut rng).unwrap();
        let envelope = Envelope::read(xml.as_bytes()).unwrap();
        assert_eq!(envelope.opt_out, Some(opt_out));
        assert_eq!(envelope.body, None);
    }
    let impossible = OptOut {
        reason: Some("\0".into()),
    };
    assert_eq!(impossible.to_xml(), Err(XmlError::Character.into()));
    assert_eq!(format!("{impossible:?}"), "OptOut(..)");

    let read = |content: &str| {
        let xml =
            format!("<envelope xmlns='urn:xmpp:sce:1'><content>{content}</content></envelope>");
        let envelope = Envelope::read(xml.as_bytes()).unwrap();
        let opt_out = envelope.opt_out.as_ref();
        opt_out.map(|opt_out| opt_out.reason.as_deref().map(str::to_owned))
    };
    let reason = |text: &str| Some(Some(text.to_owned()));
    for (content, expected) in [
        ("<opt-out xmlns='urn:xmpp:omemo:2'/>", Some(None)),
        (
            "<opt-out xmlns='urn:xmpp:omemo:2'><reason>\n a\n</reason><reason>b</reason></opt-out>",
            reason("\n a\n"),
        ),
        (
            "<opt-out xmlns='urn:xmpp:omemo:2'><reason xmlns='x'>a</reason><x/></opt-out>",
            Some(None),
        ),
        ("<opt-out xmlns='eu.siacs.conversations.axolotl'/>", None),
        ("<opt-out/>", None),
        ("<a xmlns='b'><opt-out xmlns='urn:xmpp:omemo:2'/></a>", None),
    ] {
        assert_eq!(read(content), expected, "{content}");
    }
}

/// A generator that works so many times.
struct Failing(usize);

impl TryRng for Failing {
    type Error = RngError;

    fn try_next_u32(&mut self) -> Result<u32, RngError> {
        Err(RngError)
    }

    fn try_next_u64(&mut self) -> Result<u64, RngError> {
        Err(RngError)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RngError> {
        self.0 = self.0.checked_sub(1).ok_or(RngError)?;
        bytes.fill(0xff);
        Ok(())
    }
}

impl TryCryptoRng for Failing {}

#[test]
fn a34_a_generator_that_fails() {
    let (from, to) = (&juliet(), &romeo());
    let time = None;
    for works in 0..2 {
        let outcome = write_envelope(BODY, &Affixes { from, to, time }, &mut Failing(works));
        assert_eq!(outcome, Err(WriteEnvelopeError::Rng(RngError)));
    }
    assert!(write_envelope(BODY, &Affixes { from, to, time }, &mut Failing(2)).is_ok());
}
