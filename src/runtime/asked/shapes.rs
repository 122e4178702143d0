//! Shapes and attributes that have to fit one another.

use super::windows::LARGEST;
use super::{Asked, broadcast};
use crate::error::{Error, Result};
use crate::runtime::operators::{MOST_AXES, place};

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

impl Asked<'_> {
    /// Shapes fit together, and attributes that are lists fit them.
    pub(super) fn shapes(&self) -> Result<()> {
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
}
