//! Speech to words: what it costs, how late it is, when words were said, and where models come from.

#![cfg(feature = "testing")]

mod support;

mod speech {
    mod crowd;
    mod hearing;
    mod models;
    mod words;
}
