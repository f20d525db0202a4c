//! Peers that count their keys from 0, as Converse.js does: whether they read a key exchange that names them so.

use rand::rngs::StdRng;

use crate::conversation::key_material;
use crate::ours::Ours;
use crate::peer::Peer;

/// A first message and its answer, with a signed pre-key 0 and pre-keys 0 to 9, and with a pre-key 0 alone. What the
/// peer does not read is said; that is omemo-dr alone, which takes a 0 for none.
pub(crate) fn run(peer: &mut Peer, rng: &mut StdRng) {
    for (pre_keys, what) in [(10, "signed pre-key 0"), (1, "both keys 0")] {
        let version = peer.version;
        let mut ours = Ours::new(version, rng);
        let bundle = peer.init_from_zero(pre_keys, rng);
        assert_eq!(bundle.signed_pre_key_id.get(), 0);
        ours.initiate(&bundle, rng);
        let message = ours.encrypt(rng);
        let outcome = if peer.accepts(&message) {
            let answer = peer.encrypt(key_material(rng, version));
            assert_eq!(ours.decrypt(&answer), Some(answer.plaintext));
            "read, and answered"
        } else {
            assert_eq!(peer.name, "omemo-dr", "{what}");
            "refused"
        };
        println!("{:<18} {what:<21} {outcome}", peer.name);
    }
}
