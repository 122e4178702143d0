//! Reports of a comparison: that all formats say every figure, and that nothing in them is taken for more
//! than words.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use steer8::figures;
use steer8::report::{Comparison, Document, Frames, Variant, csv, html, markdown};
use steer8::vocabulary::frames::DataSummary;
use steer8::vocabulary::report::{Report, Series};

/// What no name may do.
const NASTY: &str = "<b onload='x'>\"&|`_*](y)";

/// A report of all that can be measured; `filled` gives every figure a value of its own.
fn report(variant: &str, from: u64) -> Report {
    let accuracy = json!({"top1": 0.5, "ci95": [0.5, 0.5], "n": 1, "confusion": [[1, 1], [1, 1]]});
    let pair = json!({
        "models": ["a", "b"], "mean_difference": 0.5, "ci95": [0.5, 0.5], "p": 0.5,
        "first_disagreement": [1, 1], "apart": [0.5, 0.5, null],
    });
    let track = json!({
        "seed": 1, "return": 0.5, "tiles": 1, "of_tiles": 1, "steps": 1, "finished": false, "off_road": 0.5,
    });
    let mut json = json!({
        "model": NASTY, "variant": variant, "sha256": "abcd", "file_bytes": 1, "weight_bytes": 1,
        "gzip_bytes": 1, "params": 1, "macs": 1, "flops": 1, "bops": 1,
        "latency_ms": {"p50": 0.5, "p90": 0.5, "mean": 0.5, "runs": 1, "ci95": [0.5, 0.5]},
        "task": "classes", "accuracy": accuracy,
        "more_classes": [{
            "name": "light", "accuracy": accuracy, "agreement_with_float": 0.5, "mcnemar_p": 0.5,
        }],
        "values": {"n": 1, "outputs": [{
            "name": "angle", "mae": 0.5, "mae_ci95": [0.5, 0.5], "rmse": 0.5, "max_abs": 0.5, "p99_abs": 0.5,
            "bias": 0.5, "r2": 0.5, "within": {"tolerance": 0.5, "share": 0.5},
        }]},
        "from_float": {"outputs": [
            {"name": NASTY, "mean_abs": 0.5, "p99_abs": 0.5, "max_abs": 0.5, "sqnr_db": 0.5},
        ]},
        "mae_change": [{"name": "angle", "change": 0.5, "ci95": [0.5, 0.5], "p": 0.5}],
        "agreement_with_float": 0.5, "mcnemar_p": 0.5,
        "speedup_over_float": {"median": 0.5, "ci95": [0.5, 0.5]},
        "session_bytes": 1, "cold_ms": 0.5, "kernels": "avx2",
        "profile": [
            {"node": NASTY, "operator": "QLinearConv", "ms": 0.5, "macs": 1},
            {"node": "fc", "operator": "QGemm", "ms": 0.5, "macs": 1},
        ],
        "recipe": {"version": 1, "percentile": 0.5, "weight_bits": 1, "samples": 1, "seed": 1},
        "left_in_float": [{"node": NASTY, "op": "Conv", "why": "asked for"}],
        "driving": {
            "model": "a", "variant": variant, "mean": 0.5, "ci95": [0.5, 0.5], "tracks": [track, track],
            "against_float": pair,
        },
    });
    fill(&mut json, &mut { from });
    // All drive the same tracks, and a node multiplies as much in all variants.
    json["driving"]["tracks"][0]["seed"] = 20_000.into();
    json["driving"]["tracks"][1]["seed"] = 20_001.into();
    json["profile"][0]["macs"] = 987_654.into();
    json["profile"][1]["macs"] = 123_456.into();
    serde_json::from_value(json).expect("a report has these fields")
}

/// Gives every number one of its own, which stays another when it is rounded.
fn fill(json: &mut Json, next: &mut u64) {
    match json {
        Json::Array(values) => values.iter_mut().for_each(|value| fill(value, next)),
        Json::Object(map) => map.values_mut().for_each(|value| fill(value, next)),
        Json::Number(number) => {
            *next += 1;
            *json = if number.is_u64() {
                (1000 + 37 * *next).into()
            } else {
                (1.0 + 0.07 * *next as f64).into()
            };
        }
        _ => {}
    }
}

fn document(variants: usize) -> Document {
    let variant = |place: usize| Variant {
        name: None,
        report: report(if place == 0 { "float" } else { "w4a8" }, 200 * place as u64),
        command: (place == 1).then(|| format!("steer8 quantize '{NASTY}'")),
    };
    let lines =
        vec![(0..900).map(|frame| (frame as f32 / 40.0).sin()).collect::<Vec<_>>(); variants];
    let labels = Some(lines[0].clone());
    let series = Series { name: NASTY.into(), column: None, labels, answers: lines };
    let summary = DataSummary {
        frames: 4,
        class_counts: vec![2, 2],
        class_names: vec![NASTY.into(), "right".into()],
        frame_shape: vec![3, 4, 4],
        pixels: true,
        arrays: Vec::new(),
        label_columns: Vec::new(),
        source: String::new(),
        notes: Vec::new(),
        samples: Vec::new(),
    };
    let variants = (0..variants).map(variant).collect();
    Document {
        comparisons: vec![Comparison { variants, series: vec![series] }],
        frames: Some(Frames { name: NASTY.into(), summary }),
        command: Some(format!("steer8 compare '{NASTY}'")),
    }
}

/// The numbers of a text.
fn numbers(text: &str) -> BTreeSet<&str> {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric() && !".,+-".contains(c));
    parts.map(|part| part.trim_end_matches(['.', ',', 'x'])).collect()
}

/// How people may read a figure, without its unit.
fn ways(number: &serde_json::Number) -> Vec<String> {
    let value = number.as_f64().unwrap();
    let whole = value as u64;
    let ways = [
        number.to_string(),
        figures::grouped(whole as usize),
        figures::bytes(whole as usize),
        figures::count(whole),
        figures::three_digits(value),
        figures::significant(value),
        figures::signed(value),
        figures::percent(value),
        figures::tenths(value),
        format!("{value:+.1}"),
        format!("{value:.3}"),
        format!("{value:.4}"),
    ];
    ways.map(|way| way.split(' ').next().unwrap().to_owned()).into()
}

fn each_number(place: &str, json: &Json, tell: &mut dyn FnMut(&str, &serde_json::Number)) {
    let mut below = |key: &str, value| each_number(&format!("{place}.{key}"), value, tell);
    match json {
        Json::Number(number) => tell(place, number),
        Json::Array(values) => {
            values.iter().enumerate().for_each(|(at, value)| below(&at.to_string(), value));
        }
        Json::Object(map) => map.iter().for_each(|(key, value)| below(key, value)),
        _ => {}
    }
}

#[test]
fn every_figure_of_the_json_stands_in_every_format() {
    let document = document(2);
    let texts = [html::write(&document), markdown::write(&document)];
    let said = texts.each_ref().map(|text| numbers(text));
    let csv = csv::write(&document).unwrap();
    let mut lines = csv.lines().map(|line| line.rsplit(',').take(2).collect::<Vec<_>>());
    let fields: BTreeSet<&str> = lines.by_ref().flatten().collect();
    let (mut count, mut missing) = (0, Vec::new());
    for report in document.reports() {
        each_number("", &serde_json::to_value(report).unwrap(), &mut |place, number| {
            count += 1;
            if !fields.contains(number.to_string().as_str()) {
                missing.push(format!("CSV: {place} {number}"));
            }
            // Recipes are told by what differs from the default.
            let is_default = place == ".recipe.version" || place == ".recipe.activation_bits";
            for (said, format) in said.iter().zip(["HTML", "Markdown"]) {
                let found = ways(number).iter().any(|way| said.contains(way.as_str()));
                if !found && !is_default {
                    missing.push(format!("{format}: {place} {number}"));
                }
            }
        });
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(count > 150, "{count}");
}

/// What is open at the end, and every tag's name, of HTML whose every `<` begins a tag.
fn tags(html: &str) -> (Vec<&str>, BTreeSet<&str>) {
    const VOID: [&str; 6] = ["meta", "!doctype", "rect", "line", "circle", "path"];
    let (mut open, mut seen) = (Vec::new(), BTreeSet::new());
    for part in html.split('<').skip(1) {
        let (tag, _) = part.split_once('>').expect("a tag ends");
        assert_eq!(tag.matches('"').count() % 2, 0, "<{tag}>");
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap();
        seen.insert(name);
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}>");
        } else if !VOID.contains(&name) {
            open.push(name);
        }
    }
    (open, seen)
}

#[test]
fn names_are_words_and_nothing_else_is_loaded() {
    let document = document(12);
    let html = html::write(&document);
    let (open, seen) = tags(&html);
    assert!(open.is_empty(), "{open:?}");
    assert!(!seen.contains("b") && !seen.contains("script"), "{seen:?}");
    for outside in ["://", "url(", "src=", "href=", "onload='", "@import"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.contains("&lt;b onload=&#39;x&#39;&gt;"));
    assert!(html.len() < 200_000, "{} bytes", html.len());

    let markdown = markdown::write(&document);
    let mut lines = markdown.lines().peekable();
    let mut is_code = false;
    while let Some(line) = lines.next() {
        is_code ^= line.starts_with("```");
        assert!(is_code || !line.contains('<') && !line.contains("](y)"), "{line}");
        // All rows of a table have as many cells as its head.
        let cells = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
        if let Some(next) =
            lines.peek().filter(|next| next.starts_with('|') && line.starts_with('|'))
        {
            assert_eq!(cells(line), cells(next), "{line}\n{next}");
        }
    }

    let csv = csv::write(&document).unwrap();
    assert!(csv.starts_with("figure,\"float <b onload='x'>\"\"&|`_*](y)\""), "{csv}");
    assert!(csv.contains("\r\nlatency_ms.p50,"));
}
