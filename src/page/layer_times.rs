//! Where the time goes: networks side by side, layer by layer.

use super::sorting::{Key, Sorting};
use crate::vocabulary::report::StepProfile;

/// What a table of times can be sorted by; a network is named by its place in the comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Column {
    /// The network's own order.
    #[default]
    Position,
    Node,
    Ms(usize),
    Speedup,
    Macs,
    Gmacs(usize),
}

/// What one network spends on a layer, or on several.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Share {
    /// Mean milliseconds per inference.
    pub ms: f64,
    /// Multiply-accumulates of one frame.
    pub macs: u64,
    /// The operators as they run, each once.
    pub operators: Vec<String>,
}

impl Share {
    fn add(&mut self, step: &StepProfile) {
        self.ms += step.ms;
        self.macs += step.macs;
        if !self.operators.contains(&step.operator) {
            self.operators.push(step.operator.clone());
        }
    }

    /// 10^9 multiply-accumulates per second; `None` where there is nothing to divide.
    pub fn gmacs(&self) -> Option<f64> {
        (self.macs > 0 && self.ms > 0.0).then(|| self.macs as f64 / self.ms / 1e6)
    }
}

/// A layer, with the share of every network; `None` in one that has no such node.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerTime {
    pub node: String,
    pub shares: Vec<Option<Share>>,
}

impl LayerTime {
    /// Those of the first network that has the layer.
    pub fn macs(&self) -> u64 {
        self.shares.iter().flatten().next().map_or(0, |share| share.macs)
    }

    /// The first network's time over the last one's.
    pub fn speedup(&self) -> Option<f64> {
        match &self.shares[..] {
            [Some(first), .., Some(last)] => speedup(first, last),
            _ => None,
        }
    }
}

/// How many times as fast the last one is as the first.
pub fn speedup(first: &Share, last: &Share) -> Option<f64> {
    (first.ms > 0.0 && last.ms > 0.0).then(|| first.ms / last.ms)
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct LayerTimes {
    /// What multiplies and accumulates, in the network's order.
    pub layers: Vec<LayerTime>,
    /// Everything else, of every network: what moves or maps elements.
    pub rest: Vec<Share>,
    pub total: Vec<Share>,
}

impl LayerTimes {
    /// From the profile of each network.
    pub fn of(profiles: &[&[StepProfile]]) -> Self {
        let none = vec![Share::default(); profiles.len()];
        let mut times = Self { layers: Vec::new(), rest: none.clone(), total: none };
        for (network, profile) in profiles.iter().enumerate() {
            // Where a layer goes that the networks before this one do not have.
            let mut next = 0;
            for step in *profile {
                times.total[network].add(step);
                if step.macs == 0 {
                    times.rest[network].add(step);
                    continue;
                }
                let known = times.layers.iter().position(|layer| layer.node == step.node);
                let at = known.unwrap_or_else(|| {
                    let shares = vec![None; profiles.len()];
                    times.layers.insert(next, LayerTime { node: step.node.clone(), shares });
                    next
                });
                times.layers[at].shares[network].get_or_insert_default().add(step);
                next = at + 1;
            }
        }
        times
    }

    /// The longest time of a row.
    pub fn longest_ms(&self) -> f64 {
        let layers = self.layers.iter().flat_map(|layer| layer.shares.iter().flatten());
        layers.chain(&self.rest).map(|share| share.ms).fold(0.0, f64::max)
    }

    /// Places of the layers; what a column says nothing about comes last.
    pub fn order(&self, sorting: Sorting<Column>) -> Vec<usize> {
        sorting.order(self.layers.len(), |at| {
            let layer = &self.layers[at];
            let share = |network: usize| layer.shares.get(network)?.as_ref();
            match sorting.column {
                Column::Position => Key::Figure(at as f64),
                Column::Node => Key::Text(&layer.node),
                Column::Ms(network) => share(network).map(|share| share.ms).into(),
                Column::Speedup => layer.speedup().into(),
                Column::Macs => Key::Figure(layer.macs() as f64),
                Column::Gmacs(network) => share(network).and_then(Share::gmacs).into(),
            }
        })
    }
}

/// How many times as fast as on floats these kernels are on integers where arithmetic bounds both:
/// the ratio of the peaks of one thread in Chromium on x86-64, 45 against 28 and against 23 GMAC/s.
pub fn ceiling(kernels: &str) -> Option<f64> {
    match kernels {
        "relaxed-simd" => Some(1.6),
        // Its float multiplies and adds in two instructions.
        "simd128" => Some(2.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(node: &str, operator: &str, ms: f64, macs: u64) -> StepProfile {
        StepProfile { node: node.into(), operator: operator.into(), ms, macs }
    }

    fn pair() -> LayerTimes {
        LayerTimes::of(&[
            &[
                step("a", "Conv", 0.3, 6_000_000),
                step("pool", "MaxPool", 0.1, 0),
                step("b", "Conv", 0.2, 1_000_000),
                step("c", "Gemm", 0.2, 2_000_000),
            ],
            &[
                step("input", "QuantizeLinear", 0.05, 0),
                step("a", "QLinearConv", 0.2, 6_000_000),
                step("pool", "MaxPool", 0.02, 0),
                step("b2", "QLinearConv", 0.1, 1_000_000),
                step("c", "QGemm", 0.4, 2_000_000),
                step("logits", "DequantizeLinear", 0.03, 0),
            ],
        ])
    }

    #[test]
    fn layers_of_both_networks_share_a_row_and_the_rest_is_one() {
        let times = pair();
        let nodes: Vec<&str> = times.layers.iter().map(|layer| &*layer.node).collect();
        assert_eq!(nodes, ["a", "b2", "b", "c"]);
        let a = &times.layers[0];
        assert_eq!((a.macs(), a.speedup()), (6_000_000, Some(0.3 / 0.2)));
        assert_eq!(a.shares[1].as_ref().unwrap().operators, ["QLinearConv"]);
        assert!((a.shares[0].as_ref().unwrap().gmacs().unwrap() - 20.0).abs() < 1e-9);
        let b = &times.layers[2];
        assert_eq!((b.shares[1].as_ref(), b.speedup()), (None, None));
        assert_eq!(times.rest[1].operators, ["QuantizeLinear", "MaxPool", "DequantizeLinear"]);
        assert!((times.rest[1].ms - 0.1).abs() < 1e-12);
        assert_eq!(times.rest[0].gmacs(), None);
        assert!((times.total[0].ms - 0.8).abs() < 1e-12);
        assert_eq!(times.total[1].macs, 9_000_000);
        assert_eq!(times.longest_ms(), 0.4);
    }

    #[test]
    fn every_column_sorts() {
        let times = pair();
        let by = |column, descending| times.order(Sorting { column, descending });
        assert_eq!(by(Column::Position, false), [0, 1, 2, 3]);
        assert_eq!(by(Column::Node, false), [0, 2, 1, 3]);
        assert_eq!(by(Column::Ms(0), true), [0, 2, 3, 1]);
        assert_eq!(by(Column::Ms(1), true), [3, 0, 1, 2]);
        assert_eq!(by(Column::Speedup, false), [3, 0, 1, 2]);
        assert_eq!(by(Column::Macs, true), [0, 3, 1, 2]);
        assert_eq!(by(Column::Gmacs(0), false), [2, 3, 0, 1]);
    }

    #[test]
    fn a_network_alone_has_no_speedup_and_without_a_profile_no_layer() {
        let alone = LayerTimes::of(&[&[step("a", "Conv", 0.3, 6_000_000)]]);
        assert_eq!(alone.layers[0].speedup(), None);
        assert_eq!(LayerTimes::of(&[&[], &[]]).layers, []);
    }
}
