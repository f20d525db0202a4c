//! Contacts: the roster (RFC 6121 §2), and who may see our presence.

use std::collections::{BTreeMap, BTreeSet};

use omemo::model::BareJid;
use roxmltree::Node;

use super::{Messenger, MessengerError, now};
use crate::xmpp::element::child;

/// The namespace of rosters.
pub(super) const ROSTER: &str = "jabber:iq:roster";

/// The contacts of the account.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    /// Those on the roster, and whether their server tells us of changes.
    subscribed: BTreeMap<BareJid, bool>,
    /// Whose wish to see our presence is granted.
    welcome: BTreeSet<BareJid>,
}

impl Messenger {
    /// Asks to see somebody's presence, and lets him see ours. Servers tell of device lists on that.
    ///
    /// # Errors
    /// [`MessengerError`].
    pub fn subscribe(&mut self, to: &BareJid) -> Result<(), MessengerError> {
        self.contacts.welcome.insert(to.clone());
        self.accept(to)?;
        for kind in ["subscribed", "subscribe"] {
            self.stream
                .send(format!("<presence to='{to}' type='{kind}'/>"));
        }
        Ok(())
    }

    /// Grants what [`Self::subscribe`] was told of.
    pub(super) fn subscription_asked(&self, by: &BareJid) {
        if self.contacts.welcome.contains(by) {
            self.stream
                .send(format!("<presence to='{by}' type='subscribed'/>"));
        }
    }

    /// Whoever is written to is no stranger.
    pub(super) fn accept(&mut self, jid: &BareJid) -> Result<(), MessengerError> {
        let is_subscribed = self.contacts.subscribed.get(jid).copied().unwrap_or(false);
        Ok(self.omemo.set_contact(jid, true, is_subscribed, now())?)
    }

    /// The whole roster has come, or has not.
    pub(super) fn roster_answered(
        &mut self,
        answer: Option<Node<'_, '_>>,
    ) -> Result<(), MessengerError> {
        let Some(iq) = answer.filter(|iq| child(*iq, ROSTER, "query").is_some()) else {
            return Ok(());
        };
        // Whoever was removed meanwhile is not in it.
        let before = core::mem::take(&mut self.contacts.subscribed).into_keys();
        self.take_roster(iq)?;
        for jid in before.filter(|jid| !self.contacts.subscribed.contains_key(jid)) {
            self.omemo.set_contact(&jid, false, false, now())?;
        }
        Ok(())
    }

    /// Takes in what the server says of contacts.
    pub(super) fn take_roster(&mut self, iq: Node<'_, '_>) -> Result<(), MessengerError> {
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
                self.contacts.subscribed.remove(&jid);
            } else {
                self.contacts.subscribed.insert(jid.clone(), is_subscribed);
            }
            // Somebody who was only asked is on the roster too, and was accepted by asking.
            let is_accepted = subscription != "remove";
            self.omemo
                .set_contact(&jid, is_accepted, is_subscribed, now())?;
        }
        Ok(())
    }
}
