//! What an error is due to, in words for people.

use std::error::Error;

/// An error and its causes that say something, in one line: the last two. Those before them only name who passed it on.
#[must_use]
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let all: Vec<_> = std::iter::successors(Some(error), |&error| error.source()).collect();
    let telling = &all[all.len().saturating_sub(2)..];
    let words: Vec<_> = telling.iter().map(ToString::to_string).collect();
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Self>>);

    fn layers(words: &[&'static str]) -> Layer {
        let (first, rest) = words.split_first().expect("one at least");
        Layer(first, (!rest.is_empty()).then(|| Box::new(layers(rest))))
    }

    #[test]
    fn the_last_two_say_what_is_wrong() {
        let words = [
            "error sending request",
            "client error",
            "error resolving DNS",
            "no such name",
        ];
        assert_eq!(causes(&layers(&words)), "error resolving DNS: no such name");
        assert_eq!(causes(&layers(&words[3..])), "no such name");
    }
}
