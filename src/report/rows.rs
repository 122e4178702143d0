//! Every figure of a comparison, a row each: what the tables of the command line and of a report show.

use crate::figures::{
    bytes, count, grouped, interval, p_value, percent, signed, significant, tenths, three_digits,
};
use crate::vocabulary::driving::{Driven, Track};
use crate::vocabulary::report::{LEVEL, Latency, Report};

/// A figure of every variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// As a table shows it.
    pub name: String,
    /// Whether it belongs to the row above.
    pub is_part: bool,
    /// In the order of the variants; `None` where one has no such figure.
    pub cells: Vec<Option<Cell>>,
}

/// A figure as people read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// With its unit.
    pub text: String,
    /// `None` for the baseline itself, and where nothing can be said.
    pub difference: Option<Difference>,
}

/// What a figure is beside the baseline's.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// With sign and unit.
    pub text: String,
    /// Whether it is more than the measurement's noise.
    pub is_real: bool,
    /// Whether more of it, or less, is what one wants.
    pub is_better: bool,
}

impl Cell {
    fn plain(text: String) -> Self {
        Self { text, difference: None }
    }
}

/// The place of the variant that the others are compared with: the first that is float.
pub fn baseline(reports: &[Report]) -> Option<usize> {
    reports.iter().position(|report| report.variant == "float")
}

/// What variants are called where nothing else is known: each otherwise.
pub fn names(reports: &[Report]) -> Vec<String> {
    let alone = |name: &dyn Fn(&Report) -> String, report: &Report| {
        reports.iter().filter(|other| name(other) == name(report)).count() == 1
    };
    let variant = |report: &Report| report.variant.clone();
    let both = |report: &Report| {
        let file = file_name(&report.model);
        format!("{} {}", report.variant, file.strip_suffix(".onnx").unwrap_or(file))
    };
    let all_differ = |name: &dyn Fn(&Report) -> String| reports.iter().all(|r| alone(name, r));
    let name = |(place, report): (usize, &Report)| match () {
        () if all_differ(&variant) => variant(report),
        () if alone(&both, report) => both(report),
        () => format!("{} ({})", both(report), place + 1),
    };
    reports.iter().enumerate().map(name).collect()
}

/// Without the folders, which would make a column as wide as a page.
pub fn file_name(model: &str) -> &str {
    model.rsplit(['/', '\\']).next().unwrap_or(model)
}

/// All rows of which one variant at least has something to say.
pub fn rows(reports: &[Report]) -> Vec<Row> {
    let mut rows = Rows { reports, baseline: baseline(reports), rows: Vec::new() };
    rows.costs();
    rows.times();
    rows.classes();
    rows.values();
    rows.distances();
    rows.drives();
    rows.rows
}

struct Rows<'a> {
    reports: &'a [Report],
    baseline: Option<usize>,
    rows: Vec<Row>,
}

impl Rows<'_> {
    fn cells(&mut self, name: &str, is_part: bool, cell: &dyn Fn(&Report) -> Option<Cell>) {
        let cells: Vec<_> = self.reports.iter().map(cell).collect();
        if cells.iter().any(Option::is_some) {
            self.rows.push(Row { name: name.into(), is_part, cells });
        }
    }

    fn row(&mut self, name: &str, text: &dyn Fn(&Report) -> Option<String>) {
        self.cells(name, false, &|report| text(report).map(Cell::plain));
    }

    fn part(&mut self, name: &str, text: &dyn Fn(&Report) -> Option<String>) {
        self.cells(name, true, &|report| text(report).map(Cell::plain));
    }

    /// A figure that is counted, not measured: less is better, and every difference is one.
    fn counted(
        &mut self,
        name: &str,
        is_part: bool,
        figure: fn(&Report) -> u64,
        text: fn(u64) -> String,
    ) {
        let before = self.baseline.map(|at| figure(&self.reports[at]));
        self.cells(name, is_part, &|report| {
            let now = figure(report);
            let difference = before.filter(|&before| before != now && before > 0).map(|before| {
                let change = 100.0 * (now as f64 / before as f64 - 1.0);
                Difference {
                    text: format!("{change:+.1} %"),
                    is_real: true,
                    is_better: now < before,
                }
            });
            Some(Cell { text: text(now), difference })
        });
    }

    fn costs(&mut self) {
        let size = |size: u64| bytes(usize::try_from(size).unwrap_or(usize::MAX));
        self.counted("file", false, |r| r.file_bytes as u64, size);
        self.counted("weights in it", true, |r| r.weight_bytes as u64, size);
        self.counted("gzipped", true, |r| r.gzip_bytes as u64, size);
        self.counted("session memory", false, |r| r.session_bytes as u64, size);
        self.row("parameters", &|r| Some(count(r.params)));
        self.row("MACs", &|r| Some(count(r.macs)));
        self.row("FLOPs", &|r| Some(count(r.flops)));
        self.counted("bit operations", false, |r| r.bops, count);
    }

    fn times(&mut self) {
        self.cells("latency, median", false, &|r| {
            let text = median(r.latency_ms.as_ref()?);
            let difference = r.speedup_over_float.as_ref().map(|speedup| Difference {
                text: format!("{}x as fast", three_digits(speedup.median)),
                is_real: speedup.is_significant(),
                is_better: speedup.median > 1.0,
            });
            Some(Cell { text, difference })
        });
        let ms = |figure: f64| three_digits(figure) + " ms";
        self.part("90 % below", &|r| r.latency_ms.as_ref().map(|l| ms(l.p90)));
        self.part("mean", &|r| r.latency_ms.as_ref().map(|l| ms(l.mean)));
        self.part("runs", &|r| r.latency_ms.as_ref().map(|l| grouped(l.runs)));
        self.row("speed against float", &|r| {
            r.speedup_over_float.as_ref().map(|speedup| {
                let note = if speedup.is_significant() { "" } else { ", not significant" };
                let ends = interval(speedup.ci95, three_digits);
                format!("{}x {ends}{note}", three_digits(speedup.median))
            })
        });
        self.row("kernels", &|r| Some(r.kernels.clone()));
        self.row("cold start", &|r| Some(ms(r.cold_ms)));
    }

    fn classes(&mut self) {
        let reports = self.reports;
        let share = |share: f64| percent(share) + " %";
        let before = self.baseline.and_then(|at| reports[at].accuracy.as_ref());
        self.cells("top-1 accuracy", false, &|r| {
            let own = r.accuracy.as_ref()?;
            let text = format!("{} {}", share(own.top1), interval(own.ci95, percent));
            let difference = before.zip(r.mcnemar_p).and_then(|(before, p)| {
                let points = 100.0 * (own.top1 - before.top1);
                let text = format!("{points:+.2} points");
                let is_better = points > 0.0;
                (points != 0.0).then_some(Difference { text, is_real: p < LEVEL, is_better })
            });
            Some(Cell { text, difference })
        });
        self.part("frames", &|r| r.accuracy.as_ref().map(|a| grouped(a.n)));
        self.row("agreement with float", &|r| r.agreement_with_float.map(share));
        self.row("McNemar p", &|r| r.mcnemar_p.map(p_value));
        let first = reports.first().map_or(&[][..], |first| &first.more_classes);
        for (i, other) in first.iter().enumerate() {
            self.row(&format!("top-1 of {}", other.name), &|r| {
                let accuracy = r.more_classes.get(i)?.accuracy.as_ref()?;
                Some(format!("{} {}", share(accuracy.top1), interval(accuracy.ci95, percent)))
            });
            self.part("frames", &|r| {
                r.more_classes.get(i)?.accuracy.as_ref().map(|accuracy| grouped(accuracy.n))
            });
            self.part("agreement with float", &|r| {
                r.more_classes.get(i)?.agreement_with_float.map(share)
            });
            self.part("McNemar p", &|r| r.more_classes.get(i)?.mcnemar_p.map(p_value));
        }
    }

    fn values(&mut self) {
        let first = self.reports.first().and_then(|first| first.values.as_ref());
        for (i, score) in first.iter().flat_map(|values| &values.outputs).enumerate() {
            let of = |r: &Report| r.values.as_ref()?.outputs.get(i).cloned();
            let change = |r: &Report| r.mae_change.as_ref()?.get(i).cloned();
            self.cells(&format!("MAE of {}", score.name), false, &|r| {
                let score = of(r)?;
                let ends = interval(score.mae_ci95, significant);
                let difference = change(r).map(|change| Difference {
                    text: signed(change.change),
                    is_real: change.p < LEVEL,
                    is_better: change.change < 0.0,
                });
                Some(Cell { text: format!("{} {ends}", significant(score.mae)), difference })
            });
            self.part("against float", &|r| {
                let change = change(r)?;
                let ends = interval(change.ci95, signed);
                Some(format!("{} {ends}, p = {}", signed(change.change), p_value(change.p)))
            });
            self.part("RMSE", &|r| of(r).map(|score| significant(score.rmse)));
            self.part("99 % below", &|r| of(r).map(|score| significant(score.p99_abs)));
            self.part("largest error", &|r| of(r).map(|score| significant(score.max_abs)));
            self.part("bias", &|r| of(r).map(|score| signed(score.bias)));
            self.part("R2", &|r| of(r)?.r2.map(|r2| format!("{r2:.4}")));
            self.part("within tolerance", &|r| {
                let within = of(r)?.within?;
                Some(format!(
                    "{} % within {}",
                    percent(within.share),
                    significant(within.tolerance)
                ))
            });
        }
        self.part("frames", &|r| r.values.as_ref().map(|values| grouped(values.n)));
    }

    fn distances(&mut self) {
        let moved = self.reports.iter().find_map(|report| report.from_float.as_ref());
        for (i, output) in moved.iter().flat_map(|moved| &moved.outputs).enumerate() {
            let of = |r: &Report| r.from_float.as_ref()?.outputs.get(i).cloned();
            self.row(&format!("from float, {}", output.name), &|r| {
                let moved = of(r)?;
                let noise = moved.sqnr_db.map_or_else(String::new, |db| format!(", {db:.1} dB"));
                Some(format!(
                    "{} mean, {} at most{noise}",
                    significant(moved.mean_abs),
                    significant(moved.max_abs)
                ))
            });
            self.part("99 % below", &|r| of(r).map(|moved| significant(moved.p99_abs)));
        }
    }

    fn drives(&mut self) {
        self.cells("mean return", false, &|r| {
            let driving = r.driving.as_ref()?;
            let Driven { mean, ci95, .. } = &driving.driven;
            let ends =
                ci95.map_or_else(String::new, |ci95| " ".to_owned() + &interval(ci95, tenths));
            let difference = driving.against_float.as_ref().map(|pair| Difference {
                text: format!("{:+.1}", pair.mean_difference),
                is_real: pair.p < LEVEL,
                is_better: pair.mean_difference > 0.0,
            });
            Some(Cell { text: tenths(*mean) + &ends, difference })
        });
        self.part("against float", &|r| {
            let pair = r.driving.as_ref()?.against_float.as_ref()?;
            let ends =
                pair.ci95.map_or_else(String::new, |ci95| format!(" {}", interval(ci95, tenths)));
            Some(format!("{:+.1}{ends}, p = {}", pair.mean_difference, p_value(pair.p)))
        });
        self.part("laps finished", &|r| r.driving.as_ref().map(|d| laps(&d.driven.tracks)));
        self.part("off the road", &|r| r.driving.as_ref().map(|d| off_road(&d.driven.tracks)));
    }
}

/// How many of the drives finished a lap.
pub fn laps(tracks: &[Track]) -> String {
    let finished = tracks.iter().filter(|track| track.finished).count();
    format!("{finished} of {}", tracks.len())
}

/// The share of all steps off the road.
pub fn off_road(tracks: &[Track]) -> String {
    let steps: usize = tracks.iter().map(|track| track.steps).sum();
    let off: f64 = tracks.iter().map(|track| track.off_road * track.steps as f64).sum();
    format!("{} %", percent(off / steps.max(1) as f64))
}

fn median(latency: &Latency) -> String {
    format!("{} ms {}", three_digits(latency.p50), interval(latency.ci95, three_digits))
}
