//! A node as tract takes it: with what ONNX lets a node leave out.

use super::super::operators;
use super::meaning::{Meaning, shape};
use crate::error::Result;
use crate::graph::{Attribute, Data, Node, Tensor};

/// `node` as the engine takes it, which wants what ONNX lets a node leave out, and its axes in order;
/// and a constant that it then reads.
pub(super) fn spelled_out(
    node: &Node,
    inputs: &[Option<&Meaning>],
) -> Result<(Node, Option<(String, Tensor)>)> {
    match (node.op.as_str(), inputs) {
        ("ConstantOfShape", _) if !node.attributes.contains_key("value") => {
            let value = Attribute::Tensor(Tensor::new([1], Data::F32(vec![0.0])));
            Ok((node.clone().with("value", value), None))
        }
        ("Squeeze", [Some(Meaning::Result(known)), axes @ ..]) => {
            let axes = match axes.first() {
                Some(Some(Meaning::Constant(axes))) => axes.as_i64(),
                Some(Some(Meaning::Result(_))) => return Ok((node.clone(), None)),
                _ => node.ints("axes"),
            };
            let axes = operators::squeezed(node, axes, &known.ty.shape)?;
            let axes: Vec<i64> = axes.into_iter().map(|axis| axis as i64).collect();
            let mut node = node.clone();
            node.attributes.remove("axes");
            let name = format!("{}_axes", node.output());
            node.inputs = vec![node.inputs[0].clone(), name.clone()];
            Ok((node, Some((name, Tensor::new([axes.len()], Data::I64(axes))))))
        }
        // The engine would leave the last window out with it.
        ("MaxPool" | "LpPool", _) if node.text("auto_pad") == Some("VALID") => {
            let mut node = node.clone();
            node.attributes.remove("auto_pad");
            node.attributes.remove("pads");
            Ok((node, None))
        }
        // Places counted from the end.
        ("GatherND" | "ScatterND", [Some(x), Some(Meaning::Constant(places)), ..]) => {
            let shape = shape(x);
            let batched = usize::try_from(node.int("batch_dims", 0)).unwrap_or(0);
            let lens = shape.get(batched..).unwrap_or_default();
            let (Some(values), Some(&depth)) = (places.as_i64(), places.shape.last()) else {
                return Ok((node.clone(), None));
            };
            let lens = lens.iter().take(depth).cycle();
            let values = values.iter().zip(lens);
            let values = values.map(|(&at, &len)| if at < 0 { at + len as i64 } else { at });
            let places = Tensor::new(places.shape.clone(), Data::I64(values.collect()));
            let (mut node, name) = (node.clone(), format!("{}_places", node.output()));
            node.inputs[1].clone_from(&name);
            Ok((node, Some((name, places))))
        }
        // Its sizes: theirs are not whole numbers.
        ("Resize", [Some(x), _, Some(Meaning::Constant(scales)), ..])
            if node.text("coordinate_transformation_mode") == Some("align_corners")
                && scales.shape == [shape(x).len()] =>
        {
            let scales = scales.as_f32().unwrap_or_default();
            let sizes = shape(x).iter().zip(scales).map(|(&n, &scale)| (n as f32 * scale) as i64);
            let sizes = Tensor::new([scales.len()], Data::I64(sizes.collect()));
            let (mut node, name) = (node.clone(), format!("{}_sizes", node.output()));
            node.inputs.truncate(1);
            node.inputs.extend([String::new(), String::new(), name.clone()]);
            Ok((node, Some((name, sizes))))
        }
        ("Einsum", _) => {
            let ranks: Vec<usize> = inputs.iter().flatten().map(|x| shape(x).len()).collect();
            let equation = without_ellipsis(node.text("equation").unwrap_or_default(), &ranks);
            let equation = equation.map(|text| Attribute::Text(text.into_bytes()));
            let node = node.clone();
            Ok((equation.map_or(node.clone(), |equation| node.with("equation", equation)), None))
        }
        _ => Ok((node.clone(), None)),
    }
}

/// An Einsum's equation with letters for the axes that it leaves out, which end alike in all terms.
fn without_ellipsis(equation: &str, ranks: &[usize]) -> Option<String> {
    const OPEN: &str = "...";
    let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    if !equation.contains(OPEN) {
        return None;
    }
    let (terms, result) = match equation.split_once("->") {
        Some((terms, result)) => (terms, Some(result)),
        None => (&equation[..], None),
    };
    let left_out = |(term, rank): (&str, &usize)| match term.contains(OPEN) {
        true => rank.checked_sub(term.len() - OPEN.len()),
        false => Some(0),
    };
    let counts = terms.split(',').zip(ranks).map(left_out).collect::<Option<Vec<_>>>()?;
    let most = counts.iter().copied().max().unwrap_or(0);
    let free = ('A'..='Z').chain('a'..='z').filter(|letter| !equation.contains(*letter));
    let letters: String = free.take(most).collect();
    if letters.len() < most {
        return None;
    }
    let spelled = terms.split(',').zip(counts);
    let spelled = spelled.map(|(term, count)| term.replacen(OPEN, &letters[most - count..], 1));
    let spelled: Vec<String> = spelled.collect();
    let result = match result {
        Some(result) => result.replacen(OPEN, &letters, 1),
        None => {
            let once = |c: &char| c.is_ascii_alphabetic() && terms.matches(*c).count() == 1;
            let mut once: Vec<char> = terms.chars().filter(once).collect();
            once.sort_unstable();
            letters.clone() + &String::from_iter(once)
        }
    };
    Some(format!("{}->{result}", spelled.join(",")))
}
