//! Messages that go out.

use omemo::account::MessageId;
use omemo::client::Ticket;

use super::requests::Asked;
use super::{Messenger, MessengerError, PING, Recipient, now, random_id};
use crate::xmpp::element::escape;

impl Messenger {
    /// Encrypts a text for an account or a room that was entered, and sends it as soon as it can be:
    /// [`Event::Sent`](super::Event::Sent) or [`Event::Refused`](super::Event::Refused) says so.
    ///
    /// # Errors
    /// [`MessengerError`]: it is not taken.
    pub fn send(&mut self, to: &Recipient, body: &str) -> Result<Ticket, MessengerError> {
        self.write(to, &format!("<body>{}</body>", escape(body)))
    }

    /// Encrypts the elements of a message and sends it.
    pub(super) fn write(
        &mut self,
        to: &Recipient,
        elements: &str,
    ) -> Result<Ticket, MessengerError> {
        let jid = to.jid();
        let kind = match (to, self.rooms.get(jid)) {
            // Before the lists of members have come nobody could be encrypted for.
            (_, Some(entered)) if entered.is_known => "groupchat",
            (Recipient::Room(_), _) | (_, Some(_)) => return Err(MessengerError::NotInRoom),
            (Recipient::Account(_), None) => {
                self.accept(jid)?;
                "chat"
            }
        };
        let id = random_id()?;
        let stanza = format!("<message to='{jid}' type='{kind}' id='{id}'>{elements}</message>");
        let ticket = self
            .omemo
            .encrypt(&stanza, core::slice::from_ref(jid), now())?;
        let to = match kind {
            "groupchat" => Recipient::Room(jid.clone()),
            _ => Recipient::Account(jid.clone()),
        };
        self.sent.keep(id, to, ticket);
        Ok(ticket)
    }

    /// The message was shown: it is not handed out again. It is stored before [`Self::next`] waits for
    /// something, with all others that were shown until then.
    pub fn acknowledge(&mut self, id: MessageId) {
        self.acknowledged.push(id);
    }

    pub(super) fn store_acknowledged(&mut self) -> Result<(), MessengerError> {
        for id in self.acknowledged.store()? {
            self.shown.remove(&id);
        }
        Ok(())
    }

    /// Asks the server for a sign of life: [`Event::Synced`](super::Event::Synced) comes when it has taken everything before.
    ///
    /// # Errors
    /// [`MessengerError::Random`].
    pub fn sync(&mut self) -> Result<(), MessengerError> {
        self.ask(None, "get", PING, Asked::Sync)
    }
}
