//! Tables as text: fields between commas, semicolons, tabs, bars or spaces.

use std::borrow::Cow;

use super::paths::Images;
use crate::data::entry::is_image_name;
use crate::error::{Error, Result};

/// More columns than this are no labels but something else, such as pixels.
const MOST_COLUMNS: usize = 4096;
/// A larger text is none of labels.
const MOST_BYTES: usize = 64 << 20;
/// A quotation mark that is not closed within this was never meant as one.
const LONGEST_QUOTE: usize = 64 << 10;
/// Rows that tell what the columns are.
pub(super) const PROBES: usize = 256;

/// Rows of cells in named columns.
#[derive(Debug, Default)]
pub(super) struct Table<'a> {
    /// By their numbers, from 1, where they have no names.
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row<'a>>,
    /// Whether 0,5 is a half.
    pub(super) decimal_comma: bool,
    /// Rows that have another number of cells: how many, and the first, in words.
    pub(super) broken: Option<(usize, String)>,
}

#[derive(Debug)]
pub(super) struct Row<'a> {
    /// For messages: `line 7`.
    pub(super) place: String,
    pub(super) cells: Vec<Cow<'a, str>>,
    /// Whether it follows the row before it in the drive.
    pub(super) follows: bool,
}

/// What stands between fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Byte(u8),
    /// Any number of spaces and tabs.
    Spaces,
}

const SEPARATORS: [Separator; 5] = [
    Separator::Byte(b'\t'),
    Separator::Byte(b';'),
    Separator::Byte(b'|'),
    Separator::Byte(b','),
    Separator::Spaces,
];

/// The text of a file, whatever it is written in.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |of: fn([u8; 2]) -> u16| {
        let pairs = bytes[2..].as_chunks::<2>().0;
        String::from_utf16_lossy(&pairs.iter().map(|&pair| of(pair)).collect::<Vec<_>>()).into()
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(bytes),
    }
}

impl<'a> Table<'a> {
    /// Reads a text as a table; what names an image of `images` is no head of a column.
    ///
    /// # Errors
    /// A text without rows, or without anything between fields, and one of too many columns.
    pub(super) fn parse(text: &'a str, images: &Images) -> Result<Self> {
        if text.len() > MOST_BYTES {
            return Err(Error::new(format!("a table of more than {} MiB", MOST_BYTES >> 20)));
        }
        if text.trim().is_empty() {
            return Err(Error::new("the table is empty"));
        }
        let separator = SEPARATORS
            .into_iter()
            .rev()
            .max_by_key(|&separator| clarity(text, separator, images))
            .filter(|&separator| clarity(text, separator, images) > 0)
            .ok_or_else(|| {
                Error::new("nothing separates the fields of its rows").way_out(
                    "Fields stand between commas, semicolons, tabs, bars or spaces, as many in every row.",
                )
            })?;
        let decimal_comma = matches!(separator, Separator::Byte(b';' | b'\t'));
        let mut table = Self { decimal_comma, ..Self::default() };
        let width = usual_width(text, separator);
        if width > MOST_COLUMNS {
            return Err(Error::new(format!("it has more than {MOST_COLUMNS} columns"))
                .way_out("Give a table with the names of images and their labels alone."));
        }
        let (mut broken, mut first) = (0, None);
        let mut follows = true;
        for record in Scanner::new(text, separator) {
            let place = || format!("line {}", record.line);
            match record.cells {
                Some(cells) if cells.len() == width => {
                    table.rows.push(Row { place: place(), cells, follows });
                    follows = true;
                }
                cells => {
                    broken += 1;
                    follows = false;
                    let why = match cells {
                        Some(cells) if cells.len() > MOST_COLUMNS => "too many fields".into(),
                        Some(cells) => format!("{} fields instead of {width}", cells.len()),
                        None => "a quotation mark that is not closed".into(),
                    };
                    first.get_or_insert_with(|| format!("{}, which has {why}", place()));
                }
            }
        }
        table.broken = first.map(|first| (broken, first));
        table.take_head(images);
        Ok(table)
    }

    /// Takes the names of the columns off the rows, where the first has some.
    fn take_head(&mut self, images: &Images) {
        let Some(first) = self.rows.first() else { return };
        let names_image = |cell: &str| images.has(cell) || is_image_name(cell);
        let says =
            |cell: &Cow<str>| names_image(cell) || number(cell, self.decimal_comma).is_some();
        // Numbers may be names, too, where those below are images.
        let below = self.rows.get(1).map_or(&[][..], |row| &row.cells[..]);
        let above_images = first
            .cells
            .iter()
            .zip(below)
            .any(|(head, below)| names_image(below) && !says(head) && !head.is_empty());
        let by_number = |at: usize| (at + 1).to_string();
        if above_images || !first.cells.iter().any(says) {
            let head = self.rows.remove(0);
            let name = |(at, cell): (usize, &Cow<str>)| match cell.trim_start_matches('#').trim() {
                "" => by_number(at),
                name => name.to_owned(),
            };
            self.columns = head.cells.iter().enumerate().map(name).collect();
        } else {
            self.columns = (0..first.cells.len()).map(by_number).collect();
        }
    }

    /// The column that is called so, exactly, in other case, by the last part of its name (`angle` for
    /// `user/angle`), or by its number.
    ///
    /// # Errors
    /// Lists those that there are.
    pub(super) fn column(&self, name: &str, option: &str) -> Result<usize> {
        let last = |own: &str| own.rsplit('/').next() == Some(name);
        let named = |is: &dyn Fn(&str) -> bool| self.columns.iter().position(|own| is(own));
        named(&|own| own == name)
            .or_else(|| named(&|own| own.eq_ignore_ascii_case(name)))
            .or_else(|| named(&last))
            .or_else(|| {
                name.parse::<usize>().ok()?.checked_sub(1).filter(|&at| at < self.columns.len())
            })
            .ok_or_else(|| {
                Error::new(format!("there is no column `{name}`, only {}", self.described()))
                    .way_out(format!("Name one of them with {option}, or give its number from 1."))
            })
    }

    /// Its columns, by name.
    pub(super) fn described(&self) -> String {
        const MOST: usize = 20;
        let names: Vec<&str> = self.columns.iter().take(MOST).map(String::as_str).collect();
        let more = self.columns.len().saturating_sub(MOST);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        names.join(", ") + &more
    }

    /// Cells of a column in the rows that tell what it is.
    pub(super) fn probes(&self, column: usize) -> impl Iterator<Item = &str> {
        let step = self.rows.len().div_ceil(PROBES).max(1);
        self.rows.iter().step_by(step).map(move |row| &*row.cells[column])
    }
}

/// A finite number, or one that is none; `None` for what is not written as one.
pub(super) fn number(cell: &str, decimal_comma: bool) -> Option<f64> {
    let cell = cell.trim();
    let comma = decimal_comma && cell.matches(',').count() == 1 && !cell.contains('.');
    if comma { cell.replace(',', ".").parse().ok() } else { cell.parse().ok() }
}

/// How many fields are numbers or names of images when the first rows are split so, in rows of one width.
fn clarity(text: &str, separator: Separator, images: &Images) -> usize {
    const ROWS: usize = 32;
    let width = usual_width(text, separator);
    if width < 2 {
        return 0;
    }
    let decimal_comma = matches!(separator, Separator::Byte(b';' | b'\t'));
    let is_clear = |cell: &&Cow<str>| {
        images.has(cell) || is_image_name(cell) || number(cell, decimal_comma).is_some()
    };
    let rows = Scanner::new(text, separator).take(ROWS).filter_map(|record| record.cells);
    let rows = rows.filter(|cells| cells.len() == width);
    // A row of names alone is a row, too.
    rows.map(|cells| 1 + 64 * cells.iter().take(MOST_COLUMNS).filter(is_clear).count()).sum()
}

/// How many fields most of the first rows have.
fn usual_width(text: &str, separator: Separator) -> usize {
    let rows = Scanner::new(text, separator).take(PROBES).filter_map(|record| record.cells);
    let mut widths: Vec<usize> = rows.map(|cells| cells.len()).collect();
    widths.sort_unstable();
    let runs = widths.chunk_by(|a, b| a == b);
    runs.max_by_key(|run| run.len()).map_or(0, |run| run[0])
}

/// Rows of fields, one after another.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    separator: Separator,
}

struct Record<'a> {
    line: usize,
    /// `None` where a quotation mark is not closed.
    cells: Option<Vec<Cow<'a, str>>>,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, separator: Separator) -> Self {
        Self { text, at: 0, line: 1, separator }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn is_separator(&self, byte: u8) -> bool {
        match self.separator {
            Separator::Byte(separator) => byte == separator,
            Separator::Spaces => matches!(byte, b' ' | b'\t'),
        }
    }

    /// Where blanks that mean nothing end.
    fn skip_blanks(&self, mut at: usize) -> usize {
        while self.byte(at).is_some_and(|b| b == b' ' || b == b'\t' && !self.is_separator(b)) {
            at += 1;
        }
        at
    }

    /// The field at `at`, and where it ends: a separator, the end of a line or of the text. `None` for a
    /// quotation mark that is not closed.
    fn field(&self, at: usize) -> Option<(Cow<'a, str>, usize)> {
        let start = self.skip_blanks(at);
        let ends = |byte: u8| self.is_separator(byte) || matches!(byte, b'\n' | b'\r');
        if self.byte(start) != Some(b'"') {
            let rest = &self.text.as_bytes()[start..];
            let end = start + rest.iter().position(|&byte| ends(byte)).unwrap_or(rest.len());
            return Some((self.text[start..end].trim().into(), end));
        }
        let mut field = Cow::Borrowed("");
        let mut from = start + 1;
        loop {
            let limit = self.text.len().min(start + LONGEST_QUOTE);
            let inside = self.text.as_bytes().get(from..limit)?;
            let end = from + inside.iter().position(|&byte| byte == b'"')?;
            field += &self.text[from..end];
            if self.byte(end + 1) == Some(b'"') {
                field += "\"";
                from = end + 2;
                continue;
            }
            let behind = match self.separator {
                Separator::Spaces => end + 1,
                Separator::Byte(_) => self.skip_blanks(end + 1),
            };
            return self.byte(behind).is_none_or(ends).then_some((field, behind));
        }
    }

    /// The fields of the row at `at`, and where it ends.
    fn fields(&self, mut at: usize) -> Option<(Vec<Cow<'a, str>>, usize)> {
        let mut cells = Vec::new();
        loop {
            let (cell, end) = self.field(at)?;
            // One more says that there are too many.
            if cells.len() <= MOST_COLUMNS {
                cells.push(cell);
            }
            at = end;
            if !self.byte(end).is_some_and(|byte| self.is_separator(byte)) {
                return Some((cells, end));
            }
            at += 1;
            if self.separator == Separator::Spaces {
                while self.byte(at).is_some_and(|byte| self.is_separator(byte)) {
                    at += 1;
                }
                // Blanks at the end of a line separate nothing.
                if self.byte(at).is_none_or(|byte| matches!(byte, b'\n' | b'\r')) {
                    return Some((cells, at));
                }
            }
        }
    }

    fn line_end(&self, at: usize) -> usize {
        let rest = &self.text.as_bytes()[at..];
        at + rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())
    }

    /// Moves behind the end of a line.
    fn go_behind(&mut self, end: usize) {
        let passed = &self.text.as_bytes()[self.at..end];
        let crs = passed.windows(2).filter(|pair| pair[0] == b'\r' && pair[1] != b'\n').count();
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count() + crs + 1;
        let both = self.byte(end) == Some(b'\r') && self.byte(end + 1) == Some(b'\n');
        self.at = (end + if both { 2 } else { 1 }).min(self.text.len());
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        // Lines without anything are no rows.
        loop {
            let end = self.line_end(self.at);
            if !self.text[self.at..end].trim().is_empty() {
                break;
            }
            if end == self.text.len() {
                return None;
            }
            self.go_behind(end);
        }
        let line = self.line;
        let (cells, end) = match self.fields(self.at) {
            Some((cells, end)) => (Some(cells), end),
            None => (None, self.line_end(self.at)),
        };
        self.go_behind(end);
        Some(Record { line, cells })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::entry::Entry;

    fn entries() -> Vec<Entry> {
        ["1.png", "2.png"].map(|name| Entry::new(name, None)).into()
    }

    /// Column names, and the cells of each row.
    fn parsed(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let entries = entries();
        let table = Table::parse(text, &Images::of(&entries)).unwrap();
        let cells = |row: &Row| row.cells.iter().map(|cell| cell.to_string()).collect();
        let rows = table.rows.iter().map(cells).collect();
        (table.columns, rows)
    }

    #[test]
    fn any_separator_is_found() {
        let expected =
            vec![vec!["1.png".to_owned(), "0.5".into()], vec!["2.png".into(), "-1".into()]];
        for separator in [",", ";", "\t", "|", " ", "   ", ", "] {
            for end in ["\n", "\r\n", "\r"] {
                for head in [true, false] {
                    let mut lines = vec!["1.png 0.5", "2.png -1"];
                    if head {
                        lines.insert(0, "image angle");
                    }
                    let text = lines.join(end).replace(' ', separator) + end;
                    let (columns, rows) = parsed(&text);
                    assert_eq!(rows, expected, "{text:?}");
                    let names = if head { ["image", "angle"] } else { ["1", "2"] };
                    assert_eq!(columns, names, "{text:?}");
                }
            }
        }
    }

    #[test]
    fn quotation_marks_hold_separators_and_lines() {
        let text = "file,note,angle\r\n1.png,\"a, \"\"b\"\"\r\nc\",1\r\n2.png,\"\",2";
        let (_, rows) = parsed(text);
        assert_eq!(rows, [["1.png", "a, \"b\"\r\nc", "1"], ["2.png", "", "2"]]);
    }

    #[test]
    fn a_comma_is_decimal_between_semicolons() {
        let (_, rows) = parsed("1.png;0,5;1,25\n2.png;-1,0;3");
        assert_eq!(rows[0], ["1.png", "0,5", "1,25"]);
        assert_eq!(number("-1,25", true), Some(-1.25));
        assert_eq!(number("1,25", false), None);
        assert_eq!(number("1,000.5", true), None);
    }

    #[test]
    fn what_begins_a_text_is_no_part_of_its_first_name() {
        let wide: Vec<u8> = "image".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [&b"\xef\xbb\xbfimage"[..], b"image", &[b"\xff\xfe", &wide[..]].concat()] {
            assert_eq!(text(bytes), "image");
        }
    }

    #[test]
    fn rows_of_another_width_and_open_quotes_are_told_and_cost_no_others() {
        let text = "image,angle\n1.png,1\n1.png\n\n2.png,\"2\n2.png,3\n1.png,4";
        let entries = entries();
        let table = Table::parse(text, &Images::of(&entries)).unwrap();
        let angles: Vec<_> = table.rows.iter().map(|row| &*row.cells[1]).collect();
        assert_eq!(angles, ["1", "3", "4"]);
        assert_eq!(table.broken, Some((2, "line 3, which has 1 fields instead of 2".into())));
        let follows: Vec<_> = table.rows.iter().map(|row| row.follows).collect();
        assert_eq!(follows, [true, false, true]);
        assert_eq!(table.rows[2].place, "line 7");
    }
}
