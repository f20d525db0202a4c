//! What this device sends by itself: answers to first messages, signs of life, and new sessions in the
//! place of broken ones.

use core::time::Duration;

use rand_core::TryCryptoRng;

use crate::account::{AccountError, EmptyError, FetchedBundle, Peer};
use crate::client::Client;
use crate::client::action::Action;
use crate::model::{Encrypted, RecipientKey, Timestamp};
use crate::stanza::{Companion, StanzaKind, write_encrypted};

/// How long a repair waits after an answer that did not come.
const LOST: Duration = Duration::from_secs(60 * 60);

impl<R: TryCryptoRng> Client<R> {
    pub(in crate::client) fn send_owed(&mut self, now: Timestamp) -> Result<(), AccountError> {
        for due in self.account.answers_due()? {
            let made = self
                .account
                .encrypt_empty(&due.peer, None, now, &mut self.rng);
            self.send_empty(&due.peer, made)?;
        }
        self.put_off.retain(|_, until| *until > now);
        for peer in self.account.repairs_due(now)? {
            if !self.put_off.contains_key(&peer) {
                self.ask_for_bundle(&peer, now)?;
            }
        }
        Ok(())
    }

    /// The bundle for a repair did not come, and may exist: it is asked for again later.
    pub(in crate::client) fn put_repair_off(&mut self, peer: &Peer, now: Timestamp) {
        self.put_off.insert(peer.clone(), now.after(LOST));
    }

    /// A bundle has come, or has not: if it was asked for to mend a session, that is done.
    pub(in crate::client) fn repair_with(
        &mut self,
        peer: &Peer,
        bundle: &FetchedBundle,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        if !self.account.repairs_due(now)?.contains(peer) {
            return Ok(());
        }
        let made = self.account.repair(peer, bundle, now, &mut self.rng);
        if let Err(EmptyError::Gap(_)) = &made {
            self.account.repair_failed(peer, now)?;
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
