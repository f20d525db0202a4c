//! Stanzas that come, and who they are for.

use omemo::client::Disposition;
use omemo::model::BareJid;
use roxmltree::Node;

use super::rooms::USER;
use super::{Event, Messenger, MessengerError, Plain, is_of, now};
use crate::xmpp::element::{child, condition, look};

impl Messenger {
    /// Takes a stanza in.
    pub(super) fn take(&mut self, xml: &str) -> Result<(), MessengerError> {
        // What is not well-formed is nobody's.
        look(xml, |stanza| {
            if is_of(stanza, "message") {
                self.take_message(xml, stanza)
            } else if is_of(stanza, "iq") {
                self.take_iq(xml, stanza)
            } else if is_of(stanza, "presence") {
                self.take_presence(stanza)
            } else {
                Ok(())
            }
        })
        .unwrap_or(Ok(()))
    }

    fn take_message(&mut self, xml: &str, message: Node<'_, '_>) -> Result<(), MessengerError> {
        if message.attribute("type") == Some("error") {
            self.take_bounce(message);
        }
        let disposition = self.omemo.receive(xml, now())?;
        if disposition == Disposition::NotOurs {
            self.take_plain(message)?;
        }
        // Only now: what the message contained is stored.
        let own = &self.login.jid;
        let stanza_id = message.children().find(|child| {
            let by = child.attribute("by");
            child.has_tag_name(("urn:xmpp:sid:0", "stanza-id"))
                && by.is_some_and(|by| own.is_spelt(by))
        });
        if let Some(id) = stanza_id.and_then(|stanza_id| stanza_id.attribute("id"))
            && self.keeps_position
        {
            self.folder.keep_position(id);
        }
        Ok(())
    }

    /// A message comes back.
    fn take_bounce(&mut self, message: Node<'_, '_>) {
        let id = message.attribute("id").unwrap_or_default();
        let from = message.attribute("from").unwrap_or_default();
        if let Some(ticket) = self.sent.take(id, from) {
            let condition = condition(message).unwrap_or_else(|| "no reason".to_owned());
            self.events.push_back(Event::Bounced { ticket, condition });
        }
    }

    fn take_plain(&mut self, message: Node<'_, '_>) -> Result<(), MessengerError> {
        let from = message.attribute("from").unwrap_or_default();
        let kind = message.attribute("type");
        // The room itself has no resource: whatever else stands there, an occupant wrote.
        if let Some(items) = child(message, USER, "x")
            && let Ok(room) = from.parse::<BareJid>()
            && kind != Some("error")
            && let Some(entered) = self.rooms.get_mut(&room)
        {
            entered.take_item(items);
            self.room_changed(&room)?;
        }
        let body = child(message, "jabber:client", "body").and_then(|body| body.text());
        if let Some(body) = body.filter(|_| kind != Some("error")) {
            self.events.push_back(Event::Plain(Plain {
                from: from.to_owned(),
                body: body.to_owned(),
                is_groupchat: kind == Some("groupchat"),
            }));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Recipient;
    use super::super::rehearsal::Rehearsal;
    use super::*;

    fn room() -> BareJid {
        "garden@rooms.capulet.example".parse().unwrap()
    }

    #[tokio::test]
    async fn what_comes_back_from_whom_it_went_to_is_told() {
        let mut rehearsal = Rehearsal::new(None);
        rehearsal.enter(&room()).await;
        let to = Recipient::Room(room());
        let ticket = rehearsal.messenger.send(&to, "Ay me!").unwrap();
        let id = rehearsal.messenger.sent.last().unwrap().to_owned();
        let bounce = |from: &str| {
            format!(
                "<message type='error' id='{id}' from='{from}'><error type='cancel'>\
                 <not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
            )
        };
        rehearsal.events();
        // An occupant has read the id too.
        for stranger in [
            "tybalt@capulet.example",
            "garden@rooms.capulet.example/tybalt",
        ] {
            rehearsal.say(&bounce(stranger));
        }
        assert!(rehearsal.events().is_empty());
        rehearsal.say(&bounce("garden@rooms.capulet.example"));
        rehearsal.say(&bounce("garden@rooms.capulet.example"));
        let events = rehearsal.events();
        let [
            Event::Bounced {
                ticket: which,
                condition,
            },
        ] = &events[..]
        else {
            panic!("{events:?}");
        };
        assert_eq!((*which, condition.as_str()), (ticket, "not-acceptable"));
    }
}
