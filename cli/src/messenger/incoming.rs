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

    fn members(rehearsal: &Rehearsal) -> Vec<String> {
        let messenger = &rehearsal.messenger;
        let room = messenger.rooms[&room()].room(&messenger.login.jid);
        room.members.iter().map(BareJid::to_string).collect()
    }

    /// Members are whom we encrypt for.
    #[tokio::test]
    async fn nobody_but_the_room_says_who_its_members_are() {
        let mut rehearsal = Rehearsal::new(None);
        rehearsal.enter(&room()).await;
        let says = |from: &str| {
            format!(
                "<message from='{from}' type='groupchat'><x xmlns='{USER}'><item affiliation='member' \
                 jid='tybalt@capulet.example'/><item affiliation='none' jid='romeo@montague.example'/></x>\
                 </message>"
            )
        };
        rehearsal.say(&says("garden@rooms.capulet.example/tybalt"));
        rehearsal.say(&says("garden@rooms.capulet.example/"));
        assert_eq!(members(&rehearsal), ["romeo@montague.example"]);
        rehearsal.say(&says("garden@rooms.capulet.example"));
        assert_eq!(members(&rehearsal), ["tybalt@capulet.example"]);
    }

    #[tokio::test]
    async fn what_comes_back_from_whom_it_went_to_is_told() {
        let mut rehearsal = Rehearsal::new(None);
        rehearsal.enter(&room()).await;
        let to = Recipient::Room(room());
        let ticket = rehearsal.messenger.send(&to, "Ay me!").unwrap();
        let id = rehearsal.messenger.sent[0].0.clone();
        let bounce = |from: &str| {
            format!(
                "<message type='error' id='{id}' from='{from}'><error type='cancel'>\
                 <not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
            )
        };
        rehearsal.events();
        rehearsal.say(&bounce("tybalt@capulet.example"));
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

    #[tokio::test]
    async fn a_room_that_shows_us_out_is_left() {
        let mut rehearsal = Rehearsal::new(None);
        rehearsal.enter(&room()).await;
        let gone = |nick: &str, statuses: &str| {
            format!(
                "<presence from='{}/{nick}' type='unavailable'><x xmlns='{USER}'>\
                 <item affiliation='member' nick='jule'/>{statuses}</x></presence>",
                room()
            )
        };
        let (own, renamed) = ("<status code='110'/>", "<status code='303'/>");
        rehearsal.say(&gone("romeo", ""));
        rehearsal.say(&gone("juliet", &format!("{renamed}{own}")));
        assert!(rehearsal.events().is_empty());
        rehearsal.say(&gone("jule", &format!("<status code='307'/>{own}")));
        let events = rehearsal.events();
        assert!(matches!(&events[..], [Event::NotJoined(_)]), "{events:?}");
        let to = Recipient::Room(room());
        let sent = rehearsal.messenger.send(&to, "Ay me!");
        assert_eq!(sent, Err(MessengerError::NotInRoom));
    }

    #[tokio::test]
    async fn a_list_of_members_that_is_refused_is_told() {
        let mut rehearsal = Rehearsal::new(None);
        rehearsal.messenger.join(&room(), "juliet");
        rehearsal.say(&format!("<presence from='{}/juliet'/>", room()));
        let refused =
            "<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
        let empty = format!("<query xmlns='{ADMIN}'/>");
        for (affiliation, kind, answer) in [
            ("owner", "result", empty.as_str()),
            ("admin", "result", &empty),
            ("member", "error", refused),
        ] {
            let query = format!("<item affiliation='{affiliation}'");
            let room = room().to_string();
            rehearsal.answer(&query, kind, &room, answer).await;
        }
        let events = rehearsal.events();
        assert!(
            matches!(
                &events[..],
                [Event::Trouble(Trouble::Members(_, why)), Event::Joined(_)] if why == "forbidden"
            ),
            "{events:?}"
        );
    }
}
