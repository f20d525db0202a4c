//! The protobuf messages of both versions: what their fields are called and what they are for.
//!
//! Names as in XEP-0384 §10, and in libsignal's `WhisperTextProtocol.proto` for legacy.

/// A message.
#[derive(Debug)]
pub struct Schema {
    /// Its name.
    pub name: &'static str,
    /// What is around its protobuf.
    pub frame: Frame,
    /// Its fields.
    pub fields: &'static [Entry],
}

/// What is around a protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Nothing.
    Bare,
    /// A version byte in front.
    Version,
    /// A version byte in front, and a MAC of 8 bytes behind.
    VersionAndMac,
}

/// A field.
#[derive(Debug)]
pub struct Entry {
    /// Its number on the wire.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub meaning: Meaning,
    /// Whether the library refuses a message without it.
    pub required: bool,
    /// What it is for, in a few words.
    pub about: &'static str,
}

/// What a field's value is.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// A number of 32 bits.
    Number,
    /// The id of a key.
    KeyId,
    /// A public key.
    Key,
    /// An identity key.
    Identity,
    /// Encrypted key material.
    Ciphertext,
    /// A MAC of 16 bytes.
    Mac,
    /// Another message.
    Message(&'static Schema),
}

impl Schema {
    /// The field of that number.
    #[must_use]
    pub fn entry(&self, number: u32) -> Option<&'static Entry> {
        self.fields.iter().find(|entry| entry.number == number)
    }
}

const fn entry(
    number: u32,
    name: &'static str,
    meaning: Meaning,
    required: bool,
    about: &'static str,
) -> Entry {
    Entry {
        number,
        name,
        meaning,
        required,
        about,
    }
}

/// What a legacy `<key/>` contains once a session is established.
pub static LEGACY_MESSAGE: Schema = Schema {
    name: "SignalMessage",
    frame: Frame::VersionAndMac,
    fields: &[
        entry(
            1,
            "ratchetKey",
            Meaning::Key,
            true,
            "the sender's ratchet key",
        ),
        entry(2, "counter", Meaning::Number, true, NUMBER),
        entry(3, "previousCounter", Meaning::Number, false, PREVIOUS),
        entry(4, "ciphertext", Meaning::Ciphertext, true, ""),
    ],
};

/// What a legacy `<key prekey='true'/>` contains.
pub static LEGACY_KEY_EXCHANGE: Schema = Schema {
    name: "PreKeySignalMessage",
    frame: Frame::Version,
    fields: &[
        entry(1, "preKeyId", Meaning::KeyId, true, PRE_KEY),
        entry(2, "baseKey", Meaning::Key, true, EPHEMERAL),
        entry(
            3,
            "identityKey",
            Meaning::Identity,
            true,
            "the sender's identity",
        ),
        entry(4, "message", Meaning::Message(&LEGACY_MESSAGE), true, ""),
        entry(
            5,
            "registrationId",
            Meaning::Number,
            false,
            "the sender's device, or any number",
        ),
        entry(6, "signedPreKeyId", Meaning::KeyId, true, SIGNED_PRE_KEY),
    ],
};

/// What an OMEMO 2 `<key/>` contains once a session is established.
pub static OMEMO2_MESSAGE: Schema = Schema {
    name: "OMEMOAuthenticatedMessage",
    frame: Frame::Bare,
    fields: &[
        entry(1, "mac", Meaning::Mac, true, ""),
        entry(2, "message", Meaning::Message(&OMEMO2_INNER), true, ""),
    ],
};

static OMEMO2_INNER: Schema = Schema {
    name: "OMEMOMessage",
    frame: Frame::Bare,
    fields: &[
        entry(1, "n", Meaning::Number, true, NUMBER),
        entry(2, "pn", Meaning::Number, true, PREVIOUS),
        entry(3, "dh_pub", Meaning::Key, true, "the sender's ratchet key"),
        entry(4, "ciphertext", Meaning::Ciphertext, true, ""),
    ],
};

/// What an OMEMO 2 `<key kex='true'/>` contains.
pub static OMEMO2_KEY_EXCHANGE: Schema = Schema {
    name: "OMEMOKeyExchange",
    frame: Frame::Bare,
    fields: &[
        entry(1, "pk_id", Meaning::KeyId, true, PRE_KEY),
        entry(2, "spk_id", Meaning::KeyId, true, SIGNED_PRE_KEY),
        entry(3, "ik", Meaning::Identity, true, "the sender's identity"),
        entry(4, "ek", Meaning::Key, true, EPHEMERAL),
        entry(5, "message", Meaning::Message(&OMEMO2_MESSAGE), true, ""),
    ],
};

/// Bytes of legacy that are neither of the two.
pub static LEGACY_UNKNOWN: Schema = Schema {
    name: "unknown message",
    frame: Frame::Version,
    fields: &[],
};

/// Bytes of OMEMO 2 that are neither of the two.
pub static OMEMO2_UNKNOWN: Schema = Schema {
    name: "unknown message",
    frame: Frame::Bare,
    fields: &[],
};

const NUMBER: &str = "the message's number in its chain";
const PREVIOUS: &str = "the length of the sender's previous chain (or one less)";
const PRE_KEY: &str = "the recipient's one-time pre-key";
const SIGNED_PRE_KEY: &str = "the recipient's signed pre-key";
const EPHEMERAL: &str = "the sender's ephemeral key";
