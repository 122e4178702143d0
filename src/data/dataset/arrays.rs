//! The arrays of an npz by their names: those that a network's inputs are called after become what it
//! takes.

use std::borrow::Cow;

use super::{Array, Dataset, Frames};
use crate::error::{Error, Result};
use crate::graph::packed::frame_shape;
use crate::graph::{Element, Value, describe};
use crate::vocabulary::frames::{ArraySummary, FRAMES};
use crate::vocabulary::labels::Labels;

/// Numbers of floats, float64 among them.
const FLOATS: [Element; 3] = [Element::F32, Element::F16, Element(11)];

impl Array {
    /// With the frames that `change` makes of them.
    pub(super) fn changed(&self, change: impl FnOnce(&Dataset) -> Result<Dataset>) -> Result<Self> {
        let data = self.data.as_ref().map(change).transpose()?;
        Ok(Self { name: self.name.clone(), shape: self.shape.clone(), data })
    }
}

impl Dataset {
    /// Frames of the array called `name`, with others beside it.
    pub(in crate::data) fn with_arrays(mut self, name: &str, others: Vec<Array>) -> Self {
        self.array = (name != FRAMES).then(|| name.to_owned());
        self.others = others;
        self
    }

    /// Gives the array `name` beside the frames the name of a network's input.
    pub(in crate::data) fn call(&mut self, name: &str, input: &str) {
        if self.array.as_deref() == Some(name) {
            self.array = Some(input.to_owned());
        }
        for array in self.others.iter_mut().filter(|array| array.name == name) {
            input.clone_into(&mut array.name);
        }
        self.labels = self.labels_without(&|column| column == name);
    }

    /// Whether no other array can be meant where frames are wanted under a name that none has.
    fn stands_out(&self) -> bool {
        let axes = |data: &Self| data.frame_shape().len();
        self.others
            .iter()
            .filter_map(|array| array.data.as_ref())
            .all(|data| axes(data) < axes(self))
    }

    /// As an array of an npz, which is called `name` there.
    fn called(&self) -> &str {
        self.array.as_deref().unwrap_or(FRAMES)
    }

    /// The shape that the frames have in a file.
    fn file_shape(&self) -> Vec<usize> {
        let frame = match &self.frames {
            Frames::Bytes(frames) => {
                let [channels, height, width] = frames.shape;
                vec![height, width, channels]
            }
            Frames::Floats { shape, .. } | Frames::Rows { shape, .. } => shape.clone(),
        };
        [&[self.len()], &frame[..]].concat()
    }

    /// Those that frames are made of, and those beside them.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Self> {
        let own = match &self.frames {
            Frames::Rows { parts, .. } => &parts[..],
            _ => &[],
        };
        own.iter().chain(self.others.iter().filter_map(|array| array.data.as_ref()))
    }

    /// Adds what other frames have beside them, as far as they have the same.
    pub(super) fn extend_others(&mut self, mut others: Vec<Array>) {
        for own in &mut self.others {
            let at = others.iter().position(|other| other.name == own.name);
            let other = at.and_then(|at| others.swap_remove(at).data);
            own.data = match (own.data.take(), other) {
                (Some(mut data), Some(other)) => data.extend(other).ok().map(|()| data),
                _ => None,
            };
            if let (Some(count), Some(data)) = (own.shape.first_mut(), &own.data) {
                *count = data.len();
            }
        }
    }

    pub(super) fn array_summaries(&self) -> Vec<ArraySummary> {
        let of = |name: &str, data: &Self| ArraySummary {
            name: name.into(),
            frame_shape: data.frame_shape().to_vec(),
            pixels: matches!(data.frames, Frames::Bytes(_)),
        };
        let others = self.others.iter();
        let others = others.filter_map(|array| Some(of(&array.name, array.data.as_ref()?)));
        std::iter::once(of(self.called(), self)).chain(others).collect()
    }

    /// The frames of a network with the one input `name`: `x`, or the array called so.
    ///
    /// # Errors
    /// Neither is there.
    pub fn frames_for(&self, name: &str) -> Result<Cow<'_, Self>> {
        if self.array.is_none() {
            return Ok(Cow::Borrowed(self));
        }
        let found = match self.array(name) {
            Some((_, Some(data))) => data.finite(name),
            None if self.stands_out() => self.finite(self.called()),
            _ => Err(Error::new(format!(
                "there is no array `{FRAMES}` for the network's input `{name}`, nor one called so, only {}",
                self.described()
            ))
            .way_out("Save it as np.savez(\"set.npz\", x=frames, y=labels).")),
        };
        let found = self.of_file(found)?;
        let labels = self.labels_without(&|column| column == name);
        let gaps = self.gaps.clone();
        Ok(Cow::Owned(Self {
            file: self.file.clone(),
            labels,
            gaps,
            ..Self::bare(found.frames.clone())
        }))
    }

    /// The frames of a network with several inputs, which have arrays of their names: as rows of all their
    /// numbers, each entering as it would alone.
    ///
    /// # Errors
    /// Names an input without an array, or with one of another shape.
    pub fn rows_for(&self, inputs: &[Value]) -> Result<Cow<'_, Self>> {
        if matches!(self.frames, Frames::Rows { .. }) {
            return Ok(Cow::Borrowed(self));
        }
        // Frames are the one input that no array is called after.
        let mut nameless = inputs.iter().filter(|input| self.array(&input.name).is_none());
        let own = nameless.next().filter(|_| nameless.next().is_none() && self.stands_out());
        let own = own.filter(|_| inputs.iter().all(|input| input.name != self.called()));
        let part =
            |input: &Value| self.part_for(input, own.is_some_and(|own| own.name == input.name));
        let parts = inputs.iter().map(part).collect::<Result<Vec<_>>>();
        let parts = self.of_file(parts)?;
        let len = |part: &Self| part.frame_shape().iter().product::<usize>();
        Ok(Cow::Owned(Self {
            file: self.file.clone(),
            labels: self.labels_without(&|column| inputs.iter().any(|i| i.name == column)),
            class_names: self.class_names.clone(),
            gaps: self.gaps.clone(),
            ..Self::bare(Frames::Rows { shape: vec![parts.iter().map(len).sum()], parts })
        }))
    }

    /// `is_own`: the frames are meant, whatever they are called.
    fn part_for(&self, input: &Value, is_own: bool) -> Result<Self> {
        let name = &input.name;
        let array = if is_own { self.array(self.called()) } else { self.array(name) };
        let (shape, data) = match array {
            Some((shape, Some(data))) => (shape, data),
            Some((shape, None)) => {
                return Err(Error::new(format!(
                    "the array `{name}` of shape {shape:?} has no numbers for each of {} frames",
                    self.len()
                ))
                .way_out("Arrays have the frames along their first axis."));
            }
            None => {
                return Err(Error::new(format!(
                    "there is no array for the network's input `{name}`, only {}",
                    self.described()
                ))
                .way_out("Give an npz with an array named for each input of the network."));
            }
        };
        let wanted = frame_shape(input)?;
        let plain = !FLOATS.contains(&input.element);
        let part = data.finite(name)?.entering(|shape| shape == wanted, plain)?;
        let part = Self::bare(part.frames.clone());
        let one = |shape: &[usize]| shape.iter().all(|&n| n == 1);
        let own = part.frame_shape();
        if own == wanted || (one(own) && one(&wanted)) {
            return Ok(part);
        }
        let dims = input.shape.as_deref().unwrap_or_default();
        Err(Error::new(format!(
            "the network's input `{name}` is {}, its array has the shape {shape:?}",
            describe(dims)
        ))
        .way_out("Save it in the network's shape; pictures of uint8 may be frames, height, width, channels."))
    }

    /// The array called `name`: its shape in the file, and its numbers.
    fn array(&self, name: &str) -> Option<(Vec<usize>, Option<&Self>)> {
        if self.called() == name {
            return Some((self.file_shape(), Some(self)));
        }
        let array = self.others.iter().find(|array| array.name == name)?;
        Some((array.shape.clone(), array.data.as_ref()))
    }

    /// What arrays there are.
    fn described(&self) -> String {
        let own = (self.called(), self.file_shape());
        let others = self.others.iter().map(|array| (&*array.name, array.shape.clone()));
        let arrays = std::iter::once(own).chain(others);
        arrays.map(|(name, shape)| format!("{name} {shape:?}")).collect::<Vec<_>>().join(", ")
    }

    /// # Errors
    /// Numbers that are not finite, as those of the array `name`.
    pub(in crate::data) fn finite(&self, name: &str) -> Result<&Self> {
        let Frames::Floats { shape, values } = &self.frames else { return Ok(self) };
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(self),
            Some(at) => {
                let frame = at / shape.iter().product::<usize>();
                Err(Error::new(format!("frame {frame} of `{name}` holds {}", values[at])))
            }
        }
    }

    /// What an array is for is no label.
    fn labels_without(&self, is_input: &dyn Fn(&str) -> bool) -> Option<Labels> {
        self.labels.as_ref()?.without(is_input)
    }
}
