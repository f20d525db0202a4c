//! Somebody with an account: one device, and a store that keeps what it must not forget.

use std::path::Path;
use std::sync::Arc;

use getrandom::SysRng;
use omemo::account::{
    APPLICATION, Account, Arrival, Bundles, FetchedBundle, Incoming, Opening, Options, Outgoing,
    Peer, Received, TrustPolicy,
};
use omemo::model::{BareJid, Bundle, PerVersion, Version};
use omemo::stanza::{Addressee, Envelope};
use omemo::store::{MemoryStore, SqliteStore, Store};

use super::envelope::envelope;
use super::server::{Server, Stanza};
use crate::{Failure, now};

/// Juliet, or Romeo.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) account: Account,
}

impl Person {
    /// Opens somebody's account: in a file in the folder, or, without one, in memory.
    pub(super) fn open(
        name: &'static str,
        address: &str,
        folder: Option<&Path>,
    ) -> Result<Self, Failure> {
        let store: Arc<dyn Store> = match folder {
            Some(folder) => {
                let file = folder.join(format!("{}.db", name.to_lowercase()));
                Arc::new(SqliteStore::open(&file).map_err(|e| format!("{}: {e}", file.display()))?)
            }
            None => Arc::new(MemoryStore::new()),
        };
        // Whoever is met for the first time is trusted, until the first fingerprint is compared.
        let options = Options::new(TrustPolicy::BlindUntilVerified);
        let account = Account::open(store, address.parse()?, options, now()?, &mut SysRng)?;
        Ok(Self { name, account })
    }

    /// Whether the account was in its store already.
    pub(super) fn is_back(&self) -> bool {
        self.account.opening() != Opening::Created
    }

    /// Publishes what others need to write to this device: its bundle, and its place on the device list.
    pub(super) fn publish(&self, server: &mut Server, version: Version) -> Result<(), Failure> {
        let own = self.account.bundle(version)?;
        server.publish(self.account.jid(), self.account.device(), own.bundle);
        self.account.bundle_published(version, own.revision)?;
        server.announce(self.account.jid(), self.account.own_device_list(version)?);
        self.account.device_list_published(version, now()?)?;
        Ok(())
    }

    /// Takes in who has which devices.
    pub(super) fn learn(
        &self,
        owner: &BareJid,
        server: &Server,
        version: Version,
    ) -> Result<(), Failure> {
        let list = server.device_list(owner, version).ok_or("no device list")?;
        self.account.set_device_list(owner, list, now()?)?;
        Ok(())
    }

    /// Fetches the bundles of devices with which there is no session yet.
    pub(super) fn fetch_bundles(
        &self,
        to: &BareJid,
        version: Version,
        mut fetch: impl FnMut(&Peer) -> Option<Bundle>,
    ) -> Result<Bundles, Failure> {
        let used = PerVersion::from_fn(|other| other == version);
        let missing = self.account.missing(core::slice::from_ref(to), used)?;
        let answers = missing.bundles.into_iter().map(|peer| {
            let bundle = fetch(&peer).map(Box::new);
            let answer = bundle.map_or(FetchedBundle::Absent, FetchedBundle::Bundle);
            (peer, answer)
        });
        Ok(answers.collect())
    }

    /// Encrypts a text once, and its key for each device of the recipient.
    pub(super) fn write(
        &self,
        to: &BareJid,
        version: Version,
        bundles: &Bundles,
        text: &str,
    ) -> Result<Vec<Stanza>, Failure> {
        let payload = match version {
            Version::Legacy => text.to_owned(),
            Version::Omemo2 => envelope(self.account.jid(), to, text)?,
        };
        let mut payloads = PerVersion::default();
        *payloads.get_mut(version) = Some(payload.as_bytes());
        let outgoing = Outgoing {
            recipients: core::slice::from_ref(to),
            payloads,
            bundles,
        };
        let sent = self.account.encrypt(&outgoing, now()?, &mut SysRng)?;
        let stanza = |element| Stanza {
            from: self.account.jid().clone(),
            to: to.clone(),
            element,
        };
        Ok(sent.elements.into_iter().map(stanza).collect())
    }

    /// Decrypts a message, takes it over and says so.
    pub(super) fn read(&self, stanza: &Stanza) -> Result<String, Failure> {
        let incoming = Incoming {
            senders: core::slice::from_ref(&stanza.from),
            elements: &[stanza.for_device(self.account.device())],
            arrival: Arrival::Live,
            attached: &[],
        };
        let message = match self.account.decrypt(&incoming, now()?, &mut SysRng)? {
            Received::Message(message) => message,
            Received::Failed(failure) => return Err(failure.reason.to_string().into()),
            other => return Err(format!("this is no message: {other:?}").into()),
        };
        let text = match message.sender.version {
            Version::Legacy => core::str::from_utf8(&message.payload)?.to_owned(),
            Version::Omemo2 => {
                let envelope = Envelope::read(&message.payload)?;
                envelope.check(&stanza.from, Addressee::Account(self.account.jid()))?;
                let body = envelope.body.ok_or("the envelope has no body")?;
                body.into_owned()
            }
        };
        self.account.acknowledge(&message.id, APPLICATION)?;
        Ok(text)
    }
}
