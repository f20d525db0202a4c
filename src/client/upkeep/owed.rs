//! What this device sends by itself: answers to first messages, signs of life, and new sessions in the
//! place of broken ones.

use rand_core::TryCryptoRng;

use crate::account::{AccountError, EmptyError, FetchedBundle, Peer};
use crate::client::Client;
use crate::client::action::Action;
use crate::client::knowledge::{LookUp, Resource};
use crate::model::{Encrypted, RecipientKey, Timestamp};
use crate::stanza::{Companion, StanzaKind, write_encrypted};

impl<R: TryCryptoRng> Client<R> {
    pub(in crate::client) fn send_owed(&mut self, now: Timestamp) -> Result<(), AccountError> {
        for due in self.account.answers_due()? {
            let made = self
                .account
                .encrypt_empty(&due.peer, None, now, &mut self.rng);
            self.send_empty(&due.peer, made)?;
        }
        self.repair_at = None;
        for peer in self.account.repairs_due(now)? {
            let resource = Resource::Bundle(peer.clone());
            match self.look_up(&resource, now)? {
                LookUp::Coming => {}
                LookUp::Fresh | LookUp::Absent => self.repair(&peer, now)?,
                // It may exist: a repair that nobody waits for is tried again by itself.
                LookUp::Stale(_) | LookUp::Unreachable(_) => {
                    let retry_at = self.knowledge.table().retry_at(&resource);
                    let retry_at = retry_at.filter(|at| *at > now);
                    self.repair_at = self.repair_at.into_iter().chain(retry_at).min();
                }
            }
        }
        Ok(())
    }

    /// A bundle has come, or there is none: a broken session is replaced, or is not.
    fn repair(&mut self, peer: &Peer, now: Timestamp) -> Result<(), AccountError> {
        let bundle = self.knowledge.bundles().get(peer);
        let bundle = bundle.cloned().unwrap_or(FetchedBundle::Absent);
        let bundle = &bundle;
        let made = self.account.repair(peer, bundle, now, &mut self.rng);
        if let Err(EmptyError::Gap(_)) = &made {
            self.account.repair_failed(peer, now)?;
        } else {
            // Its pre-key is used up.
            self.knowledge.take_bundle(peer);
        }
        self.send_empty(peer, made)
    }

    /// Ends all sessions with an account, as the user wishes (XEP-0384 §7). The next message starts new
    /// ones.
    ///
    /// # Errors
    /// [`AccountError`]: they may be ended all the same; calling again is safe.
    pub fn reset(
        &mut self,
        jid: &crate::model::BareJid,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.account.reset_sessions(jid, None, now)?;
        self.go_on(now)
    }

    fn send_empty(
        &mut self,
        peer: &Peer,
        made: Result<Encrypted<RecipientKey>, EmptyError>,
    ) -> Result<(), AccountError> {
        let element = match made {
            Ok(element) => element,
            Err(EmptyError::Account(error)) => return Err(error),
            // Whoever cannot be answered is not.
            Err(_) => return Ok(()),
        };
        // One key and a nonce of the right length: that can be written.
        let xml = write_encrypted(&element).map_err(|_| AccountError::Record)?;
        let mut stanza = format!("<message to='{}' type='chat'>{xml}", peer.jid);
        for companion in Companion::of(StanzaKind::Message, &[element]) {
            stanza.push_str(&companion.to_string());
        }
        stanza.push_str("</message>");
        self.actions.push_back(Action::Send(stanza));
        Ok(())
    }
}
