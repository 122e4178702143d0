//! A layer as patches times weights, and the frames that go through it.

use crate::error::{Error, Result};
use crate::graph::Node;
use crate::graph::weights::Places;
use crate::kernels::geometry::Window;

/// The layout of a Conv, Gemm or MatMul with constant weights.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) groups: usize,
    /// Output channels of a group.
    pub(super) out: usize,
    /// Weights of an output channel.
    pub(super) k: usize,
    /// Output positions of a frame.
    positions: usize,
    form: Form,
    places: Places,
}

#[derive(Debug, Clone)]
enum Form {
    Conv { window: Window },
    Matrix,
}

impl Layer {
    /// `x`, `weights` and `y` are shapes, batch included.
    ///
    /// # Errors
    /// Attributes that contradict the shapes.
    pub(super) fn of(node: &Node, x: &[usize], weights: &[usize], y: &[usize]) -> Result<Self> {
        let places = Places::of(node, weights).ok_or_else(|| {
            Error::new(format!("its weights {weights:?} do not fit its attributes"))
                .at_node(&node.name)
        })?;
        let (form, positions) = match weights.get(2..) {
            None | Some([]) => (Form::Matrix, y.iter().product::<usize>() / places.outputs),
            Some(kernel) => {
                let window = Window::of(node, &x[2..], kernel)?;
                let positions = x[0] * window.output_len();
                (Form::Conv { window }, positions)
            }
        };
        let Places { groups, outputs: out, .. } = places;
        Ok(Self { groups, out, k: places.per_output(), positions, form, places })
    }

    /// Place of weight `j` of output `o` of a group.
    pub(super) fn weight(&self, group: usize, o: usize, j: usize) -> usize {
        self.places.weight(group * self.out + o, j)
    }

    /// Place of output channel `channel` at `position` of a frame.
    pub(super) fn output(&self, position: usize, channel: usize) -> usize {
        match &self.form {
            Form::Conv { window } => {
                let (frame, pixel) =
                    (position / window.output_len(), position % window.output_len());
                (frame * self.groups * self.out + channel) * window.output_len() + pixel
            }
            Form::Matrix => position * self.out + channel,
        }
    }

    pub(super) fn channels(&self) -> usize {
        self.groups * self.out
    }

    /// What the weights of a group multiply at a position of `x`, in their order; padding is 0.
    fn patch(&self, x: &[f32], position: usize, group: usize, patch: &mut [f32]) {
        let Form::Conv { window } = &self.form else {
            patch.copy_from_slice(&x[position * self.k..][..self.k]);
            return;
        };
        let (frame, pixel) = (position / window.output_len(), position % window.output_len());
        let (oy, ox) = (pixel / window.output[1], pixel % window.output[1]);
        let [kh, kw] = window.kernel;
        for c in 0..self.places.inputs {
            let plane = (frame * self.groups + group) * self.places.inputs + c;
            let plane = &x[plane * window.input_len()..][..window.input_len()];
            for ky in 0..kh {
                let row = window.tap(0, oy, ky);
                for kx in 0..kw {
                    let to = &mut patch[(c * kh + ky) * kw + kx];
                    *to = match (row, window.tap(1, ox, kx)) {
                        (Some(y), Some(x)) => plane[y * window.input[1] + x],
                        _ => 0.0,
                    };
                }
            }
        }
    }
}

/// What goes into a layer and what should come out, on some frames.
pub(super) struct Samples<'a> {
    positions: usize,
    /// Per frame.
    x: &'a [Vec<f32>],
    /// Per frame, before the activation.
    targets: &'a [Vec<f32>],
    pub(super) weights: &'a [f32],
    bias: Option<&'a [f32]>,
    /// What the activation clips to.
    pub(super) clip: [f32; 2],
}

impl<'a> Samples<'a> {
    pub(super) fn new(
        layer: &Layer,
        [x, targets]: [&'a [Vec<f32>]; 2],
        weights: &'a [f32],
        bias: Option<&'a [f32]>,
        clip: [f32; 2],
    ) -> Self {
        Self { positions: layer.positions, x, targets, weights, bias, clip }
    }

    /// Positions over all frames.
    pub(super) fn positions(&self) -> usize {
        self.positions * self.x.len()
    }

    pub(super) fn patch(&self, layer: &Layer, at: usize, group: usize, patch: &mut [f32]) {
        layer.patch(&self.x[at / self.positions], at % self.positions, group, patch);
    }

    pub(super) fn target(&self, layer: &Layer, at: usize, channel: usize) -> f32 {
        self.targets[at / self.positions][layer.output(at % self.positions, channel)]
    }

    pub(super) fn bias(&self, channel: usize) -> f32 {
        match self.bias {
            Some([one]) => *one,
            Some(bias) => bias[channel],
            None => 0.0,
        }
    }

    /// Of the layer's input; never 0.
    pub(super) fn root_mean_square(&self) -> f32 {
        let count: usize = self.x.iter().map(Vec::len).sum();
        let square = |x: &f32| f64::from(*x) * f64::from(*x);
        let sum: f64 = self.x.iter().flatten().map(square).sum();
        ((sum / count.max(1) as f64).sqrt() as f32).max(1e-12)
    }
}
