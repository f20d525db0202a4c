//! Who is blocked (XEP-0191): OMEMO sends nothing to them by itself.

use std::collections::BTreeSet;

use omemo::model::BareJid;
use roxmltree::Node;

use super::{Messenger, MessengerError, now};
use crate::xmpp::element::child;

/// The namespace of the commands.
pub(super) const BLOCKING: &str = "urn:xmpp:blocking";

impl Messenger {
    /// The whole list has come, or has not: then what was known stays.
    pub(super) fn blocklist_answered(
        &mut self,
        answer: Option<Node<'_, '_>>,
    ) -> Result<(), MessengerError> {
        let Some(list) = answer.and_then(|iq| child(iq, BLOCKING, "blocklist")) else {
            return Ok(());
        };
        let blocked: BTreeSet<_> = accounts(list).collect();
        for jid in self.omemo.account().blocked()? {
            if !blocked.contains(&jid) {
                self.omemo.set_blocked(&jid, false, now())?;
            }
        }
        self.block(blocked)
    }

    /// Another client of the account has changed the list.
    pub(super) fn blocklist_changed(&mut self, change: Node<'_, '_>) -> Result<(), MessengerError> {
        if change.has_tag_name((BLOCKING, "block")) {
            return self.block(accounts(change));
        }
        let mut unblocked: Vec<_> = accounts(change).collect();
        // XEP-0191 §3.4: without items everybody.
        if change.first_element_child().is_none() {
            unblocked = self.omemo.account().blocked()?;
        }
        for jid in unblocked {
            self.omemo.set_blocked(&jid, false, now())?;
        }
        Ok(())
    }

    fn block(&mut self, jids: impl IntoIterator<Item = BareJid>) -> Result<(), MessengerError> {
        for jid in jids {
            self.omemo.set_blocked(&jid, true, now())?;
        }
        Ok(())
    }
}

/// The accounts and domains of a list. A single resource of somebody is not the account.
fn accounts<'a>(list: Node<'a, 'a>) -> impl Iterator<Item = BareJid> + 'a {
    let items = list.children();
    items
        .filter(|item| item.has_tag_name((BLOCKING, "item")))
        .filter_map(|item| item.attribute("jid")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::Rehearsal;
    use super::*;

    fn blocked(rehearsal: &mut Rehearsal) -> Vec<String> {
        let jids = rehearsal.messenger.omemo().account().blocked().unwrap();
        jids.iter().map(BareJid::to_string).collect()
    }

    #[tokio::test]
    async fn the_list_of_the_server_is_followed() {
        let own = "juliet@capulet.example";
        let list = |items: &[&str]| {
            let items: String = items
                .iter()
                .map(|jid| format!("<item jid='{jid}'/>"))
                .collect();
            items
        };
        let mut rehearsal = Rehearsal::new(None);
        let whole = list(&[
            "tybalt@capulet.example",
            "spam.example",
            "romeo@montague.example/x",
        ]);
        let whole = format!("<blocklist xmlns='{BLOCKING}'>{whole}</blocklist>");
        rehearsal.answer("<blocklist", "result", own, &whole).await;
        assert_eq!(
            blocked(&mut rehearsal),
            ["spam.example", "tybalt@capulet.example"]
        );

        let push = |from: &str, command: &str, items: &str| {
            format!(
                "<iq type='set' id='p'{from}><{command} xmlns='{BLOCKING}'>{items}</{command}></iq>"
            )
        };
        let paris = list(&["paris@verona.example"]);
        // Nobody but our own server says so.
        let stranger = " from='paris@verona.example'";
        rehearsal.say(&push(stranger, "unblock", ""));
        assert_eq!(blocked(&mut rehearsal).len(), 2);
        rehearsal.say(&push("", "block", &paris));
        assert_eq!(blocked(&mut rehearsal).len(), 3);
        rehearsal.say(&push(" from='juliet@capulet.example'", "unblock", &paris));
        assert_eq!(blocked(&mut rehearsal).len(), 2);
        rehearsal.say(&push("", "unblock", ""));
        assert!(blocked(&mut rehearsal).is_empty());
    }

    #[tokio::test]
    async fn what_was_unblocked_while_we_were_away_is_not_blocked_any_more() {
        let mut rehearsal = Rehearsal::new(None);
        let tybalt = "tybalt@capulet.example".parse().unwrap();
        rehearsal
            .messenger
            .omemo()
            .set_blocked(&tybalt, true, now())
            .unwrap();
        let query = rehearsal.hear("<blocklist").await;
        let id = Rehearsal::id_of(&query);
        // A server that does not answer changes nothing.
        rehearsal.say(&format!("<iq type='error' id='{id}'/>"));
        assert_eq!(blocked(&mut rehearsal).len(), 1);
        let empty = format!("<blocklist xmlns='{BLOCKING}'/>");
        let answered = format!("<iq>{empty}</iq>");
        crate::xmpp::element::look(&answered, |iq| {
            rehearsal.messenger.blocklist_answered(Some(iq)).unwrap();
        });
        assert!(blocked(&mut rehearsal).is_empty());
    }
}
