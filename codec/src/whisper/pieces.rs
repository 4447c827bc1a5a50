//! Words, from the pieces that Whisper gives.

use super::HeardWord;

/// A token: a word, or a part of one, or of a character in it. Times are hundredths of a second.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) text: Vec<u8>,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) sure: f32,
}

/// A word that more may be added to.
struct Open {
    text: Vec<u8>,
    start: i64,
    end: i64,
    sure: f32,
    pieces: u16,
}

impl Open {
    fn close(self) -> Option<HeardWord> {
        #[expect(clippy::cast_precision_loss, reason = "hundredths of some seconds")]
        let seconds = |hundredths: i64| hundredths.max(0) as f64 / 100.0;
        let word = String::from_utf8_lossy(&self.text).trim().to_owned();
        (!word.is_empty()).then(|| HeardWord {
            word,
            start: seconds(self.start),
            end: seconds(self.end.max(self.start)),
            confidence: (self.sure / f32::from(self.pieces)).clamp(0.0, 1.0),
        })
    }
}

/// Pieces that begin with a blank begin a word.
pub(super) fn join(pieces: impl IntoIterator<Item = Piece>) -> Vec<HeardWord> {
    let mut words = Vec::new();
    let mut open: Option<Open> = None;
    for piece in pieces {
        match &mut open {
            Some(word) if !piece.text.starts_with(b" ") => {
                word.text.extend(piece.text);
                word.end = piece.end;
                word.sure += piece.sure;
                word.pieces += 1;
            }
            _ => {
                let next = Open {
                    text: piece.text,
                    start: piece.start,
                    end: piece.end,
                    sure: piece.sure,
                    pieces: 1,
                };
                words.extend(open.replace(next).and_then(Open::close));
            }
        }
    }
    words.extend(open.and_then(Open::close));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &[u8], start: i64, end: i64, sure: f32) -> Piece {
        Piece {
            text: text.to_vec(),
            start,
            end,
            sure,
        }
    }

    #[test]
    fn pieces_of_a_word_are_one_word() {
        let words = join([
            piece(b" trans", 10, 40, 0.5),
            piece(b"fer", 40, 60, 1.0),
            piece(b" ", 60, 60, 0.1),
            piece(b" the", 70, 80, 0.9),
        ]);
        let told = words
            .iter()
            .map(|word| (&*word.word, word.start, word.end, word.confidence));
        let told: Vec<_> = told.collect();
        assert_eq!(told, [("transfer", 0.1, 0.6, 0.75), ("the", 0.7, 0.8, 0.9)]);
    }

    #[test]
    fn a_character_that_lies_in_two_pieces_is_whole_again() {
        let [first, second] = [&"é".as_bytes()[..1], &"é".as_bytes()[1..]];
        let words = join([
            piece(b" ol", 0, 10, 1.0),
            piece(first, 10, 12, 1.0),
            piece(second, 12, 11, 1.0),
        ]);
        assert_eq!(words[0].word, "olé");
        assert!(words[0].start <= words[0].end);
    }
}
