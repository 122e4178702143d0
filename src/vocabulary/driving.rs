//! How networks are let drive CarRacing, and what comes of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::preprocessing::Preprocessing;
use crate::error::{Error, Result};

/// Steps before the first decision, in which the car is told nothing: the camera zooms in meanwhile.
pub const WAIT: usize = 50;

/// More would take days.
pub const MOST_TRACKS: usize = 10_000;
const MOST_STEPS: usize = 1_000_000;

/// Whole numbers up to here are the same on the page.
const MOST_SEED: u64 = 1 << 53;

/// Parts of a lap for which it is told how far drives come apart.
pub const PARTS: usize = 10;

/// How far two decisions may be from one another, in any of steering, gas and brake, to be the same; the
/// discrete actions are farther apart.
pub const SAME: f64 = 0.1;

/// How networks are let drive: as the bundled ones were trained, unless somebody says otherwise. The default is
/// 10 tracks from seed 20000, at most 1,000 steps of each, a decision for every 3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoadTest {
    /// Tracks that each network drives.
    pub tracks: usize,
    /// The seed of the first; the others follow.
    pub from: u64,
    /// Steps of an episode at most, 0.02 s each, those of the wait among them.
    pub steps: usize,
    /// Steps for which a decision is kept.
    pub frame_skip: usize,
    /// What the outputs say; without it those that are called as a [`Control`] is set that, else the first has a
    /// score for each of the five discrete actions.
    pub outputs: Option<Outputs>,
    /// The speed that is kept where no output says the gas, in units a second.
    pub target_speed: f64,
    /// How pictures enter; several of a stack are those of decisions.
    pub preprocessing: Option<Preprocessing>,
}

impl Default for RoadTest {
    fn default() -> Self {
        Self {
            tracks: 10,
            from: 20_000,
            steps: 1000,
            frame_skip: 3,
            outputs: None,
            target_speed: 40.0,
            preprocessing: None,
        }
    }
}

impl RoadTest {
    /// The tracks by their seeds.
    pub fn seeds(&self) -> Vec<u64> {
        (self.from..).take(self.tracks).collect()
    }

    /// # Errors
    /// What nobody can drive by.
    pub fn check(&self) -> Result<()> {
        let last = self.from.checked_add(self.tracks as u64);
        if !(1..=MOST_TRACKS).contains(&self.tracks) || last.is_none_or(|last| last > MOST_SEED) {
            return Err(Error::new(format!(
                "there are 1 to {MOST_TRACKS} tracks, with seeds up to 2^53"
            )));
        }
        if self.frame_skip == 0 {
            return Err(Error::new("a decision is kept for at least one step"));
        }
        if !(WAIT + 1..=MOST_STEPS).contains(&self.steps) {
            return Err(Error::new(format!(
                "{} steps are not between {WAIT}, after which the first decision falls, and {MOST_STEPS}",
                self.steps
            )));
        }
        if !(self.target_speed.is_finite() && self.target_speed > 0.0) {
            return Err(Error::new("the target speed is not above 0"));
        }
        Ok(())
    }
}

/// What a driver sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// -1 is full left, 1 full right.
    Steering,
    /// 0 to 1.
    Gas,
    /// 0 to 1; from 0.9 the wheels are blocked.
    Brake,
}

impl Control {
    /// In the order in which a simulator takes them.
    pub const ALL: [Self; 3] = [Self::Steering, Self::Gas, Self::Brake];

    /// As `--outputs` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steering => "steering",
            Self::Gas => "gas",
            Self::Brake => "brake",
        }
    }
}

/// What one number of the outputs sets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sets {
    /// What the number sets.
    pub control: Control,
    /// What the number is multiplied by first, its sign included.
    pub factor: f64,
}

/// What the numbers of all outputs, side by side, set; `None` is a number that is not used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outputs(Vec<Option<Sets>>);

impl Outputs {
    /// # Errors
    /// Nothing steers, or two numbers set the same.
    pub fn new(columns: Vec<Option<Sets>>) -> Result<Self, String> {
        let outputs = Self(columns);
        for control in Control::ALL {
            let named = outputs.0.iter().flatten().filter(|sets| sets.control == control).count();
            if named > 1 {
                return Err(format!("`{}` is named {named} times", control.name()));
            }
        }
        match outputs.have(Control::Steering) {
            true => Ok(outputs),
            false => Err("nothing is said of `steering`".into()),
        }
    }

    /// For each number of the outputs.
    pub fn columns(&self) -> &[Option<Sets>] {
        &self.0
    }

    /// Whether one of them sets `control`.
    pub fn have(&self, control: Control) -> bool {
        self.0.iter().flatten().any(|sets| sets.control == control)
    }
}

impl FromStr for Outputs {
    type Err = String;

    /// `steering,gas,brake`, each with a sign in front and `*` and a factor behind where wanted; `_` for
    /// a number that is not used.
    fn from_str(text: &str) -> Result<Self, String> {
        let columns = text.split(',').map(|column| sets(column.trim()));
        Self::new(columns.collect::<Result<_, _>>()?)
    }
}

/// As they are read.
impl fmt::Display for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, column) in self.0.iter().enumerate() {
            f.write_str(if i > 0 { "," } else { "" })?;
            match column {
                None => f.write_str("_")?,
                Some(Sets { control, factor }) => {
                    f.write_str(if *factor < 0.0 { "-" } else { "" })?;
                    f.write_str(control.name())?;
                    if factor.abs() != 1.0 {
                        write!(f, "*{}", factor.abs())?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn sets(column: &str) -> Result<Option<Sets>, String> {
    if column == "_" {
        return Ok(None);
    }
    let (sign, rest) = match column.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, column),
    };
    let (name, factor) = rest.split_once('*').unwrap_or((rest, "1"));
    let control = Control::ALL.into_iter().find(|control| control.name() == name.trim());
    let factor = factor.trim().parse::<f64>().ok().filter(|f| f.is_finite() && *f != 0.0);
    match (control, factor) {
        (Some(control), Some(factor)) => Ok(Some(Sets { control, factor: sign * factor })),
        (None, _) => Err(format!(
            "`{column}` is no output of a driver: `steering`, `gas`, `brake` are, as -steering*0.5, and \
             `_` for one that is not used"
        )),
        (_, None) => Err(format!("`{column}` has no factor such as -steering*0.5 has")),
    }
}

/// What a drive came to.
///
/// Its JSON is a contract (`steer8 drive --json`): fields are added, never renamed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// Of the track.
    pub seed: u64,
    /// The sum of all rewards: 1000 shared out among the tiles, less 0.1 a step, less 100 beyond the field.
    #[serde(rename = "return")]
    pub total: f64,
    /// Tiles that were visited, and how many there are.
    pub tiles: usize,
    /// Tiles that there are.
    pub of_tiles: usize,
    /// Steps that the drive took.
    pub steps: usize,
    /// Whether the lap was finished.
    pub finished: bool,
    /// Share of the steps after which no wheel stood on the road.
    pub off_road: f64,
}

/// A network's drives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Driven {
    /// The network's name.
    pub model: String,
    /// As a report has it.
    pub variant: String,
    /// Mean return.
    pub mean: f64,
    /// Its 95 % interval over the tracks; `None` for a single one.
    pub ci95: Option<[f64; 2]>,
    /// Each drive, in the order of the seeds.
    pub tracks: Vec<Track>,
}

/// Two networks on the same tracks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Their names.
    pub models: [String; 2],
    /// The second's return less the first's, on average.
    pub mean_difference: f64,
    /// Its 95 % interval over the tracks; `None` for a single one.
    pub ci95: Option<[f64; 2]>,
    /// The sign test's two-sided p-value of "each is the better one equally often".
    pub p: f64,
    /// For each track the step before which they first decide otherwise (see [`SAME`]); `None` if never.
    pub first_disagreement: Vec<Option<usize>>,
    /// For each tenth of the lap how far their ways are from one another, on average over the tracks, at the
    /// same places; `None` where not both came.
    pub apart: Vec<Option<f64>>,
}

/// How networks drive for a search: each trial few tracks, more as long as it is not decided whether enough is
/// kept, and all before it is the best.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RoadSearch {
    /// Its tracks are the most that a trial drives.
    pub test: RoadTest,
    /// So many tracks behind those, which have chosen nothing, say whether the target holds.
    pub unseen: usize,
}

/// What is kept of the float network's return.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// How many were driven.
    pub tracks: usize,
    /// Mean return over the float network's, on the same tracks.
    pub share: f64,
    /// Mean return.
    pub mean: f64,
    /// How much the mean return is above the wanted share of the float network's, with its 95 % interval,
    /// track by track.
    pub margin: f64,
    /// The margin's interval.
    pub margin_ci95: [f64; 2],
}

impl Kept {
    /// What the margin's interval says.
    pub fn verdict(&self) -> Verdict {
        match self.margin_ci95 {
            [low, _] if low >= 0.0 => Verdict::Holds,
            [_, high] if high < 0.0 => Verdict::DoesNotHold,
            _ => Verdict::NotDecided,
        }
    }
}

/// What the interval says of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// All of the interval meets it.
    #[serde(rename = "holds")]
    Holds,
    /// None of the interval meets it.
    #[serde(rename = "does not hold")]
    DoesNotHold,
    /// The interval has both.
    #[serde(rename = "not decided")]
    NotDecided,
}

impl Verdict {
    /// As a table shows it.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::NotDecided => "not decided",
        }
    }
}

/// A network's mean return, and how it is beside the float network's on the same tracks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReturnChange {
    /// Mean return.
    pub mean: f64,
    /// The mean less the float network's, its 95 % interval over the tracks (`None` for a single one), and the
    /// sign test's p-value.
    pub change: f64,
    /// Of the change.
    pub ci95: Option<[f64; 2]>,
    /// Of "each is the better one equally often".
    pub p: f64,
}

/// What an analysis drives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Losses {
    /// How many each network drove.
    pub tracks: usize,
    /// The float network's mean return.
    pub float: f64,
    /// The whole network quantized.
    pub quantized: ReturnChange,
    /// Of each layer, by its node's name, in the order of the account.
    pub layers: Vec<LayerLoss>,
}

/// What quantizing a layer costs on the road.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerLoss {
    /// Its name.
    pub node: String,
    /// The rest of the network is float.
    pub only_this_quantized: ReturnChange,
    /// The rest of the network is quantized.
    pub only_this_float: ReturnChange,
}

/// A network's drives beside the float network's on the same tracks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Driving {
    /// Its own drives.
    #[serde(flatten)]
    pub driven: Driven,
    /// Track by track; `None` for the float network itself.
    pub against_float: Option<Pair>,
}

/// What all networks came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drives {
    /// In the order in which they were given.
    pub results: Vec<Driven>,
    /// Each with each behind it.
    pub pairs: Vec<Pair>,
    /// Somebody stopped it before its end: there are fewer tracks.
    pub stopped: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_have_signs_and_factors() {
        let outputs: Outputs = "-steering*0.5, _,gas".parse().unwrap();
        let sets = |control, factor| Some(Sets { control, factor });
        let expected = [sets(Control::Steering, -0.5), None, sets(Control::Gas, 1.0)];
        assert_eq!(outputs.columns(), expected);
        assert!(outputs.have(Control::Gas) && !outputs.have(Control::Brake));
        assert_eq!(outputs.to_string(), "-steering*0.5,_,gas");
        for (text, why) in [
            ("gas", "nothing is said of `steering`"),
            ("steering,steering", "named 2 times"),
            ("steering,throttle", "`throttle` is no output"),
            ("steering*x", "no factor"),
            ("steering*0", "no factor"),
            ("", "is no output"),
        ] {
            let error = text.parse::<Outputs>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn what_nobody_can_drive_by_is_told() {
        let test = RoadTest::default();
        assert_eq!((test.check(), test.seeds()[9]), (Ok(()), 20_009));
        let wrong = [
            RoadTest { tracks: 0, ..test.clone() },
            RoadTest { tracks: MOST_TRACKS + 1, ..test.clone() },
            RoadTest { steps: usize::MAX, ..test.clone() },
            RoadTest { frame_skip: 0, ..test.clone() },
            RoadTest { steps: 50, ..test.clone() },
            RoadTest { from: u64::MAX, ..test.clone() },
            RoadTest { target_speed: f64::NAN, ..test },
        ];
        assert!(wrong.iter().all(|test| test.check().is_err()));
    }
}
