//! A file of named values, of which none may be left over.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::bytes::{fixed, read_hex, same};
use super::sheet::{Outcome, Sheet};

/// The values of a file by their paths, as in `messages.0.mac`. Each one is either read, to compute with,
/// or compared with what the library computed; what is neither at the end is a failure.
///
/// An item passes when all of its values do; each value that does not is a failure.
pub(super) struct Transcript<'a> {
    values: BTreeMap<String, Value>,
    unused: BTreeSet<String>,
    /// Whether everything in the items was right so far.
    items: BTreeMap<String, bool>,
    sheet: &'a mut Sheet,
}

/// Values of these names are prose.
const PROSE: [&str; 4] = ["note", "pn_note", "label", "verifies_with"];

/// What every file begins with.
const HEAD: [&str; 6] = [
    "schema",
    "kind",
    "protocol",
    "producer",
    "id",
    "description",
];

impl<'a> Transcript<'a> {
    /// Reads a file; `items` are those of its fields that are items, or lists of items.
    pub(super) fn new(text: &str, items: &[&str], sheet: &'a mut Sheet) -> Result<Self, String> {
        let mut root: Value = super::file::from_json(text)?;
        let fields = root.as_object_mut().ok_or("the file is no object")?;
        fields.retain(|name, _| !HEAD.contains(&name.as_str()));
        let mut values = BTreeMap::new();
        let items = items.iter().flat_map(|name| match root.get(name) {
            Some(Value::Array(entries)) => (0..entries.len())
                .map(|index| format!("{name}.{index}"))
                .collect(),
            Some(_) => vec![(*name).to_owned()],
            None => Vec::new(),
        });
        let items = items.map(|item| (item, true)).collect();
        flatten(String::new(), root, &mut values);
        let is_prose = |path: &&String| PROSE.contains(&last_part(path));
        let unused = values
            .keys()
            .filter(|path| !is_prose(path))
            .cloned()
            .collect();
        Ok(Self {
            values,
            unused,
            items,
            sheet,
        })
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.values.contains_key(path)
    }

    /// How many entries the list at `path` has.
    pub(super) fn count(&self, path: &str) -> usize {
        let first_parts = self.values.keys().filter_map(|key| {
            let rest = key.strip_prefix(path)?.strip_prefix('.')?;
            rest.split('.').next()
        });
        first_parts.collect::<BTreeSet<_>>().len()
    }

    /// Reads a text.
    pub(super) fn text(&mut self, path: &str) -> Result<String, String> {
        match self.take(path)? {
            Value::String(text) => Ok(text),
            other => Err(format!("{path}: {other} is no text")),
        }
    }

    /// Reads a number.
    pub(super) fn number(&mut self, path: &str) -> Result<u32, String> {
        let value = self.take(path)?;
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| format!("{path}: {value} is no number of 32 bits"))
    }

    /// Reads a truth value.
    pub(super) fn flag(&mut self, path: &str) -> Result<bool, String> {
        let value = self.take(path)?;
        value
            .as_bool()
            .ok_or_else(|| format!("{path}: {value} is neither true nor false"))
    }

    /// Reads bytes in hex.
    pub(super) fn hex(&mut self, path: &str) -> Result<Vec<u8>, String> {
        read_hex(&self.text(path)?).map_err(|problem| format!("{path}: {problem}"))
    }

    /// Reads `N` bytes in hex.
    pub(super) fn fixed<const N: usize>(&mut self, path: &str) -> Result<[u8; N], String> {
        fixed(&self.hex(path)?).map_err(|problem| format!("{path}: {problem}"))
    }

    /// Compares bytes in hex with what the library has.
    pub(super) fn compare(&mut self, path: &str, came: &[u8]) {
        let checked = self
            .hex(path)
            .and_then(|expected| same("value", &expected, came));
        self.add(path, checked);
    }

    /// Compares a text with what the library has.
    pub(super) fn compare_text(&mut self, path: &str, came: &str) {
        let checked = self.text(path).and_then(|expected| {
            if expected == came {
                return Ok(());
            }
            Err(format!("expected {expected:?}, came {came:?}"))
        });
        self.add(path, checked);
    }

    /// Compares a number with what the library has.
    pub(super) fn compare_number(&mut self, path: &str, came: u32) {
        let checked = self.number(path).and_then(|expected| {
            if expected == came {
                return Ok(());
            }
            Err(format!("expected {expected}, came {came}"))
        });
        self.add(path, checked);
    }

    /// Adds a check of another form.
    pub(super) fn add(&mut self, path: &str, checked: Result<(), String>) {
        if let Err(text) = checked {
            self.fail(path);
            self.sheet.add(path, Err(text));
        }
    }

    /// Takes a value as read that the library has no function for, and that shows in others.
    pub(super) fn pass_over(&mut self, path: &str) {
        self.unused.remove(path);
    }

    /// Says what came of the items, and which values nobody asked for.
    pub(super) fn finish(mut self) {
        for path in core::mem::take(&mut self.unused) {
            let value = self.values.get(&path).map(Value::to_string);
            let text = format!(
                "expected to be compared, came to be left over: {}",
                value.unwrap_or_default()
            );
            self.add(&path, Err(text));
        }
        for _ in self.items.into_values().filter(|is_right| *is_right) {
            self.sheet.add("", Ok(Outcome::Passed));
        }
    }

    /// Remembers it of the item to which the path belongs, if it belongs to one.
    fn fail(&mut self, path: &str) {
        let mut parts = path.splitn(3, '.');
        let (name, index) = (parts.next().unwrap_or_default(), parts.next());
        let of_list = format!("{name}.{}", index.unwrap_or_default());
        for item in [of_list.as_str(), name] {
            if let Some(is_right) = self.items.get_mut(item) {
                *is_right = false;
            }
        }
    }

    fn take(&mut self, path: &str) -> Result<Value, String> {
        self.unused.remove(path);
        self.values
            .get(path)
            .cloned()
            .ok_or_else(|| format!("{path} is missing"))
    }
}

fn flatten(path: String, value: Value, values: &mut BTreeMap<String, Value>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(below(&name), value, values);
            }
        }
        Value::Array(entries) => {
            for (index, value) in entries.into_iter().enumerate() {
                flatten(below(&index.to_string()), value, values);
            }
        }
        value => {
            values.insert(path, value);
        }
    }
}

fn last_part(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_nobody_compares_is_a_failure() {
        let text = r#"{"kind": "worked", "a": {"b": "01", "note": "prose"}, "c": [2, 3]}"#;
        let mut sheet = Sheet::default();
        let mut transcript = Transcript::new(text, &["a", "b"], &mut sheet).unwrap();
        assert_eq!(transcript.count("c"), 2);
        transcript.compare("a.b", &[1]);
        transcript.compare_number("c.0", 4);
        assert!(transcript.text("a.d").is_err());
        transcript.finish();
        assert_eq!(sheet.passed, 1);
        let failed: Vec<&str> = sheet
            .failures
            .iter()
            .map(|(item, _)| item.as_str())
            .collect();
        assert_eq!(failed, ["c.0", "c.1"]);
    }

    #[test]
    fn an_item_passes_when_all_of_its_values_do() {
        let text = r#"{"list": [{"a": "01", "b": "02"}, {"a": "01"}], "other": "03"}"#;
        let mut sheet = Sheet::default();
        let mut transcript = Transcript::new(text, &["list"], &mut sheet).unwrap();
        transcript.compare("list.0.a", &[1]);
        transcript.compare("list.0.b", &[1]);
        transcript.compare("list.1.a", &[1]);
        transcript.pass_over("other");
        transcript.finish();
        assert_eq!((sheet.passed, sheet.failures.len()), (1, 1));
    }
}
