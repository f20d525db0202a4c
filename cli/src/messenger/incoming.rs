//! Stanzas that come, and who they are for.

use omemo::client::{Answer, Disposition, RequestId};
use omemo::model::BareJid;
use roxmltree::Node;

use super::caps::DISCO;
use super::requests::Asked;
use super::rooms::USER;
use super::{Event, Messenger, MessengerError, Plain, is_of, now};
use crate::xmpp::element::{child, escape, look};

const ROSTER: &str = "jabber:iq:roster";

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

    fn take_iq(&mut self, xml: &str, iq: Node<'_, '_>) -> Result<(), MessengerError> {
        let id = iq.attribute("id").unwrap_or_default();
        match iq.attribute("type") {
            Some("result" | "error") => {
                if let Ok(id) = id.parse::<RequestId>() {
                    return Ok(self.omemo.answer(id, Answer::Stanza(xml), now())?);
                }
                let own = self.login.jid.clone();
                match self.requests.close(id, iq.attribute("from"), &own) {
                    Some(asked) => self.answered(asked, iq),
                    None => Ok(()),
                }
            }
            Some("get" | "set") => self.serve(id, iq),
            _ => Ok(()),
        }
    }

    fn answered(&mut self, asked: Asked, iq: Node<'_, '_>) -> Result<(), MessengerError> {
        match asked {
            Asked::Roster => self.take_roster(iq),
            Asked::Archive(stage, part) => self.archive_answered(stage, part, iq),
            Asked::Members(room) => {
                if let Some(entered) = self.rooms.get_mut(&room)
                    && let Some(items) = iq.first_element_child()
                {
                    entered.take_item(items);
                    let is_of_it = |asked: &Asked| *asked == Asked::Members(room.clone());
                    if !self.requests.is_open(is_of_it) {
                        entered.is_known = true;
                        self.events.push_back(Event::Joined(room.clone()));
                    }
                }
                self.room_changed(&room)
            }
            Asked::Services => self.services_answered(iq),
            Asked::Service(jid) => self.service_answered(&jid, iq),
            Asked::Slot(transfer) => {
                self.slot_answered(transfer, iq);
                Ok(())
            }
            Asked::Sync => {
                self.events.push_back(Event::Synced);
                Ok(())
            }
            Asked::Nothing => Ok(()),
        }
    }

    /// Answers what others ask.
    fn serve(&mut self, id: &str, iq: Node<'_, '_>) -> Result<(), MessengerError> {
        let from = iq.attribute("from");
        let own = &self.login.jid;
        let payload = iq.first_element_child();
        let name = payload.map(|payload| payload.tag_name());
        let name = name.map(|name| (name.namespace().unwrap_or_default(), name.name()));
        let answer = match (iq.attribute("type"), name) {
            (Some("get"), Some((DISCO, "query"))) => self
                .caps
                .answer(payload.and_then(|query| query.attribute("node"))),
            (Some("get"), Some(("urn:xmpp:ping", "ping"))) => Some(String::new()),
            // RFC 6121 §2.1.6: from nobody but our own server.
            (Some("set"), Some((ROSTER, "query")))
                if from.is_none_or(|from| own.is_spelt(from)) =>
            {
                self.take_roster(iq)?;
                Some(String::new())
            }
            _ => None,
        };
        let (kind, payload) = match answer {
            Some(payload) => ("result", payload),
            None => (
                "error",
                "<error type='cancel'><service-unavailable \
                 xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
                    .to_owned(),
            ),
        };
        let to = from.map(|from| format!(" to='{}'", escape(from)));
        let (id, to) = (escape(id), to.unwrap_or_default());
        self.stream
            .send(format!("<iq type='{kind}' id='{id}'{to}>{payload}</iq>"));
        Ok(())
    }

    fn take_roster(&mut self, iq: Node<'_, '_>) -> Result<(), MessengerError> {
        let Some(query) = child(iq, ROSTER, "query") else {
            return Ok(());
        };
        for item in query
            .children()
            .filter(|c| c.has_tag_name((ROSTER, "item")))
        {
            let jid = item
                .attribute("jid")
                .and_then(|jid| jid.parse::<BareJid>().ok());
            let Some(jid) = jid else {
                continue;
            };
            let subscription = item.attribute("subscription").unwrap_or("none");
            let is_subscribed = matches!(subscription, "to" | "both");
            if subscription == "remove" {
                self.roster.remove(&jid);
            } else {
                self.roster.insert(jid.clone(), is_subscribed);
            }
            // Somebody who was only asked is on the roster too, and was accepted by asking.
            let is_accepted = subscription != "remove";
            self.omemo
                .set_contact(&jid, is_accepted, is_subscribed, now())?;
        }
        Ok(())
    }

    fn take_presence(&mut self, presence: Node<'_, '_>) -> Result<(), MessengerError> {
        let from = presence.attribute("from").unwrap_or_default();
        let Ok(jid) = BareJid::from_full(from) else {
            return Ok(());
        };
        let kind = presence.attribute("type");
        if let Some(entered) = self.rooms.get_mut(&jid) {
            if kind == Some("error") {
                self.rooms.remove(&jid);
                self.events.push_back(Event::NotJoined(jid));
                return Ok(());
            }
            let nick = from.split_once('/').map_or("", |(_, nick)| nick);
            let is_self = entered.take_presence(nick, presence) || nick == entered.nick;
            let is_known = entered.is_known;
            if is_self && !is_known {
                self.ask_for_members(&jid);
            }
            return self.room_changed(&jid);
        }
        if kind == Some("subscribe") && self.welcome.contains(&jid) {
            self.stream
                .send(format!("<presence to='{jid}' type='subscribed'/>"));
        }
        Ok(())
    }

    /// Tells OMEMO who is in a room, once that is known.
    fn room_changed(&mut self, jid: &BareJid) -> Result<(), MessengerError> {
        let Some(entered) = self.rooms.get(jid).filter(|entered| entered.is_known) else {
            return Ok(());
        };
        let room = entered.room(&self.login.jid);
        Ok(self.omemo.set_room(jid, room, now())?)
    }
}

#[cfg(test)]
mod tests {
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
}
