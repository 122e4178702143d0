//! A report as Markdown: what it says, without its pictures.

use super::document::Document;
use super::section::{Block, Entry, Table};

/// The document with tables as GitHub has them.
pub fn write(document: &Document) -> String {
    let mut text = format!("# {}\n", escape(&document.title()));
    for part in document.parts() {
        text += &format!("\n## {}\n", escape(&part.title));
        for section in &part.sections {
            let blocks: String = section.blocks.iter().map(block).collect();
            if !blocks.is_empty() {
                text += &format!("\n### {}\n{blocks}", escape(&section.title));
            }
        }
    }
    text
}

fn block(block: &Block) -> String {
    match block {
        Block::Text(text) => format!("\n{}\n", escape(text)),
        Block::List(items) => {
            let items: String = items.iter().map(|item| format!("- {}\n", escape(item))).collect();
            format!("\n{items}")
        }
        Block::Table(table) => self::table(table),
        Block::Chart(_) => String::new(),
        Block::Code(code) => {
            // A fence is longer than any that stands in the code.
            let mut fence = "```".to_owned();
            while code.contains(&fence) {
                fence.push('`');
            }
            format!("\n{fence}\n{code}\n{fence}\n")
        }
    }
}

fn table(table: &Table) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>| {
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let mut text = format!("\n{}\n\n", escape(&table.caption));
    text += &line(&mut table.head.iter().map(|name| escape(name)));
    let flush = |column: usize| if table.is_figures && column > 0 { "---:" } else { "---" };
    text += &line(&mut (0..table.head.len()).map(|column| flush(column).to_owned()));
    for row in &table.lines {
        let cell = |(column, entry): (usize, &Entry)| {
            let indent = if column == 0 && row.is_part { "&nbsp;&nbsp;" } else { "" };
            indent.to_owned() + &escape(&entry.text)
        };
        text += &line(&mut row.entries.iter().enumerate().map(cell));
    }
    text
}

/// Words that mean nothing to Markdown but themselves.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '\n' | '\r' => escaped.push(' '),
            '\\' | '`' | '*' | '_' | '|' | '~' => escaped.extend(['\\', character]),
            // What stands in brackets is a link only before one of these.
            '(' | '[' | ':' if before == ']' => escaped.extend(['\\', character]),
            _ => escaped.push(character),
        }
        before = character;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        assert_eq!(escape("[a](b) <i> x|y_z & [1, 2]"), "[a]\\(b) &lt;i> x\\|y\\_z &amp; [1, 2]");
        let code = block(&Block::Code("a ``` b".into()));
        assert_eq!(code, "\n````\na ``` b\n````\n");
    }
}
