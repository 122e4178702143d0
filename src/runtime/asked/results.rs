//! The sizes of results, before anything is made.

use super::{Asked, broadcast, check_result, integers};
use crate::error::Result;
use crate::runtime::operators::{MOST_BYTES, TensorType, place};

impl Asked<'_> {
    /// The size of what constants say about the result, before anything is made of it.
    pub(super) fn result(&self) -> Result<()> {
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
            "Resize"
                if self.node.int("antialias", 0) != 0
                    && self.node.text("coordinate_transformation_mode")
                        == Some("align_corners") =>
            {
                return self.wrong("antialias together with align_corners is not known here");
            }
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
                check_result(self.operands, &ty, self.is_anew)
                    .map_err(|error| error.at_node(&self.node.name))
            }
        }
    }

    fn resized(&self, x: &[usize]) -> Option<Option<Vec<usize>>> {
        // Those that it names, else all.
        let axes: Vec<usize> = match self.node.ints("axes") {
            Some(axes) => axes.iter().map(|&axis| place(axis, x.len())).collect::<Option<_>>()?,
            None => (0..x.len()).collect(),
        };
        let along = |lens: Vec<usize>| {
            let mut shape = x.to_vec();
            axes.iter().zip(lens).for_each(|(&axis, len)| shape[axis] = len);
            shape
        };
        if let Some(sizes) = self.constant(3).filter(|sizes| !sizes.is_empty()) {
            let sizes: Option<Vec<usize>> =
                sizes.into_iter().map(|size| usize::try_from(size).ok()).collect();
            let sizes = sizes.filter(|sizes| sizes.len() == axes.len());
            return Some(match self.node.text("keep_aspect_ratio_policy") {
                // Others grow with the one that grows most.
                Some("not_smaller") => sizes.map(|sizes| {
                    let pairs = axes.iter().zip(sizes);
                    let growth = pairs.map(|(&axis, size)| size.div_ceil(x[axis].max(1)));
                    let growth = growth.max().unwrap_or(1);
                    along(axes.iter().map(|&axis| x[axis].saturating_mul(growth)).collect())
                }),
                _ => sizes.map(along),
            });
        }
        let at = if self.node.op == "Upsample" || self.node.inputs.len() == 2 { 1 } else { 2 };
        self.node.input(at)?;
        let scales =
            self.operands.get(at)?.constant?.as_f32().filter(|scales| !scales.is_empty())?;
        let scaled = |(&axis, &scale): (&usize, &f32)| {
            let len = x[axis] as f64 * f64::from(scale);
            (scale > 0.0 && len < MOST_BYTES as f64).then_some(len as usize)
        };
        Some(match scales.len() == axes.len() {
            true => axes.iter().zip(scales).map(scaled).collect::<Option<_>>().map(along),
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
