//! The configuration file of an account.

use core::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use omemo::model::BareJid;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::Failure;

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Config {
    pub(super) jid: Option<String>,
    pub(super) password: Option<Password>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) direct_tls: bool,
    pub(super) ca: Option<PathBuf>,
    pub(super) state: Option<PathBuf>,
}

/// A password that is not printed.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Password(Zeroizing<String>);

impl From<String> for Password {
    fn from(password: String) -> Self {
        Self(Zeroizing::new(password))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Password {
    /// The password itself.
    pub(super) fn secret(&self) -> Zeroizing<String> {
        self.0.clone()
    }
}

impl Config {
    /// Reads the file that was named, else that of the user, if there is one.
    pub(super) fn open(named: Option<&Path>) -> Result<Self, Failure> {
        let default = etcetera::choose_base_strategy()?
            .config_dir()
            .join("omemo/config.toml");
        let path = named.unwrap_or(&default);
        match fs::read_to_string(path).map(Zeroizing::new) {
            Ok(text) => {
                Self::read(&text).map_err(|problem| format!("{}: {problem}", path.display()).into())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
                Ok(Self::default())
            }
            Err(error) => Err(format!("{}: {error}", path.display()).into()),
        }
    }

    /// Reads the text of the file. Of what is wrong it says the place alone: what stands there, and what
    /// the reader says of it, may be a password.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let before = before.unwrap_or_default();
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            let line = before.matches('\n').count() + 1;
            format!("line {line}, column {column}: not understood; it is not repeated, as it may be a password")
        })
    }

    /// Whether it is that account's, or nobody's in particular. Another account's password must not go to
    /// this one's server.
    pub(super) fn is_for(&self, jid: &BareJid) -> Result<bool, Failure> {
        let named = self.jid.as_ref().map(|named| named.parse::<BareJid>());
        let named = named
            .transpose()
            .map_err(|error| format!("jid in the configuration file: {error}"))?;
        Ok(named.is_none_or(|named| named == *jid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_read_and_not_repeated() {
        let config = Config::read("jid = 'a@b'\npassword = 'secret'").unwrap();
        assert_eq!(config.password.as_ref().unwrap().0.as_str(), "secret");
        assert!(!format!("{config:?}").contains("secret"));
        for (text, place) in [
            ("password = 123456", "line 1, column 12"),
            ("jid = 'a@b'\npassword = '123456", "line 2, column "),
            ("jid = 'a@b'\npassword 123456", "line 2, column "),
            ("jid = 'a@b'\n123456 = 'password'", "line 2, column 1"),
        ] {
            let error = Config::read(text).unwrap_err();
            assert!(error.starts_with(place), "{error}");
            assert!(!error.contains("123456"), "{error}");
        }
    }
}
