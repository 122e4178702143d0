//! Networks that have parts in common, run on the same frames: what several of them compute is
//! computed once.
//!
//! All are one [`Program`], where a result is known by the operator that makes it and the results
//! it reads. Two networks that differ in one layer so share all that stands before it, without
//! anybody saying so.

use super::operators::View;
use super::program::{Observed, Program};
use super::{Arithmetic, Options, input_shape, lowered};
use crate::error::{Error, Result};
use crate::graph::{Element, Graph};
use crate::runtime::TensorType;

/// Networks with the same input, on the deterministic float path and on integers.
#[derive(Debug)]
pub struct Family {
    program: Program,
    /// What each network is observed at.
    members: Vec<Vec<Observed>>,
}

impl Family {
    /// Networks that take `frame` (without the batch), as `graph` does.
    ///
    /// # Errors
    /// A frame that does not fit, and dimensions that stay free.
    pub fn new(graph: &Graph, frame: Option<&[usize]>) -> Result<Self> {
        let input = TensorType { element: Element::F32, shape: input_shape(graph, frame)? };
        let options = Options::new(Arithmetic::Deterministic);
        Ok(Self { program: Program::new(options.setting(), vec![input]), members: Vec::new() })
    }

    /// Frames that one run takes.
    pub fn batch(&self) -> usize {
        self.program.input(0).shape.first().copied().unwrap_or(1)
    }

    /// Elements of one frame.
    pub fn frame_len(&self) -> usize {
        self.program.input(0).shape.iter().skip(1).product()
    }

    /// Lets all networks go; the operators stay prepared.
    pub fn clear(&mut self) {
        self.program.clear();
        self.members.clear();
    }

    /// Takes in a network, float or quantized, to be observed at the float32 tensors `observed`.
    /// Answers with its number.
    ///
    /// # Errors
    /// Names the node that cannot be run by itself.
    pub fn add(&mut self, graph: &Graph, observed: &[String]) -> Result<usize> {
        let graph = lowered(graph, observed, Arithmetic::Deterministic);
        let inputs = [graph.input.name.clone()];
        let made = self.program.read(&graph, &inputs, observed, false)?;
        for (observed, name) in made.iter().zip(observed) {
            if !matches!(observed, Observed::Result(_, ty) if ty.element == Element::F32) {
                return Err(Error::new(format!("the tensor `{name}` is not computed in float32")));
            }
        }
        self.members.push(made);
        Ok(self.members.len() - 1)
    }

    /// Runs every network on `batch` frames, `input` being their elements in the network's order;
    /// hands the observed tensors to `visit(network, which of its observed tensors, elements)`.
    ///
    /// # Errors
    /// What goes wrong inside an operator.
    pub fn run(
        &mut self,
        input: &[f32],
        mut visit: impl FnMut(usize, usize, &[f32]),
    ) -> Result<()> {
        let inputs = [View::F32(input)];
        self.program.run(&inputs)?;
        for (member, observed) in self.members.iter().enumerate() {
            self.program.visit(observed, &inputs, |at, values| visit(member, at, values));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use crate::progress::unwatched;
    use crate::quantize::quantize;
    use crate::runtime::{Arithmetic, Options, Session};
    use crate::vocabulary::file::File;
    use crate::vocabulary::reading::Reading;
    use crate::vocabulary::recipe::Recipe;

    const MOBILENET: &[u8] = include_bytes!("../../models/networks/mobilenet.onnx");
    const FRAMES: &[u8] = include_bytes!("../../models/frames/calibration.zip");

    #[test]
    fn members_answer_as_they_do_alone_and_share_what_is_alike() {
        let file = File { name: "calibration.zip".into(), bytes: FRAMES.to_vec().into() };
        let data = Dataset::read(&[file], &Reading::default(), &mut unwatched).unwrap();
        let float = crate::onnx::read(MOBILENET).unwrap();
        let last = float.nodes.iter().rfind(|n| n.op == "Gemm").unwrap().name.clone();
        let quantized = |keep_float: &[String]| {
            let recipe =
                Recipe { samples: Some(2), keep_float: keep_float.to_vec(), ..Recipe::default() };
            quantize(&float, &recipe, &data, &mut |_, _, _| Ok(())).unwrap().graph
        };
        let members = [float.clone(), quantized(&[]), quantized(&[last])];
        let shape = Some(data.frame_shape());
        let mut family = Family::new(&float, shape).unwrap();
        let mut sizes = Vec::new();
        for member in &members {
            family.add(member, &[member.outputs[0].name.clone()]).unwrap();
            sizes.push(family.program.counts()[0]);
        }
        assert!(sizes[2] - sizes[1] <= 3, "only the last layer is new: {sizes:?}");
        let mut frame = vec![0.0; family.frame_len()];
        for i in [0, 100, 500] {
            data.input(i, &mut frame);
            let mut together = Vec::new();
            family.run(&frame, |_, _, logits| together.push(logits.to_vec())).unwrap();
            for (member, together) in members.iter().zip(together) {
                let mut session = Session::new(member, shape, Arithmetic::Deterministic).unwrap();
                session.run(&frame, |_, alone| assert_eq!(together, alone)).unwrap();
            }
        }
        // What is observed only later keeps its memory, too.
        let inner = float.nodes[0].output().to_string();
        let member = family.add(&float, std::slice::from_ref(&inner)).unwrap();
        let mut late = Vec::new();
        let keep = |m, _, values: &[f32]| {
            if m == member {
                late.extend_from_slice(values)
            }
        };
        family.run(&frame, keep).unwrap();
        let options = Options::new(Arithmetic::Deterministic);
        let mut session = Session::observing(&float, &[inner], shape, options).unwrap();
        session.run(&frame, |_, alone| assert_eq!(late, alone)).unwrap();
        let operators = family.program.counts()[1];
        family.clear();
        family.add(&float, &[float.outputs[0].name.clone()]).unwrap();
        let mut answers = 0;
        family.run(&frame, |_, _, _| answers += 1).unwrap();
        assert_eq!((answers, family.program.counts()[1]), (1, operators));
    }
}
