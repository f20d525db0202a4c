//! Addresses of accounts and rooms (RFC 6122 §2, with the RFC 3920 profiles of stringprep).
//!
//! ```text
//! jid = [ local "@" ] domain [ "/" resource ]
//! ```
//!
//! An address is prepared once, where it enters: two spellings of one account are one value after
//! that, and comparing is comparing bytes. The newer RFC 7622 prepares by PRECIS instead; servers and
//! clients still differ about it. For nearly all addresses the results are the same; where they are not
//! (sharp s and final sigma, which stringprep makes ss and sigma; joiners, which it drops), two accounts of a
//! server that prepares the newer way would be one here. Names of hosts in their ASCII form (`xn--`) are
//! other addresses than the same in Unicode. Characters that are newer than stringprep are taken as they are, as
//! servers take them: see [`prepare`].

use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

use super::prepare;

/// RFC 6122 §2.1: no part of an address is longer, counted in bytes of its prepared form.
pub const MAX_JID_PART: usize = 1023;

/// The address of an account, a room or a service: never with a resource, always prepared.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BareJid(Box<str>);

impl BareJid {
    /// Takes the bare part of an address that may have a resource, as in `from` and `to`.
    ///
    /// # Errors
    /// [`JidError::Resource`] if there is a `/` and nothing, or too much, behind it; else those of
    /// parsing a bare address.
    ///
    /// ```
    /// use omemo::model::BareJid;
    ///
    /// let juliet: BareJid = "juliet@capulet.example".parse()?;
    /// assert_eq!(BareJid::from_full("Juliet@Capulet.example/balcony")?, juliet);
    /// # Ok::<(), omemo::model::JidError>(())
    /// ```
    pub fn from_full(text: &str) -> Result<Self, JidError> {
        let (bare, resource) = split_resource(text);
        match resource {
            Some(resource) if resource.is_empty() || resource.len() > MAX_JID_PART => {
                Err(JidError::Resource)
            }
            _ => Self::prepare(bare),
        }
    }

    /// The address, prepared.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`; services have none.
    #[must_use]
    pub fn local(&self) -> Option<&str> {
        self.0.split_once('@').map(|(local, _)| local)
    }

    /// The part behind the `@`, or all of it.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or(&self.0, |(_, domain)| domain)
    }

    /// Whether `text` is a spelling of this bare address. Does not allocate for ASCII.
    #[must_use]
    pub fn is_spelt(&self, text: &str) -> bool {
        if text.is_ascii() {
            // On ASCII, preparing is changing to lower case; but for the host that "[::1]" and a
            // trailing dot name, which go the long way.
            if text.eq_ignore_ascii_case(&self.0) {
                return true;
            }
            if !text.ends_with(['.', ']']) {
                return false;
            }
        }
        text.parse::<Self>().is_ok_and(|jid| jid == *self)
    }

    fn prepare(text: &str) -> Result<Self, JidError> {
        match text.split_once('@') {
            Some((local, domain)) => {
                let (local, domain) = (prepare_local(local)?, prepare_domain(domain)?);
                Ok(Self(format!("{local}@{domain}").into()))
            }
            None => Ok(Self(prepare_domain(text)?.into())),
        }
    }
}

impl FromStr for BareJid {
    type Err = JidError;

    fn from_str(text: &str) -> Result<Self, JidError> {
        match split_resource(text) {
            (bare, None) => Self::prepare(bare),
            (_, Some(_)) => Err(JidError::NotBare),
        }
    }
}

impl TryFrom<&str> for BareJid {
    type Error = JidError;

    fn try_from(text: &str) -> Result<Self, JidError> {
        text.parse()
    }
}

impl fmt::Display for BareJid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BareJid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BareJid({})", self.0)
    }
}

/// Text that is no address. The text is not repeated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JidError {
    /// There is a resource where a bare address is asked for.
    NotBare,
    /// The part before the `@` is empty, too long or has characters that it must not have.
    Local,
    /// The domain is empty, too long or no name or address of a host.
    Domain,
    /// The part behind the `/` is empty or too long.
    Resource,
}

impl fmt::Display for JidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBare => "the address has a resource",
            Self::Local => "the local part of the address is invalid",
            Self::Domain => "the domain of the address is invalid",
            Self::Resource => "the resource of the address is invalid",
        })
    }
}

impl core::error::Error for JidError {}

/// RFC 7622 §3.1: the resource begins behind the first `/`, whatever it contains.
fn split_resource(text: &str) -> (&str, Option<&str>) {
    match text.split_once('/') {
        Some((bare, resource)) => (bare, Some(resource)),
        None => (text, None),
    }
}

fn prepare_local(local: &str) -> Result<String, JidError> {
    if local.len() > MAX_UNPREPARED {
        return Err(JidError::Local);
    }
    let local = prepare::local(local).ok_or(JidError::Local)?;
    if local.is_empty() || local.len() > MAX_JID_PART {
        return Err(JidError::Local);
    }
    Ok(local)
}

fn prepare_domain(domain: &str) -> Result<String, JidError> {
    if domain.len() > MAX_UNPREPARED {
        return Err(JidError::Domain);
    }
    if let Some(literal) = domain.strip_prefix('[') {
        let address = literal.strip_suffix(']').ok_or(JidError::Domain)?;
        let address: Ipv6Addr = address.parse().map_err(|_| JidError::Domain)?;
        return Ok(format!("[{address}]"));
    }
    let domain = prepare::domain(domain).ok_or(JidError::Domain)?;
    // RFC 7622 §3.2: a final dot is stripped before anything is compared.
    let domain = domain.strip_suffix('.').unwrap_or(&domain);
    if domain.len() > MAX_JID_PART || !domain.split('.').all(is_label) {
        return Err(JidError::Domain);
    }
    Ok(domain.to_owned())
}

/// The characters of host names (RFC 6122 §2.2 asks for STD 3), the underscore of private networks,
/// and whatever nameprep left over of other scripts.
fn is_label(label: &str) -> bool {
    let is_allowed = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !label.is_empty() && label.chars().all(is_allowed)
}

/// Preparing can shorten a part (a wide letter of three bytes becomes one of one byte), not more than
/// that: what is longer is refused before any work.
const MAX_UNPREPARED: usize = 4 * MAX_JID_PART;

#[cfg(test)]
mod tests {
    use super::*;

    fn jid(text: &str) -> BareJid {
        text.parse().unwrap()
    }

    #[test]
    fn spellings_of_one_account_are_equal() {
        let canonical = jid("romeo@montague.example");
        for spelling in [
            "romeo@montague.example",
            "Romeo@Montague.EXAMPLE",
            "romeo@montague.example.",
            "ro\u{ad}meo@montague.example",
            "\u{ff52}omeo@\u{ff2d}ontague.example",
        ] {
            assert_eq!(jid(spelling), canonical, "{spelling}");
            assert!(canonical.is_spelt(spelling), "{spelling}");
        }
        for other in ["rome@montague.example", "romeo@montague.exampl", ""] {
            assert!(!canonical.is_spelt(other), "{other}");
        }
        assert!(!canonical.is_spelt("romeo@montague.example/orchard"));
        assert_eq!(jid("STRASSE@example.org"), jid("stra\u{df}e@example.org"));
    }

    #[test]
    fn parts() {
        let account = jid("Nurse@capulet.example");
        assert_eq!(account.local(), Some("nurse"));
        assert_eq!(account.domain(), "capulet.example");
        assert_eq!(account.to_string(), "nurse@capulet.example");
        let service = jid("capulet.example");
        assert_eq!(
            (service.local(), service.domain()),
            (None, "capulet.example")
        );
    }

    #[test]
    fn a_resource_is_dropped_where_it_is_allowed_only() {
        let full = "juliet@capulet.example/bal@cony/2";
        assert_eq!(full.parse::<BareJid>(), Err(JidError::NotBare));
        assert_eq!(BareJid::from_full(full), Ok(jid("juliet@capulet.example")));
        assert_eq!(
            BareJid::from_full("juliet@capulet.example/"),
            Err(JidError::Resource)
        );
    }

    #[test]
    fn ip_literals() {
        assert_eq!(jid("a@[0:0::1]"), jid("a@[::1]"));
        assert!(jid("a@[::1]").is_spelt("A@[0::1]"));
        assert_eq!(jid("a@192.0.2.1").domain(), "192.0.2.1");
        for bad in ["a@[::1", "a@[::g]", "a@[192.0.2.1]", "a@[::1].x"] {
            assert_eq!(bad.parse::<BareJid>(), Err(JidError::Domain), "{bad}");
        }
    }

    #[test]
    fn what_is_no_address() {
        for bad in [
            "@example.org",
            "a b@example.org",
            "a&b@example.org",
            "a\u{0}@example.org",
            "a\u{2028}@example.org",
            "a\u{ff0f}@example.org",
            "\u{1f339} a@example.org",
            "\u{1f339}\u{2028}@example.org",
            "\u{1f339}&@example.org",
            // They change the direction of what is shown, or are not seen; newer ones too.
            "a\u{200f}@example.org",
            "a\u{61c}@example.org",
            "a\u{2067}b\u{2069}@example.org",
            "a\u{2064}@example.org",
            "a\u{e0041}@example.org",
            "a\u{e000}@example.org",
            "a\u{1fffe}@example.org",
        ] {
            assert_eq!(bad.parse::<BareJid>(), Err(JidError::Local), "{bad:?}");
        }
        for bad in [
            "", "a@", "a@b@c", "a@.", "a@b..c", "a@.b", "a@b c", "a@<b>", "a@b:5222", "a@b\u{0}",
        ] {
            assert_eq!(bad.parse::<BareJid>(), Err(JidError::Domain), "{bad:?}");
        }
    }

    /// Prosody's nodeprep takes each of these as it is: Malayalam chillu (Unicode 5.1), Tifinagh (4.1), N'Ko (5.0), an
    /// ideograph (4.1), a capital sharp s (5.1), an emoji (6.0), one with a skin tone (8.0), no character yet.
    const NEW: [&str; 8] = [
        "\u{d1c}\u{d4b}\u{d7a}",
        "\u{2d30}\u{2d31}",
        "\u{7ca}\u{7cb}",
        "\u{9fa6}",
        "\u{1e9e}",
        "\u{1f339}",
        "\u{1f44b}\u{1f3fd}",
        "\u{378}",
    ];

    #[test]
    fn characters_that_are_newer_than_stringprep_stay_as_they_are() {
        for new in NEW {
            for name in [
                new.to_owned(),
                format!("a{new}"),
                format!("{new}7"),
                format!("\u{e9}{new}"),
            ] {
                let text = format!("{name}@{new}.example");
                let address = jid(&text);
                assert_eq!(address.as_str(), text);
                assert_eq!(address.local(), Some(&*name));
                // What is around them is prepared.
                let spelling = format!("{}@{new}.Example.", name.replace('a', "A"));
                let spelling = spelling.replace('\u{e9}', "E\u{301}");
                assert_eq!(jid(&spelling), address);
                assert!(address.is_spelt(&spelling));
                assert_eq!(BareJid::from_full(&format!("{spelling}/x")), Ok(address));
            }
        }
    }

    /// One account has one spelling, and two have two: what servers do not fold is not folded here.
    #[test]
    fn new_letters_are_not_folded() {
        for (capital, small) in [
            ("\u{1e9e}", "ss"),
            ("\u{2c00}", "\u{2c30}"),
            ("\u{10a0}", "\u{2d00}"),
            ("\u{1e921}", "\u{1e943}"),
            // Modifier letters, which today's tables would normalise to these.
            ("\u{a7f8}", "\u{127}"),
            ("\u{1f130}", "a"),
        ] {
            let [capital, small] = [capital, small].map(|name| jid(&format!("{name}@example.org")));
            assert_ne!(capital, small);
            assert!(!capital.is_spelt(small.as_str()));
        }
        assert_eq!(jid("\u{c9}@example.org"), jid("e\u{301}@example.org"));
    }

    /// In Unicode 3.2 they are no letters that anything combines with, and have no direction.
    #[test]
    fn new_letters_divide_what_is_normalised() {
        let address = jid("e\u{1f339}\u{301}E\u{301}@example.org");
        assert_eq!(address.local(), Some("e\u{1f339}\u{301}\u{e9}"));
        let hebrew = "\u{5d0}\u{1f339}7\u{5d1}@example.org";
        assert_eq!(jid(hebrew).as_str(), hebrew);
        for bad in [
            "\u{1f339}\u{5d0}",
            "\u{5d0}\u{1f339}",
            "\u{5d0}\u{7ca}a\u{5d0}",
            "\u{623}1",
        ] {
            let text = format!("{bad}@example.org");
            assert_eq!(text.parse::<BareJid>(), Err(JidError::Local), "{bad:?}");
        }
    }

    #[test]
    fn lengths() {
        let longest = "a".repeat(MAX_JID_PART);
        assert!(format!("{longest}@{longest}").parse::<BareJid>().is_ok());
        assert_eq!(
            format!("{longest}a@b").parse::<BareJid>(),
            Err(JidError::Local)
        );
        assert_eq!(
            format!("a@{longest}b").parse::<BareJid>(),
            Err(JidError::Domain)
        );
        assert!(BareJid::from_full(&format!("a@b/{longest}")).is_ok());
        assert_eq!(
            BareJid::from_full(&format!("a@b/{longest}c")),
            Err(JidError::Resource)
        );
        let wide = "\u{ff41}".repeat(MAX_JID_PART);
        assert_eq!(jid(&format!("{wide}@b")), jid(&format!("{longest}@b")));
    }

    #[test]
    fn preparing_twice_changes_nothing() {
        for c in '\0'..=char::MAX {
            if let Ok(once) = format!("a{c}@b{c}").parse::<BareJid>() {
                assert_eq!(jid(once.as_str()), once, "{c:?}");
            }
        }
    }
}
