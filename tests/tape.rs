//! Tapes that are played to in less time than they last: long recordings, codecs, and clocks that run apart.

#![cfg(feature = "testing")]

mod tape {
    mod ahead;
    mod codecs;
    mod composed;
    mod cost;
    mod damage;
    mod gaps;
    mod hours;
    mod layout;
    mod missing;
    mod mix;
    mod names;
    mod one_track;
    mod pause;
    mod play;
    mod reel;
    mod runs;
    mod stamps;
    mod tiles;
    mod trust;
}
