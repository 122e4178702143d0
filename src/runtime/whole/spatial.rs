//! What samples, cuts or lays out pixels, and determinants.

use super::{Numbers, axis, check_work, fits, input, optional, unfit};
use crate::error::Result;
use crate::graph::{Node, Tensor};

/// <https://onnx.ai/onnx/operators/onnx__AffineGrid.html>
pub(super) fn affine_grid(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let (theta, size) = (input(inputs, 0)?, input(inputs, 1)?.sizes()?);
    let corners = node.int("align_corners", 0) != 0;
    fits((4..=5).contains(&size.len()))?;
    let pixels = &size[2..];
    let axes = pixels.len();
    fits(theta.shape == [size[0], axes, axes + 1])?;
    let shape = [&size[..1], pixels, &[axes]].concat();
    let mut grid = Numbers::zeros(shape, theta.element)?;
    let count: usize = pixels.iter().product();
    for (at, to) in grid.values.chunks_exact_mut(axes).enumerate() {
        let (frame, mut pixel) = (at / count.max(1), at % count.max(1));
        // The last axis comes first.
        let mut place = vec![1.0; axes + 1];
        for (place, &len) in place.iter_mut().zip(pixels.iter().rev()) {
            let step = (pixel % len) as f64;
            *place = match corners {
                true => -1.0 + step * 2.0 / (len as f64 - 1.0),
                false => (2.0 * step + 1.0) / len as f64 - 1.0,
            };
            pixel /= len;
        }
        for (row, to) in to.iter_mut().enumerate() {
            let factors = &theta.values[(frame * axes + row) * (axes + 1)..][..axes + 1];
            *to = factors.iter().zip(&place).map(|(a, b)| a * b).sum();
        }
    }
    Ok(vec![grid.tensor()?])
}

/// <https://onnx.ai/onnx/operators/onnx__CenterCropPad.html>
pub(super) fn center_crop_pad(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let (x, wanted) = (input(inputs, 0)?, input(inputs, 1)?.sizes()?);
    let rank = x.shape.len();
    let axes: Vec<i64> = match node.ints("axes") {
        Some(axes) => axes.to_vec(),
        None => (0..rank as i64).collect(),
    };
    fits(axes.len() == wanted.len())?;
    let mut shape = x.shape.clone();
    for (&along, &len) in axes.iter().zip(&wanted) {
        shape[axis(along, rank)?] = len;
    }
    let mut y = Numbers::zeros(shape.clone(), x.element)?;
    'elements: for (at, to) in y.values.iter_mut().enumerate() {
        let (mut rest, mut from, mut step) = (at, 0, 1);
        for (&own, &len) in x.shape.iter().zip(&shape).rev() {
            let place = rest % len + own.saturating_sub(len) / 2;
            let padded = len.saturating_sub(own) / 2;
            match place.checked_sub(padded).filter(|&place| place < own) {
                Some(place) => from += place * step,
                None => continue 'elements,
            }
            step *= own;
            rest /= len;
        }
        *to = x.values[from];
    }
    Ok(vec![y.tensor()?])
}

/// <https://onnx.ai/onnx/operators/onnx__Col2Im.html>
pub(super) fn col2im(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let x = input(inputs, 0)?;
    let (image, block) = (input(inputs, 1)?.sizes()?, input(inputs, 2)?.sizes()?);
    let axes = image.len();
    let list = |name: &str, count: usize, usual: i64, least: i64| {
        let list = node.ints(name).map_or(vec![usual; count], <[i64]>::to_vec);
        let within = list.iter().all(|value| (least..1 << 14).contains(value));
        fits(list.len() == count && within).map(|()| list)
    };
    let (strides, dilations) = (list("strides", axes, 1, 1)?, list("dilations", axes, 1, 1)?);
    let pads = list("pads", 2 * axes, 0, 0)?;
    let taps = block.iter().try_fold(1usize, |n, &k| n.checked_mul(k)).ok_or_else(unfit)?;
    let &[batch, rows, columns] = &x.shape[..] else { return Err(unfit()) };
    fits(axes > 0 && block.len() == axes && taps > 0 && rows.is_multiple_of(taps))?;
    let mut steps = Vec::new();
    for axis in 0..axes {
        let reach = dilations[axis] * (block[axis] as i64 - 1) + 1;
        let room = image[axis] as i64 + pads[axis] + pads[axes + axis] - reach;
        fits(room >= 0)?;
        steps.push((room / strides[axis] + 1) as usize);
    }
    fits(steps.iter().try_fold(1usize, |n, &k| n.checked_mul(k)) == Some(columns))?;
    let channels = rows / taps;
    let mut y = Numbers::zeros([&[batch, channels], &image[..]].concat(), x.element)?;
    let plane: usize = image.iter().product();
    for (at, &value) in x.values.iter().enumerate() {
        let (mut column, row) = (at % columns, at / columns);
        let (mut tap, map) = (row % taps, row / taps);
        let (mut to, mut step, mut inside) = (0, 1, true);
        for axis in (0..axes).rev() {
            let place = (column % steps[axis]) as i64 * strides[axis] - pads[axis]
                + (tap % block[axis]) as i64 * dilations[axis];
            inside &= (0..image[axis] as i64).contains(&place);
            to += place * step;
            step *= image[axis] as i64;
            column /= steps[axis];
            tap /= block[axis];
        }
        if inside {
            y.values[map * plane + to as usize] += value;
        }
    }
    Ok(vec![y.tensor()?])
}

/// <https://onnx.ai/onnx/operators/onnx__Det.html>
pub(super) fn determinant(_: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let x = input(inputs, 0)?;
    let [outer @ .., rows, columns] = &x.shape[..] else { return Err(unfit()) };
    let n = *rows;
    fits(n == *columns && n > 0)?;
    check_work(&[x.values.len(), n])?;
    let mut y = Numbers::zeros(outer, x.element)?;
    for (matrix, to) in x.values.chunks_exact(n * n).zip(&mut y.values) {
        let mut m = matrix.to_vec();
        *to = 1.0;
        for at in 0..n {
            let best = (at..n).max_by(|&a, &b| m[a * n + at].abs().total_cmp(&m[b * n + at].abs()));
            let best = best.unwrap_or(at);
            if best != at {
                (0..n).for_each(|column| m.swap(at * n + column, best * n + column));
                *to = -*to;
            }
            let pivot = m[at * n + at];
            *to *= pivot;
            if pivot == 0.0 {
                break;
            }
            for row in at + 1..n {
                let factor = m[row * n + at] / pivot;
                (at..n).for_each(|column| m[row * n + column] -= factor * m[at * n + column]);
            }
        }
    }
    Ok(vec![y.tensor()?])
}

/// <https://onnx.ai/onnx/operators/onnx__RoiAlign.html>
pub(super) fn roi_align(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let (x, rois, frames) = (input(inputs, 0)?, input(inputs, 1)?, optional(inputs, 2)?);
    let frames = frames.ok_or_else(unfit)?.sizes()?;
    let &[batch, channels, height, width] = &x.shape[..] else { return Err(unfit()) };
    let size = |name: &str, usual| super::size(node, name, usual);
    let (rows, columns) = (size("output_height", 1)?, size("output_width", 1)?);
    let samples = usize::try_from(node.int("sampling_ratio", 0)).map_err(|_| unfit())?;
    let scale = f64::from(node.float("spatial_scale", 1.0));
    // Before opset 16 there was no attribute, and half a pixel was not taken off.
    let half = node.text("coordinate_transformation_mode") != Some("output_half_pixel");
    let highest = node.text("mode") == Some("max");
    fits(rois.shape == [frames.len(), 4] && frames.iter().all(|&frame| frame < batch))?;
    fits(height > 0 && width > 0)?;
    let mut y = Numbers::zeros([frames.len(), channels, rows, columns], x.element)?;
    for (roi, (corners, &frame)) in rois.values.chunks_exact(4).zip(&frames).enumerate() {
        let corner = |at: usize| corners[at] * scale - if half { 0.5 } else { 0.0 };
        let len = |from: usize, to: usize| {
            let len = corner(to) - corner(from);
            if half { len } else { len.max(1.0) }
        };
        let bins = [len(1, 3) / rows as f64, len(0, 2) / columns as f64];
        let grid = bins.map(|bin| match samples {
            0 => bin.ceil().clamp(0.0, 65_536.0) as usize,
            samples => samples,
        });
        check_work(&[grid[0], grid[1], rows, columns, channels])?;
        for at in 0..channels * rows * columns {
            let (column, row, channel) = (at % columns, at / columns % rows, at / columns / rows);
            let plane =
                &x.values[(frame * channels + channel) * height * width..][..height * width];
            let mut all = if highest { f64::NEG_INFINITY } else { 0.0 };
            for i in 0..grid[0] * grid[1] {
                let place = |first: usize, bin: usize, cell: usize, step: usize| {
                    let within = (step as f64 + 0.5) / grid[bin] as f64;
                    corner(first) + (cell as f64 + within) * bins[bin]
                };
                let v = place(1, 0, row, i / grid[1]);
                let h = place(0, 1, column, i % grid[1]);
                let parts = corners_of(plane, [height, width], [v, h]);
                all = match highest {
                    true => parts.iter().fold(all, |most, &part| most.max(part)),
                    false => all + parts.iter().sum::<f64>(),
                };
            }
            let count = (grid[0] * grid[1]).max(1) as f64;
            let none = highest && all == f64::NEG_INFINITY;
            y.values[roi * channels * rows * columns + at] = match highest {
                true if none => 0.0,
                true => all,
                false => all / count,
            };
        }
    }
    Ok(vec![y.tensor()?])
}

/// The four pixels round a place, each by its share.
fn corners_of(plane: &[f64], lens: [usize; 2], at: [f64; 2]) -> [f64; 4] {
    let outside = |i: usize| !(-1.0..=lens[i] as f64).contains(&at[i]);
    if outside(0) || outside(1) {
        return [0.0; 4];
    }
    let [v, h] = [0, 1].map(|i| {
        let place = at[i].max(0.0);
        let low = place as usize;
        match low + 1 >= lens[i] {
            true => (lens[i] - 1, lens[i] - 1, 0.0),
            false => (low, low + 1, place - low as f64),
        }
    });
    let pixel = |row: usize, column: usize| plane[row * lens[1] + column];
    [
        (1.0 - v.2) * (1.0 - h.2) * pixel(v.0, h.0),
        (1.0 - v.2) * h.2 * pixel(v.0, h.1),
        v.2 * (1.0 - h.2) * pixel(v.1, h.0),
        v.2 * h.2 * pixel(v.1, h.1),
    ]
}

/// DeformConv: a convolution whose every tap is moved by an offset of its own.
/// <https://onnx.ai/onnx/operators/onnx__DeformConv.html>
pub(super) fn deform_conv(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let (x, w, offsets) = (input(inputs, 0)?, input(inputs, 1)?, input(inputs, 2)?);
    let (bias, mask) = (optional(inputs, 3)?, optional(inputs, 4)?);
    let (
        &[batch, channels, height, width],
        &[outs, own, rows, columns],
        &[frames, moved, up, along],
    ) = (&x.shape[..], &w.shape[..], &offsets.shape[..])
    else {
        return Err(unfit());
    };
    let (groups, parts) = (super::size(node, "group", 1)?, super::size(node, "offset_group", 1)?);
    let list = |name: &str, count: usize, usual: i64| {
        let list = node.ints(name).map_or(vec![usual; count], <[i64]>::to_vec);
        let within = list.iter().all(|value| (0..1 << 14).contains(value));
        fits(list.len() == count && within).map(|()| list)
    };
    let (strides, dilations) = (list("strides", 2, 1)?, list("dilations", 2, 1)?);
    let pads = list("pads", 4, 0)?;
    let taps = rows * columns;
    fits(frames == batch && Some(channels) == own.checked_mul(groups))?;
    fits(outs.is_multiple_of(groups) && channels.is_multiple_of(parts))?;
    fits(Some(moved) == taps.checked_mul(2 * parts) && height > 0 && width > 0)?;
    fits(bias.as_ref().is_none_or(|bias| bias.values.len() == outs))?;
    fits(mask.as_ref().is_none_or(|mask| mask.shape == [batch, parts * taps, up, along]))?;
    check_work(&[batch, outs, own, taps, up, along])?;
    let mut y = Numbers::zeros([batch, outs, up, along], x.element)?;
    for (at, to) in y.values.iter_mut().enumerate() {
        let (column, row) = (at % along, at / along % up);
        let (out, frame) = (at / along / up % outs, at / along / up / outs);
        let mut sum = bias.as_ref().map_or(0.0, |bias| bias.values[out]);
        for i in 0..own {
            let channel = out / (outs / groups) * own + i;
            let part = channel / (channels / parts);
            let plane =
                &x.values[(frame * channels + channel) * height * width..][..height * width];
            for tap in 0..taps {
                let moves = |which: usize| {
                    let map = ((frame * parts + part) * taps + tap) * 2 + which;
                    offsets.values[(map * up + row) * along + column]
                };
                let v = (row as i64 * strides[0] - pads[0] + (tap / columns) as i64 * dilations[0])
                    as f64;
                let h = (column as i64 * strides[1] - pads[1]
                    + (tap % columns) as i64 * dilations[1]) as f64;
                let shown = mask.as_ref().map_or(1.0, |mask| {
                    let map = (frame * parts + part) * taps + tap;
                    mask.values[(map * up + row) * along + column]
                });
                let weight = w.values[(out * own + i) * taps + tap];
                sum +=
                    weight * shown * between(plane, [height, width], [v + moves(0), h + moves(1)]);
            }
        }
        *to = sum;
    }
    Ok(vec![y.tensor()?])
}

/// The value between four pixels, those outside being 0.
fn between(plane: &[f64], lens: [usize; 2], at: [f64; 2]) -> f64 {
    let low = at.map(f64::floor);
    let mut sum = 0.0;
    for [down, right] in [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] {
        let (row, column) = (low[0] + down, low[1] + right);
        let inside = |place: f64, len: usize| (0.0..len as f64).contains(&place);
        if inside(row, lens[0]) && inside(column, lens[1]) {
            let share = (1.0 - (at[0] - row).abs()) * (1.0 - (at[1] - column).abs());
            sum += share * plane[row as usize * lens[1] + column as usize];
        }
    }
    sum
}

/// SpaceToDepth where a channel's blocks stay together.
/// <https://onnx.ai/onnx/operators/onnx__SpaceToDepth.html>
pub(super) fn channels_first_to_depth(
    node: &Node,
    inputs: &[Option<&Tensor>],
) -> Result<Vec<Tensor>> {
    let (x, block) = (input(inputs, 0)?, super::size(node, "blocksize", 0)?);
    let &[batch, channels, height, width] = &x.shape[..] else { return Err(unfit()) };
    fits(height.is_multiple_of(block) && width.is_multiple_of(block))?;
    let (up, along) = (height / block, width / block);
    let depth = block.checked_mul(block).and_then(|square| square.checked_mul(channels));
    let mut y = Numbers::zeros([batch, depth.ok_or_else(unfit)?, up, along], x.element)?;
    for (at, to) in y.values.iter_mut().enumerate() {
        let (column, row, rest) = (at % along, at / along % up, at / along / up);
        let (right, down, map) = (rest % block, rest / block % block, rest / block / block);
        *to = x.values[(map * height + row * block + down) * width + column * block + right];
    }
    Ok(vec![y.tensor()?])
}
