//! Names of records, and ranges of them.
//!
//! A name is `(table, partition, sort)`. Parts are compared byte by byte, a shorter one before those
//! that begin with it, and any bytes may be in them.

use core::fmt;

use super::{MAX_KEY_PART, StoreError, Value};

/// A kind of records. What the numbers mean is the business of the one who writes them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(u16);

impl Table {
    /// Where [`Sealed`](super::Sealed) keeps its header: nobody else can name it.
    pub(super) const SEAL: Self = Self(256);

    /// The table of that number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number as u16)
    }

    /// The number, for those who write a store of their own. It may be larger than a byte: stores that
    /// stand on other stores have tables of their own there.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({})", self.0)
    }
}

/// The name of a record. Prints the lengths of its parts only: there are addresses in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The kind of the record.
    pub table: Table,
    /// What is scanned together: as small as the work that is done on it.
    pub partition: Vec<u8>,
    /// The place in the partition.
    pub sort: Vec<u8>,
}

impl Key {
    /// A name of these parts, of at most [`MAX_KEY_PART`] bytes each: a longer one is refused when it is used.
    #[must_use]
    pub fn new(table: Table, partition: impl Into<Vec<u8>>, sort: impl Into<Vec<u8>>) -> Self {
        Self {
            table,
            partition: partition.into(),
            sort: sort.into(),
        }
    }

    /// For those who write a store of their own: whether the parts keep their limit.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`].
    pub fn check(&self) -> Result<(), StoreError> {
        check(&self.partition).and(check(&self.sort))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (partition, sort) = (self.partition.len(), self.sort.len());
        write!(f, "Key({:?}, {partition} + {sort} bytes)", self.table)
    }
}

/// A record that was found. Prints no contents.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub key: Key,
    /// Its contents, wiped when dropped.
    pub value: Value,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({:?}, {} bytes)", self.key, self.value.len())
    }
}

/// Records of one partition, between two sort keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Range {
    /// The kind of the records.
    pub table: Table,
    /// Their partition.
    pub partition: Vec<u8>,
    /// The first sort key that is meant, whether or not it exists.
    pub from: Vec<u8>,
    /// The first sort key that is no longer meant; `None`: to the end of the partition.
    pub until: Option<Vec<u8>>,
}

impl Range {
    /// A whole partition.
    #[must_use]
    pub fn partition(table: Table, partition: impl Into<Vec<u8>>) -> Self {
        Self {
            table,
            partition: partition.into(),
            from: Vec::new(),
            until: None,
        }
    }

    /// From this sort key on, with it.
    #[must_use]
    pub fn from(mut self, sort: impl Into<Vec<u8>>) -> Self {
        self.from = sort.into();
        self
    }

    /// What comes after this sort key: the next page begins after the last record of the one before.
    #[must_use]
    pub fn after(self, sort: impl Into<Vec<u8>>) -> Self {
        let mut from = sort.into();
        from.push(0);
        self.from(from)
    }

    /// Up to this sort key, without it.
    #[must_use]
    pub fn until(mut self, sort: impl Into<Vec<u8>>) -> Self {
        self.until = Some(sort.into());
        self
    }

    /// The sort keys that begin with these bytes.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<Vec<u8>>) -> Self {
        let from = prefix.into();
        let mut until = from.clone();
        while until.pop_if(|last| *last == u8::MAX).is_some() {}
        let bounded = until.last_mut().map(|last| *last += 1).is_some();
        Self {
            from,
            until: bounded.then_some(until),
            ..self
        }
    }

    /// Whether a sort key is in the range.
    #[must_use]
    pub fn contains(&self, sort: &[u8]) -> bool {
        *self.from <= *sort && self.until.as_deref().is_none_or(|until| sort < until)
    }

    /// For those who write a store of their own: whether the parts keep their limits.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`].
    pub fn check(&self) -> Result<(), StoreError> {
        check(&self.partition)?;
        // One byte more: what comes after the longest sort key.
        let from = self.from.strip_suffix(&[0]).unwrap_or(&self.from);
        check(from).and(check(self.until.as_deref().unwrap_or_default()))
    }
}

impl fmt::Debug for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partition = self.partition.len();
        write!(f, "Range({:?}, {partition} bytes, ..)", self.table)
    }
}

/// What is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scan {
    /// Records of one partition, in the order of their sort keys.
    Range(Range),
    /// One record of each partition of a table, for its name; which one of them is the store's choice.
    /// The partitions come in an order of the store's own, which does not change.
    Partitions {
        /// The kind of the records.
        table: Table,
        /// Only the partitions that come after this one, whether or not it exists.
        after: Option<Vec<u8>>,
    },
}

impl Scan {
    /// The partitions of a table, from the first.
    #[must_use]
    pub const fn partitions(table: Table) -> Self {
        Self::Partitions { table, after: None }
    }

    /// For those who write a store of their own: whether the parts keep their limits.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`].
    pub fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::Range(range) => range.check(),
            Self::Partitions { after, .. } => check(after.as_deref().unwrap_or_default()),
        }
    }
}

impl From<Range> for Scan {
    fn from(range: Range) -> Self {
        Self::Range(range)
    }
}

const fn check(part: &[u8]) -> Result<(), StoreError> {
    if part.len() > MAX_KEY_PART {
        return Err(StoreError::TooLarge);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table::new(1);

    #[test]
    fn a_prefix_ends_where_the_next_begins() {
        let range = |prefix: &[u8]| Range::partition(TABLE, *b"p").prefix(prefix);
        assert_eq!(range(b"ab").until, Some(b"ac".to_vec()));
        assert_eq!(range(b"a\xff").until, Some(b"b".to_vec()));
        assert_eq!(range(b"\xff\xff").until, None);
        assert_eq!(range(b"").until, None);
        assert!(range(b"\xff").contains(b"\xff\xff"));
        assert!(!range(b"\xff").contains(b"\xfe"));
    }

    #[test]
    fn what_comes_after_the_longest_key_can_be_asked_for() {
        let longest = vec![7; MAX_KEY_PART];
        let range = Range::partition(TABLE, *b"p");
        assert!(range.clone().after(longest.clone()).check().is_ok());
        assert!(
            range
                .clone()
                .from([&*longest, b"x"].concat())
                .check()
                .is_err()
        );
        assert!(range.until([&*longest, b"x"].concat()).check().is_err());
    }

    #[test]
    fn names_print_no_address() {
        let key = Key::new(TABLE, *b"romeo@montague.example", *b"1");
        let range = Range::partition(TABLE, key.partition.clone());
        let record = Record {
            key: key.clone(),
            value: Value::new(b"secret".to_vec()),
        };
        let printed = format!("{key:?} {range:?} {record:?}");
        assert!(
            !printed.contains("romeo") && !printed.contains("114"),
            "{printed}"
        );
        assert!(!printed.contains("secret"), "{printed}");
    }
}
