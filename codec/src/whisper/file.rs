//! Whether a file is a Whisper model in ggml's format, whole: its head, its filters, its words, and the size of each weight.
//!
//! whisper.cpp makes room for whatever sizes a file names, asserts what it believes of them, takes a file that ends early
//! for one that is whole, and ends the process where that goes wrong.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// What every model begins with: `ggml`, as a number.
const MAGIC: i32 = 0x6767_6d6c;

/// The numbers after it, and what can be meant by them: those of all models of `OpenAI`, and what was distilled from them. The
/// largest has 1280 values in a state, 20 heads and 32 layers.
const HEAD: [(&str, i32, i32); 11] = [
    ("words", ENGLISH, 51_866),
    ("audio context", 1500, 1500),
    ("audio state", 8, 4096),
    ("audio heads", 1, 64),
    ("audio layers", 1, 64),
    ("text context", 448, 448),
    ("text state", 8, 4096),
    ("text heads", 1, 64),
    ("text layers", 1, 64),
    ("mels", 80, 128),
    ("kind of file", 0, 9999),
];

/// How many words a model of English alone has. Each further language of another is one more.
const ENGLISH: i32 = 51_864;

/// How many languages a model of all of them has at least.
const LANGUAGES: i32 = 99;

/// A word that whisper.cpp looks up in each run.
const BLANK: u8 = b' ';

/// Kinds of files (`enum ggml_ftype`); thousands count versions.
const KINDS: [i32; 12] = [0, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14];

/// Kinds of weights (`enum ggml_type`): how many are in a block, and how many bytes that takes.
const WEIGHTS: [(i32, i64, i64); 12] = [
    (0, 1, 4),      // 32 bits
    (1, 1, 2),      // 16 bits
    (2, 32, 18),    // Q4_0
    (3, 32, 20),    // Q4_1
    (6, 32, 22),    // Q5_0
    (7, 32, 24),    // Q5_1
    (8, 32, 34),    // Q8_0
    (10, 256, 84),  // Q2_K
    (11, 256, 110), // Q3_K
    (12, 256, 144), // Q4_K
    (13, 256, 176), // Q5_K
    (14, 256, 210), // Q6_K
];

/// Bins of a filter: half of Whisper's window of 400 samples, and one.
const BINS: i32 = 201;

/// How many languages a model understands, of those that whisper.cpp counts, by the first bytes of its file.
pub(super) fn languages(path: &Path) -> io::Result<i32> {
    match number_in(&mut open(path)?, HEAD[0])? - ENGLISH {
        0 => Ok(1),
        more => Ok(LANGUAGES + more - 1),
    }
}

/// Refuses what is no model, or not the whole of one.
pub(super) fn check(path: &Path) -> io::Result<()> {
    let mut file = open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(4))?;
    let mut file = BufReader::new(file);
    let mut head = [0; HEAD.len()];
    for (number, limits) in head.iter_mut().zip(HEAD) {
        *number = number_in(&mut file, limits)?;
    }
    let [
        words,
        _,
        state,
        heads,
        _,
        _,
        text_state,
        text_heads,
        _,
        mels,
        kind,
    ] = head;
    let fits = state == text_state && state % heads == 0 && state % text_heads == 0;
    if !fits || !KINDS.contains(&(kind % 1000)) {
        return Err(wrong("its sizes do not fit each other"));
    }
    number_in(&mut file, ("mels of the filters", mels, mels))?;
    number_in(&mut file, ("bins of a filter", BINS, BINS))?;
    file.seek_relative(i64::from(mels) * i64::from(BINS) * 4)?;
    let mut has_blank = false;
    for _ in 0..number_in(&mut file, ("listed words", 0, words))? {
        let length = number_in(&mut file, ("length of a word", 0, 1024))?;
        if length == 1 {
            let mut word = [0];
            file.read_exact(&mut word)?;
            has_blank |= word == [BLANK];
        } else {
            file.seek_relative(i64::from(length))?;
        }
    }
    if !has_blank {
        return Err(wrong("its words lack the blank"));
    }
    let mut weights = 0;
    while file.stream_position()? < length {
        pass_weight(&mut file)?;
        weights += 1;
    }
    if weights == 0 || file.stream_position()? != length {
        return Err(wrong("it ends before its last weight"));
    }
    Ok(())
}

/// Passes over a weight: its sizes, its name, its numbers.
fn pass_weight(file: &mut BufReader<File>) -> io::Result<()> {
    let sizes = number_in(file, ("dimensions of a weight", 1, 4))?;
    let name = number_in(file, ("length of a weight's name", 1, 256))?;
    let kind = number(file)?;
    let Some((_, block, bytes)) = WEIGHTS.into_iter().find(|known| known.0 == kind) else {
        return Err(wrong("it has weights of an unknown kind"));
    };
    let mut elements = 1;
    for _ in 0..sizes {
        elements *= i64::from(number_in(file, ("size of a weight", 1, 1 << 17))?);
        if elements > i64::from(i32::MAX) {
            return Err(wrong("it has a weight that is too large"));
        }
    }
    file.seek_relative(i64::from(name) + elements / block * bytes)
}

/// Opened, after the magic number.
fn open(path: &Path) -> io::Result<File> {
    let mut file = File::open(path)?;
    if number(&mut file)? != MAGIC {
        return Err(wrong("it does not begin as one"));
    }
    Ok(file)
}

fn number(file: &mut impl Read) -> io::Result<i32> {
    let mut bytes = [0; 4];
    let read = file.read_exact(&mut bytes);
    read.map_err(|_| wrong("it ends too early"))?;
    Ok(i32::from_le_bytes(bytes))
}

fn number_in(file: &mut impl Read, (what, least, most): (&str, i32, i32)) -> io::Result<i32> {
    let number = number(file)?;
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    let reason = format!("{what}: {number}, not {least} to {most}");
    Err(wrong(&reason))
}

fn wrong(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
