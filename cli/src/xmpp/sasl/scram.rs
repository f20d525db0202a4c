//! SCRAM (RFC 5802, RFC 7677), without channel binding.
//!
//! ```text
//! client-first:  n,,n=user,r=nonce
//! server-first:  r=nonce…,s=salt,i=rounds[,extensions]
//! client-final:  c=biws,r=nonce…,p=ClientProof
//! server-final:  v=ServerSignature
//!
//! SaltedPassword  = Hi(password, salt, rounds)
//! ClientKey       = HMAC(SaltedPassword, "Client Key")
//! ClientSignature = HMAC(H(ClientKey), AuthMessage)
//! ClientProof     = ClientKey ⊕ ClientSignature
//! ServerSignature = HMAC(HMAC(SaltedPassword, "Server Key"), AuthMessage)
//! AuthMessage     = client-first-bare "," server-first "," client-final-without-proof
//! ```
//!
//! Both proofs cover the server's first message as it came, with the extensions that it has (§3): one that
//! is not known here changes nothing, and nobody in between can remove it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::hash::{Hash, Output};
use super::offer::Offer;
use super::prepare::prepare;
use crate::xmpp::StreamError;

/// We do not know channel binding (RFC 5802 §6): that is "n", whatever the server offers, and not "y".
const HEADER: &str = "n,,";
/// Fewer rounds than in RFC 7677 §4: whoever pretends to be the server could guess the password quickly.
const MIN_ROUNDS: u32 = 4096;
/// More rounds than any server asks for: a password must not keep us busy for minutes.
const MAX_ROUNDS: u32 = 10_000_000;

/// What was sent first, and what answers need.
pub(super) struct ClientFirst {
    hash: Hash,
    password: Zeroizing<String>,
    /// Without the header.
    bare: String,
    nonce: String,
}

impl ClientFirst {
    /// An authentication of a user.
    ///
    /// # Errors
    /// [`StreamError::Password`].
    pub(super) fn new(
        hash: Hash,
        user: &str,
        password: &str,
        nonce: &str,
    ) -> Result<Self, StreamError> {
        let user = prepare(user)?.replace('=', "=3D").replace(',', "=2C");
        Ok(Self {
            hash,
            password: prepare(password)?,
            bare: format!("n={user},r={nonce}"),
            nonce: nonce.to_owned(),
        })
    }

    /// The message.
    pub(super) fn message(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{HEADER}{}", self.bare))
    }

    /// Takes the server's first message, and returns what to send, and what will prove the server's
    /// knowledge.
    ///
    /// # Errors
    /// [`StreamError::Downgrade`] if the server offered something else than what came here,
    /// [`StreamError::Rounds`], [`StreamError::Protocol`].
    pub(super) fn answer(
        self,
        message: &str,
        offer: &Offer,
    ) -> Result<(String, ServerFinal), StreamError> {
        let first = ServerFirst::read(message, &self.nonce)?;
        if first.offer.is_some_and(|told| !offer.is(told, self.hash)) {
            return Err(StreamError::Downgrade);
        }
        let hash = self.hash;
        let unproven = format!("c={},r={}", STANDARD.encode(HEADER), first.nonce);
        let auth_message = format!("{},{message},{unproven}", self.bare);
        let salted = hash.salted(&self.password, &first.salt, first.rounds);
        let client_key = hash.hmac(&salted, b"Client Key");
        let stored_key = hash.digest(&client_key);
        let signature = hash.hmac(&stored_key, auth_message.as_bytes());
        let proof: Vec<u8> = client_key
            .iter()
            .zip(signature.iter())
            .map(|(key, signature)| key ^ signature)
            .collect();
        let response = format!("{unproven},p={}", STANDARD.encode(proof));
        let server_key = hash.hmac(&salted, b"Server Key");
        let next = ServerFinal {
            hash,
            server_key,
            auth_message,
        };
        Ok((response, next))
    }
}

/// `[reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]` (RFC 5802 §7)
struct ServerFirst<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    rounds: u32,
    /// XEP-0474: the hash of what the server offered.
    offer: Option<&'a str>,
}

impl<'a> ServerFirst<'a> {
    fn read(message: &'a str, our_nonce: &str) -> Result<Self, StreamError> {
        let mut attributes = message.split(',');
        // An "m=" in the first place is an extension that we would have to know, and fails here.
        let mut next = |name| {
            let attribute = attributes.next();
            attribute
                .and_then(|attribute| attribute.strip_prefix(name))
                .ok_or(StreamError::Protocol)
        };
        let (nonce, salt, rounds) = (next("r=")?, next("s=")?, next("i=")?);
        // A nonce that is not ours belongs to an exchange that somebody recorded.
        let theirs = nonce.strip_prefix(our_nonce).unwrap_or_default();
        if theirs.is_empty() || !nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(StreamError::Protocol);
        }
        let salt = STANDARD.decode(salt).map_err(|_| StreamError::Protocol)?;
        if salt.is_empty() || !rounds.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(StreamError::Protocol);
        }
        let rounds = rounds.parse().map_err(|_| StreamError::Protocol)?;
        if !(MIN_ROUNDS..=MAX_ROUNDS).contains(&rounds) {
            return Err(StreamError::Rounds(rounds));
        }
        let mut offer = None;
        for extension in attributes {
            match extension.split_once('=') {
                Some(("h", told)) if offer.is_none() => offer = Some(told),
                // Two of them, or one that has to be known.
                Some(("h" | "m", _)) | None => return Err(StreamError::Protocol),
                Some(_) => {}
            }
        }
        Ok(Self {
            nonce,
            salt,
            rounds,
            offer,
        })
    }
}

/// What the server's last message has to be.
pub(super) struct ServerFinal {
    hash: Hash,
    server_key: Output,
    auth_message: String,
}

/// The server knows the password, and said what we have read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proved;

impl ServerFinal {
    /// Verifies the server's last message.
    ///
    /// # Errors
    /// [`StreamError::Refused`] if the server refuses the login, [`StreamError::Authentication`] if it does
    /// not know the password.
    pub(super) fn verify(self, message: &str) -> Result<Proved, StreamError> {
        let attribute = message.split(',').next().unwrap_or_default();
        if attribute.starts_with("e=") {
            return Err(StreamError::Refused);
        }
        let signature = attribute
            .strip_prefix("v=")
            .map(|text| STANDARD.decode(text));
        let signature = signature.and_then(Result::ok).unwrap_or_default();
        let text = self.auth_message.as_bytes();
        if self.hash.verifies(&self.server_key, text, &signature) {
            Ok(Proved)
        } else {
            Err(StreamError::Authentication)
        }
    }
}
