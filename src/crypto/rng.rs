//! Drawing secret bytes from the caller's generator.

use rand_core::TryCryptoRng;

use super::Secret;
use crate::error::RngError;

/// Draws `N` secret bytes.
///
/// # Errors
/// [`RngError`] when the generator fails; nothing weaker is used instead.
pub fn random<const N: usize, R: TryCryptoRng + ?Sized>(
    rng: &mut R,
) -> Result<Secret<N>, RngError> {
    let mut secret = Secret::new([0; N]);
    rng.try_fill_bytes(secret.expose_mut())
        .map_err(|_| RngError)?;
    Ok(secret)
}
