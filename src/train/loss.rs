//! How far an output's numbers are from what they should be: cross-entropy with label smoothing for
//! classes, errors for values, and the distance from a teacher's answers.

/// What an output's loss is, and what it is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Cross-entropy of a Softmax over scores; the label is a class.
    Softmax,
    /// Cross-entropies of a Sigmoid of each score; the label is a class, which alone should be 1.
    Sigmoids,
    /// Cross-entropies of a Sigmoid of each score; the labels are shares.
    Shares,
    Mse,
    Huber,
    L1,
}

/// What all outputs share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mix {
    /// Share of a class label that goes evenly to all classes.
    pub(super) smoothing: f32,
    /// Share of the loss that is the distance from the teacher.
    pub(super) distillation: f32,
    /// Divides scores before they are compared with the teacher's.
    pub(super) temperature: f32,
}

impl Mix {
    /// The plain loss.
    pub(super) const PLAIN: Self = Self { smoothing: 0.0, distillation: 0.0, temperature: 1.0 };

    /// The loss of a frame's `scores` of one output; its gradient, times `factor`, goes into
    /// `gradient`. `labels`: one class, or as many values as scores.
    ///
    /// With a share `a` of distillation at temperature `t`: `(1 - a) CE + a t^2 KL(teacher ||
    /// student)`, as Hinton et al., "Distilling the Knowledge in a Neural Network" (2015), weigh it;
    /// of values the teacher's are labels, too.
    pub(super) fn at(
        &self,
        kind: Kind,
        scores: &[f32],
        labels: &[f64],
        teacher: Option<&[f32]>,
        factor: f64,
        gradient: &mut [f32],
    ) -> f64 {
        let share = if teacher.is_some() { f64::from(self.distillation) } else { 0.0 };
        let teacher = teacher.filter(|_| share > 0.0);
        match kind {
            Kind::Softmax => self.softmax(scores, labels[0], (teacher, share), factor, gradient),
            Kind::Sigmoids | Kind::Shares => {
                self.sigmoids(kind, scores, labels, (teacher, share), factor, gradient)
            }
            Kind::Mse | Kind::Huber | Kind::L1 => {
                errors(kind, scores, labels, (teacher, share), factor, gradient)
            }
        }
    }

    fn softmax(
        &self,
        scores: &[f32],
        label: f64,
        (teacher, share): (Option<&[f32]>, f64),
        factor: f64,
        gradient: &mut [f32],
    ) -> f64 {
        let label = label as usize;
        let target = |class: usize| self.target(class == label, scores.len());
        let own = log_softmax(scores, 1.0);
        let mut loss = 0.0;
        for (class, (gradient, own)) in gradient.iter_mut().zip(&own).enumerate() {
            loss -= (1.0 - share) * target(class) * own;
            *gradient = ((1.0 - share) * (libm::exp(*own) - target(class)) * factor) as f32;
        }
        let Some(teacher) = teacher else { return loss };
        let temperature = f64::from(self.temperature);
        let [own, wanted] = [scores, teacher].map(|scores| log_softmax(scores, temperature));
        for (gradient, (own, wanted)) in gradient.iter_mut().zip(own.iter().zip(&wanted)) {
            let probability = libm::exp(*wanted);
            loss += share * temperature * temperature * probability * (wanted - own);
            let slope = share * temperature * (libm::exp(*own) - probability);
            *gradient += (slope * factor) as f32;
        }
        loss
    }

    /// The mean over the scores of values, the sum over classes.
    fn sigmoids(
        &self,
        kind: Kind,
        scores: &[f32],
        labels: &[f64],
        (teacher, share): (Option<&[f32]>, f64),
        factor: f64,
        gradient: &mut [f32],
    ) -> f64 {
        let part = if kind == Kind::Shares { 1.0 / scores.len() as f64 } else { 1.0 };
        let temperature = f64::from(self.temperature);
        let mut loss = 0.0;
        for (at, (gradient, &score)) in gradient.iter_mut().zip(scores).enumerate() {
            let target = match kind {
                Kind::Shares => labels[at],
                _ => self.target(at == labels[0] as usize, scores.len()),
            };
            let (own, slope) = from_share(score.into(), target);
            loss += part * (1.0 - share) * own;
            *gradient = (part * (1.0 - share) * slope * factor) as f32;
            let Some(teacher) = teacher else { continue };
            let [score, wanted] = [score, teacher[at]].map(|x| f64::from(x) / temperature);
            let wanted_share = logistic(wanted);
            let (cross, slope) = from_share(score, wanted_share);
            let (least, _) = from_share(wanted, wanted_share);
            loss += part * share * temperature * temperature * (cross - least);
            *gradient += (part * share * temperature * slope * factor) as f32;
        }
        loss
    }

    /// Of a class among `classes`.
    fn target(&self, is_label: bool, classes: usize) -> f64 {
        let smoothing = f64::from(self.smoothing);
        smoothing / classes as f64 + if is_label { 1.0 - smoothing } else { 0.0 }
    }
}

fn log_softmax(scores: &[f32], temperature: f64) -> Vec<f64> {
    let scaled: Vec<f64> = scores.iter().map(|&x| f64::from(x) / temperature).collect();
    let max = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scaled.iter().map(|x| libm::exp(x - max)).sum();
    let log = max + libm::log(sum);
    scaled.iter().map(|x| x - log).collect()
}

fn logistic(score: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-score))
}

/// The cross-entropy of a Sigmoid with a share that should be 1, and its slope.
fn from_share(score: f64, share: f64) -> (f64, f64) {
    let log_of_sum = score.max(0.0) + libm::log1p(libm::exp(-score.abs()));
    (log_of_sum - share * score, logistic(score) - share)
}

/// The mean over the values.
fn errors(
    kind: Kind,
    values: &[f32],
    labels: &[f64],
    (teacher, share): (Option<&[f32]>, f64),
    factor: f64,
    gradient: &mut [f32],
) -> f64 {
    let part = 1.0 / values.len() as f64;
    let mut loss = 0.0;
    for (at, (gradient, &value)) in gradient.iter_mut().zip(values).enumerate() {
        let (own, mut slope) = error(kind, f64::from(value) - labels[at]);
        let mut sum = (1.0 - share) * own;
        slope *= 1.0 - share;
        if let Some(teacher) = teacher {
            let (far, own) = error(kind, f64::from(value) - f64::from(teacher[at]));
            sum += share * far;
            slope += share * own;
        }
        loss += part * sum;
        *gradient = (part * slope * factor) as f32;
    }
    loss
}

/// An error's loss, and its slope.
fn error(kind: Kind, error: f64) -> (f64, f64) {
    match kind {
        Kind::Mse => (error * error, 2.0 * error),
        Kind::Huber if error.abs() <= 1.0 => (0.5 * error * error, error),
        Kind::Huber => (error.abs() - 0.5, error.signum()),
        // At the label there is no slope.
        _ if error == 0.0 => (0.0, 0.0),
        _ => (error.abs(), error.signum()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_the_slope() {
        use Kind::{Huber, L1, Mse, Shares, Sigmoids, Softmax};
        let teacher = [0.3, 2.0, -1.0];
        let mixes = [
            (Mix::PLAIN, None),
            (Mix { smoothing: 0.1, ..Mix::PLAIN }, None),
            (Mix { smoothing: 0.1, distillation: 0.7, temperature: 3.0 }, Some(&teacher[..])),
        ];
        let (class, values, shares) = (&[1.0][..], &[0.25, 0.5, 1.75][..], &[0.0, 0.25, 1.0][..]);
        for (kind, labels) in [
            (Softmax, class),
            (Sigmoids, class),
            (Shares, shares),
            (Mse, values),
            (Huber, values),
            (L1, values),
        ] {
            for (mix, teacher) in mixes {
                let scores = [0.5f32, -1.25, 2.0];
                let mut gradient = [0.0; 3];
                mix.at(kind, &scores, labels, teacher, 1.0, &mut gradient);
                for (at, slope) in gradient.iter().enumerate() {
                    let loss = |step: f32| {
                        let mut moved = scores;
                        moved[at] += step;
                        mix.at(kind, &moved, labels, teacher, 1.0, &mut [0.0; 3])
                    };
                    let difference = (loss(1e-2) - loss(-1e-2)) / 2e-2;
                    let off = (difference - f64::from(*slope)).abs();
                    assert!(off < 1e-4, "{kind:?} {mix:?} {at}: {difference} {slope}");
                }
            }
        }
    }

    #[test]
    fn a_teacher_that_agrees_costs_nothing() {
        let mix = Mix { distillation: 1.0, temperature: 2.0, ..Mix::PLAIN };
        let scores = [1.0, 2.0];
        let mut gradient = [9.0; 2];
        for (kind, labels) in
            [(Kind::Softmax, &[0.0][..]), (Kind::Sigmoids, &[0.0]), (Kind::L1, &[0.0; 2])]
        {
            let loss = mix.at(kind, &scores, labels, Some(&scores), 1.0, &mut gradient);
            assert!(loss.abs() < 1e-12, "{kind:?}: {loss}");
            assert!(gradient.iter().all(|g| g.abs() < 1e-7), "{kind:?}");
        }
        // Even odds: ln 2.
        let even = Mix::PLAIN.at(Kind::Softmax, &[3.0, 3.0], &[0.0], None, 1.0, &mut gradient);
        assert!((even - std::f64::consts::LN_2).abs() < 1e-12);
    }
}
