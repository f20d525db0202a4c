//! What OMEMO wants done.

use omemo::client::Action;
use omemo::stanza::PlainMessage;

use super::{Event, Message, Messenger, MessengerError, SharedFile};
use crate::xmpp::element::look;

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
                        None => self.acknowledge(&delivery.id)?,
                    }
                }
                // The same message has come again, by another way, before the first was shown.
                Action::Deliver(_) => {}
                Action::Undecryptable(what) => self.events.push_back(Event::Unreadable {
                    from: look(&what.stanza, |m| m.attribute("from").map(str::to_owned))
                        .flatten()
                        .unwrap_or_default(),
                    reason: what.reason,
                }),
                Action::DecideTrust(question) => self.events.push_back(Event::Question(question)),
                Action::Notice(notice) => self.events.push_back(Event::Notice(notice)),
                Action::WakeAt(at) => self.wake_at = Some(at),
                _ => {}
            }
        }
        if !self.is_ready && self.is_caught_up && self.omemo.is_published()? {
            self.is_ready = true;
            let device = self.omemo.account().device();
            self.events.push_back(Event::Ready(device));
        }
        Ok(())
    }
}

fn message_of(delivery: &omemo::client::Delivery) -> Option<Message> {
    let message = PlainMessage::read(&delivery.stanza).ok()?;
    let attribute = |name| message.attribute(name).unwrap_or_default().into_owned();
    let files = SharedFile::list(&message, delivery.sender.version);
    let body = message.body().filter(|body| !body.is_empty());
    if body.is_none() && files.is_empty() {
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
        is_groupchat: message.attribute("type").as_deref() == Some("groupchat"),
        sender: delivery.sender.jid.clone(),
        device: delivery.sender.device,
        version: delivery.sender.version,
        fingerprint: delivery.fingerprint,
        trust: delivery.trust,
        origin: delivery.origin,
    })
}
