//! Sending: from payloads and recipients to keys for devices, and a report about each of them.
//!
//! First everybody is looked at: which devices there are, which version each is written to, whether its
//! key is trusted, whether there is a session or a bundle to start one from. Then it is decided whether
//! the message may go out. Only then the ratchets move; all of it is one transaction.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use rand_core::TryCryptoRng;

use super::devices::is_downgraded;
use super::names::Peer;
use super::options::{DowngradePolicy, GapPolicy, VersionPolicy};
use super::records::DeviceRecord;
use super::report::{DeviceReport, Fate, Gap, Refusal, Report};
use super::sessions::{Birth, unanswered};
use super::transaction::Transaction;
use super::trust::Introduction;
use super::{Account, AccountError};
use crate::crypto::random;
use crate::error::{InitiateError, PayloadError};
use crate::model::{
    BareJid, Bundle, Encrypted, Fingerprint, PerVersion, RecipientKey, Timestamp, Version,
};
use crate::protocol::{self, KeyMaterial, SealedPayload};
use crate::session::Session;

/// What is to be sent.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// The accounts that are to read it; in a room, all that may. The account itself need not be among
    /// them: its other devices always are.
    pub recipients: &'a [BareJid],
    /// What each version's element is to contain: for legacy the body, for OMEMO 2 an envelope (XEP-0420).
    /// A version without a payload is not used.
    pub payloads: PerVersion<Option<&'a [u8]>>,
    /// The bundles that were fetched for it: see [`Account::missing`].
    pub bundles: &'a Bundles,
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("recipients", &self.recipients)
            .field("bundles", &self.bundles)
            .finish_non_exhaustive()
    }
}

/// What came of asking for bundles.
pub type Bundles = BTreeMap<Peer, FetchedBundle>;

/// What came of asking for a bundle.
#[derive(Clone, Debug)]
pub enum FetchedBundle {
    /// This.
    Bundle(Box<Bundle>),
    /// There is none, or nobody answered.
    Absent,
    /// There is something that is no bundle.
    Broken,
}

/// What has to be asked for before a message can be encrypted for everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Device lists that were never seen.
    pub device_lists: Vec<(BareJid, Version)>,
    /// Bundles of devices with which there is no session. Those of accounts whose list is missing are not
    /// known yet.
    pub bundles: Vec<Peer>,
}

impl Missing {
    /// Whether there is nothing to ask for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.device_lists.is_empty() && self.bundles.is_empty()
    }
}

/// An encrypted message: stored as sent before it is handed out.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The `<encrypted/>` elements, one for each version that is used.
    pub elements: Vec<Encrypted<RecipientKey>>,
    /// Every device of every recipient, and every other one of the account's own.
    pub report: Report,
}

/// Why nothing was encrypted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EncryptError {
    /// The message may not go out like this. Keys that were seen for the first time are stored, so that
    /// the user can decide about them; nothing else is.
    Refused(Box<Refusal>),
    /// The payload cannot be encrypted.
    Payload(PayloadError),
    /// Nothing was done.
    Account(AccountError),
}

impl fmt::Display for EncryptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Payload(error) => error.fmt(f),
            Self::Account(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for EncryptError {}

impl<E: Into<AccountError>> From<E> for EncryptError {
    fn from(error: E) -> Self {
        Self::Account(error.into())
    }
}

impl Account {
    /// What has to be asked for before a message to these accounts reaches all of their devices. Ask
    /// again when device lists have come.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn missing(
        &self,
        recipients: &[BareJid],
        versions: PerVersion<bool>,
    ) -> Result<Missing, AccountError> {
        self.read(|tx| {
            let mut missing = Missing::default();
            for jid in self.everybody(recipients) {
                let contact = self.contact(tx, &jid)?;
                for version in Version::ALL {
                    if self.uses(version)
                        && *versions.get(version)
                        && contact.list(version).is_none()
                    {
                        missing.device_lists.push((jid.clone(), version));
                    }
                }
                for (device, record) in self.device_records(tx, &jid)? {
                    let Ok(version) = self.choose_version(&record, &versions) else {
                        continue;
                    };
                    let peer = Peer {
                        jid: jid.clone(),
                        device,
                        version,
                    };
                    let is_wanted = match record.fingerprint() {
                        Some(key) => self
                            .known_trust(tx, &jid, &key)?
                            .is_none_or(|trust| trust.allows_sending()),
                        None => true,
                    };
                    let has_session = record.part(version).is_some_and(|p| p.current().is_some());
                    if is_wanted && !has_session {
                        missing.bundles.push(peer);
                    }
                }
            }
            Ok(missing)
        })
    }

    /// Encrypts a message for all devices of the recipients and for the account's own other devices.
    ///
    /// What is returned may be sent as often as needed; encrypting again makes another message.
    ///
    /// # Errors
    /// [`EncryptError`]; no session has moved.
    pub fn encrypt<G: TryCryptoRng + ?Sized>(
        &self,
        outgoing: &Outgoing<'_>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Sent, EncryptError> {
        let sealed = seal(&outgoing.payloads, rng)?;
        let sent: Result<Sent, Box<Refusal>> = self.run(|tx| {
            let mut plan = self.plan(tx, outgoing, now, rng)?;
            if let Some(refusal) = self.judge(tx, outgoing, &plan.report)? {
                return Ok(Err(Box::new(refusal)));
            }
            let keys = self.encrypt_keys(tx, &mut plan, &sealed, rng)?;
            if let Some(refusal) = self.judge(tx, outgoing, &plan.report)? {
                // Not stored: a ratchet that is at its end was found only now.
                return Err(EncryptError::Refused(Box::new(refusal)));
            }
            for jid in outgoing.recipients {
                self.note_encrypted(tx, jid, true, now)?;
            }
            Ok(Ok(Sent {
                elements: self.elements(keys, &sealed),
                report: plan.report,
            }))
        })?;
        let sent = sent.map_err(EncryptError::Refused)?;
        sent.report.check(&sent.elements)?;
        Ok(sent)
    }

    /// Looks at every device. What is learnt of new keys is put into the transaction.
    fn plan<G: TryCryptoRng + ?Sized>(
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
    ) -> Result<super::Trust, AccountError> {
        let introduction = Introduction {
            jid: &peer.jid,
            device: peer.device,
            is_first: self.was_there_first(tx, &peer.jid, record)?,
        };
        Ok(self.meet_key(tx, key, &introduction, now)?.0)
    }

    /// Moves the ratchets, and puts them into the transaction.
    fn encrypt_keys<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        plan: &mut Plan,
        sealed: &PerVersion<Option<SealedPayload>>,
        rng: &mut G,
    ) -> Result<PerVersion<Vec<RecipientKey>>, AccountError> {
        let mut keys: PerVersion<Vec<RecipientKey>> = PerVersion::default();
        for (peer, planned) in core::mem::take(&mut plan.sessions) {
            let Some(payload) = sealed.get(peer.version) else {
                continue;
            };
            let fate = match self.encrypt_key(tx, &peer, planned, &payload.key_material, rng)? {
                Err(gap) => Fate::Skipped(gap),
                Ok(key) => {
                    let key_exchange = key.key_exchange;
                    keys.get_mut(peer.version).push(key);
                    Fate::Encrypted {
                        version: peer.version,
                        key_exchange,
                    }
                }
            };
            plan.report.set(&peer, fate);
        }
        Ok(keys)
    }

    /// Encrypts for one device, and stores its session.
    pub(super) fn encrypt_key<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        planned: Planned,
        key_material: &KeyMaterial,
        rng: &mut G,
    ) -> Result<Result<RecipientKey, Gap>, AccountError> {
        let (mut session, place) = match planned {
            Planned::Found(name, session) => (session, Ok(name)),
            Planned::Started(record, session, now) => (session, Err((record, now))),
        };
        let key = match session.encrypt(key_material, rng) {
            Ok(key) => key,
            Err(crate::error::EncryptError::Rng(error)) => return Err(error.into()),
            Err(error) => return Ok(Err(Gap::Session(error))),
        };
        let name = match place {
            Ok(name) => {
                self.store_session(tx, &name, &session);
                name
            }
            Err((mut record, now)) => {
                let birth = Birth {
                    receive_only: false,
                    is_current: true,
                    at: now,
                };
                let name = self.add_session(tx, peer, &mut record, &session, &birth)?;
                self.store_device(tx, &peer.jid, peer.device, &record);
                name
            }
        };
        self.note_answered(tx, peer, name.number)?;
        Ok(Ok(RecipientKey {
            account: peer.jid.clone(),
            device: peer.device,
            key_exchange: key.key_exchange,
            bytes: key.bytes,
        }))
    }

    fn elements(
        &self,
        mut keys: PerVersion<Vec<RecipientKey>>,
        sealed: &PerVersion<Option<SealedPayload>>,
    ) -> Vec<Encrypted<RecipientKey>> {
        let mut elements = Vec::new();
        for version in Version::ALL {
            let keys = core::mem::take(keys.get_mut(version));
            if let Some(payload) = sealed.get(version).as_ref().filter(|_| !keys.is_empty()) {
                elements.push(Encrypted {
                    version,
                    sender_device: self.own.device,
                    keys,
                    iv: payload.iv.map(|iv| iv.to_vec()),
                    payload: Some(payload.ciphertext.clone()),
                });
            }
        }
        elements
    }

    /// Whether the message may go out as the report has it.
    fn judge(
        &self,
        tx: &Transaction<'_>,
        outgoing: &Outgoing<'_>,
        report: &Report,
    ) -> Result<Option<Refusal>, AccountError> {
        for jid in outgoing.recipients {
            if self.contact(tx, jid)?.opt_out.is_some() {
                return Ok(Some(Refusal::OptedOut(jid.clone())));
            }
        }
        for jid in outgoing.recipients {
            if jid == self.names.own() {
                continue;
            }
            if !report.devices.iter().any(|device| device.jid == *jid) {
                return Ok(Some(Refusal::NoDevices(jid.clone(), report.clone())));
            }
            if !report.reaches(jid) {
                return Ok(Some(Refusal::NobodyReached(jid.clone(), report.clone())));
            }
        }
        let is_empty = report.encrypted().next().is_none();
        if is_empty || self.options.gaps == GapPolicy::Refuse && report.skipped().next().is_some() {
            return Ok(Some(Refusal::Gaps(report.clone())));
        }
        Ok(None)
    }

    /// The recipients and the account itself, each once.
    pub(super) fn everybody(&self, recipients: &[BareJid]) -> BTreeSet<BareJid> {
        let own = core::iter::once(self.names.own());
        recipients.iter().chain(own).cloned().collect()
    }

    fn uses(&self, version: Version) -> bool {
        match self.options.versions {
            VersionPolicy::Only(only) => version == only,
            VersionPolicy::ByEvidence | VersionPolicy::Newest => true,
        }
    }

    /// The version that a device is written to.
    fn choose_version(
        &self,
        record: &DeviceRecord,
        versions: &PerVersion<bool>,
    ) -> Result<Version, Gap> {
        if is_downgraded(record) && self.options.downgrades == DowngradePolicy::Skip {
            return Err(Gap::Downgraded);
        }
        let listed = Version::ALL.into_iter().filter(|v| record.is_listed(*v));
        if listed.clone().next().is_none() {
            return Err(Gap::NotListed);
        }
        let mut possible = listed.filter(|v| self.uses(*v) && *versions.get(*v));
        let (oldest, newest) = (possible.next(), possible.next_back());
        let oldest = oldest.ok_or(Gap::NoCommonVersion)?;
        let newest = newest.unwrap_or(oldest);
        let speaks = record.part(newest).is_some_and(|part| part.speaks);
        Ok(match self.options.versions {
            VersionPolicy::ByEvidence if !speaks => oldest,
            _ => newest,
        })
    }

    fn is_silent(&self, session: &Session) -> bool {
        let silent_after = self.options.silent_after;
        silent_after.is_some_and(|most| unanswered(session) >= most)
    }
}

/// What is going to be done.
#[derive(Default)]
struct Plan {
    sessions: Vec<(Peer, Planned)>,
    report: Report,
}

/// A session that is going to be sent on.
pub(super) enum Planned {
    Found(super::names::SessionName, Session),
    /// It is not stored yet; the record of its device, and when it was started.
    Started(Box<DeviceRecord>, Session, Timestamp),
}

/// Encrypts the payload of each version that has one.
fn seal<G: TryCryptoRng + ?Sized>(
    payloads: &PerVersion<Option<&[u8]>>,
    rng: &mut G,
) -> Result<PerVersion<Option<SealedPayload>>, EncryptError> {
    let mut sealed = PerVersion::default();
    for (version, payload) in payloads.iter() {
        if let Some(payload) = payload {
            let random = random(rng)?;
            let outcome = protocol::of(version).seal_payload(payload, &random);
            *sealed.get_mut(version) = Some(outcome.map_err(EncryptError::Payload)?);
        }
    }
    Ok(sealed)
}
