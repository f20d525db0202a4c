//! From a decrypted payload to a message as if it had come in clear.

use rand_core::TryCryptoRng;

use super::Client;
use super::action::{Action, Delivery, Notice, Undecryptable, UndecryptableReason};
use super::attached::Attached;
use crate::account::{APPLICATION, AccountError, Message};
use crate::model::{Timestamp, Version};
use crate::stanza::{Addressee, Envelope, EnvelopeError, Revealed, reveal};

impl<R: TryCryptoRng> Client<R> {
    /// Hands out a message that waits in the inbox. One whose content is not what its stanza says is
    /// reported instead, and waits no more.
    pub(super) fn deliver(&mut self, message: Message, now: Timestamp) -> Result<(), AccountError> {
        let Some(attached) = Attached::from_record(&message.attached) else {
            // Not one of ours: another door of the library has put it there, for its own user.
            return Ok(());
        };
        match compose(&message, &attached) {
            Ok(composed) => {
                if let Some(reason) = composed.opt_out {
                    let jid = message.sender.jid.clone();
                    self.account.opt_out(&jid, false, reason.as_deref(), now)?;
                    self.notice(Notice::OptedOut { jid, reason });
                }
                let delivery = Delivery {
                    id: message.id,
                    stanza: composed.stanza,
                    sender: message.sender,
                    fingerprint: message.fingerprint,
                    trust: message.trust,
                    is_new_key: message.is_new_key,
                    listing: message.listing,
                    origin: attached.origin,
                    sent_at: attached.delay.or(composed.sent_at),
                    is_pre_key_reused: message.is_pre_key_reused,
                    has_other_text: composed.has_other_text,
                    is_again: message.is_again,
                };
                self.actions.push_back(Action::Deliver(Box::new(delivery)));
            }
            Err(reason) => {
                self.account.acknowledge(&message.id, APPLICATION)?;
                self.actions.push_back(Action::Undecryptable(Undecryptable {
                    stanza: attached.shell,
                    origin: attached.origin,
                    reason,
                }));
            }
        }
        Ok(())
    }
}

struct Composed {
    stanza: String,
    sent_at: Option<Timestamp>,
    /// Encryption is to end, and why.
    opt_out: Option<Option<String>>,
    has_other_text: bool,
}

fn compose(message: &Message, attached: &Attached) -> Result<Composed, UndecryptableReason> {
    match message.sender.version {
        Version::Legacy => {
            let body = text(&message.payload)?;
            let stanza = reveal(&attached.shell, Revealed::Body(body));
            Ok(Composed {
                stanza: stanza.map_err(UndecryptableReason::Stanza)?,
                sent_at: None,
                opt_out: None,
                has_other_text: false,
            })
        }
        Version::Omemo2 => {
            let envelope = checked(message, attached).map_err(UndecryptableReason::Envelope)?;
            let stanza = reveal(&attached.shell, Revealed::Content(&envelope.content));
            let opt_out = envelope.opt_out.as_ref();
            let opt_out = opt_out.map(|opt_out| opt_out.reason.as_deref().map(str::to_owned));
            let other = message.other.as_ref();
            let has_other_text = other.is_some_and(|(_, text)| {
                let body = envelope.body.as_deref().unwrap_or_default();
                text.as_slice() != body.as_bytes()
            });
            Ok(Composed {
                stanza: stanza.map_err(UndecryptableReason::Stanza)?,
                sent_at: envelope.sent_at(),
                opt_out,
                has_other_text,
            })
        }
    }
}

/// The envelope, if it is by who sent the stanza, and for whom the stanza was sent.
fn checked<'m>(message: &'m Message, attached: &Attached) -> Result<Envelope<'m>, EnvelopeError> {
    let envelope = Envelope::read(&message.payload)?;
    let addressee = if attached.is_in_room {
        Addressee::Room(&attached.addressee)
    } else {
        Addressee::Account(&attached.addressee)
    };
    envelope.check(&message.sender.jid, addressee)?;
    Ok(envelope)
}

fn text(payload: &[u8]) -> Result<&str, UndecryptableReason> {
    core::str::from_utf8(payload).map_err(|_| UndecryptableReason::Encoding)
}
