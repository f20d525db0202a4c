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
                self.requests.give_up(|asked| *asked == Asked::Entry(jid.clone()));
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
        let is_of_it = |asked: &Asked| *asked == Asked::Members(room.clone());
        if !self.requests.is_open(is_of_it) && !entered.is_known {
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
