//! Opening a message: the session that it belongs to says who wrote it.

use zeroize::Zeroizing;

use super::Account;
use super::element::{Context, Unread};
use super::key_element::digest;
use super::message_keys::{Digest, Fate, StoredKeys};
use super::names::{Peer, SessionName};
use super::received::FailureReason;
use super::records::{DeviceRecord, PartRecord};
use super::sender::Sender;
use super::transaction::Transaction;
use super::weigh::Suspect;
use crate::error::{DecryptError, PayloadError};
use crate::model::{Encrypted, OwnKey};
use crate::protocol::{self, KeyMaterial, RatchetMessage};
use crate::ratchet::Budget;
use crate::session::Session;

/// A session that a message has moved.
pub(super) struct Moved {
    pub(super) name: SessionName,
    /// What is known of the device, with a session that is new. It is for [`Account::settle`] to store.
    pub(super) record: DeviceRecord,
    pub(super) session: Session,
    pub(super) payload: Option<Zeroizing<Vec<u8>>>,
    /// It is not one that was late: the other side has used the session since.
    pub(super) is_news: bool,
    pub(super) is_new_session: bool,
    pub(super) is_pre_key_reused: bool,
}

/// What became of a key that is right.
pub(super) enum Tried {
    Moved(Box<Moved>),
    /// The same bytes from this device were opened before.
    Duplicate(Peer),
}

/// A session on which a message is to be tried.
pub(super) struct Chosen<'r> {
    pub(super) name: SessionName,
    pub(super) record: &'r DeviceRecord,
    /// How many messages it may skip, if not as many as the budget has.
    pub(super) max_jump: Option<u32>,
}

/// Old sessions are no place for long jumps: the other side has left them.
const MAX_JUMP_ON_OLD: u32 = 1000;

impl Account {
    /// Opens a message on the session whose ratchet key it has. If there is none, on the current session of
    /// each suspect, and on old ones: it may be the answer to a first message that crossed with theirs.
    ///
    /// Only the owner of a session can write on it, so a MAC that verifies names the sender.
    pub(super) fn open_message(
        &self,
        tx: &mut Transaction<'_>,
        context: &mut Context<'_, '_>,
        suspects: &[Suspect],
        message: &RatchetMessage,
    ) -> Result<Tried, Unread> {
        let mut sessions = Vec::new();
        for Suspect { peer, record } in suspects {
            let part = record.part(peer.version);
            let current = part.map_or(0, |part| part.current);
            for number in part.map(PartRecord::numbers).unwrap_or_default() {
                let name = peer.clone().session(number);
                let Some(session) = self.load_session(tx, &name)? else {
                    continue;
                };
                let dh = &message.header().dh;
                let keys = StoredKeys::new(self, tx, &name, &session);
                let is_its =
                    session.is_receiving_from(dh) || keys.knows(dh)? || keys.has_forgotten(dh)?;
                let max_jump = (number != current && !is_its).then_some(MAX_JUMP_ON_OLD);
                let chosen = Chosen {
                    name,
                    record,
                    max_jump,
                };
                if is_its {
                    return self.open_on(tx, context, chosen, message);
                }
                sessions.push(chosen);
            }
        }
        let mut failure = None;
        for chosen in sessions {
            match self.open_on(tx, context, chosen, message) {
                Err(Unread::Because(reason)) => {
                    failure.get_or_insert(reason);
                }
                tried => return tried,
            }
        }
        Err(match context.incoming.sender {
            Sender::Known(_) | Sender::Occupant(_) => {
                failure.unwrap_or(FailureReason::NoSession).into()
            }
            // That it is not on the session of one of them says nothing of the others.
            Sender::OneOf(_) | Sender::Nobody => FailureReason::AmbiguousSender.into(),
        })
    }

    /// Opens a message on one session. Nothing is changed unless it verifies, and its payload with it.
    pub(super) fn open_on(
        &self,
        tx: &mut Transaction<'_>,
        context: &mut Context<'_, '_>,
        chosen: Chosen<'_>,
        message: &RatchetMessage,
    ) -> Result<Tried, Unread> {
        let Chosen {
            name,
            record,
            max_jump,
        } = chosen;
        let Some(mut session) = self.load_session(tx, &name)? else {
            return Err(FailureReason::NoSession.into());
        };
        let digest = digest(message);
        let keys = StoredKeys::new(self, tx, &name, &session);
        if keys.has_forgotten(&message.header().dh)? {
            return Err(FailureReason::KeyGone.into());
        }
        let available = context.budget.chain_steps();
        let allowed = max_jump.map_or(available, |most| most.min(available));
        let mut budget = Budget::new(allowed, context.budget.dh_steps());
        let decrypted = session.decrypt(message, &keys, &mut budget);
        *context.budget = Budget::new(
            available - (allowed - budget.chain_steps()),
            budget.dh_steps(),
        );
        keys.check()?;
        let decrypted = match decrypted {
            Err(DecryptError::KeyUsed) => {
                return self.tell_used(tx, name, &session, message, &digest);
            }
            decrypted => decrypted.map_err(FailureReason::Key)?,
        };
        let payload = self.open_payload(context.element, decrypted.plaintext())?;
        let (_, changes) = decrypted.commit();
        let n = message.header().n;
        self.store_received(tx, &name, &session, &changes, (n, &digest), context.now)?;
        Ok(Tried::Moved(Box::new(Moved {
            name,
            record: record.clone(),
            session,
            payload,
            is_news: changes.used.is_none(),
            is_new_session: false,
            is_pre_key_reused: false,
        })))
    }

    /// Why the key of a message is not there: the same message used it, another did, or nobody knows.
    fn tell_used(
        &self,
        tx: &Transaction<'_>,
        name: SessionName,
        session: &Session,
        message: &RatchetMessage,
        digest: &Digest,
    ) -> Result<Tried, Unread> {
        let header = message.header();
        let step = if session.is_receiving_from(&header.dh) {
            Some(session.ratchet().steps())
        } else {
            StoredKeys::new(self, tx, &name, session).step_of(&header.dh)?
        };
        let fate = match step {
            Some(step) => self.fate(tx, &name, step, header.n)?,
            None => None,
        };
        match fate {
            Some(Fate::Used(used)) if used == *digest => Ok(Tried::Duplicate(name.peer)),
            Some(Fate::Used(_)) => Err(FailureReason::CounterReused.into()),
            Some(Fate::Waiting(_)) | None => Err(FailureReason::KeyGone.into()),
        }
    }

    /// Opens what a key is for; `None` if there is nothing to read.
    pub(super) fn open_payload(
        &self,
        element: &Encrypted<OwnKey>,
        key_material: &KeyMaterial,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, FailureReason> {
        let protocol = protocol::of(element.version);
        let Some(payload) = &element.payload else {
            // Somebody took the payload off. The message can still be read when it comes whole.
            return if protocol.needs_payload(key_material) {
                Err(FailureReason::Payload(PayloadError::KeyMaterialLength))
            } else {
                Ok(None)
            };
        };
        let iv = element.iv.as_deref();
        let opened = protocol.open_payload(key_material, iv, payload);
        let opened = match (opened, iv) {
            (Err(PayloadError::KeyMaterialLength), Some(iv)) if self.options.accept_tag_outside => {
                protocol::open_payload_with_tag_outside(key_material, iv, payload)
            }
            (opened, _) => opened,
        };
        opened.map(Some).map_err(FailureReason::Payload)
    }
}
