//! Clients on a server, and people who do what their actions say.

use std::sync::Arc;

use omemo::account::{TrustPolicy, VersionPolicy};
use omemo::client::{
    Action, Answer, Archived, Client, Delivery, Disposition, EncryptedMessage, IdentityQuestion,
    IqRequest, Notice, Options, Prepared, Refused, Ticket, TrustQuestion, Undecryptable,
};
use omemo::model::{BareJid, Timestamp, Version};
use omemo::store::{MemoryStore, Store};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::Server;

pub(crate) const JULIET: &str = "juliet@capulet.example";
pub(crate) const ROMEO: &str = "romeo@montague.example";
pub(crate) const MALLORY: &str = "mallory@verona.example";
pub(crate) const MINUTE: u64 = 60 * 1000;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;

pub(crate) fn jid(text: &str) -> BareJid {
    BareJid::from_full(text).unwrap()
}

/// A client, and what it has said.
pub(crate) struct User {
    pub(crate) full: String,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: Options,
    pub(crate) client: Client<StdRng>,
    pub(crate) is_online: bool,
    /// Requests are collected, not answered.
    pub(crate) holds_requests: bool,
    /// Encrypted messages are collected, not sent.
    pub(crate) holds_messages: bool,
    /// Messages are not acknowledged.
    pub(crate) forgets: bool,
    pub(crate) requests: Vec<IqRequest>,
    pub(crate) encrypted: Vec<EncryptedMessage>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) empty: Vec<String>,
    pub(crate) read: Vec<Delivery>,
    pub(crate) undecryptable: Vec<Undecryptable>,
    pub(crate) archived: Vec<Archived>,
    pub(crate) questions: Vec<TrustQuestion>,
    pub(crate) identity_questions: Vec<IdentityQuestion>,
    pub(crate) prepared: Vec<Prepared>,
    pub(crate) notices: Vec<Notice>,
    /// Rooms whose members it was asked for.
    pub(crate) asked_members: Vec<BareJid>,
    pub(crate) wake_at: Option<Timestamp>,
}

impl User {
    pub(crate) fn jid(&self) -> BareJid {
        jid(&self.full)
    }

    /// The bodies of what was read.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.read.iter().map(|read| body(&read.stanza)).collect()
    }
}

/// The text of a stanza in clear.
pub(crate) fn body(stanza: &str) -> String {
    let document = roxmltree::Document::parse(stanza).unwrap();
    let mut children = document.root_element().children();
    let body = children.find(|child| child.tag_name().name() == "body");
    body.and_then(|body| body.text()).unwrap_or("").to_owned()
}

pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) users: Vec<User>,
    pub(crate) now: u64,
    seed: u64,
}

pub(crate) fn options() -> Options {
    let mut options = Options::new(TrustPolicy::BlindUntilVerified);
    options.account.trust_own = TrustPolicy::BlindUntilVerified;
    options
}

pub(crate) fn only(version: Version) -> Options {
    let mut options = options();
    options.account.versions = VersionPolicy::Only(version);
    options
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            server: Server::default(),
            users: Vec::new(),
            now: 1_700_000_000_000,
            seed: 0,
        }
    }

    /// Juliet and Romeo, who have accepted each other.
    pub(crate) fn of_two() -> Self {
        let mut stage = Self::new();
        stage.add(&format!("{JULIET}/balcony"), options());
        stage.add(&format!("{ROMEO}/orchard"), options());
        stage.befriend(0, 1);
        stage
    }

    pub(crate) fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    pub(crate) fn add(&mut self, full: &str, options: Options) -> usize {
        self.add_with(full, options, Arc::new(MemoryStore::new()))
    }

    /// A client that is connected, and has announced itself.
    pub(crate) fn add_with(
        &mut self,
        full: &str,
        options: Options,
        store: Arc<dyn Store>,
    ) -> usize {
        let user = self.add_offline(full, options, store);
        self.connect(user);
        self.settle();
        user
    }

    pub(crate) fn add_offline(
        &mut self,
        full: &str,
        options: Options,
        store: Arc<dyn Store>,
    ) -> usize {
        let client = self.open(full, options.clone(), store.clone());
        self.users.push(User {
            full: full.to_owned(),
            store,
            options,
            client,
            is_online: false,
            holds_requests: false,
            holds_messages: false,
            forgets: false,
            requests: Vec::new(),
            encrypted: Vec::new(),
            refused: Vec::new(),
            empty: Vec::new(),
            read: Vec::new(),
            undecryptable: Vec::new(),
            archived: Vec::new(),
            questions: Vec::new(),
            identity_questions: Vec::new(),
            prepared: Vec::new(),
            notices: Vec::new(),
            asked_members: Vec::new(),
            wake_at: None,
        });
        self.users.len() - 1
    }

    fn open(&mut self, full: &str, options: Options, store: Arc<dyn Store>) -> Client<StdRng> {
        self.seed += 1;
        let rng = StdRng::seed_from_u64(self.seed);
        Client::open_with_rng(store, jid(full), options, rng, self.time()).unwrap()
    }

    /// The process has died: the client is opened again from its store, and not connected.
    pub(crate) fn crash(&mut self, user: usize) {
        let User {
            full,
            options,
            store,
            ..
        } = &self.users[user];
        let (full, options, store) = (full.clone(), options.clone(), store.clone());
        self.users[user].client = self.open(&full, options, store);
        self.users[user].is_online = false;
        self.users[user].requests.clear();
    }

    pub(crate) fn connect(&mut self, user: usize) {
        let now = self.time();
        self.server.log_in(&self.users[user].full);
        self.users[user].is_online = true;
        self.users[user].client.connected(now).unwrap();
    }

    /// The stream goes on that was there before.
    pub(crate) fn resume(&mut self, user: usize) {
        let now = self.time();
        self.users[user].is_online = true;
        self.users[user].client.resumed(now).unwrap();
    }

    pub(crate) fn disconnect(&mut self, user: usize) {
        self.users[user].is_online = false;
        self.users[user].requests.clear();
        self.users[user].client.disconnected();
    }

    /// Both have accepted each other, and each other's presence.
    pub(crate) fn befriend(&mut self, one: usize, other: usize) {
        let now = self.time();
        for (user, contact) in [(one, other), (other, one)] {
            let contact = self.users[contact].jid();
            let client = &mut self.users[user].client;
            client.set_contact(&contact, true, true, now).unwrap();
        }
        self.settle();
    }

    /// Time passes, and everybody is told.
    pub(crate) fn wait(&mut self, millis: u64) {
        self.now += millis;
        let now = self.time();
        for user in &mut self.users {
            user.client.tick(now).unwrap();
        }
        self.settle();
    }

    /// Lets everybody do what is to be done, until nothing is left.
    pub(crate) fn settle(&mut self) {
        loop {
            let mut is_quiet = true;
            for user in 0..self.users.len() {
                while self.act(user) {
                    is_quiet = false;
                }
                while self.users[user].is_online && self.hear(user).is_some() {
                    is_quiet = false;
                }
            }
            if is_quiet {
                break;
            }
        }
    }

    /// One action of a client is done; whether there was one.
    pub(crate) fn act(&mut self, user: usize) -> bool {
        let now = self.time();
        let user = &mut self.users[user];
        let Some(action) = user.client.next_action() else {
            return false;
        };
        match action {
            Action::Request(request) if user.holds_requests => user.requests.push(request),
            Action::Request(request) => {
                if let Some(answer) = self.server.answer(&user.full, &request) {
                    let answer = Answer::Stanza(&answer);
                    user.client.answer(request.id, answer, now).unwrap();
                }
            }
            Action::Encrypted(message) => {
                if !user.holds_messages {
                    self.server.send(&user.full, &message.stanza);
                }
                user.encrypted.push(message);
            }
            Action::Refused(refused) => user.refused.push(refused),
            Action::Send(stanza) => {
                self.server.send(&user.full, &stanza);
                user.empty.push(stanza);
            }
            Action::Deliver(delivery) => {
                if !user.forgets {
                    user.client.acknowledge(&[delivery.id]).unwrap();
                }
                user.read.push(*delivery);
            }
            Action::Undecryptable(what) => user.undecryptable.push(what),
            Action::Archived(archived) => user.archived.push(archived),
            Action::DecideTrust(question) => user.questions.push(question),
            Action::DecideIdentity(question) => user.identity_questions.push(question),
            Action::Prepared(prepared) => user.prepared.push(prepared),
            Action::Notice(notice) => user.notices.push(notice),
            Action::AskMembers(room) => user.asked_members.push(room),
            Action::WakeAt(at) => user.wake_at = Some(at),
            other => panic!("{other:?}"),
        }
        true
    }

    /// A client takes the next stanza.
    pub(crate) fn hear(&mut self, user: usize) -> Option<Disposition> {
        let stanza = self.server.next_for(&self.users[user].full)?;
        Some(self.receive(user, &stanza))
    }

    pub(crate) fn receive(&mut self, user: usize, stanza: &str) -> Disposition {
        let now = self.time();
        self.users[user].client.receive(stanza, now).unwrap()
    }

    /// Answers all requests that a client holds back.
    pub(crate) fn answer_held(&mut self, user: usize) {
        let now = self.time();
        for request in core::mem::take(&mut self.users[user].requests) {
            let user = &mut self.users[user];
            if let Some(answer) = self.server.answer(&user.full, &request) {
                let answer = Answer::Stanza(&answer);
                user.client.answer(request.id, answer, now).unwrap();
            }
        }
        self.settle();
    }

    /// Gives a message to be encrypted, and lets everything happen.
    pub(crate) fn say(&mut self, from: usize, to: &str, inside: &str) -> Ticket {
        let ticket = self.give(from, to, inside);
        self.settle();
        ticket
    }

    /// Gives a message to be encrypted.
    pub(crate) fn give(&mut self, from: usize, to: &str, inside: &str) -> Ticket {
        let stanza = chat(to, inside);
        let now = self.time();
        let client = &mut self.users[from].client;
        client.encrypt(&stanza, &[jid(to)], now).unwrap()
    }

    /// A message as it leaves, which nobody gets.
    pub(crate) fn seal(&mut self, from: usize, to: &str, inside: &str) -> String {
        self.users[from].holds_messages = true;
        self.say(from, to, inside);
        self.users[from].holds_messages = false;
        let user = &self.users[from];
        let sealed = user.encrypted.last().unwrap();
        super::with_from(&sealed.stanza, &user.full)
    }

    /// Whether a text went over the wire as it is.
    pub(crate) fn was_seen(&self, text: &str) -> bool {
        self.server.seen.iter().any(|seen| seen.contains(text))
    }
}

pub(crate) fn chat(to: &str, inside: &str) -> String {
    format!("<message to='{to}' type='chat' id='x'>{inside}</message>")
}

/// A message with nothing but a text.
pub(crate) fn text(body: &str) -> String {
    format!("<body>{body}</body>")
}
