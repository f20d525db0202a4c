//! What a piece of work asks of the heap: the system's allocator, counted.

#![allow(
    unsafe_code,
    reason = "an allocator cannot be written without; it is the system's, counted"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Memory that one piece of work asked for, in bytes.
pub(crate) struct Cost {
    /// At most at one time.
    pub(crate) peak: usize,
    /// In all.
    pub(crate) total: usize,
}

pub(crate) fn counted<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let before = NOW.get();
    PEAK.set(before);
    TOTAL.set(0);
    let outcome = work();
    let cost = Cost {
        peak: usize::try_from(PEAK.get() - before).unwrap(),
        total: TOTAL.get(),
    };
    (outcome, cost)
}

// Of this thread, so that tests beside do not count. Signed: what one thread gets another may free.
thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static TOTAL: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

impl Counting {
    fn add(size: usize) {
        NOW.set(NOW.get() + size.cast_signed());
        PEAK.set(PEAK.get().max(NOW.get()));
        TOTAL.set(TOTAL.get() + size);
    }

    fn remove(size: usize) {
        NOW.set(NOW.get() - size.cast_signed());
    }
}

// SAFETY: the calls are passed on as they are; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::add(layout.size());
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::remove(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::add(size);
        Self::remove(layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
