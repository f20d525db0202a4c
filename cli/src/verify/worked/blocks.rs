//! The conversation by the building blocks: X3DH, root keys, chains, message keys, bytes.

use std::cell::RefCell;
use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use omemo::crypto::kdf::{self, HmacKey};
use omemo::crypto::{EdwardsSign, IdentityKeyPair, RatchetKeyPair, Secret, aes, dh, xeddsa};
use omemo::error::KeyError;
use omemo::model::Version;
use omemo::protocol::{Direction, KeyExchange, KeyExchangeHead, RatchetMessage};
use omemo::ratchet::{ChainKey, Header, RootKey};

use super::super::bytes::same;
use super::super::transcript::Transcript;
use super::cast::Cast;

/// Bob's signed pre-key, signed and verified.
pub(super) fn signature(cast: &Cast, values: &mut Transcript<'_>) -> Result<(), String> {
    let at = |name: &str| format!("signed_prekey_signature.{name}");
    let (protocol, bob, key) = (
        cast.protocol(),
        &cast.keys.bob,
        cast.keys.signed_pre_key.public(),
    );
    let z = Secret::new(values.fixed(&at("random_Z"))?);
    let signature = protocol.sign(bob, key, &z);
    values.compare(&at("signature"), signature.as_bytes());
    let checked = protocol.verify(&protocol.identity(bob), key, &signature);
    values.add(&at("signature"), checked.map_err(|error| error.to_string()));

    let signed = values.hex(&at("signed_bytes"))?;
    let of_bytes = match cast.version() {
        Version::Legacy => xeddsa::sign_with_sign_bit(bob, &signed, &z),
        Version::Omemo2 => xeddsa::sign(bob, &signed, &z),
    };
    let checked = same(
        "signature over them",
        signature.as_bytes(),
        of_bytes.as_bytes(),
    );
    values.add(&at("signed_bytes"), checked);

    let zero = IdentityKeyPair::from_private(bob.private().clone(), EdwardsSign::Zero);
    let alternative = xeddsa::sign(&zero, &signed, &z);
    values.compare(&at("alternative_xeddsa_sign0"), alternative.as_bytes());
    Ok(())
}

/// The key agreement; the first root key.
pub(super) fn x3dh(cast: &Cast, values: &mut Transcript<'_>) -> Result<[u8; 32], String> {
    let dhs = cast.keys.dhs()?;
    let names = [
        "DH1_IKa_SPKb",
        "DH2_EKa_IKb",
        "DH3_EKa_SPKb",
        "DH4_EKa_OPKb",
    ];
    for (name, dh) in names.iter().zip(&dhs) {
        values.compare(&format!("x3dh.{name}"), dh);
    }
    let info = cast.protocol().x3dh_info();
    values.compare_text("x3dh.info", &String::from_utf8_lossy(info));
    let salt: [u8; 32] = values.fixed("x3dh.salt")?;
    let ikm = [[0xff; 32].as_slice(), &dhs.concat()].concat();
    values.compare("x3dh.ikm", &ikm);
    let output = kdf::hkdf_salted::<64>(&salt, &ikm, info);
    values.compare("x3dh.hkdf_64", output.expose());
    let output = kdf::hkdf::<64>(&[&ikm], info);
    values.compare("x3dh.hkdf_64", output.expose());
    let (_, rest) = output.expose().split_at(32);
    values.compare("x3dh.unused_chain_key_legacy", rest);

    let (alice, bob) = cast.keys.secrets()?;
    values.compare("x3dh.SK_root_key_0", &alice);
    values.compare("x3dh.SK_root_key_0", &bob);
    if values.has("associated_data") {
        let parts = cast.keys.associated_data(true, Direction::Sending);
        values.compare("associated_data", &parts.concat());
    }
    Ok(alice)
}

/// The chains by the public halves of their ratchet keys.
pub(super) type Chains = HashMap<[u8; 32], ChainKey>;

/// Three steps of the root: Alice's first chain, Bob's first, Alice's second, each on both sides.
pub(super) fn roots(
    cast: &Cast,
    secret: &[u8; 32],
    values: &mut Transcript<'_>,
) -> Result<Chains, String> {
    let [alice0, alice1, ..] = cast.alice_ratchet.as_slice() else {
        return Err("Alice has fewer than two ratchet keys".to_owned());
    };
    let bob0 = cast.bob_ratchet.first().ok_or("Bob has no ratchet key")?;
    let spk: RatchetKeyPair = cast.keys.signed_pre_key.in_role();

    let info = cast.protocol().root_info();
    values.compare_text("alice_initial_ratchet.info", &String::from_utf8_lossy(info));
    let first = dh::x25519(alice0.private(), *spk.public().as_bytes());
    values.compare("alice_initial_ratchet.dh_ratchet0_spk", first.expose());

    let problem = |error: KeyError| error.to_string();
    let step = |root: &RootKey, own: &RatchetKeyPair, their: &RatchetKeyPair| {
        root.step(own, their.public(), info).map_err(problem)
    };
    let mut compare = |root_path: &str, chain_path: &str, (root, chain): &(RootKey, ChainKey)| {
        values.compare(root_path, root.as_secret().expose());
        values.compare(chain_path, chain.as_secret().expose());
    };
    let root0 = RootKey::new(Secret::new(*secret));

    let alice_sends = step(&root0, alice0, &spk)?;
    let bob_receives = step(&root0, &spk, alice0)?;
    let sending = "alice_initial_ratchet.sending_chain_key";
    compare("alice_initial_ratchet.root_key_1", sending, &alice_sends);
    let root = "bob_step_1.root_key_after_receiving_step";
    compare(root, "bob_step_1.receiving_chain_key", &bob_receives);

    let bob_sends = step(&bob_receives.0, bob0, alice0)?;
    let alice_receives = step(&alice_sends.0, alice0, bob0)?;
    let root = "bob_step_1.root_key_after_sending_step";
    compare(root, "bob_step_1.sending_chain_key", &bob_sends);
    let root = "alice_step_2.root_key_after_receiving_step";
    compare(root, "alice_step_2.receiving_chain_key", &alice_receives);

    let alice_sends_again = step(&alice_receives.0, alice1, bob0)?;
    let root = "alice_step_2.root_key_after_sending_step";
    compare(root, "alice_step_2.sending_chain_key", &alice_sends_again);
    let chains = [
        (alice0, alice_sends.1),
        (bob0, bob_sends.1),
        (alice1, alice_sends_again.1),
    ];
    Ok(chains
        .map(|(pair, chain)| (*pair.public().as_bytes(), chain))
        .into())
}

/// Each message from its chain key to its base64.
pub(super) fn messages(
    cast: &Cast,
    mut chains: Chains,
    values: &mut Transcript<'_>,
) -> Result<(), String> {
    for index in 0..values.count("messages") {
        message(&format!("messages.{index}"), cast, &mut chains, values)?;
    }
    Ok(())
}

fn message(
    path: &str,
    cast: &Cast,
    chains: &mut Chains,
    values: &mut Transcript<'_>,
) -> Result<(), String> {
    let at = |name: &str| format!("{path}.{name}");
    let protocol = cast.protocol();
    let ratchet_key = values.fixed(&at("ratchet_pub"))?;
    let (pair, of_alice) = cast.ratchet_key(&ratchet_key)?;
    values.compare_text(&at("sender"), if of_alice { "alice" } else { "bob" });

    let chain = chains
        .get_mut(&ratchet_key)
        .ok_or("the chain was never opened")?;
    values.compare(&at("chain_key"), chain.as_secret().expose());
    let (next, key) = chain.step();
    *chain = next;
    values.compare(&at("next_chain_key"), chain.as_secret().expose());
    values.compare(&at("message_key_seed"), key.as_secret().expose());

    let info = protocol.message_info();
    values.compare_text(&at("hkdf_info"), &String::from_utf8_lossy(info));
    let keys = key.expand(info);
    values.compare(&at("enc_key"), &keys.encryption);
    values.compare(&at("auth_key"), &keys.authentication);
    values.compare(&at("iv"), &keys.iv);
    let plaintext = values.hex(&at("plaintext"))?;
    let ciphertext = aes::cbc_encrypt(&keys.encryption, &keys.iv, &plaintext);
    values.compare(&at("cbc_ciphertext"), &ciphertext);
    let decrypted = aes::cbc_decrypt(&keys.encryption, &keys.iv, &ciphertext)
        .map_err(|error| error.to_string())?;
    values.compare(&at("plaintext"), &decrypted);

    let header = Header {
        dh: *pair.public(),
        pn: values.number(&at("pn"))?,
        n: values.number(&at("n"))?,
    };
    let associated_data = cast
        .keys
        .associated_data(of_alice, Direction::Sending)
        .concat();
    let at_the_other_side = cast
        .keys
        .associated_data(!of_alice, Direction::Receiving)
        .concat();
    let checked = same("the other side's", &associated_data, &at_the_other_side);
    values.add(&at("mac_input"), checked);

    let (covered, full_mac) = (RefCell::new(Vec::new()), RefCell::new([0; 32]));
    let hmac = HmacKey::new(&keys.authentication);
    let wire = protocol.write_message(&header, ciphertext.clone(), &|bytes| {
        let mac = hmac.mac(&[&associated_data, bytes]);
        bytes.clone_into(&mut covered.borrow_mut());
        *full_mac.borrow_mut() = *mac.expose();
        mac
    });
    let covered = covered.into_inner();
    values.compare(&at("serialized_message"), &covered);
    values.compare(&at("mac_input"), &[associated_data, covered].concat());
    let full_mac = full_mac.into_inner();
    let mac = full_mac.get(..protocol.mac_len()).unwrap_or_default();
    values.compare(&at("mac"), mac);
    values.compare(&at("ratchet_message"), &wire);

    let read = RatchetMessage::read(cast.version(), &wire).map_err(|error| error.to_string())?;
    values.compare_number(&at("n"), read.header().n);
    values.compare_number(&at("pn"), read.header().pn);
    values.compare(&at("ratchet_pub"), read.header().dh.as_bytes());
    values.compare(&at("cbc_ciphertext"), read.ciphertext());
    values.compare(&at("mac"), read.mac());

    let element = if values.flag(&at("kex"))? {
        key_exchange(cast, &read, wire)?
    } else {
        wire
    };
    values.compare(&at("key_element_bytes"), &element);
    values.compare_text(&at("key_element_base64"), &STANDARD.encode(&element));
    Ok(())
}

/// The key exchange around a message, written and read back.
fn key_exchange(cast: &Cast, message: &RatchetMessage, wire: Vec<u8>) -> Result<Vec<u8>, String> {
    let (alice, _) = cast.keys.identities();
    let head = KeyExchangeHead {
        pre_key_id: cast.pre_key_id.get(),
        signed_pre_key_id: cast.signed_pre_key_id.get(),
        identity: alice,
        ephemeral: *cast.keys.ephemeral.public(),
        device_id: cast.alice_device.get(),
    };
    let exchange = cast.protocol().write_key_exchange(&head, wire);
    let read = KeyExchange::read(cast.version(), &exchange).map_err(|error| error.to_string())?;
    let same = read.pre_key_id() == Some(cast.pre_key_id)
        && read.signed_pre_key_id() == Some(cast.signed_pre_key_id)
        && *read.identity() == alice
        && read.ephemeral() == cast.keys.ephemeral.public()
        && read.message() == message;
    if same {
        Ok(exchange)
    } else {
        Err("expected the key exchange as it was written, came another".to_owned())
    }
}
