//! Long conversations over a bad network: of a session, and of an account.

use omemo::model::Version;
use rand::rngs::StdRng;
use rand::{Rng, RngExt};

use crate::juliet::Juliet;
use crate::letter::Letter;
use crate::network::{Counts, Ends, Message, Network, Side};
use crate::ours::Ours;
use crate::peer::Peer;
use crate::romeo::Romeo;

struct Sessions<'a> {
    ours: Ours,
    peer: &'a mut Peer,
}

impl Ends for Sessions<'_> {
    type Letter = Message;

    fn receive(&mut self, to: Side, message: &Message, _: &mut StdRng) -> bool {
        let read = match to {
            Side::Ours => self.ours.decrypt(message),
            Side::Theirs => self.peer.decrypt(message),
        };
        assert!(read.as_ref().is_none_or(|read| *read == message.plaintext));
        read.is_some()
    }
}

/// Key material only, by a session of ours. Panics when something does not arrive.
pub(crate) fn of_sessions(
    peer: &mut Peer,
    messages: u32,
    we_initiate: bool,
    rng: &mut StdRng,
) -> Counts {
    let version = peer.version;
    let mut ours = Ours::new(version, rng);
    let bundle = peer.init(rng);
    if we_initiate {
        ours.initiate(&bundle, rng);
        let message = ours.encrypt(rng);
        peer.accept(&message);
    } else {
        let message = peer.initiate(&ours.bundle(rng), key_material(rng, version), rng);
        ours.accept(&message);
    }
    let mut ends = Sessions { ours, peer };
    let mut network = Network::after_first_message();
    while network.counts.sent < messages {
        let sender = either(rng);
        for _ in 0..burst(rng) {
            let message = match sender {
                Side::Ours => ends.ours.encrypt(rng),
                Side::Theirs => ends.peer.encrypt(key_material(rng, version)),
            };
            network.send(sender, message, rng);
        }
        network.deliver_some(&mut ends, rng);
    }
    network.deliver_all(&mut ends, rng);
    if ends.peer.has_payloads() {
        ends.ours.exchange_payloads(ends.peer);
    }
    network.counts
}

struct Devices<'a> {
    juliet: Juliet,
    romeo: Romeo<'a>,
}

impl Ends for Devices<'_> {
    type Letter = Letter;

    fn receive(&mut self, to: Side, letter: &Letter, rng: &mut StdRng) -> bool {
        match to {
            Side::Ours => self.juliet.read(letter, rng),
            Side::Theirs => self.romeo.read(letter),
        }
    }
}

/// Stanzas with texts, by an account of ours, which sends the empty messages that it owes too.
pub(crate) fn of_accounts(
    peer: &mut Peer,
    messages: u32,
    we_initiate: bool,
    rng: &mut StdRng,
) -> Counts {
    let mut juliet = Juliet::new(peer.version, rng);
    let mut romeo = Romeo::new(peer, rng);
    if we_initiate {
        let letter = juliet.greet(&romeo.bundle(), "first", rng);
        assert!(romeo.read(&letter));
    } else {
        let letter = romeo.greet(&juliet.bundle(), "first", rng);
        assert!(juliet.read(&letter, rng));
    }
    let mut ends = Devices { juliet, romeo };
    let mut network = Network::after_first_message();
    while network.counts.sent < messages {
        let sender = either(rng);
        for _ in 0..burst(rng) {
            let text = format!("number {} 🌹", network.counts.sent);
            let letter = match sender {
                Side::Ours => ends.juliet.write(&text, rng),
                Side::Theirs => ends.romeo.write(&text, rng),
            };
            network.send(sender, letter, rng);
        }
        network.deliver_some(&mut ends, rng);
        if ends.juliet.owes() {
            let letter = ends.juliet.write_empty(rng);
            network.send(Side::Ours, letter, rng);
        }
    }
    network.deliver_all(&mut ends, rng);
    network.counts
}

pub(crate) fn either(rng: &mut StdRng) -> Side {
    if rng.random() {
        Side::Ours
    } else {
        Side::Theirs
    }
}

/// Up to six messages in a row, so that chains are longer than one.
fn burst(rng: &mut StdRng) -> u32 {
    rng.random_range(1..=6)
}

/// What a ratchet message carries: 32 bytes in legacy, 48 in OMEMO 2.
pub(crate) fn key_material(rng: &mut StdRng, version: Version) -> Vec<u8> {
    let mut bytes = vec![0; if version == Version::Legacy { 32 } else { 48 }];
    rng.fill_bytes(&mut bytes);
    bytes
}
