//! A server for tests: the other side of SCRAM (RFC 5802 §3), with whatever it is told to say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::hash::{Hash, Output};
use super::{Authentication, NAMESPACE};
use crate::xmpp::StreamError;
use crate::xmpp::element::look;

pub(super) const SALT: &str = "QSXCR+Q6sek8bf92";

/// A server that knows the password.
pub(super) struct Scripted {
    hash: Hash,
    password: String,
    /// What it advertises, as it left the server.
    pub(super) features: String,
    /// What stands behind its nonce, salt and rounds, with the comma.
    pub(super) extensions: String,
    /// Whether it proves itself in a challenge of its own.
    pub(super) proves_early: bool,
}

/// The features of a stream with these mechanisms and channel bindings.
pub(super) fn features(mechanisms: &[&str], bindings: &[&str]) -> String {
    let list: String = mechanisms
        .iter()
        .map(|name| format!("<mechanism>{name}</mechanism>"))
        .collect();
    let bound: String = bindings
        .iter()
        .map(|name| format!("<channel-binding type='{name}'/>"))
        .collect();
    let bound = match bindings.is_empty() {
        true => bound,
        false => format!(
            "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>{bound}</sasl-channel-binding>"
        ),
    };
    format!(
        "<stream:features><mechanisms xmlns='{NAMESPACE}'>{list}</mechanisms>{bound}\
         </stream:features>"
    )
}

pub(super) fn element(name: &str, message: &str) -> String {
    let text = STANDARD.encode(message);
    format!("<{name} xmlns='{NAMESPACE}'>{text}</{name}>")
}

/// What a client says in an element.
pub(super) fn said(xml: &str) -> String {
    let text = look(xml, |element| element.text().unwrap_or_default().to_owned()).unwrap();
    String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
}

impl Scripted {
    pub(super) fn new(hash: Hash, password: &str, features: String) -> Self {
        Self {
            hash,
            password: password.to_owned(),
            features,
            extensions: String::new(),
            proves_early: false,
        }
    }

    /// Lets the client in whom `client` begins with, if it proves that it knows the password and the server's
    /// first message.
    pub(super) fn let_in(
        &self,
        (mut client, auth): (Authentication, impl AsRef<str>),
    ) -> Result<(), StreamError> {
        let first = said(auth.as_ref());
        let bare = first
            .strip_prefix("n,,")
            .expect("the header of a client without bindings");
        let (_, nonce) = bare.split_once(",r=").unwrap();
        let challenge = format!("r={nonce}theirs,s={SALT},i=4096{}", self.extensions);
        let response = client.answer(&element("challenge", &challenge))?.unwrap();
        let response = said(&response);
        let (unproven, proof) = response.split_once(",p=").unwrap();
        assert_eq!(unproven, format!("c=biws,r={nonce}theirs"));

        let hash = self.hash;
        let message = format!("{bare},{challenge},{unproven}");
        let salted = hash.salted(&self.password, &STANDARD.decode(SALT).unwrap(), 4096);
        let stored = hash.digest(&hash.hmac(&salted, b"Client Key"));
        let signature = hash.hmac(&stored, message.as_bytes());
        let proof = STANDARD.decode(proof).unwrap();
        let key: Vec<_> = proof.iter().zip(&**signature).map(|(a, b)| a ^ b).collect();
        if hash.digest(&key) != stored {
            let failure = format!("<failure xmlns='{NAMESPACE}'><not-authorized/></failure>");
            return client.answer(&failure).map(|_| ());
        }
        let key: Output = hash.hmac(&salted, b"Server Key");
        let verifier = STANDARD.encode(&*hash.hmac(&key, message.as_bytes()));
        let verifier = format!("v={verifier}");
        let success = match self.proves_early {
            true => {
                let empty = client.answer(&element("challenge", &verifier))?.unwrap();
                assert_eq!(said(&empty), "");
                format!("<success xmlns='{NAMESPACE}'/>")
            }
            false => element("success", &verifier),
        };
        assert_eq!(client.answer(&success)?, None);
        Ok(())
    }
}
