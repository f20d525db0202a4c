//! The conversation by sessions: Alice and Bob as devices, which send the very bytes of the file.

use omemo::crypto::ed25519::Signature;
use omemo::model::{Bundle, PreKeyEntry};
use omemo::ratchet::{Budget, Receiving, Sending};

use super::super::bytes::same;
use super::super::device::Device;
use super::super::script::Script;
use super::super::transcript::Transcript;
use super::cast::Cast;

/// A message of the file.
struct Message {
    path: String,
    from_alice: bool,
    n: u32,
    ratchet_key: [u8; 32],
    plaintext: Vec<u8>,
    is_key_exchange: bool,
    bytes: Vec<u8>,
}

pub(super) fn replay(cast: &Cast, values: &mut Transcript<'_>) -> Result<(), String> {
    let messages = (0..values.count("messages"))
        .map(|index| Message::read(format!("messages.{index}"), values))
        .collect::<Result<Vec<_>, String>>()?;
    let mut alice = alice(cast, values)?;
    let mut bob = bob(cast);
    let turns = messages.chunk_by(|one, next| one.from_alice == next.from_alice);
    for (turn, messages) in turns.enumerate() {
        let from_alice = messages.first().is_some_and(|message| message.from_alice);
        let (sender, receiver) = if from_alice {
            (&mut alice, &mut bob)
        } else {
            (&mut bob, &mut alice)
        };
        for message in messages {
            let checked = send(cast, sender, message);
            values.add(&format!("{}.key_element_bytes", message.path), checked);
        }
        if turn == 0 {
            compare_state(sender, values)?;
        }
        // What follows the first of a turn arrives the last first.
        let (first, others) = messages.split_first().ok_or("a turn without a message")?;
        for message in [first].into_iter().chain(others.iter().rev()) {
            let checked = receive(receiver, message);
            values.add(&format!("{}.plaintext", message.path), checked);
        }
    }
    Ok(())
}

impl Message {
    fn read(path: String, values: &mut Transcript<'_>) -> Result<Self, String> {
        let at = |name: &str| format!("{path}.{name}");
        Ok(Self {
            from_alice: values.text(&at("sender"))? == "alice",
            n: values.number(&at("n"))?,
            ratchet_key: values.fixed(&at("ratchet_pub"))?,
            plaintext: values.hex(&at("plaintext"))?,
            is_key_exchange: values.flag(&at("kex"))?,
            bytes: values.hex(&at("key_element_bytes"))?,
            path,
        })
    }
}

/// Alice, who has started a session with Bob's bundle.
fn alice(cast: &Cast, values: &mut Transcript<'_>) -> Result<Device, String> {
    let keys = &cast.keys;
    let mut device = Device::new(cast.version(), cast.alice_device, keys.alice.clone());
    let draws = [&[0; 8], keys.ephemeral.private().expose().as_slice()];
    device.initiate(&bundle(cast, values)?, &mut Script::new(draws))?;
    Ok(device)
}

/// What Bob publishes.
pub(super) fn bundle(cast: &Cast, values: &mut Transcript<'_>) -> Result<Bundle, String> {
    let keys = &cast.keys;
    Ok(Bundle {
        version: cast.version(),
        identity: keys.identities().1,
        signed_pre_key_id: cast.signed_pre_key_id,
        signed_pre_key: *keys.signed_pre_key.public(),
        signature: Signature::from_bytes(values.fixed("signed_prekey_signature.signature")?),
        pre_keys: vec![PreKeyEntry {
            id: cast.pre_key_id,
            key: *keys.pre_key.public(),
        }],
    })
}

/// Bob, to whom nobody has written yet.
pub(super) fn bob(cast: &Cast) -> Device {
    let keys = &cast.keys;
    let mut device = Device::new(cast.version(), cast.bob_device, keys.bob.clone());
    device.add_signed_pre_key(cast.signed_pre_key_id.get(), keys.signed_pre_key.clone());
    device.add_pre_key(cast.pre_key_id.get(), keys.pre_key.clone());
    device
}

fn send(cast: &Cast, sender: &mut Device, message: &Message) -> Result<(), String> {
    let (pair, _) = cast.ratchet_key(&message.ratchet_key)?;
    let draws = (message.n == 0).then(|| pair.private().expose().as_slice());
    let mut script = Script::new(draws);
    let sent = sender.send(&message.plaintext, &mut script)?;
    if !script.is_used_up() {
        return Err("expected a ratchet key to be drawn, came none".to_owned());
    }
    same("what the session sends", &message.bytes, &sent.bytes)?;
    if sent.key_exchange == message.is_key_exchange {
        Ok(())
    } else {
        Err(format!(
            "expected kex={}, came the other",
            message.is_key_exchange
        ))
    }
}

fn receive(receiver: &mut Device, message: &Message) -> Result<(), String> {
    let mut budget = Budget::for_stanza();
    let kex = message.is_key_exchange;
    match receiver.receive(&message.bytes, kex, &mut budget, &mut |_| Ok(())) {
        Ok(came) => same(
            "what the session receives",
            &message.plaintext,
            came.expose(),
        ),
        Err(problem) => Err(format!("expected success, came {}", problem.class()?)),
    }
}

/// Alice's ratchet after her first turn.
fn compare_state(alice: &Device, values: &mut Transcript<'_>) -> Result<(), String> {
    let at = |name: &str| format!("alice_state_after_A3.{name}");
    let session = alice.session()?;
    let ratchet = session.ratchet();
    let (Sending::Open { dh, chain, n }, Receiving::Waiting(their)) =
        (ratchet.sending(), ratchet.receiving())
    else {
        return Err("expected that Alice sends and waits, came another state".to_owned());
    };
    values.compare(&at("own_ratchet_priv"), dh.private().expose());
    values.compare(&at("other_ratchet_pub"), their.as_bytes());
    values.compare(&at("root_key"), ratchet.root().as_secret().expose());
    values.compare(&at("sending_chain_key"), chain.as_secret().expose());
    values.compare_number(&at("sending_chain_length"), *n);
    Ok(())
}
