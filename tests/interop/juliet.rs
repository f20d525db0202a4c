//! Our side as an [`Account`] in a store.

use std::sync::Arc;

use omemo::account::{
    APPLICATION, Account, Arrival, Bundles, FetchedBundle, Incoming, Outgoing, Peer, Received,
    Sender,
};
use omemo::model::{
    Bundle, Device, DeviceList, Encrypted, OwnKey, PerVersion, PreKeyId, RecipientKey, Timestamp,
    Version,
};
use omemo::store::MemoryStore;
use rand::rngs::StdRng;

use crate::letter::Letter;
use crate::romeo::{self, Romeo};
use crate::world::{JULIET, jid, options, received};

pub(crate) struct Juliet {
    pub(crate) account: Account,
    /// The other side.
    pub(crate) romeo: Peer,
    now: u64,
}

impl Juliet {
    /// A new account, which knows Romeo's device list and has accepted him.
    pub(crate) fn new(version: Version, rng: &mut StdRng) -> Self {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let store = Arc::new(MemoryStore::new());
        let account = Account::open(store, jid(JULIET), options(), now, rng).unwrap();
        let romeo = Peer {
            jid: jid(romeo::JID),
            device: Romeo::device(),
            version,
        };
        for (jid, id) in [
            (account.jid(), account.device()),
            (&romeo.jid, romeo.device),
        ] {
            let devices = vec![Device { id, label: None }];
            let list = DeviceList { version, devices };
            account.set_device_list(jid, &list, now).unwrap();
        }
        account.set_accepted(&romeo.jid, true, now).unwrap();
        Self {
            account,
            romeo,
            now: now.as_millis(),
        }
    }

    /// What time it is: each time a second later.
    pub(crate) fn now(&mut self) -> Timestamp {
        self.pass(1000);
        Timestamp::from_millis(self.now)
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        self.now += millis;
    }

    pub(crate) fn bundle(&self) -> Bundle {
        self.account.bundle(self.romeo.version).unwrap().bundle
    }

    pub(crate) fn offers(&self, id: PreKeyId) -> bool {
        self.bundle().pre_keys.iter().any(|entry| entry.id == id)
    }

    /// Writes on the session that there is.
    pub(crate) fn write(&mut self, text: &str, rng: &mut StdRng) -> Letter {
        self.write_with(Bundles::new(), text, rng)
    }

    /// Writes on the session that there is, or on one that is started from this bundle.
    pub(crate) fn greet(&mut self, bundle: &Bundle, text: &str, rng: &mut StdRng) -> Letter {
        let fetched = FetchedBundle::Bundle(Box::new(bundle.clone()));
        self.write_with([(self.romeo.clone(), fetched)].into(), text, rng)
    }

    fn write_with(&mut self, bundles: Bundles, text: &str, rng: &mut StdRng) -> Letter {
        let now = self.now();
        let mut payloads = PerVersion::default();
        *payloads.get_mut(self.romeo.version) = Some(text.as_bytes());
        let outgoing = Outgoing {
            recipients: core::slice::from_ref(&self.romeo.jid),
            payloads,
            bundles: &bundles,
        };
        let sent = self.account.encrypt(&outgoing, now, rng).unwrap();
        assert_eq!(sent.elements.len(), 1);
        self.letter(&sent.elements[0], Some(text))
    }

    /// Whether she owes an empty message.
    pub(crate) fn owes(&self) -> bool {
        !self.account.answers_due().unwrap().is_empty()
    }

    pub(crate) fn write_empty(&mut self, rng: &mut StdRng) -> Letter {
        let now = self.now();
        let element = self.account.encrypt_empty(&self.romeo, None, now, rng);
        self.letter(&element.unwrap(), None)
    }

    /// Replaces a broken session.
    pub(crate) fn repair(&mut self, bundle: &Bundle, rng: &mut StdRng) -> Letter {
        let now = self.now();
        let due = self.account.repairs_due(now).unwrap();
        assert_eq!(due, core::slice::from_ref(&self.romeo));
        let fetched = FetchedBundle::Bundle(Box::new(bundle.clone()));
        let element = self.account.repair(&self.romeo, &fetched, now, rng);
        assert_eq!(self.account.repairs_due(now).unwrap(), []);
        self.letter(&element.unwrap(), None)
    }

    fn letter(&self, element: &Encrypted<RecipientKey>, text: Option<&str>) -> Letter {
        let element = received(element, &self.romeo.jid, self.romeo.device);
        assert_eq!(element.keys.len(), 1);
        Letter {
            text: text.map(str::to_owned),
            element,
        }
    }

    /// What becomes of a stanza.
    pub(crate) fn receive(&mut self, element: &Encrypted<OwnKey>, rng: &mut StdRng) -> Received {
        let now = self.now();
        let incoming = Incoming {
            sender: Sender::Known(&self.romeo.jid),
            elements: core::slice::from_ref(element),
            arrival: Arrival::Live,
            author: None,
            attached: &[],
        };
        let received = self.account.decrypt(&incoming, now, rng).unwrap();
        if let Received::Message(message) = &received {
            assert_eq!(message.sender, self.romeo);
            self.account
                .acknowledge(&[message.id], APPLICATION)
                .unwrap();
        }
        received
    }

    /// Whether she reads it for the first time. Panics if she reads something else, or knows it neither as
    /// new nor as old.
    pub(crate) fn read(&mut self, letter: &Letter, rng: &mut StdRng) -> bool {
        match self.receive(&letter.element, rng) {
            Received::Message(message) => {
                let text = letter.text.as_ref().map(String::as_bytes);
                assert_eq!(Some(message.payload.as_slice()), text);
                assert!(!message.is_again);
                true
            }
            Received::Empty(_) => {
                assert_eq!(letter.text, None);
                true
            }
            Received::Duplicate(_) => false,
            other => panic!("lost here: {other:?}"),
        }
    }
}
