//! Softmax cross-entropy with label smoothing, and the distance from a teacher's answers.

/// What a frame's loss is measured by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loss {
    /// Share of the label that goes evenly to all classes.
    pub(super) smoothing: f32,
    /// Share of the loss that is the distance from the teacher.
    pub(super) distillation: f32,
    /// Divides logits before they are compared with the teacher's.
    pub(super) temperature: f32,
}

impl Loss {
    /// The plain cross-entropy.
    pub(super) const PLAIN: Self = Self { smoothing: 0.0, distillation: 0.0, temperature: 1.0 };

    /// The loss of one frame's logits; its gradient, times `factor`, goes into `gradient`.
    ///
    /// With a share `a` of distillation at temperature `t`: `(1 - a) CE + a t^2 KL(teacher ||
    /// student)`, as Hinton et al., "Distilling the Knowledge in a Neural Network" (2015), weigh it.
    pub(super) fn at(
        &self,
        logits: &[f32],
        label: usize,
        teacher: Option<&[f32]>,
        factor: f64,
        gradient: &mut [f32],
    ) -> f64 {
        let classes = logits.len() as f64;
        let smoothing = f64::from(self.smoothing);
        let target =
            |class: usize| smoothing / classes + if class == label { 1.0 - smoothing } else { 0.0 };
        let own = log_softmax(logits, 1.0);
        let share = if teacher.is_some() { f64::from(self.distillation) } else { 0.0 };
        let mut loss = 0.0;
        for (class, (gradient, own)) in gradient.iter_mut().zip(&own).enumerate() {
            loss -= (1.0 - share) * target(class) * own;
            *gradient = ((1.0 - share) * (libm::exp(*own) - target(class)) * factor) as f32;
        }
        let Some(teacher) = teacher.filter(|_| share > 0.0) else { return loss };
        let temperature = f64::from(self.temperature);
        let [own, wanted] = [logits, teacher].map(|logits| log_softmax(logits, temperature));
        for (gradient, (own, wanted)) in gradient.iter_mut().zip(own.iter().zip(&wanted)) {
            let probability = libm::exp(*wanted);
            loss += share * temperature * temperature * probability * (wanted - own);
            let slope = share * temperature * (libm::exp(*own) - probability);
            *gradient += (slope * factor) as f32;
        }
        loss
    }
}

fn log_softmax(logits: &[f32], temperature: f64) -> Vec<f64> {
    let scaled: Vec<f64> = logits.iter().map(|&x| f64::from(x) / temperature).collect();
    let max = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scaled.iter().map(|x| libm::exp(x - max)).sum();
    let log = max + libm::log(sum);
    scaled.iter().map(|x| x - log).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_the_slope() {
        let teacher = [0.3, 2.0, -1.0];
        let losses = [
            (Loss::PLAIN, None),
            (Loss { smoothing: 0.1, ..Loss::PLAIN }, None),
            (Loss { smoothing: 0.1, distillation: 0.7, temperature: 3.0 }, Some(&teacher[..])),
        ];
        for (loss, teacher) in losses {
            let logits = [0.5f32, -1.25, 2.0];
            let mut gradient = [0.0; 3];
            loss.at(&logits, 1, teacher, 1.0, &mut gradient);
            for (class, slope) in gradient.iter().enumerate() {
                let at = |step: f32| {
                    let mut moved = logits;
                    moved[class] += step;
                    loss.at(&moved, 1, teacher, 1.0, &mut [0.0; 3])
                };
                let difference = (at(1e-2) - at(-1e-2)) / 2e-2;
                assert!((difference - f64::from(*slope)).abs() < 1e-4, "{loss:?} {class}");
            }
        }
    }

    #[test]
    fn a_teacher_that_agrees_costs_nothing() {
        let loss = Loss { distillation: 1.0, temperature: 2.0, ..Loss::PLAIN };
        let logits = [1.0, 2.0];
        let mut gradient = [9.0; 2];
        assert!(loss.at(&logits, 0, Some(&logits), 1.0, &mut gradient).abs() < 1e-12);
        assert!(gradient.iter().all(|g| g.abs() < 1e-7));
        // Even odds: ln 2.
        let even = Loss::PLAIN.at(&[3.0, 3.0], 0, None, 1.0, &mut gradient);
        assert!((even - std::f64::consts::LN_2).abs() < 1e-12);
    }
}
