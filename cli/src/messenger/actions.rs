//! What OMEMO wants done.

use omemo::client::{Action, Notice, Undecryptable};
use omemo::stanza::PlainMessage;

use super::now;
use super::requests::Asked;
use super::{Event, Message, Messenger, MessengerError, References, SharedFile, Unreadable};
use crate::xmpp::element::{escape, look};

const PUBSUB: &str = "http://jabber.org/protocol/pubsub";

impl Messenger {
    /// Does what OMEMO wants done.
    pub(super) fn act(&mut self) -> Result<(), MessengerError> {
        while let Some(action) = self.omemo.next_action() {
            match action {
                Action::Request(request) => self.stream.send(request.to_string()),
                Action::Send(stanza) => self.stream.send(stanza),
                Action::Encrypted(message) => {
                    self.stream.send(message.stanza);
                    self.events.push_back(Event::Sent {
                        ticket: message.ticket,
                        report: message.report,
                    });
                }
                Action::Refused(refused) => self.events.push_back(Event::Refused {
                    ticket: refused.ticket,
                    reason: refused.reason,
                }),
                // The same message may come again, by another way, before the first was shown.
                Action::Deliver(delivery) if self.shown.insert(delivery.id) => {
                    match message_of(&delivery) {
                        Some(message) => self.events.push_back(Event::Message(Box::new(message))),
                        // Without a text or a file there is nothing that this program could show.
                        None => self.acknowledge(delivery.id),
                    }
                }
                // The same message has come again, by another way, before the first was shown.
                Action::Deliver(_) => {}
                Action::Undecryptable(what) => {
                    let unreadable = unreadable_of(what);
                    self.events.push_back(Event::Unreadable(unreadable));
                }
                Action::DecideTrust(question) => self.events.push_back(Event::Question(question)),
                Action::AskMembers(room) => self.members_wanted(&room)?,
                Action::DecideIdentity(question) => {
                    self.events.push_back(Event::Changed(question));
                }
                Action::Notice(notice) => {
                    if let Notice::Evicted { messages } = &notice {
                        self.omemo.acknowledge_evicted(*messages)?;
                    }
                    if matches!(notice, Notice::RolledBack | Notice::RollbackSuspected) {
                        self.omemo.acknowledge_rollback()?;
                    }
                    self.events.push_back(Event::Notice(notice));
                }
                Action::WakeAt(at) => self.wake_at = Some(at),
                _ => {}
            }
        }
        if !self.is_ready && self.is_caught_up && self.omemo.is_published()? {
            self.is_ready = true;
            let device = self.omemo.account().device();
            self.events.push_back(Event::Ready(device));
            self.subscribe_to_own_lists()?;
        }
        let put_back_at = self.omemo.list_due_at(now());
        if put_back_at != self.put_back_at {
            self.events.extend(put_back_at.map(Event::PutBackAt));
            self.put_back_at = put_back_at;
        }
        Ok(())
    }

    /// Subscribes the account to its own device lists (XEP-0060 §6.1). Servers tell of changes because of
    /// presence and capabilities; but on ejabberd (24.12) it is the publisher's session that tells those whose
    /// presence it has seen. A publisher that has sent no presence, or is gone at once, tells nobody, and a
    /// device that was taken off its list would not hear of it. A subscription does not depend on him.
    fn subscribe_to_own_lists(&mut self) -> Result<(), MessengerError> {
        let own = self.login.jid.clone();
        for feature in self.omemo.features() {
            let Some(node) = feature.strip_suffix("+notify") else {
                continue;
            };
            let subscribe = format!(
                "<pubsub xmlns='{PUBSUB}'><subscribe node='{}' jid='{own}'/></pubsub>",
                escape(node)
            );
            self.ask(None, "set", &subscribe, Asked::Nothing)?;
        }
        Ok(())
    }
}

fn message_of(delivery: &omemo::client::Delivery) -> Option<Message> {
    let message = PlainMessage::read(&delivery.stanza).ok()?;
    let attribute = |name| message.attribute(name).unwrap_or_default().into_owned();
    let files = SharedFile::list(&message, delivery.sender.version);
    let body = message.body().filter(|body| !body.is_empty());
    let references = References::read(&delivery.stanza);
    if body.is_none() && files.is_empty() && !references.is_reaction() {
        return None;
    }
    Some(Message {
        id: delivery.id,
        from: attribute("from"),
        to: attribute("to"),
        body: body.unwrap_or_default().to_owned(),
        text: match files.is_empty() {
            true => body.unwrap_or_default().to_owned(),
            false => SharedFile::text_beside(&message).to_owned(),
        },
        files,
        references,
        are_references_authenticated: delivery.unauthenticated_marks.is_empty(),
        is_groupchat: message.attribute("type").as_deref() == Some("groupchat"),
        sender: delivery.sender.jid.clone(),
        device: delivery.sender.device,
        version: delivery.sender.version,
        fingerprint: delivery.fingerprint,
        trust: delivery.trust,
        origin: delivery.origin,
    })
}

fn unreadable_of(what: Undecryptable) -> Unreadable {
    let (from, id, is_groupchat) = look(&what.stanza, |message| {
        let attribute = |name| message.attribute(name).map(str::to_owned);
        let is_groupchat = message.attribute("type") == Some("groupchat");
        (attribute("from"), attribute("id"), is_groupchat)
    })
    .unwrap_or_default();
    Unreadable {
        from: from.unwrap_or_default(),
        id,
        is_groupchat,
        sender: what.sender,
        origin: what.origin,
        reason: what.reason,
    }
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::Rehearsal;
    use super::*;

    const LEGACY: &str = "eu.siacs.conversations.axolotl";

    /// The server says that these devices are on the legacy list.
    fn list(devices: &[u32]) -> String {
        let devices: String = devices
            .iter()
            .map(|device| format!("<device id='{device}'/>"))
            .collect();
        format!(
            "<message type='headline' from='juliet@capulet.example'>\
             <event xmlns='http://jabber.org/protocol/pubsub#event'><items node='{LEGACY}.devicelist'>\
             <item id='current'><list xmlns='{LEGACY}'>{devices}</list></item></items></event></message>"
        )
    }

    #[tokio::test]
    async fn the_account_hears_of_its_lists_whoever_publishes_them() {
        let mut rehearsal = Rehearsal::new(None);
        rehearsal.get_ready().await;
        for node in [&format!("{LEGACY}.devicelist"), "urn:xmpp:omemo:2:devices"] {
            let subscribe = format!("<subscribe node='{node}' jid='juliet@capulet.example'/>");
            rehearsal.hear(&subscribe).await;
        }
    }

    #[tokio::test]
    async fn a_device_that_waits_to_be_put_back_says_until_when() {
        let mut rehearsal = Rehearsal::new(None);
        rehearsal.get_ready().await;
        let us = rehearsal.messenger.omemo().account().device().get();
        rehearsal.say(&list(&[us]));
        let is_waiting = |event: &Event| matches!(event, Event::PutBackAt(at) if *at > now());
        assert!(!rehearsal.events().iter().any(is_waiting));
        // The first time it is put back at once.
        rehearsal.say(&list(&[4711]));
        assert!(!rehearsal.events().iter().any(is_waiting));
        rehearsal.say(&list(&[us, 4711]));
        rehearsal.say(&list(&[4711]));
        let events = rehearsal.events();
        let told = events.iter().filter(|event| is_waiting(event));
        assert_eq!(told.count(), 1, "{events:?}");
        // It is told once.
        rehearsal.say(&list(&[4711]));
        assert!(!rehearsal.events().iter().any(is_waiting));
    }
}
