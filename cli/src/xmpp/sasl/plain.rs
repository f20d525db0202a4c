//! PLAIN (RFC 4616): the password itself.

use zeroize::Zeroizing;

use super::prepare::prepare;
use crate::xmpp::StreamError;

/// `[authzid] NUL authcid NUL passwd`
///
/// # Errors
/// [`StreamError::Password`]: the password has a character that passwords must not have.
pub(super) fn message(user: &str, password: &str) -> Result<Zeroizing<String>, StreamError> {
    let (user, password) = (prepare(user)?, prepare(password)?);
    Ok(Zeroizing::new(format!("\0{}\0{}", *user, *password)))
}
