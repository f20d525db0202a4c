//! What is handed out: text and bytes that know their length, so that freeing can wipe them.

use core::ffi::c_char;

use zeroize::Zeroize as _;

use super::boundary::{Place, quietly, raw_free, raw_new};

/// Frees text that the library has made, and overwrites it before. Nothing happens if it is NULL.
/// Only for text that a function says is yours to free with it.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_string_free(text: *mut c_char) {
    // SAFETY: the caller says that it is ours.
    quietly((), || unsafe { raw_free(text.cast()) });
}

/// Frees bytes that the library has made, and overwrites them before. Nothing happens if it is NULL.
/// Only for bytes that a function says are yours to free with it.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_bytes_free(bytes: *mut u8) {
    // SAFETY: the caller says that they are ours.
    quietly((), || unsafe { raw_free(bytes) });
}

/// Text for C that belongs to the object it is in: ends with a zero byte, is wiped when dropped.
pub(super) struct Text(Vec<u8>);

impl Text {
    pub(super) fn new(text: &str) -> Self {
        Self::from_bytes(text.as_bytes())
    }

    /// Of any bytes: they have a zero byte behind them, too.
    #[inline(never)]
    pub(super) fn from_bytes(text: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(text.len() + 1);
        bytes.extend_from_slice(text);
        bytes.push(0);
        Self(bytes)
    }

    pub(super) const fn as_ptr(&self) -> *const c_char {
        self.as_bytes().cast()
    }

    pub(super) const fn as_bytes(&self) -> *const u8 {
        self.0.as_ptr()
    }

    /// The text; not of bytes that are none.
    pub(super) fn as_str(&self) -> Result<&str, core::str::Utf8Error> {
        let bytes = self.0.strip_suffix(&[0]).unwrap_or_default();
        core::str::from_utf8(bytes)
    }

    /// The number of bytes, without the zero.
    pub(super) const fn len(&self) -> usize {
        self.0.len().saturating_sub(1)
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The texts of an object whose parts point to them.
#[derive(Default)]
pub(super) struct Texts(Vec<Text>);

impl Texts {
    /// Keeps a text. It stays where it is as long as the object lives.
    #[inline(never)]
    pub(super) fn add(&mut self, text: &str) -> *const c_char {
        let text = Text::new(text);
        let pointer = text.as_ptr();
        self.0.push(text);
        pointer
    }

    #[inline(never)]
    pub(super) fn add_some(&mut self, text: Option<&str>) -> *const c_char {
        text.map_or(core::ptr::null(), |text| self.add(text))
    }
}

/// The bytes that a part of an object may have, and their number, where an accessor returns them.
///
/// # Safety
/// `len` is NULL or a place for a number.
pub(super) unsafe fn lend(text: Option<&Text>, len: *mut usize) -> *const u8 {
    if !len.is_null() {
        // SAFETY: see above.
        unsafe { len.write(text.map_or(0, Text::len)) };
    }
    text.map_or(core::ptr::null(), Text::as_bytes)
}

/// A struct for C, and what it points to. The struct is first: C has its address.
#[repr(C)]
pub(super) struct Owned<T, P> {
    value: T,
    _parts: P,
}

impl<T, P> Owned<T, P> {
    /// Hands it out; it is freed as an `Owned` of these types.
    pub(super) fn give(place: Place<*mut T>, value: T, parts: P) {
        let owned = Box::new(Self {
            value,
            _parts: parts,
        });
        place.put(Box::into_raw(owned).cast());
    }
}

/// Text that the caller is going to free.
pub(super) fn new_string(text: &str) -> *mut c_char {
    raw_new(text.as_bytes()).cast()
}

/// A list of texts.
///
/// Threads: one at a time, or several that only read.
pub struct omemo_strings(Vec<Text>);

impl omemo_strings {
    pub(super) fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self(texts.into_iter().map(Text::new).collect())
    }
}

/// How many texts there are; 0 if `strings` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_strings_count(strings: *const omemo_strings) -> usize {
    // SAFETY: the promises at the top of the header.
    unsafe { super::boundary::accessor(strings, 0, |strings| strings.0.len()) }
}

/// One of the texts; NULL if there are not so many. There as long as `strings` is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_strings_get(
    strings: *const omemo_strings,
    index: usize,
) -> *const c_char {
    // SAFETY: the promises at the top of the header.
    unsafe {
        super::boundary::accessor(strings, core::ptr::null(), |strings| {
            strings.0.get(index).map_or(core::ptr::null(), Text::as_ptr)
        })
    }
}

/// Frees a list of texts; nothing happens if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn omemo_strings_free(strings: *mut omemo_strings) {
    // SAFETY: the promises at the top of the header.
    unsafe { super::boundary::free(strings) }
}
