//! A messenger whose server is a test.

use std::time::Duration;

use omemo::account::TrustPolicy;
use omemo::client::{Client, Options};
use omemo::model::BareJid;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, DuplexStream};
use zeroize::Zeroizing;

use super::{Event, Folder, Messenger, now};
use crate::xmpp::splitter::{Piece, Splitter};
use crate::xmpp::{Login, Server, Stream};

/// Larger than whatever is said in a test.
const ROOM: usize = 1 << 20;

/// A messenger, and the other end of its stream.
pub(super) struct Rehearsal {
    pub(super) messenger: Messenger,
    pub(super) folder: Folder,
    server: DuplexStream,
    heard: Splitter,
    _place: TempDir,
}

impl Rehearsal {
    /// Juliet, who has just logged in; it is known already how far her archive was read, if it says so.
    pub(super) fn new(position: Option<&str>) -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        if let Some(position) = position {
            folder.keep_position(position);
        }
        let jid: BareJid = "juliet@capulet.example".parse().unwrap();
        let options = Options::new(TrustPolicy::BlindUntilVerified);
        let omemo = Client::open(folder.store().unwrap(), jid.clone(), options, now()).unwrap();
        let (ours, server) = tokio::io::duplex(ROOM);
        let stream = Stream::over(ours, begun(), format!("{jid}/balcony"));
        let login = Login {
            jid,
            password: Zeroizing::default(),
            // Where nobody listens: she cannot log in again.
            server: Some(Server {
                host: "127.0.0.1".to_owned(),
                port: 1,
                is_direct_tls: false,
            }),
            authorities: None,
            allows_plain: true,
        };
        Self {
            messenger: Messenger::over(stream, omemo, login, folder.clone()).unwrap(),
            folder,
            server,
            heard: begun(),
            _place: place,
        }
    }

    /// The server says this.
    pub(super) fn say(&mut self, xml: &str) {
        self.messenger.take(xml).unwrap();
        self.messenger.act().unwrap();
    }

    /// What has happened since this was asked last.
    pub(super) fn events(&mut self) -> Vec<Event> {
        self.messenger.events.drain(..).collect()
    }

    /// The next stanza of the messenger in which this stands.
    pub(super) async fn hear(&mut self, text: &str) -> String {
        let heard = tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                match self.heard.next_piece().unwrap() {
                    Some(Piece::Element(xml)) if xml.contains(text) => return xml,
                    Some(_) => {}
                    None => {
                        let mut bytes = vec![0; ROOM];
                        let length = self.server.read(&mut bytes).await.unwrap();
                        assert!(length > 0, "the messenger is gone");
                        self.heard.push(&bytes[..length]);
                    }
                }
            }
        });
        heard
            .await
            .unwrap_or_else(|_| panic!("nothing was said of {text}"))
    }

    /// The server answers the next request in which this stands.
    pub(super) async fn answer(&mut self, text: &str, kind: &str, from: &str, payload: &str) {
        let request = self.hear(text).await;
        let id = Self::id_of(&request);
        self.say(&format!(
            "<iq type='{kind}' id='{id}' from='{from}'>{payload}</iq>"
        ));
    }

    /// The server takes whatever is published, and has nothing, until the messenger is ready.
    pub(super) async fn get_ready(&mut self) {
        let is_ready = |event: &Event| matches!(event, Event::Ready(_));
        while !self.events().iter().any(is_ready) {
            let request = self.hear("<iq ").await;
            let id = Self::id_of(&request);
            self.say(
                &match request.contains("type='get'") && !request.contains("<ping") {
                    true => format!(
                        "<iq type='error' id='{id}'><error type='cancel'><item-not-found \
                     xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
                    ),
                    false => format!("<iq type='result' id='{id}'/>"),
                },
            );
        }
    }

    /// The id of a stanza of the messenger.
    pub(super) fn id_of(stanza: &str) -> &str {
        let (_, rest) = stanza.split_once(" id='").unwrap();
        rest.split_once('\'').unwrap().0
    }

    /// Enters a room in which she and Romeo are members.
    pub(super) async fn enter(&mut self, room: &BareJid) {
        self.messenger.join(room, "juliet").unwrap();
        self.say(&format!(
            "<presence from='{room}/juliet'><x xmlns='http://jabber.org/protocol/muc#user'>\
             <item affiliation='member'/><status code='110'/></x></presence>"
        ));
        for affiliation in ["owner", "admin", "member"] {
            let item = format!("<item affiliation='{affiliation}'");
            let jid = (affiliation == "member").then_some(" jid='romeo@montague.example'");
            let items = format!(
                "<query xmlns='http://jabber.org/protocol/muc#admin'>{item}{}/></query>",
                jid.unwrap_or_default()
            );
            self.answer(&item, "result", room.as_str(), &items).await;
        }
        let events = self.events();
        assert!(matches!(events[..], [Event::Joined(_)]), "{events:?}");
    }
}

/// In a stream that has begun.
fn begun() -> Splitter {
    let mut splitter = Splitter::default();
    splitter.push(b"<s>");
    assert_eq!(splitter.next_piece(), Ok(Some(Piece::Open)));
    splitter
}
