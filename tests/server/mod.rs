//! A server in memory: nodes, offline storage, carbons, rooms, an archive. It speaks stanzas as text.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod garden;
pub(crate) mod notifications;
pub(crate) mod publishing;
pub(crate) mod rooms;
pub(crate) mod stage;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use omemo::client::IqRequest;
use omemo::model::BareJid;
use roxmltree::{Document, Node};

use notifications::Notifications;
use rooms::Room;

/// All servers of the world: between them nothing is lost unless a test says so.
#[derive(Default)]
pub(crate) struct Server {
    /// The items of each node of each account: id, payload.
    nodes: BTreeMap<(BareJid, String), Vec<(String, String)>>,
    /// What waits for each client, by its full address.
    waiting: BTreeMap<String, VecDeque<String>>,
    /// The clients that are logged in or were once.
    clients: BTreeMap<BareJid, Vec<String>>,
    /// What each account has sent and received, oldest first.
    pub(crate) archive: BTreeMap<BareJid, Vec<String>>,
    pub(crate) rooms: BTreeMap<BareJid, Room>,
    /// Everything that ever went through.
    pub(crate) seen: Vec<String>,
    /// Conditions with which the next publications are refused.
    pub(crate) refusals: VecDeque<String>,
    /// The condition with which a request is refused.
    pub(crate) rule: Option<fn(&str) -> Option<&'static str>>,
    /// Requests to nodes whose names contain one of these get no answer.
    pub(crate) silent_nodes: Vec<String>,
    /// Accounts whose device lists nobody else is told of.
    pub(crate) unsubscribed: BTreeSet<BareJid>,
    /// The addresses of answers to requests to the own server, as attributes.
    pub(crate) answers_with: Option<String>,
    /// Nobody is told of changes.
    pub(crate) tells_nobody: bool,
    /// Notifications that get lost, or come late.
    pub(crate) notifications: Notifications,
    /// The newest item of a node is the one that was made last, as in ejabberd, and not the one that was
    /// published last.
    pub(crate) sorts_by_creation: bool,
}

impl Server {
    pub(crate) fn log_in(&mut self, full: &str) {
        let bare = BareJid::from_full(full).unwrap();
        let clients = self.clients.entry(bare).or_default();
        if !clients.iter().any(|known| known == full) {
            clients.push(full.to_owned());
        }
        self.waiting.entry(full.to_owned()).or_default();
    }

    /// What waits for a client.
    pub(crate) fn next_for(&mut self, full: &str) -> Option<String> {
        self.waiting.get_mut(full)?.pop_front()
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.waiting.values().all(VecDeque::is_empty)
    }

    pub(crate) fn is_quiet_for(&self, full: &str) -> bool {
        self.waiting.get(full).is_none_or(VecDeque::is_empty)
    }

    /// Answers a request of a client; `None` if it does not.
    pub(crate) fn answer(&mut self, full: &str, request: &IqRequest) -> Option<String> {
        let xml = request.to_string();
        self.seen.push(xml.clone());
        let document = Document::parse(&xml).unwrap();
        let pubsub = document.root_element().first_element_child().unwrap();
        let verb = pubsub.first_element_child().unwrap();
        let node = verb.attribute("node").unwrap().to_owned();
        if self.silent_nodes.iter().any(|silent| node.contains(silent)) {
            return None;
        }
        let own = BareJid::from_full(full).unwrap();
        let owner = request.to.clone().unwrap_or_else(|| own.clone());
        let from = request.to.as_ref().map(|to| format!(" from='{to}'"));
        let own_server = self.answers_with.as_ref().map(|with| format!(" {with}"));
        let from = from.or(own_server).unwrap_or_default();
        let id = document.root_element().attribute("id").unwrap();
        let result = |inside: &str| format!("<iq type='result' id='{id}'{from}>{inside}</iq>");
        let error = |condition: &str| refuse(request, condition);
        if let Some(condition) = self.rule.and_then(|rule| rule(&xml)) {
            return Some(error(condition));
        }
        let name = verb.tag_name().name().to_owned();
        Some(match name.as_str() {
            "publish" => {
                assert_eq!(owner, own, "nobody publishes for others");
                if let Some(condition) = self.refusals.pop_front() {
                    return Some(error(&condition));
                }
                let item = verb.first_element_child().unwrap();
                let payload = text(&item.first_element_child().unwrap());
                let item = item.attribute("id").unwrap().to_owned();
                self.publish(&own, &node, &item, &payload);
                result("")
            }
            "items" => {
                let wanted = verb
                    .first_element_child()
                    .and_then(|item| item.attribute("id"));
                let Some(items) = self.nodes.get(&(owner, node.clone())) else {
                    return Some(error("item-not-found"));
                };
                let most = verb.attribute("max_items").map(str::parse::<usize>);
                let most = most.map_or(items.len(), Result::unwrap);
                let older = items.len().saturating_sub(most);
                let items = items.iter().skip(older);
                let items = items.filter(|(id, _)| wanted.is_none_or(|it| it == id));
                let items: String = items
                    .map(|(id, payload)| format!("<item id='{id}'>{payload}</item>"))
                    .collect();
                result(&format!(
                    "<pubsub xmlns='http://jabber.org/protocol/pubsub'>\
                     <items node='{node}'>{items}</items></pubsub>"
                ))
            }
            "configure" => result(""),
            "delete" => {
                self.nodes.remove(&(own, node));
                result("")
            }
            "retract" => {
                let item = verb.first_element_child().unwrap().attribute("id");
                if let Some(items) = self.nodes.get_mut(&(own, node)) {
                    items.retain(|(id, _)| Some(id.as_str()) != item);
                }
                result("")
            }
            other => panic!("{other}"),
        })
    }

    /// Publishes an item, and tells everybody who may want to know of a device list.
    pub(crate) fn publish(&mut self, owner: &BareJid, node: &str, item: &str, payload: &str) {
        let items = self
            .nodes
            .entry((owner.clone(), node.to_owned()))
            .or_default();
        let known = items.iter_mut().find(|(id, _)| id == item);
        match known.filter(|_| self.sorts_by_creation) {
            Some((_, known)) => payload.clone_into(known),
            None => {
                items.retain(|(id, _)| id != item);
                items.push((item.to_owned(), payload.to_owned()));
            }
        }
        if self.tells_nobody || !is_of_lists(node) {
            return;
        }
        let event = event(owner, node, item, payload);
        for (full, queue) in &mut self.waiting {
            let is_own = BareJid::from_full(full).unwrap() == *owner;
            let is_told = is_own || !self.unsubscribed.contains(owner);
            if is_told && self.notifications.pass(full, owner, &event) {
                queue.push_back(event.clone());
            }
        }
    }

    /// What is published in a node.
    pub(crate) fn items(&self, owner: &BareJid, node: &str) -> Vec<String> {
        let entries = self.entries(owner, node);
        entries.into_iter().map(|(_, payload)| payload).collect()
    }

    /// The same, with the ids of the items.
    pub(crate) fn entries(&self, owner: &BareJid, node: &str) -> Vec<(String, String)> {
        let items = self.nodes.get(&(owner.clone(), node.to_owned()));
        items.cloned().unwrap_or_default()
    }

    /// Loses a node, as servers do.
    pub(crate) fn forget(&mut self, owner: &BareJid, node: &str) {
        self.nodes.remove(&(owner.clone(), node.to_owned()));
    }

    /// Passes a message on to its recipients, and copies of it to their other clients and the sender's.
    /// The account that gets it; `None` for a room, and for what comes back.
    pub(crate) fn send(&mut self, full: &str, stanza: &str) -> Option<BareJid> {
        self.seen.push(stanza.to_owned());
        let document = Document::parse(stanza).unwrap();
        let message = document.root_element();
        let address = message.attribute("to").unwrap();
        let to = BareJid::from_full(address).unwrap();
        let own = BareJid::from_full(full).unwrap();
        if self.rooms.contains_key(&to) {
            let is_for_all = message.attribute("type") == Some("groupchat");
            return self.send_to_room(&to, full, address, is_for_all, stanza);
        }
        let sent = with_from(stanza, full);
        if address.contains('/') {
            self.push(address, sent.clone());
            self.copy("received", &to, address, &sent);
        } else {
            self.deliver(&to, &sent);
        }
        for copies in BTreeSet::from([&own, &to]) {
            self.archive
                .entry(copies.clone())
                .or_default()
                .push(sent.clone());
        }
        if to != own {
            self.copy("sent", &own, full, &sent);
        }
        Some(to)
    }

    /// Copies for the other clients of an account (XEP-0280).
    fn copy(&mut self, direction: &str, own: &BareJid, but: &str, stanza: &str) {
        let clients = self.clients.get(own).cloned().unwrap_or_default();
        for client in clients.iter().filter(|client| *client != but) {
            self.push(client, carbon(own.as_str(), direction, stanza));
        }
    }

    fn deliver(&mut self, to: &BareJid, stanza: &str) {
        let clients = self.clients.get(to).cloned().unwrap_or_default();
        for client in clients {
            self.push(&client, stanza.to_owned());
        }
    }

    /// Puts a stanza into the queue of a client.
    pub(crate) fn push(&mut self, full: &str, stanza: String) {
        self.waiting
            .entry(full.to_owned())
            .or_default()
            .push_back(stanza);
    }

    /// Tells a client that comes the newest device lists of everybody, as presence makes servers do.
    pub(crate) fn greet(&mut self, full: &str) {
        let lists = self.nodes.iter().filter(|((_, node), _)| is_of_lists(node));
        let events = lists.flat_map(|((owner, node), items)| {
            items
                .last()
                .map(|(id, payload)| event(owner, node, id, payload))
        });
        let waiting = self.waiting.entry(full.to_owned()).or_default();
        waiting.extend(events);
    }

    /// The nodes that there are.
    pub(crate) fn nodes(&self) -> Vec<(BareJid, String)> {
        self.nodes.keys().cloned().collect()
    }

    /// Loses what waits for a client.
    pub(crate) fn drop_waiting(&mut self, full: &str) {
        self.waiting.entry(full.to_owned()).or_default().clear();
    }
}

/// An answer that says no.
pub(crate) fn refuse(request: &IqRequest, condition: &str) -> String {
    let from = request.to.as_ref().map(|to| format!(" from='{to}'"));
    let from = from.unwrap_or_default();
    format!(
        "<iq type='error' id='{}'{from}><error type='cancel'>\
         <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        request.id
    )
}

fn is_of_lists(node: &str) -> bool {
    node.ends_with(":devices") || node.ends_with(".devicelist")
}

/// A notification of a node.
pub(crate) fn event(owner: &BareJid, node: &str, item: &str, payload: &str) -> String {
    format!(
        "<message from='{owner}'><event xmlns='http://jabber.org/protocol/pubsub#event'>\
         <items node='{node}'><item id='{item}'>{payload}</item></items></event></message>"
    )
}

/// A copy of a message.
pub(crate) fn carbon(from: &str, direction: &str, stanza: &str) -> String {
    format!(
        "<message from='{from}'><{direction} xmlns='urn:xmpp:carbons:2'>\
         <forwarded xmlns='urn:xmpp:forward:0'>{}</forwarded></{direction}></message>",
        stanza.replacen("<message", "<message xmlns='jabber:client'", 1)
    )
}

/// A result of an archive.
pub(crate) fn archived(archive: &BareJid, query: &str, id: usize, stanza: &str) -> String {
    format!(
        "<message from='{archive}'><result xmlns='urn:xmpp:mam:2' queryid='{query}' id='{id}'>\
         <forwarded xmlns='urn:xmpp:forward:0'>\
         <delay xmlns='urn:xmpp:delay' stamp='2026-11-22T23:00:00Z'/>{}</forwarded></result></message>",
        stanza.replacen("<message", "<message xmlns='jabber:client'", 1)
    )
}

/// A message with one more element in it.
pub(crate) fn with_inside(stanza: &str, element: &str) -> String {
    let text = stanza.strip_suffix("</message>").unwrap();
    format!("{text}{element}</message>")
}

pub(crate) fn with_from(stanza: &str, from: &str) -> String {
    stanza.replacen("<message", &format!("<message from='{from}'"), 1)
}

/// An element as it stands in the text; the library writes every namespace where it belongs.
fn text(node: &Node<'_, '_>) -> String {
    node.document().input_text()[node.range()].to_owned()
}
