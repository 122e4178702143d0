//! What an engine is asked is checked first: axes, attributes and shapes that its analysis takes for
//! granted, and the sizes of results.

use super::operators::{MOST_AXES, MOST_BYTES, MOST_CONSTANT_BYTES, Operand, TensorType, place};
use crate::error::{Error, Result};
use crate::graph::{Attribute, Data, Graph, Node, Tensor};

const WAY_OUT: &str = "Check that the network runs in ONNX Runtime, or export it again.";

/// How many bytes a result may have for each that is read, and how many it may have whatever is read.
const MOST_GROWTH: usize = 1 << 10;
const FREE_BYTES: usize = 1 << 24;

/// Checks that a result can be held, and is no mere repetition of what is read: a Pad or a Tile by what
/// nobody meant.
///
/// # Errors
/// Says how many bytes it has.
pub(super) fn check_result(operands: &[Operand<'_>], ty: &TensorType) -> Result<()> {
    if operands.iter().all(|operand| operand.constant.is_some()) {
        return ty.check_size_within(MOST_CONSTANT_BYTES);
    }
    let read = operands.iter().filter_map(|operand| operand.ty.bytes());
    let read = read.fold(0, usize::saturating_add);
    let most = read.saturating_mul(MOST_GROWTH).clamp(FREE_BYTES, MOST_BYTES);
    ty.check_size_within(most)
}

/// Checks a node that the engine is to run.
///
/// # Errors
/// Says what does not fit.
pub(super) fn check(node: &Node, operands: &[Operand<'_>]) -> Result<()> {
    let asked = Asked { node, operands };
    asked.numbers()?;
    asked.axes()?;
    asked.shapes()?;
    asked.result()
}

/// An input whose numbers the engine takes for granted.
#[derive(Debug)]
pub(super) struct Trusted {
    pub(super) input: usize,
    how: Trust,
}

#[derive(Debug)]
enum Trust {
    /// They say where to look along axes of so many elements, one after the other and again, as
    /// Gather's do.
    Within(Vec<usize>),
    /// Integers are divided by them.
    NotZero,
}

impl Trusted {
    pub(super) fn of(node: &Node, operands: &[Operand<'_>]) -> Option<Self> {
        let asked = Asked { node, operands };
        let shape = asked.shape(0)?;
        let lens = match node.op.as_str() {
            "Div" | "Mod" => return Some(Self { input: 1, how: Trust::NotZero }),
            "Gather" | "GatherElements" | "ScatterElements" | "Scatter" => {
                vec![shape[place(node.int("axis", 0), shape.len())?]]
            }
            "GatherND" | "ScatterND" => {
                let batched = usize::try_from(node.int("batch_dims", 0)).ok()?;
                shape.get(batched..batched.checked_add(*asked.shape(1)?.last()?)?)?.to_vec()
            }
            _ => return None,
        };
        Some(Self { input: 1, how: Trust::Within(lens) })
    }

    /// # Errors
    /// Names what lies outside.
    pub(super) fn check(&self, values: &[i64]) -> Result<()> {
        let Trust::Within(lens) = &self.how else {
            return match values.contains(&0) {
                true => Err(Error::new("it divides by 0").way_out(WAY_OUT)),
                false => Ok(()),
            };
        };
        let outside = |(value, len): &(&i64, &usize)| place(**value, **len).is_none();
        match values.iter().zip(lens.iter().cycle()).find(outside) {
            None => Ok(()),
            Some((value, len)) => {
                Err(Error::new(format!("its index {value} is not among {len}")).way_out(WAY_OUT))
            }
        }
    }
}

/// Axes of a Squeeze or an Unsqueeze, the one node of `graph`, in ascending order, which the engine
/// takes for granted.
pub(super) fn order_axes(graph: &mut Graph, rank: usize) {
    let Graph { nodes, initializers, .. } = graph;
    let [node] = &mut nodes[..] else { return };
    if !["Squeeze", "Unsqueeze"].contains(&node.op.as_str()) {
        return;
    }
    let more = node.op == "Unsqueeze";
    let order = |axes: &mut Vec<i64>| {
        let rank = (rank + if more { axes.len() } else { 0 }) as i64;
        axes.iter_mut().filter(|axis| **axis < 0).for_each(|axis| *axis += rank);
        axes.sort_unstable();
    };
    let input = node.inputs.get(1).and_then(|name| initializers.get_mut(name));
    match (node.attributes.get_mut("axes"), input.map(|tensor| &mut tensor.data)) {
        (Some(Attribute::Ints(axes)), _) | (_, Some(Data::I64(axes))) => order(axes),
        _ => {}
    }
}

/// The integers of a constant.
pub(super) fn integers(tensor: &Tensor) -> Option<Vec<i64>> {
    match &tensor.data {
        Data::I64(values) => Some(values.clone()),
        _ => Some(tensor.to_i32()?.into_iter().map(i64::from).collect()),
    }
}

/// Operators whose inputs are broadcast over one another.
const BROADCAST: [&str; 24] = [
    "Add",
    "And",
    "BitShift",
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
    "Div",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Max",
    "Mean",
    "Min",
    "Mod",
    "Mul",
    "Or",
    "Pow",
    "Sub",
    "Sum",
    "Where",
    "Xor",
    "PRelu",
];

/// No attribute of a window is larger.
const LARGEST: i64 = 1 << 14;

/// The most products, or elements gone through, of an operator over windows: many times what the
/// largest layers of whole pictures take.
const MOST_WORK: u64 = 1 << 38;

/// Inputs that are single numbers: the first of them, and the one behind the last.
const NUMBERS: [(&str, usize, usize); 16] = [
    ("BlackmanWindow", 0, 1),
    ("Clip", 1, 3),
    ("CumSum", 1, 2),
    ("DFT", 1, 3),
    ("Dropout", 1, 3),
    ("HammingWindow", 0, 1),
    ("HannWindow", 0, 1),
    ("MelWeightMatrix", 0, 5),
    ("NonMaxSuppression", 2, 5),
    ("OneHot", 1, 2),
    ("Pad", 2, 3),
    ("Range", 0, 3),
    ("STFT", 1, 2),
    ("STFT", 3, 4),
    ("TopK", 1, 2),
    ("Trilu", 1, 2),
];

struct Asked<'a> {
    node: &'a Node,
    operands: &'a [Operand<'a>],
}

impl Asked<'_> {
    fn wrong<T>(&self, what: impl std::fmt::Display) -> Result<T> {
        Err(Error::new(what.to_string()).at_node(&self.node.name).way_out(WAY_OUT))
    }

    fn shape(&self, input: usize) -> Option<&[usize]> {
        self.node.input(input)?;
        self.operands.get(input).map(|operand| &operand.ty.shape[..])
    }

    fn constant(&self, input: usize) -> Option<Vec<i64>> {
        self.node.input(input)?;
        integers(self.operands.get(input)?.constant?)
    }

    /// An attribute that became an input.
    fn listed(&self, attribute: &str, input: usize) -> Option<Vec<i64>> {
        self.node.ints(attribute).map(<[i64]>::to_vec).or_else(|| self.constant(input))
    }

    /// What is to be a number is one.
    fn numbers(&self) -> Result<()> {
        for (_, first, end) in NUMBERS.iter().filter(|(op, ..)| *op == self.node.op) {
            for input in *first..*end {
                let shape = self.shape(input);
                if let Some(shape) = shape.filter(|shape| shape.iter().product::<usize>() != 1) {
                    return self.wrong(format!(
                        "its input {input} of shape {shape:?} is not a single number"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Axes lie within the input, or the output, and stand once.
    fn axes(&self) -> Result<()> {
        let Some(shape) = self.shape(0) else { return Ok(()) };
        let (op, rank) = (self.node.op.as_str(), shape.len());
        let axes = match op {
            "Squeeze" | "Unsqueeze" | "MeanVarianceNormalization" => self.listed("axes", 1),
            "Slice" | "Pad" => self.listed("axes", 3),
            op if op.starts_with("Reduce") => self.listed("axes", 1),
            _ => None,
        };
        if let Some(axes) = axes {
            let rank = if op == "Unsqueeze" { rank + axes.len() } else { rank };
            if rank > MOST_AXES {
                return self.wrong(format!("its result has {rank} axes, more than {MOST_AXES}"));
            }
            let mut places: Vec<usize> = Vec::new();
            for axis in &axes {
                match place(*axis, rank).filter(|axis| !places.contains(axis)) {
                    Some(axis) => places.push(axis),
                    None => return self.wrong(format!("its axes {axes:?} do not fit {rank} axes")),
                }
            }
        }
        // A flattening may stand behind the last axis; before opset 11, so may a stack's.
        let ends = matches!(op, "Flatten" | "SequenceInsert" | "ConcatFromSequence");
        let axis = match (op, self.node.attributes.contains_key("axis")) {
            // Theirs does not count with one scale.
            ("QuantizeLinear" | "DequantizeLinear", _) | (_, false) => None,
            _ => Some(self.node.int("axis", 0)),
        };
        match axis {
            Some(axis) if place(axis, rank + usize::from(ends)).is_none() => {
                // OneHot's is the output's.
                let of_output = op == "OneHot" && place(axis, rank + 1).is_some();
                if !of_output {
                    return self.wrong(format!("its axis {axis} does not fit {rank} axes"));
                }
            }
            None if rank == 0 && matches!(op, "Softmax" | "LogSoftmax" | "Hardmax" | "Gather") => {
                return self.wrong("its input is a scalar");
            }
            _ => {}
        }
        if op == "CumSum" || op == "DFT" {
            let axis = self.constant(if op == "DFT" { 2 } else { 1 });
            let axis = axis.and_then(|axis| axis.first().copied());
            if let Some(axis) = axis.filter(|&axis| place(axis, rank).is_none()) {
                return self.wrong(format!("its axis {axis} does not fit {rank} axes"));
            }
        }
        match Trusted::of(self.node, self.operands) {
            Some(trusted) => match self.constant(trusted.input) {
                Some(values) => trusted.check(&values),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// Shapes fit together, and attributes that are lists fit them.
    fn shapes(&self) -> Result<()> {
        let Some(x) = self.shape(0) else { return Ok(()) };
        let node = self.node;
        match node.op.as_str() {
            "Transpose" => {
                let perm = node.ints("perm").unwrap_or_default();
                let mut sorted = perm.to_vec();
                sorted.sort_unstable();
                let known = node.ints("perm").is_some();
                if known && sorted != (0..x.len() as i64).collect::<Vec<_>>() {
                    return self.wrong(format!("{perm:?} is no order of {} axes", x.len()));
                }
            }
            "Conv" | "ConvTranspose" | "ConvInteger" | "QLinearConv" => self.convolution(x)?,
            "MaxPool" | "AveragePool" | "LpPool" => {
                let kernel = node.ints("kernel_shape").unwrap_or_default().to_vec();
                self.window(x, &kernel)?;
            }
            "GlobalAveragePool" | "GlobalMaxPool" if x.len() < 3 => {
                return self.wrong(format!("its input of shape {x:?} has no pixels"));
            }
            "BatchNormalization" | "InstanceNormalization" => {
                let channels = x.get(1).copied().unwrap_or(1);
                for input in 1..node.inputs.len() {
                    if self.shape(input).is_some_and(|shape| shape != [channels]) {
                        return self.wrong(format!("its input {input} does not have {channels}"));
                    }
                }
                if x.len() < 2 {
                    return self.wrong(format!("its input of shape {x:?} has no channels"));
                }
            }
            "LRN" => {
                let size = node.int("size", 0);
                if x.len() < 2 || !(1..=LARGEST).contains(&size) {
                    return self.wrong(format!("its size {size} does not fit the shape {x:?}"));
                }
            }
            "LayerNormalization" => {
                let axis = place(node.int("axis", -1), x.len());
                let Some(axis) = axis else { return self.wrong("its axis does not fit its input") };
                for input in 1..node.inputs.len() {
                    if let Some(shape) = self.shape(input)
                        && broadcast(&[&x[axis..], shape]).as_deref() != Some(&x[axis..])
                    {
                        return self.wrong(format!(
                            "its input {input} of shape {shape:?} does not fit the shape {x:?}"
                        ));
                    }
                }
            }
            "DepthToSpace" | "SpaceToDepth" => {
                let block = usize::try_from(node.int("blocksize", 0)).unwrap_or(0);
                let square = block.checked_mul(block).filter(|&square| square > 0);
                let fits = |x: &[usize], square: usize| match node.op.as_str() {
                    "DepthToSpace" => x[1].is_multiple_of(square),
                    _ => x[2].is_multiple_of(block) && x[3].is_multiple_of(block),
                };
                if x.len() != 4 || !square.is_some_and(|square| fits(x, square)) {
                    return self.wrong(format!("blocks of {block} do not fit the shape {x:?}"));
                }
            }
            "Trilu" | "EyeLike" if x.len() < 2 => {
                return self.wrong(format!("its input of shape {x:?} is no matrix"));
            }
            "GatherElements" | "ScatterElements" | "Scatter" => {
                let axis = place(node.int("axis", 0), x.len());
                let indices = self.shape(1).unwrap_or_default();
                let within = |i: usize| Some(i) == axis || indices[i] <= x[i];
                if indices.len() != x.len() || !(0..x.len()).all(within) {
                    return self.wrong(format!("indices of shape {indices:?} do not fit {x:?}"));
                }
                let updates = self.shape(2).filter(|&updates| updates != indices);
                if let Some(updates) = updates.filter(|_| node.op != "GatherElements") {
                    return self.wrong(format!("{updates:?} updates for {indices:?} indices"));
                }
            }
            "GatherND" | "ScatterND" => self.nested(x)?,
            "Compress" => {
                let chosen = self.shape(1).unwrap_or_default();
                let len = match node.attributes.contains_key("axis") {
                    true => place(node.int("axis", 0), x.len()).map(|axis| x[axis]),
                    false => Some(x.iter().product()),
                };
                if chosen.len() != 1 || len.is_none_or(|len| chosen[0] > len) {
                    return self.wrong(format!("a choice of {chosen:?} does not fit {x:?}"));
                }
            }
            "GroupNormalization" => {
                let groups = usize::try_from(node.int("num_groups", 0)).unwrap_or(0);
                let channels = x.get(1).copied().unwrap_or(0);
                if x.len() < 3 || groups == 0 || !channels.is_multiple_of(groups) {
                    return self.wrong(format!("{groups} groups do not fit an input of {x:?}"));
                }
            }
            "GridSample" => {
                let grid = self.shape(1).unwrap_or_default();
                let fits = x.len() >= 3
                    && grid.len() == x.len()
                    && grid[0] == x[0]
                    && grid[x.len() - 1] == x.len() - 2;
                if !fits {
                    return self.wrong(format!("a grid of {grid:?} does not fit {x:?}"));
                }
                // ONNX Runtime takes other pixels beyond the border than the engine.
                let cubic = matches!(node.text("mode"), Some("cubic" | "bicubic"));
                if cubic && node.text("padding_mode") == Some("border") {
                    return Err(Error::new("cubic samples beyond a border are not supported")
                        .at_node(&node.name)
                        .way_out("Export it with another mode or padding_mode."));
                }
            }
            "Einsum" => self.sum_of_products()?,
            "Reshape" => {
                let wanted = self.constant(1).unwrap_or_default();
                let known = wanted.iter().filter(|&&dim| dim > 0).map(|&dim| dim as usize);
                let count = known.clone().try_fold(1usize, |n, dim| n.checked_mul(dim));
                let free = wanted.iter().filter(|&&dim| dim == -1).count();
                let copied = wanted.iter().rposition(|&dim| dim == 0).map_or(0, |at| at + 1);
                let copied = if node.int("allowzero", 0) == 0 { copied } else { 0 };
                let possible = count.is_some()
                    && free <= 1
                    && wanted.iter().all(|&dim| dim >= -1)
                    && copied <= x.len()
                    && wanted.len() <= MOST_AXES;
                if !possible {
                    return self.wrong(format!("the shape {wanted:?} does not fit {x:?}"));
                }
            }
            "Slice" => {
                let lists = [("starts", 1), ("ends", 2)].map(|(name, at)| self.listed(name, at));
                let axes = self.listed("axes", 3);
                let steps = self.constant(4);
                let count = lists[0].as_ref().map(Vec::len);
                let all = lists.iter().chain([&axes, &steps]).flatten();
                let alike = all.clone().all(|list| Some(list.len()) == count);
                let many = axes.is_none() && count > Some(x.len());
                if count.is_some() && !alike || many {
                    return self.wrong("its starts, ends, axes and steps differ in number");
                }
                if steps.as_ref().is_some_and(|steps| steps.contains(&0)) {
                    return self.wrong("it steps by 0");
                }
            }
            "Split" => self.split(x)?,
            "TopK" => {
                let axis = place(node.int("axis", -1), x.len());
                let count = self.constant(1).and_then(|k| k.first().copied());
                if let (Some(axis), Some(count)) = (axis, count)
                    && !(0..=x[axis] as i64).contains(&count)
                {
                    return self.wrong(format!("it takes {count} of {}", x[axis]));
                }
            }
            "MatMul" | "MatMulInteger" => {
                let y = self.shape(1).unwrap_or_default();
                let inner = |shape: &[usize]| shape.len().saturating_sub(2);
                let (rows, columns) = (x.last(), y.get(inner(y)));
                let outer = broadcast(&[&x[..inner(x)], &y[..inner(y)]]);
                if rows.is_none() || rows != columns || outer.is_none() {
                    return self.wrong(format!("shapes {x:?} and {y:?} cannot be multiplied"));
                }
            }
            "Gemm" => {
                let y = self.shape(1).unwrap_or_default();
                let turned = |name| usize::from(node.int(name, 0) != 0);
                let fits =
                    x.len() == 2 && y.len() == 2 && x[1 - turned("transA")] == y[turned("transB")];
                if !fits {
                    return self.wrong(format!("shapes {x:?} and {y:?} cannot be multiplied"));
                }
                let out = [x[turned("transA")], y[1 - turned("transB")]];
                if let Some(bias) = self.shape(2)
                    && broadcast(&[&out, bias]).as_deref() != Some(&out)
                {
                    return self.wrong(format!("its bias of shape {bias:?} does not fit {out:?}"));
                }
            }
            "Concat" => {
                let axis = place(node.int("axis", 0), x.len());
                for input in 1..node.inputs.len() {
                    let shape = self.shape(input).unwrap_or_default();
                    let alike = shape.len() == x.len()
                        && (0..x.len()).all(|i| Some(i) == axis || shape[i] == x[i]);
                    if !alike {
                        return self.wrong(format!("shapes {x:?} and {shape:?} cannot be joined"));
                    }
                }
            }
            // Before opset 7 it was an attribute that said so.
            op if BROADCAST.contains(&op) && !node.attributes.contains_key("broadcast") => {
                let shapes: Vec<&[usize]> =
                    (0..node.inputs.len()).filter_map(|i| self.shape(i)).collect();
                if broadcast(&shapes).is_none() {
                    return self.wrong(format!("shapes {shapes:?} do not broadcast"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn convolution(&self, x: &[usize]) -> Result<()> {
        let at = if self.node.op == "QLinearConv" { 3 } else { 1 };
        let w = self.shape(at).unwrap_or_default();
        let groups = usize::try_from(self.node.int("group", 1)).unwrap_or(0);
        let alike = x.len() >= 3 && x.len() == w.len() && groups > 0;
        let fits = alike
            && match self.node.op.as_str() {
                "ConvTranspose" => x[1] == w[0] && w[0].is_multiple_of(groups),
                _ => w[1].checked_mul(groups) == Some(x[1]) && w[0].is_multiple_of(groups),
            };
        if !fits {
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
    fn window(&self, x: &[usize], kernel: &[i64]) -> Result<()> {
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
        let reaches = |axis: usize| {
            let at = |name: &str, i: usize, usual| {
                self.node.ints(name).and_then(|list| list.get(i).copied()).unwrap_or(usual)
            };
            let padded = x[axis + 2] as i64 + at("pads", axis, 0) + at("pads", axes + axis, 0);
            padded > (kernel[axis] - 1) * at("dilations", axis, 1)
        };
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

    /// Indices into the first axes, all of them in one place.
    fn nested(&self, x: &[usize]) -> Result<()> {
        let indices = self.shape(1).unwrap_or_default();
        let batched = usize::try_from(self.node.int("batch_dims", 0)).ok();
        let fits = || {
            let (&depth, outer) = indices.split_last()?;
            let batched = batched.filter(|&batched| batched <= outer.len().min(x.len()))?;
            let inner = x.get(batched.checked_add(depth)?..)?;
            let updated = [outer, inner].concat();
            let scatters = self.node.op == "ScatterND";
            let fits = depth > 0
                && x[..batched] == outer[..batched]
                && (!scatters || self.shape(2) == Some(&updated[..]));
            Some(fits)
        };
        match fits() {
            Some(true) => Ok(()),
            _ => self.wrong(format!("indices of shape {indices:?} do not fit the shape {x:?}")),
        }
    }

    /// Each letter of an Einsum stands for axes of one length, and all together for as many products
    /// as can be made.
    fn sum_of_products(&self) -> Result<()> {
        let equation = self.node.text("equation").unwrap_or_default();
        let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
        let wrong = || {
            let shapes: Vec<_> = (0..self.node.inputs.len()).map(|i| self.shape(i)).collect();
            self.wrong(format!("the equation `{equation}` does not fit the shapes {shapes:?}"))
        };
        let (terms, result) = match equation.split_once("->") {
            Some((terms, result)) => (terms, Some(result)),
            None => (&equation[..], None),
        };
        let terms: Vec<&str> = terms.split(',').collect();
        let letters = |term: &str| -> Option<(Vec<char>, bool)> {
            let rest = term.replacen("...", "", 1);
            let plain = rest.chars().all(|c| c.is_ascii_alphabetic());
            plain.then(|| (rest.chars().collect(), rest.len() < term.len()))
        };
        let mut lens: Vec<(char, usize)> = Vec::new();
        let mut work = 1u64;
        for (i, term) in terms.iter().enumerate() {
            let (Some(shape), Some((own, open))) = (self.shape(i), letters(term)) else {
                return wrong();
            };
            let before = term.find("...").unwrap_or(own.len());
            let rest = shape.len().checked_sub(own.len()).filter(|&rest| open || rest == 0);
            let Some(rest) = rest else { return wrong() };
            for dim in &shape[before..before + rest] {
                work = work.saturating_mul(*dim as u64);
            }
            let dims = shape[..before].iter().chain(&shape[before + rest..]);
            for (&letter, &dim) in own.iter().zip(dims) {
                match lens.iter_mut().find(|(other, _)| *other == letter) {
                    Some((_, len)) if *len == dim || dim == 1 => {}
                    Some((_, len)) if *len == 1 => *len = dim,
                    Some(_) => return wrong(),
                    None => lens.push((letter, dim)),
                }
            }
        }
        let known = |term: &str| {
            let (own, _) = letters(term)?;
            let known = |c: &char| lens.iter().any(|(letter, _)| letter == c);
            let once = |c: &char| own.iter().filter(|other| *other == c).count() == 1;
            Some(own.iter().all(|c| known(c) && once(c)))
        };
        if terms.len() != self.node.inputs.len() || result.is_some_and(|r| known(r) != Some(true)) {
            return wrong();
        }
        let all = lens.iter().fold(work, |work, (_, len)| work.saturating_mul(*len as u64));
        self.work(all)
    }

    fn work(&self, work: u64) -> Result<()> {
        match work <= MOST_WORK {
            true => Ok(()),
            false => self.wrong(format!("it takes {work} products, more than {MOST_WORK}")),
        }
    }

    fn split(&self, x: &[usize]) -> Result<()> {
        let Some(axis) = place(self.node.int("axis", 0), x.len()) else {
            return self.wrong("its axis does not fit its input");
        };
        let len = x[axis];
        let sum = |parts: Vec<i64>| {
            let parts = parts.into_iter().map(|part| usize::try_from(part).ok());
            parts.collect::<Option<Vec<_>>>()?.into_iter().try_fold(0usize, usize::checked_add)
        };
        match self.listed("split", 1) {
            Some(parts) if parts.len() != self.node.outputs.len() => self.wrong(format!(
                "it has {} outputs, not {}",
                self.node.outputs.len(),
                parts.len()
            )),
            Some(parts) if sum(parts.clone()) != Some(len) => {
                self.wrong(format!("parts of {parts:?} do not make {len}"))
            }
            None if self.node.input(1).is_none() => {
                let count = self.node.outputs.len();
                match self.node.int("num_outputs", count as i64) {
                    said if said != count as i64 => {
                        self.wrong(format!("it has {count} outputs, not {said}"))
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// The size of what constants say about the result, before anything is made of it.
    fn result(&self) -> Result<()> {
        let x = self.shape(0).unwrap_or_default();
        let dims = |values: Vec<i64>| -> Option<Vec<usize>> {
            values.into_iter().map(|value| usize::try_from(value).ok()).collect()
        };
        let shape = match self.node.op.as_str() {
            "ConstantOfShape" => self.constant(0).map(dims),
            "Expand" => self.constant(1).map(|values| broadcast(&[x, &dims(values)?])),
            "Tile" => self.constant(1).map(|repeats| {
                let repeats = dims(repeats)?;
                let all = x.iter().zip(&repeats).map(|(&x, &n)| x.checked_mul(n));
                all.collect::<Option<Vec<_>>>().filter(|_| repeats.len() == x.len())
            }),
            "Pad" => self.listed("pads", 1).filter(|_| self.node.input(3).is_none()).map(|pads| {
                let half = pads.len() / 2;
                let grown = |(i, &dim): (usize, &usize)| {
                    usize::try_from((dim as i64).checked_add(pads[i])?.checked_add(pads[half + i])?)
                        .ok()
                };
                // Negative ones are a part of the input, which the engine does not know.
                let known = pads.len() == 2 * x.len() && pads.iter().all(|&pad| pad >= 0);
                known.then(|| x.iter().enumerate().map(grown).collect::<Option<Vec<_>>>())?
            }),
            "Resize" | "Upsample" => self.resized(x),
            "HannWindow" | "HammingWindow" | "BlackmanWindow" => self.constant(0).map(dims),
            "RandomNormal" | "RandomUniform" => {
                self.node.ints("shape").map(<[i64]>::to_vec).map(dims)
            }
            "Multinomial" => Some(dims(vec![
                x.first().map_or(1, |&batch| batch as i64),
                self.node.int("sample_size", 1),
            ])),
            "MelWeightMatrix" => {
                let number = |i: usize| self.constant(i).and_then(|v| v.first().copied());
                number(0).zip(number(1)).map(|(bins, len)| dims(vec![bins, len]))
            }
            "DFT" => self.constant(1).map(|len| {
                let len = usize::try_from(*len.first()?).ok().filter(|&len| len > 0)?;
                Some([x, &[len]].concat())
            }),
            "OneHot" => self.constant(1).map(|depth| {
                let depth = usize::try_from(*depth.first()?).ok()?;
                Some([x, &[depth]].concat())
            }),
            "Range" => self.range(),
            _ => None,
        };
        match shape {
            None => Ok(()),
            Some(None) => self.wrong("the size of its result is impossible"),
            Some(Some(shape)) => {
                let element = self.operands.first().map(|operand| operand.ty.element);
                let ty = TensorType { element: element.unwrap_or_default(), shape };
                check_result(self.operands, &ty).map_err(|error| error.at_node(&self.node.name))
            }
        }
    }

    fn resized(&self, x: &[usize]) -> Option<Option<Vec<usize>>> {
        // Of the axes alone that it names.
        if self.node.ints("axes").is_some() {
            return None;
        }
        if let Some(sizes) = self.constant(3).filter(|sizes| !sizes.is_empty()) {
            let sizes: Option<Vec<usize>> =
                sizes.into_iter().map(|size| usize::try_from(size).ok()).collect();
            return Some(sizes.filter(|sizes| sizes.len() == x.len()));
        }
        let at = if self.node.op == "Upsample" || self.node.inputs.len() == 2 { 1 } else { 2 };
        self.node.input(at)?;
        let scales =
            self.operands.get(at)?.constant?.as_f32().filter(|scales| !scales.is_empty())?;
        let scaled = |(&dim, &scale): (&usize, &f32)| {
            let len = dim as f64 * f64::from(scale);
            (scale > 0.0 && len < MOST_BYTES as f64).then_some(len as usize)
        };
        Some(match scales.len() == x.len() {
            true => x.iter().zip(scales).map(scaled).collect(),
            false => None,
        })
    }

    fn range(&self) -> Option<Option<Vec<usize>>> {
        let number = |i: usize| {
            let tensor = self.operands.get(i)?.constant?;
            match tensor.as_f32() {
                Some(values) => values.first().map(|&value| f64::from(value)),
                None => integers(tensor)?.first().map(|&value| value as f64),
            }
        };
        let (start, limit, delta) = (number(0)?, number(1)?, number(2)?);
        let count = ((limit - start) / delta).ceil().max(0.0);
        Some((delta != 0.0 && count < MOST_BYTES as f64).then(|| vec![count as usize]))
    }
}

/// The shape of all together.
fn broadcast(shapes: &[&[usize]]) -> Option<Vec<usize>> {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let mut all = vec![1; rank];
    for shape in shapes {
        for (to, &dim) in all[rank - shape.len()..].iter_mut().zip(*shape) {
            match (*to, dim) {
                (own, dim) if own == dim || dim == 1 => {}
                (1, dim) => *to = dim,
                _ => return None,
            }
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Element;

    fn ints(values: &[i64]) -> Tensor {
        Tensor::new([values.len()], Data::I64(values.to_vec()))
    }

    /// What is wrong with a node that reads floats of these shapes, then constants.
    fn refused(node: &Node, shapes: &[&[usize]], constants: &[Tensor]) -> String {
        let computed = shapes.iter().map(|shape| Operand {
            ty: TensorType { element: Element::F32, shape: shape.to_vec() },
            constant: None,
        });
        let known = constants.iter().map(|tensor| Operand {
            ty: TensorType { element: tensor.element(), shape: tensor.shape.clone() },
            constant: Some(tensor),
        });
        let operands: Vec<Operand<'_>> = computed.chain(known).collect();
        check(node, &operands).map_or_else(|error| error.what, |()| String::new())
    }

    fn node(op: &str, inputs: usize) -> Node {
        Node::new(op, "n", ["a", "b", "c"].into_iter().take(inputs), ["y"])
    }

    #[test]
    fn what_the_engine_would_take_for_granted_is_refused() {
        let frame = &[1, 4, 6, 6][..];
        let axis = |op, axis| node(op, 1).with("axis", Attribute::Int(axis));
        let equation =
            |text: &str| node("Einsum", 2).with("equation", Attribute::Text(text.into()));
        let none = Tensor::new([0], Data::U8(Vec::new()));
        let half = Tensor::scalar_f32(0.5);
        let cases = [
            (refused(&node("Dropout", 3), &[frame], &[half, none]), "not a single number"),
            (refused(&node("CumSum", 2), &[frame], &[ints(&[7])]), "its axis 7"),
            (refused(&axis("Hardmax", -5), &[frame], &[]), "its axis -5"),
            (refused(&node("Tile", 2), &[frame], &[ints(&[1, 1, 1, 1 << 20])]), "bytes"),
            (refused(&node("Mod", 2), &[frame], &[ints(&[3, 0])]), "divides by 0"),
            (refused(&node("GatherND", 2), &[frame], &[ints(&[0, 4])]), "4 is not among 4"),
            (refused(&equation("ab,bc->ac"), &[&[2, 3], &[4, 5]], &[]), "does not fit the shapes"),
            (refused(&equation("ab,bc->ad"), &[&[2, 3], &[3, 5]], &[]), "does not fit the shapes"),
        ];
        for (what, expected) in cases {
            assert!(what.contains(expected), "`{what}` does not say `{expected}`");
        }
        assert_eq!(refused(&equation("ab,...bc->...ac"), &[&[2, 3], &[7, 3, 5]], &[]), "");
        assert_eq!(refused(&node("Tile", 2), &[frame], &[ints(&[1, 2, 3, 4])]), "");
    }
}
