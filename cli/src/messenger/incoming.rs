//! Stanzas that come, and who they are for.

use omemo::client::{Answer, Disposition, RequestId, Ticket};
use omemo::model::BareJid;
use roxmltree::Node;

use super::caps::DISCO;
use super::requests::Asked;
use super::rooms::{ADMIN, Occupant, USER};
use super::{Event, Messenger, MessengerError, Plain, Trouble, is_of, now};
use crate::xmpp::element::{child, condition, escape, look};

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
        let from = message.attribute("from").unwrap_or_default();
        let (Some(id), Ok(from)) = (message.attribute("id"), BareJid::from_full(from)) else {
            return;
        };
        let is_it = |(sent, to, _): &(String, BareJid, Ticket)| sent == id && *to == from;
        if let Some(place) = self.sent.iter().position(is_it)
            && let Some((_, _, ticket)) = self.sent.remove(place)
        {
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
            Asked::Roster => {
                if child(iq, ROSTER, "query").is_none() {
                    return Ok(());
                }
                // All of it: whoever was removed meanwhile is not in it.
                let before = core::mem::take(&mut self.roster).into_keys();
                self.take_roster(iq)?;
                for jid in before.filter(|jid| !self.roster.contains_key(jid)) {
                    self.omemo.set_contact(&jid, false, false, now())?;
                }
                Ok(())
            }
            Asked::Archive(stage, part) => self.archive_answered(stage, part, iq),
            Asked::Members(room) => {
                if let Some(entered) = self.rooms.get_mut(&room) {
                    match child(iq, ADMIN, "query") {
                        Some(items) => drop(entered.take_item(items)),
                        None => entered.lacks = condition(iq).or(Some("no list".to_owned())),
                    }
                    let is_of_it = |asked: &Asked| *asked == Asked::Members(room.clone());
                    if !self.requests.is_open(is_of_it) && !entered.is_known {
                        entered.is_known = true;
                        if let Some(why) = entered.lacks.take() {
                            let trouble = Trouble::Members(room.clone(), why);
                            self.events.push_back(Event::Trouble(trouble));
                        }
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
            let nick = from.split_once('/').map_or("", |(_, nick)| nick);
            let who = entered.take_presence(nick, presence);
            if kind == Some("error") || who == Occupant::OurselvesGone {
                self.rooms.remove(&jid);
                self.omemo.leave_room(&jid);
                self.events.push_back(Event::NotJoined(jid));
                return Ok(());
            }
            if who == Occupant::Ourselves && !entered.is_known {
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
