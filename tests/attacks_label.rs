//! Signatures of labels taken for those of signed pre-keys (A48), and labels that nobody signed.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

use omemo::crypto::ed25519::{self, Signature};
use omemo::crypto::{
    EdwardsSign, IdentityKey, IdentityKeyPair, Secret, SignedPreKeyPublic, xeddsa,
};
use omemo::error::{LabelError, SignatureError};
use omemo::model::{Label, Version};
use omemo::protocol::{self, sign_label, verify_label};

/// 32 bytes of text that are a public key as well, and somebody may know its private half.
const KEY: &str = "Juliet's telephone in the garden";

const Z: Secret<64> = Secret::new([3; 64]);

fn device(sign: EdwardsSign) -> (IdentityKeyPair, IdentityKey) {
    let pair = IdentityKeyPair::from_private(Secret::new([7; 32]), sign);
    let identity = protocol::of(Version::Omemo2).identity(&pair);
    (pair, identity)
}

fn key() -> SignedPreKeyPublic {
    SignedPreKeyPublic::from_bytes(KEY.as_bytes().try_into().unwrap()).unwrap()
}

#[test]
fn a48_no_label_is_signed_that_is_a_signed_pre_key() {
    for sign in [EdwardsSign::Natural, EdwardsSign::Zero] {
        let (pair, identity) = device(sign);
        // What is wrong with it: nothing tells the two signatures apart.
        let blind = xeddsa::sign(&pair, KEY.as_bytes(), &Z);
        let omemo2 = protocol::of(Version::Omemo2);
        assert_eq!(omemo2.verify(&identity, &key(), &blind), Ok(()));

        assert_eq!(
            sign_label(&pair, KEY, &Z).unwrap_err(),
            LabelError::KeyLength
        );
        let legacy = format!("\u{5}{KEY}");
        assert_eq!(
            sign_label(&pair, &legacy, &Z).unwrap_err(),
            LabelError::KeyLength
        );
    }
}

#[test]
fn a48_the_signature_of_a_signed_pre_key_is_none_of_a_label() {
    for version in Version::ALL {
        let (pair, identity) = device(EdwardsSign::Zero);
        let prefix = std::str::from_utf8(version.key_prefix()).unwrap();
        let label = Label {
            text: format!("{prefix}{KEY}"),
            signature: protocol::of(version).sign(&pair, &key(), &Z),
        };
        // A bare signature over these bytes it is.
        let bytes = label.text.as_bytes();
        assert!(ed25519::verify(pair.ed25519(), bytes, &label.signature).is_ok());
        assert_eq!(verify_label(&identity, &label), Err(SignatureError));
    }
}

#[test]
fn labels_are_of_the_identity_that_signed_them() {
    for sign in [EdwardsSign::Natural, EdwardsSign::Zero] {
        let (pair, identity) = device(sign);
        let label = sign_label(&pair, "Balcony", &Z).unwrap();
        assert_eq!(label.text, "Balcony");
        assert_eq!(verify_label(&identity, &label), Ok(()));

        let other = IdentityKeyPair::from_private(Secret::new([8; 32]), sign);
        let other = protocol::of(Version::Omemo2).identity(&other);
        assert_eq!(verify_label(&other, &label), Err(SignatureError));
        let legacy = protocol::of(Version::Legacy).identity(&pair);
        assert_eq!(verify_label(&legacy, &label), Err(SignatureError));

        let renamed = Label {
            text: "Balcony ".to_owned(),
            ..label.clone()
        };
        assert_eq!(verify_label(&identity, &renamed), Err(SignatureError));
        for bit in 0..512 {
            let mut bytes = *label.signature.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let signature = Signature::from_bytes(bytes);
            let flipped = Label {
                signature,
                ..label.clone()
            };
            assert_eq!(
                verify_label(&identity, &flipped),
                Err(SignatureError),
                "{bit}"
            );
        }
    }
}

/// A peer may have signed anything: what is shown follows our rules nevertheless.
#[test]
fn signed_texts_that_no_label_may_have_are_not_shown() {
    let (pair, identity) = device(EdwardsSign::Natural);
    for text in [
        "",
        " ",
        "Pho\u{202e}ne",
        "a\nb",
        &"a".repeat(53),
        &"a".repeat(33),
    ] {
        let label = Label {
            text: text.to_owned(),
            signature: xeddsa::sign(&pair, text.as_bytes(), &Z),
        };
        assert_eq!(
            verify_label(&identity, &label),
            Err(SignatureError),
            "{text:?}"
        );
    }
}
