//! Whether each text is its writer's, and what became of each message at each of its readers.

use omemo::client::{Delivery, UndecryptableReason};
use omemo::model::{BareJid, Version};

use crate::messages::Message;
use crate::server::stage::{MALLORY, jid};
use crate::world::World;

impl World {
    /// A text is shown as who has written it.
    pub(crate) fn check_sender(&mut self, person: usize, number: usize, delivery: &Delivery) {
        let message = &self.messages[number];
        let writer = &self.people[message.from];
        let (account, shown) = (writer.client.account(), &delivery.sender);
        let is_right = shown.jid == writer.jid();
        let is_device = shown.device == account.device() || message.has_other_device;
        let is_key = delivery.fingerprint == account.fingerprint();
        self.trace(|| {
            let full = &self.people[person].full;
            format!(
                "{number} read by {full} as of {shown:?} {:?}",
                delivery.origin
            )
        });
        let detail = format!(
            "message {number} of {} is shown to {} as of {:?} ({:?})",
            writer.full, self.people[person].full, delivery.sender, delivery.origin
        );
        let key = account.fingerprint();
        let is_mallorys = shown.jid == jid(MALLORY) && shown.version == Version::Legacy;
        if !is_right && self.is_first_of_its_writer(person, number, delivery) {
            self.counts
                .add("copied by Mallory before its writer was known");
            self.people[person].deceived.insert(key);
        } else if !is_right && is_mallorys && self.people[person].deceived.contains(&key) {
            self.counts
                .add("copied by Mallory, who was believed before");
        } else if !is_right {
            self.wrong("shown as somebody else's", &detail);
        } else if !is_device || !is_key {
            self.wrong("shown as another device's", &detail);
        }
    }

    /// A legacy key exchange says whose identity key it is, not whose account. Whoever has seen nothing of its
    /// writer's device, no bundle and no message, cannot know that Mallory has copied it.
    fn is_first_of_its_writer(&self, person: usize, number: usize, delivery: &Delivery) -> bool {
        let writer = self.people[self.messages[number].from].client.account();
        let reader = self.people[person].client.account();
        let known = reader.devices(writer.jid()).unwrap();
        let mut keys = known.iter().filter_map(|known| known.fingerprint);
        delivery.sender.jid == jid(MALLORY)
            && delivery.sender.version == Version::Legacy
            && delivery.fingerprint == writer.fingerprint()
            && writer.jid() != reader.jid()
            && keys.all(|key| key != writer.fingerprint())
    }

    /// Whether a message can have come to somebody.
    fn has_access(&self, message: &Message, jid: &BareJid) -> bool {
        match (&message.taken_by, &message.to) {
            (Some(taken_by), _) => taken_by.contains(jid),
            (None, crate::messages::To::Room(room)) => {
                self.server.rooms[room].members.contains(jid)
            }
            (None, _) => true,
        }
    }

    pub(crate) fn judge(&mut self) {
        for person in &self.people {
            assert!(
                person.given.is_empty(),
                "seed {}: neither encrypted nor refused: {:?}",
                self.seed,
                person.given
            );
        }
        self.check_pins();
        for number in 0..self.messages.len() {
            let message = &self.messages[number];
            assert!(message.is_refused || message.readers.is_some(), "{number}");
            for reader in message.readers.clone().unwrap_or_default() {
                let what = self.became_of(number, reader);
                self.counts.add(&what);
            }
        }
        for person in 0..self.people.len() {
            for number in self.people[person].read.keys() {
                let is_meant = self.messages[*number].readable.contains(&person);
                assert!(
                    is_meant,
                    "seed {}: {number} was read by who was not meant",
                    self.seed
                );
            }
        }
    }

    /// Nobody's key was taken for somebody else's. What Mallory shows as hers is hers.
    fn check_pins(&mut self) {
        let people: Vec<_> = self
            .people
            .iter()
            .map(|person| {
                let account = person.client.account();
                (person.jid(), account.device(), account.fingerprint())
            })
            .collect();
        for person in 0..people.len() {
            for (jid, device, key) in people
                .iter()
                .filter(|(jid, ..)| *jid != MALLORY.parse().unwrap())
            {
                let known = self.people[person].client.account().devices(jid).unwrap();
                let known = known.into_iter().find(|known| known.id == *device);
                let pinned = known.and_then(|known| known.fingerprint);
                if pinned.is_some_and(|pinned| pinned != *key) {
                    let detail = format!("{jid}:{device} at {}", self.people[person].full);
                    self.wrong("a key is stored as somebody else's", &detail);
                }
            }
        }
    }

    /// What became of a message at one of its readers.
    fn became_of(&mut self, number: usize, reader: usize) -> String {
        let (message, person) = (&self.messages[number], &self.people[reader]);
        if person.read.contains_key(&number) {
            return "read".to_owned();
        }
        if let Some(reason) = person.failed.get(&number) {
            let reason = match reason {
                UndecryptableReason::Failure(failure) => format!("{:?}", failure.reason),
                other => format!("{other:?}"),
            };
            if message.has_other_device {
                return format!("forged and not read: {reason}");
            }
            let reason = format!("not read: {reason}");
            if self.people[message.from].is_mallory() || person.is_mallory() {
                return format!("of Mallory or for her: {reason}");
            }
            self.trace(|| {
                let (from, full) = (&self.people[message.from].full, &person.full);
                format!("{number} of {from} to {:?} at {full}: {reason}", message.to)
            });
            self.counts.add("not read");
            return reason;
        }
        if message.has_other_device {
            return "forged and taken for nothing".to_owned();
        }
        if !self.has_access(message, &person.jid()) {
            return "not passed on".to_owned();
        }
        let detail = format!("message {number} on its way to {}", person.full);
        self.wrong("vanished", &detail);
        String::new()
    }
}
