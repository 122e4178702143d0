//! What a report tells, put into parts.

use super::chart::{Chart, Drawn, Line, LineKind, Mark};
use super::rows::{baseline, file_name, names, of_reports};
use super::section::{Block, Entry, Line as TableLine, Part, Section, Table};
use super::{verdict, words};
use crate::figures::{bytes, count, grouped, percent, significant, tenths, three_digits};
use crate::vocabulary::driving::Track;
use crate::vocabulary::frames::DataSummary;
use crate::vocabulary::report::{Accuracy, Report, Series};

/// Comparisons, what they were measured on, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// One for each network.
    pub comparisons: Vec<Comparison>,
    /// The frames that all were measured on.
    pub frames: Option<Frames>,
    /// The command line that measured, where one did.
    pub command: Option<String>,
}

/// Variants of one network side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Float first, where it is among them.
    pub variants: Vec<Variant>,
    /// Values over the frames.
    pub series: Vec<Series>,
}

/// A column of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// What it is called; `None`: by what sets it apart.
    pub name: Option<String>,
    /// Its figures.
    pub report: Report,
    /// The command line that makes its file; `None` for a file that was given.
    pub command: Option<String>,
}

/// A set of frames.
#[derive(Debug, Clone, PartialEq)]
pub struct Frames {
    /// As a person calls it.
    pub name: String,
    /// What the set holds.
    pub summary: DataSummary,
}

/// Of layers whose time is told one by one; the others' is summed.
const LAYERS: usize = 40;
/// Of a confusion matrix that is shown; that of more classes is in the CSV.
const CLASSES: usize = 16;
/// Of a matrix of which several stand beside one another.
const SMALL: usize = 6;
/// Of nodes left in float that are named.
const LEFT: usize = 60;

impl Document {
    /// Says what is compared.
    pub fn title(&self) -> String {
        match &self.comparisons[..] {
            [one] => format!("{}: {} side by side", one.network(), variants(one.variants.len())),
            several => format!("{} networks and what became of them", several.len()),
        }
    }

    /// All variants of all networks.
    pub fn reports(&self) -> impl Iterator<Item = &Report> {
        self.comparisons.iter().flat_map(Comparison::reports)
    }

    /// What all variants of all networks are called.
    pub(super) fn names(&self) -> Vec<String> {
        let variants: Vec<_> = self.comparisons.iter().flat_map(|of| &of.variants).collect();
        let reports: Vec<Report> = self.reports().cloned().collect();
        named(&variants, &reports)
    }

    pub(super) fn parts(&self) -> Vec<Part> {
        let classes = self.frames.as_ref().map(|frames| &frames.summary.class_names[..]);
        let classes = classes.unwrap_or_default();
        let mut parts: Vec<Part> =
            self.comparisons.iter().map(|comparison| comparison.part(classes)).collect();
        if let [only] = &mut parts[..] {
            // Its network's name stands above.
            only.title = "The comparison".into();
        }
        parts.push(Part { title: "How it was measured".into(), sections: vec![self.method()] });
        parts
    }

    fn method(&self) -> Section {
        let mut blocks = Vec::new();
        if let Some(frames) = &self.frames {
            blocks.push(Block::Text(in_words(frames)));
        }
        let mut kernels: Vec<&str> = self.reports().map(|report| &*report.kernels).collect();
        kernels.dedup();
        let kernels = if kernels.is_empty() { "none" } else { &kernels.join(", ") };
        blocks.push(Block::Text(format!(
            "Steer8 {}, kernels: {kernels}. One frame at a time; the networks took turns in blocks, so that \
             what else the machine did hit all alike.",
            env!("CARGO_PKG_VERSION")
        )));
        blocks.push(Block::Text(
            "Intervals hold 95 %: Wilson's for accuracy, bootstrap of whole blocks for times, of blocks of \
             frames in their order for errors. A difference counts as real where McNemar's test, the bootstrap \
             over pairs of frames, or the sign test over tracks gives p < 0.05, and for times where the \
             interval of the ratio leaves out 1."
                .into(),
        ));
        if let Some(command) = &self.command {
            blocks.push(Block::Code(command.clone()));
        }
        Section::new("Frames, program and statistics", blocks)
    }
}

/// What variants are called: as they were named, else by what sets them apart.
fn named(variants: &[&Variant], reports: &[Report]) -> Vec<String> {
    let own = variants.iter().map(|variant| variant.name.clone());
    own.zip(names(reports)).map(|(own, apart)| own.unwrap_or(apart)).collect()
}

fn variants(count: usize) -> String {
    if count == 1 { "1 variant".into() } else { format!("{count} variants") }
}

fn in_words(frames: &Frames) -> String {
    let Frames { name, summary } = frames;
    let shape: Vec<_> = summary.frame_shape.iter().map(ToString::to_string).collect();
    let mut text = format!("{}: {} frames", name, grouped(summary.frames));
    if !shape.is_empty() {
        text += &format!(" of {}", shape.join("x"));
    }
    if !summary.class_counts.is_empty() {
        let class = |(class, count): (usize, &usize)| {
            format!("{} {}", grouped(*count), class_name(&summary.class_names, class))
        };
        let classes: Vec<_> = summary.class_counts.iter().enumerate().map(class).collect();
        text += &format!("; {}", classes.join(", "));
    }
    for column in &summary.label_columns {
        let [low, high] = column.range.map(significant);
        let name = column.name.as_deref().unwrap_or("labels");
        text += &format!("; {name} from {low} to {high}");
    }
    text + "."
}

fn class_name(names: &[String], class: usize) -> String {
    names.get(class).cloned().unwrap_or_else(|| class.to_string())
}

/// A row of a table of figures, its heading first.
fn headed(name: &str, figures: impl Iterator<Item = String>) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(figures).collect()
}

impl Comparison {
    fn reports(&self) -> impl Iterator<Item = &Report> {
        self.variants.iter().map(|variant| &variant.report)
    }

    fn network(&self) -> &str {
        self.variants.first().map_or("", |first| file_name(&first.report.model))
    }

    fn part(&self, classes: &[String]) -> Part {
        let reports: Vec<Report> = self.reports().cloned().collect();
        let told = Told {
            variants: &self.variants,
            names: named(&self.variants.iter().collect::<Vec<_>>(), &reports),
            baseline: baseline(&reports),
            reports: &reports,
            classes,
        };
        let sections = [
            told.verdicts(),
            told.charts(&self.series),
            told.figures(),
            told.classes(),
            told.drives(),
            told.times(),
            told.left_in_float(),
            told.files(),
            told.recipes(),
        ];
        Part {
            title: self.network().to_owned(),
            sections: sections.into_iter().filter(|section| !section.blocks.is_empty()).collect(),
        }
    }
}

/// A comparison with what its variants are called.
struct Told<'a> {
    variants: &'a [Variant],
    reports: &'a [Report],
    names: Vec<String>,
    baseline: Option<usize>,
    classes: &'a [String],
}

impl Told<'_> {
    fn named(&self) -> impl Iterator<Item = (&str, &Report)> {
        self.names.iter().map(String::as_str).zip(self.reports)
    }

    fn head(&self, first: &[&str]) -> Vec<String> {
        first.iter().map(|name| (*name).to_owned()).chain(self.names.iter().cloned()).collect()
    }

    fn verdicts(&self) -> Section {
        let Some(baseline) = self.baseline else { return Section::new("", Vec::new()) };
        let others = self.named().enumerate().filter(|(place, _)| *place != baseline);
        let float = &self.reports[baseline];
        let items = others.map(|(_, (name, report))| verdict::of(name, float, report));
        let items: Vec<_> = items.chain(verdict::caution(self.reports)).collect();
        let blocks = if items.is_empty() { Vec::new() } else { vec![Block::List(items)] };
        Section::new("In short", blocks)
    }

    fn figures(&self) -> Section {
        let beside = match self.baseline {
            Some(at) => format!("Every variant, and what differs from {}", self.names[at]),
            None => "Every variant".into(),
        };
        let mut table = Table::new(beside, self.head(&["figure"]), true);
        for row in of_reports(self.reports) {
            let entries = std::iter::once(Entry::from(row.heading().to_owned()));
            let entries = entries.chain(row.cells.into_iter().map(Entry::from)).collect();
            table.lines.push(TableLine { is_part: row.is_part, entries });
        }
        Section::new("All figures", vec![Block::Table(table)])
    }

    fn marks(&self, mark: impl Fn(&Report) -> Option<Mark>) -> Vec<Mark> {
        let named = self.named().enumerate();
        let own = named.filter_map(|(place, (name, report))| {
            let mark = mark(report)?;
            Some(Mark { name: name.into(), is_baseline: self.baseline == Some(place), ..mark })
        });
        own.collect()
    }

    fn charts(&self, series: &[Series]) -> Section {
        let mut charts = Vec::new();
        let mut push = |title: String, from_zero: bool, marks: Vec<Mark>| {
            if !marks.is_empty() {
                charts.push(Chart { title, drawn: Drawn::Marks { marks, from_zero } });
            }
        };
        let title = "Top-1 accuracy in per cent, with its 95 % interval";
        let accuracy = self.marks(|report| {
            let Accuracy { top1, ci95, .. } = report.accuracy.as_ref()?;
            Some(Mark { ci95: Some(*ci95), ..mark(*top1, percent(*top1)) })
        });
        push(title.into(), false, accuracy);
        let values = self.reports.first().and_then(|first| first.values.as_ref());
        for (at, score) in values.iter().flat_map(|values| &values.outputs).enumerate() {
            let title = format!("Mean absolute error of {}, with its 95 % interval", score.name);
            let errors = self.marks(|report| {
                let score = report.values.as_ref()?.outputs.get(at)?;
                Some(Mark { ci95: Some(score.mae_ci95), ..mark(score.mae, significant(score.mae)) })
            });
            push(title, false, errors);
        }
        let title = "Mean return with its 95 % interval; pale, each track's";
        let returns = self.marks(|report| {
            let driven = &report.driving.as_ref()?.driven;
            let dots = driven.tracks.iter().map(|track| track.total).collect();
            Some(Mark { ci95: driven.ci95, dots, ..mark(driven.mean, tenths(driven.mean)) })
        });
        push(title.into(), false, returns);
        let title =
            "Latency: median with its 95 % interval; the thin line ends where 90 % lie below";
        let latency = self.marks(|report| {
            let latency = report.latency_ms.as_ref()?;
            let text = three_digits(latency.p50) + " ms";
            let most = Some(latency.p90);
            Some(Mark { ci95: Some(latency.ci95), most, ..mark(latency.p50, text) })
        });
        push(title.into(), true, latency);
        let file = |report: &Report| Some(mark(report.file_bytes as f64, bytes(report.file_bytes)));
        push("Size of the ONNX file".into(), true, self.marks(file));
        let bops = |report: &Report| Some(mark(report.bops as f64, count(report.bops)));
        push("Bit operations: MACs x weight bits x activation bits".into(), true, self.marks(bops));
        charts.extend(series.iter().filter_map(|series| self.over_frames(series)));
        Section::new("At a glance", charts.into_iter().map(Block::Chart).collect())
    }

    /// What is right, what the baseline says, and what the last variant says.
    fn over_frames(&self, series: &Series) -> Option<Chart> {
        let line = |name: &str, kind, values: &[f32]| Line {
            name: name.into(),
            kind,
            values: values.into(),
        };
        let truth = series.labels.iter().map(|labels| line("label", LineKind::Truth, labels));
        let last = self.reports.len().checked_sub(1)?;
        let own =
            |place: usize, kind| Some(line(&self.names[place], kind, series.answers.get(place)?));
        let baseline = self.baseline.and_then(|place| own(place, LineKind::Baseline));
        let last = own(last, LineKind::Other).filter(|_| self.baseline != Some(last));
        let lines = truth.chain(baseline).chain(last).collect();
        Some(Chart {
            title: format!("{} over the frames", series.name),
            drawn: Drawn::Lines(lines),
        })
    }

    fn classes(&self) -> Section {
        let mut blocks = self.of_classes("", self.classes, |report| report.accuracy.as_ref());
        let more = self.reports.first().map_or(&[][..], |first| &first.more_classes);
        for (at, output) in more.iter().enumerate() {
            let whose = format!(" of {}", output.name);
            blocks.extend(
                self.of_classes(&whose, &[], |report| {
                    report.more_classes.get(at)?.accuracy.as_ref()
                }),
            );
        }
        Section::new("By class", blocks)
    }

    /// One output's classes, and what their frames were taken for.
    fn of_classes<'a>(
        &'a self,
        whose: &str,
        names: &[String],
        accuracy: impl Fn(&'a Report) -> Option<&'a Accuracy>,
    ) -> Vec<Block> {
        let scored: Vec<_> =
            self.named().filter_map(|(name, report)| Some((name, accuracy(report)?))).collect();
        let classes = scored.first().map_or(0, |(_, first)| first.confusion.len());
        if classes == 0 {
            return Vec::new();
        }
        let frames = |accuracy: &Accuracy, class: usize| -> u32 {
            accuracy.confusion.get(class).map_or(0, |row| row.iter().sum())
        };
        let head = ["class", "frames"].map(String::from).into_iter();
        let head = head.chain(scored.iter().map(|(name, _)| (*name).to_owned())).collect();
        let caption = format!("Frames of each class{whose} that are answered right, in per cent");
        let mut table = Table::new(caption, head, true);
        for class in 0..classes {
            let right = scored.iter().map(|(_, accuracy)| match frames(accuracy, class) {
                0 => "-".to_owned(),
                of => percent(f64::from(accuracy.confusion[class][class]) / f64::from(of)),
            });
            let all = frames(scored[0].1, class);
            let figures = std::iter::once(grouped(all as usize)).chain(right);
            table.push(headed(&class_name(names, class), figures));
        }
        let mut blocks = vec![Block::Table(table)];
        if classes > CLASSES {
            blocks.push(Block::Text(format!(
                "What the frames of each of the {classes} classes were taken for is in the figures as CSV."
            )));
        } else {
            blocks.extend(scored.iter().map(|(name, accuracy)| {
                confusion(
                    &format!("{name}: what the frames of each class{whose} were taken for"),
                    names,
                    accuracy,
                )
            }));
        }
        blocks
    }

    fn drives(&self) -> Section {
        let driven =
            || self.named().filter_map(|(name, report)| Some((name, report.driving.as_deref()?)));
        let Some((_, first)) = driven().next() else { return Section::new("", Vec::new()) };
        let head = driven().map(|(name, _)| name.to_owned());
        let caption = "Return on each track; * where the lap was not finished";
        let mut table = Table::new(caption, headed("track", head), true);
        for (at, track) in first.driven.tracks.iter().enumerate() {
            let own = driven().map(|(_, driving)| match driving.driven.tracks.get(at) {
                Some(track) => drove(track),
                None => "-".into(),
            });
            table.push(headed(&track.seed.to_string(), own));
        }
        let mut blocks = vec![Block::Table(table)];
        let apart: Vec<_> = driven()
            .filter_map(|(name, driving)| Some((name, driving.against_float.as_ref()?)))
            .collect();
        if !apart.is_empty() {
            let head = apart.iter().map(|(name, _)| (*name).to_owned());
            let caption = "Mean distance from the float network's way, in each tenth of the lap";
            let mut table = Table::new(caption, headed("tenth", head), true);
            for tenth in 0..apart.iter().map(|(_, pair)| pair.apart.len()).max().unwrap_or(0) {
                let own = apart.iter().map(|(_, pair)| match pair.apart.get(tenth) {
                    Some(Some(apart)) => significant(*apart),
                    _ => "-".into(),
                });
                table.push(headed(&(tenth + 1).to_string(), own));
            }
            blocks.push(Block::Table(table));
            let caption = "Step before which the two first decide otherwise";
            let head = apart.iter().map(|(name, _)| (*name).to_owned());
            let mut table = Table::new(caption, headed("track", head), true);
            for (at, track) in first.driven.tracks.iter().enumerate() {
                let own = apart.iter().map(|(_, pair)| match pair.first_disagreement.get(at) {
                    Some(Some(step)) => step.to_string(),
                    Some(None) => "never".into(),
                    None => "-".into(),
                });
                table.push(headed(&track.seed.to_string(), own));
            }
            blocks.push(Block::Table(table));
        }
        Section::new("On the road", blocks)
    }

    fn times(&self) -> Section {
        let mut nodes: Vec<(&str, u64)> = Vec::new();
        for step in self.reports.iter().flat_map(|report| &report.profile) {
            match nodes.iter_mut().find(|(node, _)| *node == step.node) {
                Some((_, macs)) => *macs = step.macs.max(*macs),
                None => nodes.push((&step.node, step.macs)),
            }
        }
        let ms = |report: &Report, node: &str| -> Option<f64> {
            let mut steps = report.profile.iter().filter(|step| step.node == node).peekable();
            steps.peek()?;
            Some(steps.map(|step| step.ms).sum())
        };
        let all = |node: &str| -> f64 { self.reports.iter().filter_map(|r| ms(r, node)).sum() };
        let mut dearest: Vec<&str> = nodes.iter().map(|(node, _)| *node).collect();
        dearest.sort_by(|a, b| all(b).total_cmp(&all(a)));
        let told: Vec<&str> = dearest.into_iter().take(LAYERS).collect();
        let mut table = Table::new(
            "Mean milliseconds of a frame, layer by layer",
            self.head(&["layer", "MACs"]),
            true,
        );
        for (node, macs) in nodes.iter().filter(|(node, _)| told.contains(node)) {
            let own = self.reports.iter().map(|report| ms(report, node));
            let own = own.map(|ms| ms.map_or_else(|| "-".into(), significant));
            table.push(headed(node, std::iter::once(count(*macs)).chain(own)));
        }
        if nodes.len() > told.len() {
            let rest = |report: &Report| -> f64 {
                let others = report.profile.iter().filter(|step| !told.contains(&&*step.node));
                others.map(|step| step.ms).sum()
            };
            let own = self.reports.iter().map(|report| significant(rest(report)));
            let name = format!("the {} other layers", nodes.len() - told.len());
            table.push(headed(&name, std::iter::once(String::new()).chain(own)));
        }
        let blocks = if nodes.is_empty() { Vec::new() } else { vec![Block::Table(table)] };
        Section::new("Where the time goes", blocks)
    }

    fn left_in_float(&self) -> Section {
        let head = ["variant", "layer", "operator", "why"].map(String::from);
        let caption = "What computes in float in a quantized network";
        let mut table = Table::new(caption, head.into(), false);
        let quantized = self.named().filter(|(_, report)| report.variant != "float");
        let mut left = quantized
            .flat_map(|(name, report)| report.left_in_float.iter().map(move |l| (name, l)));
        for (name, left) in left.by_ref().take(LEFT) {
            table.push([name, &left.node, &left.op, &left.why].map(str::to_owned));
        }
        let more = left.count();
        let mut blocks = Vec::new();
        if !table.lines.is_empty() {
            blocks.push(Block::Table(table));
        }
        if more > 0 {
            blocks.push(Block::Text(format!("And {more} more, which the figures as CSV have.")));
        }
        Section::new("Left in float", blocks)
    }

    fn files(&self) -> Section {
        let head = ["variant", "file", "bytes", "SHA-256"].map(String::from);
        let mut table = Table::new("Network by network", head.into(), false);
        for (name, report) in self.named() {
            let file = file_name(&report.model);
            let size = grouped(report.file_bytes);
            table.push([name.to_owned(), file.to_owned(), size, report.sha256.clone()]);
        }
        Section::new("What was compared", vec![Block::Table(table)])
    }

    fn recipes(&self) -> Section {
        let mut blocks = Vec::new();
        for ((name, report), variant) in self.named().zip(self.variants) {
            let Some(recipe) = &report.recipe else { continue };
            blocks.push(Block::Text(format!("{name}: {}", words::recipe(recipe))));
            blocks.extend(recipe.to_short_json().ok().map(Block::Code));
            blocks.extend(variant.command.clone().map(Block::Code));
        }
        Section::new("Recipes, and the commands that carry them out", blocks)
    }
}

fn confusion(caption: &str, names: &[String], accuracy: &Accuracy) -> Block {
    let named = |class: usize| class_name(names, class);
    let answers = (0..accuracy.confusion.len()).map(|class| format!("as {}", named(class)));
    let mut table = Table::new(caption, headed("true class", answers), true);
    // Of more classes it is as wide as the page.
    table.is_small = accuracy.confusion.len() <= SMALL;
    for (class, row) in accuracy.confusion.iter().enumerate() {
        let frames: u32 = row.iter().sum();
        let answer = |&count: &u32| Entry {
            text: grouped(count as usize),
            difference: None,
            heat: Some(f64::from(count) / f64::from(frames.max(1))),
        };
        table.push(std::iter::once(Entry::from(named(class))).chain(row.iter().map(answer)));
    }
    Block::Table(table)
}

fn mark(value: f64, text: String) -> Mark {
    Mark {
        name: String::new(),
        is_baseline: false,
        value,
        text,
        ci95: None,
        most: None,
        dots: Vec::new(),
    }
}

fn drove(track: &Track) -> String {
    let Track { total, tiles, of_tiles, steps, finished, off_road, .. } = track;
    let mark = if *finished { "" } else { "*" };
    format!(
        "{}{mark} ({tiles} of {of_tiles} tiles, {steps} steps, {} % off the road)",
        tenths(*total),
        percent(*off_road)
    )
}
