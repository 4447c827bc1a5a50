//! The program's own code, in memory before anybody comes.

use std::io;
use std::ops::Range;

use rustix::mm::{Advice, madvise};
use tracing::debug;

/// Has all of the program's code read in and mapped. Code that nobody ran yet would otherwise be read from disk, page by page,
/// while the first call waits for it, and with that call all others of its thread. Linux before 5.14 cannot do this.
pub(crate) fn prefault() {
    if let Err(error) = code().and_then(|code| code.into_iter().try_for_each(read_in)) {
        debug!(%error, "the program's code is read in as it is used");
    }
}

/// Where the program's own code lies (`proc_pid_maps(5)`).
fn code() -> io::Result<Vec<Range<usize>>> {
    let program = std::env::current_exe()?.display().to_string();
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let ours = maps.lines().filter(|line| line.ends_with(&program));
    let range = |line: &str| {
        let (addresses, _) = line.split_once(" r-xp ")?;
        let (start, end) = addresses.split_once('-')?;
        let address = |hex| usize::from_str_radix(hex, 16).ok();
        Some(address(start)?..address(end)?)
    };
    let code: Vec<_> = ours.filter_map(range).collect();
    let missing = || io::Error::new(io::ErrorKind::NotFound, "the program is not in its own map");
    (!code.is_empty()).then_some(code).ok_or_else(missing)
}

fn read_in(code: Range<usize>) -> io::Result<()> {
    let start = std::ptr::without_provenance_mut(code.start);
    #[expect(unsafe_code, reason = "the system call takes an address")]
    // SAFETY: pages of a file are read in, which changes nothing that they hold; an address that is not mapped is an error.
    unsafe {
        madvise(start, code.len(), Advice::LinuxPopulateRead)?;
    }
    Ok(())
}
