//! Whether a message that goes out is for those that it was meant for, and its report names the others.

use std::collections::BTreeSet;

use omemo::account::{Report, VersionPolicy};
use omemo::client::RefusalReason;
use omemo::model::{BareJid, Version};
use roxmltree::Document;

use crate::messages::To;
use crate::server::publishing::LISTS;
use crate::server::stage::HOUR;
use crate::world::World;

impl World {
    /// The accounts that a message is for, as its writer knows them now; its own among them.
    fn meant(&self, person: usize, number: usize) -> BTreeSet<BareJid> {
        let mut meant: BTreeSet<_> = match &self.messages[number].to {
            To::Account(jid) | To::Occupant(_, _, jid) => [jid.clone()].into(),
            To::Room(room) => {
                let told = self.told(person, room);
                told.into_iter()
                    .flat_map(|told| told.members.clone())
                    .collect()
            }
        };
        meant.insert(self.people[person].jid());
        meant
    }

    pub(crate) fn check_report(&mut self, person: usize, number: usize, report: &Report) {
        let meant = self.meant(person, number);
        self.trace(|| {
            let (full, to) = (&self.people[person].full, &self.messages[number].to);
            let devices = report.devices.iter();
            let devices = devices.map(|of| format!("{}:{} {:?}", of.jid, of.device, of.fate));
            let devices = devices.collect::<Vec<_>>().join(", ");
            let left_out = &report.left_out;
            format!("{number} of {full} to {to:?}: {devices}, without {left_out:?}")
        });
        let (mut readers, mut readable) = (BTreeSet::new(), BTreeSet::new());
        for device in report.encrypted() {
            if !meant.contains(&device.jid) {
                let detail = format!("message {number} for {}", device.jid);
                self.wrong("encrypted for somebody who is no member", &detail);
            }
            readers.extend(self.find(device));
            // A device of Mallory's that shows the keys of somebody else: they are his.
            let people = 0..self.people.len();
            let ids = people
                .filter(|person| self.people[*person].client.account().device() == device.device);
            readable.extend(ids);
        }
        for (_, gap) in report.skipped() {
            self.counts.add(&format!("skipped: {gap}"));
        }
        for left_out in &report.left_out {
            self.counts.add(&format!("left out: {}", left_out.why));
        }
        for jid in &meant {
            if *jid != self.people[person].jid() {
                self.check_account(person, number, report, jid);
            }
            self.check_devices(person, number, report, jid);
        }
        self.messages[number].readers = Some(readers);
        self.messages[number].readable = readable;
    }

    /// An account gets it, or the report says why not.
    fn check_account(&mut self, person: usize, number: usize, report: &Report, jid: &BareJid) {
        let has_gap = report.skipped().any(|(device, _)| device.jid == *jid);
        let is_left_out = report.left_out.iter().any(|left_out| left_out.jid == *jid);
        let is_told_of = report.reaches(jid) || has_gap || is_left_out;
        if !is_told_of {
            let detail = format!("message {number} of {} for {jid}", self.people[person].full);
            self.wrong("left out in silence", &detail);
        }
    }

    /// So do the devices on its lists, unless a fault keeps them from being known.
    fn check_devices(&mut self, person: usize, number: usize, report: &Report, jid: &BareJid) {
        let own = self.people[person].client.account();
        for reader in 0..self.people.len() {
            let account = self.people[reader].client.account();
            let device = account.device();
            if account.jid() != jid || (own.jid(), own.device()) == (jid, device) {
                continue;
            }
            // Who speaks one version alone does not look at the lists of the other.
            let only = match own.options().versions {
                VersionPolicy::Only(version) => Some(version),
                _ => None,
            };
            let lists = Version::ALL.into_iter().zip(LISTS);
            let mut lists = lists.filter(|(version, _)| only.is_none_or(|only| only == *version));
            let is_listed = lists.any(|(_, list)| {
                let shown = self.server.items(jid, list).pop().unwrap_or_default();
                !shown.is_empty() && ids(&shown).contains(&device.to_string())
            });
            let known = report
                .devices
                .iter()
                .any(|of| (&of.jid, of.device) == (jid, device));
            if !is_listed || known {
                continue;
            }
            if report.lists.iter().any(|list| list.jid == *jid) {
                self.counts
                    .add("left out: the report says that a list is old");
                continue;
            }
            // The message was encrypted, and the list came before the application took the message.
            let known = own.devices(jid).unwrap().into_iter();
            let changes = known
                .filter(|known| known.id == device)
                .flat_map(|known| [known.versions.legacy, known.versions.omemo2])
                .filter_map(|version| version.listed_changed);
            let idle_at = self.people[person].idle_at;
            if changes
                .max()
                .is_some_and(|changed| changed.as_millis() >= idle_at)
            {
                self.counts
                    .add("left out: the list came when it was encrypted");
                continue;
            }
            let blind = self.people[person].blind.get(jid);
            let is_blind = blind.is_some_and(|since| self.now - since < 2 * HOUR);
            if is_blind || self.server.is_about_to_tell(&self.people[person].full, jid) {
                self.counts.add("left out: a fault hides the device");
                continue;
            }
            let detail = format!(
                "message {number} of {} for {}",
                self.people[person].full, self.people[reader].full
            );
            self.wrong("a listed device is not in the report", &detail);
            return;
        }
    }

    pub(crate) fn check_refusal(&mut self, person: usize, number: usize, reason: &RefusalReason) {
        self.counts.add("refused");
        let RefusalReason::Recipients(refusal) = reason else {
            let room = match &self.messages[number].to {
                To::Account(_) => None,
                To::Room(room) | To::Occupant(room, ..) => Some(room),
            };
            let is_outside = room.is_some_and(|room| self.told(person, room).is_none());
            self.counts.add(&format!("refused: {reason}"));
            if !is_outside {
                self.wrong("refused", &format!("message {number}: {reason}"));
            }
            return;
        };
        self.counts.add(&format!("refused: {refusal}"));
        let own = self.people[person].jid();
        let reaches_somebody = refusal
            .report()
            .is_some_and(|report| report.encrypted().any(|device| device.jid != own));
        if matches!(self.messages[number].to, To::Room(_)) && reaches_somebody {
            let detail = format!(
                "message {number} of {}: {refusal:?}",
                self.people[person].full
            );
            self.wrong("a room was silenced", &detail);
        }
    }
}

fn ids(list: &str) -> BTreeSet<String> {
    let document = Document::parse(list).unwrap();
    let devices = document
        .descendants()
        .filter_map(|node| node.attribute("id"));
    devices.map(str::to_owned).collect()
}
