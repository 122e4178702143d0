//! How long inferences take, as it is measured.

use std::rc::Rc;

use super::State;
use crate::lab::protocol::ModelId;

/// Of networks that are timed in turns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Times {
    pub models: Vec<ModelId>,
    /// Milliseconds of each, shared with whoever draws them.
    pub ms: Vec<Rc<[f32]>>,
}

impl State {
    pub(super) fn timed(&mut self, ms: Vec<Vec<f32>>) {
        let Some(job) = &self.job else { return };
        let times = Rc::make_mut(self.times.get_or_insert_default());
        if times.models != job.contestants {
            let (models, none) = (job.contestants.clone(), Rc::default());
            *times = Times { ms: vec![none; models.len()], models };
        }
        for (all, more) in times.ms.iter_mut().zip(ms) {
            *all = all.iter().copied().chain(more).collect();
        }
    }

    /// The names of those that were timed together last, or are now, and how long they took.
    pub fn latencies(&self) -> Vec<(ModelId, String, Rc<[f32]>)> {
        if let Some(times) = &self.times {
            let named = times.models.iter().map(|id| (id.clone(), self.name_of(id)));
            let all = named.zip(&times.ms).map(|((id, name), ms)| (id, name, ms.clone()));
            return all.collect();
        }
        let Some(variants) = self.bench() else { return Vec::new() };
        let timed = variants.all.iter().filter(|variant| !variant.hidden).filter_map(|variant| {
            let measured = variant.measured.as_ref().filter(|of| !of.times.is_empty())?;
            Some((variant, measured))
        });
        let last = timed.clone().map(|(_, measured)| measured.run).max();
        let timed = timed.filter(|(_, measured)| Some(measured.run) == last);
        timed
            .map(|(variant, of)| (variant.id.clone(), self.variant_name(variant), of.times.clone()))
            .collect()
    }

    fn name_of(&self, id: &str) -> String {
        match self.variant(id) {
            Some(variant) => self.variant_name(variant),
            None => self.title(id),
        }
    }
}
