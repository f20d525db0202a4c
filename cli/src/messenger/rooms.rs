//! Rooms that were entered (XEP-0045): who is a member, and who is behind which nickname.

use std::collections::{BTreeMap, BTreeSet};

use omemo::client::Room;
use omemo::model::BareJid;
use roxmltree::Node;

use crate::xmpp::element::child;

/// The namespace of what rooms say of their occupants.
pub(super) const USER: &str = "http://jabber.org/protocol/muc#user";
/// The namespace of questions for members.
pub(super) const ADMIN: &str = "http://jabber.org/protocol/muc#admin";
/// Whoever can read what is written in a members-only room.
pub(super) const AFFILIATIONS: [&str; 3] = ["owner", "admin", "member"];

/// Whose a presence in a room is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occupant {
    Ourselves,
    /// We are out, and did not ask for it.
    OurselvesGone,
    Other,
}

/// A room.
#[derive(Debug, Default)]
pub(super) struct Entered {
    pub(super) nick: String,
    /// The lists of members have come.
    pub(super) is_known: bool,
    /// Why one of them has not.
    pub(super) lacks: Option<String>,
    members: BTreeSet<BareJid>,
    occupants: BTreeMap<String, BareJid>,
}

impl Entered {
    /// A room that is about to be entered.
    pub(super) fn new(nick: &str) -> Self {
        Self {
            nick: nick.to_owned(),
            ..Self::default()
        }
    }

    /// Takes in a presence of an occupant.
    pub(super) fn take_presence(&mut self, nick: &str, presence: Node<'_, '_>) -> Occupant {
        let is_gone = presence.attribute("type") == Some("unavailable");
        if is_gone {
            self.occupants.remove(nick);
        }
        let has_our_nick = if nick == self.nick && !is_gone {
            Occupant::Ourselves
        } else {
            Occupant::Other
        };
        let Some(user) = child(presence, USER, "x") else {
            return has_our_nick;
        };
        if let Some(jid) = self.take_item(user)
            && !is_gone
        {
            self.occupants.insert(nick.to_owned(), jid);
        }
        let has_status = |code| {
            let mut children = user.children();
            children.any(|c| c.has_tag_name((USER, "status")) && c.attribute("code") == Some(code))
        };
        if !has_status("110") {
            return has_our_nick;
        }
        if !is_gone {
            return Occupant::Ourselves;
        }
        // XEP-0045 §7.6: another nickname, not another place.
        if has_status("303") {
            let item = child(user, USER, "item").and_then(|item| item.attribute("nick"));
            self.nick = item.unwrap_or(nick).to_owned();
            return Occupant::Other;
        }
        Occupant::OurselvesGone
    }

    /// Takes in what an item says: somebody's affiliation. Gives his address.
    pub(super) fn take_item(&mut self, items: Node<'_, '_>) -> Option<BareJid> {
        let mut last = None;
        for item in items.children().filter(|c| c.tag_name().name() == "item") {
            let Some(jid) = item
                .attribute("jid")
                .and_then(|jid| BareJid::from_full(jid).ok())
            else {
                continue;
            };
            match item.attribute("affiliation") {
                Some(affiliation) if AFFILIATIONS.contains(&affiliation) => {
                    self.members.insert(jid.clone());
                }
                Some(_) => {
                    self.members.remove(&jid);
                }
                None => {}
            }
            last = Some(jid);
        }
        last
    }

    /// What OMEMO has to know of it.
    pub(super) fn room(&self, own: &BareJid) -> Room {
        let others = self.members.iter().filter(|jid| *jid != own);
        Room {
            members: others.cloned().collect(),
            occupants: self.occupants.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xmpp::element::look;

    #[test]
    fn who_is_in_a_room() {
        let mut room = Entered::default();
        let romeo = |kind: &str, affiliation: &str| {
            format!(
                "<presence type='{kind}'><x xmlns='{USER}'><item affiliation='{affiliation}' \
                 jid='romeo@montague.example/orchard'/><status code='110'/></x></presence>"
            )
        };
        let own: BareJid = "juliet@capulet.example".parse().unwrap();
        let take = |room: &mut Entered, xml: &str| look(xml, |x| room.take_presence("r", x));
        assert_eq!(
            take(&mut room, &romeo("", "member")),
            Some(Occupant::Ourselves)
        );
        assert_eq!(room.room(&own).members.len(), 1);
        assert_eq!(room.room(&own).occupants.len(), 1);
        take(&mut room, &romeo("unavailable", "member"));
        assert_eq!(room.room(&own).members.len(), 1);
        assert!(room.room(&own).occupants.is_empty());
        take(&mut room, &romeo("unavailable", "none"));
        assert!(room.room(&own).members.is_empty());
    }
}
