//! `kind: x3dh`: both sides of the key agreement, and what they compute on the way.

use omemo::crypto::{
    EphemeralKeyPair, IdentityKey, IdentityKeyPair, PreKeyPair, SignedPreKeyPair, dh,
};
use omemo::model::Version;
use omemo::protocol::{self, Direction, Parties};
use omemo::x3dh::{Initiator, Responder};
use serde::Deserialize;

use super::bytes::{Hex, Key, same};
use super::file::{ProtocolName, Tests, from_json};
use super::identity::{Identity, Pair};
use super::sheet::{Checked, Outcome, Sheet};

#[derive(Deserialize)]
struct Agreements {
    protocol: ProtocolName,
    #[serde(flatten)]
    tests: Tests<Test>,
}

#[derive(Deserialize)]
struct Test {
    #[serde(rename = "tcId")]
    tc_id: u32,
    alice_identity: WiredIdentity,
    alice_ephemeral: Pair,
    bob_identity: WiredIdentity,
    bob_signed_pre_key: Pair,
    bob_pre_key: Pair,
    dh1: Key,
    dh2: Key,
    dh3: Key,
    dh4: Key,
    shared_secret: Key,
    associated_data: Hex,
}

/// An identity, and its encoding in the version at hand.
#[derive(Deserialize)]
struct WiredIdentity {
    #[serde(flatten)]
    identity: Identity,
    wire: Hex,
}

/// Replays agreements.
pub(super) fn replay(text: &str, sheet: &mut Sheet) -> Result<(), String> {
    let agreements: Agreements = from_json(text)?;
    for test in &agreements.tests.tests {
        sheet.test(test.tc_id, check(agreements.protocol.into(), test));
    }
    Ok(())
}

fn check(version: Version, test: &Test) -> Checked {
    let agreement = Agreement {
        version,
        alice: test.alice_identity.identity.key_pair()?,
        ephemeral: test
            .alice_ephemeral
            .read("public half of the ephemeral key")?,
        bob: test.bob_identity.identity.key_pair()?,
        signed_pre_key: test
            .bob_signed_pre_key
            .read("public half of the signed pre-key")?,
        pre_key: test.bob_pre_key.read("public half of the pre-key")?,
    };
    let dhs = [test.dh1, test.dh2, test.dh3, test.dh4];
    for ((index, expected), came) in (1..).zip(dhs).zip(agreement.dhs()?) {
        same(&format!("DH{index}"), &expected.0, &came)?;
    }
    let (alice, bob) = agreement.secrets()?;
    same("shared secret of Alice", &test.shared_secret.0, &alice)?;
    same("shared secret of Bob", &test.shared_secret.0, &bob)?;

    let protocol = protocol::of(version);
    for (wired, pair) in [
        (&test.alice_identity, &agreement.alice),
        (&test.bob_identity, &agreement.bob),
    ] {
        let read = version
            .decode_identity(&wired.wire.0)
            .map_err(|error| format!("identity on the wire: {error}"))?;
        same(
            "identity on the wire",
            protocol.identity(pair).as_bytes(),
            read.as_bytes(),
        )?;
    }
    // Of a message from Alice to Bob both versions' orders are the same.
    let associated_data = agreement.associated_data(true, Direction::Sending).concat();
    same("associated data", &test.associated_data.0, &associated_data)?;
    let associated_data = agreement
        .associated_data(false, Direction::Receiving)
        .concat();
    same(
        "associated data of Bob",
        &test.associated_data.0,
        &associated_data,
    )?;
    Ok(Outcome::Passed)
}

/// All keys of an agreement.
pub(super) struct Agreement {
    pub(super) version: Version,
    pub(super) alice: IdentityKeyPair,
    pub(super) ephemeral: EphemeralKeyPair,
    pub(super) bob: IdentityKeyPair,
    pub(super) signed_pre_key: SignedPreKeyPair,
    pub(super) pre_key: PreKeyPair,
}

impl Agreement {
    /// DH1 to DH4, by plain X25519; both sides compute the same.
    pub(super) fn dhs(&self) -> Result<[[u8; 32]; 4], String> {
        let (alice, bob) = (&self.alice, &self.bob);
        let x = |private, public: &[u8; 32]| *dh::x25519(private, *public).expose();
        let own = [
            x(alice.private(), self.signed_pre_key.public().as_bytes()),
            x(self.ephemeral.private(), bob.curve25519().as_bytes()),
            x(
                self.ephemeral.private(),
                self.signed_pre_key.public().as_bytes(),
            ),
            x(self.ephemeral.private(), self.pre_key.public().as_bytes()),
        ];
        let ephemeral = self.ephemeral.public().as_bytes();
        let their = [
            x(self.signed_pre_key.private(), alice.curve25519().as_bytes()),
            x(bob.private(), ephemeral),
            x(self.signed_pre_key.private(), ephemeral),
            x(self.pre_key.private(), ephemeral),
        ];
        for (own, their) in own.iter().zip(&their) {
            same("the other side's DH", own, their)?;
        }
        Ok(own)
    }

    /// The shared secret as Alice computes it, and as Bob does.
    pub(super) fn secrets(&self) -> Result<([u8; 32], [u8; 32]), String> {
        let (alice, bob) = self.identities();
        let info = protocol::of(self.version).x3dh_info();
        let alice_has = Initiator {
            identity: &self.alice,
            ephemeral: &self.ephemeral,
            their_identity: &bob,
            their_signed_pre_key: self.signed_pre_key.public(),
            their_pre_key: self.pre_key.public(),
        }
        .agree(info)
        .map_err(|error| format!("Alice: {error}"))?;
        let bob_has = Responder {
            identity: &self.bob,
            signed_pre_key: &self.signed_pre_key,
            pre_key: &self.pre_key,
            their_identity: &alice,
            their_ephemeral: self.ephemeral.public(),
        }
        .agree(info)
        .map_err(|error| format!("Bob: {error}"))?;
        Ok((
            *alice_has.as_secret().expose(),
            *bob_has.as_secret().expose(),
        ))
    }

    /// The associated data that one of the two has for a message, in parts.
    pub(super) fn associated_data(&self, of_alice: bool, direction: Direction) -> Vec<Vec<u8>> {
        let (alice, bob) = self.identities();
        let (local, remote) = if of_alice { (alice, bob) } else { (bob, alice) };
        let parties = Parties {
            local,
            remote,
            local_is_initiator: of_alice,
        };
        let parts = protocol::of(self.version).associated_data(&parties, direction);
        parts.map(<[u8]>::to_vec).to_vec()
    }

    /// Alice's and Bob's identity keys, as the version publishes them.
    pub(super) fn identities(&self) -> (IdentityKey, IdentityKey) {
        let protocol = protocol::of(self.version);
        (protocol.identity(&self.alice), protocol.identity(&self.bob))
    }
}
