//! Before the ratchets move: for each device a session, found or started, or why there is none.

use rand_core::TryCryptoRng;

use super::devices::is_downgraded;
use super::names::{Peer, SessionName};
use super::outgoing::{Bundles, EncryptError, FetchedBundle, Outgoing};
use super::records::DeviceRecord;
use super::report::{DeviceReport, Fate, Gap, Report};
use super::sessions::unanswered;
use super::transaction::Transaction;
use super::trust::Introduction;
use super::{Account, AccountError, Trust};
use crate::error::InitiateError;
use crate::model::{Bundle, Fingerprint, PerVersion, Timestamp, Version};
use crate::session::Session;

/// What is going to be done.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) sessions: Vec<(Peer, Planned)>,
    pub(super) report: Report,
}

/// A session that is going to be sent on.
pub(super) enum Planned {
    Found(SessionName, Session),
    /// It is not stored yet; the record of its device, and when it was started.
    Started(Box<DeviceRecord>, Session, Timestamp),
}

impl Account {
    /// Looks at every device. What is learnt of new keys is put into the transaction.
    pub(super) fn plan<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        outgoing: &Outgoing<'_>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Plan, EncryptError> {
        let versions = PerVersion::from_fn(|version| outgoing.payloads.get(version).is_some());
        let mut plan = Plan::default();
        for jid in self.everybody(outgoing.recipients) {
            for (device, mut record) in self.device_records(tx, &jid)? {
                let is_us = jid == *self.names.own() && device == self.own.device;
                if is_us || !Version::ALL.into_iter().any(|v| record.is_listed(v)) {
                    continue;
                }
                let chosen = self.choose_version(&record, &versions);
                let fate = match chosen {
                    Err(gap) => Fate::Skipped(gap),
                    Ok(version) => {
                        let peer = Peer {
                            jid: jid.clone(),
                            device,
                            version,
                        };
                        let found =
                            self.find_or_start(tx, outgoing.bundles, &peer, &mut record, now, rng)?;
                        match found {
                            Err(gap) => Fate::Skipped(gap),
                            Ok(session) => {
                                plan.sessions.push((peer, session));
                                Fate::Encrypted {
                                    version,
                                    key_exchange: false,
                                }
                            }
                        }
                    }
                };
                plan.report.devices.push(DeviceReport {
                    jid: jid.clone(),
                    device,
                    fate,
                    is_downgraded: is_downgraded(&record),
                });
            }
        }
        Ok(plan)
    }

    /// The session to send on, or one that is started from a bundle; or why there is none.
    fn find_or_start<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        bundles: &Bundles,
        peer: &Peer,
        record: &mut DeviceRecord,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Result<Planned, Gap>, AccountError> {
        if let Some(key) = record.fingerprint() {
            let trust = self.introduce(tx, peer, record, &key, now)?;
            if let Some(gap) = Gap::of_trust(trust, key) {
                return Ok(Err(gap));
            }
        }
        let part = record.part(peer.version);
        if let Some(entry) = part.and_then(|part| part.current()) {
            let name = peer.clone().session(entry.number);
            if let Some(session) = self.load_session(tx, &name)? {
                if self.is_silent(&session) {
                    return Ok(Err(Gap::Silent));
                }
                return Ok(Ok(Planned::Found(name, session)));
            }
        }
        let bundle = match bundles.get(peer) {
            None => return Ok(Err(Gap::NoSession)),
            Some(FetchedBundle::Absent) => return Ok(Err(Gap::NoBundle)),
            Some(FetchedBundle::Broken) => return Ok(Err(Gap::BrokenBundle)),
            Some(FetchedBundle::Unreachable(error)) => return Ok(Err(Gap::Unreachable(*error))),
            Some(FetchedBundle::Bundle(bundle)) => bundle,
        };
        self.start(tx, peer, record, bundle, now, rng)
    }

    /// Starts a session from a bundle, if its key is the device's and is trusted.
    fn start<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        record: &mut DeviceRecord,
        bundle: &Bundle,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Result<Planned, Gap>, AccountError> {
        let session = match self.initiate(tx, peer, record, bundle, rng)? {
            Ok(session) => session,
            Err(gap) => return Ok(Err(gap)),
        };
        let key = Fingerprint::from(&bundle.identity);
        let trust = self.introduce(tx, peer, record, &key, now)?;
        if let Some(gap) = Gap::of_trust(trust, key) {
            return Ok(Err(gap));
        }
        Ok(Ok(Planned::Started(Box::new(record.clone()), session, now)))
    }

    /// Makes a session from a bundle, if its key is the device's; the key is pinned.
    pub(super) fn initiate<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        record: &mut DeviceRecord,
        bundle: &Bundle,
        rng: &mut G,
    ) -> Result<Result<Session, Gap>, AccountError> {
        if bundle.version != peer.version {
            return Ok(Err(Gap::BrokenBundle));
        }
        if !record.shows(&bundle.identity) {
            return Ok(Err(Gap::IdentityChanged));
        }
        let session = match Session::initiate(&self.own.identity, self.own.device, bundle, rng) {
            Ok(session) => session,
            Err(InitiateError::Rng(error)) => return Err(error.into()),
            Err(error) => return Ok(Err(Gap::UnusableBundle(error))),
        };
        // The signature has verified: this is the key that the server has for the device.
        record.pin(&bundle.identity);
        self.store_device(tx, &peer.jid, peer.device, record);
        Ok(Ok(session))
    }

    pub(super) fn introduce(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        record: &DeviceRecord,
        key: &Fingerprint,
        now: Timestamp,
    ) -> Result<Trust, AccountError> {
        let introduction = Introduction {
            jid: &peer.jid,
            device: peer.device,
            is_first: self.was_there_first(tx, &peer.jid, record)?,
        };
        Ok(self.meet_key(tx, key, &introduction, now)?.0)
    }

    fn is_silent(&self, session: &Session) -> bool {
        let silent_after = self.options.silent_after;
        silent_after.is_some_and(|most| unanswered(session) >= most)
    }
}
