//! Somebody at a client: one device, and a store that keeps what it must not forget.

use std::path::Path;
use std::sync::Arc;

use omemo::account::{Opening, TrustPolicy, VersionPolicy};
use omemo::client::{Action, Answer, Client, IqRequest, Options, RequestId};
use omemo::model::{BareJid, Version};
use omemo::stanza::{MaxItems, PlainMessage, Request};
use omemo::store::{MemoryStore, SqliteStore, Store};

use super::server::Server;
use crate::{Failure, now};

/// Juliet, or Romeo.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) client: Client,
}

/// What a client has done.
#[derive(Debug, Default)]
pub(super) struct Doings {
    /// The stanzas that went out.
    pub(super) sent: Vec<String>,
    /// The texts that came.
    pub(super) read: Vec<String>,
}

/// Somebody's store: a file in the folder, or, without one, memory.
pub(super) fn store(name: &str, folder: Option<&Path>) -> Result<Arc<dyn Store>, Failure> {
    let Some(folder) = folder else {
        return Ok(Arc::new(MemoryStore::new()));
    };
    let file = folder.join(format!("{}.db", name.to_lowercase()));
    let store = SqliteStore::open(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(Arc::new(store))
}

impl Person {
    /// Opens somebody's client, which speaks one version.
    pub(super) fn open(
        name: &'static str,
        address: &str,
        store: Arc<dyn Store>,
        version: Version,
    ) -> Result<Self, Failure> {
        // Whoever is met for the first time is trusted, until the first fingerprint is compared.
        let mut options = Options::new(TrustPolicy::BlindUntilVerified);
        options.account.versions = VersionPolicy::Only(version);
        let client = Client::open(store, address.parse()?, options, now()?)?;
        Ok(Self { name, client })
    }

    pub(super) const fn jid(&self) -> &BareJid {
        self.client.account().jid()
    }

    /// Whether the account was in its store already.
    pub(super) fn is_back(&self) -> bool {
        self.client.account().opening() != Opening::Created
    }

    /// Gives the server what it would have kept of an earlier run, in which this person was there already: the
    /// servers of the demo live as long as the demo.
    pub(super) fn restore_nodes(
        &self,
        version: Version,
        own: &mut Server,
        other: &mut Server,
    ) -> Result<(), Failure> {
        let account = self.client.account();
        if account.bundles_due()?.contains(&version) {
            return Ok(());
        }
        let bundle = account.bundle(version)?.bundle;
        let list = account.own_device_list(version)?;
        let bundle = Request::publish_bundle(account.device(), &bundle, Some(MaxItems::Max))?;
        for Request { kind, payload } in [bundle, Request::publish_device_list(&list)] {
            let request = IqRequest {
                id: RequestId::from_number(0),
                to: None,
                kind,
                payload,
            };
            own.answer(self.jid(), &request, other)?;
        }
        Ok(())
    }

    /// Logs in, and reads what waits.
    pub(super) fn come_online(
        &mut self,
        own: &mut Server,
        other: &mut Server,
    ) -> Result<Doings, Failure> {
        self.client.connected(now()?)?;
        let mut doings = self.act(own, other)?;
        for stanza in own.come_online(self.jid()) {
            self.client.receive(&stanza, now()?)?;
            let more = self.act(own, other)?;
            doings.sent.extend(more.sent);
            doings.read.extend(more.read);
        }
        Ok(doings)
    }

    pub(super) fn go_offline(&mut self) {
        self.client.disconnected();
    }

    /// Writes a text.
    pub(super) fn write(
        &mut self,
        to: &BareJid,
        text: &str,
        own: &mut Server,
        other: &mut Server,
    ) -> Result<Doings, Failure> {
        let stanza = format!("<message to='{to}' type='chat'><body>{text}</body></message>");
        let recipients = core::slice::from_ref(to);
        self.client.encrypt(&stanza, recipients, now()?)?;
        self.act(own, other)
    }

    /// Does what the client says.
    fn act(&mut self, own: &mut Server, other: &mut Server) -> Result<Doings, Failure> {
        let mut doings = Doings::default();
        let mut shown = Vec::new();
        while let Some(action) = self.client.next_action() {
            match action {
                Action::Request(request) => {
                    let answer = own.answer(self.jid(), &request, other)?;
                    let answer = Answer::Stanza(&answer);
                    self.client.answer(request.id, answer, now()?)?;
                }
                Action::Encrypted(message) => doings.sent.push(message.stanza),
                Action::Send(stanza) => doings.sent.push(stanza),
                Action::Deliver(delivery) => {
                    let message = PlainMessage::read(&delivery.stanza)?;
                    let text = message.body().ok_or("a message without a text")?;
                    doings.read.push(text.to_owned());
                    shown.push(delivery.id);
                }
                Action::WakeAt(_) => {}
                other => return Err(format!("this was not expected: {other:?}").into()),
            }
        }
        self.client.acknowledge(&shown)?;
        for stanza in &doings.sent {
            let to = PlainMessage::read(stanza)?
                .attribute("to")
                .unwrap_or_default()
                .parse()?;
            own.send(other, self.jid(), &to, stanza);
        }
        Ok(doings)
    }
}
