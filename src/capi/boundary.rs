//! Where C's calls arrive: panics end here, pointers become references, and answers go out.

use core::cell::Cell;
use core::ffi::{CStr, c_char};
use core::ptr;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use zeroize::Zeroize as _;

use super::error::{Failure, omemo_error};
use super::status::omemo_status::{self, *};
use crate::model::BareJid;

/// The longest text that ends with a zero byte: longer than any address or name.
const MAX_TEXT: usize = 64 << 10;

/// The most entries of an array.
const MAX_ENTRIES: usize = 1 << 20;

/// Runs the body of a function. Its failure becomes a status, and an error if the caller wants one.
///
/// # Safety
/// The pointers that the body gives to [`Caller`] are what the header asks for.
pub(super) unsafe fn call(
    error: *mut *mut omemo_error,
    body: impl FnOnce(&Caller) -> Result<(), Failure>,
) -> omemo_status {
    let mut body = Some(body);
    let mut once = |caller: &Caller| match body.take() {
        Some(body) => body(caller),
        None => Err(Failure::internal()),
    };
    // SAFETY: as for this function.
    unsafe { run(error, &mut once) }
}

/// The part of [`call`] that is the same for all functions, so that it is in the library once.
#[inline(never)]
unsafe fn run(
    error: *mut *mut omemo_error,
    body: &mut dyn FnMut(&Caller) -> Result<(), Failure>,
) -> omemo_status {
    let outcome = if IS_IN_CALLBACK.get() {
        Err(Failure::reentered())
    } else {
        contained(|| body(&Caller(()))).unwrap_or_else(|| Err(Failure::internal()))
    };
    match outcome {
        Ok(()) => OMEMO_OK,
        Err(failure) => {
            let status = failure.status;
            if !error.is_null() {
                // SAFETY: the caller points to a place for an error, or to none.
                unsafe { error.write(Box::into_raw(Box::new(failure.into()))) };
            }
            status
        }
    }
}

/// Runs the body of a function that has no errors; after a panic it returns `otherwise`.
pub(super) fn quietly<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    contained(body).unwrap_or(otherwise)
}

/// Asks an object that one thread uses; `otherwise` if it is NULL.
///
/// # Safety
/// `object` is NULL or an object of ours that is not freed.
pub(super) unsafe fn accessor<'o, O: 'o, T>(
    object: *const O,
    otherwise: T,
    ask: impl FnOnce(&'o O) -> T,
) -> T {
    // SAFETY: see above.
    match unsafe { object.as_ref() } {
        Some(object) => quietly(otherwise, || ask(object)),
        None => otherwise,
    }
}

/// Frees an object that one thread uses.
///
/// # Safety
/// `object` is NULL or an object of ours, and nobody uses it again.
pub(super) unsafe fn free<O>(object: *mut O) {
    if !object.is_null() {
        // SAFETY: it was made by `Caller::give`, or with an error.
        quietly((), || drop(unsafe { Box::from_raw(object) }));
    }
}

/// Gives one reference to a shared handle back.
///
/// # Safety
/// `handle` is NULL or a handle of ours of which the caller has a reference.
pub(super) unsafe fn release<H>(handle: *const H) {
    if !handle.is_null() {
        // SAFETY: it was made by `Caller::share`.
        quietly((), || drop(unsafe { Arc::from_raw(handle) }));
    }
}

fn contained<T>(body: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => Some(value),
        Err(panic) => {
            // Whatever was thrown could panic when it is dropped.
            core::mem::forget(panic);
            None
        }
    }
}

thread_local! {
    static IS_IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Runs a callback: whatever it calls of ours on this thread is refused.
pub(super) fn calling_back<T>(callback: impl FnOnce() -> T) -> T {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            IS_IN_CALLBACK.set(self.0);
        }
    }
    let _back = Back(IS_IN_CALLBACK.replace(true));
    callback()
}

/// Whoever called a function, and with it promised that the pointers which it gave are what the header
/// asks for. Only [`call`] makes one.
pub(super) struct Caller(());

impl Caller {
    /// A shared handle. It lives at least as long as what is returned, even if it is freed meanwhile.
    pub(super) fn handle<H: Send + Sync>(&self, handle: *const H) -> Result<Arc<H>, Failure> {
        if handle.is_null() {
            return Err(Failure::null());
        }
        // SAFETY: made by `share`, not freed: there is a reference besides the one we take.
        Ok(unsafe {
            Arc::increment_strong_count(handle);
            Arc::from_raw(handle)
        })
    }

    /// A struct of the caller's, or an object of ours that one thread uses.
    pub(super) fn borrow<T>(&self, pointer: *const T) -> Result<&T, Failure> {
        // SAFETY: promised.
        unsafe { pointer.as_ref() }.ok_or_else(Failure::null)
    }

    /// An object of ours that one thread uses, to be changed. No other part of the call looks at it.
    #[expect(
        clippy::mut_from_ref,
        reason = "what is borrowed is C's, not the caller's"
    )]
    pub(super) fn borrow_mut<T>(&self, pointer: *mut T) -> Result<&mut T, Failure> {
        // SAFETY: promised: one thread at a time.
        unsafe { pointer.as_mut() }.ok_or_else(Failure::null)
    }

    /// Text with a length.
    #[inline(never)]
    pub(super) fn text(&self, text: *const c_char, len: usize) -> Result<&str, Failure> {
        let bytes = self.bytes(text.cast(), len)?;
        core::str::from_utf8(bytes)
            .map_err(|_| Failure::argument(OMEMO_ERROR_UTF8, "a text is not UTF-8"))
    }

    /// Bytes with a length.
    #[inline(never)]
    pub(super) fn bytes(&self, bytes: *const u8, len: usize) -> Result<&[u8], Failure> {
        if bytes.is_null() {
            return Err(Failure::null());
        }
        if len > isize::MAX.unsigned_abs() {
            return Err(Failure::value());
        }
        // SAFETY: promised, and shorter than memory can be.
        Ok(unsafe { core::slice::from_raw_parts(bytes, len) })
    }

    /// Bytes with a length, or NULL.
    #[inline(never)]
    pub(super) fn some_bytes(
        &self,
        bytes: *const u8,
        len: usize,
    ) -> Result<Option<&[u8]>, Failure> {
        if bytes.is_null() {
            return if len == 0 {
                Ok(None)
            } else {
                Err(Failure::null())
            };
        }
        self.bytes(bytes, len).map(Some)
    }

    /// Text that ends with a zero byte.
    #[inline(never)]
    pub(super) fn word(&self, text: *const c_char) -> Result<&str, Failure> {
        if text.is_null() {
            return Err(Failure::null());
        }
        // SAFETY: promised.
        let text = unsafe { CStr::from_ptr(text) };
        if text.count_bytes() > MAX_TEXT {
            let message = "a text is longer than any of its kind";
            return Err(Failure::argument(OMEMO_ERROR_TOO_LONG, message));
        }
        text.to_str()
            .map_err(|_| Failure::argument(OMEMO_ERROR_UTF8, "a text is not UTF-8"))
    }

    /// Text that ends with a zero byte, or NULL.
    #[inline(never)]
    pub(super) fn some_word(&self, text: *const c_char) -> Result<Option<&str>, Failure> {
        if text.is_null() {
            return Ok(None);
        }
        self.word(text).map(Some)
    }

    /// The account of an address, with or without a resource.
    #[inline(never)]
    pub(super) fn jid(&self, text: *const c_char) -> Result<BareJid, Failure> {
        Ok(BareJid::from_full(self.word(text)?)?)
    }

    /// An array; NULL is one without entries.
    pub(super) fn array<T>(&self, entries: *const T, count: usize) -> Result<&[T], Failure> {
        if count == 0 {
            return Ok(&[]);
        }
        if entries.is_null() {
            return Err(Failure::null());
        }
        if count > MAX_ENTRIES {
            return Err(Failure::value());
        }
        // SAFETY: promised, and no longer than memory.
        Ok(unsafe { core::slice::from_raw_parts(entries, count) })
    }

    /// Addresses of accounts.
    #[inline(never)]
    pub(super) fn jids(
        &self,
        texts: *const *const c_char,
        count: usize,
    ) -> Result<Vec<BareJid>, Failure> {
        let texts = self.array(texts, count)?;
        texts.iter().map(|text| self.jid(*text)).collect()
    }

    /// A struct that begins with its size, as whatever version of the header the caller has knows it.
    /// What the caller's version does not have is zero.
    pub(super) fn sized<T: Versioned>(&self, pointer: *const T) -> Result<T, Failure> {
        let size = self.size_of_struct(pointer)?;
        let known = size_of::<T>().min(size);
        let mut value = core::mem::MaybeUninit::<T>::zeroed();
        // SAFETY: the caller's struct has `size` bytes; those that we know are copied. Zeros, and
        // whatever a caller can write, are values of every field (`Versioned`).
        let value = unsafe {
            ptr::copy_nonoverlapping(pointer.cast::<u8>(), value.as_mut_ptr().cast(), known);
            value.assume_init()
        };
        // SAFETY: the rest of the caller's struct.
        let unknown =
            unsafe { core::slice::from_raw_parts(pointer.cast::<u8>().add(known), size - known) };
        if unknown.iter().any(|byte| *byte != 0) {
            return Err(wrong_size());
        }
        Ok(value)
    }

    /// The place for a struct that begins with its size, which the caller has set. What is in the rest of it
    /// does not count.
    pub(super) fn sized_place<T: Versioned>(
        &self,
        place: *mut T,
    ) -> Result<SizedPlace<T>, Failure> {
        let size = self.size_of_struct(place)?;
        Ok(SizedPlace { place, size })
    }

    fn size_of_struct<T: Versioned>(&self, pointer: *const T) -> Result<usize, Failure> {
        if pointer.is_null() {
            return Err(Failure::null());
        }
        // SAFETY: every version of the struct begins with its size.
        let size = unsafe { pointer.cast::<usize>().read() };
        if size < T::OLDEST || size > MAX_STRUCT {
            return Err(wrong_size());
        }
        Ok(size)
    }

    /// The place for an answer. It is written when everything has succeeded.
    pub(super) fn place<T>(&self, place: *mut T) -> Result<Place<T>, Failure> {
        if place.is_null() {
            return Err(Failure::null());
        }
        Ok(Place(place))
    }

    /// The place for an answer that the caller may not want.
    pub(super) fn some_place<T>(&self, place: *mut T) -> Option<Place<T>> {
        self.place(place).ok()
    }

    /// The places for text, and for its length if the caller wants that.
    pub(super) fn text_place(
        &self,
        text: *mut *mut c_char,
        len: *mut usize,
    ) -> Result<TextPlace, Failure> {
        Ok(TextPlace(self.place(text)?, self.some_place(len)))
    }

    /// The places for bytes and for their number.
    pub(super) fn bytes_place(
        &self,
        bytes: *mut *mut u8,
        len: *mut usize,
    ) -> Result<BytesPlace, Failure> {
        Ok(BytesPlace(self.place(bytes)?, self.place(len)?))
    }
}

fn wrong_size() -> Failure {
    let message = "struct_size is none that this version of the library knows";
    Failure::argument(OMEMO_ERROR_STRUCT, message)
}

/// No struct is larger.
const MAX_STRUCT: usize = 4096;

/// A struct that begins with its size.
///
/// # Safety
/// It is `repr(C)`, begins with a `usize`, and any bytes are one: integers, raw pointers and optional
/// functions.
pub(super) unsafe trait Versioned: Copy {
    /// The size of its first version: through the last field of that, whatever came behind it since.
    const OLDEST: usize;
}

/// The place for an answer, which was promised to be one.
pub(super) struct Place<T>(*mut T);

impl<T> Place<T> {
    pub(super) fn put(self, value: T) {
        // SAFETY: promised; what was there is C's, and not dropped.
        unsafe { self.0.write(value) };
    }
}

impl<O> Place<*mut O> {
    /// Hands out an object that one thread uses.
    pub(super) fn give(self, object: O) {
        self.put(Box::into_raw(Box::new(object)));
    }

    /// Hands out a reference to a shared handle.
    pub(super) fn share(self, handle: Arc<O>) {
        self.put(Arc::into_raw(handle).cast_mut());
    }
}

/// The place for a struct, as large as whatever version of the header the caller has knows it.
pub(super) struct SizedPlace<T> {
    place: *mut T,
    size: usize,
}

impl<T: Versioned> SizedPlace<T> {
    /// Writes as much as the caller has room for, behind the size. What we do not know is zero.
    pub(super) fn put(self, value: &T) {
        const BEGIN: usize = size_of::<usize>();
        let known = size_of::<T>().min(self.size);
        let (from, to) = (ptr::from_ref(value).cast::<u8>(), self.place.cast::<u8>());
        // SAFETY: the caller's struct has `size` bytes, `value` as many as are known; both are at least as
        // long as the size with which they begin.
        unsafe {
            ptr::copy_nonoverlapping(from.add(BEGIN), to.add(BEGIN), known - BEGIN);
            ptr::write_bytes(to.add(known), 0, self.size - known);
        }
    }
}

/// The places for text and its length.
pub(super) struct TextPlace(Place<*mut c_char>, Option<Place<usize>>);

impl TextPlace {
    /// Hands out a copy.
    pub(super) fn put(self, text: &str) {
        if let Some(len) = self.1 {
            len.put(text.len());
        }
        self.0.put(raw_new(text.as_bytes()).cast());
    }
}

/// The places for bytes and their number.
pub(super) struct BytesPlace(Place<*mut u8>, Place<usize>);

impl BytesPlace {
    /// Hands out a copy.
    pub(super) fn put(self, bytes: &[u8]) {
        self.1.put(bytes.len());
        self.0.put(raw_new(bytes));
    }
}

/// What stands before bytes that were handed out: their number.
const HEADER: usize = 16;

fn layout(len: usize) -> Option<Layout> {
    let size = len.checked_add(HEADER + 1)?;
    Layout::from_size_align(size, HEADER).ok()
}

/// Copies bytes to where C frees them with `raw_free`. A zero byte follows them.
#[inline(never)]
pub(super) fn raw_new(bytes: &[u8]) -> *mut u8 {
    let Some(layout) = layout(bytes.len()) else {
        return ptr::null_mut();
    };
    // SAFETY: the layout has a size, and room for all that is written.
    unsafe {
        let start = alloc(layout);
        if start.is_null() {
            handle_alloc_error(layout);
        }
        start.cast::<usize>().write(bytes.len());
        let data = start.add(HEADER);
        ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
        data.add(bytes.len()).write(0);
        data
    }
}

/// Wipes and frees what `raw_new` has made.
///
/// # Safety
/// `data` is NULL, or was returned by `raw_new` and is not used again.
pub(super) unsafe fn raw_free(data: *mut u8) {
    if data.is_null() {
        return;
    }
    // SAFETY: see above.
    unsafe {
        let start = data.sub(HEADER);
        let len = start.cast::<usize>().read();
        core::slice::from_raw_parts_mut(data, len).zeroize();
        if let Some(layout) = layout(len) {
            dealloc(start, layout);
        }
    }
}
