//! An XMPP server, as much of it as OMEMO needs: nodes that anybody may read, and messages that wait.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use omemo::client::IqRequest;
use omemo::model::BareJid;
use omemo::stanza::{Items, Source};

use crate::Failure;

/// Keeps what its users publish and what waits for them, passes on the rest, and remembers everything
/// that it ever saw, as a curious operator could.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) domain: &'static str,
    nodes: HashMap<(BareJid, String), BTreeMap<String, String>>,
    waiting: HashMap<BareJid, Vec<String>>,
    seen: Vec<Vec<u8>>,
}

impl Server {
    pub(super) fn new(domain: &'static str) -> Self {
        Self {
            domain,
            nodes: HashMap::new(),
            waiting: HashMap::new(),
            seen: Vec::new(),
        }
    }

    /// Answers a request of one of its users, if need be with what the other server has.
    pub(super) fn answer(
        &mut self,
        user: &BareJid,
        request: &IqRequest,
        other: &mut Self,
    ) -> Result<String, Failure> {
        let xml = request.to_string();
        self.see(&xml);
        let publication = Items::read(&xml)?.filter(|items| items.source == Source::Publish);
        if let Some(publication) = publication {
            let node = self.node(user, &publication.node.to_string());
            for item in publication.items {
                let payload = item.payload.ok_or("nothing to publish")?;
                node.insert(item.id.unwrap_or_default().into(), payload.into());
            }
            return Ok(format!("<iq type='result' id='{}'/>", request.id));
        }
        let owner = request.to.as_ref().unwrap_or(user);
        let name = attribute(&xml, "node").ok_or("a request for no node")?;
        let answer = if owner.domain() == self.domain {
            self.show(owner, name, request)
        } else {
            other.show(owner, name, request)
        };
        self.see(&answer);
        Ok(answer)
    }

    /// Takes a message of one of its users to the server of its recipient, where it waits.
    pub(super) fn send(&mut self, other: &mut Self, from: &BareJid, to: &BareJid, stanza: &str) {
        let stanza = stanza.replacen("<message", &format!("<message from='{from}'"), 1);
        self.see(&stanza);
        other.see(&stanza);
        other.waiting.entry(to.clone()).or_default().push(stanza);
    }

    /// Hands over what waits for a user who is online now.
    pub(super) fn come_online(&mut self, user: &BareJid) -> Vec<String> {
        self.waiting.remove(user).unwrap_or_default()
    }

    /// How many bytes it has seen.
    pub(super) fn seen_bytes(&self) -> usize {
        self.seen.iter().map(Vec::len).sum()
    }

    /// Whether a piece of `text` occurs in anything that it has seen: each run of [`PIECE`] bytes is
    /// looked for, as encryption that leaks a part has failed as well.
    pub(super) fn has_seen(&self, text: &str) -> bool {
        let pieces = text.as_bytes().windows(text.len().clamp(1, PIECE));
        self.seen.iter().any(|bytes| {
            bytes
                .windows(text.len().clamp(1, PIECE))
                .any(|window| pieces.clone().any(|piece| piece == window))
        })
    }

    /// The items of a node, or the one that is asked for.
    fn show(&mut self, owner: &BareJid, name: &str, request: &IqRequest) -> String {
        let wanted = request.payload.split_once("<item ");
        let wanted = wanted.and_then(|(_, item)| attribute(item, "id"));
        let items = self.node(owner, name).iter();
        let items = items.filter(|(id, _)| wanted.is_none_or(|wanted| wanted == *id));
        let items: String = items
            .map(|(id, payload)| format!("<item id='{id}'>{payload}</item>"))
            .collect();
        let answer = format!(
            "<iq type='result' id='{}' from='{owner}'>\
             <pubsub xmlns='http://jabber.org/protocol/pubsub'>\
             <items node='{name}'>{items}</items></pubsub></iq>",
            request.id
        );
        self.see(&answer);
        answer
    }

    fn node(&mut self, owner: &BareJid, name: &str) -> &mut BTreeMap<String, String> {
        self.nodes
            .entry((owner.clone(), name.to_owned()))
            .or_default()
    }

    /// Remembers a stanza, and what the base64 in it says.
    fn see(&mut self, stanza: &str) {
        self.seen.push(stanza.as_bytes().to_vec());
        let texts = stanza.split('<').filter_map(|piece| piece.split_once('>'));
        let decoded = texts.filter_map(|(_, text)| BASE64.decode(text).ok());
        self.seen.extend(decoded);
    }
}

/// The value of the first attribute of that name, in XML that this library wrote.
fn attribute<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("{name}='"))?;
    rest.split_once('\'').map(|(value, _)| value)
}

/// Long enough to occur by chance in no demo: the odds are below one in 10^14.
pub(super) const PIECE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_the_text_is_noticed_and_noise_is_not() {
        let mut server = Server::new("capulet.example");
        server.see("<payload>..wherefo..</payload>");
        assert!(!server.has_seen("Art thou not Romeo?"));
        server.see("<payload>--thou not--</payload>");
        assert!(server.has_seen("Art thou not Romeo?"));
        assert!(server.has_seen("thou"));
    }

    #[test]
    fn a_piece_that_is_encoded_is_noticed() {
        let mut server = Server::new("capulet.example");
        let encoded = BASE64.encode("Art thou not Romeo?");
        server.see(&format!("<payload>{encoded}</payload>"));
        assert!(server.has_seen("not Romeo"));
    }
}
