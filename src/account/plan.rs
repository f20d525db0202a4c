//! Before the ratchets move: for each device a session, found or started, or why there is none.

use core::cmp::Reverse;

use rand_core::TryCryptoRng;

use super::devices::is_downgraded;
use super::names::{Peer, SessionName};
use super::outgoing::{Bundles, EncryptError, FetchedBundle, Outgoing};
use super::readers::Standing;
use super::records::DeviceRecord;
use super::report::{DeviceReport, Fate, Gap, ListReport, Report};
use super::sessions::unanswered;
use super::terms::{Audience, Terms};
use super::transaction::Transaction;
use super::trust::Introduction;
use super::{Account, AccountError, Trust};
use crate::error::InitiateError;
use crate::model::{BareJid, Bundle, Fingerprint, PerVersion, Timestamp, Version};
use crate::session::Session;

/// Who is going to read a message.
pub(super) struct Plan<'b> {
    pub(super) readers: Vec<Reader<'b>>,
    /// Devices that have a session and have not answered for too long. They are no readers.
    pub(super) silent: Vec<Reader<'b>>,
    pub(super) report: Report,
}

/// A device that is going to get a key.
pub(super) struct Reader<'b> {
    pub(super) peer: Peer,
    /// Its place in the report.
    pub(super) place: usize,
    pub(super) standing: Standing,
    /// Its identity key, as it is pinned or as its bundle shows it.
    pub(super) key: Option<Fingerprint>,
    pub(super) route: Route<'b>,
}

/// How a device is reached.
pub(super) enum Route<'b> {
    Session(Planned),
    /// A session is still to be started.
    Bundle(&'b Bundle, Box<DeviceRecord>),
}

/// A session that is going to be sent on.
pub(super) enum Planned {
    Found(SessionName, Session),
    /// It is not stored yet; the record of its device, and when it was started.
    Started(Box<DeviceRecord>, Session, Timestamp),
}

impl Reader<'_> {
    /// Whether its key is going to be a key exchange.
    pub(super) fn is_key_exchange(&self) -> bool {
        match &self.route {
            Route::Session(Planned::Found(_, session) | Planned::Started(_, session, _)) => {
                session.is_unanswered()
            }
            Route::Bundle(..) => true,
        }
    }

    /// What the report says of it, unless something goes wrong.
    pub(super) fn fate(&self) -> Fate {
        Fate::Encrypted {
            version: self.peer.version,
            key_exchange: self.is_key_exchange(),
        }
    }
}

impl Account {
    /// Looks at every device, and decides which of them read the message. What is learnt of new keys is put
    /// into the transaction.
    pub(super) fn plan<'b, G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        outgoing: &Outgoing<'b>,
        terms: &Terms<'_>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Plan<'b>, EncryptError> {
        let own = self.names.own();
        let mut plan = self.survey_readers(tx, outgoing, terms, now)?;
        plan.leave_out_copies(own);
        // Before sessions are started, which takes time: a list can have a thousand devices.
        if let Some(space) = &terms.space {
            plan.leave_out_excess(space, own);
        }
        self.start_sessions(tx, &mut plan, now, rng)?;
        plan.leave_out_own_key(own, &self.fingerprint());
        plan.wake_silent(outgoing.recipients);
        plan.leave_out_large_ids(terms.audience, own);
        if let Some(space) = &terms.space {
            plan.leave_out_excess(space, own);
        }
        Ok(plan)
    }

    /// Looks for a way to every device.
    fn survey_readers<'b>(
        &self,
        tx: &mut Transaction<'_>,
        outgoing: &Outgoing<'b>,
        terms: &Terms<'_>,
        now: Timestamp,
    ) -> Result<Plan<'b>, AccountError> {
        let versions = PerVersion::from_fn(|version| outgoing.payloads.get(version).is_some());
        let is_room = matches!(terms.audience, Audience::Room(_));
        let mut plan = Plan {
            readers: Vec::new(),
            silent: Vec::new(),
            report: Report::default(),
        };
        for jid in self.everybody(outgoing.recipients) {
            let has_left = is_room && self.contact(tx, &jid)?.opt_out.is_some();
            self.report_lists(tx, &jid, &mut plan.report)?;
            for (device, record) in self.device_records(tx, &jid)? {
                let is_us = jid == *self.names.own() && device == self.own.device;
                if is_us || !Version::ALL.into_iter().any(|v| record.is_listed(v)) {
                    continue;
                }
                let place = plan.report.devices.len();
                let is_downgraded = is_downgraded(&record);
                let way = match self.choose_version(&record, &versions) {
                    Err(gap) => Err(gap),
                    Ok(_) if has_left => Err(Gap::OptedOut),
                    Ok(version) => {
                        let peer = Peer::new(jid.clone(), device, version);
                        self.find_way(tx, outgoing.bundles, peer, record, place, now)?
                    }
                };
                let fate = match way {
                    Err(gap) => Fate::Skipped(gap),
                    Ok(reader) if self.is_silent(&reader) => {
                        plan.silent.push(reader);
                        Fate::Skipped(Gap::Silent)
                    }
                    Ok(reader) => {
                        let fate = reader.fate();
                        plan.readers.push(reader);
                        fate
                    }
                };
                plan.report.devices.push(DeviceReport {
                    jid: jid.clone(),
                    device,
                    fate,
                    is_downgraded,
                });
            }
        }
        Ok(plan)
    }

    /// Reports the lists of an account that could not be looked up.
    fn report_lists(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
        report: &mut Report,
    ) -> Result<(), AccountError> {
        let contact = self.contact(tx, jid)?;
        for version in Version::ALL.into_iter().filter(|v| self.uses(*v)) {
            if let Some(failed) = contact.failed_list(version) {
                report.lists.push(ListReport {
                    jid: jid.clone(),
                    version,
                    error: failed.error,
                    is_known: contact.list(version).is_some(),
                });
            }
        }
        Ok(())
    }

    /// The session to send on, or the bundle to start one from; or why there is neither.
    fn find_way<'b>(
        &self,
        tx: &mut Transaction<'_>,
        bundles: &'b Bundles,
        peer: Peer,
        record: DeviceRecord,
        place: usize,
        now: Timestamp,
    ) -> Result<Result<Reader<'b>, Gap>, AccountError> {
        let mut is_verified = false;
        if self.open_change(tx, &peer.jid, &record)?.is_some() {
            return Ok(Err(Gap::IdentityChanged));
        }
        if let Some(key) = record.fingerprint() {
            let trust = self.introduce(tx, &peer, &record, &key, now)?;
            if let Some(gap) = Gap::of_trust(trust, key) {
                return Ok(Err(gap));
            }
            is_verified = trust == Trust::Verified;
        }
        let standing = Standing {
            is_verified,
            heard: record.heard,
            first_seen: Reverse(record.first_seen),
        };
        let pinned = record.fingerprint();
        let reader = |key, route| Reader {
            peer: peer.clone(),
            place,
            standing,
            key,
            route,
        };
        let part = record.part(peer.version);
        if let Some(entry) = part.and_then(|part| part.current()) {
            let name = peer.clone().session(entry.number);
            if let Some(session) = self.load_session(tx, &name)? {
                let session = Planned::Found(name, session);
                return Ok(Ok(reader(pinned, Route::Session(session))));
            }
        }
        Ok(match bundles.get(&peer) {
            None => Err(Gap::NoSession),
            Some(FetchedBundle::Absent) => Err(Gap::NoBundle),
            Some(FetchedBundle::Broken) => Err(Gap::BrokenBundle),
            Some(FetchedBundle::Unreachable(error)) => Err(Gap::Unreachable(*error)),
            Some(FetchedBundle::Bundle(bundle)) => {
                let key = Fingerprint::from(&bundle.identity);
                if self.is_copy(tx, &peer, &key, standing)? {
                    return Ok(Err(Gap::CopiedKey));
                }
                Ok(reader(Some(key), Route::Bundle(bundle, Box::new(record))))
            }
        })
    }

    /// Starts the sessions that are missing. A device for which that fails reads nothing.
    fn start_sessions<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        plan: &mut Plan<'_>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<(), AccountError> {
        for mut reader in core::mem::take(&mut plan.readers) {
            if let Route::Bundle(bundle, mut record) = reader.route {
                match self.start(tx, &reader.peer, &mut record, bundle, now, rng)? {
                    Err(gap) => {
                        plan.report.set(reader.place, Fate::Skipped(gap));
                        continue;
                    }
                    Ok(session) => {
                        let session = Planned::Started(record, session, now);
                        reader.route = Route::Session(session);
                    }
                }
            }
            plan.readers.push(reader);
        }
        Ok(())
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
    ) -> Result<Result<Session, Gap>, AccountError> {
        let session = match self.initiate(tx, peer, record, bundle, rng)? {
            Ok(session) => session,
            Err(gap) => return Ok(Err(gap)),
        };
        let key = Fingerprint::from(&bundle.identity);
        let trust = self.introduce(tx, peer, record, &key, now)?;
        Ok(Gap::of_trust(trust, key).map_or(Ok(session), Err))
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
        self.store_device(tx, &peer.jid, peer.device, record)?;
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

    fn is_silent(&self, reader: &Reader<'_>) -> bool {
        let Route::Session(Planned::Found(_, session)) = &reader.route else {
            return false;
        };
        let silent_after = self.options.silent_after;
        silent_after.is_some_and(|most| unanswered(session) >= most)
    }
}
