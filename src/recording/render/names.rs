//! What stands on somebody's tile: their name, and where there is no picture, the first letters of it on a colour.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use super::layout::{Place, Tile};
use super::seats::Seat;
use super::spans::{Time, both, expression, without};

/// Where fonts usually are; without one there are no names.
const FONTS: [&str; 3] = [
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "/usr/share/fonts/truetype/liberation2/LiberationSans-Regular.ttf",
];

/// How large names are.
const FONT: u32 = 20;

/// How high the band is that a name stands in.
const BAND: u32 = 44;

/// In a tile that is lower than that, letters in its middle would touch the name.
const LOW: u32 = 200;

/// Smaller letters nobody reads; a name over a lower tile than [`BAND`] would cover the tile above.
const SMALLEST: u32 = 12;

/// Calm colours that white letters can be read on.
const COLOURS: [&str; 8] = [
    "0x3b5b7a", "0x6d4468", "0x2f6659", "0x7d5138", "0x514b80", "0x4d6133", "0x7a4353", "0x3f6470",
];

/// Filters that write on tiles, one after the other.
pub(super) struct Writer<'a> {
    folder: &'a Path,
    /// Names and letters are written, not only colours.
    pub(super) named: bool,
    files: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(folder: &'a Path, named: bool) -> Self {
        Self {
            folder,
            named,
            files: 0,
        }
    }

    /// What stands in for a picture where a seat has none.
    pub(super) fn stand_in(&mut self, seat: &Seat<'_>, place: &Place) -> io::Result<String> {
        let times = without(&place.times, &seat.seen());
        if seat.is_screen || times.is_empty() {
            return Ok(String::new());
        }
        let Tile {
            x,
            y,
            width,
            height,
        } = place.tile;
        let colour = COLOURS[seat.number % COLOURS.len()];
        let enable = expression(&times);
        let mut filters = format!(
            ",drawbox=x={x}:y={y}:w={width}:h={height}:color={colour}:t=fill:enable='{enable}'"
        );
        let above = if height < LOW {
            height.saturating_sub(BAND)
        } else {
            height
        };
        let size = (width.min(above) * 2 / 5).min(160);
        let (middle, centre) = (x + width / 2, y + above / 2);
        let at = format!("fontsize={size}:x={middle}-tw/2:y={centre}-th/2");
        let letters = seat.name.filter(|_| size >= SMALLEST);
        let letters = letters.map(initials).unwrap_or_default();
        filters += &self.text(&letters, &at, &times)?;
        Ok(filters)
    }

    /// Whose tile it is, if anybody knows. That of a screen may be empty: in a crowd it is kept where nobody shares.
    pub(super) fn label(&mut self, seat: &Seat<'_>, place: &Place) -> io::Result<String> {
        let Tile { x, y, width, .. } = place.tile;
        let (left, foot) = (x + 12, y + place.tile.height - 14);
        let at = format!(
            "fontsize={FONT}:box=1:boxcolor=0x000000@0.5:boxborderw=6:x={left}:y={foot}-th"
        );
        let name = seat.name.filter(|_| place.tile.height >= BAND);
        let name = name.map(|name| fitting(name, width));
        let times = if seat.is_screen {
            both(&place.times, &seat.seen())
        } else {
            place.times.clone()
        };
        self.text(&name.unwrap_or_default(), &at, &times)
    }

    fn text(&mut self, text: &str, at: &str, times: &[Time]) -> io::Result<String> {
        let font = FONTS.into_iter().find(|font| Path::new(font).exists());
        let is_read = self.named && !text.is_empty() && !times.is_empty();
        let Some(font) = font.filter(|_| is_read) else {
            return Ok(String::new());
        };
        // The text goes by a file: nothing in it can be taken for a filter.
        let file = format!("name-{}.txt", self.files);
        self.files += 1;
        fs::write(self.folder.join(&file), text)?;
        let mut filter = format!(",drawtext=fontfile={font}:textfile={file}:expansion=none");
        let enable = expression(times);
        let _ = write!(filter, ":fontcolor=white:{at}:enable='{enable}'");
        Ok(filter)
    }
}

/// The first letters of the first word and of the last. In writing that has no capitals, letters of two words would become
/// one: there it is one letter.
fn initials(name: &str) -> String {
    let line = one_line(name);
    let letter = |word: &str| word.chars().find(|c| c.is_alphanumeric());
    let mut letters = line.split(' ').filter_map(letter);
    let Some(first) = letters.next() else {
        return String::new();
    };
    let is_cased = |c: &char| c.is_uppercase() || c.is_lowercase() || c.is_numeric();
    let last = letters
        .next_back()
        .filter(is_cased)
        .filter(|_| is_cased(&first));
    let both = [first].into_iter().chain(last);
    both.flat_map(char::to_uppercase).collect()
}

/// A name as one line that fits: what is written beside a tile would be on another one.
fn fitting(name: &str, width: u32) -> String {
    let line = one_line(name);
    let room = width.saturating_sub(24) * 100 / FONT;
    let mut taken = 0;
    let within = |most: u32, taken: &mut u32, c: char| {
        *taken += breadth(c);
        *taken <= most
    };
    if line.chars().all(|c| within(room, &mut taken, c)) {
        return line;
    }
    let (most, mut taken) = (room.saturating_sub(breadth('…')), 0);
    let kept = line.chars().take_while(|&c| within(most, &mut taken, c));
    kept.chain(['…']).collect()
}

/// How wide a letter is at most, in hundredths of the font's size.
fn breadth(c: char) -> u32 {
    match c {
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 100,
        ' '..='~' if !c.is_ascii_uppercase() => 66,
        'A'..='Z' => 80,
        '\u{a0}'..='\u{58f}' if c.is_lowercase() => 80,
        _ => 100,
    }
}

/// Without line breaks, and without what turns the direction of writing around (Unicode UAX #9) for what is not the name.
fn one_line(name: &str) -> String {
    let turns = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = |c: char| {
        if c.is_control() || c.is_whitespace() {
            ' '
        } else {
            c
        }
    };
    let line: String = name.chars().filter(|c| !turns(c)).map(plain).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::seats::seats;
    use super::*;

    #[test]
    fn the_name_of_a_screen_stands_on_its_tile_only_while_it_is_shared() {
        let file = |source: &str, codec: &str| {
            let file = serde_json::from_value(json!({
                "name": "", "kind": "track", "participant_id": null, "user_id": "ada", "source": source, "codec": codec,
                "media_type": "", "start_ms": 50_000, "duration_ms": 9_800, "size_bytes": 1, "sha256": "", "place": "local",
            }));
            file.expect("a file")
        };
        let files = [file("screen", "vp8"), file("microphone", "opus")];
        let seats = seats(&files, &[(0, &[][..])]);
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = Writer::new(folder.path(), true);
        let tile = Tile {
            x: 0,
            y: 0,
            width: 640,
            height: 360,
        };
        let mut label = |seat: usize, time: Time| {
            let times = vec![time];
            let label = writer.label(&seats[seat], &Place { tile, times });
            label.expect("written")
        };
        let ends = |label: &str, times: Time| {
            let when = expression(&[times]);
            assert!(label.ends_with(&format!(":enable='{when}'")), "{label}");
        };
        ends(&label(0, (0, 90_000)), (50_000, 60_000));
        assert_eq!(label(0, (0, 50_000)), "", "never");
        ends(&label(1, (0, 90_000)), (0, 90_000));
    }

    #[test]
    fn a_name_is_one_line_and_turns_nothing_around() {
        assert_eq!(one_line("a\nb\r\n\tc\u{2028}d"), "a b   c d");
        assert_eq!(one_line("ada\u{202e}gnp\u{2066} x"), "adagnp x");
        assert_eq!(one_line("שלום علي"), "שלום علي");
        assert_eq!(one_line("\u{202e}\u{2069} "), "");
    }
    #[test]
    fn initials_are_of_the_first_word_and_of_the_last() {
        for (name, wanted) in [
            ("ada", "A"),
            ("Ada King Lovelace", "AL"),
            ("  \"émile\" (zola) ", "ÉZ"),
            ("علي حسن", "ع"),
            ("王 小明", "王"),
            ("7 dwarfs", "7D"),
            ("😀 !", ""),
            ("straße ßen", "SSS"),
        ] {
            assert_eq!(initials(name), wanted, "{name}");
        }
    }
}
