//! Who judges what: for each output of a network its task, and the labels it is held against.

use std::ops::Range;

use super::{classes, distance, values};
use crate::error::{Error, Result};
use crate::figures::three_digits;
use crate::vocabulary::labels::{Column, Labels, Numbers};
use crate::vocabulary::report::{
    Accuracy, Change, ClassScore, FrameClasses, FromFloat, Series, ValueScore, Values,
};
use crate::vocabulary::task::{Bins, Judging, Task};

const WAY_OUT: &str = "Say what the outputs are: --task classes, values or none, or for each by its name, \
                       --task angle=values,light=classes.";

/// Labels and values whose sizes differ so much are told.
const FAR: f64 = 10.0;

/// An output of more numbers than this is not drawn over the frames.
const MOST_SERIES: usize = 8;

/// An output as a network makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Of its tensor.
    pub name: String,
    /// Numbers for a frame.
    pub len: usize,
    /// Whether those lie along one axis, as scores of classes do.
    pub is_row: bool,
}

/// A network's outputs, all numbers of a frame side by side, and what each is held against.
#[derive(Debug, Clone, PartialEq)]
pub struct Judge {
    parts: Vec<Part>,
    tolerance: Option<f64>,
}

/// An output, and what it is held against.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Of the output's tensor.
    pub name: String,
    /// What it says.
    pub task: Task,
    /// Which of a frame's numbers.
    pub place: Range<usize>,
    /// What it should say.
    pub truth: Truth,
    /// What the labels are called that say so, where they have names.
    columns: Vec<Option<String>>,
}

/// What is known of an output.
#[derive(Debug, Clone, PartialEq)]
pub enum Truth {
    /// No labels, or none that are judged.
    Nothing,
    /// The right class of each frame.
    Classes(Vec<u32>),
    /// Values whose bins are the classes.
    Binned {
        /// Where one class ends and the next begins.
        bins: Bins,
        /// The bin of each frame's value.
        classes: Vec<u32>,
        /// The value of each frame.
        values: Vec<f64>,
    },
    /// For each number of the output.
    Values(Vec<Vec<f64>>),
}

/// What was found about one network.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Of the first output that has classes.
    pub accuracy: Option<Accuracy>,
    /// Of the outputs of classes behind it.
    pub more_classes: Vec<ClassScore>,
    /// Of the outputs that are values.
    pub values: Option<Values>,
}

/// What was found about one network beside the float one.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Share of frames on which the first output's class is the float network's.
    pub agreement: Option<f64>,
    /// Of "as accurate as the float network".
    pub mcnemar_p: Option<f64>,
    /// Of the outputs of classes behind the first.
    pub more: Vec<[Option<f64>; 2]>,
    /// How far the answers are from the float network's.
    pub from_float: FromFloat,
    /// How much farther the values are from their labels.
    pub mae_change: Option<Vec<Change>>,
}

impl Judge {
    /// Takes what was said, and recognizes the rest: labels that are no whole numbers, or in more than one
    /// column, are of values; whole numbers in one column are classes where the first output is a row of
    /// more, and values where a network has a single one. Columns go to outputs by name where one has an
    /// output's, else in order. Without labels a first output that is a row has classes. Of frames that have
    /// both, classes and values, it takes one: values where outputs are called as those are, or give as many
    /// numbers, or no scores; else classes.
    ///
    /// # Errors
    /// Labels that fit no output, names of none, and labels that are no class of their output.
    pub fn of(
        outputs: &[Output],
        labels: Option<&Labels>,
        judging: &Judging,
        class_names: &[String],
    ) -> Result<Self> {
        for name in judging.outputs.keys().chain(judging.bins.keys()) {
            if outputs.iter().all(|output| output.name != *name) {
                let known: Vec<String> =
                    outputs.iter().map(|output| format!("`{}`", output.name)).collect();
                return Err(Error::new(format!("there is no output `{name}`"))
                    .way_out(format!("The network's outputs: {}.", known.join(", "))));
            }
        }
        let chosen = labels.and_then(|labels| of_both(outputs, labels, judging));
        let labels = chosen.as_ref().or(labels);
        let tasks = tasks(outputs, labels, judging)?;
        let mut columns = Columns::of(outputs, labels);
        let mut parts = Vec::with_capacity(outputs.len());
        let mut from = 0;
        for (output, task) in outputs.iter().zip(tasks) {
            let place = from..from + output.len;
            from = place.end;
            let bins = judging.bins.get(&output.name);
            let (truth, columns) = columns.truth(output, task, bins, class_names)?;
            parts.push(Part { name: output.name.clone(), task, place, truth, columns });
        }
        columns.check_all_taken(outputs)?;
        Ok(Self { parts, tolerance: judging.tolerance })
    }

    /// Output by output.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// As `--task` takes it.
    pub fn task(&self) -> String {
        let first = self.parts.first().map_or(Task::None, |part| part.task);
        if self.parts.iter().all(|part| part.task == first) {
            return first.name().into();
        }
        let said = |part: &Part| format!("{}={}", part.name, part.task.name());
        self.parts.iter().map(said).collect::<Vec<_>>().join(",")
    }

    /// Of all frames' numbers.
    pub fn score(&self, rows: &[Vec<f32>]) -> Scores {
        let mut classed = self.classed().map(|part| ClassScore {
            name: part.name.clone(),
            accuracy: part
                .known_classes()
                .map(|labels| classes::accuracy(&part.classes(rows), labels, part.place.len())),
            agreement_with_float: None,
            mcnemar_p: None,
        });
        let accuracy = classed.next().and_then(|first| first.accuracy);
        let more_classes = classed.collect();
        let scores: Vec<ValueScore> = self
            .known_values(rows)
            .map(|known| values::score(known.name, &known.values, known.labels, self.tolerance))
            .collect();
        let values = (!scores.is_empty()).then_some(Values { n: rows.len(), outputs: scores });
        Scores { accuracy, more_classes, values }
    }

    /// Of all frames' numbers, beside those of the float network.
    pub fn compare(&self, rows: &[Vec<f32>], float: &[Vec<f32>]) -> Comparison {
        let mut classed = self.classed().map(|part| {
            let [own, float] = [rows, float].map(|rows| part.classes(rows));
            let agreement = classes::agreement(&own, &float);
            let p = part.known_classes().map(|labels| classes::mcnemar(&own, &float, labels));
            [Some(agreement), p]
        });
        let [agreement, mcnemar_p] = classed.next().unwrap_or_default();
        let more = classed.collect();
        let changes: Vec<Change> = self
            .known_values(rows)
            .zip(self.known_values(float))
            .map(|(own, float)| values::change(own.name, &own.values, &float.values, own.labels))
            .collect();
        let mut outputs = Vec::new();
        for part in &self.parts {
            for (name, place) in part.distances() {
                let both = rows.iter().zip(float);
                let both = both.map(|(own, float)| (&own[place.clone()], &float[place.clone()]));
                outputs.push(distance::distance(name, both));
            }
        }
        Comparison {
            agreement,
            mcnemar_p,
            more,
            from_float: FromFloat { outputs },
            mae_change: (!changes.is_empty()).then_some(changes),
        }
    }

    /// What a frame's numbers say where they are values, by name; or where they are few and nobody knows what
    /// they are.
    pub fn values<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = (String, f32)> + 'a {
        let classed = self.parts.first().is_some_and(|part| part.task == Task::Classes);
        let told = move |part: &&Part| {
            let few = part.task == Task::None && part.place.len() <= MOST_SERIES && !classed;
            part.task == Task::Values || few
        };
        self.parts.iter().filter(told).flat_map(move |part| {
            let value = move |(i, at): (usize, usize)| (part.value_name(i), row[at]);
            part.place.clone().enumerate().map(value)
        })
    }

    /// Every value over the frames, as each network says it in `answers`; and without labels every number
    /// of a short output that has no classes.
    pub fn series(&self, answers: &[&[Vec<f32>]]) -> Vec<Series> {
        let mut all = Vec::new();
        for part in &self.parts {
            let short = part.task == Task::None && part.place.len() <= MOST_SERIES;
            if part.task != Task::Values && !short {
                continue;
            }
            for (i, at) in part.place.clone().enumerate() {
                let labels = match &part.truth {
                    Truth::Values(columns) => Some(columns[i].iter().map(|&x| x as f32).collect()),
                    _ => None,
                };
                let of = |rows: &&[Vec<f32>]| rows.iter().map(|row| row[at]).collect();
                let answers = answers.iter().map(of).collect();
                let name = part.value_name(i);
                let column = part.columns.get(i).cloned().flatten().filter(|own| *own != name);
                all.push(Series { name, column, labels, answers });
            }
        }
        all
    }

    /// What each of a frame's numbers is called.
    pub fn number_names(&self) -> Vec<String> {
        let names =
            |part: &Part| (0..part.place.len()).map(|i| part.value_name(i)).collect::<Vec<_>>();
        self.parts.iter().flat_map(names).collect()
    }

    /// Where labels have another unit than the values that they are for, as far as their sizes tell.
    pub fn misfits(&self, rows: &[Vec<f32>]) -> Vec<String> {
        let most = |values: &[f64]| values.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let misfit = |known: Known| {
            let [own, labels] = [&known.values[..], known.labels].map(most);
            let is_far = own > 0.0 && labels > 0.0 && (own >= FAR * labels || labels >= FAR * own);
            is_far.then(|| {
                let [own, labels] = [own, labels].map(three_digits);
                format!(
                    "the labels of `{}` go up to {labels}, its values to {own}: of another unit \
                     (--label-scale), or frames enter otherwise than it learned",
                    known.name
                )
            })
        };
        self.known_values(rows).filter_map(misfit).collect()
    }

    /// The first output of classes over all frames, as each network gives it in `answers`.
    pub fn frame_classes(&self, answers: &[&[Vec<f32>]]) -> Option<FrameClasses> {
        let part = self.classed().next()?;
        // There are no more classes than a u16 tells apart, which reading labels sees to.
        let narrow = |class: usize| u16::try_from(class).unwrap_or(u16::MAX);
        let of = |rows: &&[Vec<f32>]| part.classes(rows).into_iter().map(narrow).collect();
        let labels = part.known_classes();
        let labels = labels.map(|all| all.iter().map(|&class| narrow(class as usize)).collect());
        Some(FrameClasses { labels, answers: answers.iter().map(of).collect() })
    }

    fn classed(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.task == Task::Classes)
    }

    /// Every value that there are labels for.
    fn known_values<'a>(&'a self, rows: &'a [Vec<f32>]) -> impl Iterator<Item = Known<'a>> {
        self.parts.iter().flat_map(move |part| part.known_values(rows))
    }
}

/// A value of every frame, and its labels.
struct Known<'a> {
    name: String,
    values: Vec<f64>,
    labels: &'a [f64],
}

impl Part {
    fn classes(&self, rows: &[Vec<f32>]) -> Vec<usize> {
        rows.iter().map(|row| classes::top1(&row[self.place.clone()])).collect()
    }

    pub(super) fn known_classes(&self) -> Option<&[u32]> {
        match &self.truth {
            Truth::Classes(classes) | Truth::Binned { classes, .. } => Some(classes),
            Truth::Nothing | Truth::Values(_) => None,
        }
    }

    fn known_values<'a>(&'a self, rows: &'a [Vec<f32>]) -> Vec<Known<'a>> {
        match &self.truth {
            Truth::Nothing | Truth::Classes(_) => Vec::new(),
            Truth::Binned { bins, values: labels, .. } => {
                let values = self.classes(rows).into_iter().map(|class| bins.centre(class));
                vec![Known { name: self.name.clone(), values: values.collect(), labels }]
            }
            Truth::Values(labels) => {
                let value = |(i, labels): (usize, &'a Vec<f64>)| Known {
                    name: self.value_name(i),
                    values: rows.iter().map(|row| row[self.place.start + i].into()).collect(),
                    labels,
                };
                labels.iter().enumerate().map(value).collect()
            }
        }
    }

    /// `NAME`, or `NAME[i]` where it has several numbers.
    pub fn value_name(&self, i: usize) -> String {
        match self.place.len() {
            1 => self.name.clone(),
            _ => format!("{}[{i}]", self.name),
        }
    }

    /// What is measured apart: values have units of their own.
    fn distances(&self) -> Vec<(String, Range<usize>)> {
        match self.task {
            Task::Values => {
                let place = |i| self.place.start + i..self.place.start + i + 1;
                (0..self.place.len()).map(|i| (self.value_name(i), place(i))).collect()
            }
            Task::Classes | Task::None => vec![(self.name.clone(), self.place.clone())],
        }
    }
}

/// Those of the labels that suit, where frames have both, classes and values.
fn of_both(outputs: &[Output], labels: &Labels, judging: &Judging) -> Option<Labels> {
    let [classes, values] = labels.parted()?;
    let said: Vec<Task> = judging.outputs.values().copied().chain(judging.task).collect();
    let is_value = |output: &Output| values.iter().any(|v| v.name.as_deref() == Some(&output.name));
    let has_scores = outputs.first().is_some_and(|output| output.is_row && output.len >= 2);
    let numbers: usize = outputs.iter().map(|output| output.len).sum();
    let takes_values = match said[..] {
        [] => {
            !judging.bins.is_empty()
                || outputs.iter().any(is_value)
                || numbers == values.len()
                || !has_scores
        }
        _ => said.contains(&Task::Values) || !judging.bins.is_empty(),
    };
    Labels::new(if takes_values { values } else { classes }.to_vec()).map(Labels::found)
}

/// What each output says.
fn tasks(outputs: &[Output], labels: Option<&Labels>, judging: &Judging) -> Result<Vec<Task>> {
    let said = |output: &Output| {
        let binned = judging.bins.contains_key(&output.name).then_some(Task::Classes);
        judging.outputs.get(&output.name).copied().or(binned).or(judging.task)
    };
    let is_said = outputs.iter().any(|output| said(output).is_some());
    let first = outputs.first();
    let classed = |output: &&Output| output.is_row && output.len >= 2;
    let recognized = match labels.map(Labels::columns) {
        _ if is_said => None,
        None => first.filter(classed).map(|_| Task::Classes),
        Some([Column { numbers: Numbers::Classes(labels), .. }]) => {
            let all: usize = outputs.iter().map(|output| output.len).sum();
            let below = |len: usize| labels.iter().all(|&label| (label as usize) < len);
            match first {
                Some(first) if classed(&first) && below(first.len) => Some(Task::Classes),
                _ if all == 1 => Some(Task::Values),
                // Which label is none, is told.
                Some(first) if classed(&first) && outputs.len() == 1 => Some(Task::Classes),
                _ => return Err(unclear(outputs)),
            }
        }
        Some(columns) => {
            if is_one_hot(columns) {
                return Err(Error::new("the labels have a column for each class").way_out(
                    "They become class indices with y.argmax(axis=1); or say --task values.",
                ));
            }
            Some(Task::Values)
        }
    };
    let task = |(at, output): (usize, &Output)| match said(output) {
        Some(task) => task,
        // One column of classes is the first output's.
        None if at > 0 && recognized == Some(Task::Classes) => Task::None,
        None => recognized.unwrap_or(Task::None),
    };
    Ok(outputs.iter().enumerate().map(task).collect())
}

fn unclear(outputs: &[Output]) -> Error {
    let shapes: Vec<String> =
        outputs.iter().map(|output| format!("`{}` of {}", output.name, output.len)).collect();
    Error::new(format!(
        "whole numbers as labels do not tell what its outputs are ({} numbers a frame)",
        shapes.join(", ")
    ))
    .way_out(WAY_OUT)
}

/// Whether each frame has a 1 in one of at least three columns, and 0 in the others.
fn is_one_hot(columns: &[Column]) -> bool {
    let columns: Vec<_> = columns.iter().map(Column::values).collect();
    columns.len() >= 3
        && (0..columns[0].len()).all(|frame| {
            let ones = columns.iter().filter(|column| column[frame] == 1.0).count();
            let zeros = columns.iter().filter(|column| column[frame] == 0.0).count();
            ones == 1 && ones + zeros == columns.len()
        })
}

/// Columns of labels that wait for their outputs.
struct Columns<'a> {
    columns: &'a [Column],
    by_name: bool,
    /// Whether some may be left over.
    found: bool,
    taken: usize,
}

impl<'a> Columns<'a> {
    fn of(outputs: &[Output], labels: Option<&'a Labels>) -> Self {
        let columns = labels.map(Labels::columns).unwrap_or_default();
        let is_output = |column: &Column| {
            let is_named = |output: &Output| column.name.as_deref() == Some(&output.name);
            outputs.iter().any(is_named)
        };
        let found = labels.is_some_and(Labels::are_found);
        Self { columns, by_name: columns.iter().any(is_output), found, taken: 0 }
    }

    fn truth(
        &mut self,
        output: &Output,
        task: Task,
        bins: Option<&Bins>,
        class_names: &[String],
    ) -> Result<(Truth, Vec<Option<String>>)> {
        let count = match task {
            Task::None => return Ok((Truth::Nothing, Vec::new())),
            Task::Classes => 1,
            Task::Values => output.len,
        };
        if let Some(bins) = bins.filter(|bins| task != Task::Classes || bins.count != output.len) {
            return Err(Error::new(format!(
                "`{}` has {} numbers a frame, which are no classes for {} bins",
                output.name, output.len, bins.count
            ))
            .way_out(WAY_OUT));
        }
        let columns = self.take(output, count)?;
        let names = columns.iter().map(|column| column.name.clone()).collect();
        let Some(first) = columns.first() else { return Ok((Truth::Nothing, names)) };
        if task == Task::Values {
            let values = columns.iter().map(|column| column.values().into_owned());
            return Ok((Truth::Values(values.collect()), names));
        }
        if let Some(bins) = bins {
            let values = first.values().into_owned();
            let classes = values.iter().map(|&value| bins.bin(value) as u32).collect();
            return Ok((Truth::Binned { bins: *bins, classes, values }, names));
        }
        let name = |class: usize| class_names.get(class).cloned();
        Ok((Truth::Classes(first.classes(output.len, name)?.into_owned()), names))
    }

    /// The next `count` columns, or those with the output's name; none where there are none left.
    fn take(&mut self, output: &Output, count: usize) -> Result<&'a [Column]> {
        let named = |column: &Column| column.name.as_deref() == Some(&output.name);
        let (from, there) = match self.by_name {
            true => match self.columns.iter().position(named) {
                None => return Ok(&[]),
                Some(from) => (from, self.columns[from..].iter().take_while(|c| named(c)).count()),
            },
            false if self.taken == self.columns.len() => return Ok(&[]),
            false => (self.taken, self.columns.len() - self.taken),
        };
        if there < count || self.by_name && there > count {
            return Err(Error::new(format!(
                "the labels have {there} columns for `{}`, which takes {count}",
                output.name
            ))
            .way_out(WAY_OUT));
        }
        self.taken += count;
        Ok(&self.columns[from..from + count])
    }

    /// Labels that were not asked for say that something else was meant, unless they have names, or nobody
    /// chose them.
    fn check_all_taken(&self, outputs: &[Output]) -> Result<()> {
        let count = self.columns.len();
        if self.by_name || self.found || self.taken == count || self.taken == 0 {
            return Ok(());
        }
        let all: usize = outputs.iter().map(|output| output.len).sum();
        Err(Error::new(format!(
            "the labels have {count} columns, of which the outputs take {} ({all} numbers a frame)",
            self.taken
        ))
        .way_out(WAY_OUT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(lens: &[usize]) -> Vec<Output> {
        let names = ["angle", "throttle", "light"];
        let output = |(name, &len): (&str, &usize)| Output { name: name.into(), len, is_row: true };
        names.into_iter().zip(lens).map(output).collect()
    }

    fn classes(classes: &[u32]) -> Option<Labels> {
        Some(Labels::of_classes(classes.to_vec()))
    }

    fn values(columns: &[(&str, &[f64])]) -> Option<Labels> {
        let column = |(name, values): &(&str, &[f64])| Column {
            name: (!name.is_empty()).then(|| (*name).to_owned()),
            numbers: Numbers::Values(values.to_vec()),
        };
        Labels::new(columns.iter().map(column).collect())
    }

    fn judge(lens: &[usize], labels: &Option<Labels>, judging: &Judging) -> Result<Judge> {
        Judge::of(&outputs(lens), labels.as_ref(), judging, &[])
    }

    fn said(tasks: &[(&str, Task)]) -> Judging {
        let outputs = tasks.iter().map(|(name, task)| ((*name).to_owned(), *task));
        Judging { outputs: outputs.collect(), ..Judging::default() }
    }

    #[test]
    fn columns_that_nobody_chose_may_be_left_over_and_units_are_compared() {
        let labels = values(&[("steering", &[45.0, -20.0]), ("throttle", &[0.5, 0.0])]);
        assert!(judge(&[1], &labels, &Judging::default()).is_err());
        let found = labels.map(Labels::found);
        let judge = judge(&[1], &found, &Judging::default()).unwrap();
        let told = judge.misfits(&[vec![0.5], vec![-1.0]]);
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("`angle` go up to 45.0, its values to 1.00"), "{told:?}");
        assert_eq!(judge.misfits(&[vec![40.0], vec![4.6]]), [""; 0]);
    }

    #[test]
    fn a_series_says_what_its_labels_are_called_if_that_is_news() {
        let titles = |lens: &[usize], columns: &[(&str, &[f64])]| {
            let judge = judge(lens, &values(columns), &Judging::default()).unwrap();
            let row = vec![0.0; lens.iter().sum()];
            let series = judge.series(&[&[row]]);
            series.iter().map(Series::title).collect::<Vec<_>>()
        };
        let half = &[0.5][..];
        assert_eq!(
            titles(&[2], &[("steering", half), ("brake", half)]),
            ["angle[0] (steering)", "angle[1] (brake)"]
        );
        assert_eq!(titles(&[1], &[("angle", half)]), ["angle"]);
        assert_eq!(titles(&[1], &[("", half)]), ["angle"]);
    }

    #[test]
    fn what_outputs_say_is_recognized_by_their_labels() {
        let (half, two) = (&[0.5, 0.0][..], &[("", &[0.5, 0.0][..]), ("", &[1.0, 2.0])][..]);
        let cases = [
            (&[5][..], classes(&[0, 4]), "classes"),
            (&[1], classes(&[0, 4]), "values"),
            (&[5, 1], classes(&[0, 4]), "angle=classes,throttle=none"),
            (&[1], values(&[("", half)]), "values"),
            (&[2], values(two), "values"),
            (&[1, 1], values(two), "values"),
            (&[5], None, "classes"),
            (&[1], None, "none"),
            (&[5, 3], None, "angle=classes,throttle=none"),
        ];
        for (lens, labels, task) in cases {
            let judge = judge(lens, &labels, &Judging::default());
            assert_eq!(judge.map(|judge| judge.task()), Ok(task.to_owned()), "{lens:?} {labels:?}");
        }
    }

    #[test]
    fn of_frames_with_classes_and_values_a_network_takes_what_it_says() {
        let both = values(&[("angle", &[0.5, -0.5]), ("throttle", &[1.0, 0.0])]);
        let both = both.and_then(|values| values.beside_classes(vec![0, 4]));
        let task = |lens: &[usize], judging: &Judging| judge(lens, &both, judging).unwrap().task();
        let (plain, classes) =
            (Judging::default(), Judging { task: Some(Task::Classes), ..Judging::default() });
        assert_eq!(task(&[1, 1], &plain), "values");
        let named_otherwise = |len| {
            let output = Output { name: "y".into(), len, is_row: true };
            Judge::of(&[output], both.as_ref(), &plain, &[]).unwrap().task()
        };
        assert_eq!([1, 2, 5].map(named_otherwise), ["values", "values", "classes"]);
        assert_eq!(task(&[5], &classes), "classes");
    }

    #[test]
    fn what_fits_nothing_says_what_may_be_said() {
        let one_hot = values(&[("", &[1.0, 0.0]), ("", &[0.0, 0.0]), ("", &[0.0, 1.0])]);
        let cases = [
            (judge(&[5], &classes(&[0, 5]), &Judging::default()), "label 5 of frame 1"),
            (judge(&[5], &values(&[("", &[0.5])]), &Judging::default()), "1 columns for `angle`"),
            (judge(&[1, 1], &classes(&[0, 7]), &Judging::default()), "do not tell"),
            (judge(&[3], &one_hot, &Judging::default()), "a column for each class"),
            (judge(&[1], &values(&[("", &[0.5]), ("", &[1.0])]), &Judging::default()), "take 1"),
            (judge(&[1], &None, &said(&[("speed", Task::Values)])), "no output `speed`"),
            (
                judge(&[3], &values(&[("", &[0.5])]), &said(&[("angle", Task::Classes)])),
                "label 0.5 of frame 0 is no class",
            ),
        ];
        for (judge, what) in cases {
            let error = judge.expect_err(what);
            assert!(error.what.contains(what), "{error}");
        }
        // A detector's boxes are no classes.
        let boxes = [Output { name: "boxes".into(), len: 8840, is_row: false }];
        let labels = classes(&[0, 1]);
        let error = Judge::of(&boxes, labels.as_ref(), &Judging::default(), &[]).unwrap_err();
        assert!(error.to_string().contains("--task"), "{error}");
    }

    #[test]
    fn columns_go_to_outputs_by_name_or_in_order() {
        let rows = [vec![1.0, 2.0, 0.0, 9.0], vec![3.0, 4.0, 8.0, 0.0]];
        let named =
            values(&[("brake", &[0.0; 2]), ("throttle", &[2.5, 4.0]), ("angle", &[1.0, 4.0])]);
        let by_name = judge(&[1, 1, 2], &named, &Judging::default()).unwrap().score(&rows);
        let maes = |scores: &Scores| {
            let outputs = &scores.values.as_ref().unwrap().outputs;
            outputs.iter().map(|score| (score.name.clone(), score.mae)).collect::<Vec<_>>()
        };
        assert_eq!(maes(&by_name), [("angle".into(), 0.5), ("throttle".into(), 0.25)]);

        let in_order = values(&[("", &[1.0, 4.0]), ("", &[2.5, 4.0]), ("", &[1.0, 0.0])]);
        let mixed =
            said(&[("angle", Task::Values), ("throttle", Task::Values), ("light", Task::Classes)]);
        let scores = judge(&[1, 1, 2], &in_order, &mixed).unwrap().score(&rows);
        assert_eq!(maes(&scores), maes(&by_name));
        assert_eq!(scores.accuracy.unwrap().top1, 1.0);
        assert!(scores.more_classes.is_empty());

        let several = judge(&[2], &values(&[("", &[1.0]), ("", &[2.0])]), &Judging::default());
        let scores = several.unwrap().score(&[vec![1.5, 2.0]]);
        assert_eq!(maes(&scores), [("angle[0]".into(), 0.5), ("angle[1]".into(), 0.0)]);
    }

    #[test]
    fn classes_may_stand_for_values() {
        let bins = Judging {
            bins: [("angle".to_owned(), Bins { low: -1.0, high: 1.0, count: 3 })].into(),
            ..Judging::default()
        };
        let labels = values(&[("", &[-0.9, 0.25])]);
        let judge = judge(&[3, 1], &labels, &bins).unwrap();
        assert_eq!(judge.task(), "angle=classes,throttle=none");
        let scores = judge.score(&[vec![5.0, 0.0, 0.0, 7.0], vec![0.0, 0.0, 5.0, 7.0]]);
        assert_eq!(scores.accuracy.unwrap().top1, 0.5);
        let score = &scores.values.unwrap().outputs[0];
        assert!((score.mae - (0.1 + 0.75) / 2.0).abs() < 1e-12, "{score:?}");
    }

    #[test]
    fn every_output_is_held_against_the_float_network() {
        let labels = values(&[("", &[1.0, 2.0])]);
        let judging = said(&[("angle", Task::Values), ("throttle", Task::Classes)]);
        let judge = judge(&[1, 2, 1], &labels, &judging).unwrap();
        let float = [vec![1.0, 0.0, 1.0, 3.0], vec![2.0, 0.0, 1.0, 3.0]];
        let own = [vec![1.5, 0.0, 1.0, 3.0], vec![2.5, 1.0, 0.0, 5.0]];
        let Comparison { agreement, mcnemar_p, from_float, mae_change, .. } =
            judge.compare(&own, &float);
        assert_eq!((agreement, mcnemar_p), (Some(0.5), None));
        let moved: Vec<_> = from_float.outputs.iter().map(|o| (&*o.name, o.max_abs)).collect();
        assert_eq!(moved, [("angle", 0.5), ("throttle", 1.0), ("light", 2.0)]);
        assert_eq!(mae_change.unwrap()[0].change, 0.5);
    }
}
