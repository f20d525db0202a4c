//! The fields of a protobuf message, without a schema.
//!
//! The library's reader says yes or no. This one goes through the bytes field by field, so that it can
//! tell how far they make sense. It copies nothing and looks into nothing that is nested.

use core::fmt;

/// More fields than any message of OMEMO has, by far.
const MAX_FIELDS: usize = 64;
/// No message of OMEMO has a group at all.
const MAX_GROUPS: usize = 32;

/// A field as it is in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Where it begins.
    pub offset: usize,
    /// Its number, which the schema gives a name.
    pub number: u32,
    /// Its value.
    pub value: Value<'a>,
}

/// A value, by its wire type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64([u8; 8]),
    /// Wire type 2: bytes, text or a message.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32([u8; 4]),
    /// Wire types 3 and 4 and what is between them: fields, which are not looked at.
    Group(&'a [u8]),
}

/// Where and why the bytes are no protobuf any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Where the field begins that cannot be read.
    pub offset: usize,
    /// Its number, if that could be read.
    pub number: Option<u32>,
    /// What is wrong with it.
    pub reason: Reason,
}

/// Why a field cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A number does not end where the bytes do, or has more than 64 bits.
    Varint,
    /// The field's number is 0 or too large.
    Number,
    /// The wire types 6 and 7 are not defined.
    WireType(u8),
    /// A group ends that did not begin, or does not end, or there are too many in each other.
    Group,
    /// The value is longer than what is left.
    Truncated {
        /// The length that the field says.
        announced: u64,
        /// What there is.
        left: usize,
    },
    /// There are more fields than are read.
    TooMany,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Varint => f.write_str("its number does not end, or is too large"),
            Self::Number => f.write_str("there is no field of that number"),
            Self::WireType(wire_type) => write!(f, "its wire type {wire_type} is not defined"),
            Self::Group => f.write_str("its group has no beginning or no end"),
            Self::Truncated { announced, left } => {
                write!(f, "it says it has {announced} bytes, and {left} are left")
            }
            Self::TooMany => write!(f, "there are more than {MAX_FIELDS} fields"),
        }
    }
}

/// Goes through the fields of a message. Nothing follows an error.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    rest: &'a [u8],
    left: usize,
}

impl<'a> Fields<'a> {
    /// The fields of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            rest: bytes,
            left: MAX_FIELDS,
        }
    }

    fn field(&mut self, offset: usize) -> Result<Field<'a>, Broken> {
        let broken = |number, reason| Broken {
            offset,
            number,
            reason,
        };
        let (number, wire_type) = self.tag().map_err(|reason| broken(None, reason))?;
        let value = match wire_type {
            3 => self.group(number),
            wire_type => self.value(wire_type),
        };
        Ok(Field {
            offset,
            number,
            value: value.map_err(|reason| broken(Some(number), reason))?,
        })
    }

    fn tag(&mut self) -> Result<(u32, u8), Reason> {
        let tag = self.varint().ok_or(Reason::Varint)?;
        let tag = u32::try_from(tag).map_err(|_| Reason::Number)?;
        let [low, ..] = tag.to_le_bytes();
        match tag >> 3 {
            0 => Err(Reason::Number),
            number => Ok((number, low & 7)),
        }
    }

    fn value(&mut self, wire_type: u8) -> Result<Value<'a>, Reason> {
        Ok(match wire_type {
            0 => Value::Varint(self.varint().ok_or(Reason::Varint)?),
            1 => Value::Fixed64(*self.fixed()?),
            2 => {
                let length = self.varint().ok_or(Reason::Varint)?;
                Value::Bytes(self.take(length)?)
            }
            4 => return Err(Reason::Group),
            5 => Value::Fixed32(*self.fixed()?),
            other => return Err(Reason::WireType(other)),
        })
    }

    /// Passes over a group, and those in it, to the end of the one that has begun.
    fn group(&mut self, number: u32) -> Result<Value<'a>, Reason> {
        let start = self.rest;
        let mut open = vec![number];
        loop {
            let content = start.len().saturating_sub(self.rest.len());
            match self.tag()? {
                (number, 3) if open.len() < MAX_GROUPS => open.push(number),
                (number, 4) if open.last() == Some(&number) => {
                    open.pop();
                }
                (_, 3) => return Err(Reason::Group),
                (_, wire_type) => {
                    self.value(wire_type)?;
                }
            }
            if open.is_empty() {
                return Ok(Value::Group(start.get(..content).unwrap_or_default()));
            }
        }
    }

    /// Seven bits a byte, the low ones first, as long as the top bit is set.
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn fixed<const N: usize>(&mut self) -> Result<&'a [u8; N], Reason> {
        let left = self.rest.len();
        let (value, rest) = self.rest.split_first_chunk().ok_or(Reason::Truncated {
            announced: N as u64,
            left,
        })?;
        self.rest = rest;
        Ok(value)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Reason> {
        let (value, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length))
            .ok_or(Reason::Truncated {
                announced: length,
                left: self.rest.len(),
            })?;
        self.rest = rest;
        Ok(value)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let offset = self.bytes.len().saturating_sub(self.rest.len());
        let field = match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.field(offset)
            }
            None => Err(Broken {
                offset,
                number: None,
                reason: Reason::TooMany,
            }),
        };
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(bytes: &[u8]) -> Vec<Result<Field<'_>, Broken>> {
        Fields::new(bytes).collect()
    }

    #[test]
    fn every_wire_type_that_is_used() {
        let bytes = [
            0x08, 0x96, 0x01, 0x12, 2, b'h', b'i', 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8,
        ];
        let fields: Vec<_> = walk(&bytes).into_iter().map(Result::unwrap).collect();
        assert_eq!(
            fields
                .iter()
                .map(|f| (f.offset, f.number, f.value))
                .collect::<Vec<_>>(),
            [
                (0, 1, Value::Varint(150)),
                (3, 2, Value::Bytes(b"hi")),
                (7, 3, Value::Fixed32([1, 2, 3, 4])),
                (12, 4, Value::Fixed64([1, 2, 3, 4, 5, 6, 7, 8])),
            ]
        );
    }

    #[test]
    fn what_is_broken_is_found_where_it_is() {
        for (bytes, offset, number, reason) in [
            (&[0x08, 0, 0x80][..], 2, None, Reason::Varint),
            (&[0x08, 0x80], 0, Some(1), Reason::Varint),
            (&[0x00], 0, None, Reason::Number),
            (&[0x08, 0, 0x0b, 0x08, 1], 2, Some(1), Reason::Varint),
            (&[0x0b, 0x14], 0, Some(1), Reason::Group),
            (&[0x0c], 0, Some(1), Reason::Group),
            (&[0x0b; 100], 0, Some(1), Reason::Group),
            (&[0x0f], 0, Some(1), Reason::WireType(7)),
            (
                &[0x22, 5, 1, 2],
                0,
                Some(4),
                Reason::Truncated {
                    announced: 5,
                    left: 2,
                },
            ),
            (
                &[0x0d, 1],
                0,
                Some(1),
                Reason::Truncated {
                    announced: 4,
                    left: 1,
                },
            ),
        ] {
            let broken = Broken {
                offset,
                number,
                reason,
            };
            assert_eq!(walk(bytes).last(), Some(&Err(broken)), "{bytes:?}");
        }
    }

    #[test]
    fn groups_are_passed_over_with_what_is_in_them() {
        let group = [0x3b, 0x08, 1, 0x0b, 0x12, 1, 9, 0x0c, 0x3c];
        let bytes = [&group[..], &[0x08, 5]].concat();
        let values: Vec<_> = walk(&bytes).into_iter().map(|f| f.unwrap().value).collect();
        assert_eq!(values, [Value::Group(&group[1..8]), Value::Varint(5)]);
    }

    #[test]
    fn numbers_of_64_bits_and_no_more() {
        let mut bytes = [0xff; 11];
        (bytes[0], bytes[10]) = (0x08, 0x01);
        assert_eq!(
            walk(&bytes),
            [Ok(Field {
                offset: 0,
                number: 1,
                value: Value::Varint(u64::MAX)
            })]
        );
        bytes[10] = 0x02;
        assert!(walk(&bytes)[0].is_err());
    }

    #[test]
    fn an_error_ends_it_and_so_do_too_many_fields() {
        assert_eq!(walk(&[0x00, 0x08, 0x01]).len(), 1);
        let many = walk(&[0x08; 2 * MAX_FIELDS + 2]).len();
        assert_eq!(many, MAX_FIELDS + 1);
    }
}
