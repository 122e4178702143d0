//! Windows that are swept over axes: those of convolutions and pools.

use super::Asked;
use crate::error::Result;
use crate::graph::weights::Places;
use crate::runtime::operators::TensorType;

/// No attribute of a window is larger.
pub(super) const LARGEST: i64 = 1 << 14;

impl Asked<'_> {
    pub(super) fn convolution(&self, x: &[usize]) -> Result<()> {
        let at = if self.node.op == "QLinearConv" { 3 } else { 1 };
        let w = self.shape(at).unwrap_or_default();
        let places = Places::of(self.node, w).filter(|_| x.len() >= 3 && x.len() == w.len());
        if places.is_none_or(|own| own.all_inputs() != x[1]) {
            let groups = self.node.int("group", 1);
            return self.wrong(format!(
                "weights of shape {w:?} in {groups} groups do not fit an input of shape {x:?}"
            ));
        }
        let kernel: Vec<i64> = w[2..].iter().map(|&k| k as i64).collect();
        match self.node.ints("kernel_shape") {
            Some(said) if said != kernel => {
                self.wrong(format!("its kernel is {kernel:?}, not {said:?}"))
            }
            _ => self.window(x, &kernel),
        }
    }

    /// Lists of a window have as many elements as there are axes, within reason.
    pub(super) fn window(&self, x: &[usize], kernel: &[i64]) -> Result<()> {
        let axes = x.len().saturating_sub(2);
        let list = |name: &str, count: usize, least: i64| match self.node.ints(name) {
            Some(list) if list.len() != count => false,
            Some(list) => list.iter().all(|value| (least..=LARGEST).contains(value)),
            None => true,
        };
        let fits = axes > 0
            && kernel.len() == axes
            && kernel.iter().all(|k| (1..=LARGEST).contains(k))
            && list("strides", axes, 1)
            && list("dilations", axes, 1)
            && list("pads", 2 * axes, 0)
            && list("output_padding", axes, 0);
        let explicit = matches!(self.node.text("auto_pad"), None | Some("NOTSET"));
        let at = |name: &str, i: usize, usual: i64| {
            self.node.ints(name).and_then(|list| list.get(i).copied()).unwrap_or(usual)
        };
        let reaches = |axis: usize| {
            let padded = x[axis + 2] as i64 + at("pads", axis, 0) + at("pads", axes + axis, 0);
            padded > (kernel[axis] - 1) * at("dilations", axis, 1)
        };
        // By ceil_mode the engine makes a window that begins behind the input, too.
        let begins_behind = |axis: usize| {
            let (n, begin) = (x[axis + 2] as i64, at("pads", axis, 0));
            let reach = (kernel[axis] - 1) * at("dilations", axis, 1) + 1;
            let (room, stride) =
                (n + begin + at("pads", axes + axis, 0) - reach, at("strides", axis, 1));
            room % stride != 0 && (room / stride + 1) * stride >= n + begin
        };
        let same = matches!(self.node.text("auto_pad"), Some("SAME_UPPER" | "SAME_LOWER"));
        let rounds_up = self.node.int("ceil_mode", 0) != 0 && !same;
        if fits && rounds_up && (0..axes).any(begins_behind) {
            return self
                .wrong("its last window would begin behind its input, which is not known here");
        }
        let transposed = self.node.op == "ConvTranspose";
        if fits && (transposed || !explicit || (0..axes).all(reaches)) {
            return self.swept(x, kernel);
        }
        self.wrong(format!("its window of {kernel:?} does not fit an input of shape {x:?}"))
    }

    /// What a window makes, and what it reads for that, with all padding.
    fn swept(&self, x: &[usize], kernel: &[i64]) -> Result<()> {
        let at = |name: &str, i: usize, usual: i64| {
            self.node.ints(name).and_then(|list| list.get(i)).map_or(usual, |&value| value) as u64
        };
        let axes = kernel.len();
        let same = matches!(self.node.text("auto_pad"), Some("SAME_UPPER" | "SAME_LOWER"));
        let mut positions = x[0].max(1) as u64;
        for axis in 0..axes {
            let (n, stride) = (x[axis + 2] as u64, at("strides", axis, 1));
            let reach = (kernel[axis] as u64 - 1) * at("dilations", axis, 1) + 1;
            let out = match self.node.op.as_str() {
                "ConvTranspose" => n.saturating_mul(stride) + reach + at("output_padding", axis, 0),
                _ if same => n.div_ceil(stride),
                _ => {
                    let padded = n + at("pads", axis, 0) + at("pads", axes + axis, 0);
                    padded.saturating_sub(reach) / stride + 2
                }
            };
            positions = positions.saturating_mul(out);
        }
        let taps = kernel.iter().fold(1u64, |taps, &k| taps.saturating_mul(k as u64));
        let weights = self.shape(1).filter(|_| self.node.op.starts_with("Conv"));
        let (channels, per_position) = match (weights, self.node.op.as_str()) {
            (Some(w), "ConvTranspose") => (w[1], x[1] as u64),
            (Some(w), _) => (w[0], (w[1] as u64).saturating_mul(taps)),
            (None, _) => (x[1], taps),
        };
        let work = positions.saturating_mul(channels as u64).saturating_mul(per_position);
        let shape = vec![usize::try_from(positions).unwrap_or(usize::MAX), channels];
        let ty = TensorType { element: self.operands[0].ty.element, shape };
        ty.check_size().and_then(|()| self.work(work)).map_err(|e| e.at_node(&self.node.name))
    }
}
