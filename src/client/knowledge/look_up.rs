//! Looking up a resource: the one place that says whether what is known is good enough, and asks.

use core::time::Duration;

use rand_core::TryCryptoRng;

use super::Resource;
use super::table::State;
use crate::account::{AccountError, LookupError};
use crate::client::Client;
use crate::client::requests::Purpose;
use crate::model::Timestamp;
use crate::stanza::Request;

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
        let age = match resource {
            Resource::List(..) => self.options.list_age,
            Resource::Bundle(_) => self.bundle_age(),
        };
        self.look_up_newer(resource, age, now)
    }

    /// The same for something that must not be older than that.
    pub(in crate::client) fn look_up_newer(
        &mut self,
        resource: &Resource,
        age: Duration,
        now: Timestamp,
    ) -> Result<LookUp, AccountError> {
        if self.requests.is_asked(resource) {
            let failure = self.knowledge.table.failure(resource);
            return self.unless_waited_for(resource, failure);
        }
        let failure = match self.knowledge.table.state(resource, age, now) {
            State::Fresh => return Ok(LookUp::Fresh),
            State::Absent => return Ok(LookUp::Absent),
            State::Paused(error) => return self.without(resource, error),
            State::Due(_) if !self.is_connected => {
                return self.without(resource, LookupError::NoAnswer);
            }
            State::Due(failure) => failure,
        };
        let (purpose, request) = match resource {
            Resource::List(jid, version) => (
                Purpose::FetchList(jid.clone(), *version),
                Request::fetch_device_list(*version),
            ),
            Resource::Bundle(peer) => {
                if !self.knowledge.table.may_ask(&peer.jid, now) {
                    return Ok(LookUp::Unreachable(LookupError::Postponed));
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

    /// How long a bundle can be used. Its pre-keys are used once, and others use them too; all that one
    /// message asks for at once is there together.
    fn bundle_age(&self) -> Duration {
        self.options.request_timeout.saturating_mul(5)
    }
}
