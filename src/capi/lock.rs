//! The lock of a handle: a mutex of POSIX.
//!
//! That of the standard library is built on futexes, which the tools of C programmers (helgrind, DRD,
//! ThreadSanitizer) cannot see: whoever looks for races in a client would be shown ours, which are none. With
//! this one they see what is locked, and the tests let helgrind look.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

/// Something that one thread has at a time.
pub(super) struct Lock<T> {
    /// In a place of its own: it must not move.
    mutex: Box<UnsafeCell<libc::pthread_mutex_t>>,
    inside: UnsafeCell<Inside<T>>,
}

struct Inside<T> {
    value: T,
    /// Whoever had it has panicked: what is in it may not be whole.
    is_broken: bool,
}

// SAFETY: the mutex lets one thread at a time at what is inside.
unsafe impl<T: Send> Send for Lock<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Lock<T> {}

/// What is inside may not be whole.
#[derive(Debug)]
pub(super) struct Broken;

impl<T> Lock<T> {
    pub(super) fn new(value: T) -> Self {
        Self {
            mutex: Box::new(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER)),
            inside: UnsafeCell::new(Inside {
                value,
                is_broken: false,
            }),
        }
    }

    /// Waits for it.
    pub(super) fn lock(&self) -> Result<Guard<'_, T>, Broken> {
        let guard = self.lock_anyway();
        if guard.inside().is_broken {
            Err(Broken)
        } else {
            Ok(guard)
        }
    }

    /// Waits for it, whatever has happened: for what is always whole.
    pub(super) fn lock_anyway(&self) -> Guard<'_, T> {
        // SAFETY: a mutex that was made, and that nobody has destroyed.
        let status = unsafe { libc::pthread_mutex_lock(self.mutex.get()) };
        if status != 0 {
            // It cannot fail. Going on without it would be a race.
            std::process::abort();
        }
        Guard {
            lock: self,
            was_panicking: std::thread::panicking(),
            _thread: PhantomData,
        }
    }
}

impl<T> Drop for Lock<T> {
    fn drop(&mut self) {
        // SAFETY: nobody has it: guards borrow the lock.
        unsafe { libc::pthread_mutex_destroy(self.mutex.get()) };
    }
}

/// This thread has it.
pub(super) struct Guard<'l, T> {
    lock: &'l Lock<T>,
    was_panicking: bool,
    /// It stays on its thread.
    _thread: PhantomData<*const ()>,
}

impl<T> Guard<'_, T> {
    fn inside(&self) -> &Inside<T> {
        // SAFETY: this thread has the mutex as long as there is a guard.
        unsafe { &*self.lock.inside.get() }
    }

    fn inside_mut(&mut self) -> &mut Inside<T> {
        // SAFETY: as above, and there is one guard only.
        unsafe { &mut *self.lock.inside.get() }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inside().value
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inside_mut().value
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        if !self.was_panicking && std::thread::panicking() {
            self.inside_mut().is_broken = true;
        }
        // SAFETY: this thread has it.
        unsafe { libc::pthread_mutex_unlock(self.lock.mutex.get()) };
    }
}
