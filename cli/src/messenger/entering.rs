//! Entering rooms (XEP-0045), and what they say of their members meanwhile.

use omemo::model::BareJid;
use roxmltree::Node;

use super::requests::Asked;
use super::rooms::{ADMIN, AFFILIATIONS, Entered, Occupant};
use super::{Event, Messenger, MessengerError, Trouble, now, why_not};
use crate::xmpp::element::{child, escape};

impl Messenger {
    /// Enters a room: [`Event::Joined`] or [`Event::NotJoined`] says what came of it.
    ///
    /// # Errors
    /// [`MessengerError::Random`].
    pub fn join(&mut self, room: &BareJid, nick: &str) -> Result<(), MessengerError> {
        self.give_up_room(room);
        let id = self.requests.open(Some(room), Asked::Entry(room.clone()))?;
        self.rooms.insert(room.clone(), Entered::new(nick));
        let nick = escape(nick);
        self.stream.send(format!(
            "<presence to='{room}/{nick}' id='{id}'><x xmlns='http://jabber.org/protocol/muc'>\
             <history maxstanzas='0'/></x></presence>"
        ));
        Ok(())
    }

    /// Takes a presence in.
    pub(super) fn take_presence(&mut self, presence: Node<'_, '_>) -> Result<(), MessengerError> {
        let from = presence.attribute("from").unwrap_or_default();
        let Ok(jid) = BareJid::from_full(from) else {
            return Ok(());
        };
        let kind = presence.attribute("type");
        let Some(entered) = self.rooms.get_mut(&jid) else {
            if kind == Some("subscribe") {
                self.subscription_asked(&jid);
            }
            return Ok(());
        };
        let nick = from.split_once('/').map_or("", |(_, nick)| nick);
        if kind == Some("error") {
            // Ours, or the room's own: other occupants do not show us out.
            if nick.is_empty() || nick == entered.nick {
                self.leave(&jid);
            }
            return Ok(());
        }
        match entered.take_presence(nick, presence) {
            Occupant::OurselvesGone => {
                self.leave(&jid);
                return Ok(());
            }
            Occupant::Ourselves if !entered.is_known => {
                self.requests
                    .give_up(|asked| *asked == Asked::Entry(jid.clone()));
                self.ask_for_members(&jid)?;
            }
            _ => {}
        }
        self.room_changed(&jid)
    }

    fn ask_for_members(&mut self, room: &BareJid) -> Result<(), MessengerError> {
        for affiliation in AFFILIATIONS {
            let query =
                format!("<query xmlns='{ADMIN}'><item affiliation='{affiliation}'/></query>");
            self.ask(Some(room), "get", &query, Asked::Members(room.clone()))?;
        }
        Ok(())
    }

    /// Messages of a room wait until it is known who its members are. A room that was not joined is not asked:
    /// anybody can write in the name of one.
    pub(super) fn members_wanted(&mut self, room: &BareJid) -> Result<(), MessengerError> {
        let is_asked = |asked: &Asked| match asked {
            Asked::Entry(of) | Asked::Members(of) => of == room,
            _ => false,
        };
        if self.rooms.contains_key(room) && !self.requests.is_open(is_asked) {
            self.ask_for_members(room)?;
        }
        Ok(())
    }

    /// A list of members has come, or will not.
    pub(super) fn members_answered(
        &mut self,
        room: &BareJid,
        answer: Option<Node<'_, '_>>,
    ) -> Result<(), MessengerError> {
        let Some(entered) = self.rooms.get_mut(room) else {
            return Ok(());
        };
        match answer.and_then(|iq| child(iq, ADMIN, "query")) {
            Some(items) => drop(entered.take_item(items)),
            None => entered.lacks = Some(why_not(answer)),
        }
        // All of the lists, or none: messages that wait are read by what is known then.
        if self
            .requests
            .is_open(|asked| *asked == Asked::Members(room.clone()))
        {
            return Ok(());
        }
        if !entered.is_known {
            entered.is_known = true;
            if let Some(why) = entered.lacks.take() {
                let trouble = Trouble::Members(room.clone(), why);
                self.events.push_back(Event::Trouble(trouble));
            }
            self.events.push_back(Event::Joined(room.clone()));
        }
        self.room_changed(room)
    }

    /// We are not in a room, or not any more.
    pub(super) fn leave(&mut self, room: &BareJid) {
        self.give_up_room(room);
        if self.rooms.remove(room).is_some() {
            self.omemo.leave_room(room);
            self.events.push_back(Event::NotJoined(room.clone()));
        }
    }

    fn give_up_room(&mut self, room: &BareJid) {
        self.requests.give_up(|asked| match asked {
            Asked::Entry(of) | Asked::Members(of) => of == room,
            _ => false,
        });
    }

    /// Tells OMEMO who is in a room, once that is known.
    pub(super) fn room_changed(&mut self, jid: &BareJid) -> Result<(), MessengerError> {
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
    use super::super::rooms::USER;
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
        rehearsal.messenger.join(&room(), "juliet").unwrap();
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

    fn is_us(nick: &str) -> String {
        format!(
            "<presence from='{}/{nick}'><x xmlns='{USER}'><item affiliation='member'/>\
             <status code='110'/></x></presence>",
            room()
        )
    }

    /// What an occupant answers is his, whatever he says that it answers.
    #[tokio::test]
    async fn an_occupant_does_not_answer_for_the_room() {
        let mut rehearsal = Rehearsal::new(None);
        rehearsal.messenger.join(&room(), "juliet").unwrap();
        rehearsal.say(&is_us("juliet"));
        let forged = format!(
            "<query xmlns='{ADMIN}'><item affiliation='member' jid='tybalt@capulet.example'/></query>"
        );
        let empty = format!("<query xmlns='{ADMIN}'/>");
        for affiliation in AFFILIATIONS {
            let request = rehearsal
                .hear(&format!("<item affiliation='{affiliation}'"))
                .await;
            let id = Rehearsal::id_of(&request);
            for from in [
                " from='garden@rooms.capulet.example/mallory'",
                " from='garden@rooms.capulet.example/'",
                " from='rooms.capulet.example'",
                " from='juliet@capulet.example'",
                "",
            ] {
                rehearsal.say(&format!("<iq type='result' id='{id}'{from}>{forged}</iq>"));
            }
            assert!(members(&rehearsal).is_empty(), "{affiliation}");
            assert!(rehearsal.events().is_empty(), "{affiliation}");
            // The room's own answer counts all the same.
            let room = room();
            rehearsal.say(&format!(
                "<iq type='result' id='{id}' from='{room}'>{empty}</iq>"
            ));
        }
        assert!(members(&rehearsal).is_empty());
        assert!(matches!(rehearsal.events()[..], [Event::Joined(_)]));
    }

    #[tokio::test]
    async fn a_room_that_was_joined_is_asked_for_its_members_again() {
        let mut rehearsal = Rehearsal::new(None);
        let is_asked = |rehearsal: &Rehearsal| {
            let requests = &rehearsal.messenger.requests;
            requests.is_open(|asked| matches!(asked, Asked::Members(_)))
        };
        rehearsal.messenger.members_wanted(&room()).unwrap();
        assert!(!is_asked(&rehearsal), "it was not joined");
        rehearsal.enter(&room()).await;
        rehearsal.messenger.members_wanted(&room()).unwrap();
        // Once, however many messages wait.
        rehearsal.messenger.members_wanted(&room()).unwrap();
        for affiliation in AFFILIATIONS {
            let jid = match affiliation {
                "member" => " jid='tybalt@capulet.example'",
                _ => "",
            };
            let items =
                format!("<query xmlns='{ADMIN}'><item affiliation='{affiliation}'{jid}/></query>");
            let query = format!("<item affiliation='{affiliation}'");
            let room = room().to_string();
            rehearsal.answer(&query, "result", &room, &items).await;
        }
        assert!(!is_asked(&rehearsal));
        assert_eq!(
            members(&rehearsal),
            ["romeo@montague.example", "tybalt@capulet.example"]
        );
    }

    #[tokio::test]
    async fn an_occupant_does_not_show_us_out() {
        let mut rehearsal = Rehearsal::new(None);
        rehearsal.enter(&room()).await;
        let error = |from: &str| format!("<presence from='{}{from}' type='error'/>", room());
        rehearsal.say(&error("/mallory"));
        assert!(rehearsal.events().is_empty());
        rehearsal.say(&error("/juliet"));
        assert!(matches!(rehearsal.events()[..], [Event::NotJoined(_)]));
    }

    #[tokio::test]
    async fn a_room_that_does_not_answer_is_not_waited_for() {
        let mut rehearsal = Rehearsal::new(None);
        let later = std::time::Instant::now() + std::time::Duration::from_secs(600);
        rehearsal.messenger.join(&room(), "juliet").unwrap();
        rehearsal.messenger.give_up_requests(later).unwrap();
        let events = rehearsal.events();
        assert!(
            events
                .iter()
                .any(|event| matches!(event, Event::NotJoined(_))),
            "{events:?}"
        );
        // It lets us in, and says nothing of its members.
        rehearsal.messenger.join(&room(), "juliet").unwrap();
        rehearsal.say(&is_us("juliet"));
        rehearsal.messenger.give_up_requests(later).unwrap();
        let events = rehearsal.events();
        assert!(
            matches!(
                &events[..],
                [Event::Trouble(Trouble::Members(_, why)), Event::Joined(_)] if why == "no answer"
            ),
            "{events:?}"
        );
    }
}
