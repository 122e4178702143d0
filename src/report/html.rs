//! A report as one page of HTML that reads without a script and asks nobody for anything.

use super::chart;
use super::document::Document;
use super::escape::escape;
use super::section::{Block, Entry, Line, Part, Table};

/// Where a page may load from: nowhere.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Steps in which grounds get darker.
const HEATS: f64 = 9.0;

/// The document as a file of its own.
pub fn write(document: &Document) -> String {
    let title = escape(&document.title());
    let parts = document.parts();
    let body: String = parts.iter().map(part).collect();
    let styles = include_str!("html.css");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{styles}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
    )
}

fn part(part: &Part) -> String {
    let mut text = format!("<section class=\"part\">\n<h2>{}</h2>\n", escape(&part.title));
    for section in &part.sections {
        text += &format!("<section>\n<h3>{}</h3>\n", escape(&section.title));
        let mut blocks = section.blocks.iter().peekable();
        while let Some(block) = blocks.next() {
            if !block.is_small() {
                text += &self::block(block);
                continue;
            }
            text += &format!("<div class=\"row\">\n{}", self::block(block));
            while let Some(next) = blocks.next_if(|next| next.is_small()) {
                text += &self::block(next);
            }
            text += "</div>\n";
        }
        text += "</section>\n";
    }
    text + "</section>\n"
}

fn block(block: &Block) -> String {
    match block {
        Block::Text(text) => format!("<p>{}</p>\n", escape(text)),
        Block::List(items) => {
            let item = |item: &String| format!("<li>{}</li>\n", escape(item));
            format!("<ul>\n{}</ul>\n", items.iter().map(item).collect::<String>())
        }
        Block::Table(table) => self::table(table),
        Block::Chart(chart) => chart::html(chart),
        Block::Code(code) => format!("<pre tabindex=\"0\">{}</pre>\n", escape(code)),
    }
}

fn table(table: &Table) -> String {
    let caption = escape(&table.caption);
    let kind = if table.is_figures { " class=\"figures\"" } else { "" };
    let head = |name: &String| format!("<th scope=\"col\">{}</th>", escape(name));
    let head: String = table.head.iter().map(head).collect();
    let lines: String = table.lines.iter().map(line).collect();
    // Can be scrolled sideways on a narrow screen, so the keyboard has to reach it.
    format!(
        "<div class=\"scroller\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\">\n\
         <table{kind}>\n<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n\
         <tbody>\n{lines}</tbody>\n</table>\n</div>\n"
    )
}

fn line(line: &Line) -> String {
    let class = if line.is_part { " class=\"part-of\"" } else { "" };
    let entry = |(column, entry): (usize, &Entry)| match column {
        0 => format!("<th scope=\"row\">{}</th>", escape(&entry.text)),
        _ => cell(entry),
    };
    let entries: String = line.entries.iter().enumerate().map(entry).collect();
    format!("<tr{class}>{entries}</tr>\n")
}

fn cell(entry: &Entry) -> String {
    let heat = entry.heat.map_or_else(String::new, |heat| {
        format!(" class=\"h{:.0}\"", (heat.clamp(0.0, 1.0) * HEATS).ceil())
    });
    let difference = entry.difference.as_ref().map_or_else(String::new, |difference| {
        let (class, note) = match (difference.is_real, difference.is_better) {
            (false, _) => ("unsure", " (not significant)"),
            (true, true) => ("better", ""),
            (true, false) => ("worse", ""),
        };
        format!("<span class=\"{class}\">{}{note}</span>", escape(&difference.text))
    });
    // An interval has a line of its own, which keeps columns narrow.
    let text = match entry.text.split_once(" [") {
        Some((figure, ends)) => {
            format!("{}<span class=\"unsure\">[{}</span>", escape(figure), escape(ends))
        }
        None => escape(&entry.text),
    };
    format!("<td{heat}>{text}{difference}</td>")
}
