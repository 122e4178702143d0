//! The plan: everything that decides how a network is trained, besides the recipe and the frames.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::task::{Judging, Task};
use crate::error::{Error, Result};

/// How parameters are moved along their gradients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Optimizer {
    /// Kingma and Ba 2015, with decoupled weight decay (Loshchilov and Hutter 2019).
    #[default]
    Adam,
    /// Stochastic gradient descent with momentum.
    Sgd,
}

impl Optimizer {
    /// The peak learning rate where the plan names none. Steps of Adam do not know how near a value is already:
    /// those that are usual for classes leave a steering angle farther off than it was.
    pub fn learning_rate(self, task: Task) -> f32 {
        match (self, task) {
            (Self::Adam, Task::Values) => 1e-4,
            (Self::Adam, _) => 1e-3,
            (Self::Sgd, _) => 1e-2,
        }
    }
}

/// How the learning rate runs over a number of epochs that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Schedule {
    /// Up to the peak in the first three tenths, then down to hardly anything, both along a cosine
    /// (Smith and Topin 2018, as PyTorch's `OneCycleLR`).
    #[default]
    OneCycle,
    /// After the warm-up down to 0 along a cosine.
    Cosine,
    /// After the warm-up a tenth of it after half of the epochs, a hundredth after three quarters.
    Step,
}

/// Where scales come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Scales {
    /// Trained like weights (Esser et al., "Learned Step Size Quantization", 2020).
    #[default]
    Learned,
    /// Those of activations follow the smallest and largest value of each batch, averaged with a
    /// constant of 0.01; those of weights follow the weights.
    MovingAverage,
}

/// Which frames are also shown as a mirror shows them, every time at even odds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mirror {
    /// All, if the classes are those of the bundled frames; else none.
    #[default]
    Auto,
    /// None.
    Off,
    /// All, and these pairs of classes change places.
    Classes(Vec<[usize; 2]>),
    /// All, and these pairs of classes change places, these values their sign.
    Sides {
        /// Pairs by their indices.
        classes: Vec<[usize; 2]>,
        /// Outputs by their names.
        values: Vec<String>,
    },
}

/// How far an answer is from its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// The mean of an output's squared errors.
    Mse,
    /// Half the squared error up to an error of 1, beyond it the error less a half (Huber 1964, as
    /// PyTorch's `HuberLoss`).
    Huber,
    /// The mean of an output's absolute errors.
    L1,
    /// Of classes, and of values from 0 to 1 that a Sigmoid makes.
    CrossEntropy,
}

impl Loss {
    /// In the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Mse, Self::Huber, Self::L1, Self::CrossEntropy];

    /// As `--loss` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mse => "mse",
            Self::Huber => "huber",
            Self::L1 => "l1",
            Self::CrossEntropy => "cross-entropy",
        }
    }
}

impl FromStr for Loss {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|loss| loss.name() == text);
        known.ok_or_else(|| {
            format!("`{text}` is no loss: {} are", Self::ALL.map(Self::name).join(", "))
        })
    }
}

/// Everything that decides how a network is trained, besides the recipe and the frames.
///
/// The default trains until convergence in batches of 64, by Adam along one cycle, with learned scales and a tenth
/// of the frames held out. Its JSON goes into the trained file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Of this form of a plan.
    pub version: u32,
    /// `None`: until convergence, see [`Plan::MAX_EPOCHS`].
    pub epochs: Option<usize>,
    /// Frames of a step.
    pub batch: usize,
    /// What moves the parameters.
    pub optimizer: Optimizer,
    /// The highest; `None`: the optimizer's own.
    pub learning_rate: Option<f32>,
    /// Of SGD.
    pub momentum: f32,
    /// Of weights; biases, normalizations and scales do not decay.
    pub weight_decay: f32,
    /// For a given number of epochs.
    pub schedule: Schedule,
    /// Epochs in which the learning rate rises from 0, except along one cycle.
    pub warm_up: f32,
    /// Where scales come from.
    pub scales: Scales,
    /// Epochs after which ranges that follow an average stay.
    pub freeze_observers: usize,
    /// Epochs after which BatchNormalization is frozen and folded.
    pub freeze_batch_norm: usize,
    /// Share of every label that goes evenly to all classes.
    pub label_smoothing: f32,
    /// Share of the loss that is the distance from the float network's answers (Hinton et al. 2015).
    pub distillation: f32,
    /// Divides logits before they are compared for distillation.
    pub temperature: f32,
    /// Which frames are shown mirrored, too.
    pub mirror: Mirror,
    /// What the outputs say, as far as somebody said it.
    #[serde(skip_serializing_if = "says_nothing")]
    pub judging: Judging,
    /// Of every output that is not named; `None`: cross-entropy for classes, squared errors for values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// Of outputs by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub losses: BTreeMap<String, Loss>,
    /// What an output's loss is multiplied with, 1 where it is not named.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub loss_weights: BTreeMap<String, f32>,
    /// Train on so many of the frames; `None`: all.
    pub frames: Option<usize>,
    /// Share of the frames that is held out: it chooses the best epoch.
    pub held_out: f32,
    /// Which frames are held out, and the order and mirroring of the others.
    pub seed: u64,
}

fn says_nothing(judging: &Judging) -> bool {
    *judging == Judging::default()
}

impl Plan {
    /// What this version of Steer8 writes and reads.
    pub const VERSION: u32 = 1;
    /// Most epochs of a training until convergence.
    ///
    /// It converges so: whenever the loss on held-out frames has not fallen below its least by
    /// [`Plan::PROGRESS`] of it for [`Plan::PATIENCE`] epochs, the learning rate falls to a third;
    /// when that would be the third fall, training ends.
    pub const MAX_EPOCHS: usize = 60;
    /// Epochs without progress before the learning rate falls.
    pub const PATIENCE: usize = 2;
    /// Share of the least loss by which it has to fall to count.
    pub const PROGRESS: f64 = 0.01;
    /// Of the learning rate, before a training ends.
    pub const FALLS: usize = 2;

    /// The highest learning rate, for classes where none is named.
    pub fn peak(&self) -> f32 {
        self.learning_rate.unwrap_or(self.optimizer.learning_rate(Task::Classes))
    }

    /// The plan with what it leaves to the task.
    pub fn settled(&self, task: Task) -> Self {
        let usual = self.optimizer.learning_rate(task);
        Self { learning_rate: self.learning_rate.or(Some(usual)), ..self.clone() }
    }

    /// The learning rate of step `step` of `steps` in all, `per_epoch` of them an epoch.
    pub fn rate(&self, step: usize, steps: usize, per_epoch: usize) -> f64 {
        let peak = f64::from(self.peak());
        let warm = f64::from(self.warm_up) * per_epoch as f64;
        let rise = if warm > 0.0 { ((step + 1) as f64 / warm).min(1.0) } else { 1.0 };
        let done = step as f64 / (steps.max(2) - 1) as f64;
        // From `from` to `to` while `share` goes from 0 to 1.
        let cosine = |from: f64, to: f64, share: f64| {
            to + (from - to) / 2.0 * (1.0 + libm::cos(std::f64::consts::PI * share))
        };
        if self.epochs.is_none() {
            return peak * rise;
        }
        match self.schedule {
            Schedule::OneCycle if done < 0.3 => cosine(peak / 25.0, peak, done / 0.3),
            Schedule::OneCycle => cosine(peak, peak / 25e4, (done - 0.3) / 0.7),
            Schedule::Cosine => rise * cosine(peak, 0.0, done),
            Schedule::Step if done < 0.5 => rise * peak,
            Schedule::Step if done < 0.75 => rise * peak / 10.0,
            Schedule::Step => rise * peak / 100.0,
        }
    }

    /// # Errors
    /// None that a plan can cause.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::new(error.to_string()))
    }

    /// Checks what no type can.
    ///
    /// # Errors
    /// Another version, and figures outside their range.
    pub fn check(&self) -> Result<()> {
        if self.version != Self::VERSION {
            return Err(Error::new(format!("the training plan has version {}", self.version))
                .way_out(format!("This program reads plans of version {}.", Self::VERSION)));
        }
        let share = |x: f32| (0.0..=1.0).contains(&x);
        let checks = [
            (self.epochs != Some(0), "epochs: at least 1"),
            (self.batch > 0, "frames of a batch: at least 1"),
            (self.peak() > 0.0 && self.peak().is_finite(), "learning rate: above 0"),
            (self.momentum >= 0.0 && self.momentum < 1.0, "momentum: 0 to 1, less than 1"),
            (self.weight_decay >= 0.0 && self.weight_decay < 1.0, "weight decay: 0 to 1"),
            (self.warm_up >= 0.0 && self.warm_up.is_finite(), "warm-up: 0 epochs or more"),
            (share(self.label_smoothing), "label smoothing: 0 to 1"),
            (share(self.distillation), "distillation: 0 to 1"),
            (self.temperature > 0.0 && self.temperature.is_finite(), "temperature: above 0"),
            (
                self.loss_weights.values().all(|&weight| weight > 0.0 && weight.is_finite()),
                "weights of losses: above 0",
            ),
            (self.held_out > 0.0 && self.held_out < 1.0, "held-out share: between 0 and 1"),
        ];
        match checks.iter().find(|(fine, _)| !fine) {
            Some((_, what)) => Err(Error::new("the training plan is impossible")
                .way_out(format!("Choose the {what}."))),
            None => Ok(()),
        }
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            epochs: None,
            batch: 64,
            optimizer: Optimizer::default(),
            learning_rate: None,
            momentum: 0.9,
            weight_decay: 1e-4,
            schedule: Schedule::default(),
            warm_up: 0.5,
            scales: Scales::default(),
            freeze_observers: 3,
            freeze_batch_norm: 4,
            label_smoothing: 0.05,
            distillation: 0.0,
            temperature: 2.0,
            mirror: Mirror::default(),
            judging: Judging::default(),
            loss: None,
            losses: BTreeMap::new(),
            loss_weights: BTreeMap::new(),
            frames: None,
            held_out: 0.1,
            seed: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_begin_peak_and_end_where_they_should() {
        let plan = |schedule| Plan { epochs: Some(10), schedule, warm_up: 1.0, ..Plan::default() };
        let rates = |plan: &Plan| -> Vec<f64> { (0..100).map(|s| plan.rate(s, 100, 10)).collect() };
        let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-6;
        let one = rates(&plan(Schedule::OneCycle));
        let peak = f64::from(1e-3f32);
        assert!(near(one[0], peak / 25.0) && near(one[99], peak / 25e4));
        assert!(
            one.iter().all(|&rate| rate <= peak) && one.iter().any(|&rate| rate > 0.999 * peak)
        );
        let cosine = rates(&plan(Schedule::Cosine));
        assert!(near(cosine[0], 0.1 * peak) && cosine[99].abs() < 1e-12 && cosine[10] > 0.9 * peak);
        let step = rates(&plan(Schedule::Step));
        assert!(near(step[49], peak) && near(step[50], 0.1 * peak) && near(step[99], 0.01 * peak));
        let open = Plan { warm_up: 1.0, ..Plan::default() };
        assert!(near(open.rate(4, 100, 10), peak / 2.0) && near(open.rate(90, 100, 10), peak));
    }

    #[test]
    fn values_train_at_a_rate_of_their_own_unless_one_is_named() {
        let peak = |plan: Plan, task| plan.settled(task).peak();
        assert_eq!(peak(Plan::default(), Task::Values), 1e-4);
        assert_eq!(peak(Plan::default(), Task::Classes), Plan::default().peak());
        let named = Plan { learning_rate: Some(0.5), ..Plan::default() };
        assert_eq!(peak(named, Task::Values), 0.5);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(Plan::default().check().is_ok());
        let refused = |plan: Plan| plan.check().expect_err("it is refused").to_string();
        assert!(refused(Plan { epochs: Some(0), ..Plan::default() }).contains("epochs"));
        assert!(refused(Plan { held_out: 0.0, ..Plan::default() }).contains("held-out"));
        assert!(refused(Plan { momentum: 1.0, ..Plan::default() }).contains("momentum"));
        let endless = Plan { learning_rate: Some(f32::INFINITY), ..Plan::default() };
        assert!(refused(endless).contains("learning rate"));
        assert!(refused(Plan { version: 2, ..Plan::default() }).contains("version 2"));
    }
}
