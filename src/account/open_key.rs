//! One key for this device, from one device: which session it belongs to, and what is in it.

use rand_core::TryCryptoRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::answers::Call;
use super::decrypt::Context;
use super::message_keys::{Digest, Fate, StoredKeys};
use super::names::{Peer, SessionName};
use super::pre_keys::KEPT_AFTER_USE;
use super::received::{Arrival, FailureReason};
use super::records::{DeviceRecord, PartRecord};
use super::transaction::Transaction;
use super::trust::Introduction;
use super::{Account, AccountError, Listing, Trust};
use crate::error::{DecryptError, PayloadError};
use crate::model::{Encrypted, Fingerprint, OwnKey, Timestamp, Version};
use crate::protocol::{self, KeyExchange, KeyMaterial, RatchetMessage};
use crate::ratchet::Budget;
use crate::session::Session;

/// A key element that was taken apart. Its attribute is a hint that nobody authenticates: the structure
/// decides whether it is a key exchange.
pub(super) enum Key {
    Exchange(Box<KeyExchange>),
    Message(Box<RatchetMessage>),
}

impl Key {
    pub(super) fn read(version: Version, key: &OwnKey) -> Result<Self, FailureReason> {
        let exchange =
            || KeyExchange::read(version, &key.bytes).map(|key| Self::Exchange(Box::new(key)));
        let message =
            || RatchetMessage::read(version, &key.bytes).map(|key| Self::Message(Box::new(key)));
        let read = if key.key_exchange {
            exchange().or_else(|error| message().map_err(|_| error))
        } else {
            message().or_else(|error| exchange().map_err(|_| error))
        };
        read.map_err(|error| FailureReason::Key(error.into()))
    }

    pub(super) const fn message(&self) -> &RatchetMessage {
        match self {
            Self::Exchange(exchange) => exchange.message(),
            Self::Message(message) => message,
        }
    }

    /// The identity that a key exchange claims.
    pub(super) fn identity(&self) -> Option<Fingerprint> {
        match self {
            Self::Exchange(exchange) => Some(exchange.identity().into()),
            Self::Message(_) => None,
        }
    }
}

/// A key that was opened, and all that it changes is in the transaction.
pub(super) struct Opened {
    pub(super) sender: Peer,
    pub(super) fingerprint: Fingerprint,
    pub(super) trust: Trust,
    pub(super) is_new_key: bool,
    pub(super) listing: Listing,
    pub(super) is_pre_key_reused: bool,
}

pub(super) enum Found {
    Opened(Box<Opened>, Option<Zeroizing<Vec<u8>>>),
    /// The same bytes were opened before.
    Duplicate,
}

/// What became of a key: an error of the first kind is the store's, of the second the key's.
type Outcome<T> = Result<Result<T, FailureReason>, AccountError>;

/// A session that a message has moved.
struct Moved {
    name: SessionName,
    session: Session,
    payload: Option<Zeroizing<Vec<u8>>>,
    /// It is not one that was late: the other side has used the session since.
    is_news: bool,
    is_new_session: bool,
    is_pre_key_reused: bool,
}

enum Tried {
    Moved(Box<Moved>),
    Duplicate,
}

impl Account {
    /// Opens a key as one from this sender.
    pub(super) fn open_key<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        context: &mut Context<'_, '_>,
        sender: Peer,
        key: &Key,
        rng: &mut G,
    ) -> Outcome<Found> {
        let mut record = self.device_or_new(tx, &sender.jid, sender.device, context.now)?;
        let before = record.clone();
        let tried = match key {
            Key::Message(message) => self.open_message(tx, context, &sender, &record, message)?,
            Key::Exchange(exchange) => {
                let part = record.part(sender.version);
                let known =
                    part.and_then(|part| part.accepted_from(exchange.ephemeral().as_bytes()));
                match known {
                    Some(number) => {
                        let name = sender.clone().session(number);
                        self.open_on(tx, context, name, exchange.message(), None)?
                    }
                    None => self.accept(tx, context, &sender, &mut record, exchange, rng)?,
                }
            }
        };
        let moved = match tried {
            Ok(Tried::Moved(moved)) => *moved,
            Ok(Tried::Duplicate) => return Ok(Ok(Found::Duplicate)),
            Err(reason) => return Ok(Err(reason)),
        };
        let opened = self.settle(tx, context, sender, &before, record, &moved)?;
        Ok(Ok(Found::Opened(Box::new(opened), moved.payload)))
    }

    /// Opens a message on the session whose ratchet key it has, else on the current one, else on an old
    /// one: the answer to a first message that crossed with theirs.
    fn open_message(
        &self,
        tx: &mut Transaction<'_>,
        context: &mut Context<'_, '_>,
        sender: &Peer,
        record: &DeviceRecord,
        message: &RatchetMessage,
    ) -> Outcome<Tried> {
        let part = record.part(sender.version);
        let mut sessions = Vec::new();
        for number in part.map(PartRecord::numbers).unwrap_or_default() {
            let name = sender.clone().session(number);
            let Some(session) = self.load_session(tx, &name)? else {
                continue;
            };
            let dh = &message.header().dh;
            let keys = StoredKeys::new(self, tx, &name, &session);
            if session.is_receiving_from(dh) || keys.knows(dh)? || keys.has_forgotten(dh)? {
                return self.open_on(tx, context, name, message, None);
            }
            sessions.push(name);
        }
        let current = part.map_or(0, |part| part.current);
        let mut failure = FailureReason::NoSession;
        for name in sessions {
            let jump = (name.number != current).then_some(MAX_JUMP_ON_OLD);
            match self.open_on(tx, context, name, message, jump)? {
                Ok(tried) => return Ok(Ok(tried)),
                Err(reason) if failure == FailureReason::NoSession => failure = reason,
                Err(_) => {}
            }
        }
        Ok(Err(failure))
    }

    /// Opens a message on one session. Nothing is changed unless it verifies, and its payload with it.
    fn open_on(
        &self,
        tx: &mut Transaction<'_>,
        context: &mut Context<'_, '_>,
        name: SessionName,
        message: &RatchetMessage,
        max_jump: Option<u32>,
    ) -> Outcome<Tried> {
        let Some(mut session) = self.load_session(tx, &name)? else {
            return Ok(Err(FailureReason::NoSession));
        };
        let digest = digest(message);
        let keys = StoredKeys::new(self, tx, &name, &session);
        if keys.has_forgotten(&message.header().dh)? {
            return Ok(Err(FailureReason::KeyGone));
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
        let opened = match decrypted {
            Ok(decrypted) => match self.open_payload(context.element, decrypted.plaintext()) {
                Ok(payload) => Ok((payload, decrypted.commit().1)),
                Err(error) => Err(FailureReason::Payload(error)),
            },
            Err(DecryptError::KeyUsed) => {
                return self.tell_used(tx, &name, &session, message, &digest);
            }
            Err(error) => Err(FailureReason::Key(error)),
        };
        let (payload, changes) = match opened {
            Ok(opened) => opened,
            Err(reason) => return Ok(Err(reason)),
        };
        let n = message.header().n;
        self.store_received(tx, &name, &session, &changes, (n, &digest), context.now)?;
        Ok(Ok(Tried::Moved(Box::new(Moved {
            name,
            session,
            payload,
            is_news: changes.used.is_none(),
            is_new_session: false,
            is_pre_key_reused: false,
        }))))
    }

    /// Why the key of a message is not there: the same message used it, another did, or nobody knows.
    fn tell_used(
        &self,
        tx: &Transaction<'_>,
        name: &SessionName,
        session: &Session,
        message: &RatchetMessage,
        digest: &Digest,
    ) -> Outcome<Tried> {
        let header = message.header();
        let step = if session.is_receiving_from(&header.dh) {
            Some(session.ratchet().steps())
        } else {
            StoredKeys::new(self, tx, name, session).step_of(&header.dh)?
        };
        let fate = match step {
            Some(step) => self.fate(tx, name, step, header.n)?,
            None => None,
        };
        Ok(match fate {
            Some(Fate::Used(used)) if used == *digest => Ok(Tried::Duplicate),
            Some(Fate::Used(_)) => Err(FailureReason::CounterReused),
            Some(Fate::Waiting(_)) | None => Err(FailureReason::KeyGone),
        })
    }

    /// Accepts a key exchange: a new session.
    fn accept<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        context: &mut Context<'_, '_>,
        sender: &Peer,
        record: &mut DeviceRecord,
        exchange: &KeyExchange,
        rng: &mut G,
    ) -> Outcome<Tried> {
        let identity = exchange.identity();
        if !record.shows(identity) {
            return Ok(Err(FailureReason::IdentityChanged));
        }
        if !self.has_room_for(tx, &sender.jid, sender.device)? {
            return Ok(Err(FailureReason::TooManyDevices));
        }
        let version = sender.version;
        let Some(signed_id) = exchange.signed_pre_key_id() else {
            return Ok(Err(FailureReason::UnknownSignedPreKey));
        };
        let Some(signed) = self.signed_pre_key(tx, version, signed_id)? else {
            return Ok(Err(FailureReason::UnknownSignedPreKey));
        };
        let Some(id) = exchange.pre_key_id() else {
            return Ok(Err(FailureReason::UnknownPreKey));
        };
        let Some(pre_key) = self.pre_key(tx, version, id)? else {
            return Ok(Err(FailureReason::UnknownPreKey));
        };
        if pre_key.was_kept_for(KEPT_AFTER_USE, context.now) {
            return Ok(Err(FailureReason::UnknownPreKey));
        }
        let is_reused = match &pre_key.used {
            Some((_, base_key)) if base_key == exchange.ephemeral().as_bytes() => {
                return Ok(Err(FailureReason::Replayed));
            }
            used => used.is_some(),
        };
        let keys = crate::session::ResponderKeys {
            identity: &self.own.identity,
            signed_pre_key: &signed.pair,
            pre_key: &pre_key.pair,
        };
        let accepted = match Session::accept(&keys, exchange, context.budget) {
            Ok(accepted) => accepted,
            Err(error) => return Ok(Err(FailureReason::Key(error))),
        };
        let payload = match self.open_payload(context.element, &accepted.plaintext) {
            Ok(payload) => payload,
            Err(error) => return Ok(Err(FailureReason::Payload(error))),
        };
        let birth = super::sessions::Birth {
            receive_only: is_reused,
            is_current: !is_reused && self.may_change_current(tx, context, record, version)?,
            at: context.now,
        };
        let name = self.add_session(tx, sender, record, &accepted.session, &birth)?;
        let message = exchange.message();
        let used = (message.header().n, &digest(message));
        let session = accepted.session;
        self.store_received(tx, &name, &session, &accepted.skipped, used, context.now)?;
        self.use_pre_key(
            tx,
            version,
            (id, pre_key),
            exchange.ephemeral(),
            context.now,
            rng,
        )?;
        record.pin(identity);
        Ok(Ok(Tried::Moved(Box::new(Moved {
            name,
            session,
            payload,
            is_news: true,
            is_new_session: true,
            is_pre_key_reused: is_reused,
        }))))
    }

    /// What follows once a key was opened: for the device, the contact, the trust, and what is owed.
    fn settle(
        &self,
        tx: &mut Transaction<'_>,
        context: &Context<'_, '_>,
        sender: Peer,
        before: &DeviceRecord,
        mut record: DeviceRecord,
        moved: &Moved,
    ) -> Result<Opened, AccountError> {
        let now = context.now;
        let version = sender.version;
        let number = moved.name.number;
        let may_change = self.may_change_current(tx, context, before, version)?;
        let since = self.catch_ups(tx)?.latest_begin();
        let part = record.part_mut(version);
        let is_receive_only = part.entry(number).is_none_or(|entry| entry.receive_only);
        if moved.is_news && may_change && !is_receive_only {
            part.make_current(number, now);
        }
        let is_current = part.current == number;
        part.speaks |= moved.payload.is_some();
        if is_stale(part.heard, since, now) {
            // What is newer than the beginning of the catch-up is so, whatever the clock says.
            part.heard = now.as_millis().max(since);
            record.heard = now.as_millis();
        }
        let listing = record.listing(version);
        let fingerprint = Fingerprint::from(moved.session.remote_identity());
        let introduction = Introduction {
            jid: &sender.jid,
            device: sender.device,
            is_first: self.was_there_first(tx, &sender.jid, &record)?,
        };
        let (trust, is_new_key) = self.meet_key(tx, &fingerprint, &introduction, now)?;
        self.note_encrypted(tx, &sender.jid, false, now)?;
        // It writes on a session on which nothing is sent, and has not just been sent another. Which of
        // them began first says nothing: an archive may have come backwards.
        let is_unanswerable = is_receive_only
            && moved.is_news
            && may_change
            && !self.is_greeting(tx, &sender, &record)?;
        if is_unanswerable {
            self.note_unanswerable(tx, &sender, now)?;
        } else {
            self.note_success(tx, &sender)?;
        }
        if !is_receive_only {
            let call = Call {
                session: number,
                state: &moved.session,
                is_new_session: moved.is_new_session,
                is_current,
            };
            self.note_owed(tx, &sender, &call, now)?;
        }
        if record != *before {
            self.store_device(tx, &sender.jid, sender.device, &record);
        }
        Ok(Opened {
            sender,
            fingerprint,
            trust,
            is_new_key,
            listing,
            is_pre_key_reused: moved.is_pre_key_reused,
        })
    }

    fn open_payload(
        &self,
        element: &Encrypted<OwnKey>,
        key_material: &KeyMaterial,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, PayloadError> {
        let protocol = protocol::of(element.version);
        let Some(payload) = &element.payload else {
            // Somebody took the payload off. The message can still be read when it comes whole.
            return if protocol.needs_payload(key_material) {
                Err(PayloadError::KeyMaterialLength)
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
        opened.map(Some)
    }

    /// Whether this message can say which session is the current one: not if it comes backwards from an
    /// archive and something newer was read.
    fn may_change_current(
        &self,
        tx: &Transaction<'_>,
        context: &Context<'_, '_>,
        record: &DeviceRecord,
        version: Version,
    ) -> Result<bool, AccountError> {
        let Arrival::Archived(catch_up) = context.incoming.arrival else {
            return Ok(true);
        };
        let heard = record.part(version).map_or(0, |part| part.heard);
        Ok(self.catch_ups(tx)?.may_be_news(catch_up, heard))
    }
}

/// Old sessions are no place for long jumps: the other side has left them.
const MAX_JUMP_ON_OLD: u32 = 1000;

/// Whether the time of the last decryption has to be written: each hour, the first of a catch-up, and
/// where a clock that was put back has left it far away.
fn is_stale(heard: u64, catch_up_since: u64, now: Timestamp) -> bool {
    let then = Timestamp::from_millis(heard);
    heard < catch_up_since || now.since(then).max(then.since(now)) >= super::contacts::COARSE
}

pub(super) fn digest(message: &RatchetMessage) -> Digest {
    let digest: [u8; 32] = Sha256::new_with_prefix(message.authenticated())
        .chain_update(message.mac())
        .finalize()
        .into();
    digest.first_chunk().copied().unwrap_or_default()
}
