//! One of something for each version.

use super::Version;

/// One `T` for each version of OMEMO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PerVersion<T> {
    /// The one for [`Version::Legacy`].
    pub legacy: T,
    /// The one for [`Version::Omemo2`].
    pub omemo2: T,
}

impl<T> PerVersion<T> {
    /// Makes one for each version.
    pub fn from_fn(mut make: impl FnMut(Version) -> T) -> Self {
        Self {
            legacy: make(Version::Legacy),
            omemo2: make(Version::Omemo2),
        }
    }

    /// The one of a version.
    #[must_use]
    pub const fn get(&self, version: Version) -> &T {
        match version {
            Version::Legacy => &self.legacy,
            Version::Omemo2 => &self.omemo2,
        }
    }

    /// The one of a version, to be changed.
    #[must_use]
    pub const fn get_mut(&mut self, version: Version) -> &mut T {
        match version {
            Version::Legacy => &mut self.legacy,
            Version::Omemo2 => &mut self.omemo2,
        }
    }

    /// Both, in the order of [`Version::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Version, &T)> {
        Version::ALL
            .into_iter()
            .map(|version| (version, self.get(version)))
    }
}
