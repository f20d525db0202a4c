//! A device: its keys, what it publishes, and its session with the one other device of the demo.

use std::collections::BTreeMap;

use getrandom::SysRng;
use omemo::crypto::ed25519::Signature;
use omemo::crypto::{IdentityKeyPair, PreKeyPair, SignedPreKeyPair, random};
use omemo::error::RngError;
use omemo::model::{BareJid, Bundle, DeviceId, PreKeyEntry, PreKeyId, SignedPreKeyId, Version};
use omemo::protocol::{self, KeyExchange, KeyMaterial, RatchetMessage};
use omemo::ratchet::{Budget, SkippedKeysInMemory};
use omemo::session::{ResponderKeys, Session};
use omemo::stanza::{Addressee, Envelope};

use super::envelope::envelope;
use super::server::Stanza;
use crate::Failure;

/// Who uses a device. Both versions of OMEMO know it by one id and one identity key.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) name: &'static str,
    pub(super) address: BareJid,
    pub(super) device: DeviceId,
    pub(super) identity: IdentityKeyPair,
}

impl Owner {
    pub(super) fn new(name: &'static str, address: &str) -> Result<Self, Failure> {
        let drawn = u32::from_le_bytes(*random(&mut SysRng)?.expose()) & DeviceId::MAX_DRAWN;
        Ok(Self {
            name,
            address: address.parse()?,
            device: DeviceId::new(drawn.max(1)).ok_or(RngError)?,
            identity: IdentityKeyPair::generate(&mut SysRng)?,
        })
    }

    /// Decrypts the payload of a message to this owner.
    fn open(
        &self,
        version: Version,
        keys: &KeyMaterial,
        stanza: &Stanza,
    ) -> Result<String, Failure> {
        let iv = stanza.iv.as_ref().map(<[u8; 12]>::as_slice);
        let plaintext = protocol::of(version).open_payload(keys, iv, &stanza.payload)?;
        match version {
            Version::Legacy => Ok(core::str::from_utf8(&plaintext)?.to_owned()),
            Version::Omemo2 => {
                let envelope = Envelope::read(&plaintext)?;
                envelope.check(&stanza.from, Addressee::Account(&self.address))?;
                Ok(envelope
                    .body
                    .ok_or("the envelope has no body")?
                    .into_owned())
            }
        }
    }
}

/// The device in one version: what it holds in memory here belongs on a disk in a client.
#[derive(Debug)]
pub(super) struct Device<'a> {
    pub(super) owner: &'a Owner,
    version: Version,
    signed_pre_key: SignedPreKeyPair,
    signature: Signature,
    pre_keys: BTreeMap<PreKeyId, PreKeyPair>,
    last_pre_key: u32,
    session: Option<Session>,
    skipped: SkippedKeysInMemory,
}

/// What came out of a message.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) text: String,
    /// The one-time pre-key that the message used up.
    pub(super) used: Option<PreKeyId>,
}

/// XEP-0384 §5.3.2 recommends around 100.
const PRE_KEYS: usize = 100;
const SIGNED_PRE_KEY_ID: u32 = 1;

impl<'a> Device<'a> {
    pub(super) fn new(owner: &'a Owner, version: Version) -> Result<Self, Failure> {
        let signed_pre_key = SignedPreKeyPair::generate(&mut SysRng)?;
        let z = random(&mut SysRng)?;
        let mut device = Self {
            owner,
            version,
            signature: protocol::of(version).sign(&owner.identity, signed_pre_key.public(), &z),
            signed_pre_key,
            pre_keys: BTreeMap::new(),
            last_pre_key: 0,
            session: None,
            skipped: SkippedKeysInMemory::default(),
        };
        device.make_pre_keys()?;
        Ok(device)
    }

    /// Fills up the one-time pre-keys; an id is never used twice.
    fn make_pre_keys(&mut self) -> Result<(), Failure> {
        while self.pre_keys.len() < PRE_KEYS {
            self.last_pre_key += 1;
            let id = PreKeyId::new(self.last_pre_key).ok_or("the ids are used up")?;
            self.pre_keys.insert(id, PreKeyPair::generate(&mut SysRng)?);
        }
        Ok(())
    }

    /// The public halves, for a server.
    pub(super) fn bundle(&self) -> Result<Bundle, Failure> {
        let pre_keys = self.pre_keys.iter();
        Ok(Bundle {
            version: self.version,
            identity: protocol::of(self.version).identity(&self.owner.identity),
            signed_pre_key_id: SignedPreKeyId::new(SIGNED_PRE_KEY_ID).ok_or("not 0")?,
            signed_pre_key: *self.signed_pre_key.public(),
            signature: self.signature,
            pre_keys: pre_keys
                .map(|(&id, pair)| PreKeyEntry {
                    id,
                    key: *pair.public(),
                })
                .collect(),
        })
    }

    /// Starts a session with the device whose bundle this is.
    pub(super) fn start_session(&mut self, bundle: &Bundle) -> Result<(), Failure> {
        let owner = self.owner;
        let session = Session::initiate(&owner.identity, owner.device, bundle, &mut SysRng)?;
        self.session = Some(session);
        Ok(())
    }

    /// Encrypts `text` once, and its key for the one device that there is.
    pub(super) fn write(&mut self, to: &Owner, text: &str) -> Result<Stanza, Failure> {
        let session = self.session.as_mut().ok_or("no session yet")?;
        let plaintext = match self.version {
            Version::Legacy => text.to_owned(),
            Version::Omemo2 => envelope(&self.owner.address, &to.address, text)?,
        };
        let payload =
            protocol::of(self.version).seal_payload(plaintext.as_bytes(), &random(&mut SysRng)?)?;
        // A client stores the session here, before anything leaves.
        let key = session.encrypt(&payload.key_material, &mut SysRng)?;
        Ok(Stanza {
            from: self.owner.address.clone(),
            from_device: self.owner.device,
            to: to.address.clone(),
            to_device: to.device,
            key: key.bytes,
            key_exchange: key.key_exchange,
            iv: payload.iv,
            payload: payload.ciphertext,
        })
    }

    /// Decrypts a message. Nothing changes unless its payload has verified as well.
    pub(super) fn read(&mut self, stanza: &Stanza) -> Result<Read, Failure> {
        let budget = &mut Budget::for_stanza();
        if stanza.key_exchange {
            return self.read_key_exchange(stanza, budget);
        }
        let message = RatchetMessage::read(self.version, &stanza.key)?;
        let session = self.session.as_mut().ok_or("no session yet")?;
        let decrypted = session.decrypt(&message, &self.skipped, budget)?;
        let text = self
            .owner
            .open(self.version, decrypted.plaintext(), stanza)?;
        self.skipped.apply(decrypted.commit().1);
        Ok(Read { text, used: None })
    }

    fn read_key_exchange(&mut self, stanza: &Stanza, budget: &mut Budget) -> Result<Read, Failure> {
        let exchange = KeyExchange::read(self.version, &stanza.key)?;
        let id = exchange.pre_key_id().ok_or("no one-time pre-key")?;
        let keys = ResponderKeys {
            identity: &self.owner.identity,
            signed_pre_key: &self.signed_pre_key,
            pre_key: self.pre_keys.get(&id).ok_or("an unknown pre-key")?,
        };
        let accepted = Session::accept(&keys, &exchange, budget)?;
        let text = self.owner.open(self.version, &accepted.plaintext, stanza)?;
        self.session = Some(accepted.session);
        self.skipped.apply(accepted.skipped);
        self.pre_keys.remove(&id);
        self.make_pre_keys()?;
        Ok(Read {
            text,
            used: Some(id),
        })
    }
}
