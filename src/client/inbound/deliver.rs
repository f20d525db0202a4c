//! From a decrypted payload to a message as if it had come in clear.

use rand_core::TryCryptoRng;

use super::attached::Attached;
use crate::account::{APPLICATION, AccountError, Message, Peer};
use crate::client::Client;
use crate::client::action::{
    Action, ArchiveId, Delivery, Notice, Origin, Undecryptable, UndecryptableReason,
};
use crate::model::{BareJid, Timestamp, Version};
use crate::stanza::{Addressee, Content, ElementName, OptOut, Revealed, reveal, said_sender};

impl<R: TryCryptoRng> Client<R> {
    /// Hands out a message that waits in the inbox. One whose content is not what its stanza says is
    /// reported instead, and waits no more.
    pub(in crate::client) fn deliver(&mut self, message: Message) -> Result<(), AccountError> {
        let Some(attached) = Attached::from_record(&message.attached) else {
            // Not one of ours: another door of the library has put it there, for its own user.
            return Ok(());
        };
        let addressees = self.addressees(&attached);
        let addressee = match &addressees {
            _ if attached.is_in_room => Addressee::Room(&attached.addressee),
            _ if !attached.is_to_occupant => Addressee::Account(&attached.addressee),
            Some(addressees) => Addressee::OneOf(addressees),
            None => Addressee::Unknown,
        };
        match compose(&message, &attached, addressee, &self.options.kept_beside) {
            Ok(composed) => {
                // Anybody can put a key on his server, and one of many speaks for himself, not for a room.
                let counts = message.trust.allows_sending()
                    && !attached.is_in_room
                    && !attached.is_to_occupant;
                // Handed out again, it may be older than the user's wish to encrypt again.
                let counts = counts && !message.is_again;
                if let Some(reason) = composed.opt_out.filter(|_| counts) {
                    // What another device of ours says, it says to whom it has written.
                    let is_ours = message.sender.jid == *self.account.jid();
                    let jid = if is_ours {
                        attached.addressee
                    } else {
                        message.sender.jid.clone()
                    };
                    self.opt_outs.push_back(PendingOptOut {
                        jid,
                        is_ours,
                        reason,
                    });
                }
                let delivery = Delivery {
                    id: message.id,
                    stanza: composed.revealed.stanza,
                    unauthenticated: composed.revealed.unauthenticated,
                    unauthenticated_marks: composed.revealed.unauthenticated_marks,
                    sender: message.sender,
                    fingerprint: message.fingerprint,
                    trust: message.trust,
                    is_new_key: message.is_new_key,
                    listing: message.listing,
                    origin: attached.origin,
                    archived: attached.archived,
                    sent_at: attached.delay.or(composed.sent_at).or(attached.kept_since),
                    written_at: composed.sent_at,
                    is_pre_key_reused: message.is_pre_key_reused,
                    has_other_text: composed.has_other_text,
                    is_again: message.is_again,
                };
                let is_same = |action: &Action| matches!(action, Action::Deliver(other) if other.id == delivery.id);
                // It came twice before anybody has taken it.
                if !(delivery.is_again && self.actions.iter().any(is_same)) {
                    self.actions.push_back(Action::Deliver(Box::new(delivery)));
                }
            }
            Err(reason) => {
                self.account.acknowledge(&[message.id], APPLICATION)?;
                self.tell_unreadable(attached, Some(message.sender), reason);
            }
        }
        Ok(())
    }

    /// To whom a private message to an occupant of a room may have gone; `None` if nobody has told of the room, as
    /// after a start, when messages that were read before are handed out again.
    fn addressees(&self, attached: &Attached) -> Option<Vec<BareJid>> {
        let room = self.rooms.get(&attached.addressee);
        let room = room.filter(|_| attached.is_to_occupant)?;
        let everybody = room.everybody().chain([&attached.addressee]);
        Some(everybody.cloned().collect())
    }

    /// Tells that a message could not be read.
    pub(super) fn tell_unreadable(
        &mut self,
        attached: Attached,
        sender: Option<Peer>,
        reason: UndecryptableReason,
    ) {
        let Attached {
            shell,
            origin,
            archived,
            ..
        } = attached;
        self.tell_unreadable_shell(shell, (origin, archived), sender, reason);
    }

    /// The same; `shell` is its stanza without its encrypted part.
    pub(super) fn tell_unreadable_shell(
        &mut self,
        shell: String,
        (origin, archived): (Origin, Option<ArchiveId>),
        sender: Option<Peer>,
        reason: UndecryptableReason,
    ) {
        let from = match said_sender(&shell) {
            Some(from) => BareJid::from_full(&from).ok(),
            None => Some(self.account.jid().clone()),
        };
        self.actions.push_back(Action::Undecryptable(Undecryptable {
            stanza: shell,
            origin,
            archived,
            from,
            sender,
            reason,
        }));
    }

    /// Enters what came with messages that are stored already: before anything is encrypted.
    pub(in crate::client) fn enter_opt_outs(&mut self, now: Timestamp) -> Result<(), AccountError> {
        while let Some(PendingOptOut {
            jid,
            is_ours,
            reason,
        }) = self.opt_outs.front().cloned()
        {
            self.account
                .opt_out(&jid, is_ours, reason.as_deref(), now)?;
            self.opt_outs.pop_front();
            self.notice(Notice::OptedOut { jid, reason });
        }
        Ok(())
    }
}

/// The end of encryption in a conversation, which is not in the store yet.
#[derive(Clone)]
pub(in crate::client) struct PendingOptOut {
    jid: BareJid,
    is_ours: bool,
    reason: Option<String>,
}

struct Composed {
    revealed: Revealed,
    sent_at: Option<Timestamp>,
    /// Encryption is to end, and why.
    opt_out: Option<Option<String>>,
    has_other_text: bool,
}

fn compose(
    message: &Message,
    attached: &Attached,
    addressee: Addressee<'_>,
    also_kept: &[ElementName],
) -> Result<Composed, UndecryptableReason> {
    let content = read(message.sender.version, &message.payload, message, addressee)?;
    let other = message.other.as_ref();
    let other = other.map(|(version, payload)| read(*version, payload, message, addressee));
    // An envelope beside it that is not right is no text at all.
    let has_other_text = other.is_some_and(|other| {
        let other = other.map(|other| other.body.unwrap_or_default().into_owned());
        other.ok().as_deref() != Some(content.body.as_deref().unwrap_or_default())
    });
    let reason = |opt_out: &OptOut<'_>| opt_out.reason.as_deref().map(str::to_owned);
    Ok(Composed {
        revealed: reveal(&attached.shell, &content, also_kept)
            .map_err(UndecryptableReason::Stanza)?,
        sent_at: content.sent_at,
        opt_out: content.opt_out.as_ref().map(reason),
        has_other_text,
    })
}

fn read<'m>(
    version: Version,
    payload: &'m [u8],
    message: &Message,
    addressee: Addressee<'_>,
) -> Result<Content<'m>, UndecryptableReason> {
    let content = Content::read(version, payload, &message.sender.jid, addressee);
    content.map_err(UndecryptableReason::Content)
}
