//! Results as text.

use crate::figures::{bytes, count, percent};
use crate::report::rows::{self, file_name};
use crate::vocabulary::driving::Track;
use crate::vocabulary::quantization::LeftInFloat;
use crate::vocabulary::report::{Accuracy, Report};
use crate::vocabulary::search::Trial;
use crate::vocabulary::training::{Epoch, Score};

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
    let head = |name: &str, cell: &dyn Fn(&Report) -> String| {
        std::iter::once(name.to_owned()).chain(reports.iter().map(cell)).collect::<Vec<_>>()
    };
    let mut rows = vec![head("", &|report| report.variant.clone())];
    if !same_model {
        rows.push(head("model", &|report| file_name(&report.model).to_owned()));
    }
    rows.extend(rows::of_reports(reports).into_iter().map(|row| {
        let indent = if row.is_part { "  " } else { "" };
        let cells = row.cells.iter().map(|cell| match cell {
            Some(cell) => cell.told(),
            None => "-".into(),
        });
        std::iter::once(format!("{indent}{}", row.heading())).chain(cells).collect()
    }));
    rows.push(head("kernels", &|report| report.kernels.clone()));
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

/// One line of a training.
pub(super) fn epoch(epoch: &Epoch) -> String {
    let Epoch { epoch, score, loss, train_score, heldout_loss, heldout_score, seconds, .. } = epoch;
    let written = |figure: f64| match score {
        Score::Top1 => format!("{:6.2} %", 100.0 * figure),
        Score::Mae => format!("MAE {figure:.5}"),
    };
    let held_out = format!("held out {} (loss {heldout_loss:.4})", written(*heldout_score));
    let train = format!("loss {loss:.4}  train {}", written(*train_score));
    if *epoch == 0 {
        // Under those of the epochs.
        return format!("start{:width$}{held_out}", "", width = 8 + train.len());
    }
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
