//! Asking the memory for what will be needed soon. A listener's state was last used some milliseconds ago and has left the
//! processor's caches by then; asked for one after the other, each part of it takes as long as sealing a voice packet. Asked for
//! together, they come together. By convention `fetch` asks for what lies in line, and `fetch_behind` for what that points to.

/// Bytes that come at a time.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// Has all of a value come into the nearest cache, and does not wait for it.
pub fn fetch<T: ?Sized>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

        let start = std::ptr::from_ref(value).cast::<i8>();
        let before = start.addr() % LINE; // bytes of its first line that lie before it
        for at in (0..before + size_of_val(value)).step_by(LINE) {
            #[expect(unsafe_code, reason = "the processor's hint has no other name")]
            // SAFETY: the processor ignores what is not there, and reads nothing that the program sees.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(start.wrapping_sub(before).wrapping_add(at));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
