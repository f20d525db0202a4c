//! What keeps a conversation going, by an account of ours: key exchanges that come again, heartbeats, sessions
//! that are reset by hand, sessions that are repaired.

use omemo::account::{FailureReason, Received};
use omemo::model::Version;
use rand::rngs::StdRng;

use crate::juliet::Juliet;
use crate::letter::Letter;
use crate::peer::Peer;
use crate::romeo::Romeo;
use crate::world::DAY;

/// Both sides' messages have this number when an empty one is due (XEP-0384 §7).
const HEARTBEAT: u32 = 53;

struct Pair<'a> {
    juliet: Juliet,
    romeo: Romeo<'a>,
}

/// Panics when anything is not as it should be.
pub(crate) fn run(peer: &mut Peer, rng: &mut StdRng) {
    let name = peer.name.clone();
    let juliet = Juliet::new(peer.version, rng);
    let romeo = Romeo::new(peer, rng);
    let mut pair = Pair { juliet, romeo };
    let first = pair.meet(rng);
    pair.heartbeats(rng);
    let lost = pair.reset(rng);
    let is_healed = pair.heal(rng);
    pair.lose_session(&first, rng);
    let reset = if lost == 0 {
        "the late message was read"
    } else {
        "it lost the late message with the session that it had replaced"
    };
    let repair = if is_healed { "repaired" } else { "left alone" };
    println!(
        "{name:<18} upkeep: a repeated key exchange refused, heartbeats both ways, reset ({reset}), \
         session with three garbled messages {repair}, lost session repaired"
    );
}

impl Pair<'_> {
    fn ours(&mut self, text: &str, rng: &mut StdRng) -> Letter {
        let letter = self.juliet.write(text, rng);
        assert!(self.romeo.read(&letter), "{text}");
        letter
    }

    fn theirs(&mut self, text: &str, rng: &mut StdRng) -> Letter {
        let letter = self.romeo.write(text, rng);
        assert!(self.juliet.read(&letter, rng), "{text}");
        letter
    }

    /// They take turns on one session, without key exchanges.
    fn is_settled(&mut self, rng: &mut StdRng) {
        self.ours("settling", rng);
        self.theirs("settling", rng);
        for _ in 0..3 {
            let ours = self.ours("settled", rng);
            let theirs = self.theirs("settled", rng);
            for letter in [ours, theirs] {
                assert!(!letter.is_key_exchange());
                assert_eq!(letter.number(), 0);
            }
        }
    }

    /// His first message uses up a pre-key, and can be read once.
    fn meet(&mut self, rng: &mut StdRng) -> Letter {
        let bundle = self.juliet.bundle();
        let first = self.romeo.greet(&bundle, "first", rng);
        let id = first.key_exchange().pre_key_id().unwrap();
        assert!(self.juliet.offers(id));
        assert!(self.juliet.read(&first, rng));
        assert!(!self.juliet.offers(id));
        assert_eq!(self.juliet.bundle().pre_keys.len(), bundle.pre_keys.len());
        assert!(!self.juliet.read(&first, rng));

        assert!(self.juliet.owes());
        let answer = self.juliet.write_empty(rng);
        assert!(self.romeo.read(&answer));
        assert!(!self.juliet.owes());
        self.is_settled(rng);
        assert!(!self.juliet.read(&first, rng));
        first
    }

    /// Who only listens gives a sign of life, by which the other side's keys change.
    fn heartbeats(&mut self, rng: &mut StdRng) {
        self.ours("I am listening", rng);
        for number in 0..=HEARTBEAT + 3 {
            let letter = self.theirs("monologue", rng);
            assert_eq!(letter.number(), number);
            assert_eq!(self.juliet.owes(), number >= HEARTBEAT);
        }
        let due = self.juliet.account.answers_due().unwrap();
        assert!(matches!(&due[..], [due] if due.is_heartbeat));
        let beat = self.juliet.write_empty(rng);
        assert!(self.romeo.read(&beat));
        assert!(!self.juliet.owes());
        assert_eq!(self.theirs("after it", rng).number(), 0);
        assert!(!self.juliet.owes());

        for number in 0..=HEARTBEAT + 3 {
            assert_eq!(self.ours("monologue", rng).number(), number);
        }
        let beat = self.romeo.write_empty(rng);
        assert!(self.juliet.read(&beat, rng));
        assert_eq!(self.ours("after it", rng).number(), 0);
        self.is_settled(rng);
    }

    /// We start anew by hand, while a message of each side is under way. How many were lost at the peer.
    fn reset(&mut self, rng: &mut StdRng) -> u32 {
        let late_ours = self.juliet.write("late", rng);
        let late_theirs = self.romeo.write("late", rng);
        let now = self.juliet.now();
        let romeo = self.juliet.romeo.clone();
        let reset = self
            .juliet
            .account
            .reset_sessions(&romeo.jid, Some(romeo.device), now);
        assert_eq!(reset.unwrap(), [romeo]);
        let bundle = self.romeo.bundle();
        for _ in 0..2 {
            let letter = self.juliet.greet(&bundle, "anew", rng);
            assert!(letter.is_key_exchange());
            assert!(self.romeo.read(&letter));
        }
        self.theirs("welcome", rng);
        assert!(self.juliet.read(&late_theirs, rng));
        self.is_settled(rng);

        let is_read = self.romeo.read(&late_ours);
        assert_eq!(is_read, self.romeo.keeps_old_sessions());
        assert!(is_read || self.romeo.would_have_read(&late_ours));
        self.is_settled(rng);
        u32::from(!is_read)
    }

    /// Several messages that do not verify: a new session in legacy OMEMO, none in OMEMO 2 (XEP-0384 §7).
    fn heal(&mut self, rng: &mut StdRng) -> bool {
        let letters: Vec<_> = (0..3).map(|_| self.romeo.write("garbled", rng)).collect();
        for letter in &letters {
            let mut garbled = letter.element.clone();
            // In the MAC, or in the ciphertext.
            let bytes = &mut garbled.keys[0].bytes;
            let place = bytes.len() - 14;
            bytes[place] ^= 1;
            let received = self.juliet.receive(&garbled, rng);
            assert!(matches!(received, Received::Failed(_)), "{received:?}");
        }
        let heals = self.juliet.romeo.version == Version::Legacy;
        if heals {
            let bundle = self.romeo.bundle();
            let anew = self.juliet.repair(&bundle, rng);
            assert!(anew.is_key_exchange());
            assert!(self.romeo.read(&anew));
        } else {
            let now = self.juliet.now();
            assert_eq!(self.juliet.account.repairs_due(now).unwrap(), []);
        }
        for letter in &letters {
            assert!(self.juliet.read(letter, rng));
        }
        // His answer comes behind what he had written before.
        self.theirs("mended", rng);
        self.is_settled(rng);
        heals
    }

    /// Our side has lost its sessions: his first message is refused now, as its pre-key is gone; his next one
    /// makes us start a new session.
    fn lose_session(&mut self, first: &Letter, rng: &mut StdRng) {
        self.juliet.pass(2 * DAY);
        let romeo = self.juliet.romeo.clone();
        self.juliet.account.forget(&romeo.jid).unwrap();
        let received = self.juliet.receive(&first.element, rng);
        let reason = FailureReason::UnknownPreKey;
        assert!(matches!(received, Received::Failed(failure) if failure.reason == reason));

        let next = self.romeo.write("into the void", rng);
        let received = self.juliet.receive(&next.element, rng);
        let reason = FailureReason::NoSession;
        assert!(matches!(received, Received::Failed(failure) if failure.reason == reason));
        let bundle = self.romeo.bundle();
        let anew = self.juliet.repair(&bundle, rng);
        assert!(self.romeo.read(&anew));
        self.theirs("mended", rng);
        self.is_settled(rng);
    }
}
