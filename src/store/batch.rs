//! What is to be changed, together.

use core::fmt;

use super::{Key, MAX_BATCH, MAX_VALUE, Range, Scope, StoreError, Value};

/// One change.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Stores a record, in the place of the one of that name.
    Put(Key, Value),
    /// Removes a record; nothing happens if there is none.
    Delete(Key),
    /// Removes the records of a range, however many.
    DeleteRange(Range),
}

/// Changes in their order. The values are copies that are wiped when the batch is dropped; it prints
/// how many there are, and none of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Batch {
    changes: Vec<Change>,
    size: usize,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            changes: Vec::new(),
            size: 0,
        }
    }

    /// Stores a copy of `value`, of at most [`MAX_VALUE`] bytes.
    pub fn put(&mut self, key: Key, value: &[u8]) -> &mut Self {
        self.push(Change::Put(key, Value::new(value.to_vec())))
    }

    /// Removes a record, if there is one.
    pub fn delete(&mut self, key: Key) -> &mut Self {
        self.push(Change::Delete(key))
    }

    /// Removes the records of a range, however many.
    pub fn delete_range(&mut self, range: Range) -> &mut Self {
        self.push(Change::DeleteRange(range))
    }

    /// Appends a change.
    pub fn push(&mut self, change: Change) -> &mut Self {
        let size = match &change {
            Change::Put(key, value) => key.partition.len() + key.sort.len() + value.len(),
            Change::Delete(key) => key.partition.len() + key.sort.len(),
            Change::DeleteRange(range) => {
                let until = range.until.as_ref().map_or(0, Vec::len);
                range.partition.len() + range.from.len() + until
            }
        };
        self.size = self.size.saturating_add(size);
        self.changes.push(change);
        self
    }

    /// The changes, in their order.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The sum of names and values, in bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// For those who write a store of their own: whether everything keeps its limits and is in the scope.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::OutsideScope`].
    pub fn check(&self, scope: &Scope) -> Result<(), StoreError> {
        scope.check()?;
        if self.size > MAX_BATCH {
            return Err(StoreError::TooLarge);
        }
        self.changes.iter().try_for_each(|change| {
            let is_inside = match change {
                Change::Put(_, value) if value.len() > MAX_VALUE => {
                    return Err(StoreError::TooLarge);
                }
                Change::Put(key, _) | Change::Delete(key) => {
                    key.check()?;
                    key.is_in(scope)
                }
                Change::DeleteRange(range) => {
                    range.check()?;
                    range.is_in(scope)
                }
            };
            match is_inside {
                true => Ok(()),
                false => Err(StoreError::OutsideScope),
            }
        })
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, size) = (self.changes.len(), self.size);
        write!(f, "Batch({count} changes, {size} bytes)")
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(key, value) => write!(f, "Put({key:?}, {} bytes)", value.len()),
            Self::Delete(key) => write!(f, "Delete({key:?})"),
            Self::DeleteRange(range) => write!(f, "DeleteRange({range:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Table;

    #[test]
    fn a_batch_prints_counts_and_no_contents() {
        let mut batch = Batch::new();
        batch.put(Key::new(Table::new(1), *b"p", *b"s"), b"secret");
        assert_eq!(format!("{batch:?}"), "Batch(1 changes, 8 bytes)");
        let change = format!("{:?}", batch.changes());
        assert_eq!(change, "[Put(Key(Table(1), 1 + 1 bytes), 6 bytes)]");
    }
}
