//! New sessions in the place of broken ones.

use rand_core::TryCryptoRng;

use crate::account::{AccountError, EmptyError, FetchedBundle, Peer};
use crate::client::Client;
use crate::client::knowledge::{LookUp, Resource};
use crate::model::{BareJid, Timestamp};

impl<R: TryCryptoRng> Client<R> {
    pub(super) fn send_repairs(&mut self, now: Timestamp) -> Result<(), AccountError> {
        for peer in self.account.repairs_due(now)? {
            if self.upkeep.failed.contains_key(&peer) {
                continue;
            }
            if !self.upkeep.pace.allows(&peer, now) {
                self.upkeep.retry_at(self.upkeep.pace.next(now));
                break;
            }
            let resource = Resource::Bundle(peer.clone());
            match self.look_up(&resource, now)? {
                LookUp::Coming => {}
                LookUp::Fresh | LookUp::Absent => self.repair(&peer, now)?,
                // It may exist: a repair that nobody waits for is tried again by itself.
                LookUp::Stale(_) | LookUp::Unreachable(_) => {
                    let retry_at = self.knowledge.table().retry_at(&resource);
                    if let Some(at) = retry_at.filter(|at| *at > now) {
                        self.upkeep.retry_at(at);
                    }
                }
            }
        }
        Ok(())
    }

    /// A bundle has come, or there is none: a broken session is replaced, or is not.
    fn repair(&mut self, peer: &Peer, now: Timestamp) -> Result<(), AccountError> {
        let bundle = self.knowledge.bundles().get(peer);
        let bundle = bundle.cloned().unwrap_or(FetchedBundle::Absent);
        let made = self.account.repair(peer, &bundle, now, &mut self.rng);
        if let Err(EmptyError::Gap(_)) = &made {
            self.account.repair_failed(peer, now)?;
        } else {
            // Its pre-key is used up.
            self.knowledge.take_bundle(peer);
        }
        self.upkeep.pace.is_done(peer);
        self.send_empty(peer, made, now)
    }

    /// Ends all sessions with an account, as the user wishes (XEP-0384 §7). The next message starts new
    /// ones.
    ///
    /// # Errors
    /// [`AccountError`]: they may be ended all the same; calling again is safe.
    pub fn reset(&mut self, jid: &BareJid, now: Timestamp) -> Result<(), AccountError> {
        self.account.reset_sessions(jid, None, now)?;
        self.go_on(now)
    }
}
