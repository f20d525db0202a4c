//! Accepting a key exchange: a new session.

use rand_core::TryCryptoRng;

use super::Account;
use super::element::{Context, Unread};
use super::key_element::digest;
use super::names::Peer;
use super::open_message::{Moved, Tried};
use super::pre_keys::{KEPT_AFTER_USE, StoredPreKey};
use super::received::FailureReason;
use super::sender::Sender;
use super::sessions::Birth;
use super::transaction::Transaction;
use crate::crypto::IdentityKey;
use crate::model::PreKeyId;
use crate::protocol::{self, KeyExchange};
use crate::session::{ResponderKeys, Session};

impl Account {
    /// Accepts a key exchange. That its message verifies says that it is from the owner of an identity, and
    /// not whose that is: that is weighed before anything changes.
    pub(super) fn accept<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        context: &mut Context<'_, '_>,
        exchange: &KeyExchange,
        rng: &mut G,
    ) -> Result<Tried, Unread> {
        let (version, now) = (context.element.version, context.now);
        let identity = exchange.identity();
        if let Some(jid) = context.incoming.sender.known() {
            let peer = Peer::new(jid.clone(), context.element.sender_device, version);
            self.check_identity(tx, &peer, identity)?;
            // What can be told without opening it uses up nothing, and says nothing of a session.
            if !protocol::of(version).names_author() && !self.may_claim(tx, jid, identity)? {
                return Err(FailureReason::AmbiguousSender.into());
            }
        }
        let Some(signed_id) = exchange.signed_pre_key_id() else {
            return Err(FailureReason::UnknownSignedPreKey.into());
        };
        let Some(signed) = self.signed_pre_key(tx, version, signed_id)? else {
            return Err(FailureReason::UnknownSignedPreKey.into());
        };
        let (id, pre_key) = self.offered_pre_key(tx, context, exchange)?;
        let is_reused = match &pre_key.used {
            Some((_, base_key)) if base_key == exchange.ephemeral().as_bytes() => {
                return Err(FailureReason::Replayed.into());
            }
            used => used.is_some(),
        };
        let keys = ResponderKeys {
            identity: &self.own.identity,
            signed_pre_key: &signed.pair,
            pre_key: &pre_key.pair,
        };
        let accepted =
            Session::accept(&keys, exchange, context.budget).map_err(FailureReason::Key)?;
        let payload = self.open_payload(context.element, &accepted.plaintext)?;
        let content = payload.as_ref().map(|payload| payload.as_slice());
        let peer = self.author(tx, context, identity, content)?;
        self.make_room_for(tx, &peer.jid, peer.device)?;
        let mut record = self.device_or_new(tx, &peer.jid, peer.device, now)?;
        let birth = Birth {
            receive_only: is_reused,
            is_current: !is_reused && self.may_change_current(tx, context, &record, version)?,
            at: now,
        };
        let name = self.add_session(tx, &peer, &mut record, &accepted.session, &birth)?;
        let message = exchange.message();
        let used = (message.header().n, &digest(message));
        let session = accepted.session;
        self.store_received(tx, &name, &session, &accepted.skipped, used, now)?;
        self.use_pre_key(tx, version, (id, pre_key), exchange.ephemeral(), now, rng)?;
        record.pin(identity);
        Ok(Tried::Moved(Box::new(Moved {
            name,
            record,
            session,
            payload,
            is_news: true,
            is_new_session: true,
            is_pre_key_reused: is_reused,
        })))
    }

    /// The device that has made a key exchange, which verifies and contains this.
    fn author(
        &self,
        tx: &Transaction<'_>,
        context: &Context<'_, '_>,
        identity: &IdentityKey,
        content: Option<&[u8]>,
    ) -> Result<Peer, Unread> {
        let version = context.element.version;
        let incoming = context.incoming;
        let named = incoming.author.and_then(|author| author(version, content));
        let jid = match &incoming.sender {
            Sender::Known(jid) | Sender::Occupant(jid) => (*jid).clone(),
            Sender::OneOf(candidates) => {
                let weighed = self.weigh(tx, candidates, context.element, identity)?;
                let must_name = incoming.author.is_some() && protocol::of(version).names_author();
                let weighed = weighed.filter(|_| !must_name || named.is_some());
                weighed.ok_or(FailureReason::AmbiguousSender)?
            }
            Sender::Nobody => return Err(FailureReason::AmbiguousSender.into()),
        };
        // The owner of the identity has written who he is; else the key exchange may be one that was copied.
        let is_his = match named {
            Some(named) => named == jid,
            None => self.may_claim(tx, &jid, identity)?,
        };
        if !is_his {
            return Err(FailureReason::AmbiguousSender.into());
        }
        let peer = Peer::new(jid, context.element.sender_device, version);
        self.check_identity(tx, &peer, identity)?;
        Ok(peer)
    }

    /// Whether a device may have a session under this identity.
    fn check_identity(
        &self,
        tx: &Transaction<'_>,
        peer: &Peer,
        identity: &IdentityKey,
    ) -> Result<(), Unread> {
        let record = self.find_device(tx, &peer.jid, peer.device)?;
        if record.is_some_and(|record| !record.shows(identity)) {
            return Err(FailureReason::IdentityChanged.into());
        }
        if !self.has_room_for(tx, &peer.jid, peer.device)? {
            return Err(FailureReason::TooManyDevices.into());
        }
        Ok(())
    }

    /// The pre-key that a key exchange names, if it may still be used.
    fn offered_pre_key(
        &self,
        tx: &Transaction<'_>,
        context: &Context<'_, '_>,
        exchange: &KeyExchange,
    ) -> Result<(PreKeyId, StoredPreKey), Unread> {
        let unknown = || Unread::from(FailureReason::UnknownPreKey);
        let id = exchange.pre_key_id().ok_or_else(unknown)?;
        let pre_key = self.pre_key(tx, context.element.version, id)?;
        let pre_key = pre_key.filter(|key| !key.was_kept_for(KEPT_AFTER_USE, context.now));
        Ok((id, pre_key.ok_or_else(unknown)?))
    }
}
