//! What only the application knows of people: whose keys are trusted, who is accepted, and who is blocked.

use rand_core::TryCryptoRng;

use super::Client;
use crate::account::{AccountError, Trust};
use crate::model::{BareJid, DeviceId, Fingerprint, Timestamp};

impl<R: TryCryptoRng> Client<R> {
    /// Somebody has decided about a key. Messages that waited for it go on. If it is the key that a device
    /// shows in the place of another one ([`Action::DecideIdentity`](super::Action::DecideIdentity)), to trust it is to accept it as the
    /// device's key, and to distrust it is to keep the one before.
    ///
    /// # Errors
    /// [`AccountError`]: it may be decided all the same; calling again is safe.
    pub fn decide(
        &mut self,
        jid: &BareJid,
        key: &Fingerprint,
        trust: Trust,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.account.set_trust(jid, key, trust, now)?;
        if trust.allows_sending() {
            self.account.accept_identities(jid, key, now)?;
        }
        self.outbox.was_decided(jid, key);
        self.go_on(now)
    }

    /// The user accepts the identity key that a device shows in the place of another one
    /// ([`Action::DecideIdentity`](super::Action::DecideIdentity)). Messages that waited for it go on, in new sessions. To keep the old key,
    /// distrust the new one: [`Self::decide`].
    ///
    /// # Errors
    /// [`AccountError`]: it may be accepted all the same; calling again is safe.
    pub fn accept_identity(
        &mut self,
        jid: &BareJid,
        device: DeviceId,
        key: &Fingerprint,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.account.accept_identity(jid, device, key, now)?;
        self.outbox.was_decided(jid, key);
        self.go_on(now)
    }

    /// Says of a contact whether the user has accepted it (only then is anything sent to it by itself),
    /// and whether its server tells this client when its device list changes: with a subscription to its
    /// presence, as a rule. Lists of others are asked for before a message.
    ///
    /// # Errors
    /// [`AccountError`]: it may be entered all the same; calling again is safe.
    pub fn set_contact(
        &mut self,
        jid: &BareJid,
        is_accepted: bool,
        is_subscribed: bool,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.knowledge.set_subscribed(jid, is_subscribed);
        if self.account.is_accepted(jid)? != is_accepted {
            self.account.set_accepted(jid, is_accepted, now)?;
        }
        self.go_on(now)
    }

    /// Says whether the user has blocked an account (XEP-0191), or everybody at a domain: nothing is sent to it
    /// by itself, and its device lists and bundles are not asked for. It is stored. After a login compare the
    /// server's list with [`Account::blocked`](crate::account::Account::blocked).
    ///
    /// # Errors
    /// [`AccountError`]: it may be entered all the same; calling again is safe.
    pub fn set_blocked(
        &mut self,
        jid: &BareJid,
        is_blocked: bool,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.account.set_blocked(jid, is_blocked)?;
        self.go_on(now)
    }
}
