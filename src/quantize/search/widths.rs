//! Which layer to give more bits: the one that takes most damage away for what it costs.

use super::super::Step;
use super::super::effects::Bench;
use super::space::{Adjustable, Space};
use crate::error::Result;
use crate::quantize::step::StepProgress;
use crate::vocabulary::recipe::{LayerBits, Recipe};

/// The widths that a search gives out.
const WIDTHS: [u32; 6] = [2, 3, 4, 5, 6, 8];

/// One layer's weights, or the tensor it makes, at more bits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Raise {
    pub(super) layer: String,
    pub(super) what: Raised,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raised {
    Weights(u32),
    Activations(u32),
    Float,
}

impl Raise {
    pub(super) fn apply(&self, recipe: &mut Recipe) {
        let bits = recipe.layers.entry(self.layer.clone()).or_default();
        match self.what {
            Raised::Weights(width) => bits.weight_bits = Some(width),
            Raised::Activations(width) => bits.activation_bits = Some(width),
            Raised::Float => {
                recipe.layers.remove(&self.layer);
                recipe.keep_float.push(self.layer.clone());
            }
        }
    }

    pub(super) fn in_words(&self) -> String {
        match self.what {
            Raised::Weights(width) => format!("{} to {width}-bit weights", self.layer),
            Raised::Activations(width) => format!("{} to {width}-bit activations", self.layer),
            Raised::Float => format!("{} to float", self.layer),
        }
    }
}

/// What each layer does to the answers by itself, at each width.
#[derive(Debug, Clone, Default)]
pub(super) struct Sensitivity {
    /// Layer, whether its weights (else the tensor it makes), width, mean squared error of the
    /// logits.
    damage: Vec<(String, bool, u32, f64)>,
}

impl Sensitivity {
    /// Measures every layer alone, from the recipe's own widths up to 8 bits.
    pub(super) fn measure(
        space: &mut Space<'_>,
        bench: &mut Bench<'_>,
        recipe: &Recipe,
        progress: &mut StepProgress,
    ) -> Result<Self> {
        let mut wanted = Vec::new();
        let mut keys = Vec::new();
        for Adjustable { node, weights, activations } in space.layers(recipe, progress)? {
            let mut want = |of_weights: bool, width: u32, bits: LayerBits| {
                let layers = [(node.clone(), bits)].into();
                wanted.push((node.clone(), Recipe { layers, ..recipe.clone() }));
                keys.push((node.clone(), of_weights, width));
            };
            let eight = |wanted: bool| wanted.then_some(8);
            if weights {
                for width in widths(recipe.weight_bits_of(&node)) {
                    let activation_bits = eight(activations);
                    want(true, width, LayerBits { weight_bits: Some(width), activation_bits });
                }
            }
            // At 8 bits they are what the weights at 8 bits were measured with.
            let floor = recipe.activation_bits_of(&node);
            if activations && floor < 8 {
                for width in widths(floor) {
                    let weight_bits = eight(weights);
                    want(false, width, LayerBits { weight_bits, activation_bits: Some(width) });
                }
            }
        }
        let variants = space.alone(&wanted, progress)?;
        let mut progress = |done, total| progress(Step::Analyze, done, total);
        let measured = bench.measure(None, &variants, &mut progress)?;
        let damage = keys.into_iter().zip(measured);
        let damage = damage.map(|((l, weights, width), m)| (l, weights, width, m.effect.logit_mse));
        Ok(Self { damage: damage.collect() })
    }

    /// Raises, in the order in which they pay: the damage that each takes away over what it adds to
    /// the cost. The last ones leave layers in float.
    pub(super) fn path(&self, recipe: &Recipe, cost: &dyn Fn(&Recipe) -> u64) -> Vec<Raise> {
        let mut path = Vec::new();
        let mut present = recipe.clone();
        let mut bill = cost(&present);
        while let Some((raise, next, price)) = self.best(&present, bill, cost) {
            path.push(raise);
            present = next;
            bill = price;
        }
        let mut rest: Vec<_> =
            self.damage.iter().filter(|(_, weights, width, _)| *weights && *width == 8).collect();
        rest.sort_by(|a, b| b.3.total_cmp(&a.3));
        let float = |(layer, ..): &(String, bool, u32, f64)| Raise {
            layer: layer.clone(),
            what: Raised::Float,
        };
        path.extend(rest.into_iter().map(float));
        path
    }

    fn best(
        &self,
        present: &Recipe,
        bill: u64,
        cost: &dyn Fn(&Recipe) -> u64,
    ) -> Option<(Raise, Recipe, u64)> {
        let mut best: Option<(f64, Raise, Recipe, u64)> = None;
        for (layer, weights, width, damage) in &self.damage {
            let now = match weights {
                true => present.weight_bits_of(layer),
                false => present.activation_bits_of(layer),
            };
            if *width <= now {
                continue;
            }
            let gain = self.at(layer, *weights, now) - damage;
            let what = match weights {
                true => Raised::Weights(*width),
                false => Raised::Activations(*width),
            };
            let raise = Raise { layer: layer.clone(), what };
            let mut next = present.clone();
            raise.apply(&mut next);
            let price = cost(&next);
            let worth = gain.max(0.0) / (price.saturating_sub(bill).max(1) as f64);
            if best.as_ref().is_none_or(|(most, ..)| worth > *most) {
                best = Some((worth, raise, next, price));
            }
        }
        best.map(|(_, raise, next, price)| (raise, next, price))
    }

    /// One layer with the next lower width, not below that of `floor`: the one that does least damage
    /// for what it saves. Layers that lost the same bits in `refused` stay as they are.
    pub(super) fn lowering(
        &self,
        present: &Recipe,
        floor: &Recipe,
        refused: &[Raise],
        cost: &dyn Fn(&Recipe) -> u64,
    ) -> Option<(Raise, Recipe)> {
        let bill = cost(present);
        let mut best: Option<(f64, Raise, Recipe)> = None;
        for (layer, weights, width, damage) in &self.damage {
            let (now, least) = match weights {
                true => (present.weight_bits_of(layer), floor.weight_bits_of(layer)),
                false => (present.activation_bits_of(layer), floor.activation_bits_of(layer)),
            };
            let next = widths(least).take_while(|width| *width < now).last();
            let what = match weights {
                true => Raised::Weights(*width),
                false => Raised::Activations(*width),
            };
            let lowered = Raise { layer: layer.clone(), what };
            if next != Some(*width)
                || refused.contains(&lowered)
                || present.keep_float.contains(layer)
            {
                continue;
            }
            let mut recipe = present.clone();
            lowered.apply(&mut recipe);
            let saved = bill.saturating_sub(cost(&recipe));
            let harm = (damage - self.at(layer, *weights, now)).max(0.0) / (saved.max(1) as f64);
            if saved > 0 && best.as_ref().is_none_or(|(least, ..)| harm < *least) {
                best = Some((harm, lowered, recipe));
            }
        }
        best.map(|(_, lowered, recipe)| (lowered, recipe))
    }

    fn at(&self, layer: &str, weights: bool, width: u32) -> f64 {
        let same =
            |(l, w, b, _): &&(String, bool, u32, f64)| l == layer && *w == weights && *b == width;
        let own = self.damage.iter().find(same).map(|(.., damage)| *damage);
        // A width that is not given out, such as 7, does about what the next one does.
        own.unwrap_or(0.0)
    }
}

/// The widths from `floor` up.
pub(super) fn widths(floor: u32) -> impl Iterator<Item = u32> {
    let first = (!WIDTHS.contains(&floor)).then_some(floor);
    first.into_iter().chain(WIDTHS.into_iter().filter(move |width| *width >= floor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(weight_bits: u32) -> Recipe {
        Recipe { weight_bits, ..Recipe::default() }
    }

    /// `hurt` loses much at 4 bits and nothing at 6, `calm` hardly anything, `late` everything below 8.
    fn sensitivity() -> Sensitivity {
        let damage = [
            ("calm", [0.02, 0.015, 0.011, 0.01]),
            ("hurt", [8.0, 0.9, 0.1, 0.09]),
            ("late", [2.0, 1.9, 1.8, 0.0]),
        ];
        let of = |(layer, by_width): &(&str, [f64; 4])| {
            let rows = [4, 5, 6, 8].into_iter().zip(*by_width);
            rows.map(|(width, d)| (layer.to_string(), true, width, d)).collect::<Vec<_>>()
        };
        Sensitivity { damage: damage.iter().flat_map(of).collect() }
    }

    #[test]
    fn what_pays_most_is_raised_first() {
        let cost = |recipe: &Recipe| {
            ["calm", "hurt", "late"].iter().map(|l| u64::from(recipe.weight_bits_of(l))).sum()
        };
        let path = sensitivity().path(&recipe(4), &cost);
        let steps: Vec<String> = path.iter().map(Raise::in_words).collect();
        // 7.1 for one bit; then 0.8 for the next; then 2.0 for four bits of `late`.
        assert_eq!(steps[0], "hurt to 5-bit weights");
        assert_eq!(steps[1], "hurt to 6-bit weights");
        assert_eq!(steps[2], "late to 8-bit weights");
        assert_eq!(steps.last().unwrap(), "late to float");
        let mut end = recipe(4);
        path[..path.len() - 3].iter().for_each(|raise| raise.apply(&mut end));
        assert!(["calm", "hurt", "late"].iter().all(|l| end.weight_bits_of(l) == 8));
    }

    #[test]
    fn what_hurts_least_for_what_it_saves_is_lowered_first() {
        let cost = |recipe: &Recipe| {
            ["calm", "hurt", "late"].iter().map(|l| u64::from(recipe.weight_bits_of(l))).sum()
        };
        let mut refused = Vec::new();
        let mut present = recipe(8);
        let mut order = Vec::new();
        while let Some((lowered, next)) =
            sensitivity().lowering(&present, &recipe(4), &refused, &cost)
        {
            order.push(lowered.in_words());
            // `late` may not be lowered at all.
            if lowered.layer == "late" { refused.push(lowered) } else { present = next }
        }
        assert_eq!(order[..2], ["calm to 6-bit weights", "calm to 5-bit weights"]);
        assert_eq!(order.iter().filter(|what| what.contains("late")).count(), 1);
        assert_eq!(["calm", "hurt", "late"].map(|l| present.weight_bits_of(l)), [4, 4, 8]);
    }

    #[test]
    fn a_raise_to_float_replaces_the_widths() {
        let mut changed = recipe(4);
        for what in [Raised::Weights(8), Raised::Activations(6), Raised::Float] {
            Raise { layer: "a".into(), what }.apply(&mut changed);
        }
        assert_eq!(changed, Recipe { keep_float: vec!["a".into()], ..recipe(4) });
    }

    #[test]
    fn odd_floors_are_widths_too() {
        assert_eq!(widths(7).collect::<Vec<_>>(), [7, 8]);
        assert_eq!(widths(4).collect::<Vec<_>>(), [4, 5, 6, 8]);
    }
}
