//! A stanza for one device, and what is in it.

use omemo::crypto::random;
use omemo::model::{DeviceId, Encrypted, OwnKey, Version};
use omemo::protocol::{KeyExchange, KeyMaterial, RatchetMessage, SealedPayload, of};
use rand::rngs::StdRng;

#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// What was written; `None` in an empty message.
    pub(crate) text: Option<String>,
    pub(crate) element: Encrypted<OwnKey>,
}

/// What an element has besides its key.
pub(crate) struct Content {
    pub(crate) key_material: Vec<u8>,
    pub(crate) iv: Option<Vec<u8>>,
    pub(crate) payload: Option<Vec<u8>>,
}

impl Letter {
    pub(crate) fn key(&self) -> &OwnKey {
        &self.element.keys[0]
    }

    pub(crate) fn is_key_exchange(&self) -> bool {
        self.key().key_exchange
    }

    pub(crate) fn key_exchange(&self) -> KeyExchange {
        KeyExchange::read(self.element.version, &self.key().bytes).unwrap()
    }

    /// Its number in its chain.
    pub(crate) fn number(&self) -> u32 {
        let (version, bytes) = (self.element.version, &self.key().bytes);
        match KeyExchange::read(version, bytes) {
            Ok(exchange) => exchange.message().header().n,
            Err(_) => RatchetMessage::read(version, bytes).unwrap().header().n,
        }
    }
}

impl Content {
    pub(crate) fn seal(version: Version, text: &str, rng: &mut StdRng) -> Self {
        let sealed = of(version).seal_payload(text.as_bytes(), &random(rng).unwrap());
        let SealedPayload {
            key_material,
            iv,
            ciphertext,
        } = sealed.unwrap();
        Self {
            key_material: key_material.expose().to_vec(),
            iv: iv.map(|iv| iv.to_vec()),
            payload: Some(ciphertext),
        }
    }

    pub(crate) fn empty(version: Version, rng: &mut StdRng) -> Self {
        let key_material = of(version).empty_key_material(&random(rng).unwrap());
        Self {
            key_material: key_material.expose().to_vec(),
            iv: of(version).empty_iv(&random(rng).unwrap()),
            payload: None,
        }
    }

    pub(crate) fn open(&self, version: Version) -> Option<String> {
        let payload = self.payload.as_ref()?;
        let key_material = KeyMaterial::new(&self.key_material);
        let opened = of(version).open_payload(&key_material, self.iv.as_deref(), payload);
        Some(String::from_utf8(opened.unwrap().to_vec()).unwrap())
    }

    pub(crate) fn into_letter(
        self,
        (version, sender): (Version, DeviceId),
        text: Option<String>,
        key: OwnKey,
    ) -> Letter {
        Letter {
            text,
            element: Encrypted {
                version,
                sender_device: sender,
                keys: vec![key],
                iv: self.iv,
                payload: self.payload,
            },
        }
    }
}
