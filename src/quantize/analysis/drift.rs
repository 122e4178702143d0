//! Whether calibration frames look like the frames that the network is measured on.

use crate::data::Dataset;

/// Frames looked at, of either set.
const FRAMES: usize = 256;

/// Means and standard deviations of one channel, and differences between channels.
struct Look {
    /// Per channel over all frames.
    mean: Vec<f64>,
    deviation: Vec<f64>,
    /// Per frame, the mean of each channel.
    frames: Vec<Vec<f64>>,
}

impl Look {
    fn at(data: &Dataset, channels: usize) -> Self {
        let len: usize = data.frame_shape().iter().product();
        let mut frame = vec![0.0; len];
        let (mut sum, mut square) = (vec![0f64; channels], vec![0f64; channels]);
        let mut frames = Vec::new();
        for i in data.subset(Some(FRAMES), 0) {
            data.input(i, &mut frame);
            let mut means = Vec::with_capacity(channels);
            for (c, plane) in frame.chunks_exact((len / channels).max(1)).enumerate() {
                let wide = plane.iter().map(|&x| f64::from(x));
                let own: f64 = wide.clone().sum();
                square[c] += wide.map(|x| x * x).sum::<f64>();
                sum[c] += own;
                means.push(own / plane.len() as f64);
            }
            frames.push(means);
        }
        let count = (frames.len() * len / channels).max(1) as f64;
        let mean: Vec<f64> = sum.iter().map(|s| s / count).collect();
        let variance = mean.iter().zip(&square).map(|(m, s)| (s / count - m * m).max(0.0));
        let deviation = variance.map(f64::sqrt).collect();
        Self { mean, deviation, frames }
    }

    /// The mean over the frames of channel `a` less channel `b`, and how many standard errors it
    /// is away from zero.
    fn contrast(&self, a: usize, b: usize) -> (f64, f64) {
        let n = self.frames.len().max(1) as f64;
        let differences = self.frames.iter().map(|means| means[a] - means[b]);
        let mean = differences.clone().sum::<f64>() / n;
        let variance = differences.map(|d| (d - mean) * (d - mean)).sum::<f64>() / n;
        let error = (variance / n).sqrt().max(1e-12);
        (mean, mean.abs() / error)
    }
}

/// Warnings about the calibration frames, in words.
///
/// Compared are the mean and the spread of each channel (axis 0 of a frame), and the differences
/// between channels, which tell swapped colours.
pub(super) fn warnings(calibration: &Dataset, validation: &Dataset) -> Vec<String> {
    let channels = match *calibration.frame_shape() {
        [channels, _, _] if (1..=16).contains(&channels) => channels,
        _ => 1,
    };
    if calibration.is_empty()
        || validation.is_empty()
        || calibration.frame_shape() != validation.frame_shape()
    {
        return Vec::new();
    }
    let [here, there] = [calibration, validation].map(|data| Look::at(data, channels));
    let mut warnings = Vec::new();
    for c in 0..channels {
        let (mean, deviation) = (here.mean[c], here.deviation[c]);
        let (other_mean, other) = (there.mean[c], there.deviation[c].max(1e-9));
        // A quarter of the pixels' own spread: another brightness, not another selection.
        let shifted = (mean - other_mean).abs() > 0.25 * other;
        let stretched = !(2.0 / 3.0..=1.5).contains(&(deviation / other));
        if shifted || stretched {
            warnings.push(format!(
                "Channel {c} of the calibration frames has mean {mean:.3} and standard deviation \
                 {deviation:.3}, of the validation frames {other_mean:.3} and {other:.3}: were \
                 both normalized alike?"
            ));
        }
    }
    for a in 0..channels {
        for b in a + 1..channels {
            let (ours, ours_sure) = here.contrast(a, b);
            let (theirs, theirs_sure) = there.contrast(a, b);
            let flipped = ours * theirs < 0.0 && (ours + theirs).abs() < 0.5 * theirs.abs();
            if flipped && ours_sure > 6.0 && theirs_sure > 6.0 {
                warnings.push(format!(
                    "Channels {a} and {b} look swapped between the calibration and the validation \
                     frames (RGB against BGR?)."
                ));
            }
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::unwatched;
    use crate::vocabulary::file::File;
    use crate::vocabulary::reading::Reading;

    const FRAMES: &[u8] = include_bytes!("../../../models/frames/calibration.zip");
    const OTHERS: &[u8] = include_bytes!("../../../models/frames/validation.zip");

    fn read(bytes: &[u8]) -> Dataset {
        let file = File { name: "frames.zip".into(), bytes: bytes.to_vec().into() };
        Dataset::read(&[file], &Reading::default(), &mut unwatched).unwrap()
    }

    /// The frames as float32, changed.
    fn changed(data: &Dataset, change: impl Fn(&mut [f32])) -> Dataset {
        let shape = data.frame_shape().to_vec();
        let len = shape.iter().product();
        let mut values = vec![0.0; data.len() * len];
        for (i, frame) in values.chunks_exact_mut(len).enumerate() {
            data.input(i, frame);
            change(frame);
        }
        Dataset::from_floats(shape, values, None)
    }

    #[test]
    fn tells_a_wrong_mean_and_swapped_channels_and_nothing_else() {
        let (calibration, validation) = (read(FRAMES), read(OTHERS));
        assert_eq!(warnings(&calibration, &validation), [""; 0]);
        let swapped = changed(&calibration, |frame| {
            let plane = frame.len() / 3;
            let (red, rest) = frame.split_at_mut(plane);
            red.swap_with_slice(&mut rest[plane..]);
        });
        let found = warnings(&swapped, &validation);
        assert!(found.len() == 1 && found[0].contains("0 and 2 look swapped"), "{found:?}");
        let shifted = changed(&calibration, |frame| frame.iter_mut().for_each(|x| *x -= 0.5));
        let found = warnings(&shifted, &validation);
        assert!(found.len() == 3 && found[0].contains("mean"), "{found:?}");
        let bytes = changed(&calibration, |frame| frame.iter_mut().for_each(|x| *x *= 255.0));
        assert_eq!(warnings(&bytes, &validation).len(), 3);
    }
}
