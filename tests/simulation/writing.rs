//! Writing: what is encrypted, for whom, and whether the report says so.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use omemo::account::{
    Bundles, EncryptError, Fate, FetchedBundle, Gap, Outgoing, Peer, Refusal, Report, Trust,
};
use omemo::model::{BareJid, DeviceId, Encrypted, PerVersion, RecipientKey, Version};

use crate::network::Stanza;
use crate::world::World;

/// A chain of so many unanswered messages makes a device silent ([`omemo::account::Options`]).
const SILENT_AFTER: u32 = 1000;

impl World {
    /// A device writes to people. The ledger's number of the message, if it went out.
    pub(crate) fn write(
        &mut self,
        device: usize,
        people: &[usize],
        one: Option<Version>,
    ) -> Option<usize> {
        let recipients: Vec<_> = people.iter().map(|n| self.people[*n].clone()).collect();
        let used = PerVersion::from_fn(|version| one.is_none_or(|one| one == version));
        let missing = self.account(device).missing(&recipients, used).unwrap();
        for (jid, version) in &missing.device_lists {
            self.fetch_list(device, jid, *version);
        }
        let missing = self.account(device).missing(&recipients, used).unwrap();
        assert!(missing.device_lists.is_empty());
        let mut bundles = Bundles::new();
        for peer in missing.bundles {
            let bundle = self.fetch_bundle(&peer);
            bundles.insert(peer, bundle);
        }
        let text = format!("message {}", self.written);
        let outgoing = Outgoing {
            recipients: &recipients,
            payloads: PerVersion::from_fn(|version| used.get(version).then_some(text.as_bytes())),
            bundles: &bundles,
        };
        let now = self.time();
        let account = &self.devices[device].account;
        self.written += 1;
        let sent = match account.encrypt(&outgoing, now, &mut self.rng) {
            Ok(sent) => sent,
            Err(EncryptError::Refused(refusal)) => {
                self.ledger.count("refused");
                self.check_refusal(device, &refusal, &outgoing);
                return None;
            }
            Err(error) => panic!("{error:?}"),
        };
        self.check_report(device, &sent.report, &outgoing);
        let message = self.ledger.begin(device, Some(text));
        let mut readers: Vec<_> = people.iter().flat_map(|n| self.devices_of(*n)).collect();
        let own = self.devices[device].person;
        if !people.contains(&own) {
            readers.extend(self.devices_of(own));
        }
        readers.retain(|reader| *reader != device);
        self.send(message, sent.elements, &readers);
        Some(message)
    }

    /// Enters a message into the ledger, and gives it to the network for these devices.
    pub(crate) fn send(
        &mut self,
        message: usize,
        elements: Vec<Encrypted<RecipientKey>>,
        readers: &[usize],
    ) {
        let from = self.ledger.messages[message].from;
        for element in &elements {
            for key in &element.keys {
                let peer = Peer {
                    jid: key.account.clone(),
                    device: key.device,
                    version: element.version,
                };
                let to = self.find_peer(&peer);
                let life = self.server.bundle(&peer).map(|(_, life)| *life);
                let sender = &self.devices[from];
                let entered = self.ledger.enter(
                    message,
                    sender,
                    (to, &peer),
                    &key.bytes,
                    key.key_exchange,
                    life,
                );
                if let Err(what) = entered {
                    self.complain(from, to, &what);
                }
            }
        }
        let stanza = Rc::new(Stanza {
            message,
            from,
            elements,
        });
        for to in readers {
            let arrives = self.network.send(*to, &stanza, self.now, &mut self.chance);
            if !arrives && let Some(key) = self.ledger.key(message, *to) {
                key.fate = crate::ledger::Fate::Lost;
            }
        }
        self.note_sent(message, readers);
    }

    /// What went to a device that is not there any more is entered as such.
    fn note_sent(&mut self, message: usize, readers: &[usize]) {
        let from = self.ledger.messages[message].from;
        for index in 0..self.ledger.messages[message].keys.len() {
            let key = &mut self.ledger.messages[message].keys[index];
            let to = key.to;
            if !readers.contains(&to) {
                key.fate = crate::ledger::Fate::Removed;
            }
            let key = &self.ledger.messages[message].keys[index];
            let event = format!(
                "{} {from} → {to}: message {message}, {}, {:?}",
                self.now,
                self.ledger.describe(key),
                key.fate
            );
            self.ledger.note(from, to, event);
        }
    }

    fn check_refusal(&mut self, device: usize, refusal: &Refusal, outgoing: &Outgoing<'_>) {
        match refusal {
            Refusal::NoDevices(jid, _) => assert!(self.listed(device, jid).is_empty()),
            Refusal::NoOtherDevice => {
                let (own, id) = (self.devices[device].jid(), self.account(device).device());
                assert!(outgoing.recipients.iter().all(|jid| jid == own));
                assert!(self.listed(device, own).keys().all(|listed| *listed == id));
            }
            Refusal::NobodyReached(jid, report) => {
                assert!(!report.reaches(jid));
                self.check_report(device, report, outgoing);
            }
            Refusal::Gaps(report) => {
                assert!(report.encrypted().next().is_none());
                self.check_report(device, report, outgoing);
            }
            other => panic!("{other:?}"),
        }
    }

    /// Every device that the client has told of is in the report, and was left out for a reason that the
    /// client knows too.
    fn check_report(&mut self, device: usize, report: &Report, outgoing: &Outgoing<'_>) {
        let own = self.devices[device].jid().clone();
        let everybody: BTreeSet<_> = outgoing.recipients.iter().chain([&own]).cloned().collect();
        let mut expected = BTreeSet::new();
        for jid in &everybody {
            let listed = self.listed(device, jid).into_keys();
            expected.extend(listed.map(|id| (jid.clone(), id)));
        }
        expected.remove(&(own, self.devices[device].id()));
        let reported = report.devices.iter();
        let reported: BTreeSet<_> = reported.map(|d| (d.jid.clone(), d.device)).collect();
        assert_eq!(
            reported, expected,
            "the report is of the devices on the lists"
        );
        for entry in &report.devices {
            let to = self.find(&entry.jid, entry.device);
            let versions = self.listed(device, &entry.jid)[&entry.device].clone();
            let is_right = match entry.fate {
                Fate::Encrypted { version, .. } => {
                    versions.contains(&version) && self.may_read(device, to)
                }
                Fate::Skipped(gap) => self.explains(device, to, gap, &versions, outgoing),
            };
            if !is_right {
                self.complain(device, to, &format!("{device} → {to}: {entry:?}"));
            }
            if let Fate::Skipped(gap) = entry.fate {
                self.ledger.count(name(gap));
            }
        }
    }

    /// The devices of an account on the lists that a client has fetched, and their versions.
    fn listed(&self, device: usize, jid: &BareJid) -> BTreeMap<DeviceId, BTreeSet<Version>> {
        let mut listed: BTreeMap<DeviceId, BTreeSet<Version>> = BTreeMap::new();
        for version in Version::ALL {
            let lists = &self.devices[device].client.lists;
            for id in lists.get(&(jid.clone(), version)).into_iter().flatten() {
                listed.entry(*id).or_default().insert(version);
            }
        }
        listed
    }

    /// Whether the user lets a device read.
    fn may_read(&self, device: usize, to: usize) -> bool {
        let reader = &self.devices[to];
        let key = reader.account.fingerprint();
        let trust = self.account(device).trust(reader.jid(), &key).unwrap();
        !self.devices[device]
            .client
            .distrusted
            .contains(key.as_bytes())
            && trust.allows_sending()
    }

    fn explains(
        &mut self,
        device: usize,
        to: usize,
        gap: Gap,
        versions: &BTreeSet<Version>,
        outgoing: &Outgoing<'_>,
    ) -> bool {
        let (writer, reader) = (&self.devices[device], &self.devices[to]);
        let key = reader.account.fingerprint();
        match gap {
            Gap::Distrusted(shown) => {
                shown == key && writer.client.distrusted.contains(key.as_bytes())
            }
            Gap::Undecided(shown) => {
                shown == key
                    && writer.client.verified.contains(reader.jid())
                    && writer.account.trust(reader.jid(), &key).unwrap() == Trust::Undecided
            }
            Gap::NoBundle => versions.iter().any(|version| {
                matches!(
                    outgoing.bundles.get(&reader.peer(*version)),
                    Some(FetchedBundle::Absent)
                )
            }),
            Gap::NoCommonVersion => {
                let usable = |version: &Version| {
                    writer.speaks(*version) && outgoing.payloads.get(*version).is_some()
                };
                !versions.iter().any(usable)
            }
            Gap::Silent => self.ledger.longest_chain(device, to) >= SILENT_AFTER,
            _ => false,
        }
    }
}

const fn name(gap: Gap) -> &'static str {
    match gap {
        Gap::Distrusted(_) => "skipped: distrusted",
        Gap::Undecided(_) => "skipped: undecided",
        Gap::NoBundle => "skipped: no bundle",
        Gap::NoCommonVersion => "skipped: no common version",
        Gap::Silent => "skipped: silent",
        _ => "skipped",
    }
}
