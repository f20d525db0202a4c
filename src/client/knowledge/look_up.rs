//! Looking up a resource: the one place that says whether what is known is good enough, and asks.

use core::time::Duration;

use rand_core::TryCryptoRng;

use super::Resource;
use super::table::State;
use crate::account::{AccountError, FetchedBundle, LookupError, Peer};
use crate::client::Client;
use crate::client::requests::Purpose;
use crate::model::Timestamp;
use crate::stanza::Request;

/// The list of an account's devices changes too often: nobody asks for their bundles for a time.
const POSTPONED: LookupError = LookupError::Postponed;

/// What is known of a resource, for whoever needs it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum LookUp {
    /// It is known, and new enough.
    Fresh,
    /// It was asked for: wait for the answer.
    Coming,
    /// It is known, and could not be refreshed: use it, and say so.
    Stale(LookupError),
    /// It is not known, and could not be asked for.
    Unreachable(LookupError),
    /// There is nothing, as its account's server says.
    Absent,
}

impl LookUp {
    /// Whether an answer is waited for.
    pub(in crate::client) const fn is_coming(self) -> bool {
        matches!(self, Self::Coming)
    }
}

impl<R: TryCryptoRng> Client<R> {
    /// Says what is known of a resource, and asks for it where that is due.
    ///
    /// The first lookup is waited for. After one that failed, the next ones are made while the last state
    /// that is known is used: so a silent server costs one message its timeout, and not each. A device
    /// list that was never seen is waited for each time, as nothing can be done without it.
    pub(in crate::client) fn look_up(
        &mut self,
        resource: &Resource,
        now: Timestamp,
    ) -> Result<LookUp, AccountError> {
        if self.requests.is_asked(resource) {
            let failure = self.knowledge.table.failure(resource);
            return self.unless_waited_for(resource, failure);
        }
        if !self.knowledge.table.has(resource) {
            self.remember(resource, now)?;
        }
        let age = match resource {
            Resource::List(..) => self.options.list_age,
            Resource::Bundle(_) => self.bundle_age(),
        };
        let failure = match self.knowledge.table.state(resource, age, now) {
            State::Fresh => return Ok(LookUp::Fresh),
            State::Absent => return Ok(LookUp::Absent),
            State::Paused(error) => return self.without(resource, error),
            State::Due(_) if !self.is_connected => {
                return self.without(resource, LookupError::NoAnswer);
            }
            State::Due(_) if self.account.is_blocked(resource.owner())? => {
                let error = LookupError::Blocked;
                if let Resource::Bundle(peer) = resource {
                    self.keep_bundle(peer, FetchedBundle::Unreachable(error), now);
                }
                return self.without(resource, error);
            }
            State::Due(failure) => failure,
        };
        let (purpose, request) = match resource {
            Resource::List(jid, version) => (
                Purpose::FetchList(jid.clone(), *version),
                Request::fetch_device_list(*version),
            ),
            Resource::Bundle(peer) => {
                if !self.knowledge.table.may_ask(peer, now) {
                    self.keep_bundle(peer, FetchedBundle::Unreachable(POSTPONED), now);
                    return Ok(LookUp::Unreachable(POSTPONED));
                }
                (
                    Purpose::FetchBundle(peer.clone()),
                    Request::fetch_bundle(peer.version, peer.device),
                )
            }
        };
        self.request(purpose, Some(resource.owner()), request, now)?;
        self.unless_waited_for(resource, failure)
    }

    /// Takes over what failed before the last start. Our own server is asked for our own lists on each
    /// stream, whatever it said before.
    fn remember(&mut self, resource: &Resource, now: Timestamp) -> Result<(), AccountError> {
        let failed = match resource {
            Resource::List(jid, _) if jid == self.account.jid() => None,
            Resource::List(jid, version) => self.account.failed_list_lookup(jid, *version)?,
            Resource::Bundle(peer) => self.account.failed_bundle_lookup(peer)?,
        };
        let Some(failed) = failed else {
            return Ok(());
        };
        self.knowledge.table.failed(resource.clone(), failed);
        if let Resource::Bundle(peer) = resource {
            self.keep_bundle(peer, FetchedBundle::Unreachable(failed.error), now);
        }
        Ok(())
    }

    /// What is known of a resource while an answer is to come.
    fn unless_waited_for(
        &self,
        resource: &Resource,
        failure: Option<LookupError>,
    ) -> Result<LookUp, AccountError> {
        Ok(match failure {
            None => LookUp::Coming,
            Some(error) => match self.without(resource, error)? {
                LookUp::Unreachable(_) if matches!(resource, Resource::List(..)) => LookUp::Coming,
                known => known,
            },
        })
    }

    /// What is known of a resource that nobody can tell us.
    fn without(&self, resource: &Resource, error: LookupError) -> Result<LookUp, AccountError> {
        let is_known = match resource {
            Resource::List(jid, version) => self.account.device_list_seen(jid, *version)?.is_some(),
            Resource::Bundle(_) => false,
        };
        Ok(if is_known {
            LookUp::Stale(error)
        } else {
            LookUp::Unreachable(error)
        })
    }

    /// Keeps what came of asking for a bundle, for as long as it counts.
    pub(super) fn keep_bundle(&mut self, peer: &Peer, fetched: FetchedBundle, now: Timestamp) {
        let age = self.bundle_age();
        self.knowledge.table.expire(peer, age, now);
        self.knowledge.bundles.insert(peer.clone(), fetched);
    }

    /// How long a bundle can be used. Its pre-keys are used once, and others use them too; all that one
    /// message asks for at once is there together.
    fn bundle_age(&self) -> Duration {
        self.options.request_timeout.saturating_mul(5)
    }
}
