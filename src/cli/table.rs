//! Results as text.

use crate::figures::{bytes, count, grouped, signed, significant, three_digits};
use crate::vocabulary::driving::{Driven, Track};
use crate::vocabulary::quantization::LeftInFloat;
use crate::vocabulary::report::{Accuracy, Latency, Report};
use crate::vocabulary::search::Trial;
use crate::vocabulary::training::Epoch;

/// Columns of equal width; those from `numbers` on are set flush right. The first row is the head.
pub(super) fn align(rows: &[Vec<String>], numbers: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let gap = if column > 0 { "  " } else { "" };
            if column < numbers {
                line += &format!("{gap}{cell:<width$}");
            } else {
                line += &format!("{gap}{cell:>width$}");
            }
        }
        text += line.trim_end();
        text += "\n";
    }
    text
}

/// The reports side by side, a column for each.
pub(super) fn reports(reports: &[Report]) -> String {
    let Some(first) = reports.first() else { return String::new() };
    let same_model = reports.iter().all(|report| report.model == first.model);
    let mut rows = Vec::new();
    let mut row = |name: &str, cell: &dyn Fn(&Report) -> Option<String>| {
        let cells: Vec<_> = reports.iter().map(cell).collect();
        if cells.iter().any(Option::is_some) {
            let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "-".into()));
            rows.push(std::iter::once(name.to_owned()).chain(cells).collect());
        }
    };
    row("", &|r| Some(r.variant.clone()));
    row("model", &|r| (!same_model).then(|| file_name(&r.model).to_owned()));
    row("file", &|r| Some(bytes(r.file_bytes)));
    row("  weights in it", &|r| Some(bytes(r.weight_bytes)));
    row("  gzipped", &|r| Some(bytes(r.gzip_bytes)));
    row("session memory", &|r| Some(bytes(r.session_bytes)));
    row("parameters", &|r| Some(count(r.params)));
    row("MACs", &|r| Some(count(r.macs)));
    row("FLOPs", &|r| Some(count(r.flops)));
    row("bit operations", &|r| Some(count(r.bops)));
    row("latency, median", &|r| r.latency_ms.as_ref().map(median));
    row("  90 % below", &|r| r.latency_ms.as_ref().map(|l| three_digits(l.p90) + " ms"));
    row("  mean", &|r| r.latency_ms.as_ref().map(|l| three_digits(l.mean) + " ms"));
    row("speed against float", &|r| {
        r.speedup_over_float.as_ref().map(|speedup| {
            let note = if speedup.is_significant() { "" } else { ", not significant" };
            format!(
                "{}x {}{note}",
                three_digits(speedup.median),
                interval(speedup.ci95, three_digits)
            )
        })
    });
    row("kernels", &|r| Some(r.kernels.clone()));
    row("cold start", &|r| Some(three_digits(r.cold_ms) + " ms"));
    row("top-1 accuracy", &|r| {
        r.accuracy.as_ref().map(|a| format!("{} % {}", percent(a.top1), interval(a.ci95, percent)))
    });
    row("  frames", &|r| r.accuracy.as_ref().map(|a| grouped(a.n)));
    row("agreement with float", &|r| r.agreement_with_float.map(|share| percent(share) + " %"));
    row("McNemar p", &|r| r.mcnemar_p.map(|p| format!("{p:.3}")));
    for (i, other) in first.more_classes.iter().enumerate() {
        row(&format!("top-1 of {}", other.name), &|r| {
            let accuracy = r.more_classes.get(i)?.accuracy.as_ref()?;
            Some(format!("{} % {}", percent(accuracy.top1), interval(accuracy.ci95, percent)))
        });
        row("  agreement with float", &|r| {
            r.more_classes.get(i)?.agreement_with_float.map(|share| percent(share) + " %")
        });
    }
    let scores = first.values.iter().flat_map(|values| &values.outputs);
    for (i, score) in scores.enumerate() {
        let of = |r: &Report| r.values.as_ref()?.outputs.get(i).cloned();
        row(&format!("MAE of {}", score.name), &|r| {
            let score = of(r)?;
            Some(format!("{} {}", significant(score.mae), interval(score.mae_ci95, significant)))
        });
        row("  against float", &|r| {
            let change = r.mae_change.as_ref()?.get(i)?;
            let ends = interval(change.ci95, signed);
            Some(format!("{} {ends}, p = {:.3}", signed(change.change), change.p))
        });
        row("  RMSE", &|r| of(r).map(|score| significant(score.rmse)));
        row("  99 % below", &|r| of(r).map(|score| significant(score.p99_abs)));
        row("  largest error", &|r| of(r).map(|score| significant(score.max_abs)));
        row("  bias", &|r| of(r).map(|score| signed(score.bias)));
        row("  R2", &|r| of(r)?.r2.map(|r2| format!("{r2:.4}")));
        row("  within tolerance", &|r| {
            of(r)?.within.map(|within| {
                format!("{} % within {}", percent(within.share), significant(within.tolerance))
            })
        });
    }
    row("  frames", &|r| r.values.as_ref().map(|values| grouped(values.n)));
    let moved = reports.iter().find_map(|report| report.from_float.as_ref());
    for (i, output) in moved.iter().flat_map(|moved| &moved.outputs).enumerate() {
        row(&format!("from float, {}", output.name), &|r| {
            let moved = r.from_float.as_ref()?.outputs.get(i)?;
            let noise = moved.sqnr_db.map_or_else(String::new, |db| format!(", {db:.1} dB"));
            Some(format!(
                "{} mean, {} at most{noise}",
                significant(moved.mean_abs),
                significant(moved.max_abs)
            ))
        });
    }
    row("mean return", &|r| {
        let Driven { mean, ci95, .. } = &r.driving.as_ref()?.driven;
        let ends = ci95.map_or_else(String::new, |ci95| " ".to_owned() + &interval(ci95, tenths));
        Some(tenths(*mean) + &ends)
    });
    row("  against float", &|r| {
        let pair = r.driving.as_ref()?.against_float.as_ref()?;
        let ends =
            pair.ci95.map_or_else(String::new, |ci95| format!(" {}", interval(ci95, tenths)));
        Some(format!("{:+.1}{ends}, p = {:.3}", pair.mean_difference, pair.p))
    });
    row("  laps finished", &|r| r.driving.as_ref().map(|driving| laps(&driving.driven.tracks)));
    row("  off the road", &|r| r.driving.as_ref().map(|driving| off_road(&driving.driven.tracks)));
    let head = if same_model { format!("{}\n", first.model) } else { String::new() };
    head + &align(&rows, 1)
}

/// A row for each true class: its share of hits, and what its frames were taken for.
pub(super) fn confusion(accuracy: &Accuracy, class_names: &[String]) -> String {
    let name = |class: usize| class_names.get(class).cloned().unwrap_or_else(|| class.to_string());
    let classes = accuracy.confusion.len();
    let mut head = vec!["true class".to_owned(), "right".to_owned()];
    head.extend((0..classes).map(|class| format!("as {}", name(class))));
    let mut rows = vec![head];
    for (class, counts) in accuracy.confusion.iter().enumerate() {
        let frames: u32 = counts.iter().sum();
        let right = match frames {
            0 => "-".to_owned(),
            _ => format!("{} %", percent(f64::from(counts[class]) / f64::from(frames))),
        };
        let counts = counts.iter().map(ToString::to_string);
        rows.push([name(class), right].into_iter().chain(counts).collect());
    }
    format!("\n{}", align(&rows, 1))
}

/// One line of a search.
pub(super) fn trial(trial: &Trial) -> String {
    let mark = match (trial.best, trial.meets) {
        (true, true) => "best so far",
        (false, true) => "meets the target",
        _ => "",
    };
    let (bops, file) = (count(trial.bops), bytes(trial.file_bytes as usize));
    let lost = match (trial.drop, trial.rise) {
        (Some(drop), _) => format!("{drop:6.2} points lost"),
        (None, Some(rise)) => format!("{rise:+7.2} % error"),
        (None, None) => format!("{:.2e} squared error", trial.effect.logit_mse),
    };
    let drives = trial.driving.as_ref().map_or_else(String::new, |kept| {
        format!("  {:6.2} % of the return on {:2} tracks", 100.0 * kept.share, kept.tracks)
    });
    format!("{lost}{drives}  {bops:>8} BOPs  {file:>8}  {} {mark}", trial.what)
}

/// One line of a drive.
pub(super) fn drove(model: &str, track: &Track) -> String {
    let end = if track.finished { "lap finished" } else { "" };
    let Track { seed, total, tiles, of_tiles, steps, .. } = track;
    format!(
        "{}  track {seed}: {total:7.1}  {tiles:3} of {of_tiles} tiles  {steps:4} steps  {end}",
        file_name(model)
    )
}

/// How many of the drives finished a lap.
pub(super) fn laps(tracks: &[Track]) -> String {
    let finished = tracks.iter().filter(|track| track.finished).count();
    format!("{finished} of {}", tracks.len())
}

/// The share of all steps off the road.
pub(super) fn off_road(tracks: &[Track]) -> String {
    let steps: usize = tracks.iter().map(|track| track.steps).sum();
    let off: f64 = tracks.iter().map(|track| track.off_road * track.steps as f64).sum();
    format!("{} %", percent(off / steps.max(1) as f64))
}

/// A return, as the environment pays it.
pub(super) fn tenths(figure: f64) -> String {
    format!("{figure:.1}")
}

/// One line of a training.
pub(super) fn epoch(epoch: &Epoch) -> String {
    let Epoch { epoch, loss, train_top1, heldout_loss, heldout_top1, seconds, .. } = epoch;
    let held_out = format!("held out {:6.2} % (loss {heldout_loss:.4})", 100.0 * heldout_top1);
    if *epoch == 0 {
        return format!("start                                       {held_out}");
    }
    let train = format!("loss {loss:.4}  train {:6.2} %", 100.0 * train_top1);
    format!("epoch {epoch:3}  {train}  {held_out}  {seconds:.1} s")
}

/// What computes in float in a quantized network, and why; nothing when nothing does.
pub(super) fn left_in_float(left: &[LeftInFloat]) -> String {
    if left.is_empty() {
        return String::new();
    }
    let row =
        |left: &LeftInFloat| vec![format!("  {}", left.node), left.op.clone(), left.why.clone()];
    let rows: Vec<_> = left.iter().map(row).collect();
    format!("\nleft in float:\n{}", align(&rows, 3))
}

/// `Nx3x96x96`; a free dimension is `N` in front and `?` elsewhere.
pub(super) fn shape(shape: &[Option<usize>]) -> String {
    let free = |place: usize| if place == 0 { "N" } else { "?" };
    let dimension = |(place, size): (usize, &Option<usize>)| {
        size.map_or_else(|| free(place).to_owned(), |size| size.to_string())
    };
    shape.iter().enumerate().map(dimension).collect::<Vec<_>>().join("x")
}

/// Without the folders, which would make a column as wide as a page.
pub(super) fn file_name(model: &str) -> &str {
    model.rsplit(['/', '\\']).next().unwrap_or(model)
}

fn median(latency: &Latency) -> String {
    format!("{} ms {}", three_digits(latency.p50), interval(latency.ci95, three_digits))
}

/// The two ends of a 95 % interval.
pub(super) fn interval([low, high]: [f64; 2], figure: impl Fn(f64) -> String) -> String {
    format!("[{}, {}]", figure(low), figure(high))
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["layer", "n"], ["a", "10"], ["long name", "7"], ["é", ""]];
        let rows = rows.map(|row| row.map(String::from).to_vec());
        assert_eq!(align(&rows, 1), "layer       n\na          10\nlong name   7\né\n");
        assert_eq!(align(&[], 1), "");
    }

    #[test]
    fn free_dimensions_are_marked() {
        assert_eq!(shape(&[None, Some(3), Some(96), None]), "Nx3x96x?");
    }

    #[test]
    fn confusion_names_the_classes_it_can() {
        let confusion = vec![vec![3, 1], vec![0, 0]];
        let accuracy = Accuracy { top1: 0.75, ci95: [0.3, 0.95], n: 4, confusion };
        let text = super::confusion(&accuracy, &["0-left".into()]);
        let expected = "\ntrue class    right  as 0-left  as 1\n\
                        0-left      75.00 %          3     1\n\
                        1                 -          0     0\n";
        assert_eq!(text, expected);
    }
}
